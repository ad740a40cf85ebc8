//! The column STATUS, as kubectl prints it.

use super::*;
use crate::model::pod::PodCondition;

fn waiting(reason: &str) -> Container {
    Container {
        state: ContainerState::Waiting {
            reason: reason.into(),
            message: "".into(),
        },
        ..Container::default()
    }
}

fn ended(reason: &str, exit_code: i32) -> Container {
    Container {
        name: "c".into(),
        state: ContainerState::Terminated {
            reason: reason.into(),
            message: "".into(),
            exit_code,
            started: None,
            finished: None,
        },
        ..Container::default()
    }
}

fn running() -> Container {
    Container {
        name: "r".into(),
        ready: true,
        state: ContainerState::Running { started: None },
        ..Container::default()
    }
}

fn pod(phase: &str, init_containers: Vec<Container>, containers: Vec<Container>) -> Pod {
    Pod {
        phase: phase.into(),
        init_containers,
        containers,
        ..Pod::default()
    }
}

fn with(kind: &str, status: &str, reason: &str, pod: Pod) -> Pod {
    let condition = PodCondition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        ..PodCondition::default()
    };
    Pod {
        conditions: vec![condition],
        ..pod
    }
}

#[test]
fn the_column_says_what_kubectl_says() {
    let none = Vec::new;
    let unknown = Container::default;
    let table = [
        ("Pending", pod("Pending", none(), none())),
        ("Pending", pod("Pending", vec![unknown()], vec![unknown()])),
        (
            "SchedulingGated",
            with(
                "PodScheduled",
                "False",
                "SchedulingGated",
                pod("Pending", none(), none()),
            ),
        ),
        (
            "ContainerCreating",
            pod("Pending", none(), vec![waiting("ContainerCreating")]),
        ),
        (
            "CrashLoopBackOff",
            pod("Running", none(), vec![waiting("CrashLoopBackOff")]),
        ),
        (
            "ErrImagePull",
            pod("Pending", none(), vec![running(), waiting("ErrImagePull")]),
        ),
        ("Running", pod("Running", none(), vec![running()])),
        ("Completed", pod("Succeeded", none(), vec![ended("Completed", 0)])),
        ("Error", pod("Failed", none(), vec![ended("Error", 1)])),
        ("ExitCode:3", pod("Failed", none(), vec![ended("", 3)])),
        ("OOMKilled", pod("Failed", none(), vec![ended("OOMKilled", 137)])),
        (
            "NotReady",
            pod("Running", none(), vec![running(), ended("Completed", 0)]),
        ),
        (
            "Running",
            with(
                "Ready",
                "True",
                "",
                pod("Running", none(), vec![running(), ended("Completed", 0)]),
            ),
        ),
        (
            "Init:0/2",
            pod(
                "Pending",
                vec![waiting("PodInitializing"), waiting("PodInitializing")],
                none(),
            ),
        ),
        (
            "Init:1/2",
            pod(
                "Pending",
                vec![ended("Completed", 0), running()],
                vec![waiting("PodInitializing")],
            ),
        ),
        (
            "Init:Error",
            pod("Pending", vec![ended("Error", 1)], vec![waiting("PodInitializing")]),
        ),
        ("Init:ExitCode:2", pod("Pending", vec![ended("", 2)], none())),
        (
            "Init:CrashLoopBackOff",
            pod("Pending", vec![waiting("CrashLoopBackOff")], none()),
        ),
        (
            "PodInitializing",
            pod("Pending", vec![ended("Completed", 0)], vec![waiting("PodInitializing")]),
        ),
        (
            "Running",
            with(
                "Initialized",
                "True",
                "",
                pod("Running", vec![waiting("PodInitializing")], vec![ended("Running", 0)]),
            ),
        ),
    ];
    for (expected, pod) in table {
        assert_eq!(status(&pod, Hints::default()), expected, "{pod:#?}");
    }
}

#[test]
fn reasons_signals_and_ends_decide_too() {
    let reason = |reason| Hints {
        reason,
        ..Hints::default()
    };
    let deleting = |phase: &str| Pod {
        deleting: true,
        ..pod(phase, Vec::new(), Vec::new())
    };
    assert_eq!(
        status(&pod("Failed", Vec::new(), Vec::new()), reason("Evicted")),
        "Evicted"
    );
    assert_eq!(status(&deleting("Running"), reason("NodeLost")), "Unknown");
    assert_eq!(status(&deleting("Running"), reason("")), "Terminating");
    assert_eq!(status(&deleting("Succeeded"), reason("")), "Succeeded");
    let signals = Hints {
        signals: &[("c", 9)],
        ..Hints::default()
    };
    assert_eq!(
        status(&pod("Failed", Vec::new(), vec![ended("", 137)]), signals),
        "Signal:9"
    );
    let sidecars = Hints {
        sidecars: &["r"],
        ..Hints::default()
    };
    assert_eq!(
        status(&pod("Running", vec![running()], vec![running()]), sidecars),
        "Running"
    );
    assert_eq!(
        status(&pod("Running", vec![running()], vec![running()]), Hints::default()),
        "Init:0/1"
    );
}
