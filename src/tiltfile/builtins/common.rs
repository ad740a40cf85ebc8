//! Arguments that several functions take and read alike: what resources and images have in common.

use std::collections::BTreeSet;

use starlark::values::Value;

use crate::model::filter::{Ignore, Matcher};
use crate::model::image::Reference;
use crate::model::label;
use crate::model::link::Link;
use crate::model::port::PortForward;
use crate::model::project::{Init, Trigger};
use crate::model::quote::quoted;
use crate::tiltfile::call::{Call, Flag, Mismatch, unpack_string, unpack_strings, unpack_text};
use crate::tiltfile::function::Fault;
use crate::tiltfile::print;
use crate::tiltfile::values::record::Struct;
use crate::tiltfile::values::token::{PortForwardValue, TriggerModeValue};

/// A name for a resource: a segment of a path.
pub fn resource_name(call: &Call, param: &str) -> Result<String, Fault> {
    let name = call.read(param, |value| {
        let name = unpack_string(value)?;
        label::check_name(&name).map_err(|error| error.to_string())?;
        Ok(name)
    })?;
    Ok(name.unwrap_or_default())
}

/// Refuses a name that another resource has already.
pub fn check_name_is_free(call: &Call, name: &str) -> Result<(), Fault> {
    match call.run.declared.borrow().owner_of(name) {
        None => Ok(()),
        Some(function) => Err(Fault::Said(format!("{function} named {} already exists", quoted(name)))),
    }
}

/// Labels, each of which is a valid one.
pub fn labels(call: &Call, param: &str) -> Result<BTreeSet<String>, Fault> {
    let labels = call.read(param, |value| {
        let labels = unpack_strings(value)?;
        for label in &labels {
            label::check_label(label).map_err(|error| error.to_string())?;
        }
        Ok(labels)
    })?;
    Ok(labels.unwrap_or_default().into_iter().collect())
}

/// Links: texts, values of `link()`, or a list of them.
pub fn links(call: &Call, param: &str) -> Result<Vec<Link>, Fault> {
    let values = call.one_or_many(param).into_iter();
    values
        .map(|value| unpack_link(value).map_err(|mismatch| call.wrong(param, mismatch)))
        .collect()
}

/// A link from a text or from what `link()` returns.
pub fn unpack_link(value: Value) -> Result<Link, Mismatch> {
    if let Ok(url) = unpack_text(value) {
        return Link::parse(&url, "").map_err(|error| error.to_string());
    }
    let unfit = || {
        format!(
            "a link must be a string, a link(), or a list of those; found {} (a {})",
            print::repr(value),
            value.get_type()
        )
    };
    let fields = Struct::from_value(value).ok_or_else(unfit)?;
    let text = |name: &str| {
        fields
            .fields()
            .find(|(field, _)| *field == name)
            .and_then(|(_, value)| value.unpack_str())
    };
    let url = text("url").ok_or_else(unfit)?;
    Link::parse(url, text("name").unwrap_or_default()).map_err(|error| error.to_string())
}

/// Names of resources that have to be ready first.
pub fn resource_deps(call: &Call, param: &str) -> Result<Vec<String>, Fault> {
    call.strings(param)
}

/// What `trigger_mode=` says, if it was given.
pub fn trigger(call: &Call) -> Result<Option<Trigger>, Fault> {
    call.read("trigger_mode", |value| match TriggerModeValue::from_value(value) {
        Some(mode) => Ok(mode.0),
        None => Err(format!(
            "got {}, want TriggerMode: TRIGGER_MODE_AUTO or TRIGGER_MODE_MANUAL",
            value.get_type()
        )),
    })
}

/// What `auto_init=` says.
pub fn init(call: &Call) -> Result<Init, Fault> {
    Ok(match call.flag("auto_init", Flag::On)? {
        true => Init::Auto,
        false => Init::Manual,
    })
}

/// Port forwards: numbers, texts, values of `port_forward()`, or a list of them.
pub fn port_forwards(call: &Call, param: &str) -> Result<Vec<PortForward>, Fault> {
    let values = call.one_or_many(param).into_iter();
    values
        .map(|value| unpack_port_forward(value).map_err(|mismatch| call.wrong(param, mismatch)))
        .collect()
}

fn unpack_port_forward(value: Value) -> Result<PortForward, Mismatch> {
    if let Some(forward) = PortForwardValue::from_value(value) {
        return Ok(forward.0.clone());
    }
    if let Ok(text) = unpack_text(value) {
        return PortForward::parse(&text).map_err(|error| error.to_string());
    }
    match crate::tiltfile::call::unpack_int(value) {
        Ok(number) => PortForward::from_number(number).map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "a port forward must be an int, a string, a port_forward(), or a list of those; found {} (a {})",
            print::repr(value),
            value.get_type()
        )),
    }
}

/// Patterns in the syntax of `.dockerignore`, checked to be some.
pub fn patterns(call: &Call, param: &str) -> Result<Vec<String>, Fault> {
    let patterns = lines(call, param)?;
    let ignore = Ignore::patterns("/", patterns.iter().cloned());
    Matcher::new(&ignore).map_err(|error| Fault::Said(format!("{param}: {error}")))?;
    Ok(patterns)
}

/// Texts of one line each.
pub fn lines(call: &Call, param: &str) -> Result<Vec<String>, Fault> {
    call.one_or_many(param)
        .into_iter()
        .map(|value| line(param, value))
        .collect()
}

fn line(param: &str, value: Value) -> Result<String, Fault> {
    let Some(text) = value.unpack_str() else {
        let found = value.get_type();
        return Err(Fault::Said(format!(
            "{param} must be a string or a sequence of strings; found a {found}"
        )));
    };
    if text.contains('\n') {
        let shown = quoted(text);
        return Err(Fault::Said(format!(
            "{param} cannot contain newlines; found {param}: {shown}"
        )));
    }
    Ok(text.to_owned())
}

/// The image that the first argument names.
pub fn first_reference(call: &Call, param: &str) -> Result<Reference, Fault> {
    let text = call.string_or(param, "")?;
    Reference::parse(&text)
        .map_err(|error| Fault::Said(format!("Argument 1 ({param}): can't parse {}: {error}", quoted(&text))))
}

/// References to images.
pub fn references(call: &Call, param: &str) -> Result<Vec<Reference>, Fault> {
    let references = call.read(param, |value| {
        let texts = unpack_strings(value)?;
        texts.iter().map(|text| unpack_reference(text)).collect()
    })?;
    Ok(references.unwrap_or_default())
}

fn unpack_reference(text: &str) -> Result<Reference, Mismatch> {
    Reference::parse(text).map_err(|error| format!("can't parse {}: {error}", quoted(text)))
}
