//! Pure. As much of a Dockerfile as it takes to know which images and local files it uses, to name other images, and to tell
//! where what it uses cannot be known.
//!
//! Reading is lenient: what makes no sense is passed over. Telling that it is wrong is the builder's job.

mod hazards;
mod lines;
mod place;
mod trace;
mod words;

pub use hazards::{Hazard, Syntax, hazards, syntax, triggered_hazard};
pub use place::{Place, of_step, places};
pub use trace::{Copying, Step, StepKind, Traced, trace};

use lines::{Instruction, Token};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use words::{Scope, expanded};

/// A place where a Dockerfile names an image that is none of its own stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// The image, with arguments filled in.
    pub text: String,
    /// The line of the instruction, counted from 1.
    pub line: usize,
    pub kind: UseKind,
    /// What `FROM --platform=` says, arguments filled in; empty if it does not.
    pub platform: String,
    /// Where it is written, in bytes of the Dockerfile.
    pub span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKind {
    /// `FROM image`
    Base,
    /// `COPY --from=image`
    Copy,
    /// `RUN --mount=from=image`
    Mount,
}

/// A `COPY` or `ADD` of files of the build context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalCopy {
    /// Counted from 0.
    pub stage: usize,
    pub line: usize,
    pub sources: Vec<String>,
    pub destination: String,
    /// What a relative destination is relative to, as far as this stage says.
    pub workdir: Option<String>,
}

/// The images that a Dockerfile uses, in the order of the text. `build_args` win over the defaults of `ARG`.
pub fn base_images(text: &str, build_args: &[(String, String)]) -> Vec<ImageUse> {
    read(text, build_args, &[]).images
}

/// As `base_images`, where `FROM` may use variables that nothing declares, such as `TARGETARCH`.
pub fn base_images_with(text: &str, build_args: &[(String, String)], builtin: &[(String, String)]) -> Vec<ImageUse> {
    read(text, build_args, builtin).images
}

/// The files of the build context that a Dockerfile copies.
pub fn copies(text: &str, build_args: &[(String, String)]) -> Vec<LocalCopy> {
    read(text, build_args, &[]).copies
}

/// The Dockerfile with other images in place of those for which `replacement` has one; nothing if it has none.
pub fn with_images<F>(text: &str, images: &[ImageUse], mut replacement: F) -> Option<String>
where
    F: FnMut(&ImageUse) -> Option<String>,
{
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for image in images {
        let (Some(before), Some(new)) = (text.get(done..image.span.start), replacement(image)) else {
            continue;
        };
        out.push_str(before);
        out.push_str(&new);
        done = image.span.end;
    }
    if done == 0 {
        return None;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

fn read(text: &str, build_args: &[(String, String)], builtin: &[(String, String)]) -> Reader {
    let mut reader = Reader {
        build_args: build_args.iter().cloned().collect(),
        ..Reader::default()
    };
    let (instructions, escape) = lines::instructions(text);
    reader.scope.escape = escape;
    reader.scope.values = builtin.iter().cloned().collect();
    for instruction in &instructions {
        reader.read(instruction);
    }
    reader
}

/// What is known while going through the instructions.
#[derive(Default)]
struct Reader {
    build_args: HashMap<String, String>,
    /// Arguments from before the first stage, which `FROM` may use.
    globals: HashMap<String, String>,
    /// What the instruction at hand may use.
    scope: Scope,
    /// How many stages have begun.
    stages: usize,
    /// In lowercase.
    stage_names: HashSet<String>,
    workdir: Option<String>,
    images: Vec<ImageUse>,
    copies: Vec<LocalCopy>,
}

impl Reader {
    fn read(&mut self, instruction: &Instruction) {
        match instruction.name.as_str() {
            "ARG" => self.read_arg(instruction),
            "ENV" => self.read_env(instruction),
            "FROM" => self.read_from(instruction),
            "WORKDIR" => self.read_workdir(instruction),
            "COPY" | "ADD" => self.read_copy(instruction),
            "RUN" => self.read_run(instruction),
            _ => {}
        }
    }

    fn read_arg(&mut self, instruction: &Instruction) {
        for token in &instruction.arguments {
            let (name, default) = match token.text.split_once('=') {
                Some((name, default)) => (name, Some(expanded(default, &self.scope))),
                None => (token.text.as_str(), None),
            };
            let given = self.build_args.get(name).cloned();
            let inherited = self.globals.get(name).cloned();
            let Some(value) = given.or(default).or(inherited) else {
                continue;
            };
            self.scope.values.insert(name.to_owned(), value);
        }
    }

    fn read_env(&mut self, instruction: &Instruction) {
        let arguments = &instruction.arguments;
        if let [name, rest @ ..] = arguments.as_slice()
            && !name.text.contains('=')
        {
            // The old form: one name, and the rest of the line is its value.
            let rest: Vec<&str> = rest.iter().map(|token| token.text.as_str()).collect();
            let value = expanded(&rest.join(" "), &self.scope);
            self.scope.values.insert(name.text.clone(), value);
            return;
        }
        // No pair of one instruction sees another one of the same.
        let pairs = arguments.iter().filter_map(|it| it.text.split_once('='));
        let pairs: Vec<_> = pairs
            .map(|(name, value)| (name.to_owned(), expanded(value, &self.scope)))
            .collect();
        self.scope.values.extend(pairs);
    }

    fn read_from(&mut self, instruction: &Instruction) {
        if self.stages == 0 {
            self.globals = std::mem::take(&mut self.scope.values);
        }
        // `FROM` sees the arguments from before the first stage; the stage itself asks for those that it wants.
        self.scope.values = std::mem::take(&mut self.globals);
        if let Some(token) = instruction.arguments.first() {
            self.note_image(token, instruction.line, UseKind::Base);
        }
        let platform = instruction.flags.iter().find_map(|flag| flag.value_of("--platform"));
        if let (Some(platform), Some(image)) = (platform, self.images.last_mut())
            && image.line == instruction.line
        {
            image.platform = expanded(&platform.text, &self.scope);
        }
        self.globals = std::mem::take(&mut self.scope.values);
        self.workdir = None;
        self.stages += 1;
        if let [_, keyword, name, ..] = instruction.arguments.as_slice()
            && keyword.text.eq_ignore_ascii_case("as")
        {
            self.stage_names.insert(name.text.to_lowercase());
        }
    }

    fn read_workdir(&mut self, instruction: &Instruction) {
        let Some(token) = instruction.arguments.first() else {
            return;
        };
        let to = expanded(&token.text, &self.scope);
        self.workdir = match self.workdir.take() {
            Some(from) if !to.starts_with('/') => Some(format!("{from}/{to}")),
            None if !to.starts_with('/') => None,
            _ => Some(to),
        };
    }

    fn read_copy(&mut self, instruction: &Instruction) {
        let from = instruction.flags.iter().find_map(|flag| flag.value_of("--from"));
        if let Some(from) = from {
            self.note_image(&from, instruction.line, UseKind::Copy);
            return;
        }
        let mut sources: Vec<String> = instruction
            .words()
            .iter()
            .map(|word| expanded(word, &self.scope))
            .collect();
        let (Some(destination), Some(stage)) = (sources.pop(), self.stages.checked_sub(1)) else {
            return;
        };
        sources.retain(|source| !is_remote(source) && !source.starts_with("<<"));
        if sources.is_empty() {
            return;
        }
        self.copies.push(LocalCopy {
            stage,
            line: instruction.line,
            sources,
            destination,
            workdir: self.workdir.clone(),
        });
    }

    fn read_run(&mut self, instruction: &Instruction) {
        let mounts = instruction.flags.iter().filter_map(|flag| flag.value_of("--mount"));
        for field in mounts.flat_map(|mount| mount.split(',')) {
            if let Some(image) = field.value_of("from") {
                self.note_image(&image, instruction.line, UseKind::Mount);
            }
        }
    }

    fn note_image(&mut self, token: &Token, line: usize, kind: UseKind) {
        let text = expanded(&token.text, &self.scope);
        let stage = self.stage_names.contains(&text.to_lowercase());
        let numbered = kind != UseKind::Base && text.bytes().all(|byte| byte.is_ascii_digit());
        if text.is_empty() || text == "scratch" || stage || numbered {
            return;
        }
        self.images.push(ImageUse {
            text,
            line,
            kind,
            platform: String::new(),
            span: token.span(),
        });
    }
}

fn is_remote(source: &str) -> bool {
    ["http://", "https://", "git@", "git://", "ssh://"]
        .iter()
        .any(|scheme| source.starts_with(scheme))
}

#[cfg(test)]
mod tests;
