//! Cases of `testdata/hud/`: what is on the screen in a situation.

use std::sync::Arc;

use expect_test::expect_file;

use super::*;
use crate::deploy::runtime::Runtime;
use crate::engine::action::Readiness;
use crate::engine::action::StopReason;
use crate::engine::state::{Cause, Ending, Hold, Phase};
use crate::model::pod::Pod;
use crate::ui::scene::*;

fn look(width: usize, height: usize) -> Look {
    Look {
        width,
        height,
        now: now(),
        style: Style::Plain,
    }
}

fn screen(state: &State, look: &Look, tails: &Tails) -> String {
    let lines = lines(state, look, tails);
    assert!(lines.len() < look.height.max(2), "as high as the terminal");
    for line in &lines {
        assert!(line.width < look.width.max(1), "as wide as the terminal: {}", line.text);
        assert_eq!(line.width, text::width(&line.text), "{}", line.text);
    }
    lines.iter().map(|line| format!("{}\n", line.text.trim_end())).collect()
}

fn tail(name: &str, count: usize) -> Tails {
    let lines = (1..=count).map(|number| format!("\u{1b}[31merror\u{1b}[0m {number}\tof {name}"));
    Tails::from([(name.into(), lines.collect())])
}

fn busy_day() -> State {
    let scene = Scene::new()
        .job("db", |it| updated(it, 3_249, None))
        .job("migrate", |it| {
            updated(it, 12_000, None);
            running(it, 56_800, vec![Cause::Initial]);
        })
        .server("api", |it| served(it, up(2000), Readiness::Ready, Some(at(2500))))
        .server("flaky", |it| served(it, up(2000), Readiness::NotReady, Some(at(2500))))
        .server("slow", |it| served(it, up(57_000), Readiness::NotReady, None))
        .server("crashed", |it| served(it, exited(3), Readiness::NotReady, None))
        .server("starting", |it| served(it, Phase::Starting, Readiness::NotReady, None))
        .job("broken", |it| {
            updated(it, 450, Some("Command \"make broken\" failed: exit status 2\nmore"));
        })
        .job("web", |it| {
            it.hold = Some(Hold::WaitingForDeps {
                on: names(&["api", "db"]),
            });
        })
        .job("e2e", |it| {
            it.trigger_mode = crate::model::project::TriggerMode::Manual;
            it.hold = Some(Hold::ManualInit);
        })
        .job("docs", |it| {
            it.trigger_mode = crate::model::project::TriggerMode::ManualWithAutoInit;
            updated(it, 100, None);
            it.hold = Some(Hold::Manual { files: 2 });
        })
        .job("old", |it| {
            it.enabled = false;
            it.hold = Some(Hold::Disabled);
        })
        .job("new", |_| {});
    scene.0
}

#[test]
fn every_state_has_its_words() {
    let shown = screen(&busy_day(), &look(120, 40), &tail("broken", 7));
    expect_file!["../../../testdata/hud/every-state/out.txt"].assert_eq(&shown);
}

#[test]
fn a_narrow_terminal_gets_cut_lines() {
    let shown = screen(&busy_day(), &look(40, 40), &tail("broken", 2));
    expect_file!["../../../testdata/hud/narrow/out.txt"].assert_eq(&shown);
}

#[test]
fn a_low_terminal_shows_what_is_urgent() {
    let shown = screen(&busy_day(), &look(100, 12), &tail("broken", 7));
    expect_file!["../../../testdata/hud/low/out.txt"].assert_eq(&shown);
}

#[test]
fn no_size_is_too_small() {
    let state = busy_day();
    for width in 0..30 {
        for height in 0..20 {
            screen(&state, &look(width, height), &tail("broken", 7));
        }
    }
}

#[test]
fn a_tiltfile_that_fails_comes_first() {
    let scene = Scene::new().tiltfile(|it| {
        it.history.push_front(record(
            0,
            80,
            Some("Tiltfile:3:1: name 'x' is not defined"),
            Cause::Initial,
        ));
    });
    let shown = screen(&scene.0, &look(80, 24), &tail(crate::engine::state::MAIN, 3));
    expect_file!["../../../testdata/hud/tiltfile-fails/out.txt"].assert_eq(&shown);
}

#[test]
fn the_end_is_announced() {
    let scene = Scene::new()
        .job("日本語の名前", |it| updated(it, 100, None))
        .session(|session| {
            session.ending = Some(Ending {
                reason: StopReason::Signal("interrupt"),
                since: now(),
            });
        });
    let shown = screen(&scene.0, &look(80, 24), &Tails::new());
    expect_file!["../../../testdata/hud/ending/out.txt"].assert_eq(&shown);
}

#[test]
fn colours_are_used_where_they_are_seen() {
    let scene = Scene::new().job("broken", |it| updated(it, 450, Some("exit status 2")));
    let colour = Look {
        style: Style::Colour,
        ..look(60, 24)
    };
    let shown = screen(&scene.0, &colour, &tail("broken", 1)).replace('\u{1b}', "^");
    expect_file!["../../../testdata/hud/colour/out.txt"].assert_eq(&shown);
}

#[test]
fn nothing_ticks_while_everything_is_quiet() {
    let quiet = Scene::new().job("db", |it| updated(it, 100, None));
    assert!(!is_ticking(&quiet.0, now()));
    assert!(is_ticking(&busy_day(), now()));
}

#[test]
fn of_hundreds_what_is_urgent_is_seen() {
    let mut scene = Scene::new();
    for number in 0..300 {
        scene = scene.job(&format!("svc-{number}"), |it| match number {
            150 => updated(it, 450, Some("exit status 2")),
            299 => running(it, 50_000, vec![Cause::Initial]),
            _ => updated(it, 100, None),
        });
    }
    let shown = screen(&scene.0, &look(80, 10), &tail("svc-150", 2));
    let first: Vec<&str> = shown
        .lines()
        .take(5)
        .map(|line| line.split("  ").next().unwrap_or_default())
        .collect();
    assert_eq!(first[..2], ["✔ (Tiltfile)", "✖ svc-150"], "{shown}");
    assert!(shown.contains("⠋ svc-299"), "{shown}");
    assert!(
        shown.ends_with("more\n298 ready · 1 failing · 1 pending · http://localhost:10350/\n"),
        "{shown}"
    );
}

#[test]
fn what_is_deployed_stands_as_its_pods_do() {
    let pod = |status: &str| {
        let pod = Pod {
            name: "web-1".into(),
            status: status.into(),
            ..Pod::default()
        };
        vec![Arc::new(pod)]
    };
    let pending = |why: Option<&str>| Runtime::Pending {
        why: why.map(str::to_owned),
    };
    let error = Runtime::Error {
        message: "Pod \"web-1\" failed".to_owned(),
        cause: Some("exit code 3".to_owned()),
    };
    let scene = Scene::new()
        .workload("unseen", None, |_| {})
        .workload("none", Some(pending(None)), |_| {})
        .workload("starting", Some(pending(None)), |workload| {
            workload.pods = pod("ContainerCreating")
        })
        .workload("unschedulable", Some(pending(Some("no node takes pod web-1"))), |_| {})
        .workload("broken", Some(error), |_| {})
        .workload("settings", Some(Runtime::NotApplicable), |_| {})
        .workload("web", Some(Runtime::Ok), |workload| {
            workload.links = vec![("http://localhost:8080/".to_owned(), "page".to_owned())];
        });
    let rows = row::rows(&scene.0, now());
    let said: Vec<String> = rows[1..]
        .iter()
        .map(|row| {
            format!("{} {:?}: {} {}", row.name, row.sign, row.what, row.links.join(" "))
                .trim_end()
                .to_owned()
        })
        .collect();
    let expected = [
        "unseen Waiting: not deployed yet",
        "none Busy: waits for pods 10s",
        "starting Busy: pod ContainerCreating, not ready for 10s",
        "unschedulable Busy: no node takes pod web-1",
        "broken Failing: Pod \"web-1\" failed: exit code 3",
        "settings Ready: deployed",
        "web Ready: ready page http://localhost:8080/",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_row_says_how_many_edits_do_not_run() {
    let scene = Scene::new().job("web", |it| {
        updated(it, 450, Some("Command failed"));
        it.freshness.saved(crate::engine::state::Seq(4), at(50_000));
        it.freshness.saved(crate::engine::state::Seq(5), at(51_000));
    });
    let shown = screen(&scene.0, &look(100, 10), &Tails::new());
    assert!(shown.contains("2 edits behind, Command failed"), "{shown}");
}

#[test]
fn a_row_says_why_it_builds_and_which_program_ended() {
    let building = Scene::new().job("web", |it| {
        running(it, 56_800, vec![Cause::Initial]);
        it.in_place.built_because = Some("Found file(s) not matching any sync (files: /p/x)".to_owned());
    });
    let shown = screen(&building.0, &look(120, 10), &Tails::new());
    assert!(
        shown.contains("updating 3.2s: Found file(s) not matching any sync"),
        "{shown}"
    );
    let ended = Scene::new().job("web", |it| {
        updated(it, 450, None);
        it.in_place.ended = Some("the program in container app exited with code 1".to_owned());
    });
    let shown = screen(&ended.0, &look(120, 10), &Tails::new());
    assert!(
        shown.contains("exited with code 1; the next save starts it again"),
        "{shown}"
    );
    assert!(shown.contains("1 failing"), "{shown}");
}
