//! Containers that cannot be reached, or not yet.

use super::*;

fn delayed() -> AgentFact {
    AgentFact::Delayed {
        error: "the container is not running".to_owned(),
    }
}

fn failed() -> AgentFact {
    AgentFact::Failed {
        error: "no way into the container".to_owned(),
    }
}

#[test]
fn a_way_that_is_still_looked_for_is_waited_for() {
    let mut rig = one();
    rig.agent("a", delayed());
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.orders().len(), 0, "{:?}", rig.said());
    assert_eq!(rig.hold("web"), "waiting-for-deploy");
    let said = |rig: &Rig| rig.said().iter().filter(|line| line.contains("not running")).count();
    rig.agent("a", delayed());
    assert_eq!(said(&rig), 1, "{:?}", rig.said());
    rig.reaches(&["a"]);
    assert_eq!(rig.sends(), [file("a.js")]);
}

#[test]
fn a_way_that_is_found_after_all_is_gone() {
    let mut rig = one();
    rig.agent("a", failed());
    rig.reaches(&["a"]);
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.sends(), [file("a.js")]);
}

#[test]
fn a_stop_file_that_is_also_synced_is_deployed_once() {
    let mut rig = foreign_with(&["src/stop"]);
    rig.saves("app", &["src/stop"]);
    assert!(rig.is_building());
    rig.deploys("web", deployed(&["web"], "t1"));
    assert_eq!(rig.running(), [""; 0], "{:?}", rig.said());
    rig.sees("web", &[&foreign_pod("p2", "b")]);
    rig.reaches(&["b"]);
    assert_eq!(rig.running(), [""; 0], "{:?}", rig.said());
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
}

#[test]
fn a_container_that_a_deployment_does_not_help_is_not_deployed_for_ever() {
    let mut rig = foreign();
    rig.saves("app", &["src/a.js"]);
    rig.syncs();
    rig.sees("web", &[&foreign_pod("p2", "b")]);
    rig.agent("b", failed());
    assert!(rig.is_building());
    rig.deploys("web", deployed(&["web"], "t1"));
    assert_eq!(rig.running(), [""; 0], "{:?}", rig.said());
    // Once there is a way, what it lacks goes there.
    rig.reaches(&["b"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
}

#[test]
fn a_pod_that_has_failed_for_good_keeps_nothing_from_the_others() {
    let mut rig = one();
    let mut evicted = pod("p0", "1", &["z"]);
    evicted.phase = "Failed".into();
    evicted.restart = RestartPolicy::Always;
    evicted.containers[0].ready = false;
    evicted.containers[0].state = ContainerState::Waiting {
        reason: "ContainerCreating".into(),
        message: "".into(),
    };
    rig.sees("web", &[&evicted, &pod("p1", "1", &["a"])]);
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.sends(), [file("a.js")]);
}

#[test]
fn while_the_only_pod_leaves_the_next_one_is_waited_for() {
    let mut rig = one();
    let mut leaving = pod("p1", "1", &["a"]);
    leaving.deleting = true;
    rig.sees("web", &[&leaving]);
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.orders().len(), 0, "{:?}", rig.said());
    rig.sees("web", &[&pod("p2", "1", &["b"])]);
    rig.reaches(&["b"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
}

#[test]
fn whoever_works_in_a_container_begins_anew_where_it_is_to_work_elsewhere() {
    let mut rig = one();
    let mut app = synced("app", &[]);
    app.live_update.syncs[0].container = "/other".to_owned();
    rig.reload(vec![deploying("web", vec![app])]);
    rig.forget();
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.orders().len(), 0, "{:?}", rig.said());
    rig.reaches(&["a"]);
    assert_eq!(rig.sends(), [file("a.js")]);
}

#[test]
fn whoever_waits_for_it_waits_for_its_first_sync() {
    let mut after = local("after");
    after.deps = vec!["web".to_owned()];
    let mut rig = initial(vec![after]);
    assert_eq!(rig.running(), [""; 0], "it has no pod");
    rig.sees("web", &[&pod("p1", "1", &["a"])]);
    assert_eq!(rig.running(), [""; 0]);
    rig.reaches(&["a"]);
    assert_eq!(rig.running(), ["web"]);
    rig.syncs();
    assert_eq!(rig.running(), ["after"]);
}
