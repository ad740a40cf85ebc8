//! Hover and signature help.

use std::ops::Range;

use crate::tiltfile::analysis::callable::{Callable, Parameter};
use crate::tiltfile::analysis::cursor::{Receiver, Spot, Surrounding};
use crate::tiltfile::analysis::outline::{Binding, Value};
use crate::tiltfile::analysis::predeclared::Entry;
use crate::tiltfile::analysis::resolve::{Meaning, View};
use crate::tiltfile::analysis::{Document, Surroundings, path_in, tokens};

/// What a name is: code first, then prose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub range: Range<usize>,
    pub code: String,
    pub doc: String,
}

/// The function that is being called, and the parameter that the cursor is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHint {
    pub label: String,
    /// Places of the parameters in the label.
    pub params: Vec<Range<usize>>,
    pub active: Option<usize>,
    pub doc: String,
}

impl Document {
    pub fn hover(&self, offset: usize, surroundings: &dyn Surroundings) -> Option<Explanation> {
        let place = self.place(offset);
        let view = View::new(self, surroundings, offset);
        match place.spot {
            Spot::Nowhere => None,
            Spot::Text(token) => self.hover_text(token, view),
            Spot::Name { range, .. } if range.is_empty() => None,
            Spot::Name { receiver, range } => {
                let named = self.is_argument_name(&range).then(|| place.calls.first()).flatten();
                let (code, doc) = match named {
                    Some(call) => named_argument(call, &self.text[range.clone()], view)?,
                    None => view.described(&receiver, &self.text[range.clone()])?,
                };
                Some(Explanation { range, code, doc })
            }
        }
    }

    /// A loaded symbol's name, or the file that a load names.
    fn hover_text(&self, token: usize, view: View) -> Option<Explanation> {
        let range = self.tokens[token].range();
        if let Some(symbol) = self
            .outline
            .loads
            .iter()
            .flat_map(|load| &load.symbols)
            .find(|s| s.span == range)
        {
            let is_bound = |b: &&Binding| matches!(&b.value, Value::Loaded { name, .. } if *name == symbol.theirs);
            let binding = self.outline.bindings.iter().find(is_bound)?;
            let (code, doc) = view.described(&Receiver::Nothing, &binding.name)?;
            return Some(Explanation { range, code, doc });
        }
        let load = self.outline.loads.iter().find(|load| load.path_span == range)?;
        let file = self.loaded_file(&load.path, view.surroundings)?;
        let doc = if view.surroundings.exists(&file) {
            ""
        } else {
            "No such file."
        };
        Some(Explanation {
            range,
            code: file.display().to_string(),
            doc: doc.to_owned(),
        })
    }

    /// Whether a name is that of an argument: `name=` in a call's brackets.
    pub(super) fn is_argument_name(&self, range: &Range<usize>) -> bool {
        let index = self.tokens.partition_point(|t| t.start < range.start);
        let equals = self.tokens.get(index + 1).is_some_and(|next| next.is(&self.text, "="));
        let before = index
            .checked_sub(1)
            .map(|i| self.tokens[..=i].iter().rfind(|t| t.kind != tokens::Kind::Break));
        let opens = before
            .flatten()
            .is_some_and(|t| t.is(&self.text, "(") || t.is(&self.text, ","));
        equals && opens && !self.place(range.start).calls.is_empty()
    }

    pub fn signature_help(&self, offset: usize, surroundings: &dyn Surroundings) -> Option<SignatureHint> {
        let view = View::new(self, surroundings, offset);
        let place = self.place(offset);
        place.calls.iter().find_map(|call| {
            let callable = view.callable(&call.callee)?;
            let signature = callable.signature();
            let active = callable.param_of(call.keyword.as_deref(), call.position);
            Some(SignatureHint {
                label: signature.label,
                params: signature.params,
                active,
                doc: callable.doc,
            })
        })
    }
}

fn named_argument(call: &Surrounding, name: &str, view: View) -> Option<(String, String)> {
    let callable = view.callable(&call.callee)?;
    let param = callable.param(name)?;
    Some((param.shown(), parameter_doc(&callable, param)))
}

/// Prose for a parameter: whose it is, and what its function's documentation says of it.
pub(super) fn parameter_doc(callable: &Callable, param: &Parameter) -> String {
    let quoted = format!("`{}`", param.name);
    let sentences = callable
        .doc
        .split_inclusive(". ")
        .filter(|sentence| sentence.contains(&quoted));
    let said: String = sentences.collect();
    let need = if param.default.is_some() {
        "Optional parameter"
    } else {
        "Parameter"
    };
    format!("{need} of `{}`. {said}", callable.name).trim_end().to_owned()
}

impl View<'_> {
    /// Code and prose for a name behind what it follows.
    pub fn described(self, receiver: &Receiver, name: &str) -> Option<(String, String)> {
        let meaning = match path_in(receiver, name) {
            Some(path) => self.meaning(&path)?,
            None => self.member_of(receiver, name)?,
        };
        Some(match &meaning {
            Meaning::Predeclared { name, entry } => described_entry(name, entry),
            Meaning::Own(binding) | Meaning::Missing(binding) => described_binding(binding),
            Meaning::Loaded { file, binding } => {
                let (code, doc) = described_binding(binding);
                (
                    code,
                    format!("{doc}\n\nFrom `{}`.", file.display()).trim_start().to_owned(),
                )
            }
        })
    }
}

pub(super) fn described_entry(name: &str, entry: &Entry) -> (String, String) {
    match entry {
        Entry::Function(callable) => (callable.shown(), callable.doc.clone()),
        Entry::Value { of, doc } => (format!("{name}: {of}"), doc.clone()),
        Entry::Module => (format!("(module) {name}"), String::new()),
    }
}

pub(super) fn described_binding(binding: &Binding) -> (String, String) {
    let name = &binding.name;
    match &binding.value {
        Value::Function(callable) if callable.name == "lambda" => (
            Callable {
                name: name.clone(),
                ..callable.clone()
            }
            .shown(),
            String::new(),
        ),
        Value::Function(callable) => (format!("def {}", callable.shown()), callable.doc.clone()),
        Value::Loaded { module, .. } => (name.clone(), format!("From `{module}`.")),
        Value::Parameter { default: Some(default) } => (format!("{name}={default}"), "Parameter.".to_owned()),
        Value::Parameter { default: None } => (name.clone(), "Parameter.".to_owned()),
        Value::Of(of) => (format!("{name}: {of}"), String::new()),
        Value::Fields(fields) => (format!("{name}: struct({})", fields.join(", ")), String::new()),
        Value::Returned(callee) => (format!("{name} = {callee}(…)"), String::new()),
        Value::Same(other) => (format!("{name} = {other}"), String::new()),
        Value::Unknown => (name.clone(), String::new()),
    }
}
