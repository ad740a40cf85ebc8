//! Kinds of workloads that need no `k8s_kind()`: jobs, which are done when they are done.

use std::sync::LazyLock;

use crate::model::kube::{ObjectMatcher, Patterns};
use crate::model::workload::{ObjectSelector, PodReadiness};
use crate::tiltfile::declared::kube::Kind;

static JOBS: LazyLock<[Kind; 2]> = LazyLock::new(|| {
    // Both patterns match a CronJob, which therefore counts as one that nobody waits for.
    [
        kind("Job", PodReadiness::Succeeded),
        kind("CronJob", PodReadiness::Ignore),
    ]
});

pub fn builtin() -> &'static [Kind] {
    &*JOBS
}

fn kind(name: &str, readiness: PodReadiness) -> Kind {
    let patterns = Patterns {
        api_version: "batch/v1",
        kind: name,
        ..Patterns::default()
    };
    Kind {
        selector: ObjectSelector {
            api_version: "(?i)batch/v1".to_owned(),
            kind: format!("(?i){name}"),
            ..ObjectSelector::default()
        },
        matcher: ObjectMatcher::partial(patterns).expect("two plain words are patterns"),
        locators: Vec::new(),
        readiness: Some(readiness),
    }
}
