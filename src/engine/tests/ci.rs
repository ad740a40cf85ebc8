//! When `tilt ci` ends, and with what.

use super::*;
use crate::engine::state::Outcome;

fn ci(resources: Vec<Resource>) -> Rig {
    let mut rig = Rig::new(Mode::Ci);
    rig.evaluated(MAIN, Ok(project(resources)));
    rig
}

fn outcome(rig: &Rig) -> Option<Outcome> {
    rig.engine.state.session.outcome.clone()
}

fn failure(rig: &Rig) -> String {
    match outcome(rig) {
        Some(Outcome::Failure(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_jobs_done_and_all_servers_ready_is_success() {
    let mut rig = ci(vec![
        local("job"),
        serving("server"),
        mode(local("manual"), TriggerMode::Manual),
    ]);
    rig.done("job");
    rig.done("server");
    rig.process("server", ProcessFact::Started { pid: 7 });
    assert_eq!(outcome(&rig), None);
    let ready = Readiness::Ready;
    rig.process("server", ProcessFact::Ready { ready });
    assert_eq!(outcome(&rig), Some(Outcome::Success));
    assert!(rig.engine.is_over());
}

#[test]
fn the_first_failure_ends_it_with_its_text() {
    let mut rig = ci(vec![local("a"), local("b")]);
    rig.fails("a");
    assert_eq!(failure(&rig), "it failed");
    // What runs is asked to end, and waited for.
    assert!(
        rig.effects
            .iter()
            .any(|effect| matches!(effect, Effect::CancelUpdate { .. }))
    );
    assert!(!rig.engine.is_over());
    rig.ends("b", UpdateOutcome::Cancelled);
    assert!(rig.engine.is_over());
}

#[test]
fn a_server_that_ends_is_a_failure_whatever_it_says() {
    let mut rig = ci(vec![serving("server"), local("slow")]);
    rig.done("server");
    rig.process("server", ProcessFact::Started { pid: 7 });
    rig.process(
        "server",
        ProcessFact::Exited {
            pid: 7,
            code: 0,
            reason: String::new(),
        },
    );
    assert_eq!(failure(&rig), "Server exited with exit code 0");
}

#[test]
fn a_tiltfile_that_fails_or_declares_nothing_is_a_failure() {
    let mut rig = Rig::new(Mode::Ci);
    rig.evaluated(MAIN, Ok(project(Vec::new())));
    assert!(failure(&rig).starts_with("No resources found."));
    let mut rig = Rig::new(Mode::Ci);
    rig.evaluated(MAIN, Err(Failure::whole("no such thing")));
    assert_eq!(failure(&rig), "no such thing");
}

#[test]
fn time_runs_out_and_what_was_missing_is_named() {
    let mut rig = ci(vec![local("slow"), after(local("late"), &["slow"])]);
    assert_eq!(
        rig.engine.wake_at(),
        Some(session(Mode::Ci).started + Duration::from_secs(30 * 60))
    );
    rig.pass(Duration::from_secs(30 * 60));
    rig.tell(vec![Action::Woke]);
    assert_eq!(
        failure(&rig),
        "Timeout after 30m0s: 1 resources waiting (late waiting-for-dep), 1 resources not ready (slow)"
    );
}

#[test]
fn a_server_has_only_so_long_to_become_ready_and_a_job_any_time() {
    let mut rig = ci(vec![serving("server"), local("job")]);
    rig.done("server");
    rig.process("server", ProcessFact::Started { pid: 7 });
    let due = rig.engine.wake_at().unwrap();
    assert_eq!(due, rig.now + Duration::from_secs(5 * 60));
    rig.now = due;
    rig.tell(vec![Action::Woke]);
    assert_eq!(
        failure(&rig),
        "Readiness timeout after 5m0s: target server:serve not ready"
    );
}
