//! Pure. Arguments of the command line as values of the settings that a Tiltfile defines: `--name value`, `--name=value`, `--flag`,
//! and whatever is left over for the one setting that takes it. Flags may stand between other arguments; all behind `--` are left over.

use std::slice;

use thiserror::Error;

use super::usage::usage;
use crate::model::quote::quoted;
use crate::model::suggest::did_you_mean;
use crate::model::tree::Tree;
use crate::tiltfile::declared::config::{GivenAs, Kind, Setting};

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArgumentError {
    #[error("{problem}{usage}")]
    Flag { problem: String, usage: String },
    #[error(
        "positional CLI args ({}) were specified, but none were expected.\n\
         See https://docs.tilt.dev/tiltfile_config.html#positional-arguments for examples.",
        quoted(arguments)
    )]
    NonePositional { arguments: String },
    #[error("invalid positional args ({setting}): {problem}")]
    Positional { setting: String, problem: String },
}

/// What each setting was given, in the order of the settings.
pub fn parse(settings: &[Setting], arguments: &[String]) -> Result<Vec<Option<Tree>>, ArgumentError> {
    let mut reader = Reader {
        settings,
        given: vec![None; settings.len()],
        left_over: Vec::new(),
    };
    reader.read(arguments).map_err(|problem| ArgumentError::Flag {
        problem,
        usage: usage(settings),
    })?;
    let left_over = std::mem::take(&mut reader.left_over);
    let positional = settings
        .iter()
        .position(|setting| setting.given_as == GivenAs::Positional);
    match positional {
        None if left_over.is_empty() => {}
        None => {
            return Err(ArgumentError::NonePositional {
                arguments: left_over.join(" "),
            });
        }
        Some(index) => {
            for argument in left_over {
                let setting = settings[index].name.clone();
                reader
                    .set(index, argument)
                    .map_err(|problem| ArgumentError::Positional { setting, problem })?;
            }
        }
    }
    Ok(reader.given)
}

struct Reader<'a> {
    settings: &'a [Setting],
    given: Vec<Option<Tree>>,
    left_over: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, arguments: &'a [String]) -> Result<(), String> {
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.strip_prefix("--") {
                Some("") => self.left_over.extend(rest.by_ref().map(String::as_str)),
                Some(flag) => self.flag(flag, &mut rest)?,
                None if argument == "-h" => return Err(help()),
                None if argument.len() > 1 && argument.starts_with('-') => {
                    return Err(shorthand(argument));
                }
                None => self.left_over.push(argument),
            }
        }
        Ok(())
    }

    fn flag(&mut self, flag: &'a str, rest: &mut slice::Iter<'a, String>) -> Result<(), String> {
        if flag.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: --{flag}"));
        }
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        let index = self.index(name)?;
        let value = match (value, self.settings[index].kind) {
            (Some(value), _) => value,
            (None, Kind::Flag) => "true",
            (None, _) => rest.next().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
        };
        self.set(index, value).map_err(|problem| {
            format!(
                "invalid argument {} for {} flag: {problem}",
                quoted(value),
                quoted(&format!("--{name}"))
            )
        })
    }

    fn index(&self, name: &str) -> Result<usize, String> {
        let flags = || self.settings.iter().filter(|setting| setting.given_as == GivenAs::Flag);
        let known = flags().any(|setting| setting.name == name);
        match self.settings.iter().position(|setting| setting.name == name) {
            Some(index) if known => Ok(index),
            _ if name == "help" => Err(help()),
            _ => {
                let nearest = did_you_mean(name, flags().map(|setting| setting.name.as_str()));
                Err(format!("unknown flag: --{name}{nearest}"))
            }
        }
    }

    fn set(&mut self, index: usize, argument: &str) -> Result<(), String> {
        let (kind, slot) = (self.settings[index].kind, &mut self.given[index]);
        match (kind, slot) {
            (Kind::Texts, Some(Tree::List(items))) => items.push(Tree::text(argument)),
            (Kind::Texts, slot) => *slot = Some(Tree::List(vec![Tree::text(argument)])),
            (_, Some(_)) => return Err(repeated(kind, argument)),
            (_, slot) => *slot = Some(value(kind, argument)?),
        }
        Ok(())
    }
}

fn value(kind: Kind, argument: &str) -> Result<Tree, String> {
    match kind {
        Kind::Texts | Kind::Text => Ok(Tree::text(argument)),
        Kind::Flag => match argument {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Tree::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Tree::Bool(false)),
            _ => Err("expected true or false".to_owned()),
        },
        Kind::Document => {
            let decoded = serde_json::from_str(argument).map(super::file::tree);
            decoded.map_err(|error| format!("decoding JSON, got {}: {error}", quoted(argument)))
        }
    }
}

fn repeated(kind: Kind, last: &str) -> String {
    let of = match kind {
        Kind::Texts | Kind::Text => "string",
        Kind::Flag => "bool",
        Kind::Document => "object",
    };
    format!("{of} settings can only be specified once. multiple values found (last value: {last})")
}

fn shorthand(argument: &str) -> String {
    let letter = argument.chars().nth(1).unwrap_or_default();
    let long = argument.trim_start_matches('-');
    format!("unknown shorthand flag: '{letter}' in {argument} (flags have two dashes: --{long})")
}

fn help() -> String {
    "help requested".to_owned()
}
