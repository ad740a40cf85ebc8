//! Pure. The order in which resources are deleted: the last defined first, but whoever depends on one before it.

use std::collections::BTreeSet;

use crate::model::project::{Project, Resource};

/// The enabled resources of a project, in that order.
pub fn of_deletion(project: &Project) -> Vec<&Resource> {
    let last_first: Vec<&Resource> = project
        .resources
        .iter()
        .rev()
        .filter(|resource| project.enabled.contains(&resource.name))
        .collect();
    let mut order = Order {
        all: &last_first,
        seen: BTreeSet::new(),
        ordered: Vec::with_capacity(last_first.len()),
    };
    last_first.iter().for_each(|resource| order.add(resource));
    order.ordered
}

struct Order<'p, 'a> {
    all: &'a [&'p Resource],
    seen: BTreeSet<&'p str>,
    ordered: Vec<&'p Resource>,
}

impl<'p> Order<'p, '_> {
    fn add(&mut self, resource: &'p Resource) {
        if !self.seen.insert(&resource.name) {
            return;
        }
        let all = self.all;
        for dependent in all.iter().filter(|other| other.deps.contains(&resource.name)) {
            self.add(dependent);
        }
        self.ordered.push(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::project::{Target, TriggerMode};

    fn resource(name: &str, deps: &[&str]) -> Resource {
        Resource {
            name: name.to_owned(),
            images: Vec::new(),
            target: Target::Local(Box::default()),
            trigger: TriggerMode::Auto,
            deps: deps.iter().map(|dep| (*dep).to_owned()).collect(),
            labels: BTreeSet::new(),
            source: String::new(),
        }
    }

    fn order(resources: &[(&str, &[&str])], enabled: &[&str]) -> Vec<String> {
        let project = Project {
            resources: resources.iter().map(|(name, deps)| resource(name, deps)).collect(),
            enabled: enabled.iter().map(|name| (*name).to_owned()).collect(),
            ..Project::default()
        };
        of_deletion(&project)
            .iter()
            .map(|resource| resource.name.clone())
            .collect()
    }

    #[test]
    fn the_last_goes_first_unless_somebody_still_depends_on_it() {
        let none: &[&str] = &[];
        let resources = [("a", none), ("b", &["d"]), ("c", &["a"]), ("d", none), ("e", none)];
        assert_eq!(order(&resources, &["a", "b", "c", "d", "e"]), ["e", "b", "d", "c", "a"]);
        assert_eq!(order(&resources, &["a", "d"]), ["d", "a"]);
    }

    #[test]
    fn resources_that_wait_for_each_other_are_deleted_too() {
        assert_eq!(order(&[("a", &["b"]), ("b", &["a"])], &["a", "b"]).len(), 2);
    }
}
