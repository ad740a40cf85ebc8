//! Pure. YAML as Kubernetes tools read and write it: text to [`Tree`] and back.
//!
//! The dialect is YAML 1.1 with the scalars of Go's yaml v2 (`yes` is a bool, `010` is eight, a date is a string), as
//! sigs.k8s.io/yaml turns it into JSON data. What comes out of here is therefore JSON data: keys are strings, a float
//! without a fraction is an integer, and there is neither infinity nor NaN.
//!
//! Nothing here knows what a document means; that is `model::kube`.

mod anchors;
mod compose;
mod emit;
mod entries;
mod faults;
mod gofmt;
pub mod json;
mod order;
mod resolve;
mod scalar;
mod split;
mod tags;

pub use emit::{emit, emit_all};
pub use order::natural as natural_order;
pub(in crate::model) use resolve::days_in_month;
pub use split::documents as split_documents;

use crate::model::tree::Tree;

/// Deeper nesting than this is refused: no honest document comes near it, and whoever walks a tree may recurse.
pub const MAX_DEPTH: usize = 250;

/// Why a text is not a document. The wording is that of Go's yaml packages, without the `yaml: ` in front of a JSON fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text does not scan or parse, or its aliases and merges make no sense. `line` as Go's yaml counts it.
    #[error("yaml: {}{problem}", At(*.line))]
    Syntax { line: Option<u64>, problem: Box<str> },
    /// A map that defines a key twice, where that is an error.
    #[error("yaml: unmarshal errors:{}", Lines(.0))]
    Duplicates(Vec<DuplicateKey>),
    /// Well-formed YAML that JSON has no words for, such as a list as a key or a number that is not finite.
    #[error("{0}")]
    NotJson(Box<str>),
}

/// One key that was already there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    pub line: u64,
    pub key: Box<str>,
}

impl std::fmt::Display for DuplicateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: key ", self.line)?;
        gofmt::quoted(f, &self.key)?;
        f.write_str(" already set in map")
    }
}

/// The same error as it reads where YAML is a stage on the way to something typed: what Kubernetes' decoders print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error converting YAML to JSON: {0}")]
pub struct ConversionError(pub Error);

/// What to do with a map that has the same key twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// As Kubernetes' and Tilt's own decoders do: the last one wins.
    LastWins,
    /// As strict decoders do.
    Refuse,
}

/// Every document of a stream, in order; documents that are empty, only a comment or `null` are skipped.
///
/// A `{` at the start means JSON first: any number of JSON values one after the other.
pub fn parse_documents(text: &str) -> Result<Vec<Tree>, Error> {
    if let Some(values) = json::parse_stream(text) {
        return Ok(values.into_iter().filter(|value| !value.is_null()).collect());
    }
    let mut trees = Vec::new();
    for document in split_documents(text) {
        let tree = parse_one(document)?;
        if !tree.is_null() {
            trees.push(tree);
        }
    }
    Ok(trees)
}

/// The first document of a text; nothing at all is `Null`. A key that comes twice takes its last value.
pub fn parse_one(text: &str) -> Result<Tree, Error> {
    compose::document(text, Duplicates::LastWins)
}

/// As [`parse_one`], with a choice about repeated keys.
pub fn parse_one_with(text: &str, duplicates: Duplicates) -> Result<Tree, Error> {
    compose::document(text, duplicates)
}

struct At(Option<u64>);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, "line {line}: "))
    }
}

struct Lines<'a>(&'a [DuplicateKey]);

impl std::fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|key| write!(f, "\n  {key}"))
    }
}

#[cfg(test)]
mod tests;
