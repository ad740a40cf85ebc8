//! What pods mean for their resource.

use super::*;
use crate::model::pod::{Container, ContainerState, LastRun};
use crate::model::time::Time;

fn pod(phase: &str, containers: Vec<Container>) -> Pod {
    Pod {
        name: "p".into(),
        phase: phase.into(),
        containers,
        ..Pod::default()
    }
}

fn container(ready: bool, state: ContainerState) -> Container {
    Container {
        name: "c".into(),
        image: "img:1".into(),
        ready,
        state,
        ..Container::default()
    }
}

fn waiting(reason: &str, message: &str) -> ContainerState {
    ContainerState::Waiting {
        reason: reason.into(),
        message: message.into(),
    }
}

fn ended(reason: &str, exit_code: i32) -> ContainerState {
    ContainerState::Terminated {
        reason: reason.into(),
        message: "".into(),
        exit_code,
        started: None,
        finished: None,
    }
}

const RUNNING: ContainerState = ContainerState::Running { started: None };

fn of(pod: Pod, readiness: PodReadiness) -> Runtime {
    runtime(&[Arc::new(pod)], readiness, false)
}

#[test]
fn a_resource_is_what_its_pod_is() {
    let pending = Runtime::Pending { why: None };
    let table = [
        ("Running", true, PodReadiness::Wait, Runtime::Ok),
        ("Running", false, PodReadiness::Wait, pending.clone()),
        ("Running", true, PodReadiness::Succeeded, pending.clone()),
        ("Succeeded", false, PodReadiness::Succeeded, Runtime::Ok),
        ("Pending", false, PodReadiness::Wait, pending.clone()),
        ("Unknown", false, PodReadiness::Ignore, pending.clone()),
    ];
    for (phase, ready, readiness, expected) in table {
        let pod = pod(phase, vec![container(ready, RUNNING)]);
        assert_eq!(of(pod, readiness), expected, "{phase} {ready} {readiness:?}");
    }
    assert_eq!(runtime(&[], PodReadiness::Wait, false), pending);
    assert_eq!(runtime(&[], PodReadiness::Ignore, false), Runtime::NotApplicable);
    assert_eq!(runtime(&[], PodReadiness::Wait, true), Runtime::Ok);
}

#[test]
fn the_pod_that_was_created_last_counts() {
    let at = |seconds: i64, phase: &str| {
        let created = Some(Time::from_micros(seconds));
        Arc::new(Pod {
            created,
            ..pod(phase, Vec::new())
        })
    };
    let pods = [at(2, "Succeeded"), at(1, "Failed")];
    assert_eq!(runtime(&pods, PodReadiness::Wait, false), Runtime::Ok);
}

#[test]
fn what_is_wrong_is_named_with_its_cause() {
    let crashing = Container {
        last: Some(LastRun {
            reason: "OOMKilled".into(),
            exit_code: 137,
            ..LastRun::default()
        }),
        ..container(
            false,
            waiting("CrashLoopBackOff", "back-off 10s restarting failed container"),
        )
    };
    let said = "Pod p in error state due to container c: ";
    let table = [
        (
            crashing,
            "CrashLoopBackOff: container c keeps ending: it used more memory than it may and was killed (OOMKilled)",
        ),
        (
            container(false, waiting("ErrImagePull", "manifest unknown")),
            "ErrImagePull: the image img:1 of container c cannot be pulled: manifest unknown",
        ),
        (
            container(false, waiting("ImagePullBackOff", "Back-off pulling image \"img:1\"")),
            "ImagePullBackOff: the image img:1 of container c cannot be pulled: Back-off pulling image \"img:1\"",
        ),
        (
            container(false, waiting("RunContainerError", "exec: \"x\": not found")),
            "RunContainerError: container c cannot be started: exec: \"x\": not found",
        ),
        (
            container(false, waiting("CreateContainerConfigError", "secret \"s\" not found")),
            "CreateContainerConfigError: container c is not configured as it should be: secret \"s\" not found",
        ),
        (
            container(false, waiting("InvalidImageName", "")),
            "InvalidImageName: img:1 of container c is no name of an image",
        ),
        (
            container(false, ended("Error", 3)),
            "Error: container c ended with exit code 3",
        ),
        (
            container(false, ended("", 1)),
            "Error: container c ended with exit code 1",
        ),
        (
            container(false, ended("OOMKilled", 137)),
            "OOMKilled: container c used more memory than it may and was killed (OOMKilled)",
        ),
        (
            container(false, ended("StartError", 128)),
            "StartError: container c could not be started",
        ),
    ];
    for (container, expected) in table {
        let error = of(pod("Pending", vec![container]), PodReadiness::Wait).error();
        assert_eq!(error, Some(format!("{said}{expected}")));
    }
    for passing in ["ContainerCreating", "PodInitializing", ""] {
        let pod = pod("Pending", vec![container(false, waiting(passing, ""))]);
        assert_eq!(of(pod, PodReadiness::Wait), Runtime::Pending { why: None }, "{passing}");
    }
    let failed = Pod {
        errors: vec!["the pod was evicted: no space".to_owned()],
        ..pod("Failed", Vec::new())
    };
    let error = of(failed, PodReadiness::Wait).error();
    assert_eq!(
        error.as_deref(),
        Some("Pod \"p\" failed: the pod was evicted: no space")
    );
}
