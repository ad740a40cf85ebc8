//! Objects that people and scripts make, change and look at.

use super::*;
use crate::engine::action::Refusal;
use crate::model::object::kinds::{
    CMD, CONFIG_MAP, EXTENSION, EXTENSION_REPO, FILE_WATCH, TILTFILE, UI_BUTTON, UI_RESOURCE,
};

fn button(name: &str) -> Stored {
    let location = {
        let mut map = crate::model::tree::Map::new();
        map.push("componentID", Tree::text("a"));
        map.push("componentType", Tree::text("Resource"));
        Tree::Map(map)
    };
    stored(&UI_BUTTON, name, &[("text", Tree::text("Go")), ("location", location)])
}

fn on(field: &str, names: &[&str]) -> Tree {
    let mut map = crate::model::tree::Map::new();
    map.push(field, texts(names));
    Tree::Map(map)
}

#[test]
fn a_cmd_made_by_hand_runs_and_an_equal_one_runs_on() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.create(stored(&CMD, "c", &[("args", texts(&["echo", "hi"]))]))
        .unwrap();
    assert_eq!(rig.kept(), ["c: echo hi"]);
    rig.edit(&CMD, "c", Part::Main, |cmd| {
        cmd.meta.labels.insert("x", Tree::text("y"))
    })
    .unwrap();
    let first = rig.engine.state.cmds["c"].process.clone().unwrap();
    assert_eq!(first.generation, 1);
    rig.edit(&CMD, "c", Part::Main, |cmd| {
        cmd.spec.insert("args", texts(&["echo", "ho"]))
    })
    .unwrap();
    assert_eq!(rig.kept(), ["c: echo ho"]);
    let expected = Expected::default();
    rig.write(&CMD, "c", Verb::Delete { expected }).unwrap();
    assert_eq!(rig.kept(), [""; 0]);
}

#[test]
fn a_cmd_waits_for_its_button_and_gets_the_inputs() {
    let mut rig = Rig::with(vec![local("a")]);
    let mut go = button("go");
    let mut input = crate::model::tree::Map::new();
    input.push("name", Tree::text("WHO"));
    let mut text = crate::model::tree::Map::new();
    text.push("defaultValue", Tree::text("you"));
    input.push("text", Tree::Map(text));
    go.spec.insert("inputs", Tree::List(vec![Tree::Map(input)]));
    rig.create(go).unwrap();
    let spec = [("args", texts(&["greet"])), ("startOn", on("uiButtons", &["go"]))];
    rig.create(stored(&CMD, "c", &spec)).unwrap();
    assert_eq!(rig.kept(), [""; 0]);
    let reason = rig
        .status(&CMD, "c", "waiting")
        .and_then(|waiting| waiting.get("reason"));
    assert_eq!(reason, Some(&Tree::text("cmd StartOn has not been triggered")));
    rig.click("go");
    assert_eq!(rig.kept(), ["c: greet"]);
    assert_eq!(rig.engine.state.cmds["c"].input_env, ["WHO=you"]);
    let first = rig.engine.state.cmds["c"].process.as_ref().unwrap().generation;
    rig.pass(Duration::from_secs(1));
    rig.click("go");
    assert!(rig.engine.state.cmds["c"].process.as_ref().unwrap().generation > first);
}

#[test]
fn a_file_watch_made_by_hand_restarts_the_cmd_that_refers_to_it() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.create(stored(&FILE_WATCH, "w", &[("watchedPaths", texts(&["/q"]))]))
        .unwrap();
    let spec = [("args", texts(&["run"])), ("restartOn", on("fileWatches", &["w"]))];
    rig.create(stored(&CMD, "c", &spec)).unwrap();
    let first = rig.engine.state.cmds["c"].process.as_ref().unwrap().generation;
    rig.changed("w", &["/q/x"]);
    assert!(rig.engine.state.cmds["c"].process.as_ref().unwrap().generation > first);
    let events = rig
        .status(&FILE_WATCH, "w", "fileEvents")
        .and_then(Tree::as_list)
        .unwrap();
    assert_eq!(events[0].get("seenFiles"), Some(&texts(&["/q/x"])));
}

#[test]
fn a_toggle_button_disables_a_resource_and_enables_it_again() {
    let mut rig = Rig::with(vec![serving("a")]);
    rig.done("a");
    rig.starts_and_is_ready("a");
    rig.click("toggle-a-disable");
    assert_eq!(rig.kept(), [""; 0]);
    let state = rig
        .status(&UI_RESOURCE, "a", "disableStatus")
        .and_then(|status| status.get("state"));
    assert_eq!(state, Some(&Tree::text("Disabled")));
    assert!(
        rig.said()
            .iter()
            .any(|line| line.starts_with("Resource \"a\" disabled."))
    );
    assert_eq!(
        rig.object(&UI_BUTTON, "toggle-a-disable").spec.get("text"),
        Some(&Tree::text("Enable Resource"))
    );
    rig.pass(Duration::from_secs(1));
    rig.click("toggle-a-disable");
    rig.watched();
    assert_eq!(rig.running(), ["a"]);
}

#[test]
fn switches_survive_a_reload_and_go_back_when_the_arguments_change() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.click("toggle-a-disable");
    rig.ends("a", UpdateOutcome::Cancelled);
    rig.reload(vec![local("a")]);
    assert!(!rig.resource("a").enabled);
    rig.ask(Ask::SetArgs {
        args: vec!["a".to_owned()],
    })
    .unwrap();
    rig.evaluated(MAIN, Ok(project(vec![local("a")])));
    assert!(rig.resource("a").enabled);
}

#[test]
fn a_stop_button_stops_what_runs() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.click("a-stopbuild");
    rig.ends("a", UpdateOutcome::Cancelled);
    assert_eq!(
        rig.resource("a").last().unwrap().error.as_deref(),
        Some("build canceled")
    );
}

#[test]
fn objects_made_by_hand_survive_a_reload_and_those_of_the_tiltfile_are_reset() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.create(stored(&CONFIG_MAP, "mine", &[])).unwrap();
    rig.edit(&CMD, "a:update", Part::Main, |cmd| {
        cmd.spec.insert("args", texts(&["other"]))
    })
    .unwrap();
    rig.done("a");
    rig.trigger("a").unwrap();
    let ordered = rig.effects.iter().rev().find_map(|effect| match effect {
        Effect::StartUpdate(order) => Some(format!("{:?}", order.work)),
        _ => None,
    });
    assert!(ordered.unwrap().contains("other"));
    rig.done("a");
    rig.reload(vec![local("a")]);
    assert_eq!(
        rig.object(&CMD, "a:update").spec.get("args"),
        Some(&texts(&["make", "a"]))
    );
    rig.object(&CONFIG_MAP, "mine");
}

#[test]
fn the_main_tiltfile_cannot_be_deleted() {
    let mut rig = Rig::with(vec![local("a")]);
    let expected = Expected::default();
    let refused = rig.write(&TILTFILE, MAIN, Verb::Delete { expected }).unwrap_err();
    assert!(matches!(refused, Refusal::Forbidden(_)), "{refused}");
}

#[test]
fn a_stale_write_is_refused() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.create(stored(&CONFIG_MAP, "c", &[])).unwrap();
    let stale = rig.object(&CONFIG_MAP, "c").clone();
    rig.edit(&CONFIG_MAP, "c", Part::Main, |map| {
        map.meta.labels.insert("a", Tree::text("b"))
    })
    .unwrap();
    let expected = Expected {
        version: Some(stale.meta.version),
        uid: None,
    };
    let part = Part::Main;
    let refused = rig.write(
        &CONFIG_MAP,
        "c",
        Verb::Replace {
            object: stale,
            part,
            expected,
        },
    );
    assert!(matches!(refused, Err(Refusal::Conflict { .. })));
}

#[test]
fn an_extension_runs_its_own_tiltfile_and_takes_it_along_when_it_goes() {
    let mut rig = Rig::with(vec![local("a")]);
    let url = Tree::text("file:///ext");
    rig.create(stored(&EXTENSION_REPO, "team", &[("url", url)])).unwrap();
    let spec = [("repoName", Tree::text("team")), ("repoPath", Tree::text("kit"))];
    rig.create(stored(&EXTENSION, "kit", &spec)).unwrap();
    let generation = rig.engine.state.extensions["kit"].generation;
    rig.tell(vec![Action::Extension {
        extension: "kit".into(),
        generation,
        outcome: Ok("/ext/kit/Tiltfile".into()),
    }]);
    assert_eq!(
        rig.status(&EXTENSION, "kit", "path"),
        Some(&Tree::text("/ext/kit/Tiltfile"))
    );
    rig.evaluated("kit", Ok(project(vec![local("tool")])));
    assert_eq!(rig.object(&UI_RESOURCE, "tool").meta.owners[0].name, "kit".into());
    rig.reload(vec![local("a")]);
    rig.resource("tool");
    let expected = Expected::default();
    rig.write(&EXTENSION, "kit", Verb::Delete { expected }).unwrap();
    assert!(rig.engine.state.resource("tool").is_none());
    assert!(rig.engine.state.table.get(&TILTFILE, "kit").is_none());
}

#[test]
fn two_tiltfiles_that_define_the_same_resource_get_an_error_and_nothing_breaks() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.done("a");
    rig.create(stored(&TILTFILE, "second", &[("path", Tree::text("/q/Tiltfile"))]))
        .unwrap();
    rig.evaluated("second", Ok(project(vec![local("a"), local("b")])));
    let error = rig.engine.state.tiltfiles["second"].error().unwrap();
    assert!(error.starts_with("Resource defined in two tiltfiles: a"), "{error}");
    assert!(rig.engine.state.resource("b").is_none());
    rig.save("a", "/p/a/x");
    assert_eq!(rig.running(), ["a"]);
}

#[test]
fn an_extension_without_its_repository_says_so_until_there_is_one() {
    let mut rig = Rig::with(vec![local("a")]);
    let spec = [("repoName", Tree::text("team")), ("repoPath", Tree::text("kit"))];
    rig.create(stored(&EXTENSION, "kit", &spec)).unwrap();
    assert_eq!(
        rig.status(&EXTENSION, "kit", "error"),
        Some(&Tree::text("extension repo not found: team"))
    );
    let url = Tree::text("file:///ext");
    rig.create(stored(&EXTENSION_REPO, "team", &[("url", url)])).unwrap();
    assert_eq!(rig.status(&EXTENSION, "kit", "error"), None);
}
