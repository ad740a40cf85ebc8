//! Checkouts on disk.

use crate::tiltfile::call::Call;
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::values::git_repo::GitRepo;
use crate::world::files;

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "local_git_repo",
    params: &[Param::required("paths", "str").or("path")],
    rest: Rest::Refused,
    returns: "Repo",
    doc: "A folder that is the root of a git checkout. It can be given wherever a path can; `repo.paths(p)` is the absolute path of something in it.",
    body: local_git_repo,
}];

fn local_git_repo<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let written = call.string("paths")?.unwrap_or_default();
    let folder = call.run.absolute(&written);
    let shown = folder.display();
    if !files::exists(&folder) {
        return Err(Fault::Said(format!(
            "Reading paths {shown}: stat {shown}: no such file or directory"
        )));
    }
    // In a worktree or a submodule it is a file.
    if !files::exists(&folder.join(".git")) {
        return Err(Fault::Said(format!(
            "{shown} isn't a valid git repo: it doesn't have a .git/ directory"
        )));
    }
    Ok(call.alloc(GitRepo::new(folder)))
}

#[cfg(test)]
mod tests;
