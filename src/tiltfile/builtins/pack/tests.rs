//! `pack()`: what it declares, and what it refuses.

use std::path::Path;

use crate::model::build::{ImageTarget, OutputMode, Recipe};
use crate::model::pack::{
    Access, CachePlace, CreationTime, PackRecipe, PackTarget, PullPolicy, SystemBuildpacks, UserNamespace,
};
use crate::tiltfile::convert::testing::{image, images};
use crate::tiltfile::testing::Tiltfile;

fn recipe(image: &ImageTarget) -> &PackRecipe {
    match &image.recipe {
        Recipe::Pack(recipe) => recipe,
        other => panic!("not built with buildpacks: {other:?}"),
    }
}

fn below(tiltfile: &Tiltfile, paths: &[impl AsRef<Path>]) -> Vec<String> {
    let dir = tiltfile.dir();
    paths
        .iter()
        .map(|path| {
            path.as_ref()
                .strip_prefix(&dir)
                .unwrap_or(path.as_ref())
                .display()
                .to_string()
        })
        .collect()
}

#[test]
fn the_extensions_defaults_hold() {
    let tiltfile = Tiltfile::new("pack('r.io:5000/app:tag')\n").file("x", "");
    let image = image(&tiltfile, "r.io:5000/app");
    assert_eq!(
        (image.selector.to_string().as_str(), image.selector.exact),
        ("r.io:5000/app", false)
    );
    let recipe = recipe(&image);
    assert_eq!(recipe.path, tiltfile.dir());
    assert_eq!(recipe.deps, [tiltfile.dir()]);
    assert_eq!(recipe.builder, "docker.io/paketobuildpacks/builder:base");
    assert_eq!(
        (recipe.pull_policy.clone(), recipe.network.as_str()),
        (PullPolicy::IfNotPresent, "bridge")
    );
    assert_eq!(
        (recipe.output_mode, recipe.target, recipe.descriptor.as_ref()),
        (OutputMode::LocalDocker, PackTarget::Auto, None)
    );
    assert!(recipe.env.is_empty() && recipe.buildpacks.is_empty() && recipe.caches.is_empty());
}

#[test]
fn arguments_may_be_given_by_position_as_in_the_extension() {
    let tiltfile =
        Tiltfile::new("pack('a', 'src', 'my/builder', ['x/go', 'bp'], ['A=1', 'B'], 'always', ['src/a', 'go.mod'])\n")
            .file("bp/buildpack.toml", "")
            .file("src/project.toml", "");
    let image = image(&tiltfile, "a");
    let recipe = recipe(&image);
    assert_eq!(
        (recipe.path.clone(), recipe.builder.as_str()),
        (tiltfile.dir().join("src"), "my/builder")
    );
    assert_eq!(below(&tiltfile, &recipe.buildpacks), ["x/go", "bp"]);
    assert_eq!(
        (recipe.env.join(" "), recipe.pull_policy.clone()),
        ("A=1 B".to_owned(), PullPolicy::Always)
    );
    assert_eq!(
        below(&tiltfile, &recipe.deps),
        ["src/a", "go.mod", "src/project.toml", "bp"]
    );
    let too_many = Tiltfile::new("pack('a', '.', 'b', [], [], 'always', [], 'x')\n")
        .eval()
        .message();
    assert_eq!(too_many, "pack: got 8 arguments, want at most 7");
}

#[test]
fn every_option_arrives() {
    let text = "pack('app', path='.', dir='src', pre_buildpacks='pre/x', post_buildpacks=['urn:cnb:builder', './mine'], buildpack_registry='r', extensions=['ext/y'],
  env_vars={'A': '1', 'B': None}, env_files='build.env', pull_policy='interval=2d', run_image='run/x:1', run_image_mirrors=['m.io/run'], target='daemon',
  cache={'build': 'format=bind;source=./cache', 'launch': {'name': 'l'}}, descriptor='p.toml', default_process='web', tags=['app:x'], network='host',
  volumes=['./m2:/m2:rw', 'named:/n'], workspace='w', uid=1000, gid=1001, previous_image='app:prev', creation_time=7, sbom_output_dir='sbom',
  report_output_dir='report', platform='linux/arm64', exec_env='test', userns_host=True, disable_system_buildpacks=True, trust_builder=True,
  lifecycle_image='l', docker_host='inherit', tag='t', disable_push=True, match_in_env_vars=True, ignore=['*.md'], entrypoint='x',
  container_args=['y'], env={'TOKEN': 't'})
";
    let tiltfile = Tiltfile::new(text)
        .file("src/mine/buildpack.toml", "")
        .file("src/build.env", "X=1\n")
        .file("src/p.toml", "");
    let image = image(&tiltfile, "app");
    let recipe = recipe(&image);
    assert_eq!(below(&tiltfile, &[&recipe.path]), ["src"]);
    assert_eq!(
        (
            recipe.pre_buildpacks.join(","),
            below(&tiltfile, &recipe.post_buildpacks).join(",")
        ),
        ("pre/x".to_owned(), "urn:cnb:builder,src/mine".to_owned())
    );
    assert_eq!(
        (recipe.buildpack_registry.as_str(), recipe.extensions.join(",")),
        ("r", "ext/y".to_owned())
    );
    assert_eq!(
        (recipe.env.join(" "), recipe.caller_env.join(" ")),
        ("A=1 B".to_owned(), "TOKEN=t".to_owned())
    );
    assert_eq!(recipe.pull_policy, PullPolicy::Every(172_800));
    assert_eq!(
        (
            recipe.run_image.as_str(),
            recipe.run_image_mirrors.join(","),
            recipe.target
        ),
        ("run/x:1", "m.io/run".to_owned(), PackTarget::Daemon)
    );
    let places: Vec<CachePlace> = recipe.caches.iter().map(|cache| cache.place.clone()).collect();
    let bind = tiltfile.dir().join("src/cache").display().to_string();
    assert_eq!(places, [CachePlace::Bind(bind), CachePlace::Volume("l".to_owned())]);
    assert_eq!(
        (
            recipe.default_process.as_str(),
            recipe.tags.join(","),
            recipe.network.as_str()
        ),
        ("web", "app:x".to_owned(), "host")
    );
    let sources: Vec<&str> = recipe.volumes.iter().map(|volume| volume.source.as_str()).collect();
    assert_eq!(below(&tiltfile, &sources), ["src/m2", "named"]);
    assert_eq!(
        (recipe.volumes[0].access, recipe.volumes[1].access),
        (Access::ReadWrite, Access::ReadOnly)
    );
    assert_eq!(
        (recipe.workspace.as_str(), recipe.uid, recipe.gid),
        ("w", Some(1000), Some(1001))
    );
    assert_eq!(
        (recipe.previous_image.as_str(), recipe.creation_time),
        ("app:prev", CreationTime::At(7))
    );
    assert_eq!(recipe.sbom_output_dir, Some(tiltfile.dir().join("src/sbom")));
    assert_eq!(recipe.report_output_dir, Some(tiltfile.dir().join("src/report")));
    assert_eq!(
        (recipe.platform.as_str(), recipe.exec_env.as_str()),
        ("linux/arm64", "test")
    );
    assert_eq!(
        (recipe.user_namespace, recipe.system_buildpacks),
        (UserNamespace::Host, SystemBuildpacks::Disabled)
    );
    assert_eq!(
        (recipe.output_mode, recipe.output_tag.as_str()),
        (OutputMode::LocalDockerAndRemote, "t")
    );
    assert!(image.match_in_env_vars && image.entrypoint.is_some() && image.container_args.is_some());
    assert_eq!(
        below(&tiltfile, &recipe.deps),
        ["src", "src/p.toml", "src/build.env", "src/mine"]
    );
}

#[test]
fn live_reload_is_asked_for_only_with_live_updates_and_only_if_nobody_mentions_it() {
    let env = |options: &str| {
        recipe(&image(&Tiltfile::new(&format!("pack('a'{options})\n")), "a"))
            .env
            .join(" ")
    };
    assert_eq!(env(""), "");
    assert_eq!(
        env(", live_update=[sync('.', '/workspace')]"),
        "BP_LIVE_RELOAD_ENABLED=true"
    );
    assert_eq!(
        env(", live_update=[sync('.', '/workspace')], env_vars=['BP_LIVE_RELOAD_ENABLED=false']"),
        "BP_LIVE_RELOAD_ENABLED=false"
    );
}

#[test]
fn a_builder_that_is_built_here_comes_first() {
    let text = "docker_build('my/builder', '.', dockerfile_contents='FROM x')\npack('app', builder='my/builder:latest', run_image='my/run')\n";
    let images = images(&Tiltfile::new(text), &["app"]).unwrap();
    let names: Vec<String> = images.iter().map(|image| image.selector.to_string()).collect();
    assert_eq!(names, ["my/builder", "app"]);
    assert_eq!(images[1].image_deps, ["my_builder"]);
}

#[test]
fn files_that_the_build_reads_are_watched() {
    let evaluated = Tiltfile::new("pack('a', 'src', env_files=['e'])\n")
        .file("e", "A=1\n")
        .file("src/x", "")
        .eval();
    let watched = evaluated.watched();
    assert!(
        ["e", "src/project.toml"]
            .iter()
            .all(|name| watched.iter().any(|file| file == name)),
        "{watched:?}"
    );
}

#[test]
fn a_volume_that_hides_the_builds_own_files_is_warned_of() {
    let evaluated = Tiltfile::new("pack('a', volumes=['x:/layers/y'])\n").eval();
    assert!(
        evaluated
            .warnings()
            .contains(&"pack: volume \"x:/layers/y\" is mounted over `/layers`, which the build itself uses"),
        "{:?}",
        evaluated.lines
    );
}

#[test]
fn mistakes_are_refused_with_what_would_be_right() {
    let table = [
        (
            "'A'",
            "Argument 1 (name): can't parse \"A\": invalid reference format: repository name (library/A) must be lowercase",
        ),
        (
            "'a', builder='B'",
            "pack: for parameter \"builder\": can't parse \"B\": invalid reference format: repository name (library/B) must be lowercase",
        ),
        (
            "'a', env_vars=['=x']",
            "pack: for parameter \"env_vars\": \"=x\" is no environment variable: write `NAME=value`, or `NAME` alone to pass on the value that tilt was started with",
        ),
        (
            "'a', env_vars={'A': 1}",
            "pack: for parameter \"env_vars\": the value of \"A\" is a int: give a string, or None to pass on the value that tilt was started with",
        ),
        (
            "'a', pull_policy='sometimes'",
            "pack: for parameter \"pull_policy\": unknown pull policy \"sometimes\": use `always`, `never`, `if-not-present`, `hourly`, `daily`, `weekly` or `interval=` with a time such as `12h` or `2d`",
        ),
        (
            "'a', buildpacks=['./nope']",
            "pack: for parameter \"buildpacks\": no buildpack at \"./nope\": there is neither a directory nor an archive of that name",
        ),
        (
            "'a', cache='x'",
            "pack: for parameter \"cache\": got string, want dict: give a dict such as {'build': 'format=volume;name=my-cache'}",
        ),
        (
            "'a', cache={'build': {'size': '1'}}",
            "pack: for parameter \"cache\": unknown part \"size\" of cache build: use `format`, `name` and `source`",
        ),
        (
            "'a', volumes='x'",
            "pack: for parameter \"volumes\": \"x\" is no volume: write `SOURCE:/path/in/build` or `SOURCE:/path/in/build:rw`",
        ),
        (
            "'a', creation_time='noon'",
            "pack: for parameter \"creation_time\": \"noon\" is no time: use `now`, or seconds since 1970",
        ),
        (
            "'a', creation_time=[]",
            "pack: for parameter \"creation_time\": got list, want 'now' or seconds since 1970",
        ),
        (
            "'a', uid=-1",
            "pack: for parameter \"uid\": -1 is no user or group id: it must be between 0 and 4294967295",
        ),
        (
            "'a', target='moon'",
            "pack: for parameter \"target\": unknown target \"moon\": use `auto`, `daemon`, `registry` or `cluster`",
        ),
        (
            "'a', platform='linux'",
            "pack: for parameter \"platform\": \"linux\" is no platform: write `os/architecture` or `os/architecture/variant`, such as `linux/arm64`",
        ),
        (
            "'a', descriptor='p.toml'",
            "error reading descriptor: open $DIR/p.toml: no such file or directory",
        ),
        (
            "'a', env_files='e'",
            "error reading env file: open $DIR/e: no such file or directory",
        ),
        (
            "'a', trust_builder='yes'",
            "pack: for parameter \"trust_builder\": got string, want bool",
        ),
        (
            "'a', tag='x', outputs_image_ref_to='f'",
            "Cannot specify both tag= and outputs_image_ref_to=",
        ),
    ];
    for (arguments, message) in table {
        assert_eq!(
            Tiltfile::new(&format!("pack({arguments})\n")).eval().message(),
            message,
            "{arguments}"
        );
    }
}
