//! Pure. What a shell in a container is told, so that it takes the agent from its input and becomes it.
//!
//! One command does it all: it looks whether the agent is there, asks for the bytes if not, tries directories until it
//! runs in one, and becomes the agent. Any shell will do; what else it calls is tried before it is relied upon.

use std::fmt::Write;

use crate::model::shell;

/// What every line of ours begins with: shells may say something themselves.
const MARK: &str = "tilt-agent: ";

/// A directory that only root can make.
pub const OURS: &str = "/.tilt";

/// A program that the container may turn out to need.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// As images name it.
    pub arch: &'a str,
    /// Of its content, short.
    pub hash: &'a str,
    pub size: usize,
}

/// What the shell says before it becomes the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The image has one, which it becomes now.
    Image,
    /// It becomes the agent that was there, or has just come.
    Run,
    /// The program for an architecture, and whether the end of the input has to be told.
    Need {
        arch: String,
        to_the_end: bool,
    },
    /// The program lies there; it takes another command to start it.
    At(String),
    /// A directory is of no use, and why.
    No(String),
    /// A directory ran full: it is to be left out.
    Short(String),
    /// No program of ours runs on this.
    Arch(String),
    Fail(String),
}

/// The name of the program's file: another one is another file.
pub fn file_name(hash: &str) -> String {
    format!(".tilt-agent-{hash}")
}

/// The name of an architecture for images, of how a kernel calls it.
pub fn arch(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// How kernels call it.
fn machines(arch: &str) -> &str {
    match arch {
        "amd64" => "x86_64|amd64",
        "arm64" => "aarch64|arm64",
        other => other,
    }
}

/// The script. `default` is the architecture where the container cannot tell; `image` whether the image's own agent is looked for.
pub fn script(programs: &[Program], default: &str, dirs: &[String], image: Image) -> String {
    let mut text = format!("a=`uname -m 2>/dev/null` || a={default}\ncase \"$a\" in\n");
    for Program { arch, hash, size } in programs {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}) a={arch} h={hash} s={size};;", machines(arch));
    }
    let _ = writeln!(text, "*) echo \"{MARK}arch $a\"; exit 3;;\nesac");
    if image == Image::LookedFor {
        let _ = writeln!(
            text,
            "if [ -x /.tilt/agent ]; then echo \"{MARK}image\"; exec /.tilt/agent serve; fi"
        );
    }
    if dirs.iter().any(|dir| dir == OURS) {
        let _ = writeln!(text, "mkdir {OURS} 2>/dev/null");
    }
    let dirs: Vec<String> = dirs.iter().map(|dir| shell::quote(dir).into_owned()).collect();
    text.push_str(
        &BODY
            .replace("DIRS", &format!("{} \"${{HOME:-/}}\"", dirs.join(" ")))
            .replace("MARK", MARK),
    );
    text
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    LookedFor,
    /// It was of no use.
    LeftOut,
}

/// `-O`: a file that somebody else has put there is not run. `size`: what came of a connection that was cut may be a part, and to a
/// shell even an empty file is a program that goes well. `head` may read more than it is told to, which does no harm:
/// nothing else is sent before the agent has spoken.
const BODY: &str = r#"for d in DIRS; do
f=${d%/}/.tilt-agent-$h
if [ -O "$f" ] && [ "`"$f" size 2>/dev/null </dev/null`" = $s ]; then echo "MARKrun"; exec "$f" serve; fi
done
r=
if [ "`echo xy | head -c 1 2>/dev/null`" = x ]; then r="head -c $s"
elif [ "`echo xy | dd ibs=1 count=1 2>/dev/null`" = x ]; then r="dd ibs=1 obs=65536 count=$s"
elif [ "`echo xy | cat 2>/dev/null`" = xy ]; then r=cat
else echo "MARKfail none of head, dd and cat is there"; exit 4; fi
g=
for d in DIRS; do
f=${d%/}/.tilt-agent-$h
t=$f.$$
if (: >"$t") 2>/dev/null; then :; else echo "MARKno $d: not there or not writable"; continue; fi
if [ -z "$g" ]; then
echo "MARKneed $a $r"
if $r >"$t" 2>/dev/null; then g=$t; else rm -f "$t"; echo "MARKshort $d"; exit 5; fi
elif cat "$g" >"$t" 2>/dev/null; then :
else rm -f "$t"; echo "MARKno $d: no space"; continue; fi
if chmod 755 "$t" 2>/dev/null && e=`"$t" size 2>&1 </dev/null` && [ "$e" = $s ]; then
mv -f "$t" "$f" 2>/dev/null || f=$t
if [ "$g" != "$t" ]; then rm -f "$g"; fi
if [ "$r" = cat ]; then echo "MARKat $f"; exit 0; fi
echo "MARKrun"
exec "$f" serve
fi
echo "MARKno $d: nothing can be executed there${e:+: $e}"
if [ "$g" != "$t" ]; then rm -f "$t"; fi
done
if [ -n "$g" ]; then rm -f "$g"; fi
echo "MARKfail no directory will do"
exit 4
"#;

/// What a line says, if it is one of ours.
pub fn parse(line: &str) -> Option<Line> {
    let rest = line.strip_prefix(MARK)?.trim_end();
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    Some(match word {
        "image" => Line::Image,
        "run" => Line::Run,
        "need" => {
            let (arch, reader) = rest.split_once(' ').unwrap_or((rest, ""));
            Line::Need {
                arch: arch.to_owned(),
                to_the_end: reader == "cat",
            }
        }
        "at" => Line::At(rest.to_owned()),
        "no" => Line::No(rest.to_owned()),
        "short" => Line::Short(rest.to_owned()),
        "arch" => Line::Arch(rest.to_owned()),
        "fail" => Line::Fail(rest.to_owned()),
        _ => return None,
    })
}
