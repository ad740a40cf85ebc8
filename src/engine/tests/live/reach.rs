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

impl Rig {
    /// What is under way cannot be brought into the container.
    fn refuses(&mut self, container: &str) {
        let message = "permission denied".to_owned();
        let reason = "UpdateFailed";
        self.fares("web:app", container, LiveFact::Failed { reason, message });
        self.ends("web", UpdateOutcome::FellBack);
    }
}

#[test]
fn a_container_that_refuses_what_it_was_deployed_for_is_left_until_there_is_more() {
    let mut rig = foreign();
    rig.saves("app", &["src/a.js"]);
    rig.refuses("a");
    assert!(rig.is_building());
    rig.deploys("web", deployed(&["web"], "t1"));
    assert_eq!(rig.running(), [""; 0], "{:?}", rig.said());
    // Another one is not held back by it.
    rig.sees("web", &[&foreign_pod("p1", "a"), &foreign_pod("p2", "b")]);
    rig.reaches(&["b"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
    rig.syncs();
    rig.saves("app", &["src/b.js"]);
    let files = ["/p/app/src/a.js", "/p/app/src/b.js"].map(str::to_owned);
    let sends = rig.sends();
    assert_eq!(sends[0], ("a".to_owned(), files.to_vec()), "it may take it by now");
    assert_eq!(sends[1], ("b".to_owned(), files[1..].to_vec()));
}

#[test]
fn new_containers_that_all_refuse_are_not_built_for_ever() {
    let mut rig = initial(Vec::new());
    rig.sees("web", &[&pod("p1", "1", &["a"])]);
    rig.reaches(&["a"]);
    assert_eq!(rig.sends(), [("a".to_owned(), vec!["everything".to_owned()])]);
    rig.refuses("a");
    assert!(rig.is_building());
    rig.makes("web", "app", "2");
    rig.deploys("web", deployed(&["web"], "t2"));
    rig.sees("web", &[&pod("p2", "2", &["b"])]);
    rig.reaches(&["b"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["everything".to_owned()])]);
    rig.refuses("b");
    assert_eq!(rig.running(), [""; 0], "a build has not helped");
    let error = rig.resource("web").last().unwrap().error.clone().unwrap();
    assert!(error.contains("permission denied"), "{error}");
    assert_eq!(rig.resource("web").update_status(), UpdateStatus::Error);
}

#[test]
fn what_was_stopped_is_not_begun_again_by_itself() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    rig.click("web-stopbuild");
    rig.ends("web", UpdateOutcome::Cancelled);
    assert_eq!(rig.running(), [""; 0], "{:?}", rig.said());
    assert_eq!(rig.orders().len(), 1);
    // What it was about may not be in.
    rig.saves("app", &["src/b.js"]);
    let files = ["/p/app/src/a.js", "/p/app/src/b.js"].map(str::to_owned);
    assert_eq!(rig.sends(), [("a".to_owned(), files.to_vec())]);
    rig.syncs();
    assert_eq!(rig.resource("web").update_status(), UpdateStatus::Ok);
}

#[test]
fn an_update_that_its_bringer_dies_of_is_built() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    for _ in 0..9 {
        rig.agent("a", AgentFact::Lost);
        rig.ends("web", UpdateOutcome::Again);
        rig.reaches(&["a"]);
        assert_eq!(rig.sends(), [file("a.js")]);
    }
    rig.agent("a", AgentFact::Lost);
    rig.ends("web", UpdateOutcome::Again);
    assert!(rig.is_building(), "{:?}", rig.said());
    let said = rig.said();
    let lost = |line: &&str| line.contains("10 times in a row the container's agent was lost");
    assert_eq!(said.iter().filter(|line| lost(line)).count(), 1, "{said:?}");
}
