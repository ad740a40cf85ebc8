//! Real failures of `testdata/build/errors/`, and the words of other builders.

use expect_test::expect_file;

use super::*;
use crate::build::progress::tests::{case, recorded};
use crate::model::time::Time;

const IMAGES: [&str; 2] = ["progress-base", "registry.example.com/team/base"];

fn explained(dockerfile: &str, message: &str, steps: &Steps) -> BuildFailure {
    let failure = SolveFailure {
        message: message.to_owned(),
        ..SolveFailure::default()
    };
    explain(&failure, &attempt(dockerfile, steps))
}

fn attempt<'a>(dockerfile: &'a str, steps: &'a Steps) -> Attempt<'a> {
    Attempt {
        name: "Dockerfile",
        dockerfile,
        build_args: &[],
        steps,
        images: &IMAGES,
        why_not: &|path| path.starts_with("dist/").then(|| "`dist` in .dockerignore".to_owned()),
    }
}

#[test]
fn failures_of_real_builds_name_line_cause_and_next_step() {
    let folders = std::fs::read_dir(case("errors")).unwrap();
    let mut folders: Vec<_> = folders.map(|it| it.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() > 10);
    for folder in folders {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let mut steps = Steps::new();
        for piece in recorded(&folder.join("news.jsonl")) {
            steps.feed(&piece, Time::default());
        }
        steps.finish(Time::default());
        let failure = explained(&text("Dockerfile"), &text("message.txt"), &steps);
        let shown = format!("{:?}\n{failure}\n", failure.class);
        expect_file![folder.join("want.txt")].assert_eq(&shown);
    }
}

const DOCKERFILE: &str = "\
FROM alpine:3 AS build
RUN make
FROM team/base:1
COPY dist/app.js ./src/a.js /app/
COPY --from=build /out /out
";

#[test]
fn builders_of_all_ages_are_understood() {
    let table = [
        (
            "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)",
            "Dockerfile:2: unknown instruction: RUNN (did you mean RUN?)",
        ),
        (
            "process \"/bin/sh -c make\" did not complete successfully: exit code: 137",
            "Dockerfile: `make` failed with exit code 137",
        ),
        (
            "failed to compute cache key: failed to calculate checksum of ref abc::def: \"/dist/app.js\": not found",
            "Dockerfile: COPY: `dist/app.js` exists, but the build does not see it: hidden by `dist` in .dockerignore",
        ),
        (
            "failed to compute cache key: \"/src/a.js\" not found: not found",
            "Dockerfile: COPY: the build context has no `src/a.js`",
        ),
        (
            "COPY failed: file not found in build context or excluded by .dockerignore: stat src/a.js: file does not exist",
            "Dockerfile: COPY: the build context has no `src/a.js`",
        ),
        (
            "alpine:3: failed to resolve source metadata for docker.io/library/alpine:3: pull access denied, repository does not \
             exist or may require authorization: server message: insufficient_scope: authorization failed",
            "Dockerfile:1: there is no image `alpine:3`, or one has to log in to see it",
        ),
        (
            "pull access denied for team/base, repository does not exist or may require 'docker login': denied",
            "Dockerfile:3: there is no image `team/base:1`, or one has to log in to see it",
        ),
        (
            "manifest for team/base:1 not found: manifest unknown: manifest unknown",
            "Dockerfile:3: there is no image `team/base:1`",
        ),
        (
            "failed to resolve source metadata for docker.io/library/alpine:3: failed to copy: httpReadSeeker: failed open: \
             unexpected status code https://registry-1.docker.io/v2/library/alpine: 429 Too Many Requests",
            "Dockerfile:1: the registry of `alpine:3` allows no more pulls for now",
        ),
        (
            "failed to solve: write /var/lib/docker/tmp/x: no space left on device",
            "the engine's disk is full: no space left on device",
        ),
        (
            "rpc error: code = Unavailable desc = error reading from server: EOF",
            "error reading from server: EOF",
        ),
        (
            "something that nobody has seen yet",
            "Dockerfile: something that nobody has seen yet",
        ),
    ];
    for (message, expected) in table {
        let failure = explained(DOCKERFILE, message, &Steps::new());
        let shown = failure.to_string();
        assert_eq!(shown.lines().next().unwrap(), expected, "{message}");
    }
}

#[test]
fn lines_that_the_builder_names_win() {
    let steps = Steps::new();
    let failure = SolveFailure {
        message: "process \"/bin/sh -c make\" did not complete successfully: exit code: 2".to_owned(),
        step: None,
        lines: Some((2, 2)),
    };
    let failure = explain(&failure, &attempt(DOCKERFILE, &steps));
    let expected = "\
Dockerfile:2: `RUN make` failed with exit code 2
  1 | FROM alpine:3 AS build
> 2 | RUN make
  3 | FROM team/base:1
  4 | COPY dist/app.js ./src/a.js /app/";
    assert_eq!(failure.to_string(), expected);
    assert_eq!(failure.class, Class::User);
}

#[test]
fn whose_failure_it_is_decides_whether_it_is_tried_again() {
    let class = |message| explained(DOCKERFILE, message, &Steps::new()).class;
    assert_eq!(class("no space left on device"), Class::Environment);
    assert_eq!(
        class("failed to resolve source metadata for alpine:3: dial tcp: no such host"),
        Class::Environment
    );
    assert_eq!(
        class("failed to resolve source metadata for alpine:3: not found"),
        Class::User
    );
    assert_eq!(
        class("rpc error: code = Unavailable desc = transport is closing"),
        Class::Environment
    );
}

#[test]
fn what_the_builder_can_do_better_the_next_time_is_tried_again() {
    let table = [
        ("no space left on device", Cure::None),
        ("dial tcp 10.0.0.1:80: connect: connection refused", Cure::None),
        ("failed to compute cache key: \"/srv\" not found", Cure::None),
        ("manifest for team/base:1 not found: manifest unknown", Cure::None),
        ("error reading from server: EOF", Cure::WhenEngineIsBack),
        (
            "rpc error: code = Unavailable desc = transport is closing",
            Cure::WhenEngineIsBack,
        ),
        (
            "failed to solve: failed to load cache key: content digest sha256:0a1b: not found",
            Cure::WithoutCache,
        ),
        (
            "failed to solve with frontend dockerfile.v0: failed to build LLB: failed to get edge: inconsistent graph state",
            Cure::WithoutCache,
        ),
        (
            "failed to prepare k7 as u2: parent snapshot sha256:0a1b does not exist: not found",
            Cure::WithoutCache,
        ),
        (
            "failed to get layer sha256:0a1b: layer does not exist",
            Cure::WithoutCache,
        ),
        (
            "failed to export image: failed to set parent sha256:0a1b: unknown parent image ID sha256:0a1b",
            Cure::WithoutCache,
        ),
    ];
    for (message, expected) in table {
        let failure = explained(DOCKERFILE, message, &Steps::new());
        assert_eq!(failure.cure, expected, "{message}");
        let is_tried = expected != Cure::None;
        assert!(!is_tried || failure.class == Class::Environment, "{message}");
    }
}

#[test]
fn a_long_instruction_is_not_shown_in_full() {
    let dockerfile = format!("FROM a\nRUN <<EOF\n{}EOF\nCMD x\n", "echo\n".repeat(40));
    let shown = excerpt(&dockerfile, (2, 43));
    assert_eq!(shown.len(), 1 + MARKED + 2, "{shown:#?}");
    assert_eq!(shown[MARKED + 1], "     | …");
    assert_eq!(shown.last().unwrap(), "  44 | CMD x");
}
