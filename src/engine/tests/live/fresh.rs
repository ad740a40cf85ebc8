//! Whether what runs is what was saved, for resources of every kind.

use super::*;
use crate::engine::action::Readiness;
use crate::engine::state::{Freshness, RuntimeStatus};
use crate::engine::tests::deploy::crashing;
use crate::model::object::kinds::UI_RESOURCE;

impl Rig {
    fn fresh(&self, resource: &str) -> Freshness {
        self.resource(resource).freshness.clone()
    }

    /// How many edits run not, and the newest one that does.
    fn edits(&self, resource: &str) -> (u64, u64) {
        let fresh = self.fresh(resource);
        (fresh.behind(), fresh.runs.map_or(0, |(edit, _)| edit.number))
    }

    /// The condition: its reason, or `True`, and its message.
    fn condition(&mut self, resource: &str) -> (String, String) {
        self.engine.publish();
        let conditions = self
            .status(&UI_RESOURCE, resource, "conditions")
            .and_then(Tree::as_list);
        let text = |tree: &Tree, key: &str| tree.get(key).and_then(Tree::as_text).map(str::to_owned);
        let mut conditions = conditions.expect("it has conditions").iter();
        let fresh = conditions.find(|condition| text(condition, "type").as_deref() == Some("Fresh"));
        let fresh = fresh.expect("each has it");
        let word = text(fresh, "reason").or_else(|| text(fresh, "status"));
        (word.unwrap_or_default(), text(fresh, "message").unwrap_or_default())
    }

    fn reason(&mut self, resource: &str) -> String {
        self.condition(resource).0
    }
}

fn says(reason: &str, message: &str) -> (String, String) {
    (reason.to_owned(), message.to_owned())
}

#[test]
fn an_edit_of_what_a_command_does_runs_when_the_command_has_seen_it() {
    let mut rig = Rig::with(vec![local("a")]);
    assert_eq!(rig.condition("a"), says("Building", "updating"));
    rig.done("a");
    assert_eq!(rig.condition("a"), says("True", ""));
    rig.pass(Duration::from_secs(1));
    rig.save("a", "x");
    assert_eq!(rig.condition("a"), says("Building", "1 edit behind, updating"));
    rig.pass(Duration::from_millis(20));
    rig.save("a", "y");
    assert_eq!(rig.edits("a"), (2, 0));
    rig.done("a");
    assert_eq!(rig.edits("a"), (1, 1), "the second save came after its start");
    rig.done("a");
    assert_eq!(rig.edits("a"), (0, 2));
    let (word, message) = rig.condition("a");
    assert_eq!(word, "True");
    assert!(
        message.starts_with("runs edit 2, ") && message.ends_with(" after its save"),
        "{message}"
    );
}

#[test]
fn a_command_that_fails_leaves_edits_behind_until_one_goes_well() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.done("a");
    for _ in 0..2 {
        rig.pass(Duration::from_secs(1));
        rig.save("a", "x");
        rig.fails("a");
    }
    assert_eq!(rig.edits("a"), (2, 0));
    let (reason, message) = rig.condition("a");
    assert_eq!(reason, "Failed");
    assert!(
        message.starts_with("2 edits behind, the last update failed: "),
        "{message}"
    );
    rig.trigger("a").unwrap();
    rig.done("a");
    assert_eq!(rig.edits("a"), (0, 2));
}

#[test]
fn what_is_served_runs_an_edit_when_it_is_ready() {
    let mut rig = Rig::with(vec![serving("s")]);
    rig.done("s");
    rig.starts_and_is_ready("s");
    rig.pass(Duration::from_secs(1));
    rig.save("s", "x");
    rig.done("s");
    assert_eq!(rig.edits("s"), (1, 0));
    assert_eq!(
        rig.condition("s"),
        says("Starting", "1 edit behind, its server is not ready yet")
    );
    rig.starts_and_is_ready("s");
    assert_eq!(rig.edits("s"), (0, 1));
    assert_eq!(rig.reason("s"), "True");
    let ready = Readiness::NotReady;
    rig.process("s", ProcessFact::Ready { ready });
    assert_eq!(rig.edits("s"), (0, 1), "it runs, whether it is well or not");
    assert_ne!(rig.reason("s"), "True");
}

#[test]
fn what_is_built_and_deployed_runs_when_its_pods_are_ready() {
    let mut rig = one();
    rig.saves("app", &["stop"]);
    let cause = "Detected change to stop file \"/p/app/stop\"";
    assert_eq!(
        rig.condition("web"),
        says("Building", &format!("1 edit behind, building: {cause}"))
    );
    rig.makes("web", "app", "2");
    rig.deploys("web", deployed(&["web"], "t2"));
    assert_eq!(rig.edits("web"), (1, 0));
    assert_eq!(
        rig.condition("web"),
        says("Deploying", "1 edit behind, deployed, its pods are not ready yet")
    );
    let mut newer = pod("p2", "2", &["b"]);
    newer.template_hash = "t2".into();
    rig.sees("web", &[&crashing(newer.clone())]);
    assert_eq!((rig.edits("web"), rig.reason("web")), ((1, 0), "Failed".to_owned()));
    rig.sees("web", &[&newer]);
    assert_eq!((rig.edits("web"), rig.reason("web")), ((0, 1), "True".to_owned()));
}

#[test]
fn a_build_that_changes_no_pod_is_what_runs_at_once() {
    let mut rig = one();
    rig.saves("app", &["stop"]);
    rig.makes("web", "app", "1");
    rig.deploys("web", deployed(&["web"], "t1"));
    assert_eq!(rig.edits("web"), (0, 1), "nobody will tell of its pods again");
    assert_eq!(rig.reason("web"), "True");
}

#[test]
fn what_goes_into_containers_runs_there_at_once_and_a_new_container_is_behind() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    assert_eq!(
        rig.condition("web"),
        says("Updating", "1 edit behind, changing containers")
    );
    rig.syncs();
    assert_eq!(rig.edits("web"), (0, 1));
    rig.sees("web", &[&pod("p2", "1", &["b"])]);
    assert_eq!(
        rig.condition("web"),
        says("WaitingForContainer", "waits for container c-b, to change it in place")
    );
    rig.reaches(&["b"]);
    rig.syncs();
    assert_eq!(rig.reason("web"), "True");
}

#[test]
fn an_edit_waits_for_its_container_and_says_so() {
    let mut rig = one();
    rig.agent("a", AgentFact::Lost);
    rig.saves("app", &["src/a.js"]);
    let what = "1 edit behind, waits for container c-a, to change it in place";
    assert_eq!(rig.condition("web"), says("WaitingForContainer", what));
}

#[test]
fn a_command_that_fails_in_a_container_leaves_the_edit_behind() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    let error = "exit code 1".to_owned();
    rig.fares("web:app", "a", LiveFact::ExecFailed { error });
    rig.fails("web");
    assert_eq!((rig.edits("web"), rig.reason("web")), ((1, 0), "Failed".to_owned()));
    rig.saves("app", &["src/b.js"]);
    rig.syncs();
    assert_eq!(rig.edits("web"), (0, 2));
}

#[test]
fn an_edit_that_falls_back_runs_once_it_is_built_and_deployed_and_the_cause_stays_known() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    let message = "disk full".to_owned();
    let reason = "UpdateFailed";
    rig.fares("web:app", "a", LiveFact::Failed { reason, message });
    rig.ends("web", UpdateOutcome::FellBack);
    assert_eq!(
        rig.condition("web"),
        says("Building", "1 edit behind, building: disk full")
    );
    rig.makes("web", "app", "1");
    rig.deploys("web", deployed(&["web"], "t1"));
    let built_because = |rig: &Rig| rig.resource("web").in_place.built_because.clone();
    assert_eq!(built_because(&rig).as_deref(), Some("disk full"));
    rig.saves("app", &["src/a.js"]);
    assert_eq!(built_because(&rig), None, "this one is a live update");
}

#[test]
fn a_program_that_ended_in_its_container_is_not_fresh_until_the_next_save() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    rig.syncs();
    let how = "exited with code 1".to_owned();
    rig.agent("a", AgentFact::AppEnded { how });
    let what = "the program in container c-a exited with code 1; the next save starts it again";
    assert_eq!(rig.condition("web"), says("Failed", what));
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::Error);
    rig.saves("app", &["src/a.js"]);
    rig.agent("a", AgentFact::AppStarted);
    rig.syncs();
    assert_eq!(rig.reason("web"), "True");
}

#[test]
fn what_goes_by_tar_says_so() {
    let mut rig = one();
    let fallback = Some("no way to start a program".to_owned());
    rig.agent("a", AgentFact::Ready { fallback });
    rig.saves("app", &["src/a.js"]);
    rig.syncs();
    let (word, message) = rig.condition("web");
    assert!(
        word == "True" && message.ends_with(" after its save (by tar)"),
        "{message}"
    );
}

#[test]
fn what_is_saved_for_a_manual_resource_waits_and_is_not_fresh() {
    let mut rig = Rig::with(vec![mode(local("a"), TriggerMode::ManualWithAutoInit)]);
    rig.done("a");
    rig.save("a", "x");
    let what = "1 edit behind, 1 changed files wait for a trigger: its trigger mode is manual";
    assert_eq!(rig.condition("a"), says("Saved", what));
    rig.trigger("a").unwrap();
    rig.done("a");
    assert_eq!((rig.edits("a"), rig.reason("a")), ((0, 1), "True".to_owned()));
    let never = mode(local("b"), TriggerMode::Manual);
    rig.reload(vec![never]);
    assert_eq!(rig.reason("b"), "NotStarted");
}

#[test]
fn a_resource_that_is_disabled_forgets_what_it_was_behind_with() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.done("a");
    rig.save("a", "x");
    rig.fails("a");
    rig.disable("a", "true");
    assert_eq!((rig.edits("a"), rig.reason("a")), ((0, 0), "Disabled".to_owned()));
    rig.disable("a", "false");
    rig.watched();
    rig.done("a");
    assert_eq!((rig.edits("a"), rig.reason("a")), ((0, 0), "True".to_owned()));
    rig.save("a", "x");
    rig.done("a");
    assert_eq!(rig.edits("a"), (0, 2), "numbers go on");
}

#[test]
fn an_evaluation_that_changes_what_is_declared_keeps_edits_waiting_until_it_is_built() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.done("a");
    rig.save("a", "x");
    rig.reload(vec![with(local("a"), |local| local.update = Some(command("other")))]);
    assert_eq!(rig.edits("a").0, 1);
    rig.ends("a", UpdateOutcome::Cancelled);
    rig.done("a");
    assert_eq!((rig.edits("a"), rig.reason("a")), ((0, 1), "True".to_owned()));
}

#[test]
fn endless_saves_that_never_run_take_no_more_room() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.done("a");
    for _ in 0..500 {
        rig.save("a", "x");
    }
    assert_eq!(rig.fresh("a").behind(), 500);
    assert!(rig.fresh("a").waiting.len() <= 64);
    rig.fails("a");
    rig.trigger("a").unwrap();
    rig.done("a");
    assert_eq!(rig.edits("a"), (0, 500));
}
