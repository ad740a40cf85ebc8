//! Small opaque values that one function makes and another takes: trigger modes, port forwards, probes.

use std::fmt;

use starlark::starlark_simple_value;
use starlark::values::{Heap, NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue, Value, starlark_value};

use crate::model::local::{Probe, ProbeAction};
use crate::model::port::PortForward;
use crate::model::project::Trigger;
use crate::tiltfile::values::action;

macro_rules! token {
    ($name:ident, $of:ty, $type:literal, $empty:expr) => {
        #[derive(Debug, Clone, ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
        pub struct $name(
            #[allocative(skip)]
            #[starlark_pagable(skip = $empty)]
            pub $of,
        );

        starlark_simple_value!($name);
    };
}

token!(TriggerModeValue, Trigger, "TriggerMode", "Trigger::Auto");
token!(PortForwardValue, PortForward, "port_forward", "PortForward::default()");
token!(ProbeValue, Probe, "Probe", "unset_probe()");

/// Only a store of values on disk would ask for this; there is none.
fn unset_probe() -> Probe {
    Probe {
        action: ProbeAction::Exec(Vec::new()),
        initial_delay_secs: 0,
        timeout_secs: 0,
        period_secs: 0,
        success_threshold: 0,
        failure_threshold: 0,
    }
}

#[starlark_value(type = "TriggerMode")]
impl<'v> StarlarkValue<'v> for TriggerModeValue {
    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(TriggerModeValue::from_value(other).is_some_and(|other| other.0 == self.0))
    }

    fn write_hash(&self, hasher: &mut starlark::collections::StarlarkHasher) -> starlark::Result<()> {
        use std::hash::Hash;
        (self.0 == Trigger::Auto).hash(hasher);
        Ok(())
    }
}

impl fmt::Display for TriggerModeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Trigger::Auto => "TRIGGER_MODE_AUTO",
            Trigger::Manual => "TRIGGER_MODE_MANUAL",
        })
    }
}

#[starlark_value(type = "port_forward")]
impl<'v> StarlarkValue<'v> for PortForwardValue {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        match attribute {
            "local_port" => Some(heap.alloc(i32::from(self.0.local))),
            "container_port" => Some(heap.alloc(i32::from(self.0.container))),
            "host" => Some(heap.alloc(self.0.host.as_str())),
            "name" => Some(heap.alloc(self.0.name.as_str())),
            "link_path" => Some(heap.alloc(self.0.path.as_str())),
            _ => None,
        }
    }

    fn dir_attr(&self) -> Vec<String> {
        ["container_port", "host", "link_path", "local_port", "name"]
            .map(String::from)
            .to_vec()
    }
}

impl fmt::Display for PortForwardValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forward = &self.0;
        write!(
            f,
            "port_forward(local_port={}, container_port={}, name={})",
            forward.local,
            forward.container,
            crate::model::quote::quoted(&forward.name)
        )
    }
}

#[starlark_value(type = "Probe")]
impl<'v> StarlarkValue<'v> for ProbeValue {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        action::probe_attribute(&self.0, attribute, heap)
    }

    fn dir_attr(&self) -> Vec<String> {
        action::PROBE_ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect()
    }
}

impl fmt::Display for ProbeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        action::write_record(f, "Probe", action::PROBE_ATTRIBUTES, |name, heap| {
            action::probe_attribute(&self.0, name, heap)
        })
    }
}

/// What `custom_build()` returns: nothing to ask it, only proof that it was called.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
pub struct CustomBuildValue {
    /// In its long form.
    pub name: String,
}

starlark_simple_value!(CustomBuildValue);

impl fmt::Display for CustomBuildValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom_build({})", crate::model::quote::quoted(&self.name))
    }
}

#[starlark_value(type = "custom_build")]
impl<'v> StarlarkValue<'v> for CustomBuildValue {}
