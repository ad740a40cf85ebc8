//! `/metrics`: a few numbers in the text format of Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::api::context::{Context, Counters};
use crate::model::object::KINDS;

/// Name, kind, help, and where the number stands.
type Metric = (&'static str, &'static str, &'static str, fn(&Counters) -> &AtomicU64);

const METRICS: [Metric; 6] = [
    (
        "tilt_api_requests_total",
        "counter",
        "Requests that were answered or refused.",
        |counters| &counters.requests,
    ),
    (
        "tilt_api_failed_requests_total",
        "counter",
        "Requests that were answered with a code of 400 or more.",
        |counters| &counters.failures,
    ),
    (
        "tilt_api_writes_total",
        "counter",
        "Changes that the engine was asked for.",
        |counters| &counters.writes,
    ),
    (
        "tilt_api_watch_events_total",
        "counter",
        "Changes that watches were told of.",
        |counters| &counters.events,
    ),
    ("tilt_api_watches", "gauge", "Watches that are open.", |counters| {
        &counters.watches
    }),
    (
        "tilt_api_connections",
        "gauge",
        "Connections that are open.",
        |counters| &counters.connections,
    ),
];

pub fn text(context: &Context) -> String {
    let snapshot = context.snapshot();
    let mut text = String::new();
    for (name, kind, help, counter) in METRICS {
        one(
            &mut text,
            (name, kind, help),
            counter(&context.counters).load(Ordering::Relaxed),
        );
    }
    let version = (
        "tilt_api_resource_version",
        "gauge",
        "Version of the latest change of any object.",
    );
    one(&mut text, version, snapshot.table.version());
    text.push_str("# HELP tilt_api_objects Objects by kind.\n# TYPE tilt_api_objects gauge\n");
    for kind in KINDS {
        let count = snapshot.table.list(kind).len();
        text.push_str(&format!("tilt_api_objects{{kind=\"{}\"}} {count}\n", kind.name));
    }
    text
}

fn one(text: &mut String, (name, kind, help): (&str, &str, &str), value: u64) {
    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
}
