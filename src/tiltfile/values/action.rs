//! What a probe does, as `exec_action()` and its like return it: attributes to read, and nothing else.

use std::fmt;

use starlark::starlark_simple_value;
use starlark::values::{Heap, NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue, Value, starlark_value};

use crate::model::local::{Probe, ProbeAction};
use crate::tiltfile::print;

macro_rules! action {
    ($name:ident, $type:literal) => {
        #[derive(Debug, Clone, ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
        pub struct $name(
            #[allocative(skip)]
            #[starlark_pagable(skip = "ProbeAction::Exec(Vec::new())")]
            pub ProbeAction,
        );

        starlark_simple_value!($name);

        #[starlark_value(type = $type)]
        impl<'v> StarlarkValue<'v> for $name {
            fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
                action_attribute(&self.0, attribute, heap)
            }

            fn dir_attr(&self) -> Vec<String> {
                action_attributes(&self.0)
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_record(f, $type, action_attributes(&self.0), |name, heap| {
                    action_attribute(&self.0, name, heap)
                })
            }
        }
    };
}

action!(ExecAction, "ExecAction");
action!(HttpGetAction, "HTTPGetAction");
action!(TcpSocketAction, "TCPSocketAction");

fn action_attributes(action: &ProbeAction) -> &'static [&'static str] {
    match action {
        ProbeAction::Exec(_) => &["command"],
        ProbeAction::HttpGet { .. } => &["host", "path", "port", "scheme"],
        ProbeAction::TcpSocket { .. } => &["host", "port"],
    }
}

fn action_attribute<'v>(action: &ProbeAction, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
    match (action, attribute) {
        (ProbeAction::Exec(words), "command") => Some(heap.alloc(words.clone())),
        (ProbeAction::HttpGet { host, .. } | ProbeAction::TcpSocket { host, .. }, "host") => {
            Some(heap.alloc(host.as_str()))
        }
        (ProbeAction::HttpGet { port, .. } | ProbeAction::TcpSocket { port, .. }, "port") => Some(heap.alloc(*port)),
        (ProbeAction::HttpGet { scheme, .. }, "scheme") => Some(heap.alloc(scheme.as_str())),
        (ProbeAction::HttpGet { path, .. }, "path") => Some(heap.alloc(path.as_str())),
        _ => None,
    }
}

pub const PROBE_ATTRIBUTES: &[&str] = &[
    "exec",
    "failure_threshold",
    "http_get",
    "initial_delay_secs",
    "period_secs",
    "success_threshold",
    "tcp_socket",
    "timeout_secs",
];

pub fn probe_attribute<'v>(probe: &Probe, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
    let action = probe.action.clone();
    match (attribute, &action) {
        ("exec", ProbeAction::Exec(_)) => Some(heap.alloc(ExecAction(action))),
        ("http_get", ProbeAction::HttpGet { .. }) => Some(heap.alloc(HttpGetAction(action))),
        ("tcp_socket", ProbeAction::TcpSocket { .. }) => Some(heap.alloc(TcpSocketAction(action))),
        ("exec" | "http_get" | "tcp_socket", _) => Some(Value::new_none()),
        ("initial_delay_secs", _) => Some(heap.alloc(probe.initial_delay_secs)),
        ("timeout_secs", _) => Some(heap.alloc(probe.timeout_secs)),
        ("period_secs", _) => Some(heap.alloc(probe.period_secs)),
        ("success_threshold", _) => Some(heap.alloc(probe.success_threshold)),
        ("failure_threshold", _) => Some(heap.alloc(probe.failure_threshold)),
        _ => None,
    }
}

/// `"Type"(name = value, …)`, as a struct of that name prints.
pub fn write_record(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    names: &[&str],
    value: impl for<'v> Fn(&str, Heap<'v>) -> Option<Value<'v>>,
) -> fmt::Result {
    let fields = Heap::temp(|heap| {
        let field = |name: &&str| value(name, heap).map(|value| format!("{name} = {}", print::repr(value)));
        names.iter().filter_map(field).collect::<Vec<String>>()
    });
    write!(f, "{title:?}({})", fields.join(", "))
}
