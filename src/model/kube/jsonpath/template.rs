//! Pure. JSON paths as templates: `{range .items[*]}{.metadata.name}{"\n"}{end}`, with the text around the braces.

use super::eval::{self, Hit};
use super::{JsonPathError, Node, parse};
use crate::model::tree::Tree;
use crate::model::yaml::json;

/// Text with paths in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    text: Box<str>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Text(Box<str>),
    Action(Vec<Node>),
}

impl Template {
    pub fn parse(text: &str) -> Result<Template, JsonPathError> {
        let pieces = parse::pieces(text).map_err(|problem| JsonPathError::Syntax(problem.into()))?;
        Ok(Template {
            text: text.into(),
            pieces,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The template with what its paths lead to in their place, as text.
    pub fn render(&self, tree: &Tree) -> Result<String, JsonPathError> {
        let mut out = String::new();
        self.each(tree, &mut |found| out.push_str(&in_text(found)))?;
        Ok(out)
    }

    /// What the paths lead to as JSON, four spaces a level: a list for each path.
    pub fn render_json(&self, tree: &Tree) -> Result<String, JsonPathError> {
        let mut out = String::new();
        self.each(tree, &mut |found| {
            let items = match found {
                Found::Text(text) => vec![Tree::text(text)],
                Found::Values(values) => values.to_vec(),
            };
            out.push_str(&json::pretty(&Tree::List(items)));
            out.push('\n');
        })?;
        Ok(out)
    }

    fn each(&self, tree: &Tree, emit: &mut dyn FnMut(Found<'_>)) -> Result<(), JsonPathError> {
        let mismatch = |problem: String| JsonPathError::Mismatch {
            path: self.text.clone(),
            problem: problem.into(),
        };
        let left = walk(&self.pieces, &eval::whole(tree), emit).map_err(mismatch)?;
        if left.is_empty() {
            Ok(())
        } else {
            Err(mismatch("not in range, nothing to end".to_owned()))
        }
    }
}

enum Found<'a> {
    Text(&'a str),
    Values(&'a [Tree]),
}

/// Walks pieces up to the `{end}` of an enclosing range; returns what comes from there on.
fn walk<'a>(
    mut pieces: &'a [Piece],
    current: &[Hit<'_>],
    emit: &mut dyn FnMut(Found<'_>),
) -> Result<&'a [Piece], String> {
    while let Some((piece, rest)) = pieces.split_first() {
        pieces = match piece {
            Piece::Text(text) => {
                emit(Found::Text(text));
                rest
            }
            Piece::Action(nodes) => match keyword(nodes) {
                Some("end") => return Ok(pieces),
                Some("range") => range(rest, eval::list(&nodes[1..], current.to_vec())?, emit)?,
                _ => {
                    let hits = eval::list(nodes, current.to_vec())?;
                    let values: Vec<Tree> = hits.iter().map(|hit| hit.value().clone()).collect();
                    emit(Found::Values(&values));
                    rest
                }
            },
        };
    }
    Ok(pieces)
}

fn keyword(nodes: &[Node]) -> Option<&str> {
    match nodes.first() {
        Some(Node::Identifier(word)) => Some(word),
        _ => None,
    }
}

fn range<'a>(body: &'a [Piece], items: Vec<Hit<'_>>, emit: &mut dyn FnMut(Found<'_>)) -> Result<&'a [Piece], String> {
    // Walked once for nothing: where the range ends does not depend on what it finds.
    let mut after = walk(body, &[], &mut |_| {})?;
    for item in items {
        after = walk(body, &[item], emit)?;
    }
    after
        .split_first()
        .map(|(_, rest)| rest)
        .ok_or_else(|| "unclosed range, expect {end}".to_owned())
}

/// Several values stand with a blank between them; lists and maps are JSON.
fn in_text(found: Found<'_>) -> String {
    match found {
        Found::Text(text) => text.to_owned(),
        Found::Values(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
    }
}

fn shown(value: &Tree) -> String {
    match value {
        Tree::Text(text) => text.to_string(),
        other => json::compact(other),
    }
}
