//! What is wrong with a document, as far as that can be told without running it, in the evaluator's words.

use std::collections::HashSet;
use std::ops::Range;

use starlark::syntax::AstModule;

use crate::model::suggest;
use crate::tiltfile::analysis::callable::{Callable, Passing};
use crate::tiltfile::analysis::outline::{Argument, Call, Load, Shape};
use crate::tiltfile::analysis::predeclared::{self, Entry};
use crate::tiltfile::analysis::{Document, Surroundings};
use crate::tiltfile::loader::{self, DIALECT};
use crate::tiltfile::source::Source;
use crate::tiltfile::{diagnostic, function};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub range: Range<usize>,
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
    pub severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The evaluation fails.
    Error,
    /// It fails if it gets there.
    Warning,
}

impl Document {
    pub fn mistakes(&self, surroundings: &dyn Surroundings) -> Vec<Mistake> {
        let mut found = match self.static_mistake() {
            Some(mistake) => vec![mistake],
            None => self.undefined(),
        };
        found.extend(
            self.outline
                .loads
                .iter()
                .flat_map(|load| self.load_mistakes(load, surroundings)),
        );
        found.extend(self.outline.calls.iter().flat_map(|call| self.call_mistakes(call)));
        found.sort_by_key(|mistake| mistake.range.start);
        found
    }

    /// What the evaluator stops at before it runs anything.
    fn static_mistake(&self) -> Option<Mistake> {
        let source = match Source::new(&self.text) {
            Ok(source) => source,
            Err(error) => {
                return Some(error_at(error.offset..error.offset, error.message.to_owned()));
            }
        };
        match AstModule::parse("", source.rewritten.clone(), &DIALECT) {
            Ok(ast) => {
                let (offset, name) = loader::private_load(ast.statement())?;
                let start = source.original_offset(offset);
                Some(error_at(start..start + name.len(), loader::not_exported(&name)))
            }
            Err(error) => {
                let span = error.span().map(|span| span.span);
                let at = |offset: u32| source.original_offset(offset as usize);
                let range = span.map_or(0..0, |span| at(span.begin().get())..at(span.end().get()));
                let (message, hint) = diagnostic::static_words(&error.without_diagnostic().to_string());
                Some(Mistake {
                    hint,
                    ..error_at(self.visible(range), message)
                })
            }
        }
    }

    /// At least a character, unless the line is empty.
    fn visible(&self, range: Range<usize>) -> Range<usize> {
        let next = self.text[range.start..]
            .chars()
            .next()
            .filter(|c| *c != '\n')
            .map_or(0, char::len_utf8);
        range.start..range.end.max(range.start + next)
    }

    fn undefined(&self) -> Vec<Mistake> {
        let outline = &self.outline;
        let bound: HashSet<(usize, &str)> = outline.bindings.iter().map(|b| (b.scope.0, b.name.as_str())).collect();
        let unknown = outline.references.iter().filter(|reference| {
            let name = reference.name.as_str();
            let is_bound = outline
                .chain(reference.scope)
                .any(|scope| bound.contains(&(scope.0, name)));
            !is_bound && predeclared::find(name).is_none()
        });
        let mistakes = unknown.map(|reference| {
            let scopes: Vec<_> = outline.chain(reference.scope).collect();
            let own = outline
                .bindings
                .iter()
                .filter(|b| scopes.contains(&b.scope))
                .map(|b| b.name.as_str());
            let known = own.chain(predeclared::globals().map(|(name, _)| name));
            let hint = suggest::nearest(&reference.name, known).map(|name| format!("did you mean `{name}`?"));
            let message = diagnostic::undefined(&reference.name);
            Mistake {
                hint,
                ..error_at(reference.span.clone(), message)
            }
        });
        mistakes.collect()
    }

    fn load_mistakes(&self, load: &Load, surroundings: &dyn Surroundings) -> Vec<Mistake> {
        let Some(file) = self.loaded_file(&load.path, surroundings) else {
            return Vec::new();
        };
        if !surroundings.exists(&file) {
            let shown = file.display();
            let message = format!(
                "cannot load {}: error reading file {shown}: open {shown}: no such file or directory",
                load.path
            );
            return vec![error_at(load.path_span.clone(), message)];
        }
        let Some(document) = self.loaded(&load.path, surroundings) else {
            return Vec::new();
        };
        // What a file with mistakes defines is not known.
        if document.static_mistake().is_some() {
            return Vec::new();
        }
        let names: Vec<&str> = document.outline.exported().map(|b| b.name.as_str()).collect();
        let public = load
            .symbols
            .iter()
            .filter(|s| !s.theirs.is_empty() && !s.theirs.starts_with('_'));
        let missing = public.filter(|symbol| !names.contains(&symbol.theirs.as_str()));
        let mistakes = missing.map(|symbol| {
            let message = format!("load: name {} not found in module {}", symbol.theirs, load.path);
            let hint = suggest::nearest(&symbol.theirs, names.iter().copied());
            let hint = hint.map(|name| format!("did you mean `{name}`?"));
            Mistake {
                hint,
                ..error_at(symbol.span.clone(), message)
            }
        });
        mistakes.collect()
    }

    /// Arguments that a function of the language does not take, and those that it needs.
    fn call_mistakes(&self, call: &Call) -> Vec<Mistake> {
        let root = call.callee.split('.').next().unwrap_or_default();
        if !self.outline.lookup(root, call.scope).is_empty() {
            return Vec::new();
        }
        match (function::find(&call.callee), predeclared::find(&call.callee)) {
            (Some(builtin), Some(Entry::Function(callable))) => {
                let mut found: Vec<Mistake> = unexpected(builtin, callable, call).collect();
                found.extend(too_many(builtin, callable, call));
                found.extend(missing(builtin, callable, call));
                found
            }
            (None, None) => unknown_member(call).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

fn unexpected(builtin: &'static function::Builtin, callable: &Callable, call: &Call) -> impl Iterator<Item = Mistake> {
    let takes_any = callable.params.iter().any(|p| p.passing == Passing::NamedRest);
    call.arguments.iter().filter_map(move |argument| match &argument.shape {
        Shape::Named { name, span } if !takes_any && !builtin.params.iter().any(|p| p.is_called(name)) => {
            Some(warning_at(span.clone(), function::unexpected(builtin, name)))
        }
        _ => None,
    })
}

fn too_many(builtin: &'static function::Builtin, callable: &Callable, call: &Call) -> Option<Mistake> {
    if callable.params.iter().any(|p| p.passing == Passing::Rest) {
        return None;
    }
    let most = callable.params.iter().filter(|p| p.passing == Passing::Any).count();
    let positional: Vec<&Argument> = call.arguments.iter().filter(|a| a.shape == Shape::Positional).collect();
    let first = positional.get(most)?;
    Some(warning_at(
        first.span.clone(),
        function::too_many(builtin, positional.len(), most),
    ))
}

fn missing(builtin: &'static function::Builtin, callable: &Callable, call: &Call) -> Option<Mistake> {
    if call.arguments.iter().any(|a| a.shape == Shape::Spread) {
        return None;
    }
    let positional = call.arguments.iter().filter(|a| a.shape == Shape::Positional).count();
    let by_position = callable
        .params
        .iter()
        .filter(|p| p.passing == Passing::Any)
        .count()
        .min(positional);
    let is_named = |param: &function::Param| {
        call.arguments
            .iter()
            .any(|a| matches!(&a.shape, Shape::Named { name, .. } if param.is_called(name)))
    };
    let mut needed = builtin
        .params
        .iter()
        .skip(by_position)
        .filter(|p| p.need == function::Need::Required);
    let param = needed.find(|param| !is_named(param))?;
    Some(warning_at(
        call.callee_span.clone(),
        function::missing(builtin, param.name),
    ))
}

/// A function that a module does not have.
fn unknown_member(call: &Call) -> Option<Mistake> {
    let (module, name) = call.callee.rsplit_once('.')?;
    let Some(Entry::Module) = predeclared::find(module) else {
        return None;
    };
    let hint = suggest::nearest(name, predeclared::members(module).map(|(name, _)| name));
    let hint = hint.map(|name| format!("did you mean `{module}.{name}`?"));
    let span = call.callee_span.end - name.len()..call.callee_span.end;
    Some(Mistake {
        hint,
        ..warning_at(span, format!("module has no .{name} field or method"))
    })
}

fn error_at(range: Range<usize>, message: String) -> Mistake {
    Mistake {
        range,
        message,
        hint: None,
        severity: Severity::Error,
    }
}

fn warning_at(range: Range<usize>, message: String) -> Mistake {
    Mistake {
        severity: Severity::Warning,
        ..error_at(range, message)
    }
}
