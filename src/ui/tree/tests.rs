//! Cases of `testdata/tree/`.

use expect_test::expect_file;

use super::*;
use crate::engine::state::Cause;
use crate::ui::scene::*;

fn shop() -> Scene {
    Scene::new()
        .job("db", |it| running(it, 50_000, vec![Cause::Initial]))
        .job("api", |it| {
            depends(it, &["db"]);
            it.hold = Some(Hold::WaitingForDeps { on: names(&["db"]) });
        })
        .job("assets", |it| updated(it, 300, None))
        .job("web", |it| {
            depends(it, &["api", "assets"]);
            it.hold = Some(Hold::WaitingForDeps { on: names(&["api"]) });
        })
        .job("admin", |it| {
            depends(it, &["api"]);
            it.hold = Some(Hold::WaitingForLocal { on: "lint".into() });
        })
        .job("lint", |it| updated(it, 300, Some("exit status 1")))
        .job("old", |it| it.enabled = false)
}

fn drawn(scene: &Scene, extent: Extent, repeats: Repeats) -> String {
    let options = Options {
        extent,
        repeats,
        style: Style::Plain,
    };
    tree(&nodes(&scene.0, now()), options)
}

#[test]
fn what_a_resource_depends_on_hangs_below_it() {
    let shown = drawn(&shop(), Extent::All, Repeats::Whole);
    expect_file!["../../../testdata/tree/whole/out.txt"].assert_eq(&shown);
}

#[test]
fn what_was_drawn_is_not_drawn_again_if_asked_so() {
    let shown = drawn(&shop(), Extent::All, Repeats::Once);
    expect_file!["../../../testdata/tree/dedupe/out.txt"].assert_eq(&shown);
}

#[test]
fn blockers_are_what_is_not_ready() {
    let shown = drawn(&shop(), Extent::Blockers, Repeats::Whole);
    expect_file!["../../../testdata/tree/blockers/out.txt"].assert_eq(&shown);
}

#[test]
fn a_ring_is_drawn_once_around() {
    let ring = Scene::new()
        .job("a", |it| depends(it, &["b"]))
        .job("b", |it| depends(it, &["a", "nowhere"]));
    assert_eq!(
        drawn(&ring, Extent::All, Repeats::Whole),
        "a  waiting\n└─ b  waiting\n   └─ a  waiting (depends on itself)\n2 resources: 2 waiting\n"
    );
}

#[test]
fn nothing_to_draw_is_said() {
    let ready = Scene::new().job("a", |it| updated(it, 1, None));
    assert_eq!(
        drawn(&ready, Extent::Blockers, Repeats::Whole),
        "nothing is blocked: every resource is ready or off\n1 resource: 1 ready\n"
    );
    assert_eq!(drawn(&Scene::new(), Extent::All, Repeats::Whole), "no resources\n");
}
