//! Cases of `testdata/explain/`.

use std::sync::Arc;

use expect_test::{ExpectFile, expect_file};

use super::*;
use crate::engine::action::Readiness;
use crate::engine::state::{Batch, Requested, Seq, TriggerSource, WatchState};
use crate::ui::scene::*;

fn check(scene: &Scene, resource: &str, expected: ExpectFile) {
    expected.assert_eq(&explain(&scene.0, resource).expect("it is there"));
}

fn files(resource: &mut ResourceState, paths: &[&str]) {
    resource.pending.since = Some(at(48_000));
    let paths = paths.iter().map(|path| (PathBuf::from(path), Seq(9)));
    resource.pending.files = paths.collect();
}

#[test]
fn an_unknown_resource_is_nothing() {
    assert_eq!(explain(&Scene::new().0, "nope"), None);
}

#[test]
fn what_is_up_to_date_says_why_it_ran() {
    let scene = Scene::new().job("api", |it| {
        updated(it, 2_500, None);
        let changed = Cause::Files(vec!["/app/api/main.go".into(), "/app/api/go.mod".into()]);
        it.history.push_front(record(40_000, 43_100, None, changed));
    });
    check(
        &scene,
        "api",
        expect_file!["../../../testdata/explain/up-to-date/out.txt"],
    );
}

#[test]
fn a_failure_ends_with_what_to_do() {
    let scene = Scene::new().server("api", |it| {
        served(it, exited(3), Readiness::NotReady, Some(at(3000)));
        it.usual = None;
    });
    check(&scene, "api", expect_file!["../../../testdata/explain/failed/out.txt"]);
}

#[test]
fn a_wait_is_followed_to_its_root() {
    let scene = Scene::new()
        .job("schema", |it| {
            updated(it, 100, Some("Command \"make schema\" failed: exit status 1"));
        })
        .job("db", |it| {
            depends(it, &["schema"]);
            it.hold = Some(Hold::WaitingForDeps { on: names(&["schema"]) });
        })
        .job("api", |it| {
            depends(it, &["db"]);
            it.hold = Some(Hold::WaitingForDeps { on: names(&["db"]) });
        })
        .job("web", |it| {
            depends(it, &["api"]);
            it.hold = Some(Hold::WaitingForDeps { on: names(&["api"]) });
        });
    check(&scene, "web", expect_file!["../../../testdata/explain/waits/out.txt"]);
}

#[test]
fn those_that_wait_for_each_other_are_found_out() {
    let scene = Scene::new()
        .job("a", |it| it.hold = Some(Hold::WaitingForDeps { on: names(&["b"]) }))
        .job("b", |it| it.hold = Some(Hold::WaitingForDeps { on: names(&["a"]) }));
    let text = explain(&scene.0, "a").expect("it is there");
    assert!(text.contains("a: they wait for each other"), "{text}");
}

#[test]
fn changes_that_wait_for_a_trigger_have_their_age() {
    let mut scene = Scene::new().job("docs", |it| {
        it.trigger_mode = TriggerMode::ManualWithAutoInit;
        updated(it, 100, None);
        files(it, &["/app/docs/a.md", "/app/docs/b.md"]);
        it.hold = Some(Hold::Manual { files: 2 });
    });
    let batch = Batch {
        at: at(57_000),
        paths: vec!["/app/docs/b.md".into()],
    };
    let watch = WatchState {
        batches: vec![batch],
        ..WatchState::default()
    };
    scene.0.watches.insert("local:docs".into(), Arc::new(watch));
    check(&scene, "docs", expect_file!["../../../testdata/explain/manual/out.txt"]);
}

#[test]
fn a_loop_names_the_files_that_keep_it_going() {
    let scene = Scene::new().job("gen", |it| {
        updated(it, 100, None);
        files(it, &["/app/gen/out.json"]);
        it.echo.times = 6;
        it.echo.files = BTreeSet::from(["/app/gen/out.json".into()]);
        it.hold = Some(Hold::Loop {
            files: vec!["/app/gen/out.json".into()],
            times: 6,
        });
    });
    check(&scene, "gen", expect_file!["../../../testdata/explain/loop/out.txt"]);
}

#[test]
fn what_runs_says_why_and_that_it_starts_over() {
    let scene = Scene::new().job("api", |it| {
        updated(it, 9_000, None);
        running(it, 58_000, vec![Cause::Files(vec!["/app/api/main.go".into()])]);
        it.running.as_mut().expect("it runs").cancelled = Some(Cancelled::Superseded);
        files(it, &["/app/api/main.go"]);
        it.requested = Some(Requested {
            source: TriggerSource::Cli,
            seq: Seq(9),
            at: at(59_000),
        });
    });
    check(&scene, "api", expect_file!["../../../testdata/explain/running/out.txt"]);
}

#[test]
fn a_tiltfile_can_be_explained_too() {
    let scene = Scene::new().tiltfile(|it| {
        it.history.push_front(record(
            50_000,
            50_080,
            Some("Tiltfile:3:1: name 'x' is not defined\nmore"),
            Cause::Args,
        ));
    });
    check(&scene, MAIN, expect_file!["../../../testdata/explain/tiltfile/out.txt"]);
}

#[test]
fn which_edit_runs_and_how_it_got_there_is_told() {
    let scene = Scene::new().job("web", |it| {
        updated(it, 450, None);
        it.freshness.saved(Seq(4), at(50_000));
        it.freshness.runs(Seq(4), at(50_008));
        it.freshness.saved(Seq(5), at(58_000));
        it.in_place.fallback = Some("no memory that is not noexec".to_owned());
        it.in_place.built_because = Some("Detected change to stop file \"/p/stop\"".to_owned());
    });
    let text = explain(&scene.0, "web").expect("it is there");
    for line in [
        "\nWhich edit runs\n",
        "  it runs edit 1, 8 ms after its save (by tar), 9.9s ago\n",
        "  it is 1 edit behind; the oldest was saved 2.0s ago\n",
        "  the last update is a full build: Detected change to stop file \"/p/stop\"\n",
        "  live updates go by tar, which is slower: no memory that is not noexec\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}
