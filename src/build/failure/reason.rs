//! Pure. What builders of all ages say when something failed.

/// What is wrong, as far as the message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    DiskFull,
    EngineGone {
        said: String,
    },
    /// Of the network or the machine, in one of its many forms.
    Trouble {
        said: String,
    },
    /// The builder remembers what it does not have any more, or mixes up what it does at the same time.
    CacheDamaged {
        said: String,
    },
    Syntax {
        line: usize,
        said: String,
    },
    /// The file begins with something else than a stage.
    NoStage,
    Exit {
        code: String,
        command: String,
    },
    Image {
        /// As the builder calls it, where it does.
        named: Option<String>,
        trouble: Trouble,
    },
    /// The Dockerfile has no such stage.
    NoTarget {
        name: String,
    },
    /// The build context has no such file. Old builders know only how far they came on its path.
    NoSource {
        path: String,
    },
    /// Another stage or image has no such file.
    NothingInStage {
        path: String,
    },
    Other {
        said: String,
    },
}

/// What is wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    Missing,
    /// There is no such image, or one must log in to see it: registries do not say which.
    Denied,
    TooMany,
    Unreachable {
        why: String,
    },
}

/// What a builder puts before what it means, each with what may stand in between.
const PREFIXES: [&str; 11] = [
    "ERROR:",
    "Error response from daemon:",
    "failed to solve:",
    "failed to solve with frontend dockerfile.v0:",
    "failed to create LLB definition:",
    "failed to build LLB:",
    "failed to compute cache key:",
    "failed to load cache key:",
    "failed to read dockerfile:",
    "failed to prepare context:",
    "target stage:",
];

/// What it means, without what is put before it.
pub fn core(message: &str) -> &str {
    let mut rest = message.trim();
    loop {
        let short = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix));
        let rpc = || {
            rest.strip_prefix("rpc error: code = ")?
                .split_once(" desc = ")
                .map(|it| it.1)
        };
        let checksum = || {
            let rest = rest.strip_prefix("failed to calculate checksum of ref ")?;
            rest.split_once(": ").map(|it| it.1)
        };
        match short.or_else(rpc).or_else(checksum) {
            Some(shorter) => rest = shorter.trim_start(),
            None => return rest,
        }
    }
}

pub fn read(message: &str, step: &str) -> Reason {
    let said = core(message);
    if said.contains("no space left on device") {
        return Reason::DiskFull;
    }
    if is_of_cache(message) {
        return Reason::CacheDamaged { said: said.to_owned() };
    }
    let found = syntax(said)
        .or_else(|| target(said))
        .or_else(|| exit(said))
        .or_else(|| source(said))
        .or_else(|| image(said, step))
        .or_else(|| engine(said));
    found.unwrap_or_else(|| match said {
        "no build stage in current context" => Reason::NoStage,
        "the Dockerfile cannot be empty" | "file with no instructions" => Reason::NoStage,
        _ => Reason::Other { said: said.to_owned() },
    })
}

/// Words of a builder whose own store is not what it believes, each with all that has to be there.
fn is_of_cache(message: &str) -> bool {
    let signs: [&[&str]; 7] = [
        &["content digest ", ": not found"],
        &["inconsistent graph state"],
        &["parent snapshot ", "does not exist"],
        &["failed to get layer ", "layer does not exist"],
        &["failed to export image", "unknown parent image ID"],
        &["failed to get state for index"],
        &["missing descriptor for"],
    ];
    signs
        .iter()
        .any(|parts| parts.iter().all(|part| message.contains(part)))
}

fn syntax(said: &str) -> Option<Reason> {
    let rest = said.split_once("ockerfile parse error ")?.1;
    let rest = rest.strip_prefix("on ").unwrap_or(rest).strip_prefix("line ")?;
    let (line, said) = rest.split_once(": ")?;
    let line = line.parse().ok()?;
    Some(Reason::Syntax {
        line,
        said: said.to_owned(),
    })
}

/// BuildKit's words, then those of the classic builder.
fn target(said: &str) -> Option<Reason> {
    let openings = [
        ("target stage ", " could not be found"),
        ("failed to reach build target ", " in Dockerfile"),
    ];
    let name = openings
        .iter()
        .find_map(|(start, end)| said.strip_prefix(start)?.strip_suffix(end))?;
    Some(Reason::NoTarget {
        name: name.trim_matches('"').to_owned(),
    })
}

fn exit(said: &str) -> Option<Reason> {
    let openings = [
        ("executor failed running [", "]: exit code: "),
        ("process \"", "\" did not complete successfully: exit code: "),
        ("The command '", "' returned a non-zero code: "),
    ];
    let (command, code) = openings
        .iter()
        .find_map(|(start, end)| said.strip_prefix(start)?.rsplit_once(end))?;
    let digits = code.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| Reason::Exit {
        code: code[..digits].to_owned(),
        command: command.trim_start_matches("/bin/sh -c ").to_owned(),
    })
}

fn source(said: &str) -> Option<Reason> {
    let no_source = |path: &str| {
        let path = path.trim_start_matches('/').to_owned();
        Some(Reason::NoSource { path })
    };
    if let Some(rest) = said.strip_prefix('"')
        && let Some((path, rest)) = rest.split_once('"')
        && rest.trim_start_matches(':').trim_start().starts_with("not found")
    {
        return no_source(path);
    }
    if let Some(rest) = said
        .strip_prefix("COPY failed: ")
        .or_else(|| said.strip_prefix("ADD failed: "))
    {
        let path = rest.split_once("stat ").and_then(|(_, rest)| rest.rsplit_once(": "));
        return no_source(path.map_or("", |(path, _)| path));
    }
    let path = said.strip_suffix(": no such file or directory")?;
    let (_, path) = path.rsplit_once("lstat ")?;
    // `failed to walk` where the folder is missing, `lstat` alone where the file is.
    if let Some((_, rest)) = path.split_once("/buildkit-mount") {
        return no_source(rest.split_once('/').map_or("", |(_, path)| path));
    }
    let (_, path) = path.split_once("/merged/")?;
    let path = format!("/{path}");
    Some(Reason::NothingInStage { path })
}

fn image(said: &str, step: &str) -> Option<Reason> {
    let named = named(said, step);
    let is_of_image = named.is_some() || step.contains("FROM ");
    let trouble = trouble(said).filter(|_| is_of_image)?;
    Some(Reason::Image { named, trouble })
}

/// The image that a message or a step is about.
fn named(said: &str, step: &str) -> Option<String> {
    let until_colon = |prefix: &str| said.split_once(prefix)?.1.split_once(": ").map(|it| it.0);
    let word = |prefix: &str| said.split_once(prefix)?.1.split([' ', ',']).next();
    let of_step = || {
        let step = step.split_once("load metadata for ").map(|it| it.1);
        step.filter(|image| !image.is_empty())
    };
    let bare = || step.strip_prefix("FROM ");
    let image = until_colon("failed to resolve source metadata for ")
        .or_else(|| word("pull access denied for "))
        .or_else(|| word("manifest for "))
        .or_else(of_step)
        .or_else(bare)
        .or_else(|| said.strip_suffix(": not found"))?;
    (!image.contains(' ')).then(|| image.to_owned())
}

fn trouble(said: &str) -> Option<Trouble> {
    let has = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    if has(&["toomanyrequests", "429 Too Many Requests"]) {
        return Some(Trouble::TooMany);
    }
    let network = [
        "dial tcp",
        "TLS handshake",
        "i/o timeout",
        "x509:",
        "connection reset",
        "EOF",
        "server gave HTTP response",
    ];
    if has(&network) {
        let why = said.split_once("dial tcp").map_or(said, |(_, why)| why);
        let why = why.trim_start_matches([':', ' ']).to_owned();
        return Some(Trouble::Unreachable { why });
    }
    if has(&[
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "unexpected status",
    ]) && !has(&["401", "403", "404"])
    {
        return Some(Trouble::Unreachable { why: said.to_owned() });
    }
    if has(&[
        "pull access denied",
        "access denied",
        "authorization failed",
        "unauthorized",
        "401",
        "403",
    ]) {
        return Some(Trouble::Denied);
    }
    has(&["not found", "manifest unknown", "404"]).then_some(Trouble::Missing)
}

fn engine(said: &str) -> Option<Reason> {
    let has = |signs: &[&str]| signs.iter().any(|sign| said.contains(sign));
    if has(&["error reading from server", "transport is closing", "Unavailable"]) {
        return Some(Reason::EngineGone { said: said.to_owned() });
    }
    let trouble = [
        "connection reset by peer",
        "connection refused",
        "broken pipe",
        "cannot allocate memory",
    ];
    has(&trouble).then(|| Reason::Trouble { said: said.to_owned() })
}
