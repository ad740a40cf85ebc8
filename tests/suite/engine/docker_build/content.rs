//! Files arrive in the image as they are in the context, and belong to root there.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use tilt::model::built::Built;

use super::project::{Project, with_project};
use crate::support::engine::{BASE, docker_ok};

/// What can be told of a tree: mode, owner where it matters, what each name is.
fn listing(root: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.mode() & 0o7777;
            let what = if metadata.is_symlink() {
                format!("-> {}", path.read_link().unwrap().display())
            } else if metadata.is_dir() {
                folders.push(path.clone());
                format!("{mode:o} folder")
            } else {
                let content = std::fs::read(&path).unwrap();
                let links = metadata.nlink();
                format!("{mode:o} {links} {:?}", String::from_utf8_lossy(&content))
            };
            all.insert(path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), what);
        }
    }
    all
}

/// A folder of the image, as it would be unpacked; and whether all of it belongs to root.
fn arrived(project: &Project, built: &Built, folder: &str) -> (BTreeMap<String, String>, String) {
    let to = project.folder.path().join("arrived");
    let _ = std::fs::remove_dir_all(&to);
    std::fs::create_dir_all(&to).unwrap();
    let container = docker_ok(&["create", &built.local, "/bin/true"]);
    let script = format!("set -o pipefail; docker cp {container}:{folder} - | tar xp --no-same-owner -C \"$1\"");
    let unpacked = Command::new("bash")
        .args(["-c", &script, "bash"])
        .arg(&to)
        .output()
        .unwrap();
    docker_ok(&["rm", &container]);
    assert!(unpacked.status.success(), "{unpacked:?}");
    let owners = project.run(
        built,
        &format!("busybox find {folder} | while read -r it; do stat -c %u:%g \"$it\"; done | busybox sort -u"),
    );
    (listing(&to.join(folder.trim_start_matches('/'))), owners)
}

fn furnish(project: &Project) {
    let context = project.context();
    let deep = "d/".repeat(60);
    for (path, text) in [
        ("plain", "plain"),
        ("empty", ""),
        ("with spaces/and ümläuts ☃", "snow"),
        ("-dash", "dash"),
        ("quote\"'$HOME`", "quotes"),
        ("new\nline", "line"),
        ("a-b", "sorts before a/"),
        ("a/b", "sorts after a-b"),
        ("a.b", "and in between"),
        (&format!("{deep}end"), "deep"),
        (
            &format!("{}/{}", "long".repeat(50), "name".repeat(50)),
            "longer than a tar header takes",
        ),
        ("bin/tool", "#!/bin/sh\n"),
        ("bin/suid", "set"),
        ("secret", "hidden"),
        ("linked/one", "shared"),
    ] {
        project.write(path, text);
    }
    std::fs::write(
        context.join("bytes"),
        (0..300_000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>(),
    )
    .unwrap();
    std::fs::create_dir_all(context.join("hollow/inside")).unwrap();
    std::fs::hard_link(context.join("linked/one"), context.join("linked/two")).unwrap();
    symlink("plain", context.join("to-file")).unwrap();
    symlink("../a", context.join("a/to-folder")).unwrap();
    symlink("/nowhere/at all", context.join("dangling")).unwrap();
    symlink("loop-b", context.join("loop-a")).unwrap();
    symlink("loop-a", context.join("loop-b")).unwrap();
    symlink(".", context.join("here")).unwrap();
    for (path, mode) in [
        ("bin/tool", 0o755),
        ("bin/suid", 0o4755),
        ("secret", 0o600),
        ("hollow", 0o1777),
        ("hollow/inside", 0o2750),
        ("empty", 0o444),
    ] {
        std::fs::set_permissions(context.join(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    // Whose they are here is nobody's business there. Only root can give files away.
    let _ = std::os::unix::fs::chown(context.join("plain"), Some(1234), Some(1234));
}

#[test]
fn a_context_arrives_byte_for_byte_with_buildkit() {
    with_project("a_context_arrives_byte_for_byte_with_buildkit", async |project| {
        furnish(&project);
        arrives(&project).await;
    });
}

#[test]
fn a_context_arrives_byte_for_byte_with_the_classic_builder() {
    with_project(
        "a_context_arrives_byte_for_byte_with_the_classic_builder",
        async |mut project| {
            project.env.insert("DOCKER_BUILDKIT".to_owned(), "0".to_owned());
            furnish(&project);
            // It loses this bit, whoever asks it to build.
            let plain = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(project.context().join("bin/suid"), plain).unwrap();

            arrives(&project).await;
        },
    );
}

async fn arrives(project: &Project) {
    let order = project.plain(&format!("FROM {BASE}\nCOPY . /srv/\n"));
    let built = project.build(&order).await.unwrap();
    let (arrived, owners) = arrived(project, &built, "/srv");
    let expected = listing(&project.context());
    for (path, what) in &expected {
        assert_eq!(arrived.get(path), Some(what), "{path}");
    }
    let more: Vec<&String> = arrived.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert_eq!(more, Vec::<&String>::new());
    assert_eq!(owners, "0:0");
}

#[test]
fn a_file_of_the_same_size_and_time_arrives_with_its_new_content() {
    let test = "a_file_of_the_same_size_and_time_arrives_with_its_new_content";
    with_project(test, async |project| {
        let order = project.plain(&format!("FROM {BASE}\nCOPY . /srv/\n"));
        let file = project.context().join("a");
        project.write("a", "one");
        let time = std::fs::metadata(&file).unwrap().modified().unwrap();
        project.build(&order).await.unwrap();
        for text in ["two", "six", "one"] {
            project.write("a", text);
            let opened = std::fs::File::options().write(true).open(&file).unwrap();
            opened.set_modified(time).unwrap();
            drop(opened);
            let built = project.build(&order).await.unwrap();
            assert_eq!(project.run(&built, "cat /srv/a"), text);
        }
    });
}

#[test]
fn what_is_gone_from_a_context_is_gone_from_the_image() {
    with_project("what_is_gone_from_a_context_is_gone_from_the_image", async |project| {
        let order = project.plain(&format!("FROM {BASE}\nCOPY . /srv/\n"));
        project.write("a", "one");
        project.write("b/c", "two");
        project.build(&order).await.unwrap();
        // A folder becomes a file, a file a folder.
        std::fs::remove_dir_all(project.context()).unwrap();
        project.write("b", "three");
        project.write("a/d", "four");
        let built = project.build(&order).await.unwrap();
        assert_eq!(
            project.run(&built, "cd /srv; busybox find . -type f | busybox sort; cat b a/d"),
            "./a/d\n./b\nthreefour"
        );
    });
}

#[test]
fn a_context_keeps_its_own_dockerignore_and_gets_no_file_of_ours() {
    let test = "a_context_keeps_its_own_dockerignore_and_gets_no_file_of_ours";
    with_project(test, async |mut project| {
        project.write("a", "one");
        project.write(".dockerignore", "b");
        for buildkit in ["1", "0"] {
            project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
            let order = project.plain(&format!("FROM {BASE}\nCOPY . /srv/\n"));
            let built = project.build(&order).await.unwrap();
            let listed = project.run(&built, "ls -A /srv; busybox head -n1 /srv/.dockerignore");
            assert_eq!(listed, ".dockerignore\na\nb", "{buildkit}");
        }
    });
}
