//! Options of Kubernetes resources.

use starlark::docs::{DocItem, DocMember};
use starlark::values::Value;
use starlark::values::dict::DictRef;

use crate::model::link::Url;
use crate::model::port::{PortForward, checked};
use crate::model::quote::quoted;
use crate::model::workload::{DiscoveryStrategy, PodReadiness};
use crate::tiltfile::builtins::common;
use crate::tiltfile::call::{Call, Mismatch, unpack_string};
use crate::tiltfile::declared::kube::{Naming, Options};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::tiltfile::values::token::PortForwardValue;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "k8s_resource",
        params: &[
            Param::optional("workload", "str", "''"),
            Param::optional("new_name", "str", "''"),
            Param::optional("port_forwards", "int | str | port_forward | list", "[]"),
            Param::optional("extra_pod_selectors", "dict[str, str] | list[dict[str, str]]", "[]"),
            Param::nullable("trigger_mode", "TriggerMode", "TRIGGER_MODE_AUTO"),
            Param::optional("resource_deps", "list[str]", "[]"),
            Param::optional("objects", "list[str]", "[]"),
            Param::nullable("auto_init", "bool", "True"),
            Param::optional("pod_readiness", "str", "''"),
            Param::optional("links", "str | link | list", "[]"),
            Param::optional("labels", "str | list[str]", "[]"),
            Param::optional("discovery_strategy", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "Says how a Kubernetes resource behaves: its name, port forwards, dependencies, labels. With `new_name` and `objects` \
              but no workload, makes a resource of objects that have no pods. Several calls for one resource add up.",
        body: k8s_resource,
    },
    Builtin {
        name: "port_forward",
        params: &[
            Param::required("local_port", "int"),
            Param::optional("container_port", "int", "0"),
            Param::optional("name", "str", "''"),
            Param::optional("link_path", "str", "''"),
            Param::optional("host", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "port_forward",
        doc: "A port of this machine that leads to a port of a pod. Without a container port: the same number if the pod has it, \
              else its first port.",
        body: port_forward,
    },
    Builtin {
        name: "workload_to_resource_function",
        params: &[Param::required("func", "function").or("fn")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Names Kubernetes resources: the function gets an id with `name`, `kind`, `namespace` and `group` of each workload and \
              returns a name, which has to be unique.",
        body: workload_to_resource_function,
    },
];

/// Under this name, which no program can spell, a module keeps the function that names resources.
pub const NAMING_FUNCTION: &str = "function that names resources";

fn k8s_resource<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let workload = call.string_or("workload", "")?;
    let new_name = call.string_or("new_name", "")?;
    let name = if workload.is_empty() { &new_name } else { &workload };
    if name.is_empty() {
        return Err(
            "Resource name missing. Must give a name for an existing resource or a new_name to create a new resource."
                .into(),
        );
    }
    let init = match call.is_given("auto_init") {
        true => Some(common::init(call)?),
        false => None,
    };
    let options = Options {
        port_forwards: port_forwards(call, name)?,
        extra_selectors: extra_selectors(call)?,
        trigger: common::trigger(call)?,
        init,
        deps: call.strings("resource_deps")?,
        objects: call.strings("objects")?,
        readiness: call.read("pod_readiness", unpack_readiness)?.flatten(),
        links: common::links(call, "links")?,
        labels: common::labels(call, "labels")?.into_iter().collect(),
        discovery: call.read("discovery_strategy", unpack_discovery)?.unwrap_or_default(),
        frames: call.frames(),
        new_name: match new_name.is_empty() {
            true => new_name,
            false => common::resource_name(call, "new_name")?,
        },
        workload,
    };
    call.run.declared.borrow_mut().kube.options.push(options);
    call.none()
}

fn port_forwards(call: &Call, name: &str) -> Result<Vec<PortForward>, Fault> {
    common::port_forwards(call, "port_forwards").map_err(|fault| match fault {
        Fault::Said(message) => {
            let prefix = format!("{}: for parameter \"port_forwards\": ", call.builtin.name);
            let message = message.strip_prefix(&prefix).unwrap_or(&message);
            Fault::Said(format!("k8s_resource {}: {message}", quoted(name)))
        }
        raised => raised,
    })
}

/// Pods beyond those that the resource's objects own: one dict of labels, or several.
fn extra_selectors(call: &Call) -> Result<Vec<Vec<(String, String)>>, Fault> {
    let mut selectors = Vec::new();
    for value in call.one_or_many("extra_pod_selectors") {
        let selector = unpack_selector(value).map_err(Fault::Said)?;
        if !selector.is_empty() {
            selectors.push(selector);
        }
    }
    Ok(selectors)
}

fn unpack_selector(value: Value) -> Result<Vec<(String, String)>, Mismatch> {
    let dict = DictRef::from_value(value)
        .ok_or_else(|| format!("pod labels elements must be dicts; got {}", value.get_type()))?;
    let text = |value: Value, what: &str| {
        unpack_string(value).map_err(|_| {
            format!(
                "pod label {what} must be strings; got '{}' of type {}",
                print::display(value),
                value.get_type()
            )
        })
    };
    dict.iter()
        .map(|(key, value)| Ok((text(key, "keys")?, text(value, "values")?)))
        .collect()
}

/// `None` for a text that says nothing.
pub fn unpack_readiness(value: Value) -> Result<Option<PodReadiness>, Mismatch> {
    let text = unpack_string(value).map_err(|_| format!("Must be a string. Got: {}", value.get_type()))?;
    match text.as_str() {
        "" => Ok(None),
        "ignore" => Ok(Some(PodReadiness::Ignore)),
        "wait" => Ok(Some(PodReadiness::Wait)),
        "succeeded" => Ok(Some(PodReadiness::Succeeded)),
        other => Err(format!(
            "Invalid value. Allowed: {{ignore, wait, succeeded}}. Got: {other}"
        )),
    }
}

fn unpack_discovery(value: Value) -> Result<DiscoveryStrategy, Mismatch> {
    match unpack_string(value)?.as_str() {
        "" => Ok(DiscoveryStrategy::Unset),
        "default" => Ok(DiscoveryStrategy::Default),
        "selectors-only" => Ok(DiscoveryStrategy::SelectorsOnly),
        _ => Err("Invalid. Must be one of: \"default\", \"selectors-only\"".to_owned()),
    }
}

fn port_forward<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let port = |name: &str| -> Result<u16, Fault> { checked(call.int(name)?.unwrap_or(0)).map_err(Fault::said) };
    let path = call.string_or("link_path", "")?;
    Url::parse(&path).map_err(|error| Fault::Said(format!("parsing `path` param: {error}")))?;
    Ok(call.alloc(PortForwardValue(PortForward {
        local: port("local_port")?,
        container: port("container_port")?,
        host: call.string_or("host", "")?,
        name: call.string_or("name", "")?,
        path: path.trim_start_matches('/').to_owned(),
    })))
}

fn workload_to_resource_function<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let function = call.required("func");
    if function.get_type() != "function" {
        return Err(call.wrong("func", format!("got {}, want function", function.get_type())));
    }
    let name = print::repr(function);
    let name = name.trim_start_matches("<function ").trim_end_matches('>').to_owned();
    let takes = parameter_count(function);
    if takes != 1 {
        return Err(Fault::Said(format!(
            "workload_to_resource_function arg must take 1 argument. {name} takes {takes}"
        )));
    }
    call.eval.module().set(NAMING_FUNCTION, function);
    call.run.declared.borrow_mut().kube.naming = Some(Naming {
        file: call.run.current_file(),
        position: call.position(),
        function: name,
    });
    call.none()
}

fn parameter_count(function: Value) -> usize {
    match function.documentation() {
        DocItem::Member(DocMember::Function(function)) => {
            let params = &function.params;
            params.pos_only.len() + params.pos_or_named.len() + params.named_only.len()
        }
        _ => 1,
    }
}
