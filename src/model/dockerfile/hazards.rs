//! Pure. What a Dockerfile uses that neither its text nor the context nor the images it names pin down.
//!
//! In doubt it is a hazard: one too many costs a question to the builder, one too few a wrong image.

use super::lines::{self, Instruction};

/// Something that an equal text, equal files and equal images do not make equal. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hazard {
    /// `ADD` of something on the network.
    Download { line: usize, what: String },
    /// `ADD` of something that only the build knows, which may be on the network: an argument, or a variable of a base image.
    Variable { line: usize, what: String },
    /// A name is put together in a way that is not understood here.
    Expansion { line: usize, what: String },
    /// An `ONBUILD` that uses an image, which nothing lists.
    Trigger { line: usize },
}

/// Who reads the Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// The builder itself.
    BuiltIn,
    /// A program in an image.
    Image(String),
    /// It is none of the usual form: who reads it cannot be told.
    Strange,
}

/// What the text says of who reads it. The argument `BUILDKIT_SYNTAX` outranks it.
pub fn syntax(text: &str) -> Syntax {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if ["//", "{", "#!"].iter().any(|mark| start.starts_with(mark)) {
        return Syntax::Strange;
    }
    match lines::directive(text, "syntax") {
        // The name may be followed by options for the program.
        Some(value) => match value.split_whitespace().next() {
            Some(image) => Syntax::Image(image.to_owned()),
            None => Syntax::Strange,
        },
        None => Syntax::BuiltIn,
    }
}

pub fn hazards(text: &str) -> Vec<Hazard> {
    let (instructions, _) = lines::instructions(text);
    instructions.iter().flat_map(of_instruction).collect()
}

/// The hazard of an `ONBUILD` instruction that a base image brings along, such as `ADD . /app`.
pub fn triggered_hazard(trigger: &str) -> Option<Hazard> {
    hazards(&format!("ONBUILD {trigger}")).into_iter().next()
}

fn of_instruction(instruction: &Instruction) -> Vec<Hazard> {
    let mut found = expansions(instruction);
    match instruction.name.as_str() {
        "ADD" => found.extend(added(instruction)),
        "ONBUILD" => {
            let inner = instruction.inner();
            found.extend(inner.iter().flat_map(of_instruction));
            let line = instruction.line;
            found.extend(inner.filter(uses_image).map(|_| Hazard::Trigger { line }));
        }
        _ => {}
    }
    found
}

fn added(instruction: &Instruction) -> Vec<Hazard> {
    let mut sources = instruction.words();
    sources.pop();
    let sources = sources.into_iter().filter(|source| !source.starts_with("<<"));
    sources
        .filter_map(|what| {
            let line = instruction.line;
            if is_remote(&what) {
                return Some(Hazard::Download { line, what });
            }
            what.contains('$').then_some(Hazard::Variable { line, what })
        })
        .collect()
}

/// A URL of any kind, or `user@host:path`.
fn is_remote(source: &str) -> bool {
    let is_login = |(user, rest): (&str, &str)| !user.contains('/') && rest.contains(':');
    source.contains("://") || source.split_once('@').is_some_and(is_login)
}

fn uses_image(instruction: &Instruction) -> bool {
    let mut flags = instruction.flags.iter();
    flags.any(|flag| flag.text.contains("from="))
}

/// Variables cut or replaced, `${A%x}`, in what names of images are made of.
fn expansions(instruction: &Instruction) -> Vec<Hazard> {
    let arguments: &[_] = match instruction.name.as_str() {
        "FROM" | "ARG" => &instruction.arguments,
        _ => &[],
    };
    let tokens = instruction.flags.iter().chain(arguments);
    let strange = tokens.filter(|token| has_strange_expansion(&token.text));
    strange
        .map(|token| Hazard::Expansion {
            line: instruction.line,
            what: token.text.clone(),
        })
        .collect()
}

fn has_strange_expansion(text: &str) -> bool {
    text.split("${").skip(1).any(|rest| {
        let operator = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        !["}", "-", "+", ":-", ":+"]
            .iter()
            .any(|known| operator.starts_with(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str) -> Vec<usize> {
        let line = |hazard: &Hazard| match hazard {
            Hazard::Download { line, .. } | Hazard::Variable { line, .. } => *line,
            Hazard::Expansion { line, .. } | Hazard::Trigger { line } => *line,
        };
        hazards(text).iter().map(line).collect()
    }

    #[test]
    fn whatever_add_may_fetch_is_a_hazard() {
        let table = [
            ("ADD https://example.com/a.tar /a", 1),
            ("add HTTP://example.com/a /a", 1),
            ("ADD git@github.com:a/b.git /b", 1),
            ("ADD me@host:a.git /b", 1),
            ("ADD [\"a\", \"ssh://host/a\", \"/b\"]", 1),
            ("ADD --checksum=sha256:aa https://example.com/a /a", 1),
            ("ADD a \\\n  https://example.com/b /c", 1),
            ("ADD $URL /a", 1),
            ("ADD ${URL:-a} /a", 1),
            ("ONBUILD ADD https://example.com/a /a", 1),
            ("ADD a b /c", 0),
            ("ADD a@2 /c", 0),
            ("ADD scoped/@x:y /c", 0),
            ("ADD a $HOME/c", 0),
            ("ADD <<EOF /a\nhttps://example.com\nEOF", 0),
            ("COPY $A /a", 0),
            ("RUN curl https://example.com", 0),
            ("# ADD https://example.com/a /a", 0),
        ];
        for (text, count) in table {
            assert_eq!(lines_of(text), vec![1; count], "{text}");
        }
    }

    #[test]
    fn names_that_are_not_understood_are_hazards() {
        let table = [
            ("ARG A=${B%x}\nFROM $A", 1),
            ("FROM ${A#x}", 1),
            ("FROM ${A/x/y}", 1),
            ("FROM ${A:?missing}", 1),
            ("COPY --from=${A%x} a b", 1),
            ("FROM ${A:-b}${C+d}${E}$F", 0),
            ("RUN echo ${A%x}", 0),
            ("ENV A=${B%x}", 0),
        ];
        for (text, count) in table {
            assert_eq!(hazards(text).len(), count, "{text}");
        }
    }

    #[test]
    fn triggers_are_hazards_if_they_fetch_or_use_an_image() {
        for trigger in [
            "ADD https://x/y /z",
            "ADD $A /z",
            "COPY --from=alpine /a /b",
            "RUN --mount=type=bind,from=a ls",
        ] {
            assert!(triggered_hazard(trigger).is_some(), "{trigger}");
        }
        for trigger in ["COPY . /app", "RUN make", "ADD . /app"] {
            assert_eq!(triggered_hazard(trigger), None, "{trigger}");
        }
    }

    #[test]
    fn who_reads_the_text_is_told_by_its_first_lines() {
        let image = |name: &str| Syntax::Image(name.to_owned());
        for (text, expected) in [
            ("# syntax=docker/dockerfile:1\nFROM a", image("docker/dockerfile:1")),
            ("# escape=`\n#Syntax = me/x:2 option\nFROM a", image("me/x:2")),
            ("FROM a\n# syntax=docker/dockerfile:1", Syntax::BuiltIn),
            ("# hello\n# syntax=docker/dockerfile:1", Syntax::BuiltIn),
            ("FROM a", Syntax::BuiltIn),
            ("", Syntax::BuiltIn),
            ("// syntax=me/x\n", Syntax::Strange),
            ("{\"syntax\": \"me/x\"}", Syntax::Strange),
            ("#!/usr/bin/env me\n# syntax=x\n", Syntax::Strange),
            ("# syntax=\nFROM a", Syntax::Strange),
        ] {
            assert_eq!(syntax(text), expected, "{text}");
        }
    }
}
