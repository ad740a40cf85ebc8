//! `custom_build()`: what it declares, and what it refuses.

use crate::model::build::{CustomRecipe, ImageTarget, OutputMode, Recipe};
use crate::tiltfile::convert::testing::image;
use crate::tiltfile::testing::Tiltfile;

fn recipe(image: &ImageTarget) -> &CustomRecipe {
    match &image.recipe {
        Recipe::Custom(recipe) => recipe,
        other => panic!("not built by a command: {other:?}"),
    }
}

fn refused(call: &str) -> String {
    Tiltfile::new(call).eval().message()
}

#[test]
fn every_option_arrives() {
    let text = "custom_build('img/one', 'make image TAG=$EXPECTED_REF', deps=['src', 'go.mod'], tag='dev', env={'B': '2', 'A': '1'}, dir='src', entrypoint='run', live_update=[sync('src', '/src')])\n";
    let tiltfile = Tiltfile::new(text);
    let image = image(&tiltfile, "img/one:dev");
    let recipe = recipe(&image);
    assert_eq!(recipe.command.argv, ["sh", "-c", "make image TAG=$EXPECTED_REF"]);
    assert_eq!(recipe.command.dir, tiltfile.dir().join("src"));
    assert_eq!(recipe.command.env, ["A=1", "B=2"]);
    assert_eq!(recipe.deps, ["src", "go.mod"].map(|dep| tiltfile.dir().join(dep)));
    assert_eq!(
        (
            recipe.output_mode,
            recipe.output_tag.as_str(),
            recipe.outputs_image_ref_to.as_ref()
        ),
        (OutputMode::LocalDocker, "dev", None)
    );
    assert_eq!(
        image.entrypoint.as_deref(),
        Some(&["sh", "-c", "run"].map(String::from)[..])
    );
    assert!(!image.live_update.is_empty());
}

#[test]
fn where_the_image_ends_up_follows_from_two_flags() {
    let table = [
        ("", OutputMode::LocalDocker),
        (", disable_push=True", OutputMode::LocalDockerAndRemote),
        (", skips_local_docker=True", OutputMode::Remote),
        (", skips_local_docker=True, disable_push=True", OutputMode::Remote),
    ];
    for (flags, expected) in table {
        let image = image(
            &Tiltfile::new(&format!("custom_build('a', ['./build.sh', 'x'], ['.']{flags})\n")),
            "a",
        );
        assert_eq!(recipe(&image).output_mode, expected, "{flags}");
        assert!(!image.is_live_update_only(), "{flags}");
    }
}

#[test]
fn the_reference_may_be_read_from_a_file() {
    let tiltfile = Tiltfile::new("custom_build('a', 'make', '.', outputs_image_ref_to='ref.txt')\n");
    let image = image(&tiltfile, "a");
    assert_eq!(
        recipe(&image).outputs_image_ref_to,
        Some(tiltfile.dir().join("ref.txt"))
    );
    assert_eq!(recipe(&image).command.dir, tiltfile.dir());
}

#[test]
fn a_command_that_does_nothing_is_for_live_updates_only() {
    let call = "custom_build('a', ':', deps=['src'], skips_local_docker=True, disable_push=True, live_update=[sync('src', '/src')])\n";
    assert!(image(&Tiltfile::new(call), "a").is_live_update_only());
}

#[test]
fn the_value_prints_as_the_call_and_has_a_type_of_its_own() {
    let evaluated = Tiltfile::new("b = custom_build('img/one', 'make', ['.'])\nprint(b, type(b), bool(b))\n").eval();
    assert!(
        evaluated
            .log()
            .starts_with("custom_build(\"docker.io/img/one\") custom_build True\n"),
        "{}",
        evaluated.log()
    );
}

#[test]
fn mistakes_are_refused_in_upstreams_words() {
    let table = [
        (
            "custom_build('A', 'x', ['.'])",
            "Argument 1 (ref): can't parse \"A\": invalid reference format: repository name (library/A) must be lowercase",
        ),
        ("custom_build('a', '', ['.'])", "Argument 2 (command) can't be empty"),
        ("custom_build('a', [], ['.'])", "Argument 2 (command) can't be empty"),
        (
            "custom_build('a', 'x', ['.'], tag='t', outputs_image_ref_to='f')",
            "Cannot specify both tag= and outputs_image_ref_to=",
        ),
        ("custom_build('a', 'x')", "custom_build: missing argument for deps"),
        (
            "custom_build('a', 'x', ['.'], live_update=[1])",
            "live_update: 'steps' must be a list of live update steps - got value '1' of type 'int'",
        ),
        (
            "custom_build('a', 'x', ['.'], image_deps=['B'])",
            "custom_build: for parameter \"image_deps\": can't parse \"B\": invalid reference format: repository name (library/B) must be lowercase",
        ),
        (
            "custom_build('a', 'x', ['.'], env={'': 'x'})",
            "custom_build: for parameter \"env\": environment has empty key for value \"x\"",
        ),
    ];
    for (call, message) in table {
        assert_eq!(refused(&format!("{call}\n")), message, "{call}");
    }
}
