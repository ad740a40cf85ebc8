//! Kustomizations rendered to YAML.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::model::command::Command;
use crate::model::kustomization::{self, FILE_NAMES, Input};
use crate::model::path;
use crate::model::yaml;
use crate::tiltfile::builtins::local::{self, Output, Task};
use crate::tiltfile::call::Call;
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::host::Level;
use crate::tiltfile::run::Run;
use crate::world::{files, process};

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "kustomize",
    params: &[
        Param::required("paths", "str").or("pathToDir"),
        Param::nullable("kustomize_bin", "str", "None"),
        Param::nullable("flags", "list[str]", "[]"),
    ],
    rest: Rest::Refused,
    returns: "Blob",
    doc: "Renders the kustomization in a folder to YAML, for `k8s_yaml`. A change of anything that it is made of evaluates the Tiltfile again.",
    body: kustomize,
}];

fn kustomize<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let folder = call.path("paths")?.unwrap_or_default();
    let mut argv = program(call)?;
    argv.extend(call.strings("flags")?);
    let directory = call.run.directory();
    // Some versions take absolute paths for remote ones.
    let relative = path::relative(&directory, &folder).map_err(Fault::said)?;
    argv.push(relative.display().to_string());
    let task = Task {
        command: Command {
            argv,
            dir: directory,
            ..Command::default()
        },
        stdin: Vec::new(),
        label: "Running:",
        output: Output::Kept,
    };
    let rendered = local::perform(call.run, &task);
    // A kustomization that fails has inputs as well; mending one of them has to be noticed.
    let watched = watch(call.run, &folder, &mut BTreeSet::new());
    let yaml = rendered?;
    watched.map_err(|why| Fault::Said(format!("resolving deps: {why}")))?;
    Ok(call.blob(yaml, format!("kustomize: {}", folder.display())))
}

/// The program to run with its first arguments: kustomize itself, or the one within kubectl.
fn program(call: &Call) -> Result<Vec<String>, Fault> {
    let asked = call
        .text("kustomize_bin")?
        .filter(|written| !written.is_empty())
        .map(|written| call.run.absolute(&written));
    let words = |words: [&str; 2]| words.map(String::from).to_vec();
    if let Some(program) = asked {
        return Ok(words([&program.display().to_string(), "build"]));
    }
    if process::find_program("kustomize", &call.run.host.environment()).is_ok() {
        return Ok(words(["kustomize", "build"]));
    }
    call.run.host.log(
        Level::Info,
        "Falling back to `kubectl kustomize` since `kustomize` was not found in PATH",
    );
    Ok(words(["kubectl", "kustomize"]))
}

/// Watches everything that the kustomization in a folder is made of.
fn watch(run: &Run, folder: &Path, seen: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    if !seen.insert(folder.to_owned()) {
        return Ok(());
    }
    let file = file_of(folder)?;
    let bytes = run.host.read(&file).map_err(|error| error.to_string())?;
    let tree = yaml::parse_one(&String::from_utf8_lossy(&bytes))
        .map_err(|error| format!("{}: {}", file.display(), yaml::ConversionError(error)))?;
    for input in kustomization::inputs(&tree) {
        match input {
            Input::Part(part) => {
                let part = path::join(folder, part);
                match files::is_folder(&part) {
                    true => watch(run, &part, seen)?,
                    false => run.host.watch(&part),
                }
            }
            Input::File(file) | Input::Folder(file) => run.host.watch(&path::join(folder, file)),
        }
    }
    Ok(())
}

fn file_of(folder: &Path) -> Result<PathBuf, String> {
    let candidates = FILE_NAMES.map(|name| folder.join(name));
    let mut there = candidates.into_iter().filter(|file| files::is_regular(file));
    match (there.next(), there.next()) {
        (Some(file), None) => Ok(file),
        (Some(_), Some(_)) => Err(format!(
            "Found multiple kustomization files under: {}",
            folder.display()
        )),
        (None, _) => Err(format!(
            "unable to find one of {FILE_NAMES:?} in directory '{}'",
            folder.display()
        )),
    }
}

#[cfg(test)]
mod tests;
