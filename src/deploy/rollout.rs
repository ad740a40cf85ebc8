//! Pure. How a pod comes up, as lines of the log: each of its conditions once, and again when it changes.

use std::time::Duration;

use crate::model::pod::{Pod, PodCondition};

/// What was told of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    is_announced: bool,
    /// Kind and status of conditions.
    told: Vec<(Box<str>, Box<str>)>,
}

const STAGES: [(&str, &str); 3] = [
    ("PodScheduled", "Scheduled"),
    ("Initialized", "Initialized"),
    ("Ready", "Ready"),
];

impl Rollout {
    /// What is new since the last call, each a line of its own.
    pub fn lines(&mut self, pod: &Pod) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, (kind, title)) in STAGES.iter().enumerate() {
            let Some(condition) = pod.conditions.iter().find(|condition| *condition.kind == **kind) else {
                continue;
            };
            if !self.is_news(pod, condition) {
                continue;
            }
            // A pod is not ready and not initialized for a start: that is no news as long as nobody says why.
            let line = match &*condition.status {
                "True" => Some(format!(
                    "     ┊ {title:<15} - {}",
                    took(&elapsed(pod, index, condition))
                )),
                _ => refusal(condition).map(|why| format!("     ┃ {:<15} - {why}", format!("Not {title}"))),
            };
            if let Some(line) = line {
                self.remember(condition);
                lines.push(line);
            }
        }
        if !lines.is_empty() && !std::mem::replace(&mut self.is_announced, true) {
            lines.splice(
                0..0,
                [String::new(), format!("Tracking new pod rollout ({}):", pod.name)],
            );
        }
        lines
    }

    fn is_news(&self, pod: &Pod, condition: &PodCondition) -> bool {
        let told = self.told.iter().find(|(kind, _)| *kind == condition.kind);
        // Whatever goes and whatever is done is ready no more, and that is as it should be.
        let is_ending = pod.deleting || pod.has_ended();
        told.is_none_or(|(_, status)| *status != condition.status) && !(is_ending && &*condition.status != "True")
    }

    fn remember(&mut self, condition: &PodCondition) {
        self.told.retain(|(kind, _)| *kind != condition.kind);
        self.told.push((condition.kind.clone(), condition.status.clone()));
    }
}

fn refusal(condition: &PodCondition) -> Option<String> {
    match (&*condition.reason, &*condition.message) {
        ("", _) => None,
        (reason, "") => Some(format!("({reason})")),
        (reason, message) => Some(format!("({reason}): {message}")),
    }
}

/// Since the stage before, or since the pod exists.
fn elapsed(pod: &Pod, stage: usize, condition: &PodCondition) -> Duration {
    let earlier = STAGES[..stage].iter().filter_map(|(kind, _)| {
        let mut known = pod
            .conditions
            .iter()
            .filter(|known| *known.kind == **kind && &*known.status == "True");
        known.find_map(|known| known.since)
    });
    let before = earlier.chain(pod.created).max();
    match (condition.since, before) {
        (Some(since), Some(before)) => since.since(before),
        _ => Duration::ZERO,
    }
}

/// The cluster counts in seconds.
fn took(elapsed: &Duration) -> String {
    match elapsed.as_secs() {
        0 => "<1s".to_owned(),
        seconds @ 1..60 => format!("{seconds}s"),
        seconds => match (seconds / 60, seconds % 60) {
            (minutes, 0) => format!("{minutes}m"),
            (minutes, seconds) => format!("{minutes}m{seconds}s"),
        },
    }
}

#[cfg(test)]
#[path = "rollout_tests.rs"]
mod tests;
