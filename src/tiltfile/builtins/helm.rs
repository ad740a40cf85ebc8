//! Helm charts rendered to YAML.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::model::command::Command;
use crate::model::path;
use crate::model::quote::quoted;
use crate::model::tree::{Map, Tree};
use crate::model::yaml;
use crate::tiltfile::builtins::local::{self, Output, Task};
use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::run::Run;
use crate::world::files::{self, Depth};
use crate::world::process::{self, Invocation, ProcessError};

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "helm",
    params: &[
        Param::required("paths", "str").or("pathToChartDir"),
        Param::nullable("name", "str", "'chart'"),
        Param::nullable("namespace", "str", "''"),
        Param::nullable("values", "str | list[str]", "[]"),
        Param::nullable("set", "str | list[str]", "[]"),
        Param::nullable("kube_version", "str", "''"),
        Param::nullable("skip_crds", "bool", "False"),
    ],
    rest: Rest::Refused,
    returns: "Blob",
    doc: "Renders the Helm chart in a folder to YAML, for `k8s_yaml`. A change of the chart or of a values file evaluates the Tiltfile again.",
    body: helm,
}];

/// How `helm template` is to be asked; version 2 needs a server and is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelmVersion {
    /// Knows no `--include-crds`.
    V3Dot0,
    Later,
}

/// What a call of `helm()` asks for.
struct Chart {
    folder: PathBuf,
    name: String,
    namespace: String,
    values: Vec<String>,
    set: Vec<String>,
    kube_version: String,
    crds: Crds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Crds {
    Included,
    Skipped,
}

fn helm<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let chart = asked(call)?;
    is_chart(&chart.folder)?;
    watch(call.run, &chart)?;
    let version = version(call.run)?;
    let yaml = render(call.run, &chart, version)?;
    Ok(call.blob(yaml, format!("helm: {}", chart.folder.display())))
}

fn asked(call: &Call) -> Result<Chart, Fault> {
    Ok(Chart {
        folder: call.path("paths")?.unwrap_or_default(),
        name: call
            .string("name")?
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "chart".to_owned()),
        namespace: call.string_or("namespace", "")?,
        values: call.strings("values")?,
        set: call.strings("set")?,
        kube_version: call.string_or("kube_version", "")?,
        crds: if call.flag("skip_crds", Flag::Off)? {
            Crds::Skipped
        } else {
            Crds::Included
        },
    })
}

fn is_chart(folder: &Path) -> Result<(), Fault> {
    let shown = quoted(&folder.display().to_string());
    if !files::exists(folder) {
        return Err(Fault::Said(format!(
            "Could not read Helm chart directory {shown}: does not exist"
        )));
    }
    if !files::is_folder(folder) {
        return Err(Fault::Said(format!(
            "helm() may only be called on directories with Chart.yaml: {shown}"
        )));
    }
    Ok(())
}

fn watch(run: &Run, chart: &Chart) -> Result<(), Fault> {
    run.host.watch(&chart.folder);
    let mut subcharts = BTreeSet::new();
    find_subcharts(run, &chart.folder, &mut subcharts)?;
    subcharts.iter().for_each(|folder| run.host.watch(folder));
    chart
        .values
        .iter()
        .for_each(|file| run.host.watch_file(&run.absolute(file)));
    Ok(())
}

/// The charts that a chart takes from elsewhere on this disk, and those that they take.
fn find_subcharts(run: &Run, chart: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), Fault> {
    for list in ["Chart.yaml", "requirements.yaml"] {
        let bytes = match run.host.read_unwatched(&chart.join(list)) {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => continue,
            Err(error) => return Err(Fault::said(error)),
        };
        let tree = yaml::parse_one(&String::from_utf8_lossy(&bytes)).map_err(|error| {
            Fault::Said(format!(
                "{}: {}",
                chart.join(list).display(),
                yaml::ConversionError(error)
            ))
        })?;
        let dependencies = tree.get("dependencies").and_then(Tree::as_list).unwrap_or_default();
        for dependency in dependencies {
            let repository = dependency.get("repository").and_then(Tree::as_text).unwrap_or_default();
            let Some(folder) = repository.strip_prefix("file://") else {
                continue;
            };
            let folder = path::join(chart, folder);
            if found.insert(folder.clone()) {
                find_subcharts(run, &folder, found)?;
            }
        }
    }
    Ok(())
}

/// Asked for once in each evaluation.
fn version(run: &Run) -> Result<HelmVersion, Fault> {
    if let Some(known) = run.helm_version.get() {
        return Ok(*known);
    }
    let found = ask_version(run)?;
    Ok(*run.helm_version.get_or_init(|| found))
}

fn ask_version(run: &Run) -> Result<HelmVersion, Fault> {
    let invocation = Invocation {
        argv: ["helm", "version", "--short"].map(String::from).to_vec(),
        dir: run.directory(),
        env: local::environment(&run.host.environment(), &[]),
        ..Invocation::default()
    };
    match process::capture(&invocation) {
        Ok(output) => parse_version(&String::from_utf8_lossy(&output.stdout)),
        Err(ProcessError::NotFound { .. }) => {
            Err("Unable to find Helm installation. Make sure `helm` is on your $PATH.".into())
        }
        Err(error) => {
            let said = error
                .output()
                .map(|output| String::from_utf8_lossy(&output.stderr).trim().to_owned());
            let said = said
                .filter(|said| !said.is_empty())
                .map(|said| format!(": {said}"))
                .unwrap_or_default();
            Err(Fault::Said(format!("helm version --short: {error}{said}")))
        }
    }
}

/// The last line tells: some versions print warnings before it.
fn parse_version(printed: &str) -> Result<HelmVersion, Fault> {
    let last = printed.trim().lines().last().unwrap_or_default();
    let mut numbers = last.strip_prefix('v').unwrap_or(last).split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(3)), Some(Ok(0))) => Ok(HelmVersion::V3Dot0),
        (Some(Ok(3..)), Some(_)) => Ok(HelmVersion::Later),
        _ => Err(Fault::Said(format!(
            "could not parse Helm version from string: {}",
            quoted(printed)
        ))),
    }
}

fn render(run: &Run, chart: &Chart, version: HelmVersion) -> Result<String, Fault> {
    let printed = local::perform(
        run,
        &Task {
            command: Command {
                argv: arguments(chart, version),
                dir: run.directory(),
                ..Command::default()
            },
            stdin: Vec::new(),
            label: "Running:",
            output: Output::Kept,
        },
    )?;
    let mut yaml = without_tests(&printed);
    if version == HelmVersion::V3Dot0 && chart.crds == Crds::Included {
        for crd in crds(run, &chart.folder)? {
            yaml.push_str("\n---\n");
            yaml.push_str(&crd);
        }
    }
    match chart.namespace.as_str() {
        "" => Ok(yaml),
        namespace => in_namespace(&yaml, namespace),
    }
}

fn arguments(chart: &Chart, version: HelmVersion) -> Vec<String> {
    let folder = chart.folder.display().to_string();
    let mut argv = ["helm", "template", &chart.name, &folder].map(String::from).to_vec();
    let mut flag = |name: &str, value: &str| argv.extend([name.to_owned(), value.to_owned()]);
    if !chart.namespace.is_empty() {
        flag("--namespace", &chart.namespace);
    }
    if !chart.kube_version.is_empty() {
        flag("--kube-version", &chart.kube_version);
    }
    if version == HelmVersion::Later && chart.crds == Crds::Included {
        argv.push("--include-crds".to_owned());
    }
    let mut flag = |name: &str, value: &str| argv.extend([name.to_owned(), value.to_owned()]);
    chart.values.iter().for_each(|file| flag("--values", file));
    chart.set.iter().for_each(|pair| flag("--set", pair));
    argv
}

const SEPARATOR: &str = "---\n";

/// Drops what `helm test` would run, told by the comment that Helm puts above each template's output.
fn without_tests(yaml: &str) -> String {
    let is_test = |piece: &&str| {
        let mut lines = piece.lines();
        lines.any(|line| {
            line.strip_prefix("# Source: ")
                .is_some_and(|template| template.contains("/tests/"))
        })
    };
    let pieces: Vec<&str> = yaml.split(SEPARATOR).filter(|piece| !is_test(piece)).collect();
    pieces.join(SEPARATOR)
}

/// The definitions that a chart brings along in files of their own.
fn crds(run: &Run, chart: &Path) -> Result<Vec<String>, Fault> {
    let files = match files::list(&chart.join("crds"), Depth::Tree) {
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        listed => listed.map_err(Fault::said)?,
    };
    let is_yaml = |file: &&PathBuf| {
        let extension = file.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
    };
    let read = |file: &PathBuf| {
        let bytes = run.host.read_unwatched(file).map_err(Fault::said)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    files.iter().filter(is_yaml).map(read).collect()
}

/// Helm renders for a namespace without writing it down; objects that name none themselves get it here.
fn in_namespace(yaml: &str, namespace: &str) -> Result<String, Fault> {
    let documents = yaml::parse_documents(yaml).map_err(|error| Fault::said(yaml::ConversionError(error)))?;
    let mut objects: Vec<Tree> = documents.into_iter().flat_map(items).collect();
    for object in &mut objects {
        put_namespace(object, namespace);
    }
    Ok(yaml::emit_all(&objects))
}

/// The objects of a list of objects, or the one object itself.
fn items(mut document: Tree) -> Vec<Tree> {
    let is_list = document
        .get("kind")
        .and_then(Tree::as_text)
        .is_some_and(|kind| kind.ends_with("List"));
    let items = document
        .as_map_mut()
        .filter(|_| is_list)
        .and_then(|map| map.remove("items"));
    match items {
        Some(Tree::List(items)) => items,
        _ => vec![document],
    }
}

fn put_namespace(object: &mut Tree, namespace: &str) {
    let Some(object) = object.as_map_mut() else {
        return;
    };
    if !matches!(object.get("metadata"), Some(Tree::Map(_))) {
        object.insert("metadata", Tree::Map(Map::new()));
    }
    let metadata = object
        .get_mut("metadata")
        .and_then(Tree::as_map_mut)
        .expect("put there just now");
    let named = metadata
        .get("namespace")
        .and_then(Tree::as_text)
        .is_some_and(|name| !name.is_empty());
    if !named {
        metadata.insert("namespace", Tree::text(namespace));
    }
}

#[cfg(test)]
mod tests;
