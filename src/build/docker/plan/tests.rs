//! What builders are told, recipe by recipe.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::model::build::{CustomRecipe, ImageTarget, Recipe};
use crate::model::built::Built;
use crate::model::image::Selector;
use crate::model::live::LiveUpdate;
use crate::model::registry::Registry;

fn target(selector: &str) -> Arc<ImageTarget> {
    Arc::new(ImageTarget {
        selector: Selector::parse(selector).unwrap(),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Custom(CustomRecipe::live_update_only(Vec::new())),
        image_deps: Vec::new(),
        watch_ignores: Vec::new(),
    })
}

fn order(bases: &[(&str, &str, &str)]) -> Order {
    let built = |local: &str, id: &str| Built {
        id: Some(id.to_owned()),
        local: local.to_owned(),
        ..Built::default()
    };
    Order {
        target: target("app"),
        bases: bases
            .iter()
            .map(|(name, local, id)| ((*name).to_owned(), (target(name), built(local, id))))
            .collect(),
        registry: Registry::default(),
        delivery: Default::default(),
        platform: "linux/amd64".to_owned(),
        reuse: Reuse::Inputs,
        share: Default::default(),
    }
}

fn planned(recipe: &DockerRecipe) -> Result<Plan, PlanError> {
    let env = BTreeMap::from([("HOST_VALUE".to_owned(), "from outside".to_owned())]);
    plan(&order(&[]), recipe, &env)
}

#[test]
fn bases_of_the_project_are_named_as_they_were_built_last() {
    let recipe = DockerRecipe {
        dockerfile: "ARG B=base\nFROM $B AS one\nFROM other\nCOPY --from=base:x /a /a\n".to_owned(),
        ..DockerRecipe::default()
    };
    let order = order(&[("base", "reg/base:tilt-1", "sha256:1")]);
    let plan = plan(&order, &recipe, &BTreeMap::new()).unwrap();
    let expected = "ARG B=base\nFROM reg/base:tilt-1 AS one\nFROM other\nCOPY --from=reg/base:tilt-1 /a /a\n";
    assert_eq!(plan.dockerfile, expected);
    let own = [("base", "sha256:1"), ("base:x", "sha256:1")];
    assert_eq!(plan.own_bases, own.map(|(name, id)| (name.to_owned(), id.to_owned())));
    assert_eq!(plan.other_bases, ["other"]);
}

#[test]
fn arguments_without_a_value_are_taken_from_outside_or_left_out() {
    let recipe = DockerRecipe {
        args: ["A=1", "B=x=y", "HOST_VALUE", "NOWHERE", "E="]
            .map(str::to_owned)
            .to_vec(),
        ..DockerRecipe::default()
    };
    let options = planned(&recipe).unwrap().frontend();
    let arg = |name: &str| options.get(&format!("build-arg:{name}")).map(String::as_str);
    let found = ["A", "B", "HOST_VALUE", "NOWHERE", "E"].map(arg);
    assert_eq!(found, [Some("1"), Some("x=y"), Some("from outside"), None, Some("")]);
}

#[test]
fn options_reach_the_builder_under_its_names() {
    let recipe = DockerRecipe {
        target: "t".to_owned(),
        network: "host".to_owned(),
        extra_hosts: vec!["a:1.2.3.4".to_owned(), "b=::1".to_owned()],
        pull: true,
        ..DockerRecipe::default()
    };
    let plan = planned(&recipe).unwrap();
    let options = plan.frontend();
    let expected = [
        ("target", "t"),
        ("force-network-mode", "host"),
        ("add-hosts", "a=1.2.3.4,b=::1"),
        ("image-resolve-mode", "pull"),
        ("platform", "linux/amd64"),
        ("label:dev.tilt.gc", "true"),
    ];
    for (name, value) in expected {
        assert_eq!(options.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(plan.entitlements(), ["network.host"]);
    assert!(!options.contains_key("no-cache"));
    let wrong = DockerRecipe {
        network: "bridge7".to_owned(),
        ..DockerRecipe::default()
    };
    assert_eq!(planned(&wrong), Err(PlanError::Network("bridge7".to_owned())));
}

#[test]
fn a_platform_of_the_recipe_wins_over_the_clusters() {
    let recipe = DockerRecipe {
        platform: "linux/arm64".to_owned(),
        ..DockerRecipe::default()
    };
    assert_eq!(planned(&recipe).unwrap().platform, "linux/arm64");
}

#[test]
fn secrets_are_read_as_docker_reads_them() {
    let file = |path: &str| SecretPlace::File(Path::new(path).to_owned());
    let variable = |name: &str| SecretPlace::Variable(name.to_owned());
    let cases = [
        ("id=a,src=/x", "a", file("/x")),
        ("type=file,source=y,id=a", "a", file("y")),
        ("id=plain", "plain", file("plain")),
        ("id=HOST_VALUE", "HOST_VALUE", variable("HOST_VALUE")),
        ("id=a,env=E", "a", variable("E")),
        ("id=a,type=env", "a", variable("a")),
        ("id=a,type=env,src=E", "a", variable("E")),
    ];
    for (text, id, place) in cases {
        let recipe = DockerRecipe {
            secrets: vec![text.to_owned()],
            ..DockerRecipe::default()
        };
        let expected = BTreeMap::from([(id.to_owned(), place)]);
        assert_eq!(planned(&recipe).unwrap().secrets, expected, "{text}");
    }
    for text in ["src=/x", "id=a,colour=red", "nothing", "id=a,type=cloud"] {
        let recipe = DockerRecipe {
            secrets: vec![text.to_owned()],
            ..DockerRecipe::default()
        };
        assert!(matches!(planned(&recipe), Err(PlanError::Secret { .. })), "{text}");
    }
}
