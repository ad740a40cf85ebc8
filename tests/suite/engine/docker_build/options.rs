//! What each option of `docker_build` does to the image.

use std::collections::BTreeMap;
use std::sync::Arc;

use tilt::build::{Order, Reuse};
use tilt::model::build::{DockerRecipe, ImageTarget, NO_CONTEXT};
use tilt::model::image::Selector;

use super::project::{Project, with_project};
use crate::support::engine::{BASE, Images, docker, docker_ok};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn arguments_come_from_values_from_the_environment_and_from_the_dockerfile() {
    let test = "arguments_come_from_values_from_the_environment_and_from_the_dockerfile";
    with_project(test, async |mut project| {
        project.env.insert("PASSED".to_owned(), "outer".to_owned());
        project.env.remove("UNSET");
        let dockerfile = "ARG TAG=none\nFROM tilt-test/busybox:$TAG\nARG VALUE\nARG EMPTY=default\nARG PASSED\n\
                          ARG UNSET=fallback\nARG OTHER=own\nARG TARGETOS\n\
                          RUN echo \"$VALUE|$EMPTY|$PASSED|$UNSET|$OTHER|$TARGETOS|$NO_PROXY\" >/said\n";
        let args = [
            "TAG=1",
            "VALUE=a b=c \"q\"",
            "EMPTY=",
            "PASSED",
            "UNSET",
            "NO_PROXY=near.test",
        ];
        let recipe = DockerRecipe {
            args: words(&args),
            ..project.recipe(dockerfile)
        };
        let built = project.build(&project.order(recipe)).await.unwrap();
        let said = project.run(&built, "cat /said");
        assert_eq!(said, "a b=c \"q\"||outer|fallback|own|linux|near.test");
    });
}

#[test]
fn a_build_stops_at_its_target() {
    with_project("a_build_stops_at_its_target", async |mut project| {
        let dockerfile = format!("FROM {BASE} AS one\nRUN echo one >/which\nFROM one AS two\nRUN echo two >/which\n");
        for (target, which) in [("one", "one"), ("two", "two"), ("", "two")] {
            let recipe = DockerRecipe {
                target: target.to_owned(),
                ..project.recipe(&dockerfile)
            };
            let built = project.build(&project.order(recipe)).await.unwrap();
            assert_eq!(project.run(&built, "cat /which"), which, "{target}");
        }
        for buildkit in ["1", "0"] {
            project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
            let recipe = DockerRecipe {
                target: "else".to_owned(),
                ..project.recipe(&dockerfile)
            };
            let message = project.refusal(project.build(&project.order(recipe)).await);
            assert!(message.contains("no stage is called `else`"), "{message}");
            assert!(message.contains("`one`, `two`"), "the stages there are: {message}");
        }
    });
}

fn interfaces(text: &str) -> Vec<String> {
    let named = text.lines().filter_map(|line| line.split_once(':'));
    named.map(|(name, _)| name.trim().to_owned()).collect()
}

#[test]
fn steps_see_the_network_that_is_asked_for() {
    with_project("steps_see_the_network_that_is_asked_for", async |project| {
        let mut seen = BTreeMap::new();
        for network in ["none", "host", "default"] {
            let dockerfile = format!("FROM {BASE}\nRUN cat /proc/net/dev >/devices\n");
            let recipe = DockerRecipe {
                network: network.to_owned(),
                ..project.recipe(&dockerfile)
            };
            let order = Order {
                reuse: Reuse::Nothing,
                ..project.order(recipe)
            };
            let built = project.build(&order).await.unwrap();
            seen.insert(network, interfaces(&project.run(&built, "cat /devices")));
        }
        assert_eq!(seen["none"], ["lo"]);
        // Those of other containers come and go.
        let ours: Vec<String> = interfaces(&std::fs::read_to_string("/proc/net/dev").unwrap())
            .into_iter()
            .filter(|name| !name.starts_with("veth"))
            .collect();
        assert!(ours.iter().all(|name| seen["host"].contains(name)), "{seen:?} {ours:?}");
        assert_ne!(seen["default"], seen["none"]);
        let recipe = DockerRecipe {
            network: "elsewhere".to_owned(),
            ..project.recipe(&format!("FROM {BASE}\n"))
        };
        let message = project.refusal(project.build(&project.order(recipe)).await);
        assert!(
            message.contains("`elsewhere`") && message.contains("`host`"),
            "{message}"
        );
    });
}

#[test]
fn an_image_is_for_the_platform_that_is_asked_for() {
    with_project("an_image_is_for_the_platform_that_is_asked_for", async |project| {
        project.write("a", "one");
        let recipe = |platform: &str| DockerRecipe {
            platform: platform.to_owned(),
            ..project.recipe("FROM scratch\nCOPY a /\n")
        };
        let cluster = |platform: &str, order: Order| Order {
            platform: platform.to_owned(),
            ..order
        };
        for (order, architecture) in [
            (project.order(recipe("linux/amd64")), "amd64"),
            (project.order(recipe("linux/arm64")), "arm64"),
            (cluster("linux/s390x", project.order(recipe(""))), "s390x"),
            (cluster("linux/s390x", project.order(recipe("linux/arm64"))), "arm64"),
        ] {
            let built = project.build(&order).await.unwrap();
            let found = docker_ok(&["image", "inspect", "-f", "{{.Architecture}}", &built.local]);
            assert_eq!(found, architecture, "{order:?}");
        }
    });
}

#[test]
fn steps_know_the_extra_hosts() {
    with_project("steps_know_the_extra_hosts", async |project| {
        let recipe = DockerRecipe {
            extra_hosts: words(&["near.test:10.1.2.3", "far.test=10.3.2.1"]),
            ..project.recipe(&format!("FROM {BASE}\nRUN grep -h test /etc/hosts >/hosts\n"))
        };
        let built = project.build(&project.order(recipe)).await.unwrap();
        let hosts = project.run(&built, "cat /hosts");
        let mut lines: Vec<Vec<&str>> = hosts.lines().map(|line| line.split_whitespace().collect()).collect();
        lines.sort_unstable();
        assert_eq!(lines, [["10.1.2.3", "near.test"], ["10.3.2.1", "far.test"]]);
        let recipe = DockerRecipe {
            extra_hosts: words(&["near.test"]),
            ..project.recipe(&format!("FROM {BASE}\n"))
        };
        let message = project.refusal(project.build(&project.order(recipe)).await);
        assert!(
            message.contains("`near.test`") && message.contains("`host:address`"),
            "{message}"
        );
    });
}

#[test]
fn extra_tags_are_there_whether_it_was_built_or_known() {
    with_project("extra_tags_are_there_whether_it_was_built_or_known", async |project| {
        let name = project.name.as_str();
        let tags = [format!("{name}-extra:latest"), format!("{name}/more:v1")];
        let _images = Images::new(tags.clone());
        let recipe = DockerRecipe {
            extra_tags: tags.to_vec(),
            // An image that no other test has.
            ..project.recipe(&format!("FROM scratch\nLABEL of={name}\n"))
        };
        let order = project.order(recipe);
        let built = project.build(&order).await.unwrap();
        let id = |tag: &str| docker_ok(&["image", "inspect", "-f", "{{.Id}}", tag]);
        assert_eq!(
            tags.each_ref().map(|tag| Some(id(tag))),
            [built.id.clone(), built.id.clone()]
        );
        docker_ok(&["rmi", &tags[0]]);
        docker_ok(&["tag", BASE, &tags[1]]);
        let again = project.build(&order).await.unwrap();
        assert_eq!(again.origin, tilt::model::built::Origin::Known);
        assert_eq!(tags.each_ref().map(|tag| Some(id(tag))), [built.id.clone(), built.id]);
    });
}

fn files(project: &Project, built: &tilt::model::built::Built) -> Vec<String> {
    let listed = project.run(built, "cd /srv && busybox find . -type f | busybox sort");
    listed
        .lines()
        .map(|line| line.trim_start_matches("./").to_owned())
        .collect()
}

#[test]
fn what_is_left_out_does_not_arrive_unless_taken_in_again() {
    with_project(
        "what_is_left_out_does_not_arrive_unless_taken_in_again",
        async |project| {
            for path in [
                "keep",
                "drop",
                "sub/keep",
                "sub/drop",
                "deep/a/b/one",
                "deep/a/c/two",
                "x.log",
                "sub/y.log",
            ] {
                project.write(path, path);
            }
            // What this file says is among the ignores of a recipe already, or is not meant.
            project.write(".dockerignore", "keep\n");
            let dockerfile = format!("FROM {BASE}\nCOPY . /srv/\n");
            let all = [
                ".dockerignore",
                "deep/a/b/one",
                "deep/a/c/two",
                "drop",
                "keep",
                "sub/drop",
                "sub/keep",
                "sub/y.log",
                "x.log",
            ];
            for (patterns, expected) in [
                (&["nothing"][..], &all[..]),
                (&["**", "!keep", "!sub"], &["keep", "sub/drop", "sub/keep", "sub/y.log"]),
                (&["*", "!deep/a/b"], &["deep/a/b/one"]),
                (
                    &["**/*.log", "deep", ".dockerignore", "drop"],
                    &["keep", "sub/drop", "sub/keep"],
                ),
                (
                    &["sub", "!sub/keep", "deep/**", ".*", "x.*"],
                    &["drop", "keep", "sub/keep"],
                ),
            ] {
                let order = project.order(project.ignoring(project.recipe(&dockerfile), patterns));
                let built = project.build(&order).await.unwrap();
                assert_eq!(files(&project, &built), expected, "{patterns:?}");
            }
        },
    );
}

#[test]
fn without_a_context_there_is_nothing_to_copy() {
    with_project("without_a_context_there_is_nothing_to_copy", async |project| {
        let nothing = |dockerfile: String| DockerRecipe {
            dockerfile,
            context: NO_CONTEXT.into(),
            ..DockerRecipe::default()
        };
        let order = project.order(nothing(format!("FROM {BASE}\nRUN echo here >/srv-file\n")));
        let built = project.build(&order).await.unwrap();
        assert_eq!(project.run(&built, "cat /srv-file"), "here");
        assert_eq!(
            project.build(&order).await.unwrap().origin,
            tilt::model::built::Origin::Known
        );
        let order = project.order(nothing(format!("FROM {BASE}\nCOPY a /\n")));
        let message = project.refusal(project.build(&order).await);
        assert!(message.contains("Dockerfile:2") && message.contains("`a`"), "{message}");
    });
}

#[test]
fn images_of_the_project_are_used_wherever_a_dockerfile_names_them() {
    with_project(
        "images_of_the_project_are_used_wherever_a_dockerfile_names_them",
        async |project| {
            let name = format!("{}/base", project.name.as_str());
            let base = |text: &str| {
                let order = project.plain(&format!("FROM {BASE}\nRUN echo {text} >/base\n"));
                let target = ImageTarget {
                    selector: Selector::parse(&name).unwrap(),
                    ..(*order.target).clone()
                };
                Order {
                    target: Arc::new(target),
                    ..order
                }
            };
            let mut last = None;
            for text in ["first", "second"] {
                let base = base(text);
                let built = project.build(&base).await.unwrap();
                let dockerfile = format!(
                    "ARG IT=nothing\nFROM {name} AS one\nFROM $IT\nCOPY --from={name} /base /copied\n\
                 RUN --mount=type=bind,from={name},target=/m cat /m/base >/mounted\nCOPY --from=one /base /staged\n"
                );
                let recipe = DockerRecipe {
                    args: vec![format!("IT={name}")],
                    ..project.recipe(&dockerfile)
                };
                let order = Order {
                    bases: BTreeMap::from([(base.target.image_map(), (Arc::clone(&base.target), built))]),
                    ..project.order(recipe)
                };
                let built = project.build(&order).await.unwrap();
                let all = project.run(&built, "cat /base /copied /mounted /staged");
                assert_eq!(all, [text; 4].join("\n"));
                assert_ne!(last, built.id, "another base, another image");
                assert_eq!(project.build(&order).await.unwrap().id, built.id);
                last = built.id;
            }
            // Nobody made an image of this very name: only our tags are used.
            assert!(
                !docker(&["image", "inspect", &format!("{name}:latest")])
                    .status
                    .success()
            );
        },
    );
}

#[test]
fn every_image_can_be_found_by_the_pruner() {
    with_project("every_image_can_be_found_by_the_pruner", async |mut project| {
        for buildkit in ["1", "0"] {
            project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
            let order = project.plain("FROM scratch\nLABEL own=kept\n");
            let built = project.build(&order).await.unwrap();
            let labels = docker_ok(&["image", "inspect", "-f", "{{json .Config.Labels}}", &built.local]);
            assert_eq!(labels, r#"{"dev.tilt.gc":"true","own":"kept"}"#);
        }
    });
}
