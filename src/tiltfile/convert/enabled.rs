//! Which resources start.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use crate::model::project::Resource;
use crate::model::quote::quoted;
use crate::model::report::Failure;
use crate::model::suggest;
use crate::tiltfile::declared::config::{Config, Enabled};
use crate::tiltfile::run::Run;

/// Objects that belong to no workload; they are there whatever else starts.
const UNCATEGORIZED: &str = "uncategorized";

/// Names of the resources that start, in their order: those that the Tiltfile or else the arguments name, and all that
/// these depend on.
pub fn enabled(run: &Run, resources: &[Resource]) -> Result<Vec<String>, Failure> {
    select(&run.declared.borrow().config, &run.request.args, resources)
}

fn select(config: &Config, arguments: &[String], resources: &[Resource]) -> Result<Vec<String>, Failure> {
    let wanted: &[String] = match &config.enabled {
        Enabled::None => return Ok(Vec::new()),
        Enabled::These(names) => names,
        // Where a Tiltfile reads the arguments itself, they need not be names.
        Enabled::Unsaid if config.parsed_in.is_some() => &[],
        Enabled::Unsaid => arguments,
    };
    if wanted.is_empty() {
        return Ok(resources.iter().map(|resource| resource.name.clone()).collect());
    }
    let selected = with_dependencies(wanted, resources)?;
    let starts = |name: &&String| selected.contains(name.as_str()) || *name == UNCATEGORIZED;
    Ok(resources
        .iter()
        .map(|resource| &resource.name)
        .filter(starts)
        .cloned()
        .collect())
}

fn with_dependencies<'a>(wanted: &'a [String], resources: &'a [Resource]) -> Result<HashSet<&'a str>, Failure> {
    let by_name: HashMap<&str, &Resource> = resources
        .iter()
        .map(|resource| (resource.name.as_str(), resource))
        .collect();
    let unknown: Vec<&str> = wanted
        .iter()
        .map(String::as_str)
        .filter(|name| !by_name.contains_key(name))
        .collect();
    if !unknown.is_empty() {
        return Err(not_found(&unknown, wanted, resources));
    }
    let mut selected = HashSet::new();
    let mut open: Vec<&str> = wanted.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if selected.insert(name)
            && let Some(resource) = by_name.get(name)
        {
            open.extend(resource.deps.iter().map(String::as_str));
        }
    }
    Ok(selected)
}

fn not_found(unknown: &[&str], wanted: &[String], resources: &[Resource]) -> Failure {
    let rest: Vec<&str> = resources
        .iter()
        .map(|resource| resource.name.as_str())
        .filter(|name| !wanted.iter().any(|w| w == name))
        .collect();
    let failure = Failure::whole(format!(
        "You specified some resources that could not be found: {}\nIs this a typo? Existing resources in Tiltfile: {}",
        all_quoted(unknown),
        all_quoted(&rest)
    ));
    let meant: Vec<&str> = unknown
        .iter()
        .filter_map(|name| suggest::nearest(name, rest.iter().copied()))
        .collect();
    match meant.is_empty() {
        true => failure,
        false => failure.hinting(format!("did you mean {}?", suggest::list_of(&meant))),
    }
}

fn all_quoted(names: &[&str]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}
