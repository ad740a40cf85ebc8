//! `/metrics`: a few numbers in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::api::context::Context;
use crate::model::object::KINDS;

pub fn text(context: &Context) -> String {
    let snapshot = context.snapshot();
    let counters = &context.counters;
    let mut text = String::new();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let mut one = |(name, kind): (&str, &str), help: &str, value: u64| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    };
    one(
        ("tilt_api_requests_total", "counter"),
        "Requests that were answered or refused.",
        read(&counters.requests),
    );
    one(
        ("tilt_api_failed_requests_total", "counter"),
        "Requests that were answered with a code of 400 or more.",
        read(&counters.failures),
    );
    one(
        ("tilt_api_writes_total", "counter"),
        "Changes that the engine was asked for.",
        read(&counters.writes),
    );
    one(
        ("tilt_api_watch_events_total", "counter"),
        "Changes that watches were told of.",
        read(&counters.events),
    );
    one(
        ("tilt_api_watches", "gauge"),
        "Watches that are open.",
        read(&counters.watches),
    );
    one(
        ("tilt_api_connections", "gauge"),
        "Connections that are open.",
        read(&counters.connections),
    );
    one(
        ("tilt_api_resource_version", "gauge"),
        "Version of the latest change of any object.",
        snapshot.table.version(),
    );
    text.push_str("# HELP tilt_api_objects Objects by kind.\n# TYPE tilt_api_objects gauge\n");
    for kind in KINDS {
        let count = snapshot.table.list(kind).len();
        let _ = writeln!(text, "tilt_api_objects{{kind=\"{}\"}} {count}", kind.name);
    }
    text
}
