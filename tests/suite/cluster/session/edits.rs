//! What people do to resources of a session that deploys: disable, enable, trigger.

use super::recovery::{BEATS, beats, next_run, web};
use super::stage::{Stage, port};
use crate::support::session::Session;

#[test]
fn a_disabled_resource_takes_its_objects_with_it_and_a_triggered_one_is_made_anew() {
    let test = "a_disabled_resource_takes_its_objects_with_it_and_a_triggered_one_is_made_anew";
    let Some(stage) = Stage::new(test, "able") else { return };
    let port = port();
    let mut session = Session::start(web(&stage, port, BEATS), &["up"]);
    session.wait("Ready", "web");
    let run = next_run(port, &[]);
    let uid = || stage.field("deploy", "web", ".metadata.uid");
    let first = uid();
    session.said(&["trigger", "web"]);
    // Objects are deleted first and made again.
    let second_run = next_run(port, std::slice::from_ref(&run));
    session.wait("Ready", "web");
    let second = uid();
    assert_ne!(second, first);
    session.said(&["disable", "web"]);
    stage.until_gone("deployment/web");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err() || fetched_nothing(port));
    session.said(&["enable", "web"]);
    stage.until("deploy", "web", (".status.readyReplicas", "1"));
    assert_ne!(uid(), second);
    let third_run = next_run(port, &[run, second_run]);
    session.line_with(&format!("beat {} 1", third_run.trim_end_matches('.')));
    let logged = session.said(&["logs", "web"]);
    assert_eq!(beats(&logged), 3, "{logged}");
}

fn fetched_nothing(port: u16) -> bool {
    super::stage::fetch(port).map_or(true, |text| text.is_empty())
}
