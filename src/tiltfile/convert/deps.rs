//! What resources say they depend on: only resources that are there, and never in a circle.

#[cfg(test)]
pub mod tests;

use std::collections::{HashMap, HashSet};

use crate::model::project::Resource;
use crate::model::report::Failure;
use crate::model::suggest;
use crate::tiltfile::run::Run;

/// Drops dependencies on unknown resources with a warning; refuses those that could never be satisfied.
pub fn validate_deps(run: &Run, resources: &mut [Resource]) -> Result<(), Failure> {
    drop_unknown(resources, |warning| run.warn(warning))?;
    match cycle(resources) {
        None => Ok(()),
        Some(names) => Err(Failure::whole(format!(
            "cycle detected in resource dependency graph: {}",
            names.join(" -> ")
        ))),
    }
}

fn drop_unknown(resources: &mut [Resource], warn: impl Fn(String)) -> Result<(), Failure> {
    let names: Vec<String> = resources.iter().map(|resource| resource.name.clone()).collect();
    let known: HashSet<&str> = names.iter().map(String::as_str).collect();
    for resource in resources {
        let name = &resource.name;
        if resource.deps.contains(name) {
            return Err(Failure::whole(format!(
                "resource {name} specified a dependency on itself"
            )));
        }
        resource.deps.retain(|dep| {
            if known.contains(dep.as_str()) {
                return true;
            }
            let others = names.iter().filter(|other| *other != name).map(String::as_str);
            let meant = suggest::did_you_mean(dep, others);
            warn(format!(
                "resource {name} specified a dependency on unknown resource {dep} - dependency ignored{meant}"
            ));
            false
        });
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    OnPath,
    Done,
}

/// The first circle that there is, as names from one resource back to itself. Without recursion: chains can be long.
fn cycle(resources: &[Resource]) -> Option<Vec<&str>> {
    let index: HashMap<&str, usize> = resources
        .iter()
        .enumerate()
        .map(|(i, resource)| (resource.name.as_str(), i))
        .collect();
    let mut visits = vec![Visit::New; resources.len()];
    for start in 0..resources.len() {
        if visits[start] != Visit::New {
            continue;
        }
        visits[start] = Visit::OnPath;
        // Each resource on the way, with how many of its dependencies were looked at.
        let mut path = vec![(start, 0)];
        while let Some((at, looked_at)) = path.last_mut() {
            let Some(dep) = resources[*at].deps.get(*looked_at) else {
                visits[*at] = Visit::Done;
                path.pop();
                continue;
            };
            *looked_at += 1;
            let Some(&next) = index.get(dep.as_str()) else {
                continue;
            };
            match visits[next] {
                Visit::Done => {}
                Visit::New => {
                    visits[next] = Visit::OnPath;
                    path.push((next, 0));
                }
                Visit::OnPath => {
                    let circle = path
                        .iter()
                        .map(|(at, _)| *at)
                        .skip_while(|at| *at != next)
                        .chain([next]);
                    return Some(circle.map(|at| resources[at].name.as_str()).collect());
                }
            }
        }
    }
    None
}
