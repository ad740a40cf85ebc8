//! Dependencies between resources: unknown, circular, own.

use std::cell::RefCell;

use super::*;
use crate::model::local::LocalTarget;
use crate::model::project::{Target, TriggerMode};

/// Resources with what they depend on.
pub fn resources(all: &[(&str, &[&str])]) -> Vec<Resource> {
    let resource = |(name, deps): &(&str, &[&str])| Resource {
        name: (*name).to_owned(),
        images: Vec::new(),
        target: Target::Local(Box::<LocalTarget>::default()),
        trigger: TriggerMode::Auto,
        deps: deps.iter().map(|dep| (*dep).to_owned()).collect(),
        labels: Default::default(),
        source: String::new(),
    };
    all.iter().map(resource).collect()
}

/// The warnings, and the dependencies that are left.
fn dropped(all: &[(&str, &[&str])]) -> Result<(Vec<String>, Vec<Vec<String>>), Failure> {
    let mut resources = resources(all);
    let warnings = RefCell::new(Vec::new());
    drop_unknown(&mut resources, |warning| warnings.borrow_mut().push(warning))?;
    Ok((
        warnings.into_inner(),
        resources.into_iter().map(|resource| resource.deps).collect(),
    ))
}

#[test]
fn unknown_dependencies_are_dropped_with_a_warning() {
    let (warnings, left) =
        dropped(&[("a", &["zzz", "backend"]), ("backend", &["fronted"]), ("frontend", &[])]).unwrap();
    assert_eq!(
        warnings,
        [
            "resource a specified a dependency on unknown resource zzz - dependency ignored",
            "resource backend specified a dependency on unknown resource fronted - dependency ignored (did you mean frontend?)"
        ]
    );
    assert_eq!(left, [vec!["backend"], vec![], vec![]]);
}

#[test]
fn a_resource_cannot_depend_on_itself() {
    let failure = dropped(&[("a", &["a"])]).unwrap_err();
    assert_eq!(failure.message, "resource a specified a dependency on itself");
}

#[test]
fn a_circle_is_found_wherever_it_is() {
    for (all, expected) in [
        (&[("a", &["b"][..]), ("b", &["a"])][..], Some("a -> b -> a")),
        (&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])], Some("a -> b -> c -> a")),
        (
            &[("x", &["a"]), ("a", &["y", "b"]), ("b", &["a"]), ("y", &[])],
            Some("a -> b -> a"),
        ),
        (&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])], None),
        (&[], None),
    ] {
        let resources = resources(all);
        let found = cycle(&resources).map(|names| names.join(" -> "));
        assert_eq!(found.as_deref(), expected, "{all:?}");
    }
}

#[test]
fn a_long_chain_takes_no_stack() {
    let names: Vec<String> = (0..50_000).map(|number| format!("r{number}")).collect();
    let mut resources = resources(&names.iter().map(|name| (name.as_str(), &[][..])).collect::<Vec<_>>());
    for index in 0..resources.len() - 1 {
        resources[index].deps = vec![names[index + 1].clone()];
    }
    assert_eq!(cycle(&resources), None);
    resources[49_999].deps = vec!["r0".to_owned()];
    assert_eq!(cycle(&resources).map(|names| names.len()), Some(50_001));
}
