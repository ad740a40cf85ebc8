//! Graphs of images, and what ends an evaluation because of them.

use super::*;
use crate::model::project::TriggerMode;
use crate::tiltfile::convert::testing::{context_ignores, declared, image, images, shown};
use crate::tiltfile::testing::Tiltfile;

fn names(images: &Result<Vec<ImageTarget>, String>) -> Vec<String> {
    let images = images.as_ref().expect("images");
    images.iter().map(|image| image.selector.to_string()).collect()
}

fn dockerfiles(images: &[(&str, &str)]) -> Tiltfile {
    let builds = images
        .iter()
        .map(|(name, dockerfile)| format!("docker_build('{name}', '.', dockerfile_contents='''{dockerfile}''')\n"));
    Tiltfile::new(&builds.collect::<String>())
}

#[test]
fn bases_come_before_what_is_made_from_them() {
    let tiltfile = dockerfiles(&[
        ("app:dev", "FROM middle\n"),
        ("other", "FROM scratch\n"),
        (
            "middle",
            "FROM golang AS build\nFROM base\nCOPY --from=tools /x /x\nCOPY --from=build /y /y\n",
        ),
        ("base", "FROM alpine\n"),
        ("tools", "FROM base:latest\n"),
    ]);
    let images = images(&tiltfile, &["app:dev"]);
    assert_eq!(names(&images), ["base", "tools", "middle", "app:dev"]);
    let deps: Vec<String> = images.unwrap().iter().map(|image| image.image_deps.join(",")).collect();
    assert_eq!(deps, ["", "base", "base,tools", "middle"]);
}

#[test]
fn an_image_that_two_others_need_is_there_once() {
    let tiltfile = dockerfiles(&[
        ("a", "FROM base"),
        ("b", "FROM base\nCOPY --from=a / /"),
        ("base", "FROM scratch"),
    ]);
    assert_eq!(names(&images(&tiltfile, &["b", "a", "b"])), ["base", "a", "b"]);
}

#[test]
fn build_arguments_decide_what_an_image_starts_from() {
    let text = "docker_build('base', '.', dockerfile_contents='FROM scratch')
docker_build('app', '.', dockerfile_contents='ARG FROM_IMAGE=alpine\\nFROM $FROM_IMAGE', build_args={'FROM_IMAGE': 'base', 'EMPTY': ''})
docker_build('plain', '.', dockerfile_contents='ARG FROM_IMAGE=alpine\\nFROM $FROM_IMAGE')
";
    assert_eq!(names(&images(&Tiltfile::new(text), &["app"])), ["base", "app"]);
    assert_eq!(names(&images(&Tiltfile::new(text), &["plain"])), ["plain"]);
}

#[test]
fn image_deps_have_to_be_built_here() {
    let text = "custom_build('two', './build.sh', deps=[], image_deps=['one', 'one:x'])\ncustom_build('one', 'make', deps=[])\n";
    assert_eq!(names(&images(&Tiltfile::new(text), &["two"])), ["one", "two"]);
    let text = "custom_build('two', './build.sh', deps=[], image_deps=['r.io/one'])\n";
    assert_eq!(
        images(&Tiltfile::new(text), &["two"]).unwrap_err(),
        r#"image "two": image dep "r.io/one" not found"#
    );
}

#[test]
fn a_cycle_is_shown_with_every_image_on_it() {
    let tiltfile = dockerfiles(&[
        ("top", "FROM a"),
        ("a", "FROM b"),
        ("b", "FROM c"),
        ("c", "FROM a"),
        ("free", "FROM scratch"),
    ]);
    assert_eq!(
        images(&tiltfile, &["top"]).unwrap_err(),
        "Image dependency cycle: a -> b -> c -> a"
    );
    assert_eq!(names(&images(&tiltfile, &["free"])), ["free"]);
    let tiltfile = dockerfiles(&[("self", "FROM self")]);
    assert_eq!(
        images(&tiltfile, &["self"]).unwrap_err(),
        "Image dependency cycle: self -> self"
    );
}

#[test]
fn shared_names_are_told_apart_by_their_tags() {
    let tiltfile = dockerfiles(&[
        ("base:1", "FROM scratch"),
        ("base:2", "FROM scratch"),
        ("app", "FROM base:2"),
    ]);
    assert_eq!(names(&images(&tiltfile, &["app"])), ["base:2", "app"]);
}

#[test]
fn a_context_leaves_out_tiltfile_checkout_and_what_was_said_in_this_order() {
    let tiltfile = Tiltfile::new(
        "docker_build('a', 'web', dockerfile='web/Dev', ignore=['*.md', 'tmp/**'], only=['src', 'p.json'])\n",
    )
    .file("web/Dev", "FROM scratch\n")
    .file("web/.git/HEAD", "")
    .file(".git/HEAD", "")
    .file("web/.dockerignore", "# no\nnode_modules/\n!x\n");
    let image = image(&tiltfile, "a");
    let common = [
        "$DIR/Tiltfile",
        "$DIR/web/.git",
        "$DIR/web: *.md tmp/**",
        "$DIR/web: ** !src !p.json",
        "$DIR/web: node_modules !x",
    ];
    assert_eq!(shown(&tiltfile, context_ignores(&image)), common);
    assert_eq!(
        shown(&tiltfile, &image.watch_ignores),
        [&common[..], &["$DIR/web/Dev"]].concat()
    );
}

#[test]
fn the_ignore_file_of_a_dockerfile_stands_in_for_the_one_of_its_context() {
    let tiltfile = Tiltfile::new("docker_build('a', '.', dockerfile='Dev')\n")
        .file("Dev", "FROM scratch\n")
        .file("Dev.dockerignore", "mine\n")
        .file(".dockerignore", "other\n");
    assert_eq!(
        shown(&tiltfile, context_ignores(&image(&tiltfile, "a"))),
        ["$DIR/Tiltfile", "$DIR: mine"]
    );
}

#[test]
fn an_ignore_file_without_patterns_leaves_out_nothing() {
    let tiltfile = Tiltfile::new("docker_build('a', '.', dockerfile_contents='FROM scratch')\n")
        .file(".dockerignore", "# nothing\n\n");
    assert_eq!(
        shown(&tiltfile, context_ignores(&image(&tiltfile, "a"))),
        ["$DIR/Tiltfile"]
    );
}

#[test]
fn an_ignore_file_that_cannot_be_read_is_an_error() {
    let tiltfile =
        Tiltfile::new("docker_build('a', '.', dockerfile_contents='FROM scratch')\n").file(".dockerignore/x", "");
    let message = images(&tiltfile, &["a"]).unwrap_err();
    assert_eq!(
        message,
        "reading dockerignore for a: read $DIR/.dockerignore: is a directory"
    );
}

#[test]
fn ignore_files_are_watched_even_where_there_is_none() {
    let tiltfile = Tiltfile::new("docker_build('a', 'web', dockerfile_contents='FROM scratch')\ncustom_build('b', 'make', deps=['src', 'go.mod'])\n")
        .file("web/x", "")
        .file("src/x", "")
        .file("go.mod", "");
    let watched = declared(&tiltfile, |run| {
        Resolver::new(run)?.target_set(&[0, 1])?;
        Ok(run.host.watched())
    });
    let expected = ["Tiltfile", "src/.dockerignore", "web/.dockerignore"].map(|name| tiltfile.dir().join(name));
    assert_eq!(watched.unwrap(), expected);
}

#[test]
fn every_directory_among_deps_has_the_ignores_and_its_own_ignore_file() {
    let tiltfile = Tiltfile::new("custom_build('a', 'make', deps=['src', 'go.mod', 'lib', 'src'], ignore='*.tmp')\n")
        .file("src/.dockerignore", "gen\n")
        .file("lib/.git/HEAD", "")
        .file(".git/HEAD", "")
        .file("go.mod", "");
    let ignores = image(&tiltfile, "a").watch_ignores;
    let expected = [
        "$DIR/Tiltfile",
        "$DIR/.git",
        "$DIR/lib/.git",
        "$DIR/src: *.tmp",
        "$DIR/src: gen",
        "$DIR/lib: *.tmp",
    ];
    assert_eq!(shown(&tiltfile, &ignores), expected);
}

#[test]
fn synced_files_have_to_be_watched() {
    let build = |steps: &str| {
        let text = format!(
            "docker_build('a', 'web', dockerfile_contents='FROM base', live_update=[{steps}])\ndocker_build('base', 'base', dockerfile_contents='FROM scratch')\n"
        );
        images(&Tiltfile::new(&text), &["a"]).map(|images| images.len())
    };
    assert_eq!(build("sync('web/src', '/src')"), Ok(2));
    assert_eq!(build("sync('base/x', '/src')"), Ok(2));
    assert_eq!(
        build("sync('src', '/src')"),
        Err("sync step source '$DIR/src' is not a child of any watched filepaths ([$DIR/base $DIR/web])".to_owned())
    );
    assert_eq!(
        build("fall_back_on('../x'), sync('web', '/src')")
            .map_err(|message| message.starts_with("fall_back_on paths '")),
        Err(true)
    );
}

#[test]
fn live_updates_of_bases_are_not_checked_and_neither_are_those_that_never_build() {
    let text = "docker_build('a', 'web', dockerfile_contents='FROM base')
docker_build('base', 'base', dockerfile_contents='FROM scratch', live_update=[sync('other', '/x')])
custom_build('c', ':', deps=['web'], skips_local_docker=True, live_update=[sync('other', '/x')])
";
    assert_eq!(names(&images(&Tiltfile::new(text), &["a", "c"])), ["base", "a", "c"]);
}

#[test]
fn steps_that_nobody_used_are_listed() {
    let text = "def f():\n  return sync('a', '/a')\nf()\nused = f()\nrun('make \"x\"', trigger='a')\ncustom_build('c', 'make', deps=['.'], live_update=[used])\nfall_back_on('b')\n";
    let message = declared(&Tiltfile::new(text), check_steps).unwrap_err();
    let expected = "found 2 live_update steps that were created but not used in a live_update:
$DIR/Tiltfile:5:4: value 'run step: \"make \\\"x\\\"\" (triggers: a)' of type 'live_update_run_step'
\t$DIR/Tiltfile:7:13: value 'fall_back_on step: [$DIR/b]'' of type 'live_update_fall_back_on_step'";
    assert_eq!(message, expected);
    assert_eq!(declared(&Tiltfile::new("x = 1\n"), check_steps), Ok(()));
}

#[test]
fn restarting_containers_is_refused_on_kubernetes_where_the_image_is_not_ours() {
    let tiltfile = Tiltfile::new(
        "custom_build('a', 'x', ['.'], skips_local_docker=True, live_update=[sync('.', '/x'), restart_container()])
docker_build('b', '.', dockerfile_contents='FROM x', live_update=[sync('.', '/x'), restart_container()])\n",
    );
    let resource = |name: &str, target: Target| Resource {
        name: name.to_owned(),
        images: images(&tiltfile, &[if name == "b" { "b" } else { "a" }]).unwrap(),
        target,
        trigger: TriggerMode::default(),
        deps: Vec::new(),
        labels: Default::default(),
        source: String::new(),
    };
    let kubernetes = || Target::Kubernetes(Box::default());
    let local = resource("l", Target::Local(Box::default()));
    assert_eq!(check_restarts(std::slice::from_ref(&local)), Ok(()));
    let message = check_restarts(&[
        resource("a", kubernetes()),
        local,
        resource("b", kubernetes()),
        resource("c", kubernetes()),
    ])
    .unwrap_err()
    .message;
    assert!(
        message.starts_with(
            "Found `restart_container()` LiveUpdate step in resource(s): [a, c]. `restart_container()`  has been"
        ),
        "{message}"
    );
}
