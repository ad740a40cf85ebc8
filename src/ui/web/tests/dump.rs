//! The engine's state for people.

use crate::engine::state::{Hold, TiltfileState};
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::model::yaml::json;

use super::super::dump;
use super::*;

#[test]
fn everything_but_logs_is_there_by_name() {
    let mut state = state();
    state.table.put(resource("a", "ok"), Time::default());
    let tiltfile = TiltfileState::new("(Tiltfile)", "Tiltfile".into(), vec!["x".to_owned()]);
    state.tiltfiles.insert("(Tiltfile)".into(), Arc::new(tiltfile));
    let dump = dump::state(&state);
    assert_eq!(dump.at(&["session", "pid"]), Some(&Tree::Int(42)));
    assert_eq!(
        dump.at(&["tiltfiles", "(Tiltfile)", "args"]),
        Some(&Tree::List(vec![Tree::text("x")]))
    );
    let resources = dump.at(&["objects", "uiresources"]).and_then(Tree::as_list).unwrap();
    assert_eq!(resources.len(), 1);
    let hold = Hold::WaitingForDeps { on: vec!["db".into()] };
    assert_eq!(
        dump::hold(&hold).at(&["text"]).unwrap().as_text(),
        Some("waits until db has been ready once")
    );
}

#[test]
fn secrets_are_taken_out_in_whatever_form() {
    let mut state = state();
    let secret = |key: &str, value: &str| Secret {
        name: "db".to_owned(),
        key: key.to_owned(),
        value: value.into(),
    };
    let project = Project {
        secrets: vec![
            secret("password", "hunter22"),
            secret("long", "hunter22-long"),
            secret("short", "abc"),
        ],
        ..Project::default()
    };
    let mut tiltfile = TiltfileState::new("(Tiltfile)", "Tiltfile".into(), Vec::new());
    tiltfile.project = Some(Arc::new(project));
    tiltfile.args = vec!["abc".to_owned()];
    state.tiltfiles.insert("(Tiltfile)".into(), Arc::new(tiltfile));
    let text = "plain hunter22, base64 aHVudGVyMjI=, hunter22-long";
    state.table.put(resource("a", text), Time::default());
    let dump = json::compact(&dump::state(&state));
    for value in ["hunter22", "aHVudGVyMjI="] {
        assert!(!dump.contains(value), "{value}");
    }
    let covered =
        "plain [redacted secret db:password], base64 [redacted secret db:password], [redacted secret db:long]";
    assert!(dump.contains(covered));
    assert!(dump.contains("\"abc\""));
}
