//! Which resources start.

use super::*;
use crate::tiltfile::convert::deps::tests::resources;

fn selected(enabled: Enabled, parsed: bool, arguments: &[&str]) -> Result<Vec<String>, Failure> {
    let config = Config {
        enabled,
        parsed_in: parsed.then(|| "/".into()),
        ..Config::default()
    };
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    select(
        &config,
        &arguments,
        &resources(&[
            ("a", &[]),
            ("b", &["a"]),
            ("c", &["b"]),
            ("d", &[]),
            ("uncategorized", &[]),
        ]),
    )
}

fn these(names: &[&str]) -> Enabled {
    Enabled::These(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn the_tiltfile_goes_before_the_arguments() {
    let all = &["a", "b", "c", "d", "uncategorized"][..];
    for (enabled, parsed, arguments, expected) in [
        (Enabled::Unsaid, false, &[][..], all),
        (Enabled::Unsaid, true, &[], all),
        (Enabled::Unsaid, false, &["d"], &["d", "uncategorized"]),
        (Enabled::Unsaid, true, &["d"], all),
        (these(&["a"]), false, &["d"], &["a", "uncategorized"]),
        (these(&["a"]), true, &["nothing"], &["a", "uncategorized"]),
        (these(&["d", "c"]), false, &[], all),
        (these(&["b"]), false, &[], &["a", "b", "uncategorized"]),
        (Enabled::None, false, &["a"], &[]),
    ] {
        let names = selected(enabled.clone(), parsed, arguments).unwrap();
        assert_eq!(names, expected, "{enabled:?} {parsed} {arguments:?}");
    }
}

#[test]
fn names_that_are_unknown_are_listed_with_what_there_is() {
    let failure = selected(Enabled::Unsaid, false, &["a", "x", "uncategorised"]).unwrap_err();
    assert_eq!(
        failure.message,
        "You specified some resources that could not be found: \"x\", \"uncategorised\"\n\
         Is this a typo? Existing resources in Tiltfile: \"b\", \"c\", \"d\", \"uncategorized\""
    );
    assert_eq!(failure.hint.as_deref(), Some("did you mean uncategorized?"));
}
