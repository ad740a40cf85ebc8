//! Checkouts on disk.

use crate::tiltfile::testing::Tiltfile;

#[test]
fn a_checkout_gives_paths_below_it_and_is_one_itself() {
    let said = Tiltfile::new(
        "r = local_git_repo('repo')\n\
         print(r.paths('a/b'), r.paths(paths='../c'), type(r), r, bool(r))\n\
         print(os.path.exists(r), read_file(r.paths('f')))\n",
    )
    .file("repo/.git/HEAD", "")
    .file("repo/f", "x")
    .eval();
    assert_eq!(
        said.said(),
        "$DIR/repo/a/b $DIR/c git.Repo [git.Repo] '$DIR/repo' True\nTrue x\n"
    );
    assert_eq!(said.watched(), ["Tiltfile", "repo/f"]);
}

#[test]
fn a_folder_without_git_is_no_checkout() {
    assert_eq!(
        Tiltfile::new("local_git_repo('.')").eval().message(),
        "$DIR isn't a valid git repo: it doesn't have a .git/ directory"
    );
    assert_eq!(
        Tiltfile::new("local_git_repo('nope')").eval().message(),
        "Reading paths $DIR/nope: stat $DIR/nope: no such file or directory"
    );
}
