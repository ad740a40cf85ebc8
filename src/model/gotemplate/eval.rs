//! Pure. Running a parsed template.

use std::collections::BTreeMap;

use super::functions::{self, Printed};
use super::lex::Spot;
use super::parse::{Base, Branch, Command, Node, Operand, Pipe};
use super::{MissingKeys, TemplateError};
use crate::model::tree::Tree;

/// Templates may include themselves; deeper than this is a mistake.
const DEEPEST: usize = 100;

type Defined = BTreeMap<Box<str>, Vec<Node>>;

pub fn render(body: &[Node], defined: &Defined, dot: &Tree, missing: MissingKeys) -> Result<String, TemplateError> {
    let mut run = Run {
        defined,
        missing,
        variables: vec![("".into(), dot.clone())],
        out: String::new(),
        depth: 0,
    };
    run.nodes(body, dot)?;
    Ok(run.out)
}

struct Run<'a> {
    defined: &'a Defined,
    missing: MissingKeys,
    variables: Vec<(Box<str>, Tree)>,
    out: String,
    depth: usize,
}

/// How a list of nodes ended.
#[derive(PartialEq)]
enum Flow {
    Through,
    Break,
    Continue,
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Tree) -> Result<Flow, TemplateError> {
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::Through {
                return Ok(flow);
            }
        }
        Ok(Flow::Through)
    }

    fn node(&mut self, node: &Node, dot: &Tree) -> Result<Flow, TemplateError> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    self.out.push_str(&Printed(&value).to_string());
                }
            }
            Node::If(branch) => return self.scoped(|run| run.choose(branch, dot, false)),
            Node::With(branch) => return self.scoped(|run| run.choose(branch, dot, true)),
            Node::Range(branch) => return self.scoped(|run| run.range(branch, dot)),
            Node::Template { name, dot: pipe, spot } => self.include(name, pipe.as_ref(), (dot, *spot))?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Through)
    }

    fn scoped<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.variables.len();
        let result = act(self);
        self.variables.truncate(known);
        result
    }

    fn choose(&mut self, branch: &Branch, dot: &Tree, moves_dot: bool) -> Result<Flow, TemplateError> {
        let value = self.pipe(&branch.pipe, dot)?;
        match functions::truth(&value) {
            true if moves_dot => self.nodes(&branch.then, &value),
            true => self.nodes(&branch.then, dot),
            false => self.nodes(&branch.otherwise, dot),
        }
    }

    fn range(&mut self, branch: &Branch, dot: &Tree) -> Result<Flow, TemplateError> {
        let value = self.commands(&branch.pipe, dot)?;
        let items = items(&value).ok_or_else(|| {
            let problem = format!("range can't iterate over {}", Printed(&value));
            at(&branch.pipe.commands[0], problem)
        })?;
        if items.is_empty() {
            return self.nodes(&branch.otherwise, dot);
        }
        for (key, item) in items {
            let flow = self.scoped(|run| {
                run.bind_item(&branch.pipe, key, &item);
                run.nodes(&branch.then, &item)
            })?;
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::Through)
    }

    fn bind_item(&mut self, pipe: &Pipe, key: Tree, item: &Tree) {
        match pipe.variables.as_slice() {
            [value] => self.set(value, item.clone(), pipe.declares),
            [index, value] => {
                self.set(index, key, pipe.declares);
                self.set(value, item.clone(), pipe.declares);
            }
            _ => {}
        }
    }

    fn set(&mut self, name: &str, value: Tree, declares: bool) {
        let known = self.variables.iter_mut().rev().find(|(known, _)| **known == *name);
        match known.filter(|_| !declares) {
            Some((_, slot)) => *slot = value,
            None => self.variables.push((name.into(), value)),
        }
    }

    fn include(&mut self, name: &str, pipe: Option<&Pipe>, (dot, spot): (&Tree, Spot)) -> Result<(), TemplateError> {
        let problem = |problem: String| TemplateError::Execution {
            line: spot.line,
            column: spot.column,
            text: format!("{{{{template {name:?}}}}}").into(),
            problem,
        };
        let defined = self.defined;
        let Some(body) = defined.get(name) else {
            return Err(problem(format!("template {name:?} not defined")));
        };
        if self.depth >= DEEPEST {
            return Err(problem(format!("exceeded maximum template depth ({DEEPEST})")));
        }
        let value = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Tree::Null,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("".into(), value.clone())]);
        self.depth += 1;
        let flow = self.nodes(body, &value);
        self.depth -= 1;
        self.variables = outer;
        flow.map(|_| ())
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Tree) -> Result<Tree, TemplateError> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            self.set(name, value.clone(), pipe.declares);
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &Pipe, dot: &Tree) -> Result<Tree, TemplateError> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.unwrap_or_default())
    }

    fn command(&mut self, command: &Command, dot: &Tree, piped: Option<Tree>) -> Result<Tree, TemplateError> {
        let Some((first, others)) = command.operands.split_first() else {
            return Ok(Tree::Null);
        };
        if let Base::Function(name) = &first.base {
            if let Some(value) = self.short_circuit(name, others, dot)? {
                return Ok(value);
            }
            let mut arguments = others
                .iter()
                .map(|operand| self.operand(operand, dot))
                .collect::<Result<Vec<Tree>, _>>()?;
            arguments.extend(piped);
            let value = functions::call(name, &arguments).map_err(|problem| at(command, problem))?;
            return self.fields(first, value);
        }
        if !others.is_empty() || piped.is_some() {
            let problem = format!("can't give argument to non-function {}", first.text);
            return Err(at(command, problem));
        }
        self.operand(first, dot)
    }

    /// `and` and `or` stop at the operand that decides.
    fn short_circuit(&mut self, name: &str, operands: &[Operand], dot: &Tree) -> Result<Option<Tree>, TemplateError> {
        let decides = match name {
            "and" => false,
            "or" => true,
            _ => return Ok(None),
        };
        for operand in operands {
            let value = self.operand(operand, dot)?;
            if functions::truth(&value) == decides {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn operand(&mut self, operand: &Operand, dot: &Tree) -> Result<Tree, TemplateError> {
        let value = match &operand.base {
            Base::Dot => return self.fields(operand, dot.clone()),
            Base::Nil => Tree::Null,
            Base::Literal(value) => value.clone(),
            Base::Pipe(pipe) => self.pipe(pipe, dot)?,
            Base::Function(name) => functions::call(name, &[]).map_err(|problem| here(operand, problem))?,
            Base::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known.map(|(_, value)| value.clone()).unwrap_or_default()
            }
        };
        self.fields(operand, value)
    }

    fn fields(&self, operand: &Operand, mut value: Tree) -> Result<Tree, TemplateError> {
        for field in &operand.fields {
            let next = match &value {
                Tree::Map(map) => map.get(field).cloned(),
                Tree::Null => None,
                // Go sees only that it came out of a map or a list.
                _ => {
                    return Err(here(
                        operand,
                        format!("can't evaluate field {field} in type interface {{}}"),
                    ));
                }
            };
            if next.is_none() && self.missing == MissingKeys::Refused {
                return Err(here(operand, format!("map has no entry for key {field:?}")));
            }
            value = next.unwrap_or_default();
        }
        Ok(value)
    }
}

/// What a range goes through, with keys: maps in the order of their keys.
fn items(value: &Tree) -> Option<Vec<(Tree, Tree)>> {
    Some(match value {
        Tree::Null => Vec::new(),
        Tree::List(items) => (0..).map(Tree::Int).zip(items.iter().cloned()).collect(),
        Tree::Map(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, item)| (Tree::text(key), item.clone())).collect();
            entries.sort_by(|a, b| a.0.as_text().cmp(&b.0.as_text()));
            entries
        }
        Tree::Int(count) => (0..*count).map(|index| (Tree::Int(index), Tree::Int(index))).collect(),
        _ => return None,
    })
}

fn at(command: &Command, problem: String) -> TemplateError {
    TemplateError::Execution {
        line: command.spot.line,
        column: command.spot.column,
        text: command.text.clone(),
        problem,
    }
}

fn here(operand: &Operand, problem: String) -> TemplateError {
    TemplateError::Execution {
        line: operand.spot.line,
        column: operand.spot.column,
        text: operand.text.clone(),
        problem,
    }
}
