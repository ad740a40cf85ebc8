//! How pods come up.

use super::*;
use crate::model::time::Time;

fn at(seconds: i64) -> Option<Time> {
    Some(Time::from_micros(seconds * 1_000_000))
}

fn condition(kind: &str, status: &str, why: (&str, &str), since: i64) -> PodCondition {
    PodCondition {
        kind: kind.into(),
        status: status.into(),
        reason: why.0.into(),
        message: why.1.into(),
        since: at(since),
    }
}

fn pod(conditions: Vec<PodCondition>) -> Pod {
    Pod {
        name: "demo-1".into(),
        created: at(100),
        conditions,
        ..Pod::default()
    }
}

#[test]
fn a_pod_is_told_of_once_and_its_conditions_as_they_change() {
    let mut rollout = Rollout::default();
    assert_eq!(rollout.lines(&pod(Vec::new())), [""; 0]);
    let unready = ("ContainersNotReady", "containers with unready status: [web]");
    let up = |ready| {
        vec![
            ready,
            condition("Initialized", "True", ("", ""), 103),
            condition("PodScheduled", "True", ("", ""), 100),
        ]
    };
    let starting = pod(up(condition("Ready", "False", unready, 103)));
    assert_eq!(
        rollout.lines(&starting),
        [
            "",
            "Tracking new pod rollout (demo-1):",
            "     ┊ Scheduled       - <1s",
            "     ┊ Initialized     - 3s",
            "     ┃ Not Ready       - (ContainersNotReady): containers with unready status: [web]",
        ]
    );
    assert_eq!(rollout.lines(&starting), [""; 0]);
    let ready = pod(up(condition("Ready", "True", ("", ""), 168)));
    assert_eq!(rollout.lines(&ready), ["     ┊ Ready           - 1m5s"]);
    let ending = Pod {
        deleting: true,
        ..starting
    };
    assert_eq!(rollout.lines(&ending), [""; 0]);
}

#[test]
fn a_pod_that_no_node_takes_says_why() {
    let refused = ("Unschedulable", "0/1 nodes are available");
    let lines = Rollout::default().lines(&pod(vec![condition("PodScheduled", "False", refused, 100)]));
    assert_eq!(
        lines[2],
        "     ┃ Not Scheduled   - (Unschedulable): 0/1 nodes are available"
    );
}
