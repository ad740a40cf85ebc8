//! Checkouts of extension repositories, over real git repositories on disk.

use super::*;
use crate::world::process::{self, Cancel, Invocation};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

/// A store whose `https://host.test/` is a folder of local repositories.
struct Place {
    root: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

impl Place {
    fn new() -> Place {
        let root = tempfile::tempdir().unwrap();
        let from = format!("url.file://{}/remote/.insteadOf", root.path().display());
        let path = "/usr/local/bin:/usr/bin:/bin".to_owned();
        let env = [
            ("PATH", path.as_str()),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_AUTHOR_NAME", "a"),
            ("GIT_AUTHOR_EMAIL", "a@example.test"),
            ("GIT_COMMITTER_NAME", "a"),
            ("GIT_COMMITTER_EMAIL", "a@example.test"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", from.as_str()),
            ("GIT_CONFIG_VALUE_0", "https://host.test/"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let place = Place { root, env };
        fs::create_dir_all(place.remote()).unwrap();
        place.git("init --quiet --initial-branch trunk");
        place.commit("hello", "one");
        place.git("tag v1");
        place.commit("hello", "two");
        place
    }

    fn remote(&self) -> PathBuf {
        self.root.path().join("remote/team/repo")
    }

    fn git(&self, command: &str) -> String {
        let argv = std::iter::once("git")
            .chain(command.split(' '))
            .map(str::to_owned)
            .collect();
        let invocation = Invocation {
            argv,
            dir: self.remote(),
            env: self.env.clone(),
            ..Invocation::default()
        };
        String::from_utf8(process::capture(&invocation).unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned()
    }

    fn commit(&self, extension: &str, content: &str) {
        let folder = self.remote().join(extension);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Tiltfile"), content).unwrap();
        self.git("add .");
        self.git(&format!("commit --quiet -m {content}"));
    }

    /// What another session, with no memory of this one, would use.
    fn session(&self) -> Checkouts {
        let root = self.root.path().join("data/tilt_modules");
        Checkouts::new(root, Git::new(&self.env, Cancel::default()))
    }

    fn vanish(&self) {
        fs::rename(self.root.path().join("remote"), self.root.path().join("gone")).unwrap();
    }
}

fn repo(reference: &str) -> Repo {
    Repo {
        url: "https://host.test/team/repo".into(),
        reference: reference.into(),
        subpath: String::new(),
    }
}

fn ensure(store: &Checkouts, repo: &Repo) -> Result<Checkout, RepoError> {
    store.ensure(repo, PullPolicy::Session, &mut |_| {})
}

fn content(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.tiltfile("hello").unwrap()).unwrap()
}

#[test]
fn a_repository_is_cloned_to_a_folder_named_like_its_url() {
    let place = Place::new();
    let checkout = ensure(&place.session(), &repo("")).unwrap();
    assert_eq!(
        checkout.folder,
        place.root.path().join("data/tilt_modules/host.test/team/repo")
    );
    assert_eq!(checkout.commit, Some(place.git("rev-parse trunk")));
    assert_eq!((content(&checkout).as_str(), checkout.stale), ("two", None));
}

#[test]
fn a_checkout_is_brought_up_to_date_once_a_session() {
    let place = Place::new();
    let first = place.session();
    ensure(&first, &repo("")).unwrap();
    place.commit("hello", "three");
    assert_eq!(content(&ensure(&first, &repo("")).unwrap()), "two");
    let second = place.session();
    assert_eq!(
        content(&second.ensure(&repo(""), PullPolicy::Missing, &mut |_| {}).unwrap()),
        "two"
    );
    assert_eq!(content(&ensure(&second, &repo("")).unwrap()), "three");
    place.commit("hello", "four");
    first.expire(&repo("")).unwrap();
    assert_eq!(content(&ensure(&first, &repo("")).unwrap()), "four");
}

#[test]
fn a_checkout_that_cannot_be_brought_up_to_date_is_stale_but_usable() {
    let place = Place::new();
    ensure(&place.session(), &repo("")).unwrap();
    place.vanish();
    let session = place.session();
    let checkout = ensure(&session, &repo("")).unwrap();
    assert_eq!(content(&checkout), "two");
    let stale = checkout.stale.unwrap();
    assert!(stale.starts_with("git fetch: fatal: "), "{stale}");
    assert!(
        ensure(&session, &repo("")).unwrap().stale.is_some(),
        "the next load tries again"
    );
}

#[test]
fn a_clone_that_fails_leaves_nothing_behind() {
    let place = Place::new();
    place.vanish();
    let error = ensure(&place.session(), &repo("")).unwrap_err().to_string();
    assert!(error.starts_with("download error: git clone: fatal: "), "{error}");
    let left = files::list(&place.root.path().join("data"), files::Depth::Tree).unwrap();
    assert!(left.iter().all(|file| file.ends_with("repo.lock")), "{left:?}");
}

#[test]
fn a_half_made_clone_is_replaced() {
    let place = Place::new();
    let store = place.session();
    let folder = store.folder(&repo("")).unwrap();
    fs::create_dir_all(beside(&folder, ".cloning")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(content(&ensure(&store, &repo("")).unwrap()), "two");
}

#[test]
fn a_pinned_commit_or_tag_is_not_fetched_again() {
    let place = Place::new();
    let commit = place.git("rev-parse v1");
    for reference in ["v1", commit.as_str()] {
        let checkout = ensure(&place.session(), &repo(reference)).unwrap();
        assert_eq!(
            (content(&checkout).as_str(), checkout.commit.as_deref()),
            ("one", Some(commit.as_str()))
        );
    }
    place.vanish();
    for reference in ["v1", commit.as_str()] {
        assert_eq!(ensure(&place.session(), &repo(reference)).unwrap().stale, None);
    }
}

#[test]
fn a_pinned_branch_moves_with_the_remote() {
    let place = Place::new();
    place.git("checkout --quiet -b side/one v1");
    assert_eq!(content(&ensure(&place.session(), &repo("side/one")).unwrap()), "one");
    place.commit("hello", "later");
    assert_eq!(content(&ensure(&place.session(), &repo("side/one")).unwrap()), "later");
}

#[test]
fn different_pins_do_not_disturb_each_other() {
    let place = Place::new();
    let store = place.session();
    let (newest, pinned) = (ensure(&store, &repo("")).unwrap(), ensure(&store, &repo("v1")).unwrap());
    assert_eq!((content(&newest).as_str(), content(&pinned).as_str()), ("two", "one"));
}

#[test]
fn a_ref_that_does_not_exist_is_an_error() {
    let place = Place::new();
    let error = ensure(&place.session(), &repo("v9")).unwrap_err().to_string();
    assert!(error.starts_with("sync to ref v9: git checkout: fatal: "), "{error}");
}

#[test]
fn two_instances_clone_the_same_repository_at_once() {
    let place = Place::new();
    let folders: Vec<PathBuf> = std::thread::scope(|scope| {
        let run = || scope.spawn(|| ensure(&place.session(), &repo("")).unwrap().folder);
        [run(), run(), run()].map(|thread| thread.join().unwrap()).to_vec()
    });
    assert!(folders.iter().all(|folder| *folder == folders[0]));
}

#[test]
fn a_subpath_holds_the_extensions_and_stays_inside() {
    let place = Place::new();
    place.commit("inner/hello", "deep");
    let with = |subpath: &str| Repo {
        subpath: subpath.into(),
        ..repo("")
    };
    let store = place.session();
    assert_eq!(content(&ensure(&store, &with("inner")).unwrap()), "deep");
    for subpath in ["absent", "../..", "inner/../../x"] {
        let error = ensure(&store, &with(subpath)).unwrap_err().to_string();
        assert_eq!(error, format!("invalid git_subpath: {subpath}"));
    }
}

#[test]
fn a_folder_is_used_in_place() {
    let place = Place::new();
    let url = format!("file://{}", place.remote().display());
    let local = Repo {
        url: url.clone(),
        ..Repo::default()
    };
    let checkout = ensure(&place.session(), &local).unwrap();
    assert_eq!(
        checkout,
        Checkout {
            folder: place.remote(),
            commit: None,
            stale: None
        }
    );
    let says = |repo: Repo| ensure(&place.session(), &repo).unwrap_err().to_string();
    assert_eq!(
        says(Repo {
            reference: "v1".into(),
            ..local.clone()
        }),
        "spec.ref not supported on file:// repos"
    );
    assert_eq!(
        says(Repo {
            subpath: "x".into(),
            ..local.clone()
        }),
        "cannot use git_subpath for file:// URL extension repositories"
    );
    assert_eq!(
        says(Repo {
            url: "file://x".into(),
            ..local.clone()
        }),
        "file paths must be absolute. Url: file://x"
    );
    assert_eq!(
        says(Repo {
            url: "file:///no/such".into(),
            ..local.clone()
        }),
        "loading: stat /no/such: no such file or directory"
    );
    assert_eq!(
        says(Repo {
            url: format!("{url}/hello/Tiltfile"),
            ..local
        }),
        "loading: not a directory"
    );
}

#[test]
fn urls_that_name_no_repository_are_refused() {
    let place = Place::new();
    for url in ["git@host:x", "", "ssh://host/x"] {
        let error = ensure(
            &place.session(),
            &Repo {
                url: url.into(),
                ..Repo::default()
            },
        )
        .unwrap_err()
        .to_string();
        assert_eq!(error, format!("URLs must start with http(s):// or file://: {url}"));
    }
    for url in [
        "https://",
        "https://host",
        "https://host/../x",
        "https://host/a//b",
        "https://host/tilt_modules/x",
    ] {
        let error = ensure(
            &place.session(),
            &Repo {
                url: url.into(),
                ..Repo::default()
            },
        )
        .unwrap_err();
        assert!(matches!(error, RepoError::NoRepository { .. }), "{url}: {error}");
    }
}

#[test]
fn credentials_and_decoration_stay_out_of_folder_names() {
    let place = Place::new();
    let url = "https://me:secret@host.test:8443/team/repo/?x=1".into();
    let folder = place.session().folder(&Repo { url, ..Repo::default() }).unwrap();
    assert_eq!(
        folder,
        place.root.path().join("data/tilt_modules/host.test:8443/team/repo")
    );
}

#[test]
fn an_extensions_path_stays_in_its_repository() {
    let place = Place::new();
    place.commit("tilt_modules/x", "reserved");
    let checkout = ensure(&place.session(), &repo("")).unwrap();
    assert_eq!(
        checkout.tiltfile("./hello/").unwrap(),
        checkout.folder.join("hello/Tiltfile")
    );
    for path in ["..", "../repo2", "hello/../../..", "tilt_modules/x"] {
        assert_eq!(
            checkout.tiltfile(path).unwrap_err().to_string(),
            format!("invalid repo path: {path}")
        );
    }
    let missing = checkout.folder.join("absent/Tiltfile");
    assert_eq!(
        checkout.tiltfile("absent").unwrap_err().to_string(),
        format!("no extension tiltfile found at {}", missing.display())
    );
}

#[test]
fn bundled_files_are_unpacked_once_and_repaired() {
    let root = tempfile::tempdir().unwrap();
    let content = [("Tiltfile", "x = 1\n"), ("bin/it.sh", "#!/bin/sh\n")];
    let folder = materialise("it", &content, root.path()).unwrap();
    assert!(folder.starts_with(root.path().join("bundled")) && folder.ends_with("it"));
    assert_eq!(fs::read_to_string(folder.join("Tiltfile")).unwrap(), "x = 1\n");
    assert_eq!(
        folder.join("bin/it.sh").metadata().unwrap().permissions().mode() & 0o777,
        0o755
    );
    fs::write(folder.join("Tiltfile"), "broken").unwrap();
    assert_eq!(materialise("it", &content, root.path()).unwrap(), folder);
    assert_eq!(fs::read_to_string(folder.join("Tiltfile")).unwrap(), "x = 1\n");
    let other = materialise("it", &[("Tiltfile", "x = 2\n")], root.path()).unwrap();
    assert_ne!(other, folder, "another content is another folder");
}
