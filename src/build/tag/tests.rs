//! Names of images, as tables.

use crate::build::tag::{Names, names, of_content, of_moment, stated, under};
use crate::model::build::{CustomRecipe, ImageTarget, Recipe};
use crate::model::image::{Reference, Selector};
use crate::model::live::LiveUpdate;
use crate::model::registry::Registry;

const ID: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn target(selector: &str) -> ImageTarget {
    ImageTarget {
        selector: Selector::parse(selector).unwrap(),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Custom(CustomRecipe::default()),
        image_deps: Vec::new(),
        watch_ignores: Vec::new(),
    }
}

fn registry(host: &str, host_from_cluster: &str, single_name: &str) -> Registry {
    Registry {
        host: host.to_owned(),
        host_from_cluster: host_from_cluster.to_owned(),
        single_name: single_name.to_owned(),
    }
}

fn shown(names: Names) -> [String; 2] {
    [names.local.familiar(), names.cluster.familiar()]
}

#[test]
fn the_tag_comes_from_the_first_sixteen_digits_of_the_id() {
    assert_eq!(of_content(ID), "tilt-0123456789abcdef");
    assert_eq!(of_content("sha256:12"), "tilt-12");
}

#[test]
fn tags_of_one_second_differ() {
    assert_eq!(of_moment(1700000000, 0), "tilt-build-1700000000");
    assert_eq!(of_moment(1700000000, 2), "tilt-build-1700000000-2");
}

#[test]
fn deployed_names_follow_the_registry() {
    let table = [
        (
            registry("", "", ""),
            "web:dev",
            ["web:tilt-0123456789abcdef", "web:tilt-0123456789abcdef"],
        ),
        (
            registry("localhost:5000", "registry:5000", ""),
            "gcr.io/a/web",
            [
                "localhost:5000/gcr.io_a_web:tilt-0123456789abcdef",
                "registry:5000/gcr.io_a_web:tilt-0123456789abcdef",
            ],
        ),
        (
            registry("a.b/c", "", "dev"),
            "x/web",
            [
                "a.b/c/dev:web-tilt-0123456789abcdef",
                "a.b/c/dev:web-tilt-0123456789abcdef",
            ],
        ),
    ];
    for (registry, image, expected) in table {
        let names = names(&target(image), &registry, ID).unwrap();
        assert_eq!(shown(names), expected, "{image}");
    }
    let names = under(&target("x/web"), &registry("a.b", "", "dev"), "tilt-build-1").unwrap();
    assert_eq!(names.local.familiar(), "a.b/dev:web-tilt-build-1");
}

#[test]
fn a_name_from_elsewhere_changes_only_its_host() {
    let table = [
        ("localhost:5000/a/web:1", "registry:5000/a/web:1"),
        ("localhost:50001/web:1", "localhost:50001/web:1"),
        ("web:1", "web:1"),
    ];
    for (local, cluster) in table {
        let both = registry("localhost:5000", "registry:5000", "");
        let names = stated(Reference::parse(local).unwrap(), &both).unwrap();
        assert_eq!(shown(names), [local, cluster]);
    }
    let one = stated(
        Reference::parse("localhost:5000/web:1").unwrap(),
        &registry("localhost:5000", "", ""),
    )
    .unwrap();
    assert_eq!(one.cluster, one.local);
}
