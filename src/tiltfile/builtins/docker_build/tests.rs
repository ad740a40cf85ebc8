//! `docker_build()`: what it declares, and what it refuses.

use crate::model::build::{DockerRecipe, ImageTarget, Recipe};
use crate::model::command::Echo;
use crate::tiltfile::convert::testing::{image, images};
use crate::tiltfile::testing::Tiltfile;

fn recipe(image: &ImageTarget) -> &DockerRecipe {
    match &image.recipe {
        Recipe::Docker(recipe) => recipe,
        other => panic!("not built from a Dockerfile: {other:?}"),
    }
}

/// The message that a call ends with.
fn refused(call: &str) -> String {
    Tiltfile::new(call).eval().message()
}

#[test]
fn every_option_arrives() {
    let text = "docker_build('example/web', 'web', dockerfile='web/Dockerfile.dev', build_args={'W': 'x y', 'V': '1', 'H': ''}, target='dev',
  entrypoint=['/bin/web', '--dev'], container_args=['a', 'b'], ssh='default', secret='id=tok,src=tok.txt', network='host',
  extra_tag=['example/web:extra'], cache_from=('example/web:cache',), pull=True, platform='linux/amd64', extra_hosts=['db:10.0.0.1'],
  match_in_env_vars=True,
  live_update=[fall_back_on(['web/package.json']), sync('web/src', '/app/src'), run('make gen', trigger=['web/src/gen.txt']), run(['touch', '/r'], echo_off=True)])
";
    let tiltfile = Tiltfile::new(text).file("web/Dockerfile.dev", "FROM scratch AS dev\n");
    let image = image(&tiltfile, "example/web");
    assert_eq!(
        (image.selector.to_string().as_str(), image.selector.exact),
        ("example/web", false)
    );
    assert!(image.match_in_env_vars);
    assert_eq!(
        image.entrypoint.as_deref(),
        Some(&["/bin/web", "--dev"].map(String::from)[..])
    );
    assert_eq!(image.container_args.as_deref(), Some(&["a", "b"].map(String::from)[..]));
    let recipe = recipe(&image);
    assert_eq!(recipe.dockerfile, "FROM scratch AS dev\n");
    assert_eq!(recipe.context, tiltfile.dir().join("web"));
    assert_eq!(recipe.args, ["H", "V=1", "W=x y"]);
    assert_eq!(
        (
            recipe.target.as_str(),
            recipe.network.as_str(),
            recipe.platform.as_str()
        ),
        ("dev", "host", "linux/amd64")
    );
    assert_eq!(
        (recipe.ssh.join(","), recipe.secrets.join(";")),
        ("default".to_owned(), "id=tok,src=tok.txt".to_owned())
    );
    assert_eq!(
        (recipe.extra_tags.join(","), recipe.cache_from.join(",")),
        ("example/web:extra".to_owned(), "example/web:cache".to_owned())
    );
    assert_eq!(
        (recipe.extra_hosts.join(","), recipe.pull),
        ("db:10.0.0.1".to_owned(), true)
    );
    let update = &image.live_update;
    assert_eq!(update.base, tiltfile.dir());
    assert_eq!(update.stop_paths, ["web/package.json"]);
    assert_eq!(
        (update.syncs[0].local.as_str(), update.syncs[0].container.as_str()),
        ("web/src", "/app/src")
    );
    let execs: Vec<(String, String, Echo)> = update
        .execs
        .iter()
        .map(|exec| (exec.argv.join(" "), exec.triggers.join(" "), exec.echo))
        .collect();
    let expected = [
        ("sh -c make gen", "web/src/gen.txt", Echo::On),
        ("touch /r", "", Echo::Off),
    ];
    assert_eq!(
        execs,
        expected.map(|(argv, triggers, echo)| (argv.to_owned(), triggers.to_owned(), echo))
    );
}

#[test]
fn what_is_none_is_not_given() {
    let call = "docker_build('a', '.', dockerfile=None, build_args=None, live_update=None, ignore=None, only=None, entrypoint=None, container_args=None, target=None, ssh=None, platform=None, cache=None)\n";
    let image = image(&Tiltfile::new(call).file("Dockerfile", "FROM x\n"), "a");
    assert_eq!((image.entrypoint.as_ref(), image.container_args.as_ref()), (None, None));
    assert!(image.live_update.is_empty());
    assert_eq!(recipe(&image).dockerfile, "FROM x\n");
}

#[test]
fn an_empty_entrypoint_is_none_and_empty_arguments_clear() {
    let call = "docker_build('a', '.', dockerfile_contents='FROM x', entrypoint='', container_args=[])\n";
    let image = image(&Tiltfile::new(call), "a");
    assert_eq!((image.entrypoint, image.container_args), (None, Some(Vec::new())));
}

#[test]
fn a_dash_is_a_context_without_files() {
    let image = image(
        &Tiltfile::new("docker_build('a', '-', dockerfile_contents='FROM x')\n"),
        "a",
    );
    assert!(recipe(&image).has_no_context());
    assert!(image.watched_paths().is_empty());
    let message = "the context `-` is empty, so no Dockerfile is in it: give dockerfile or dockerfile_contents";
    assert_eq!(refused("docker_build('a', '-')\n"), message);
}

#[test]
fn the_platform_falls_back_on_the_environment() {
    let platform = |call: &str| {
        recipe(&image(
            &Tiltfile::new(call).env("DOCKER_DEFAULT_PLATFORM", "linux/arm64"),
            "a",
        ))
        .platform
        .clone()
    };
    assert_eq!(
        platform("docker_build('a', '.', dockerfile_contents='FROM x')\n"),
        "linux/arm64"
    );
    assert_eq!(
        platform("docker_build('a', '.', dockerfile_contents='FROM x', platform='linux/s390x')\n"),
        "linux/s390x"
    );
}

#[test]
fn a_blob_will_do_as_contents() {
    let text = "docker_build('a', '.', dockerfile_contents=blob('FROM x'))\n";
    let tiltfile = Tiltfile::new(text);
    assert_eq!(recipe(&image(&tiltfile, "a")).dockerfile, "FROM x");
}

#[test]
fn mistakes_are_refused_in_upstreams_words() {
    let table = [
        (
            "docker_build('a b', '.')",
            "Argument 1 (ref): can't parse \"a b\": invalid reference format",
        ),
        (
            "docker_build('a', '.')",
            "error reading dockerfile: open $DIR/Dockerfile: no such file or directory",
        ),
        (
            "docker_build('a', '.', dockerfile='nope')",
            "error reading dockerfile: open $DIR/nope: no such file or directory",
        ),
        (
            "docker_build('a', '.', live_update='x')",
            "error reading dockerfile: open $DIR/Dockerfile: no such file or directory",
        ),
        (
            "docker_build('a', '.', dockerfile='x', dockerfile_contents='y')",
            "Cannot specify both dockerfile and dockerfile_contents keyword arguments",
        ),
        (
            "docker_build('a', '.', dockerfile_contents=1)",
            "Argument (dockerfile_contents): must be string or blob.",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x', only=['*.go'])",
            "'only' does not support '*' file globs. Must be a real path: *.go",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x', only='a\\nb')",
            "only cannot contain newlines; found only: \"a\\nb\"",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x', ignore=['a\\nb'])",
            "ignore cannot contain newlines; found ignore: \"a\\nb\"",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x', ignore=[1])",
            "ignore must be a string or a sequence of strings; found a int",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x', ignore=['['])",
            "ignore: syntax error in pattern `[`",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x', extra_tag='a b')",
            "Argument extra_tag=\"a b\" not a valid image reference: invalid reference format",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x', container_args='x')",
            "Argument 'container_args': got string, want a list of strings",
        ),
        (
            "docker_build('a', '.', dockerfile_contents='FROM x')\ndocker_build('docker.io/library/a', '.', dockerfile_contents='FROM x')",
            "Image for ref \"a\" has already been defined",
        ),
        (
            "docker_build('a', '.', dockerfil='x')",
            "docker_build: unexpected keyword argument \"dockerfil\" (did you mean dockerfile?)",
        ),
        (
            "docker_build('a', '.', pull='x')",
            "docker_build: for parameter \"pull\": got string, want bool",
        ),
    ];
    for (call, message) in table {
        assert_eq!(refused(&format!("{call}\n")), message, "{call}");
    }
}

#[test]
fn the_dockerfile_is_watched_even_if_it_is_missing() {
    let evaluated = Tiltfile::new("docker_build('a', 'web')\n").eval();
    assert_eq!(evaluated.watched(), ["Tiltfile", "web/Dockerfile"]);
    assert_eq!(
        evaluated.error(),
        "Traceback (most recent call last):\n  $DIR/Tiltfile:1:13: in <toplevel>\nError in docker_build: error reading dockerfile: open $DIR/web/Dockerfile: no such file or directory"
    );
}

#[test]
fn the_obsolete_cache_is_warned_of() {
    let evaluated = Tiltfile::new("docker_build('a', '.', dockerfile_contents='FROM x', cache='/c')\n").eval();
    let text = "docker_build(cache=...) is obsolete, and currently a no-op.\nYou should switch to live_update to optimize your builds.";
    assert!(evaluated.warnings().contains(&text), "{:?}", evaluated.lines);
}

#[test]
fn paths_are_relative_to_the_file_that_runs() {
    let tiltfile = Tiltfile::new("include('sub/Tiltfile')\n")
        .file(
            "sub/Tiltfile",
            "docker_build('a', '.', live_update=[sync('src', '/src'), sync('../lib', '/lib'), sync('.', '/all')])\n",
        )
        .file("sub/Dockerfile", "FROM x\n");
    let message = images(&tiltfile, &["a"]).unwrap_err();
    assert_eq!(
        message,
        "sync step source '$DIR/lib' is not a child of any watched filepaths ([$DIR/sub])"
    );
    let tiltfile = Tiltfile::new("include('sub/Tiltfile')\n")
        .file("sub/Tiltfile", "docker_build('a', '..', dockerfile='Dockerfile', live_update=[sync('src', '/src'), sync('../lib', '/lib')])\n")
        .file("sub/Dockerfile", "FROM x\n");
    let image = image(&tiltfile, "a");
    assert_eq!(recipe(&image).context, tiltfile.dir());
    assert_eq!(image.live_update.base, tiltfile.dir().join("sub"));
    let syncs: Vec<&str> = image.live_update.syncs.iter().map(|sync| sync.local.as_str()).collect();
    assert_eq!(syncs, ["src", "../lib"]);
}
