//! The outline that an editor shows: functions, global names, and the resources that a file declares by a literal name.

use std::ops::Range;

use crate::tiltfile::analysis::Document;
use crate::tiltfile::analysis::outline::{Call, MODULE, Shape, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub name: String,
    pub kind: SymbolKind,
    /// The name itself.
    pub span: Range<usize>,
    /// The whole definition.
    pub extent: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    Function,
    Variable,
    Resource,
}

/// Functions whose first argument, or the argument of that name, names a resource.
const DECLARING: &[(&str, &str)] = &[
    ("local_resource", "name"),
    ("test", "name"),
    ("k8s_resource", "workload"),
    ("k8s_custom_deploy", "name"),
    ("dc_resource", "name"),
    ("helm_resource", "name"),
];

impl Document {
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = Vec::new();
        for binding in self.outline.bindings.iter().filter(|b| b.scope == MODULE) {
            let kind = match binding.value {
                Value::Loaded { .. } => continue,
                Value::Function(_) => SymbolKind::Function,
                _ => SymbolKind::Variable,
            };
            if !symbols.iter().any(|s| s.name == binding.name && s.kind == kind) {
                let (span, extent) = (binding.span.clone(), binding.extent.clone());
                symbols.push(Symbol {
                    name: binding.name.clone(),
                    kind,
                    span,
                    extent,
                });
            }
        }
        symbols.extend(self.resource_calls().map(|(name, call, span)| Symbol {
            name,
            kind: SymbolKind::Resource,
            extent: call.callee_span.start..span.end,
            span,
        }));
        symbols.sort_by_key(|symbol| symbol.span.start);
        symbols
    }

    /// Names of resources that are written out in this document.
    pub fn resource_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.resource_calls().map(|(name, ..)| name).collect();
        names.sort();
        names.dedup();
        names
    }

    fn resource_calls(&self) -> impl Iterator<Item = (String, &Call, Range<usize>)> {
        self.outline.calls.iter().filter_map(|call| {
            let (_, param) = DECLARING.iter().find(|(function, _)| *function == call.callee)?;
            let named = |wanted: &str| {
                let is_it = |shape: &Shape| matches!(shape, Shape::Named { name, .. } if name == wanted);
                call.arguments.iter().find(|arg| is_it(&arg.shape))
            };
            let first = call.arguments.first().filter(|arg| arg.shape == Shape::Positional);
            let argument = named("new_name").or(first).or_else(|| named(param))?;
            let name = argument.text.clone().filter(|name| !name.is_empty())?;
            Some((name, call, argument.span.clone()))
        })
    }
}
