//! What is said when an image cannot be built: where, why, and what to do.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use tilt::build::Class;
use tilt::model::build::DockerRecipe;

use super::project::with_project;
use crate::support::engine::BASE;

#[test]
fn what_is_wrong_with_a_dockerfile_is_said_with_its_place_and_a_next_step() {
    with_project(
        "what_is_wrong_with_a_dockerfile_is_said_with_its_place_and_a_next_step",
        async |project| {
            project.write("assets/logo.png", "png");
            project.write("dist/app", "app");
            for (dockerfile, parts) in [
                (
                    "FROM {}\n\nCOPPY a /\n",
                    &["Dockerfile:3: ", "COPPY", "did you mean COPY?"][..],
                ),
                ("FROM {}\nENV A\n", &["Dockerfile:2: ", "ENV"]),
                ("FROM {}\nRUN [\"a\",\n", &["Dockerfile:2: "]),
                ("COPY a /\n", &["Dockerfile:1", "FROM"]),
                ("", &["Dockerfile", "FROM"]),
                (
                    "FROM 127.0.0.1:1/none:2\n",
                    &["Dockerfile:1: ", "127.0.0.1:1/none:2", "hint: "],
                ),
                (
                    "FROM {}\nRUN echo soft; \\\n  echo loud >&2; exit 7\n",
                    &[
                        "Dockerfile:2: ",
                        "exit code 7",
                        "echo soft",
                        "last output",
                        "    soft",
                        "    loud",
                    ],
                ),
                (
                    "FROM {}\nRUN nosuchprogram\n",
                    &["Dockerfile:2: ", "exit code 127", "nosuchprogram"],
                ),
                (
                    "FROM {}\nCOPY assets/logo.jpg /\n",
                    &["Dockerfile:2: ", "assets/logo.jpg", "hint: "],
                ),
                (
                    "FROM {}\nCOPY dist/app /\n",
                    &["Dockerfile:2: ", "dist/app", "`dist`", "hint: "],
                ),
                ("FROM {} AS one\nCOPY --from=noe /x /\n", &["Dockerfile:2: ", "noe"]),
                (
                    "FROM {} AS one\nFROM {}\nCOPY --from=one /nothing /\n",
                    &["Dockerfile:3: ", "/nothing"],
                ),
            ] {
                let recipe = project.ignoring(project.recipe(&dockerfile.replace("{}", BASE)), &["dist"]);
                let error = project.build(&project.order(recipe)).await.unwrap_err();
                let message = error.to_string();
                for part in parts {
                    assert!(message.contains(part), "{dockerfile}`{part}` is not said:\n{message}");
                }
                // Whether Docker Hub has no such image or cannot be asked depends on where the test runs.
                if dockerfile.contains("noe") {
                    continue;
                }
                let is_environment = dockerfile.contains("127.0.0.1:1");
                assert_eq!(
                    error.class() == Class::Environment,
                    is_environment,
                    "{dockerfile}: {message}"
                );
            }
        },
    );
}

#[test]
fn here_documents_work_or_it_is_said_why_not() {
    with_project("here_documents_work_or_it_is_said_why_not", async |project| {
        let order = project.plain(&format!("FROM {BASE}\nRUN <<EOF\necho here >/x\nEOF\n"));
        match project.build(&order).await {
            Ok(built) => assert_eq!(project.run(&built, "cat /x"), "here"),
            // Engines as old as this one know of none without a frontend from a registry.
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains("Dockerfile:"), "{message}");
                assert!(message.contains("# syntax=docker/dockerfile:1"), "{message}");
            }
        }
    });
}

#[test]
fn a_context_that_is_no_folder_is_named() {
    with_project("a_context_that_is_no_folder_is_named", async |mut project| {
        project.write("file", "one");
        let (file, missing) = (project.context().join("file"), project.context().join("missing"));
        for buildkit in ["1", "0"] {
            project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
            for (context, why) in [(&file, "is not a folder"), (&missing, "there is no folder")] {
                let recipe = DockerRecipe {
                    context: context.clone(),
                    ..project.recipe("FROM scratch\n")
                };
                let error = project.build(&project.order(recipe)).await.unwrap_err();
                let message = error.to_string();
                assert!(
                    message.contains(&*context.to_string_lossy()) && message.contains(why),
                    "{message}"
                );
                assert_eq!(error.class(), Class::User);
            }
        }
    });
}

#[test]
fn links_in_circles_are_links_and_nobody_walks_them() {
    with_project(
        "links_in_circles_are_links_and_nobody_walks_them",
        async |mut project| {
            project.write("a/b", "one");
            symlink("..", project.context().join("a/up")).unwrap();
            symlink("self", project.context().join("self")).unwrap();
            for buildkit in ["1", "0"] {
                project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
                let built = project
                    .build(&project.plain(&format!("FROM {BASE}\nCOPY . /srv/\n")))
                    .await
                    .unwrap();
                let links = project.run(
                    &built,
                    "cd /srv; busybox readlink a/up; busybox readlink self; cat a/up/a/b",
                );
                assert_eq!(links, "..\nself\none");
            }
            // One that is copied by its name is followed, which leads nowhere.
            let message = project.refusal(
                project
                    .build(&project.plain(&format!("FROM {BASE}\nCOPY self /\n")))
                    .await,
            );
            assert!(message.contains("self"), "{message}");
        },
    );
}

#[test]
fn what_cannot_be_sent_matters_only_to_a_build_that_copies_it() {
    with_project(
        "what_cannot_be_sent_matters_only_to_a_build_that_copies_it",
        async |mut project| {
            project.write("a", "one");
            let name = std::ffi::OsStr::from_bytes(b"bad-\xff-name");
            std::fs::write(project.context().join(name), "two").unwrap();
            let _socket = std::os::unix::net::UnixListener::bind(project.context().join("socket")).unwrap();
            for buildkit in ["1", "0"] {
                project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
                let built = project
                    .build(&project.plain(&format!("FROM {BASE}\nCOPY a /srv/\n")))
                    .await
                    .unwrap();
                assert_eq!(project.run(&built, "ls /srv"), "a");
            }
        },
    );
}
