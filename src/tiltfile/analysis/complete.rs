//! What could stand at the cursor.

mod text;

use std::collections::HashSet;
use std::ops::Range;

use crate::tiltfile::analysis::callable::{Callable, Parameter, Passing};
use crate::tiltfile::analysis::cursor::{Receiver, Spot, Surrounding};
use crate::tiltfile::analysis::explain::{described_binding, described_entry, parameter_doc};
use crate::tiltfile::analysis::outline::{MODULE, Value};
use crate::tiltfile::analysis::predeclared::{self, Entry};
use crate::tiltfile::analysis::resolve::{Owner, View};
use crate::tiltfile::analysis::{Document, Surroundings};

const KEYWORDS: [&str; 16] = [
    "and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load", "not", "or", "pass",
    "return", "while",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub label: String,
    pub kind: CandidateKind,
    /// Code: a signature or a type.
    pub detail: String,
    pub doc: String,
    /// What is written in place of `range`.
    pub insert: String,
    pub range: Range<usize>,
    /// The likelier, the lower.
    pub rank: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    Function,
    Method,
    Variable,
    Constant,
    Field,
    Module,
    Argument,
    Keyword,
    File,
    Folder,
    Resource,
}

/// Ranks, from what fits this very place to what fits everywhere.
mod rank {
    pub const FITTING: u8 = 0;
    pub const ARGUMENT: u8 = 1;
    pub const LOCAL: u8 = 2;
    pub const GLOBAL: u8 = 3;
    pub const PREDECLARED: u8 = 4;
    pub const KEYWORD: u8 = 5;
}

impl Document {
    pub fn complete(&self, offset: usize, surroundings: &dyn Surroundings) -> Vec<Candidate> {
        let place = self.place(offset);
        let view = View::new(self, surroundings, offset);
        let (typed, mut found) = match place.spot {
            Spot::Nowhere => return Vec::new(),
            Spot::Text(token) => return self.complete_text(token, &place.calls, view),
            Spot::Name { receiver, range } => {
                let written = range.start..offset.max(range.start);
                let found = match receiver {
                    Receiver::Nothing if self.names_something_new(range.start) => Vec::new(),
                    Receiver::Nothing => self.names(&place.calls, &range, view),
                    receiver => members(&receiver, view),
                };
                (written, found)
            }
        };
        found.retain(|candidate| fits(&self.text[typed.clone()], &candidate.label));
        for candidate in &mut found {
            candidate.range = typed.clone();
        }
        found.sort_by(|a, b| (a.rank, &a.label).cmp(&(b.rank, &b.label)));
        let mut labels = HashSet::new();
        found.retain(|candidate| labels.insert(candidate.label.clone()));
        found
    }

    /// Behind `def`, `for` and `lambda` stands a name that nobody knows yet.
    fn names_something_new(&self, start: usize) -> bool {
        let before = self.tokens[..self.tokens.partition_point(|t| t.start < start)].last();
        before.is_some_and(|t| ["def", "for", "lambda"].iter().any(|word| t.is(&self.text, word)))
    }

    fn names(&self, calls: &[Surrounding], range: &Range<usize>, view: View) -> Vec<Candidate> {
        let mut found = Vec::new();
        if let Some(call) = calls.first()
            && let Some(callable) = view.callable(&call.callee)
        {
            if call.begins_argument && call.keyword.is_none() {
                found.extend(arguments(&callable, call));
            }
            found.extend(fitting_values(&callable, call));
        }
        found.extend(self.own_names(range, view));
        let predeclared = predeclared::globals().filter(|(name, _)| !name.starts_with('_') || *name == "__file__");
        found.extend(predeclared.map(|(name, entry)| of_entry(name, name, entry, rank::PREDECLARED)));
        found.extend(
            KEYWORDS
                .iter()
                .filter(|word| predeclared::find(word).is_none())
                .map(|word| Candidate {
                    rank: rank::KEYWORD,
                    ..plain(word, CandidateKind::Keyword)
                }),
        );
        found
    }

    /// Names that this document defines, as far as the place sees them.
    fn own_names(&self, range: &Range<usize>, view: View) -> Vec<Candidate> {
        let outline = &self.outline;
        let mut found: Vec<Candidate> = Vec::new();
        for scope in outline.chain(view.scope) {
            let is_known = |start: usize| view.scope != MODULE || start < range.start;
            let bindings = outline
                .bindings
                .iter()
                .filter(|b| b.scope == scope && is_known(b.span.start));
            for binding in bindings.filter(|b| b.span != *range) {
                let is_loaded = matches!(binding.value, Value::Loaded { .. });
                let shown = is_loaded
                    .then(|| view.described(&Receiver::Nothing, &binding.name))
                    .flatten();
                let (detail, doc) = shown.unwrap_or_else(|| described_binding(binding));
                let kind = match binding.value {
                    Value::Function(_) => CandidateKind::Function,
                    Value::Loaded { .. } if detail.starts_with("def ") => CandidateKind::Function,
                    _ => CandidateKind::Variable,
                };
                let rank = if scope == MODULE { rank::GLOBAL } else { rank::LOCAL };
                found.push(Candidate {
                    detail,
                    doc,
                    rank,
                    ..plain(&binding.name, kind)
                });
            }
        }
        found
    }
}

/// Arguments that a call can still be given by name.
fn arguments(callable: &Callable, call: &Surrounding) -> Vec<Candidate> {
    let given = |param: &Parameter| call.named.iter().any(|named| param.is_called(named));
    let positional = callable
        .params
        .iter()
        .filter(|p| matches!(p.passing, Passing::Any | Passing::ByPosition));
    let filled: Vec<&str> = positional.take(call.position).map(|p| p.name.as_str()).collect();
    let params = callable.params.iter().filter(|p| p.can_be_named() && !given(p));
    let open = params.filter(|p| !filled.contains(&p.name.as_str()));
    let candidates = open.map(|param| Candidate {
        detail: param.shown(),
        doc: parameter_doc(callable, param),
        insert: format!("{}=", param.name),
        rank: rank::ARGUMENT,
        ..plain(&format!("{}=", param.name), CandidateKind::Argument)
    });
    candidates.collect()
}

/// Constants of the type that the argument at the cursor wants.
fn fitting_values(callable: &Callable, call: &Surrounding) -> Vec<Candidate> {
    let param = callable
        .param_of(call.keyword.as_deref(), call.position)
        .map(|index| &callable.params[index]);
    let Some(accepts) = param.and_then(|param| param.accepts.as_deref()) else {
        return Vec::new();
    };
    let fits = |of: &str| accepts.split(['|', ' ']).any(|word| word == of);
    let constants = predeclared::globals().filter(|(name, entry)| match entry {
        Entry::Value { of, .. } => fits(of) && *name != "None" && !name.starts_with('_'),
        _ => false,
    });
    constants
        .map(|(name, entry)| of_entry(name, name, entry, rank::FITTING))
        .collect()
}

fn members(receiver: &Receiver, view: View) -> Vec<Candidate> {
    match view.owner(receiver) {
        Owner::Module(module) => {
            let full = |name: &str| format!("{module}.{name}");
            predeclared::members(&module)
                .map(|(name, entry)| of_entry(name, &full(name), entry, rank::FITTING))
                .collect()
        }
        Owner::Type(of) => {
            let candidate = |(name, entry): (&str, &Entry)| {
                let kind = if matches!(entry, Entry::Function(_)) {
                    CandidateKind::Method
                } else {
                    CandidateKind::Field
                };
                Candidate {
                    kind,
                    ..of_entry(name, name, entry, rank::FITTING)
                }
            };
            predeclared::methods_of(&of).map(candidate).collect()
        }
        Owner::Fields(fields) => fields.iter().map(|field| plain(field, CandidateKind::Field)).collect(),
        Owner::Unknown => Vec::new(),
    }
}

fn of_entry(label: &str, full_name: &str, entry: &Entry, rank: u8) -> Candidate {
    let (detail, doc) = described_entry(full_name, entry);
    let kind = match entry {
        Entry::Function(_) => CandidateKind::Function,
        Entry::Value { .. } => CandidateKind::Constant,
        Entry::Module => CandidateKind::Module,
    };
    Candidate {
        detail,
        doc,
        rank,
        ..plain(label, kind)
    }
}

/// A candidate that is nothing but its name; its range is set when all are known.
fn plain(label: &str, kind: CandidateKind) -> Candidate {
    Candidate {
        label: label.to_owned(),
        kind,
        detail: String::new(),
        doc: String::new(),
        insert: label.to_owned(),
        range: 0..0,
        rank: rank::FITTING,
    }
}

/// Whether the typed letters occur in a name, in their order.
fn fits(typed: &str, label: &str) -> bool {
    let mut letters = label.chars().flat_map(char::to_lowercase);
    typed
        .chars()
        .flat_map(char::to_lowercase)
        .all(|wanted| letters.any(|letter| letter == wanted))
}
