//! What commands are told, and what their answers mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::build::custom::plan::{Expected, bases, reference, variables};
use crate::build::order::{Order, Reuse, Share};
use crate::model::build::{CustomRecipe, ImageTarget, Recipe};
use crate::model::built::{Built, Delivery};
use crate::model::image::Selector;
use crate::model::live::LiveUpdate;
use crate::model::registry::Registry;

fn target(selector: &str, recipe: CustomRecipe) -> ImageTarget {
    ImageTarget {
        selector: Selector::parse(selector).unwrap(),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Custom(recipe),
        image_deps: vec!["z_base".to_owned(), "a_base".to_owned()],
        watch_ignores: Vec::new(),
    }
}

fn order(selector: &str, recipe: CustomRecipe, host: &str) -> Order {
    Order {
        target: Arc::new(target(selector, recipe)),
        bases: BTreeMap::new(),
        registry: Registry {
            host: host.to_owned(),
            ..Registry::default()
        },
        delivery: Delivery::Stay,
        platform: String::new(),
        reuse: Reuse::default(),
        share: Share::default(),
    }
}

fn told(order: &Order, recipe: &CustomRecipe) -> Vec<String> {
    let expected = Expected::of(order, recipe, "tilt-build-1").unwrap();
    let docker = vec![("DOCKER_HOST".to_owned(), "tcp://x:1".to_owned())];
    let variables = variables(order, &expected, docker);
    variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

#[test]
fn a_command_is_told_where_to_put_its_image() {
    let plain = CustomRecipe::default();
    assert_eq!(
        told(&order("web", plain.clone(), ""), &plain),
        [
            "EXPECTED_REF=web:tilt-build-1",
            "EXPECTED_REGISTRY=docker.io",
            "EXPECTED_IMAGE=library/web",
            "EXPECTED_TAG=tilt-build-1",
            "DOCKER_HOST=tcp://x:1"
        ]
    );
    assert_eq!(
        told(&order("gcr.io/a/web", plain.clone(), "localhost:5000"), &plain)[..5],
        [
            "EXPECTED_REF=localhost:5000/gcr.io_a_web:tilt-build-1",
            "EXPECTED_REGISTRY=localhost:5000",
            "EXPECTED_IMAGE=gcr.io_a_web",
            "EXPECTED_TAG=tilt-build-1",
            "REGISTRY_HOST=localhost:5000"
        ]
    );
}

#[test]
fn a_tag_of_theirs_knows_no_registry_and_a_file_of_theirs_no_name() {
    let tagged = CustomRecipe {
        output_tag: "dev".to_owned(),
        ..CustomRecipe::default()
    };
    let lines = told(&order("gcr.io/a/web:old", tagged.clone(), "localhost:5000"), &tagged);
    assert_eq!(lines[0], "EXPECTED_REF=gcr.io/a/web:dev");
    assert_eq!(lines[4], "REGISTRY_HOST=localhost:5000");
    let filed = CustomRecipe {
        outputs_image_ref_to: Some(PathBuf::from("/ref")),
        ..CustomRecipe::default()
    };
    let lines = told(&order("web", filed.clone(), "localhost:5000"), &filed);
    assert_eq!(lines, ["REGISTRY_HOST=localhost:5000", "DOCKER_HOST=tcp://x:1"]);
}

#[test]
fn images_that_it_stands_on_are_counted_as_they_were_written() {
    let mut order = order("web", CustomRecipe::default(), "");
    for name in ["a_base", "z_base"] {
        let built = Built {
            local: format!("{name}:tilt-1"),
            cluster: "not this one".to_owned(),
            ..Built::default()
        };
        let target = Arc::new(target(name, CustomRecipe::default()));
        order.bases.insert(name.to_owned(), (target, built));
    }
    let lines: Vec<String> = bases(&order)
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        lines,
        [
            "TILT_IMAGE_MAP_0=z_base",
            "TILT_IMAGE_0=z_base:tilt-1",
            "TILT_IMAGE_MAP_1=a_base",
            "TILT_IMAGE_1=a_base:tilt-1"
        ]
    );
}

#[test]
fn a_file_names_an_image_or_says_what_is_wrong_with_it() {
    let digest = format!("r.io/web@sha256:{}", "0".repeat(64));
    for (text, name) in [(" r.io/web:1\n\n", "r.io/web:1"), (digest.as_str(), digest.as_str())] {
        assert_eq!(reference(text).map(|name| name.familiar()), Ok(name.to_owned()));
    }
    for (text, fault) in [
        (" \n", "is empty"),
        ("web", "holds `web`, which has no tag"),
        (
            "built\nweb:1",
            "holds `built`, which names no image: invalid reference format",
        ),
    ] {
        assert_eq!(reference(text).unwrap_err().to_string(), fault);
    }
}
