//! The builder that engines had before BuildKit, asked for by `DOCKER_BUILDKIT=0`.

use tilt::model::build::DockerRecipe;
use tilt::model::built::Origin;

use super::project::{Project, with_project};
use crate::support::engine::{BASE, docker_ok};

fn without_buildkit(test: &str, work: impl AsyncFnOnce(Project)) {
    with_project(test, async |mut project| {
        project.env.insert("DOCKER_BUILDKIT".to_owned(), "0".to_owned());
        work(project).await;
    });
}

#[test]
fn the_classic_builder_knows_arguments_targets_hosts_and_what_is_left_out() {
    let test = "the_classic_builder_knows_arguments_targets_hosts_and_what_is_left_out";
    without_buildkit(test, async |mut project| {
        project.env.insert("PASSED".to_owned(), "outer".to_owned());
        project.write("keep/a b", "one");
        project.write("drop/big", "two");
        let dockerfile = format!(
            "FROM {BASE} AS first\nARG VALUE\nARG PASSED\nRUN echo \"$VALUE|$PASSED\" >/said; grep -h near /etc/hosts >/hosts\n\
             COPY . /srv\nFROM first AS second\nRUN echo second >/said\n"
        );
        let recipe = DockerRecipe {
            args: vec!["VALUE=x y".to_owned(), "PASSED".to_owned()],
            target: "first".to_owned(),
            extra_hosts: vec!["near.test:10.1.2.3".to_owned()],
            ..project.ignoring(project.recipe(&dockerfile), &["drop"])
        };
        let order = project.order(recipe);
        let built = project.build(&order).await.unwrap();
        assert_eq!(project.run(&built, "cat /said"), "x y|outer");
        assert!(project.run(&built, "cat /hosts").starts_with("10.1.2.3"));
        assert_eq!(
            project.run(&built, "ls /srv /srv/keep"),
            "/srv:\nkeep\n\n/srv/keep:\na b"
        );
        let history = docker_ok(&["history", "--no-trunc", "--format", "{{.CreatedBy}}", &built.local]);
        assert!(
            history.contains("/bin/sh -c #(nop) COPY"),
            "built by the old builder: {history}"
        );
        assert_eq!(project.build(&order).await.unwrap().origin, Origin::Known);
        project.write("drop/big", "three");
        assert_eq!(project.build(&order).await.unwrap().origin, Origin::Known);
        project.write("keep/a b", "four");
        let other = project.build(&order).await.unwrap();
        assert_eq!(
            (other.origin, project.run(&other, "cat '/srv/keep/a b'")),
            (Origin::Built, "four".to_owned())
        );
    });
}

#[test]
fn steps_of_the_classic_builder_say_whether_they_ran() {
    without_buildkit("steps_of_the_classic_builder_say_whether_they_ran", async |project| {
        project.write("a", "one");
        let run = format!("RUN echo {} >/x", project.name.as_str());
        let order = project.plain(&format!("FROM {BASE}\n{run}\nCOPY a /\n"));
        project.build(&order).await.unwrap();
        project.write("a", "two");
        project.build(&order).await.unwrap();
        let stages = project.stages.lock().unwrap().clone();
        let cached = |part: &str| {
            let found = stages.iter().find(|stage| stage.name.contains(part));
            found.unwrap_or_else(|| panic!("{part}: {stages:?}")).cached
        };
        assert!(cached("RUN echo"));
        assert!(!cached("COPY a"));
    });
}

#[test]
fn the_classic_builder_says_where_a_dockerfile_is_wrong() {
    without_buildkit(
        "the_classic_builder_says_where_a_dockerfile_is_wrong",
        async |project| {
            for (dockerfile, parts) in [
                (
                    "FROM {}\n\nRUM true\n",
                    &["Dockerfile:3", "RUM", "did you mean RUN?"][..],
                ),
                (
                    "FROM {}\nRUN echo loud; exit 7\n",
                    &["Dockerfile:2", "exit code 7", "loud"],
                ),
                ("FROM {}\nCOPY nothing /\n", &["Dockerfile:2", "nothing"]),
                ("FROM 127.0.0.1:1/none\n", &["Dockerfile:1", "127.0.0.1:1/none"]),
            ] {
                let order = project.plain(&dockerfile.replace("{}", BASE));
                let message = project.refusal(project.build(&order).await);
                for part in parts {
                    assert!(message.contains(part), "{dockerfile}: `{part}`: {message}");
                }
            }
        },
    );
}

#[test]
fn what_the_classic_builder_cannot_do_is_refused_by_name() {
    without_buildkit(
        "what_the_classic_builder_cannot_do_is_refused_by_name",
        async |project| {
            let dockerfile = format!("FROM {BASE}\n");
            let secret = DockerRecipe {
                secrets: vec!["id=a,env=HOME".to_owned()],
                ..project.recipe(&dockerfile)
            };
            let ssh = DockerRecipe {
                ssh: vec!["default".to_owned()],
                ..project.recipe(&dockerfile)
            };
            for (recipe, option) in [(secret, "`secret` needs BuildKit"), (ssh, "`ssh` needs BuildKit")] {
                let message = project.refusal(project.build(&project.order(recipe)).await);
                assert!(
                    message.contains(option) && message.contains("DOCKER_BUILDKIT=0"),
                    "{message}"
                );
            }
        },
    );
}
