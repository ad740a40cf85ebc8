//! Pure. What a kustomization is made of: the files and folders that it names, as far as they are on this disk.

use crate::model::tree::Tree;

/// The names that a kustomization's file may have; a folder has exactly one of them.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Something that a kustomization names, relative to its folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// A file, or a folder that holds a kustomization of its own.
    Part(String),
    File(String),
    /// A folder that is used with all that is in it.
    Folder(String),
}

/// Fields that list files and folders with kustomizations.
const PARTS: [&str; 6] = [
    "resources",
    "bases",
    "components",
    "generators",
    "transformers",
    "validators",
];
const FILES: [&str; 2] = ["crds", "configurations"];
/// Fields whose entries may name a file under `path`.
const PATCHES: [&str; 3] = ["patches", "patchesJson6902", "replacements"];
const GENERATORS: [&str; 2] = ["configMapGenerator", "secretGenerator"];

/// Everything that a kustomization names, in the order of the fields above.
pub fn inputs(kustomization: &Tree) -> Vec<Input> {
    let mut inputs = Vec::new();
    let mut add = |make: fn(String) -> Input, written: &[&str]| {
        inputs.extend(
            written
                .iter()
                .filter(|text| is_local(text))
                .map(|text| make((*text).to_owned())),
        );
    };
    for field in PARTS {
        add(Input::Part, &texts(kustomization, field));
    }
    for field in FILES {
        add(Input::File, &texts(kustomization, field));
    }
    add(Input::File, &texts(kustomization, "patchesStrategicMerge"));
    for field in PATCHES {
        // Before it held maps, `patches` was a list of files.
        add(Input::File, &texts(kustomization, field));
        let paths: Vec<&str> = entries(kustomization, field)
            .filter_map(|entry| text(entry, "path"))
            .collect();
        add(Input::File, &paths);
    }
    for generator in GENERATORS.iter().flat_map(|field| entries(kustomization, field)) {
        add(Input::File, &generated(generator));
    }
    add(Input::File, &text_at(kustomization, &["openapi", "path"]));
    for chart in entries(kustomization, "helmCharts") {
        let folder = chart_folder(kustomization, chart);
        add(Input::Folder, &folder.iter().map(String::as_str).collect::<Vec<_>>());
        add(Input::File, &text_at(chart, &["valuesFile"]));
        add(Input::File, &texts(chart, "additionalValuesFiles"));
    }
    inputs
}

/// The files whose content goes into a config map or secret.
fn generated(generator: &Tree) -> Vec<&str> {
    let mut files = texts(generator, "envs");
    files.extend(text_at(generator, &["env"]));
    // `name=file`, or the file alone.
    files.extend(
        texts(generator, "files")
            .into_iter()
            .map(|entry| entry.split_once('=').map_or(entry, |(_, file)| file)),
    );
    files
}

/// A chart that comes from no repository lies in a folder beside the kustomization.
fn chart_folder(kustomization: &Tree, chart: &Tree) -> Option<String> {
    let name = text(chart, "name")?;
    let home = kustomization
        .at(&["helmGlobals", "chartHome"])
        .and_then(Tree::as_text)
        .unwrap_or("charts");
    text(chart, "repo").is_none().then(|| format!("{home}/{name}"))
}

/// Neither a URL nor a document written in place.
fn is_local(written: &str) -> bool {
    let is_remote = written.contains("://")
        || written.contains("?ref=")
        || written.starts_with("git@")
        || written.starts_with("git::")
        || ["github.com/", "gitlab.com/", "bitbucket.org/"]
            .iter()
            .any(|host| written.starts_with(host));
    !written.is_empty() && !written.contains('\n') && !is_remote
}

fn entries<'a>(tree: &'a Tree, field: &str) -> impl Iterator<Item = &'a Tree> {
    tree.get(field).and_then(Tree::as_list).unwrap_or_default().iter()
}

fn texts<'a>(tree: &'a Tree, field: &str) -> Vec<&'a str> {
    entries(tree, field).filter_map(Tree::as_text).collect()
}

fn text<'a>(tree: &'a Tree, field: &str) -> Option<&'a str> {
    tree.get(field)?.as_text()
}

fn text_at<'a>(tree: &'a Tree, keys: &[&str]) -> Vec<&'a str> {
    tree.at(keys).and_then(Tree::as_text).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::Input::{File, Folder, Part};
    use super::*;
    use crate::model::yaml;

    fn named(text: &str) -> Vec<Input> {
        inputs(&yaml::parse_one(text).unwrap())
    }

    #[test]
    fn every_field_that_names_files_is_read() {
        let table: [(&str, Input); 16] = [
            ("resources: [a]", Part("a".into())),
            ("bases: [../b]", Part("../b".into())),
            ("components: [c]", Part("c".into())),
            ("generators: [g.yaml]", Part("g.yaml".into())),
            ("crds: [c.json]", File("c.json".into())),
            ("configurations: [c.yaml]", File("c.yaml".into())),
            ("patchesStrategicMerge: [p.yaml]", File("p.yaml".into())),
            ("patches: [p.yaml]", File("p.yaml".into())),
            ("patches: [{path: p.yaml, target: {kind: Pod}}]", File("p.yaml".into())),
            ("patchesJson6902: [{path: p.json}]", File("p.json".into())),
            ("replacements: [{path: r.yaml}]", File("r.yaml".into())),
            (
                "configMapGenerator: [{name: x, files: [k=dir/f.txt]}]",
                File("dir/f.txt".into()),
            ),
            ("secretGenerator: [{envs: [s.env]}]", File("s.env".into())),
            ("openapi: {path: o.json}", File("o.json".into())),
            ("helmCharts: [{name: web}]", Folder("charts/web".into())),
            (
                "{helmGlobals: {chartHome: h}, helmCharts: [{name: web}]}",
                Folder("h/web".into()),
            ),
        ];
        for (text, input) in table {
            assert_eq!(named(text), [input], "{text}");
        }
    }

    #[test]
    fn what_lies_elsewhere_or_in_place_is_no_input() {
        for text in [
            "resources: ['https://example.com/a.yaml', 'github.com/o/r//base?ref=v1', 'git@example.com:o/r']",
            "patches: [{patch: \"- op: remove\\n  path: /a\"}]",
            "patchesStrategicMerge: [\"kind: Pod\\nmetadata: {}\"]",
            "helmCharts: [{name: web, repo: 'https://example.com'}]",
            "namePrefix: x",
            "[]",
        ] {
            assert_eq!(named(text), [], "{text}");
        }
    }
}
