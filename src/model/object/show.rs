//! Pure. Values in messages: as JSON for the API's errors, as Starlark for those of a Tiltfile.

use crate::model::tree::Tree;

/// On one line, without spaces.
pub fn json(tree: &Tree) -> String {
    match tree {
        Tree::Null => "null".into(),
        Tree::Bool(value) => value.to_string(),
        Tree::Int(value) => value.to_string(),
        Tree::Big(digits) => digits.to_string(),
        Tree::Float(value) => value.to_string(),
        Tree::Text(text) => quoted(text),
        Tree::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",")),
        Tree::Map(map) => {
            let entry = |(key, value): (&str, &Tree)| format!("{}:{}", quoted(key), json(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(","))
        }
    }
}

/// As the author of a Tiltfile would write it.
pub fn starlark(tree: &Tree) -> String {
    match tree {
        Tree::Null => "None".into(),
        Tree::Bool(true) => "True".into(),
        Tree::Bool(false) => "False".into(),
        Tree::List(items) => format!("[{}]", items.iter().map(starlark).collect::<Vec<_>>().join(", ")),
        Tree::Map(map) => {
            let entry = |(key, value): (&str, &Tree)| format!("{}: {}", quoted(key), starlark(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        _ => json(tree),
    }
}

/// What Starlark's `type()` says of it.
pub fn starlark_type(tree: &Tree) -> &'static str {
    match tree {
        Tree::Null => "NoneType",
        Tree::Bool(_) => "bool",
        Tree::Int(_) | Tree::Big(_) => "int",
        Tree::Float(_) => "float",
        Tree::Text(_) => "string",
        Tree::List(_) => "list",
        Tree::Map(_) => "dict",
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if u32::from(control) < 0x20 => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::Map;
    use super::*;

    #[test]
    fn a_value_is_shown_as_json_and_as_starlark() {
        let mut map = Map::new();
        map.insert(
            "a\"b",
            Tree::List(vec![
                Tree::Null,
                Tree::Bool(true),
                Tree::Int(1),
                Tree::text("x\ny\u{1}"),
            ]),
        );
        let tree = Tree::Map(map);
        assert_eq!(json(&tree), r#"{"a\"b":[null,true,1,"x\ny\u0001"]}"#);
        assert_eq!(starlark(&tree), r#"{"a\"b": [None, True, 1, "x\ny\u0001"]}"#);
    }
}
