//! Pure. Go's text templates over a [`Tree`]: `{{range .items}}{{.metadata.name}}{{"\n"}}{{end}}`.
//!
//! All of the language that templates over plain data can use: pipelines, variables, `if`, `range`, `with`, `define`, and the
//! functions of Go and of `kubectl`. Methods and calls of values do not exist, since data has none. A key that is missing
//! prints as `<no value>`.

mod eval;
mod functions;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use functions::go as go_value;

use thiserror::Error;

use crate::model::tree::Tree;
use parse::Node;

/// What goes wrong with a template, in Go's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    #[error("template: output:{line}: {problem}")]
    Syntax { line: usize, problem: String },
    #[error("template: output:{line}:{column}: executing \"output\" at <{text}>: {problem}")]
    Execution {
        line: usize,
        column: usize,
        text: Box<str>,
        problem: String,
    },
}

/// What a key that is not there means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKeys {
    Allowed,
    Refused,
}

#[derive(Debug)]
pub struct Template {
    text: Box<str>,
    body: Vec<Node>,
    defined: BTreeMap<Box<str>, Vec<Node>>,
}

impl Template {
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let (body, defined) = parse::template(text)?;
        Ok(Template {
            text: text.into(),
            body,
            defined,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn render(&self, dot: &Tree, missing: MissingKeys) -> Result<String, TemplateError> {
        eval::render(&self.body, &self.defined, dot, missing)
    }
}
