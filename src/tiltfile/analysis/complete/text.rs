//! What could stand in a string: paths, extensions, names that a file exports, resources.

use std::ops::Range;

use crate::model::path;
use crate::tiltfile::analysis::complete::{Candidate, CandidateKind, fits, plain};
use crate::tiltfile::analysis::cursor::Surrounding;
use crate::tiltfile::analysis::explain::described_binding;
use crate::tiltfile::analysis::outline::Value;
use crate::tiltfile::analysis::resolve::View;
use crate::tiltfile::analysis::tokens::{self, Kind};
use crate::tiltfile::analysis::{Document, FolderEntry, Surroundings};

const EXTENSION: &str = "ext://";
/// Functions whose first argument is a Tiltfile.
const LOADING: [&str; 3] = ["load", "load_dynamic", "include"];
/// Parameters that take a file or a folder, relative to the Tiltfile.
const PATHS: [&str; 19] = [
    "apply_dir",
    "base_path",
    "basepath",
    "configPaths",
    "context",
    "delete_dir",
    "deps",
    "dir",
    "directory",
    "dockerfile",
    "env_file",
    "file_path",
    "local_path",
    "path",
    "paths",
    "serve_dir",
    "targpath",
    "values",
    "yaml",
];
/// Arguments that name resources which are there already.
const RESOURCES: [(&str, &str); 5] = [
    ("k8s_resource", "workload"),
    ("dc_resource", "name"),
    ("config.set_enabled_resources", "resources"),
    ("v1alpha1.ui_button", "location"),
    ("cmd_button", "resource"),
];

impl Document {
    pub(super) fn complete_text(&self, token: usize, calls: &[Surrounding], view: View) -> Vec<Candidate> {
        let content = tokens::content(self.tokens[token], &self.text);
        let Some(call) = calls
            .first()
            .filter(|_| (content.start..=content.end).contains(&view.offset))
        else {
            return Vec::new();
        };
        let range = content.start..view.offset;
        let typed = &self.text[range.clone()];
        let callable = view.callable(&call.callee);
        let index = callable
            .as_ref()
            .and_then(|f| f.param_of(call.keyword.as_deref(), call.position));
        let param = callable
            .as_ref()
            .zip(index)
            .map(|(f, index)| f.params[index].name.clone());
        let param = param.or_else(|| call.keyword.clone()).unwrap_or_default();
        let is_first = call.position == 0 && call.keyword.is_none();
        if call.callee == "load" && !is_first {
            return chosen(self.exported_names(token, view), typed, range);
        }
        if LOADING.contains(&call.callee.as_str()) && is_first {
            let extensions = chosen(extensions(view.surroundings), typed, range.clone());
            return if typed.starts_with(EXTENSION) {
                extensions
            } else {
                [self.paths(range, view), extensions].concat()
            };
        }
        let names_resource = RESOURCES
            .iter()
            .any(|(callee, name)| *callee == call.callee && (param == *name || is_first));
        if names_resource || param == "resource_deps" {
            let names = self
                .resource_names()
                .into_iter()
                .filter(|name| !self.is_own_text(name, token));
            return chosen(
                names.map(|name| plain(&name, CandidateKind::Resource)).collect(),
                typed,
                range,
            );
        }
        let takes_text = call.callee.starts_with("decode_") || call.callee == "blob";
        if PATHS.contains(&param.as_str()) && !takes_text {
            self.paths(range, view)
        } else {
            Vec::new()
        }
    }

    /// Whether a name occurs in the document only where it is being typed.
    fn is_own_text(&self, name: &str, token: usize) -> bool {
        let texts = self.tokens.iter().enumerate().filter(|(_, t)| t.kind == Kind::Text);
        let mut same = texts
            .filter(|(_, t)| tokens::plain(**t, &self.text) == name)
            .map(|(index, _)| index);
        same.next() == Some(token) && same.next().is_none()
    }

    /// What the file of the load statement around a string defines for others.
    fn exported_names(&self, token: usize, view: View) -> Vec<Candidate> {
        let statement = self.statement_at(self.tokens[token].start);
        let Some(path) = self.tokens[statement].iter().find(|t| t.kind == Kind::Text) else {
            return Vec::new();
        };
        let Some(document) = self.loaded(tokens::plain(*path, &self.text), view.surroundings) else {
            return Vec::new();
        };
        let candidates = document.outline.exported().map(|binding| {
            let (detail, doc) = described_binding(binding);
            let is_function = matches!(binding.value, Value::Function(_));
            let kind = if is_function {
                CandidateKind::Function
            } else {
                CandidateKind::Variable
            };
            Candidate {
                detail,
                doc,
                ..plain(&binding.name, kind)
            }
        });
        candidates.collect()
    }

    /// The entries of the folder that has been typed so far.
    fn paths(&self, typed: Range<usize>, view: View) -> Vec<Candidate> {
        let Some(base) = self.folder() else {
            return Vec::new();
        };
        let (folder, start) = match self.text[typed.clone()].rfind('/') {
            Some(slash) => (&self.text[typed.start..=typed.start + slash], typed.start + slash + 1),
            None => ("", typed.start),
        };
        let begun = &self.text[start..typed.end];
        let entries = view.surroundings.entries(&path::join(base, folder)).into_iter();
        let shown = entries.filter(|entry| begun.starts_with('.') || !entry.name.starts_with('.'));
        let candidates: Vec<Candidate> = shown.map(|entry| of_path(&entry)).collect();
        chosen(candidates, begun, start..typed.end)
    }
}

fn of_path(entry: &FolderEntry) -> Candidate {
    match entry.is_folder {
        true => plain(&format!("{}/", entry.name), CandidateKind::Folder),
        false => plain(&entry.name, CandidateKind::File),
    }
}

fn extensions(surroundings: &dyn Surroundings) -> Vec<Candidate> {
    let names = surroundings.extensions().into_iter();
    names
        .map(|name| plain(&format!("{EXTENSION}{name}"), CandidateKind::Module))
        .collect()
}

fn chosen(candidates: Vec<Candidate>, typed: &str, range: Range<usize>) -> Vec<Candidate> {
    let fitting = candidates.into_iter().filter(|candidate| fits(typed, &candidate.label));
    let mut found: Vec<Candidate> = fitting
        .map(|candidate| Candidate {
            range: range.clone(),
            ..candidate
        })
        .collect();
    found.sort_by(|a, b| a.label.cmp(&b.label));
    found.dedup_by(|a, b| a.label == b.label);
    found
}
