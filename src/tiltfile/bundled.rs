//! The extensions that are built into the program, file by file.
//!
//! Their sources are in `extensions/`. Whoever loads one unpacks it first (`world::extensions::materialise`), because
//! its scripts must be files.

use crate::world::agent;

/// A relative path and the file's content.
pub type File = (&'static str, &'static str);

macro_rules! extensions {
    ($($name:literal: [$($file:literal),+]),+ $(,)?) => {
        &[$(($name, &[$(($file, include_str!(concat!("../../extensions/", $name, "/", $file)))),+])),+]
    };
}

/// The extension whose images are supervised.
const SUPERVISES: &str = "restart_process";

/// Sorted by name.
const ALL: &[(&str, &[File])] = extensions! {
    "cancel": ["Tiltfile", "controller.sh", "kill.sh"],
    "configmap": ["Tiltfile"],
    "dotenv": ["Tiltfile"],
    "git_resource": ["Tiltfile"],
    "global_vars": ["Tiltfile"],
    "helm_remote": ["Tiltfile"],
    "helm_resource": ["Tiltfile", "apply.sh", "delete.sh"],
    "ko": ["Tiltfile"],
    "local_output": ["Tiltfile"],
    "namespace": ["Tiltfile"],
    "pack": ["Tiltfile"],
    "restart_process": ["Tiltfile"],
    "secret": ["Tiltfile"],
    "uibutton": ["Tiltfile"],
};

/// The files of a bundled extension; the first is its Tiltfile.
pub fn find(name: &str) -> Option<&'static [File]> {
    ALL.iter()
        .find(|(bundled, _)| *bundled == name)
        .map(|(_, files)| *files)
}

/// What the folder of a bundled extension has: its files, and where it puts our agent into images, that.
pub fn contents(name: &str) -> Option<Vec<(String, &'static [u8])>> {
    let files = find(name)?.iter();
    let mut contents: Vec<(String, &[u8])> = files
        .map(|(file, text)| ((*file).to_owned(), text.as_bytes()))
        .collect();
    if name == SUPERVISES {
        contents.extend(agent::programs().map(|(arch, program)| (format!("agent/{arch}/tilt-agent"), program)));
    }
    Some(contents)
}

/// The names of all bundled extensions, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn folder() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/extensions"))
    }

    #[test]
    fn every_file_in_the_folder_is_built_in() {
        let mut found = Vec::new();
        for extension in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap()) {
            if extension.path().is_dir() {
                let name = extension.file_name().into_string().unwrap();
                let files = fs::read_dir(extension.path()).unwrap();
                let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
                found.extend(files.map(|file| format!("{name}/{file}")));
            }
        }
        let mut built_in: Vec<String> = names()
            .flat_map(|name| {
                find(name)
                    .unwrap()
                    .iter()
                    .map(move |(file, _)| format!("{name}/{file}"))
            })
            .collect();
        found.sort();
        built_in.sort();
        assert_eq!(found, built_in);
    }

    #[test]
    fn every_extension_starts_with_its_tiltfile_and_is_described() {
        let readme = fs::read_to_string(folder().join("README.md")).unwrap();
        for name in names() {
            assert_eq!(find(name).unwrap()[0].0, "Tiltfile");
            assert!(readme.contains(&format!("| `{name}` |")), "{name} is not in the README");
        }
        assert!(names().is_sorted() && find("no_such_extension").is_none());
    }

    #[test]
    fn scripts_say_what_runs_them_and_are_plain_text() {
        for (file, content) in names().flat_map(|name| find(name).unwrap()) {
            let is_script = *file != "Tiltfile";
            assert_eq!(content.starts_with("#!/bin/sh\n"), is_script, "{file}");
            assert!(content.ends_with('\n') && !content.contains(['\r', '\t']), "{file}");
        }
    }
}
