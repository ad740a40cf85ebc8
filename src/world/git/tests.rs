//! The git program, over real repositories on disk.

use super::*;
use std::fs;
use std::path::PathBuf;

/// A repository with two commits, a tag on the first and a branch `side`.
struct Origin(tempfile::TempDir);

fn env() -> BTreeMap<String, String> {
    let path = "/usr/local/bin:/usr/bin:/bin".to_owned();
    let fixed = [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@example.test"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@example.test"),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    fixed.into_iter().chain([("PATH".to_owned(), path)]).collect()
}

impl Origin {
    fn new() -> Origin {
        let origin = Origin(tempfile::tempdir().unwrap());
        origin.git(&["init", "--quiet", "--initial-branch", "trunk"]);
        origin.commit("one");
        origin.git(&["tag", "v1"]);
        origin.git(&["branch", "side"]);
        origin.commit("two");
        origin
    }

    fn git(&self, arguments: &[&str]) -> String {
        Git::new(&env(), Cancel::default())
            .run(self.0.path(), arguments, &mut |_| {})
            .unwrap()
    }

    fn commit(&self, content: &str) {
        fs::write(self.0.path().join("f"), content).unwrap();
        self.git(&["add", "f"]);
        self.git(&["commit", "--quiet", "-m", content]);
    }

    fn url(&self) -> String {
        format!("file://{}", self.0.path().display())
    }
}

fn cloned(origin: &Origin) -> (tempfile::TempDir, PathBuf, Git) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("clone");
    let git = Git::new(&env(), Cancel::default());
    git.clone(&origin.url(), &folder, &mut |_| {}).unwrap();
    (root, folder, git)
}

fn content(folder: &Path) -> String {
    fs::read_to_string(folder.join("f")).unwrap()
}

#[test]
fn a_clone_has_the_default_branch_and_tells_its_progress() {
    let origin = Origin::new();
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("clone");
    let git = Git::new(&env(), Cancel::default());
    let mut said = Vec::new();
    git.clone(&origin.url(), &folder, &mut |line| said.push(line.to_owned()))
        .unwrap();
    assert_eq!(content(&folder), "two");
    assert_eq!(git.head(&folder).unwrap(), origin.git(&["rev-parse", "trunk"]));
    assert!(said.iter().any(|line| line.starts_with("Cloning into")), "{said:?}");
}

#[test]
fn tags_commits_and_branches_can_be_checked_out() {
    let origin = Origin::new();
    let (_root, folder, git) = cloned(&origin);
    git.checkout(&folder, "v1", &mut |_| {}).unwrap();
    assert_eq!(content(&folder), "one");
    git.checkout(&folder, &origin.git(&["rev-parse", "trunk"]), &mut |_| {})
        .unwrap();
    assert_eq!(content(&folder), "two");
    git.checkout(&folder, "side", &mut |_| {}).unwrap();
    assert_eq!(content(&folder), "one");
    assert_eq!(
        (
            git.is_branch(&folder, "side").unwrap(),
            git.is_branch(&folder, "v1").unwrap()
        ),
        (true, false)
    );
}

#[test]
fn a_fetch_brings_what_the_remote_has_now() {
    let origin = Origin::new();
    let (_root, folder, git) = cloned(&origin);
    origin.commit("three");
    git.fetch(&folder, &mut |_| {}).unwrap();
    assert_eq!(content(&folder), "two", "fetching changes no file");
    git.checkout_default(&folder, &mut |_| {}).unwrap();
    assert_eq!(content(&folder), "three");
}

#[test]
fn failures_are_told_in_gits_own_words() {
    let origin = Origin::new();
    let (root, folder, git) = cloned(&origin);
    let error = git.checkout(&folder, "nowhere", &mut |_| {}).unwrap_err().to_string();
    assert!(
        error.starts_with("git checkout: fatal: ") && error.contains("nowhere"),
        "{error}"
    );
    let error = git
        .clone("file:///no/such/repo", &root.path().join("x"), &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("git clone: fatal: ") && error.contains("/no/such/repo"),
        "{error}"
    );
}

#[test]
fn local_changes_are_not_overwritten() {
    let origin = Origin::new();
    let (_root, folder, git) = cloned(&origin);
    fs::write(folder.join("f"), "mine").unwrap();
    assert!(git.checkout(&folder, "v1", &mut |_| {}).is_err());
    assert_eq!(content(&folder), "mine");
}

#[test]
fn a_revision_that_looks_like_an_option_is_only_a_name() {
    let origin = Origin::new();
    let (_root, folder, git) = cloned(&origin);
    assert_eq!(git.resolve(&folder, "--all").unwrap(), None);
    assert!(git.checkout(&folder, "--orphan", &mut |_| {}).is_err());
    assert_eq!(content(&folder), "two");
}

#[test]
fn credentials_in_a_url_are_kept_out_of_messages() {
    assert_eq!(credentials("https://me:secret@host/repo"), Some("me:secret@"));
    assert_eq!(credentials("https://host/repo@v1"), None);
    let root = tempfile::tempdir().unwrap();
    let git = Git::new(&env(), Cancel::default());
    let mut said = String::new();
    let url = "https://me:secret@127.0.0.1:1/repo";
    let error = git
        .clone(url, &root.path().join("x"), &mut |line| said.push_str(line))
        .unwrap_err();
    assert!(!format!("{error}{said}").contains("secret"), "{error} {said}");
}

#[test]
fn no_git_is_said_as_such() {
    let env = BTreeMap::from([("PATH".to_owned(), "/no/such/dir".to_owned())]);
    let error = Git::new(&env, Cancel::default()).head(Path::new("/")).unwrap_err();
    assert_eq!(error.to_string(), "git is not installed or not on $PATH");
}

#[test]
fn a_hooks_environment_does_not_redirect_us() {
    let origin = Origin::new();
    let mut env = env();
    env.insert("GIT_DIR".to_owned(), "/no/such/dir".to_owned());
    assert!(Git::new(&env, Cancel::default()).head(origin.0.path()).is_ok());
}
