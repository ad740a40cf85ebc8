//! Readiness probes.

use starlark::values::{StarlarkValue, Value};

use crate::model::local::{Probe, ProbeAction};
use crate::tiltfile::call::{Call, Mismatch, unpack_sequence, unpack_text};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::tiltfile::values::action::{ExecAction, HttpGetAction, TcpSocketAction};
use crate::tiltfile::values::token::ProbeValue;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "probe",
        params: &[
            Param::nullable("initial_delay_secs", "int", "0"),
            Param::nullable("timeout_secs", "int", "1"),
            Param::nullable("period_secs", "int", "10"),
            Param::nullable("success_threshold", "int", "1"),
            Param::nullable("failure_threshold", "int", "3"),
            Param::nullable("exec", "ExecAction", "None"),
            Param::nullable("http_get", "HTTPGetAction", "None"),
            Param::nullable("tcp_socket", "TCPSocketAction", "None"),
        ],
        rest: Rest::Refused,
        returns: "Probe",
        doc: "How to find out whether a served process is ready: exactly one of `exec`, `http_get` and `tcp_socket`, tried every `period_secs` seconds.",
        body: probe,
    },
    Builtin {
        name: "exec_action",
        params: &[Param::required("command", "list[str]")],
        rest: Rest::Refused,
        returns: "ExecAction",
        doc: "A probe that succeeds if this command does.",
        body: exec_action,
    },
    Builtin {
        name: "http_get_action",
        params: &[
            Param::required("port", "int"),
            Param::nullable("host", "str", "''"),
            Param::nullable("scheme", "str", "'http'"),
            Param::nullable("path", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "HTTPGetAction",
        doc: "A probe that succeeds if this URL answers with a status from 200 to 399.",
        body: http_get_action,
    },
    Builtin {
        name: "tcp_socket_action",
        params: &[Param::required("port", "int"), Param::nullable("host", "str", "''")],
        rest: Rest::Refused,
        returns: "TCPSocketAction",
        doc: "A probe that succeeds if something listens on this port.",
        body: tcp_socket_action,
    },
];

fn probe<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let actions = [
        action(call, "exec", ExecAction::from_value, |found| found.0.clone())?,
        action(call, "http_get", HttpGetAction::from_value, |found| found.0.clone())?,
        action(call, "tcp_socket", TcpSocketAction::from_value, |found| found.0.clone())?,
    ];
    let mut actions = actions.into_iter().flatten();
    let (Some(action), None) = (actions.next(), actions.next()) else {
        return Err("exactly one of exec, http_get, or tcp_socket must be specified".into());
    };
    let number = |name: &str| Ok::<i32, Fault>(call.read(name, int32)?.unwrap_or_default());
    let probe = Probe {
        action,
        initial_delay_secs: number("initial_delay_secs")?,
        timeout_secs: number("timeout_secs")?,
        period_secs: number("period_secs")?,
        success_threshold: number("success_threshold")?,
        failure_threshold: number("failure_threshold")?,
    };
    Ok(call.alloc(ProbeValue(probe)))
}

/// The action that a parameter holds, if it is one of the parameter's kind.
fn action<'v, T: StarlarkValue<'v>>(
    call: &Call<'v, '_, '_, '_>,
    name: &str,
    kind: impl Fn(Value<'v>) -> Option<&'v T>,
    read: impl Fn(&T) -> ProbeAction,
) -> Result<Option<ProbeAction>, Fault> {
    call.read(name, |value| match kind(value) {
        Some(found) => Ok(read(found)),
        None => Err(format!("got {}, want {}", value.get_type(), T::TYPE)),
    })
}

fn int32(value: Value) -> Result<i32, Mismatch> {
    if value.get_type() != "int" {
        return Err(format!("got {}, want int", value.get_type()));
    }
    value
        .unpack_i32()
        .ok_or_else(|| format!("{value} out of range for 32-bit signed integer"))
}

fn exec_action<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let words = call.read("command", words)?.unwrap_or_default();
    Ok(call.alloc(ExecAction(ProbeAction::Exec(words))))
}

/// A string alone is refused: nothing would split it into words.
fn words(value: Value) -> Result<Vec<String>, Mismatch> {
    let items = unpack_sequence(value).map_err(|_| {
        format!(
            "value should be a List or Tuple of strings, but is of type {}",
            value.get_type()
        )
    })?;
    let word = |item| {
        unpack_text(item).map_err(|_| {
            let shown = print::repr(item);
            format!(
                "value should be a List or Tuple of strings, but contains an element {shown} of type {}",
                item.get_type()
            )
        })
    };
    items.into_iter().map(word).collect()
}

fn http_get_action<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    Ok(call.alloc(HttpGetAction(ProbeAction::HttpGet {
        port: call.read("port", int32)?.unwrap_or_default(),
        host: call.string_or("host", "")?,
        scheme: call.string_or("scheme", "")?.to_uppercase(),
        path: call.string_or("path", "")?,
        headers: Vec::new(),
    })))
}

fn tcp_socket_action<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    Ok(call.alloc(TcpSocketAction(ProbeAction::TcpSocket {
        port: call.read("port", int32)?.unwrap_or_default(),
        host: call.string_or("host", "")?,
    })))
}

#[cfg(test)]
mod tests;
