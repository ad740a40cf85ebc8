//! Pure. What can be called, seen from the outside: a builtin, a function of the interpreter's or one that a Tiltfile defines.

use std::ops::Range;

use crate::tiltfile::function::{Builtin, Need, Rest};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callable {
    /// With its module: `os.path.join`.
    pub name: String,
    pub params: Vec<Parameter>,
    pub returns: Option<String>,
    pub doc: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    /// Another name that is accepted for it.
    pub alias: Option<String>,
    pub accepts: Option<String>,
    pub default: Option<String>,
    pub passing: Passing,
}

/// How an argument reaches a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    Any,
    ByPosition,
    ByName,
    /// `*args`
    Rest,
    /// `**kwargs`
    NamedRest,
}

impl Parameter {
    pub fn new(name: impl Into<String>, passing: Passing) -> Parameter {
        Parameter {
            name: name.into(),
            alias: None,
            accepts: None,
            default: None,
            passing,
        }
    }

    /// `dockerfile: str = "Dockerfile"`, as in a signature.
    pub fn shown(&self) -> String {
        let stars = match self.passing {
            Passing::Rest => "*",
            Passing::NamedRest => "**",
            _ => "",
        };
        let accepts = self.accepts.as_ref().map(|accepts| format!(": {accepts}"));
        let default = self.default.as_ref().map(|default| match accepts {
            Some(_) => format!(" = {default}"),
            None => format!("={default}"),
        });
        format!(
            "{stars}{}{}{}",
            self.name,
            accepts.unwrap_or_default(),
            default.unwrap_or_default()
        )
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.can_be_named() && (self.name == name || self.alias.as_deref() == Some(name))
    }

    pub fn can_be_named(&self) -> bool {
        matches!(self.passing, Passing::Any | Passing::ByName)
    }
}

/// A signature on one line, with the places of its parameters in it.
pub struct Signature {
    pub label: String,
    pub params: Vec<Range<usize>>,
}

/// Longer signatures are shown with a parameter a line.
const WIDE: usize = 80;

impl Callable {
    pub fn signature(&self) -> Signature {
        let mut label = format!("{}(", self.name);
        let mut params = Vec::new();
        for param in &self.params {
            if !params.is_empty() {
                label.push_str(", ");
            }
            let start = label.len();
            label.push_str(&param.shown());
            params.push(start..label.len());
        }
        label.push(')');
        label.push_str(&self.returned());
        Signature { label, params }
    }

    /// The signature for a reader: on several lines if it is long.
    pub fn shown(&self) -> String {
        let label = self.signature().label;
        if label.chars().count() <= WIDE {
            return label;
        }
        let params: String = self
            .params
            .iter()
            .map(|param| format!("    {},\n", param.shown()))
            .collect();
        format!("{}(\n{params}){}", self.name, self.returned())
    }

    fn returned(&self) -> String {
        self.returns
            .as_ref()
            .map(|returns| format!(" -> {returns}"))
            .unwrap_or_default()
    }

    pub fn param(&self, name: &str) -> Option<&Parameter> {
        self.params.iter().find(|param| param.is_called(name))
    }

    /// The parameter that an argument goes to: the one of its name, or the one at its place among the positional ones.
    pub fn param_of(&self, keyword: Option<&str>, position: usize) -> Option<usize> {
        if let Some(keyword) = keyword {
            let named = self.params.iter().position(|p| p.is_called(keyword));
            return named.or_else(|| self.params.iter().position(|p| p.passing == Passing::NamedRest));
        }
        let positional = |p: &Parameter| matches!(p.passing, Passing::Any | Passing::ByPosition);
        let rest = self.params.iter().position(|p| p.passing == Passing::Rest);
        let before_rest = self.params[..rest.unwrap_or(self.params.len())].iter();
        let at = before_rest
            .enumerate()
            .filter(|(_, p)| positional(p))
            .nth(position)
            .map(|(index, _)| index);
        at.or(rest)
    }
}

impl From<&Builtin> for Callable {
    fn from(builtin: &Builtin) -> Callable {
        let by_position = match builtin.rest {
            Rest::Positional | Rest::Both => 0,
            Rest::PositionalAtMost(most) => most,
            Rest::Refused | Rest::Named => builtin.params.len(),
        };
        let mut params = Vec::new();
        if matches!(builtin.rest, Rest::Positional | Rest::Both) {
            params.push(Parameter::new("args", Passing::Rest));
        }
        for (index, param) in builtin.params.iter().enumerate() {
            let default = match param.need {
                Need::Required => None,
                Need::Optional(default) | Need::Nullable(default) => Some(default.to_owned()),
            };
            let passing = if index < by_position {
                Passing::Any
            } else {
                Passing::ByName
            };
            params.push(Parameter {
                name: param.name.to_owned(),
                alias: param.alias.map(str::to_owned),
                accepts: Some(param.accepts.to_owned()),
                default,
                passing,
            });
        }
        if matches!(builtin.rest, Rest::Named | Rest::Both) {
            params.push(Parameter::new("kwargs", Passing::NamedRest));
        }
        Callable {
            name: builtin.name.to_owned(),
            params,
            returns: Some(builtin.returns.to_owned()),
            doc: builtin.doc.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callable() -> Callable {
        let param = |name: &str, passing, default: Option<&str>| Parameter {
            default: default.map(str::to_owned),
            ..Parameter::new(name, passing)
        };
        Callable {
            name: "f".to_owned(),
            params: vec![
                param("a", Passing::Any, None),
                param("b", Passing::Any, Some("1")),
                param("args", Passing::Rest, None),
                param("c", Passing::ByName, Some("2")),
                param("kwargs", Passing::NamedRest, None),
            ],
            ..Callable::default()
        }
    }

    #[test]
    fn arguments_go_to_parameters_by_name_and_by_place() {
        let f = callable();
        let table = [
            (None, 0, Some(0)),
            (None, 1, Some(1)),
            (None, 2, Some(2)),
            (None, 7, Some(2)),
            (Some("c"), 0, Some(3)),
            (Some("a"), 3, Some(0)),
            (Some("z"), 0, Some(4)),
        ];
        for (keyword, position, expected) in table {
            assert_eq!(f.param_of(keyword, position), expected, "{keyword:?} {position}");
        }
    }

    #[test]
    fn a_signature_knows_where_its_parameters_stand() {
        let signature = callable().signature();
        assert_eq!(signature.label, "f(a, b=1, *args, c=2, **kwargs)");
        let params: Vec<&str> = signature
            .params
            .into_iter()
            .map(|range| &signature.label[range])
            .collect();
        assert_eq!(params, ["a", "b=1", "*args", "c=2", "**kwargs"]);
    }
}
