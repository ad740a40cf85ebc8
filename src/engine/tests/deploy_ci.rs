//! `tilt ci` and what is deployed to Kubernetes.

use super::deploy::*;
use super::*;
use crate::deploy::runtime::Runtime;
use crate::engine::state::Outcome;
use crate::model::workload::PodReadiness;

fn ci(resource: Resource) -> Rig {
    let mut rig = Rig::new(Mode::Ci);
    rig.evaluated(MAIN, Ok(project(vec![resource])));
    rig
}

fn outcome(rig: &Rig) -> Option<Outcome> {
    rig.engine.state.session.outcome.clone()
}

fn failure(error: &str) -> Option<Outcome> {
    Some(Outcome::Failure(error.to_owned()))
}

#[test]
fn ci_waits_for_pods_to_be_ready() {
    let mut rig = ci(web("web", &["web"]));
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&pod("p1", "t1")]);
    assert_eq!(outcome(&rig), None);
    rig.sees("web", &[&ready(pod("p1", "t1"))]);
    assert_eq!(outcome(&rig), Some(Outcome::Success));
    // What was deployed stays.
    assert!(rig.removals().is_empty());
}

#[test]
fn ci_fails_with_the_first_pod_that_does() {
    let mut rig = ci(web("web", &["web"]));
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&crashing(pod("p1", "t1"))]);
    assert_eq!(
        outcome(&rig),
        failure("Pod p1 in error state due to container main: CrashLoopBackOff: container main keeps ending")
    );
}

#[test]
fn ci_waits_for_jobs_to_end() {
    let job = || {
        kube(web("job", &["job"]), |target| {
            target.readiness = PodReadiness::Succeeded
        })
    };
    let mut rig = ci(job());
    rig.deploys("job", deployed(&["job"], "t1"));
    rig.sees("job", &[&ready(pod("p1", "t1"))]);
    assert_eq!(outcome(&rig), None);
    rig.sees("job", &[&ended(pod("p1", "t1"), "Succeeded")]);
    assert_eq!(outcome(&rig), Some(Outcome::Success));
    let mut rig = ci(job());
    rig.deploys("job", deployed(&["job"], "t1"));
    rig.sees("job", &[&ended(pod("p1", "t1"), "Failed")]);
    assert_eq!(outcome(&rig), failure("Pod \"p1\" failed"));
}

#[test]
fn failures_of_young_pods_may_be_tolerated_for_a_while() {
    let mut rig = Rig::new(Mode::Ci);
    let mut project = project(vec![web("web", &["web"])]);
    project.settings.ci.k8s_grace_period = Some(Duration::from_secs(10));
    rig.evaluated(MAIN, Ok(project));
    rig.deploys("web", deployed(&["web"], "t1"));
    let deployed = rig.engine.state.applies["web"].finished.unwrap();
    rig.sees("web", &[&crashing(pod("p1", "t1"))]);
    assert_eq!(outcome(&rig), None);
    let until = deployed + Duration::from_secs(10);
    assert_eq!(rig.engine.wake_at(), Some(until));
    rig.now = until;
    rig.tell(vec![Action::Woke]);
    let error = "exceeded grace period: Pod p1 in error state due to container main: CrashLoopBackOff: \
                 container main keeps ending";
    assert_eq!(outcome(&rig), failure(error));
}

#[test]
fn one_that_recovers_in_time_is_fine() {
    let mut rig = Rig::new(Mode::Ci);
    let mut project = project(vec![web("web", &["web"])]);
    project.settings.ci.k8s_grace_period = Some(Duration::from_secs(10));
    rig.evaluated(MAIN, Ok(project));
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&crashing(pod("p1", "t1"))]);
    assert!(matches!(
        rig.resource("web").workload.runtime,
        Some(Runtime::Error { .. })
    ));
    rig.sees("web", &[&ready(pod("p1", "t1"))]);
    assert_eq!(outcome(&rig), Some(Outcome::Success));
}
