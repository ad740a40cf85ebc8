//! Bases and caches that lie in a registry.

use tilt::build::{Order, Reuse};
use tilt::model::build::DockerRecipe;
use tilt::model::built::Origin;

use super::project::{Project, with_project};
use crate::support::engine::{BASE, Images, docker, docker_ok};
use crate::support::registry::{Door, Registry};

/// Makes what a name stands for in its registry an image that says `version`. The engine does not keep it.
fn publish(name: &str, version: &str) {
    let container = docker_ok(&["create", BASE, "/bin/true"]);
    docker_ok(&["commit", "-c", &format!("ENV VERSION={version}"), &container, name]);
    docker_ok(&["rm", &container]);
    docker_ok(&["push", name]);
    docker_ok(&["rmi", name]);
}

async fn version(project: &Project, order: &Order) -> (Origin, String) {
    let built = project.build(order).await.unwrap();
    let version = project.run(&built, "echo $VERSION");
    (built.origin, version)
}

#[test]
fn a_base_that_only_a_registry_has_is_believed_while_its_digest_holds() {
    let test = "a_base_that_only_a_registry_has_is_believed_while_its_digest_holds";
    let Some(registry) = Registry::start(Door::Open, test) else {
        return;
    };
    with_project(test, async |project| {
        let base = format!("{}/{}:1", registry.host, project.name.as_str());
        publish(&base, "one");
        let order = project.plain(&format!("FROM {base}\nLABEL a=b\n"));
        assert_eq!(version(&project, &order).await, (Origin::Built, "one".to_owned()));
        assert!(
            !docker(&["image", "inspect", &base]).status.success(),
            "BuildKit keeps no base in the engine"
        );
        assert_eq!(version(&project, &order).await, (Origin::Known, "one".to_owned()));
        publish(&base, "two");
        assert_eq!(version(&project, &order).await, (Origin::Built, "two".to_owned()));
        assert_eq!(version(&project, &order).await, (Origin::Known, "two".to_owned()));
        drop(registry);
        // Whether it still is the same nobody can tell; the builder may have what it needs, or not.
        let built = project.build(&order).await;
        assert!(
            !matches!(&built, Ok(built) if built.origin == Origin::Known),
            "{built:?}"
        );
        if let Err(error) = built {
            let message = error.to_string();
            assert!(message.contains(&base) && message.contains("Dockerfile:1"), "{message}");
        }
    });
}

#[test]
fn a_base_is_asked_for_again_only_if_pull_says_so() {
    let test = "a_base_is_asked_for_again_only_if_pull_says_so";
    let Some(registry) = Registry::start(Door::Open, test) else {
        return;
    };
    for buildkit in ["1", "0"] {
        with_project(test, async |mut project| {
            project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
            let base = format!("{}/{}:1", registry.host, project.name.as_str());
            let _images = Images::new([base.clone()]);
            publish(&base, "new");
            // Here it is still the old one.
            docker_ok(&["tag", BASE, &base]);
            let recipe = |pull| DockerRecipe {
                pull,
                ..project.recipe(&format!("FROM {base}\nLABEL a=b\n"))
            };
            let (stay, pull) = (project.order(recipe(false)), project.order(recipe(true)));
            assert_eq!(
                version(&project, &stay).await,
                (Origin::Built, String::new()),
                "{buildkit}"
            );
            assert_eq!(
                version(&project, &pull).await,
                (Origin::Built, "new".to_owned()),
                "{buildkit}"
            );
            publish(&base, "newer");
            assert_eq!(
                version(&project, &pull).await,
                (Origin::Built, "newer".to_owned()),
                "{buildkit}"
            );
        });
    }
}

#[test]
fn layers_may_come_from_an_image_that_carries_its_cache() {
    let test = "layers_may_come_from_an_image_that_carries_its_cache";
    let Some(mut registry) = Registry::start(Door::Open, test) else {
        return;
    };
    with_project(test, async |project| {
        let cache = format!("{}/{}:cache", registry.host, project.name.as_str());
        let _images = Images::new([cache.clone()]);
        let recipe = DockerRecipe {
            args: vec!["BUILDKIT_INLINE_CACHE=1".to_owned()],
            extra_tags: vec![cache.clone()],
            ..project.recipe(&format!("FROM {BASE}\nRUN echo cached >/x\n"))
        };
        project.build(&project.order(recipe.clone())).await.unwrap();
        docker_ok(&["push", &cache]);
        docker_ok(&["rmi", &cache]);
        registry.asked();
        let from = DockerRecipe {
            cache_from: vec![cache],
            extra_tags: Vec::new(),
            ..recipe
        };
        let order = Order {
            reuse: Reuse::Steps,
            ..project.order(from)
        };
        project.build(&order).await.unwrap();
        let asked = registry.asked();
        let manifest = format!("/v2/{}/manifests/", project.name.as_str());
        assert!(
            asked.iter().any(|request| request.contains(&manifest)),
            "the cache is looked at: {asked:?}"
        );
        let blobs = format!("GET /v2/{}/blobs/", project.name.as_str());
        assert!(
            asked.iter().any(|request| request.starts_with(&blobs)),
            "what it says is read: {asked:?}"
        );
        let nothing = Order {
            reuse: Reuse::Nothing,
            ..order
        };
        project.build(&nothing).await.unwrap();
        assert_eq!(registry.asked(), Vec::<String>::new(), "every step was to run");
    });
}
