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

/// What a string is for.
enum Purpose {
    Path,
    /// A path or an extension.
    Tiltfile,
    /// A name of the file that the same statement loads.
    LoadedName,
    Resource,
    Other,
}

impl Document {
    pub(super) fn complete_text(&self, token: usize, calls: &[Surrounding], view: View) -> Vec<Candidate> {
        let content = tokens::content(self.tokens[token], &self.text);
        let is_inside = (content.start..=content.end).contains(&view.offset);
        let Some(call) = calls.first().filter(|_| is_inside) else {
            return Vec::new();
        };
        let range = content.start..view.offset;
        let typed = &self.text[range.clone()];
        match purpose(call, view) {
            Purpose::Path => self.paths(range, view),
            Purpose::Tiltfile => {
                let extensions = chosen(extensions(view.surroundings), typed, range.clone());
                match typed.starts_with(EXTENSION) {
                    true => extensions,
                    false => [self.paths(range, view), extensions].concat(),
                }
            }
            Purpose::LoadedName => chosen(self.exported_names(token, view), typed, range),
            Purpose::Resource => chosen(self.other_resources(token), typed, range),
            Purpose::Other => Vec::new(),
        }
    }

    /// Resources by name; the one that is being typed is none, unless it is written elsewhere too.
    fn other_resources(&self, token: usize) -> Vec<Candidate> {
        let own = tokens::plain(self.tokens[token], &self.text);
        let mut others = self
            .tokens
            .iter()
            .enumerate()
            .filter(|(index, t)| t.kind == Kind::Text && *index != token);
        let is_elsewhere = others.any(|(_, t)| tokens::plain(*t, &self.text) == own);
        let names = self
            .resource_names()
            .into_iter()
            .filter(|name| name != own || is_elsewhere);
        names.map(|name| plain(&name, CandidateKind::Resource)).collect()
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

fn purpose(call: &Surrounding, view: View) -> Purpose {
    let callee = call.callee.as_str();
    let is_first = call.position == 0 && call.keyword.is_none();
    if LOADING.contains(&callee) && is_first {
        return Purpose::Tiltfile;
    }
    if callee == "load" {
        return Purpose::LoadedName;
    }
    let param = parameter_name(call, view);
    let names_resource = RESOURCES
        .iter()
        .any(|(of, name)| *of == callee && (param == *name || is_first));
    if names_resource || param == "resource_deps" {
        return Purpose::Resource;
    }
    let takes_text = callee.starts_with("decode_") || callee == "blob";
    match PATHS.contains(&param.as_str()) && !takes_text {
        true => Purpose::Path,
        false => Purpose::Other,
    }
}

/// The parameter at the cursor, also of a function that nobody knows.
fn parameter_name(call: &Surrounding, view: View) -> String {
    let callable = view.callable(&call.callee);
    let known = callable.and_then(|mut callable| {
        let index = callable.param_of(call.keyword.as_deref(), call.position)?;
        Some(callable.params.swap_remove(index).name)
    });
    known.or_else(|| call.keyword.clone()).unwrap_or_default()
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
