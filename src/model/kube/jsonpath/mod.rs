//! Pure. JSON paths as Kubernetes has them: `{.spec.image}`, `{.spec.env[?(@.name=="IMG")].value}`, `{..image}`, ranges.
//!
//! A path finds places rather than values, so that whoever found an image reference can also replace it. A key that is
//! not there is no error: the path then finds nothing. Text outside of braces, which templates may have, finds nothing.

mod eval;
mod parse;
mod template;

pub use template::Template;

use crate::model::tree::{Map, Tree};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonPathError {
    /// The path itself makes no sense.
    #[error("{0}")]
    Syntax(Box<str>),
    /// The path makes no sense for what it was applied to.
    #[error("Matching (json_path={path:?}): {problem}")]
    Mismatch { path: Box<str>, problem: Box<str> },
    /// It leads to something else than the text that was wanted.
    #[error("May only match strings (json_path={path:?})\nGot Type: {found}\nGot Value: {value}")]
    NotText {
        path: Box<str>,
        found: &'static str,
        value: Box<str>,
    },
    /// It leads to something else than the map that was wanted.
    #[error("May only match maps (json_path={path:?})\nGot Type: {found}\nGot Value: {value}")]
    NotMap {
        path: Box<str>,
        found: &'static str,
        value: Box<str>,
    },
}

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    text: Box<str>,
    actions: Vec<Vec<Node>>,
}

/// One thing between the braces.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Field(Box<str>),
    Wildcard,
    Recursive,
    Slice {
        from: Option<i64>,
        to: Option<i64>,
        step: Option<i64>,
    },
    /// One index; a slice of length one that may start at the last item.
    Index(i64),
    Union(Vec<Vec<Node>>),
    Filter {
        left: Vec<Node>,
        test: Option<(Operator, Vec<Node>)>,
    },
    Literal(Tree),
    Identifier(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(Box<str>),
    Index(usize),
}

/// Where in a tree something was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    steps: Vec<Step>,
}

impl JsonPath {
    pub fn parse(text: &str) -> Result<JsonPath, JsonPathError> {
        let actions = parse::actions(text).map_err(|problem| JsonPathError::Syntax(problem.into()))?;
        Ok(JsonPath {
            text: text.into(),
            actions,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything the path leads to, with its place.
    pub fn find<'t>(&self, tree: &'t Tree) -> Result<Vec<(Place, &'t Tree)>, JsonPathError> {
        eval::find(&self.actions, tree).map_err(|problem| JsonPathError::Mismatch {
            path: self.text.clone(),
            problem: problem.into(),
        })
    }

    /// The texts the path leads to. A null counts as not there, anything else is an error.
    pub fn texts<'t>(&self, tree: &'t Tree) -> Result<Vec<(Place, &'t str)>, JsonPathError> {
        let found = self.find(tree)?.into_iter().filter(|(_, value)| !value.is_null());
        found
            .map(|(place, value)| Ok((place, value.as_text().ok_or_else(|| self.not_text(value))?)))
            .collect()
    }

    /// The maps the path leads to.
    pub fn maps<'t>(&self, tree: &'t Tree) -> Result<Vec<(Place, &'t Map)>, JsonPathError> {
        let found = self.find(tree)?.into_iter().filter(|(_, value)| !value.is_null());
        found
            .map(|(place, value)| Ok((place, value.as_map().ok_or_else(|| self.not_map(value))?)))
            .collect()
    }

    fn not_text(&self, value: &Tree) -> JsonPathError {
        JsonPathError::NotText {
            path: self.text.clone(),
            found: go_type(value),
            value: shown(value),
        }
    }

    fn not_map(&self, value: &Tree) -> JsonPathError {
        JsonPathError::NotMap {
            path: self.text.clone(),
            found: go_type(value),
            value: shown(value),
        }
    }
}

impl Place {
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub fn get<'t>(&self, tree: &'t Tree) -> Option<&'t Tree> {
        self.steps.iter().try_fold(tree, |tree, step| match step {
            Step::Key(key) => tree.get(key),
            Step::Index(index) => tree.as_list()?.get(*index),
        })
    }

    pub fn get_mut<'t>(&self, tree: &'t mut Tree) -> Option<&'t mut Tree> {
        self.steps.iter().try_fold(tree, |tree, step| match (step, tree) {
            (Step::Key(key), Tree::Map(map)) => map.get_mut(key),
            (Step::Index(index), Tree::List(items)) => items.get_mut(*index),
            _ => None,
        })
    }

    /// The place of another key in the same map; `None` if this one is not in a map.
    pub fn sibling(&self, key: &str) -> Option<Place> {
        let (last, parents) = self.steps.split_last()?;
        let Step::Key(_) = last else { return None };
        let mut steps = parents.to_vec();
        steps.push(Step::Key(key.into()));
        Some(Place { steps })
    }

    fn then(&self, step: Step) -> Place {
        let mut steps = Vec::with_capacity(self.steps.len() + 1);
        steps.extend_from_slice(&self.steps);
        steps.push(step);
        Place { steps }
    }
}

fn go_type(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "<nil>",
        Tree::Bool(_) => "bool",
        Tree::Int(_) => "int64",
        Tree::Big(_) | Tree::Float(_) => "float64",
        Tree::Text(_) => "string",
        Tree::List(_) => "[]interface {}",
        Tree::Map(_) => "map[string]interface {}",
    }
}

fn shown(value: &Tree) -> Box<str> {
    crate::model::yaml::json::compact(value).into()
}

#[cfg(test)]
mod tests;
