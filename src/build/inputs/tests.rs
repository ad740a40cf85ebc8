//! Each thing that could make a key wrong, by name.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::model::filter::{Filter, Ignore};
use crate::world::clock::{self, Duration};
use crate::world::tree::{Hashes, Tree};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn image(identity: &str, told_by: Source) -> Image {
    Image {
        identity: identity.to_owned(),
        told_by,
        triggers: Vec::new(),
    }
}

fn names(dockerfile: &str) -> Vec<String> {
    let inputs = Inputs {
        dockerfile,
        native: "linux/amd64",
        ..Inputs::default()
    };
    let needed = needed(&inputs).unwrap().into_iter();
    needed.map(|it| format!("{} {}", it.name, it.platform)).collect()
}

/// Inputs of which every image is known, and is the first of its name.
fn inputs(dockerfile: &str) -> Inputs<'_> {
    with_images(Inputs {
        dockerfile,
        native: "linux/amd64",
        ..Inputs::default()
    })
}

fn with_images(inputs: Inputs<'_>) -> Inputs<'_> {
    let needed = needed(&inputs).unwrap_or_default().into_iter();
    let images = needed.map(|it| (it, image("sha256:1", Source::Engine))).collect();
    Inputs { images, ..inputs }
}

fn key(inputs: &Inputs<'_>) -> String {
    inputs.key().unwrap()
}

const PLAIN: &str = "FROM alpine:3\nCOPY . /app\n";

// ---- the context ----------------------------------------------------------------------------------------------------

struct Context {
    root: TempDir,
    cache: TempDir,
}

impl Context {
    fn new(files: &[&str]) -> Context {
        let context = Context {
            root: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        };
        files.iter().for_each(|file| context.write(file, file));
        context
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn key(&self) -> String {
        self.key_without(&[])
    }

    fn key_without(&self, patterns: &[&str]) -> String {
        let ignore = Ignore::patterns(self.root.path(), patterns.iter().copied());
        let ignores = if patterns.is_empty() { vec![] } else { vec![ignore] };
        let (filter, stop) = (Filter::new(&ignores).unwrap(), CancellationToken::new());
        let mut tree = Tree::walk(self.root.path(), &filter, &stop).unwrap();
        let hashes = Hashes::open(self.cache.path());
        hashes.hash(&mut tree, &filter, &stop).unwrap();
        hashes.save().unwrap();
        let context = &tree.entries;
        key(&Inputs {
            context,
            ..inputs(PLAIN)
        })
    }
}

#[test]
fn every_change_of_a_context_gives_another_key_and_undoing_it_the_first_one() {
    type Change = fn(&Path);
    let changes: [(&str, Change, Change); 7] = [
        (
            "content",
            |it| fs::write(it.join("a"), "A").unwrap(),
            |it| fs::write(it.join("a"), "a").unwrap(),
        ),
        (
            "a new file",
            |it| fs::write(it.join("n"), "").unwrap(),
            |it| fs::remove_file(it.join("n")).unwrap(),
        ),
        (
            "an empty folder",
            |it| fs::create_dir(it.join("n")).unwrap(),
            |it| fs::remove_dir(it.join("n")).unwrap(),
        ),
        (
            "a new name",
            |it| fs::rename(it.join("a"), it.join("z")).unwrap(),
            |it| fs::rename(it.join("z"), it.join("a")).unwrap(),
        ),
        (
            "permissions",
            |it| fs::set_permissions(it.join("a"), Permissions::from_mode(0o755)).unwrap(),
            |it| fs::set_permissions(it.join("a"), Permissions::from_mode(0o644)).unwrap(),
        ),
        (
            "permissions of a folder",
            |it| fs::set_permissions(it.join("b"), Permissions::from_mode(0o700)).unwrap(),
            |it| fs::set_permissions(it.join("b"), Permissions::from_mode(0o755)).unwrap(),
        ),
        (
            "what a link leads to",
            |it| {
                (
                    fs::remove_file(it.join("l")).unwrap(),
                    symlink("b", it.join("l")).unwrap(),
                )
                    .1
            },
            |it| {
                (
                    fs::remove_file(it.join("l")).unwrap(),
                    symlink("a", it.join("l")).unwrap(),
                )
                    .1
            },
        ),
    ];
    let context = Context::new(&["a", "b/c"]);
    let root = context.root.path();
    symlink("a", root.join("l")).unwrap();
    fs::set_permissions(root.join("a"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(root.join("b"), Permissions::from_mode(0o755)).unwrap();
    let first = context.key();
    for (what, change, undo) in changes {
        change(root);
        assert_ne!(context.key(), first, "{what}");
        undo(root);
        assert_eq!(context.key(), first, "{what}, undone");
    }
}

#[test]
fn a_touched_file_gives_the_same_key() {
    let context = Context::new(&["a", "b/c"]);
    let first = context.key();
    let time = clock::today() - Duration::from_secs(1000);
    let file = File::options().write(true).open(context.root.path().join("a")).unwrap();
    file.set_modified(time).unwrap();
    assert_eq!(context.key(), first);
    context.write("b/c", "b/c");
    assert_eq!(context.key(), first);
}

#[test]
fn a_change_of_the_same_size_with_its_time_set_back_gives_another_key() {
    let context = Context::new(&["a"]);
    let path = context.root.path().join("a");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let first = context.key();
    context.write("a", "b");
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    assert_ne!(context.key(), first);
}

#[test]
fn a_change_of_what_is_left_out_gives_the_same_key() {
    let context = Context::new(&["a", "log/x"]);
    let first = context.key_without(&["log"]);
    context.write("log/x", "more");
    context.write("log/y", "");
    assert_eq!(context.key_without(&["log"]), first);
    assert_ne!(context.key(), first);
}

#[test]
fn the_same_files_elsewhere_give_the_same_key() {
    let (one, other) = (Context::new(&["a", "b/c"]), Context::new(&["b/c", "a"]));
    let equal_modes = |context: &Context| {
        for (path, mode) in [("a", 0o644), ("b", 0o755), ("b/c", 0o644)] {
            fs::set_permissions(context.root.path().join(path), Permissions::from_mode(mode)).unwrap();
        }
    };
    equal_modes(&one);
    equal_modes(&other);
    assert_eq!(one.key(), other.key());
}

#[test]
fn a_context_of_which_something_could_not_be_read_has_no_key() {
    let fault = Some("`/c/a` changes while it is read");
    let refused = Inputs { fault, ..inputs(PLAIN) }.key().unwrap_err();
    assert_eq!(refused.to_string(), "`/c/a` changes while it is read");
    let entry = Entry {
        path: "a".into(),
        kind: Kind::File { size: 1 },
        mode: 0o644,
        modified: 0,
        changed: 0,
        inode: 1,
        device: 1,
        hard_link: None,
        hash: None,
    };
    let unread = Inputs {
        context: &[entry],
        ..inputs(PLAIN)
    };
    assert_eq!(unread.key(), Err(Unknowable::Fault("`a` was not read".to_owned())));
}

// ---- the recipe -----------------------------------------------------------------------------------------------------

#[test]
fn every_part_of_the_recipe_is_in_the_key() {
    let (one, two) = (pairs(&[("A", "1")]), pairs(&[("A", "2")]));
    let text = ["x".to_owned()];
    let plain = || inputs(PLAIN);
    let variants = [
        plain(),
        inputs("FROM alpine:3\nCOPY . /app \n"),
        Inputs { args: &one, ..plain() },
        Inputs { args: &two, ..plain() },
        Inputs {
            labels: &one,
            ..plain()
        },
        Inputs {
            secrets: &one,
            ..plain()
        },
        Inputs {
            settings: &one,
            ..plain()
        },
        Inputs { target: "x", ..plain() },
        Inputs {
            network: "x",
            ..plain()
        },
        Inputs {
            extra_hosts: &text,
            ..plain()
        },
        Inputs { ssh: &text, ..plain() },
        with_images(Inputs {
            platform: "linux/arm64",
            ..plain()
        }),
        with_images(Inputs {
            native: "linux/arm64",
            ..plain()
        }),
    ];
    let mut keys: Vec<String> = variants.iter().map(key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), variants.len());
}

#[test]
fn a_changed_secret_gives_another_key() {
    let (old, new) = (pairs(&[("token", "sha256:aa")]), pairs(&[("token", "sha256:bb")]));
    let of = |secrets: &[(String, String)]| {
        key(&Inputs {
            secrets,
            ..inputs(PLAIN)
        })
    };
    assert_ne!(of(&old), of(&new));
}

#[test]
fn the_order_of_what_has_none_does_not_matter() {
    let (one, other) = (pairs(&[("A", "1"), ("B", "2")]), pairs(&[("B", "2"), ("A", "1")]));
    let of = |args: &[(String, String)]| key(&Inputs { args, ..inputs(PLAIN) });
    assert_eq!(of(&one), of(&other));
    let explicit = with_images(Inputs {
        platform: "linux/amd64",
        ..inputs(PLAIN)
    });
    assert_eq!(key(&explicit), key(&inputs(PLAIN)));
}

#[test]
fn arguments_without_a_value_take_it_from_the_environment_or_are_left_out() {
    let env = BTreeMap::from([("A".to_owned(), "from env".to_owned())]);
    let args = ["A", "B", "C=1", "C=2", "D=", "E=a=b"].map(str::to_owned);
    let expected = pairs(&[("A", "from env"), ("C", "2"), ("D", ""), ("E", "a=b")]);
    assert_eq!(arguments(&args, &env), expected);
}

// ---- the images that it stands on -----------------------------------------------------------------------------------

#[test]
fn a_base_tag_that_moved_gives_another_key() {
    let old = inputs(PLAIN);
    let mut new = old.clone();
    new.images
        .values_mut()
        .for_each(|it| it.identity = "sha256:2".to_owned());
    assert_ne!(key(&old), key(&new));
}

#[test]
fn every_image_that_a_build_uses_has_to_be_known() {
    let text = "\
# syntax=docker/dockerfile:1.9
ARG BASE=golang
FROM --platform=$BUILDPLATFORM ${BASE}:1 AS build
RUN --mount=type=bind,from=tools,source=/,target=/t true
FROM image-$TARGETARCH
COPY --from=build /a /a
COPY --from=assets:2 /b /b
FROM scratch
FROM pinned@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
";
    let inputs = Inputs {
        dockerfile: text,
        native: "linux/amd64",
        platform: "linux/arm64",
        ..Inputs::default()
    };
    let found = needed(&inputs).unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|it| (it.name.as_str(), it.platform.as_str()))
        .collect();
    let expected = [
        ("assets:2", "linux/arm64"),
        ("docker/dockerfile:1.9", "linux/amd64"),
        ("golang:1", "linux/amd64"),
        ("image-arm64", "linux/arm64"),
        ("tools", "linux/arm64"),
    ];
    assert_eq!(shown, expected);
    for missing in found {
        let mut inputs = with_images(inputs.clone());
        inputs.images.remove(&missing);
        assert_eq!(inputs.key(), Err(Unknowable::Image { name: missing.name }));
    }
}

#[test]
fn an_argument_decides_which_image_is_asked_for() {
    let args = pairs(&[("BASE", "mine"), ("BUILDKIT_SYNTAX", "my/syntax")]);
    let inputs = Inputs {
        dockerfile: "# syntax=docker/dockerfile:1\nARG BASE=golang\nFROM ${BASE}:1",
        args: &args,
        native: "linux/amd64",
        ..Inputs::default()
    };
    let found: Vec<_> = needed(&inputs).unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(found, ["mine:1", "my/syntax"]);
}

#[test]
fn pull_true_has_no_key_before_the_registry_was_asked() {
    let mut inputs = Inputs {
        pulls: true,
        ..inputs(PLAIN)
    };
    let name = "alpine:3".to_owned();
    assert_eq!(inputs.key(), Err(Unknowable::NotPulled { name }));
    inputs.images.values_mut().for_each(|it| it.told_by = Source::Registry);
    let first = key(&inputs);
    inputs
        .images
        .values_mut()
        .for_each(|it| it.identity = "sha256:new".to_owned());
    assert_ne!(key(&inputs), first);
}

#[test]
fn an_image_in_the_engine_for_another_platform_does_not_count() {
    let mut inputs = inputs("FROM --platform=linux/arm64 alpine");
    let alpine = |platform: &str| Needed {
        name: "alpine".to_owned(),
        platform: platform.to_owned(),
    };
    inputs.images = [(alpine("linux/amd64"), image("sha256:1", Source::Engine))].into();
    assert!(inputs.key().is_err());
    inputs.images = [(alpine("linux/arm64"), image("sha256:1", Source::Engine))].into();
    assert!(inputs.key().is_ok());
}

#[test]
fn scratch_and_own_stages_need_no_image() {
    assert_eq!(
        names("FROM scratch AS a\nFROM a AS b\nCOPY --from=0 a b\nCOPY --from=b a b"),
        Vec::<String>::new()
    );
}

#[test]
fn triggers_of_a_base_are_told_by_its_identity_unless_they_fetch() {
    let mut inputs = inputs(PLAIN);
    let mut set = |trigger: &str| {
        let triggers = vec!["RUN make".to_owned(), trigger.to_owned()];
        inputs
            .images
            .values_mut()
            .for_each(|it| it.triggers.clone_from(&triggers));
        inputs.key()
    };
    assert!(set("COPY . /app").is_ok());
    let refused = set("ADD https://example.com/x /x").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the image `alpine:3` runs `ONBUILD ADD https://example.com/x /x`"
    );
}

// ---- what has no key ------------------------------------------------------------------------------------------------

#[test]
fn an_add_of_a_url_is_never_skipped() {
    for source in [
        "https://example.com/a.tar",
        "git@github.com:a/b.git",
        "git://host/a",
        "--checksum=sha256:aa https://x/a",
    ] {
        let text = format!("FROM alpine:3\nADD {source} /a\n");
        let refused = inputs(&text).key().unwrap_err();
        assert!(
            matches!(refused, Unknowable::Download { line: 2, .. }),
            "{source}: {refused}"
        );
    }
}

#[test]
fn an_add_of_what_an_argument_says_is_never_skipped() {
    let refused = inputs("FROM alpine:3\nARG U=a\nADD $U /a\n").key().unwrap_err();
    let expected = "line 3 of the Dockerfile adds `$U`, which may be a URL";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn a_name_that_only_the_builder_understands_is_never_skipped() {
    let refused = inputs("ARG A=alpine-x\nFROM ${A%-x}\n").key().unwrap_err();
    assert!(matches!(refused, Unknowable::Expansion { line: 2, .. }), "{refused}");
    assert_eq!(inputs("// syntax=me/x\n").key(), Err(Unknowable::Syntax));
}

#[test]
fn commands_that_fetch_have_a_key_as_they_are_cached_by_the_builder_too() {
    let text = "FROM alpine:3\nRUN --mount=type=ssh git clone git@host:a\nRUN curl https://example.com\n";
    assert!(inputs(text).key().is_ok());
}
