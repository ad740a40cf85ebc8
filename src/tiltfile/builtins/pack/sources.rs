//! Files that a build with buildpacks is made from: the source, its descriptor, files of variables, and buildpacks of the user's own.

use std::path::{Path, PathBuf};

use crate::model::pack::{PackRecipe, check_env};
use crate::model::path;
use crate::model::quote::quoted;
use crate::tiltfile::builtins::pack::text;
use crate::tiltfile::call::Call;
use crate::tiltfile::function::Fault;
use crate::world::files;

/// The descriptor's name where none is given.
const DESCRIPTOR: &str = "project.toml";

/// Adds files to the recipe, and everything that lies on this disk to what the image depends on.
pub fn add(call: &Call, recipe: &mut PackRecipe, base: &Path) -> Result<(), Fault> {
    recipe.deps = call.paths("deps")?;
    if recipe.deps.is_empty() {
        recipe.deps.push(recipe.path.clone());
    }
    recipe.descriptor = descriptor(call, &recipe.path, base)?;
    recipe.env_files = env_files(call, base)?;
    let mut local = Vec::new();
    let mut buildpacks = |name| buildpacks(call, name, base, &mut local);
    recipe.buildpacks = buildpacks("buildpacks")?;
    recipe.pre_buildpacks = buildpacks("pre_buildpacks")?;
    recipe.post_buildpacks = buildpacks("post_buildpacks")?;
    recipe.extensions = buildpacks("extensions")?;
    recipe.buildpack_registry = text(call, "buildpack_registry")?.unwrap_or_default();
    for file in recipe.descriptor.iter().chain(&recipe.env_files).chain(&local) {
        if !recipe.deps.contains(file) {
            recipe.deps.push(file.clone());
        }
    }
    Ok(())
}

/// The one that was named has to be there; the one beside the source may appear later.
fn descriptor(call: &Call, source: &Path, base: &Path) -> Result<Option<PathBuf>, Fault> {
    let named = text(call, "descriptor")?.map(|written| path::join(base, written));
    let is_named = named.is_some();
    let file = named.unwrap_or_else(|| source.join(DESCRIPTOR));
    match call.run.host.read(&file) {
        Ok(_) => Ok(Some(file)),
        Err(error) if !is_named && error.is_missing() => Ok(None),
        // The source may be an archive.
        Err(_) if !is_named && !files::is_folder(source) => Ok(None),
        Err(error) => Err(Fault::Said(format!("error reading descriptor: {error}"))),
    }
}

/// Files of variables, read so that a mistake in them shows at once.
fn env_files(call: &Call, base: &Path) -> Result<Vec<PathBuf>, Fault> {
    let files = call
        .strings("env_files")?
        .into_iter()
        .map(|written| path::join(base, written));
    let files: Vec<PathBuf> = files.collect();
    for file in &files {
        let bytes = call
            .run
            .host
            .read(file)
            .map_err(|error| Fault::Said(format!("error reading env file: {error}")))?;
        check_env_file(&String::from_utf8_lossy(&bytes))
            .map_err(|problem| Fault::Said(format!("{}:{problem}", file.display())))?;
    }
    Ok(files)
}

/// The first bad line, by its number. Its value may be a secret and is not shown.
fn check_env_file(text: &str) -> Result<(), String> {
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = line.split('=').next().unwrap_or_default();
        check_env(name).map_err(|error| format!("{}: {error}", index + 1))?;
    }
    Ok(())
}

/// Buildpacks or extensions. Those that lie on this disk become absolute paths and are noted in `local`.
fn buildpacks(call: &Call, name: &str, base: &Path, local: &mut Vec<PathBuf>) -> Result<Vec<String>, Fault> {
    let mut buildpacks = Vec::new();
    for written in call.strings(name)? {
        let of_file = written.strip_prefix("file://");
        let path = path::join(base, of_file.unwrap_or(&written));
        let means_path =
            of_file.is_some() || ["/", "./", "../"].iter().any(|start| written.starts_with(start)) || written == ".";
        if files::exists(&path) {
            buildpacks.push(path.display().to_string());
            local.push(path);
        } else if means_path {
            let message = format!(
                "no buildpack at {}: there is neither a directory nor an archive of that name",
                quoted(&written)
            );
            return Err(call.wrong(name, message));
        } else {
            buildpacks.push(written);
        }
    }
    Ok(buildpacks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_has_one_on_each_line_that_is_no_comment() {
        assert_eq!(check_env_file("A=1\n\n# note\n  B\nC=x=y\n"), Ok(()));
        assert_eq!(check_env_file(""), Ok(()));
        let problem = check_env_file("A=1\nmy secret=geheim\n").unwrap_err();
        assert!(problem.starts_with(r#"2: "my secret" is no name"#), "{problem}");
        assert!(!problem.contains("geheim"));
    }
}
