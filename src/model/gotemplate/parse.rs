//! Pure. Tokens to the tree of a template.

use std::collections::BTreeMap;

use super::TemplateError;
use super::functions;
use super::lex::{self, Spot, Token};
use crate::model::tree::Tree;

#[derive(Clone, Debug)]
pub enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    Range(Branch),
    With(Branch),
    Template {
        name: Box<str>,
        dot: Option<Pipe>,
        spot: Spot,
    },
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub struct Branch {
    pub pipe: Pipe,
    pub then: Vec<Node>,
    pub otherwise: Vec<Node>,
}

#[derive(Clone, Debug)]
pub struct Pipe {
    /// Variables that get the result, and how.
    pub variables: Vec<Box<str>>,
    pub declares: bool,
    pub commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub struct Command {
    pub operands: Vec<Operand>,
    pub spot: Spot,
    pub text: Box<str>,
}

#[derive(Clone, Debug)]
pub struct Operand {
    pub base: Base,
    pub fields: Vec<Box<str>>,
    pub spot: Spot,
    pub text: Box<str>,
}

#[derive(Clone, Debug)]
pub enum Base {
    Dot,
    Nil,
    Variable(Box<str>),
    Function(Box<str>),
    Literal(Tree),
    Pipe(Box<Pipe>),
}

type Defined = BTreeMap<Box<str>, Vec<Node>>;

pub fn template(text: &str) -> Result<(Vec<Node>, Defined), TemplateError> {
    let mut parser = Parser {
        text,
        tokens: lex::tokens(text)?,
        at: 0,
        variables: vec!["".into()],
        defined: Defined::new(),
        loops: 0,
    };
    let (body, end) = parser.list()?;
    match end {
        None => Ok((body, parser.defined)),
        Some(end) => Err(parser.fault(format!("unexpected {{{{{end}}}}}"))),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, Spot)>,
    at: usize,
    /// Those that are declared here.
    variables: Vec<Box<str>>,
    defined: Defined,
    loops: usize,
}

/// `end` or `else`: what closed a list of nodes.
type Closer = Option<&'static str>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn spot(&self) -> Spot {
        let last = self.tokens.last().map(|(_, spot)| *spot).unwrap_or_default();
        self.tokens.get(self.at).map_or(last, |(_, spot)| *spot)
    }

    fn fault(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError::Syntax {
            line: self.spot().line.max(1),
            problem: problem.into(),
        }
    }

    fn blanks(&mut self) {
        while self.peek() == Some(&Token::Blank) {
            self.at += 1;
        }
    }

    fn take(&mut self, token: &Token) -> bool {
        self.blanks();
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.take(&Token::Word(word.to_owned()))
    }

    fn close(&mut self, context: &str) -> Result<(), TemplateError> {
        match self.take(&Token::Close) {
            true => Ok(()),
            false => Err(self.fault(format!("unexpected {} in {context}", self.shown()))),
        }
    }

    fn shown(&self) -> String {
        match self.peek() {
            None => "EOF".to_owned(),
            Some(Token::Close) => "\"}}\"".to_owned(),
            Some(_) => format!(
                "<{}>",
                &self.text[self.spot().offset..].split("}}").next().unwrap_or_default()
            ),
        }
    }

    fn list(&mut self) -> Result<(Vec<Node>, Closer), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(token) = self.peek().cloned() {
            self.at += 1;
            match token {
                Token::Text(text) => nodes.push(Node::Text(text)),
                _ => {
                    if self.take_word("end") {
                        self.close("end")?;
                        return Ok((nodes, Some("end")));
                    }
                    if self.take_word("else") {
                        return Ok((nodes, Some("else")));
                    }
                    nodes.extend(self.action()?);
                }
            }
        }
        Ok((nodes, None))
    }

    fn action(&mut self) -> Result<Option<Node>, TemplateError> {
        self.blanks();
        let word = match self.peek() {
            Some(Token::Word(word)) => word.clone(),
            _ => String::new(),
        };
        let keyword = [
            "if", "range", "with", "define", "template", "block", "break", "continue",
        ]
        .into_iter()
        .find(|keyword| *keyword == word);
        self.at += usize::from(keyword.is_some());
        match keyword {
            Some("if") => self.branch("if").map(|branch| Some(Node::If(branch))),
            Some("with") => self.branch("with").map(|branch| Some(Node::With(branch))),
            Some("range") => {
                self.loops += 1;
                let branch = self.branch("range");
                self.loops -= 1;
                branch.map(|branch| Some(Node::Range(branch)))
            }
            Some("define") => self.define().map(|()| None),
            Some("template") => self.include("template clause").map(Some),
            Some("block") => self.block().map(Some),
            Some(word @ ("break" | "continue")) => {
                self.close(word)?;
                match (self.loops, word) {
                    (0, _) => Err(self.fault(format!("{{{{{word}}}}} outside {{{{range}}}}"))),
                    (_, "break") => Ok(Some(Node::Break)),
                    _ => Ok(Some(Node::Continue)),
                }
            }
            _ => {
                let pipe = self.pipe("command")?;
                self.close("command")?;
                Ok(Some(Node::Action(pipe)))
            }
        }
    }

    fn branch(&mut self, context: &'static str) -> Result<Branch, TemplateError> {
        let known = self.variables.len();
        let pipe = self.pipe(context)?;
        self.close(context)?;
        let (then, closer) = self.body(context)?;
        let mut otherwise = Vec::new();
        if closer == "else" {
            let chained = match context {
                "range" => false,
                word => self.take_word(word),
            };
            if chained {
                let branch = self.branch(context)?;
                otherwise.push(if context == "if" {
                    Node::If(branch)
                } else {
                    Node::With(branch)
                });
            } else {
                self.close("else")?;
                let (nodes, closer) = self.body(context)?;
                if closer == "else" {
                    return Err(self.fault("expected end; found {{else}}"));
                }
                otherwise = nodes;
            }
        }
        self.variables.truncate(known);
        Ok(Branch { pipe, then, otherwise })
    }

    fn body(&mut self, context: &str) -> Result<(Vec<Node>, &'static str), TemplateError> {
        let known = self.variables.len();
        let (nodes, closer) = self.list()?;
        self.variables.truncate(known);
        let closer = closer.ok_or_else(|| self.fault(format!("unexpected EOF in {context}")));
        Ok((nodes, closer.map_err(|_| self.fault("unexpected EOF"))?))
    }

    fn name(&mut self, context: &str) -> Result<Box<str>, TemplateError> {
        self.blanks();
        match self.peek().cloned() {
            Some(Token::Quoted(name)) => {
                self.at += 1;
                Ok(name.into())
            }
            _ => Err(self.fault(format!("unexpected {} in {context}", self.shown()))),
        }
    }

    fn define(&mut self) -> Result<(), TemplateError> {
        let name = self.name("define clause")?;
        self.close("define clause")?;
        self.definition(name)
    }

    /// What is defined sees only the whole it is given.
    fn definition(&mut self, name: Box<str>) -> Result<(), TemplateError> {
        let outer = std::mem::replace(&mut self.variables, vec!["".into()]);
        let (nodes, _) = self.body("define clause")?;
        self.variables = outer;
        self.defined.insert(name, nodes);
        Ok(())
    }

    fn include(&mut self, context: &str) -> Result<Node, TemplateError> {
        let spot = self.spot();
        let name = self.name(context)?;
        self.blanks();
        let dot = match self.peek() {
            Some(Token::Close) => None,
            _ => Some(self.pipe(context)?),
        };
        self.close(context)?;
        Ok(Node::Template { name, dot, spot })
    }

    fn block(&mut self) -> Result<Node, TemplateError> {
        let node = self.include("block clause")?;
        if let Node::Template { name, .. } = &node {
            self.definition(name.clone())?;
        }
        Ok(node)
    }

    fn pipe(&mut self, context: &str) -> Result<Pipe, TemplateError> {
        self.blanks();
        let (variables, declares) = self.assignment(context)?;
        let mut commands = vec![self.command(context)?];
        while self.take(&Token::Sign("|")) {
            commands.push(self.command(context)?);
        }
        if declares {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipe {
            variables,
            declares,
            commands,
        })
    }

    /// `$x :=`, `$x =`, `$i, $x :=`: or nothing, and then nothing is consumed.
    fn assignment(&mut self, context: &str) -> Result<(Vec<Box<str>>, bool), TemplateError> {
        let start = self.at;
        let mut names = Vec::new();
        while let Some(Token::Variable(name)) = self.peek().cloned() {
            self.at += 1;
            names.push(name.into_boxed_str());
            if self.take(&Token::Sign(":=")) {
                return Ok((names, true));
            }
            if self.take(&Token::Sign("=")) {
                return Ok((names, false));
            }
            if !(context == "range" && names.len() == 1 && self.take(&Token::Sign(","))) {
                break;
            }
            self.blanks();
        }
        self.at = start;
        Ok((Vec::new(), false))
    }

    fn command(&mut self, context: &str) -> Result<Command, TemplateError> {
        self.blanks();
        let spot = self.spot();
        let mut operands = Vec::new();
        while let Some(operand) = self.operand()? {
            operands.push(operand);
            if self.peek() != Some(&Token::Blank) {
                break;
            }
            self.blanks();
        }
        if operands.is_empty() {
            return Err(match self.peek() {
                Some(Token::Close) => self.fault(format!("missing value for {context}")),
                None => self.fault("unclosed action"),
                Some(_) => self.fault(format!("unexpected {} in operand", self.shown())),
            });
        }
        let end = self.spot().offset;
        Ok(Command {
            operands,
            spot,
            text: self.text[spot.offset..end.max(spot.offset)].trim().into(),
        })
    }

    fn operand(&mut self) -> Result<Option<Operand>, TemplateError> {
        let spot = self.spot();
        let Some(token) = self.peek().cloned() else {
            return Ok(None);
        };
        self.at += 1;
        let mut fields: Vec<Box<str>> = Vec::new();
        let base = match token {
            Token::Field(name) => {
                fields.extend((!name.is_empty()).then(|| name.into_boxed_str()));
                Base::Dot
            }
            Token::Variable(name) => match self.variables.iter().any(|known| **known == *name) {
                true => Base::Variable(name.into()),
                false => return Err(self.fault(format!("undefined variable \"${name}\""))),
            },
            Token::Quoted(text) => Base::Literal(Tree::text(text)),
            Token::Char(c) => Base::Literal(Tree::Int(i64::from(u32::from(c)))),
            Token::Number(digits) => Base::Literal(self.number(&digits)?),
            Token::Word(word) => match word.as_str() {
                "true" => Base::Literal(Tree::Bool(true)),
                "false" => Base::Literal(Tree::Bool(false)),
                "nil" => Base::Nil,
                name if functions::NAMES.contains(&name) => Base::Function(name.into()),
                name => return Err(self.fault(format!("function {name:?} not defined"))),
            },
            Token::Sign("(") => {
                let pipe = self.pipe("parenthesized pipeline")?;
                if !self.take(&Token::Sign(")")) {
                    return Err(self.fault("unclosed left paren"));
                }
                Base::Pipe(Box::new(pipe))
            }
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        let mut named_at = spot;
        while let Some(Token::Field(name)) = self.peek().filter(|token| **token != Token::Field(String::new())) {
            let name = name.as_str().into();
            // Go points at the second of several fields.
            named_at = if fields.len() == 1 { self.spot() } else { named_at };
            fields.push(name);
            self.at += 1;
        }
        let text = self.text[spot.offset..self.spot().offset.max(spot.offset)].into();
        Ok(Some(Operand {
            base,
            fields,
            spot: named_at,
            text,
        }))
    }

    fn number(&self, digits: &str) -> Result<Tree, TemplateError> {
        let plain = digits.replace('_', "");
        let whole = match plain.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => plain.parse().ok(),
        };
        let number = whole.map(Tree::Int).or_else(|| plain.parse().ok().map(Tree::Float));
        number.ok_or_else(|| self.fault(format!("bad number syntax: {digits:?}")))
    }
}
