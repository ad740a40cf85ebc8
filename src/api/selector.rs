//! Pure. Label and field selectors: `app=web,tier in (a,b),!old`.

use crate::model::label;
use crate::model::object::Stored;
use crate::model::tree::{Map, Tree};

use thiserror::Error;

/// All requirements must hold; none select everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    demand: Demand,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Demand {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SelectorError {
    #[error("unable to parse requirement: found '{found}', expected: {expected}")]
    Unexpected { found: String, expected: &'static str },
    #[error("unable to parse requirement: {place}: Invalid value: {value:?}: {problem}")]
    Invalid {
        place: &'static str,
        value: String,
        problem: String,
    },
    #[error("invalid selector: '{0}'; can't understand '{1}'")]
    NotAnEquation(String, String),
    #[error("field label not supported: {0}")]
    UnknownField(String),
}

impl Labels {
    pub fn parse(text: &str) -> Result<Labels, SelectorError> {
        Parser::new(text).all().map(Labels)
    }

    pub fn matches(&self, labels: &Map) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Requirement {
    fn holds(&self, labels: &Map) -> bool {
        let value = labels.get(&self.key).and_then(Tree::as_text);
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.demand {
            Demand::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Demand::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Demand::Exists => value.is_some(),
            Demand::Absent => value.is_none(),
            Demand::Above(limit) => number().is_some_and(|number| number > *limit),
            Demand::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 9] = ["==", "!=", "=", "!", ",", "(", ")", ">", "<"];

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parser<'a> {
        Parser { rest: text }
    }

    fn next(&mut self) -> Token {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return Token::End;
        }
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) {
            self.rest = &self.rest[sign.len()..];
            return Token::Sign(sign);
        }
        let ends = |c: char| c.is_whitespace() || "=!,()<>".contains(c);
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Token::Word(word.to_owned())
    }

    fn peek(&self) -> Token {
        Parser { rest: self.rest }.next()
    }

    fn all(mut self) -> Result<Vec<Requirement>, SelectorError> {
        let mut requirements = Vec::new();
        if self.peek() == Token::End {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.next() {
                Token::End => return Ok(requirements),
                Token::Sign(",") => {}
                other => return Err(unexpected(&other, "',' or 'end of string'")),
            }
            if self.peek() == Token::End {
                return Err(unexpected(&Token::End, "identifier after ','"));
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.peek() == Token::Sign("!") {
            self.next();
            let key = self.key()?;
            return Ok(Requirement {
                key,
                demand: Demand::Absent,
            });
        }
        let key = self.key()?;
        let demand = match self.peek() {
            Token::End | Token::Sign(",") => Demand::Exists,
            _ => self.demand()?,
        };
        Ok(Requirement { key, demand })
    }

    fn demand(&mut self) -> Result<Demand, SelectorError> {
        let operator = self.next();
        Ok(match &operator {
            Token::Sign("=" | "==") => Demand::In(vec![self.value()?]),
            Token::Sign("!=") => Demand::NotIn(vec![self.value()?]),
            Token::Sign(">") => Demand::Above(self.number()?),
            Token::Sign("<") => Demand::Below(self.number()?),
            Token::Word(word) if word == "in" => Demand::In(self.values()?),
            Token::Word(word) if word == "notin" => Demand::NotIn(self.values()?),
            other => return Err(unexpected(other, "in, notin, =, ==, !=, gt, lt")),
        })
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        let key = match self.next() {
            Token::Word(word) => word,
            other => return Err(unexpected(&other, "!, identifier, or 'end of string'")),
        };
        checked("key", key, label::qualified_name_problems)
    }

    /// Nothing at all is the empty value.
    fn value(&mut self) -> Result<String, SelectorError> {
        match self.peek() {
            Token::End | Token::Sign(",") => Ok(String::new()),
            Token::Word(word) => {
                self.next();
                checked("values", word, label::value_problems)
            }
            other => Err(unexpected(&other, "identifier")),
        }
    }

    fn number(&mut self) -> Result<i64, SelectorError> {
        let text = self.value()?;
        text.parse().map_err(|_| SelectorError::Invalid {
            place: "values",
            value: text,
            problem: "for 'Gt', 'Lt' operators, the value must be an integer".into(),
        })
    }

    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        match self.next() {
            Token::Sign("(") => {}
            other => return Err(unexpected(&other, "'('")),
        }
        let mut values = Vec::new();
        loop {
            match self.peek() {
                Token::Sign("," | ")") => values.push(String::new()),
                _ => values.push(self.value()?),
            }
            match self.next() {
                Token::Sign(")") => return Ok(values),
                Token::Sign(",") => {}
                other => return Err(unexpected(&other, "',', or ')'")),
            }
        }
    }
}

fn checked(place: &'static str, value: String, problems: fn(&str) -> Vec<String>) -> Result<String, SelectorError> {
    let problems = problems(&value);
    if problems.is_empty() {
        return Ok(value);
    }
    Err(SelectorError::Invalid {
        place,
        value,
        problem: problems.join("; "),
    })
}

fn unexpected(found: &Token, expected: &'static str) -> SelectorError {
    let found = match found {
        Token::Word(word) => word.clone(),
        Token::Sign(sign) => (*sign).to_owned(),
        Token::End => String::new(),
    };
    SelectorError::Unexpected { found, expected }
}

/// What fields must, or must not, be. Only an object's name can be asked for; it has no namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Equation>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Equation {
    is_name: bool,
    value: String,
    holds_if_equal: bool,
}

impl Fields {
    pub fn parse(text: &str) -> Result<Fields, SelectorError> {
        let terms = split(text, ',').into_iter().filter(|term| !term.is_empty());
        terms
            .map(|term| equation(text, &term))
            .collect::<Result<_, _>>()
            .map(Fields)
    }

    pub fn named(name: &str) -> Fields {
        Fields(vec![Equation {
            is_name: true,
            value: name.to_owned(),
            holds_if_equal: true,
        }])
    }

    pub fn matches(&self, name: &str) -> bool {
        let holds = |one: &Equation| (one.value == if one.is_name { name } else { "" }) == one.holds_if_equal;
        self.0.iter().all(holds)
    }

    /// Both must hold.
    pub fn and(mut self, other: Fields) -> Fields {
        self.0.extend(other.0);
        self
    }
}

fn equation(whole: &str, term: &str) -> Result<Equation, SelectorError> {
    // `a!=b` holds an equals sign too.
    let parts = [("!=", false), ("==", true), ("=", true)]
        .iter()
        .find_map(|(sign, equal)| term.split_once(sign).map(|(key, value)| (key, value, *equal)));
    let (key, value, holds_if_equal) =
        parts.ok_or_else(|| SelectorError::NotAnEquation(whole.to_owned(), term.to_owned()))?;
    let is_name = match key {
        "metadata.name" => true,
        "metadata.namespace" => false,
        other => return Err(SelectorError::UnknownField(other.to_owned())),
    };
    Ok(Equation {
        is_name,
        value: unescaped(value),
        holds_if_equal,
    })
}

/// Parts between separators that no backslash precedes.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// Which objects of a kind are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub labels: Labels,
    pub fields: Fields,
}

impl Selection {
    pub fn matches(&self, object: &Stored) -> bool {
        self.fields.matches(&object.name) && self.labels.matches(&object.meta.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(k, v)| ((*k).into(), Tree::text(*v))).collect()
    }

    #[test]
    fn each_operator_selects_what_it_says() {
        let web = labels(&[("app", "web"), ("weight", "5"), ("x.io/y", "")]);
        let table = [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app = web , weight", true),
            ("app!=web", false),
            ("missing!=web", true),
            ("app in (a, web)", true),
            ("app in (a,b)", false),
            ("app notin (a,b)", true),
            ("missing notin (a)", true),
            ("app", true),
            ("!app", false),
            ("!missing", true),
            ("weight>4", true),
            ("weight<5", false),
            ("x.io/y=", true),
            ("x.io/y in ()", true),
            ("in in (in)", false),
        ];
        for (text, expected) in table {
            assert_eq!(Labels::parse(text).unwrap().matches(&web), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in [
            "=a", "a=b,", "a in b", "a in (b", "a b", "a=b c", "!", "a!", "-a=b", "a=!", "a>x", "a/b/c", ",a",
        ] {
            assert!(Labels::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_know_names_only() {
        let named = Fields::parse("metadata.name=(Tiltfile),metadata.namespace=").unwrap();
        assert!(named.matches("(Tiltfile)") && !named.matches("x"));
        assert!(!Fields::parse("metadata.name!=x").unwrap().matches("x"));
        assert!(Fields::parse(r"metadata.name=a\,b").unwrap().matches("a,b"));
        let error = Fields::parse("spec.text=x").unwrap_err();
        assert_eq!(error.to_string(), "field label not supported: spec.text");
        assert!(Fields::parse("nonsense").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "[a-c!=<>(), \\\\\\PC]{0,24}") {
            let _ = Labels::parse(&text);
            let _ = Fields::parse(&text);
        }

        #[test]
        fn equality_and_inequality_are_opposites(value in "[a-c]{0,2}", has in "[a-c]{0,2}") {
            let labels = labels(&[("k", &has)]);
            let equal = Labels::parse(&format!("k={value}")).unwrap().matches(&labels);
            let unequal = Labels::parse(&format!("k!={value}")).unwrap().matches(&labels);
            prop_assert_ne!(equal, unequal);
        }
    }
}
