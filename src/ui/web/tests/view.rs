//! The view, from tables to text.

use expect_test::expect;

use super::super::view::{complete, delta, members, message, snapshot};
use super::*;
use crate::model::object::kinds::{CLUSTER, CMD, UI_SESSION};

fn at(second: i64) -> Time {
    Time::from_micros(1_700_000_000_000_000 + second * 1_000_000)
}

fn with(objects: impl IntoIterator<Item = Stored>) -> State {
    let mut state = state();
    for object in objects {
        state.table.put(object, at(0));
    }
    state
}

fn text(view: Option<Map>) -> String {
    view.map(members).unwrap_or_default()
}

#[test]
fn an_empty_session_is_a_whole_view_too() {
    let mut state = state();
    state.table.remove(&UI_SESSION, "Tiltfile");
    let expected = expect![[
        r#""clusters":[],"isComplete":true,"tiltStartTime":"2026-11-21T07:10:56.201388Z","uiButtons":[],"uiResources":[]"#
    ]];
    expected.assert_eq(&members(complete(&state)));
}

#[test]
fn a_view_holds_the_objects_of_its_four_kinds() {
    let state = with([
        button("b"),
        resource("r", "ok"),
        Stored::new(&CLUSTER, "default"),
        Stored::new(&CMD, "c"),
        object(&UI_SESSION, "Tiltfile", "tiltfileKey", "Tiltfile"),
    ]);
    let view = complete(&state);
    let keys: Vec<&str> = view.iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "tiltStartTime",
            "uiSession",
            "uiResources",
            "uiButtons",
            "clusters",
            "isComplete"
        ]
    );
    let resources = view.get("uiResources").and_then(Tree::as_list).unwrap();
    let stored = state.table.get(&UI_RESOURCE, "r").unwrap();
    assert_eq!(resources, [stored.to_json_tree()]);
    assert_eq!(
        view.get("uiSession").unwrap().at(&["kind"]).unwrap().as_text(),
        Some("UISession")
    );
}

#[test]
fn a_delta_tells_each_changed_object_once_as_it_is_now() {
    let old = with([resource("a", "ok"), resource("b", "ok")]);
    let mut new = old.clone();
    for status in ["pending", "in_progress"] {
        new.table.put(resource("a", status), at(1));
    }
    new.table.put(resource("c", "none"), at(1));
    let view = delta(&old, &new).unwrap();
    let resources = view.get("uiResources").and_then(Tree::as_list).unwrap();
    let expected = ["a", "c"].map(|name| new.table.get(&UI_RESOURCE, name).unwrap().to_json_tree());
    assert_eq!(resources, expected);
    assert!(!view.contains("uiButtons") && !view.contains("isComplete"));
}

#[test]
fn what_is_gone_is_told_with_the_time_of_its_going_unless_it_is_back() {
    let old = with([resource("a", "ok"), button("b")]);
    let mut new = old.clone();
    new.now = at(9);
    new.table.remove(&UI_RESOURCE, "a");
    new.table.remove(&UI_BUTTON, "b");
    new.table.put(button("b"), at(9));
    let view = delta(&old, &new).unwrap();
    let deleted = |list: &str| {
        let object = &view.get(list).and_then(Tree::as_list).unwrap()[0];
        object.at(&["metadata", "deletionTimestamp"]).and_then(Tree::as_text)
    };
    assert_eq!(deleted("uiResources"), Some("2023-11-14T22:13:29Z"));
    assert_eq!(deleted("uiButtons"), None);
}

#[test]
fn nothing_that_shows_is_no_delta() {
    let old = with([resource("a", "ok")]);
    let mut new = old.clone();
    assert_eq!(text(delta(&old, &new)), "");
    new.table.put(Stored::new(&CMD, "c"), at(1));
    assert_eq!(text(delta(&old, &new)), "");
}

#[test]
fn who_fell_far_behind_is_told_the_same_as_who_kept_up() {
    let old = with([resource("a", "ok"), resource("b", "ok"), button("x")]);
    let mut new = old.clone();
    new.table.remove(&UI_RESOURCE, "b");
    new.table.put(resource("a", "error"), at(1));
    let kept_up = text(delta(&old, &new));
    for turn in 0..10_000 {
        new.table.put(object(&CMD, "noise", "pid", &turn.to_string()), at(2));
    }
    assert!(new.table.events_since(old.table.version()).is_err());
    let behind = delta(&old, &new).unwrap();
    let names: Vec<_> = behind.get("uiResources").and_then(Tree::as_list).unwrap().to_vec();
    assert_eq!(names.len(), 2);
    // An object that went carries the version of its going only where that is still known.
    let version = |text: &str| {
        regex::Regex::new(r#""resourceVersion":"\d+","#)
            .unwrap()
            .replace_all(text, "")
            .into_owned()
    };
    assert_eq!(version(&members(behind)), version(&kept_up));
}

#[test]
fn a_message_is_one_json_object() {
    let view = message(&members(complete(&state())), r#"{"segments":[]}"#);
    let parsed: serde_json::Value = serde_json::from_str(&view).unwrap();
    assert_eq!(parsed["logList"]["segments"], serde_json::json!([]));
    let kept: serde_json::Value = serde_json::from_str(&snapshot(&view, at(0))).unwrap();
    assert_eq!(
        kept,
        serde_json::json!({"view": parsed, "createdAt": "2023-11-14T22:13:20.000000Z"})
    );
}
