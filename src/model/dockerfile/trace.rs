//! Pure. What the stages of a Dockerfile do to files, step by step, with everything filled in that the text says.

use super::lines::{self, Instruction};
use super::words::{self, Scope};
use super::{Reader, expanded};

/// One stage: what it starts from, and what it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// In lowercase; empty without a name.
    pub name: String,
    pub base: String,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub line: usize,
    pub kind: StepKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    Copy(Copying),
    /// It can change any file.
    Run,
    /// Relative to the one before if it does not begin with `/`.
    Workdir(String),
}

/// A `COPY` or `ADD`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copying {
    pub is_add: bool,
    /// The stage or image that it copies from, instead of the context.
    pub from: Option<String>,
    pub sources: Vec<String>,
    pub destination: String,
    pub owner: Option<String>,
    pub mode: Option<String>,
    /// Flags that change which files are copied to where.
    pub other_flags: Vec<String>,
    /// A variable that only the build, or the base image, knows.
    pub unknown: Option<String>,
}

/// The stages, in the order of the text. `build_args` win over the defaults of `ARG`.
pub fn trace(text: &str, build_args: &[(String, String)]) -> Vec<Traced> {
    let mut reader = Reader {
        build_args: build_args.iter().cloned().collect(),
        ..Reader::default()
    };
    let (instructions, escape) = lines::instructions(text);
    reader.scope.escape = escape;
    let mut stages = Vec::new();
    for instruction in &instructions {
        if instruction.name == "FROM" {
            stages.push(stage(&reader, instruction));
        }
        let kind = match instruction.name.as_str() {
            "COPY" | "ADD" => copying(instruction, &reader.scope).map(StepKind::Copy),
            "RUN" => Some(StepKind::Run),
            "WORKDIR" => instruction
                .arguments
                .first()
                .map(|token| StepKind::Workdir(expanded(&token.text, &reader.scope))),
            _ => None,
        };
        if let (Some(kind), Some(stage)) = (kind, stages.last_mut()) {
            stage.steps.push(Step {
                line: instruction.line,
                kind,
            });
        }
        reader.read(instruction);
    }
    stages
}

fn stage(reader: &Reader, instruction: &Instruction) -> Traced {
    // Before the first stage the arguments are not put aside yet.
    let scope = Scope {
        values: match reader.stages {
            0 => reader.scope.values.clone(),
            _ => reader.globals.clone(),
        },
        escape: reader.scope.escape,
    };
    let words = &instruction.arguments;
    let name = match words.as_slice() {
        [_, keyword, name, ..] if keyword.text.eq_ignore_ascii_case("as") => name.text.to_lowercase(),
        _ => String::new(),
    };
    let base = words.first().map(|token| expanded(&token.text, &scope));
    Traced {
        name,
        base: base.unwrap_or_default(),
        steps: Vec::new(),
    }
}

fn copying(instruction: &Instruction, scope: &Scope) -> Option<Copying> {
    let flag = |name: &str| {
        let value = instruction.flags.iter().find_map(|flag| flag.value_of(name))?;
        Some(expanded(&value.text, scope))
    };
    let raw = instruction.words();
    let mut sources: Vec<String> = raw.iter().map(|word| expanded(word, scope)).collect();
    let destination = sources.pop()?;
    let harmless = ["--from=", "--chown=", "--chmod=", "--link"];
    let flags = instruction.flags.iter().map(|flag| flag.text.as_str());
    let is_known = |flag: &&str| harmless.iter().any(|known| flag.starts_with(known));
    Some(Copying {
        is_add: instruction.name == "ADD",
        from: flag("--from"),
        sources,
        destination,
        owner: flag("--chown"),
        mode: flag("--chmod"),
        unknown: raw.iter().find_map(|word| words::unknown(word, scope)),
        other_flags: flags.filter(|flag| !is_known(flag)).map(str::to_owned).collect(),
    })
}
