//! Labels and names against the texts that Kubernetes prints.

use super::*;

const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
     alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn label_error(label: &str) -> String {
    check_label(label).expect_err(label).to_string()
}

#[test]
fn plain_labels_are_valid() {
    for label in ["a", "front-end", "A.b_c-1", &"x".repeat(63)] {
        assert_eq!(check_label(label), Ok(()));
    }
}

#[test]
fn a_label_with_a_prefix_fails_as_a_value() {
    let expected = "Invalid label \"a/b\": a valid label must be an empty string or consist of alphanumeric \
        characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or \
        'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    assert_eq!(label_error("a/b"), expected);
}

#[test]
fn other_labels_fail_as_names() {
    let table = [
        ("", format!("name part must be non-empty, name part {NAME_RULE}")),
        ("-a", format!("name part {NAME_RULE}")),
        ("a\n", format!("name part {NAME_RULE}")),
        (
            "a/b/c",
            format!(
                "a qualified name {NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ),
        ),
        ("/b", "prefix part must be non-empty".to_owned()),
    ];
    for (label, problem) in table {
        let expected = format!("Invalid label {}: {problem}", quoted(label));
        assert_eq!(label_error(label), expected);
    }
    let long = "x".repeat(64);
    assert!(label_error(&long).ends_with("name part must be no more than 63 bytes"));
    assert!(label_error("A/b").contains("prefix part a lowercase RFC 1123 subdomain must consist"));
}

#[test]
fn names_are_path_segments() {
    for name in ["web", "a b", "a:b", "(Tiltfile)", "...", ""] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
    let table = [
        ("a/b", "invalid value \"a/b\": may not contain '/'"),
        ("a%", "invalid value \"a%\": may not contain '%'"),
        (".", "invalid value \".\": may not be '.'"),
        ("..", "invalid value \"..\": may not be '..'"),
    ];
    for (name, expected) in table {
        assert_eq!(check_name(name).expect_err(name).to_string(), expected);
    }
    assert_eq!(name_problems("a/%").len(), 2);
}
