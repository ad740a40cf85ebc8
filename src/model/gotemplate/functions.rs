//! Pure. The functions of templates, and how values print.

use std::cmp::Ordering;
use std::fmt::{Display, Formatter, Result as Written};

use crate::model::tree::Tree;
use crate::model::yaml::json;

pub const NAMES: [&str; 20] = [
    "and",
    "or",
    "not",
    "len",
    "index",
    "slice",
    "print",
    "printf",
    "println",
    "html",
    "js",
    "urlquery",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "exists",
    "base64decode",
];

/// A value as Go's `fmt` prints it; what is not there is `<no value>`.
pub struct Printed<'a>(pub &'a Tree);

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self.0 {
            Tree::Null => f.write_str("<no value>"),
            other => f.write_str(&go(other)),
        }
    }
}

/// `%v`.
pub fn go(value: &Tree) -> String {
    match value {
        Tree::Null => "<nil>".to_owned(),
        Tree::Text(text) => text.to_string(),
        Tree::List(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
        Tree::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|entry| entry.0);
            let shown: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key}:{}", go(value)))
                .collect();
            format!("map[{}]", shown.join(" "))
        }
        scalar => json::compact(scalar),
    }
}

pub fn go_type(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "nil",
        Tree::Bool(_) => "bool",
        Tree::Int(_) => "int64",
        Tree::Big(_) | Tree::Float(_) => "float64",
        Tree::Text(_) => "string",
        Tree::List(_) => "[]interface {}",
        Tree::Map(_) => "map[string]interface {}",
    }
}

pub fn truth(value: &Tree) -> bool {
    match value {
        Tree::Null => false,
        Tree::Bool(value) => *value,
        Tree::Int(value) => *value != 0,
        Tree::Big(_) => true,
        Tree::Float(value) => *value != 0.0,
        Tree::Text(text) => !text.is_empty(),
        Tree::List(items) => !items.is_empty(),
        Tree::Map(map) => !map.is_empty(),
    }
}

/// Calls a function; the problem reads `error calling index: …`.
pub fn call(name: &str, arguments: &[Tree]) -> Result<Tree, String> {
    let least = match name {
        "print" | "println" | "html" | "js" | "urlquery" => 0,
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => 2,
        _ => 1,
    };
    if arguments.len() < least {
        return Err(format!(
            "wrong number of args for {name}: want at least {least} got {}",
            arguments.len()
        ));
    }
    dispatch(name, arguments).map_err(|problem| format!("error calling {name}: {problem}"))
}

fn dispatch(name: &str, arguments: &[Tree]) -> Result<Tree, String> {
    let all = || printed(arguments);
    Ok(match name {
        "and" | "or" => arguments.last().cloned().unwrap_or_default(),
        "not" => Tree::Bool(!truth(&arguments[0])),
        "len" => Tree::Int(length(&arguments[0])?),
        "index" => index(&arguments[0], &arguments[1..])?,
        "exists" => Tree::Bool(index(&arguments[0], &arguments[1..]).is_ok_and(|found| !found.is_null())),
        "slice" => slice(&arguments[0], &arguments[1..])?,
        "print" => Tree::text(all()),
        "println" => Tree::text(arguments.iter().map(go).collect::<Vec<_>>().join(" ") + "\n"),
        "printf" => Tree::text(printf(arguments)?),
        "html" => Tree::text(html(&all())),
        "js" => Tree::text(js(&all())),
        "urlquery" => Tree::text(urlquery(&all())),
        "base64decode" => Tree::text(base64(&all())?),
        _ => Tree::Bool(compared(name, arguments)?),
    })
}

fn compared(name: &str, arguments: &[Tree]) -> Result<bool, String> {
    let (left, right) = (&arguments[0], &arguments[1]);
    Ok(match name {
        "eq" => {
            for other in &arguments[1..] {
                if same(left, other)? {
                    return Ok(true);
                }
            }
            false
        }
        "ne" => !same(left, right)?,
        "lt" => order(left, right)?.is_lt(),
        "le" => order(left, right)?.is_le(),
        "gt" => order(left, right)?.is_gt(),
        _ => order(left, right)?.is_ge(),
    })
}

fn same(left: &Tree, right: &Tree) -> Result<bool, String> {
    match (left, right) {
        (Tree::Null, other) | (other, Tree::Null) => Ok(other.is_null()),
        (Tree::Map(_) | Tree::List(_), _) | (_, Tree::Map(_) | Tree::List(_)) => Err("non-comparable type".to_owned()),
        (Tree::Bool(a), Tree::Bool(b)) => Ok(a == b),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

fn order(left: &Tree, right: &Tree) -> Result<Ordering, String> {
    match (left, right) {
        (Tree::Text(a), Tree::Text(b)) => Ok(a.cmp(b)),
        (Tree::Int(a), Tree::Int(b)) => Ok(a.cmp(b)),
        (Tree::Int(_) | Tree::Float(_), Tree::Int(_) | Tree::Float(_)) => {
            Ok(float(left).partial_cmp(&float(right)).unwrap_or(Ordering::Less))
        }
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

fn float(value: &Tree) -> f64 {
    match value {
        Tree::Int(value) => *value as f64,
        Tree::Float(value) => *value,
        _ => f64::NAN,
    }
}

fn length(value: &Tree) -> Result<i64, String> {
    let length = match value {
        Tree::Text(text) => text.len(),
        Tree::List(items) => items.len(),
        Tree::Map(map) => map.len(),
        Tree::Null => return Err("len of nil pointer".to_owned()),
        other => return Err(format!("len of type {}", go_type(other))),
    };
    Ok(length as i64)
}

fn position(index: &Tree, length: usize) -> Result<usize, String> {
    let Tree::Int(at) = index else {
        return Err(format!("cannot index slice/array with type {}", go_type(index)));
    };
    let found = usize::try_from(*at).ok().filter(|at| *at <= length);
    found.ok_or_else(|| format!("index out of range: {at}"))
}

fn index(value: &Tree, keys: &[Tree]) -> Result<Tree, String> {
    let mut value = value;
    for key in keys {
        value = match (value, key) {
            (Tree::Null, _) => return Err("index of untyped nil".to_owned()),
            (Tree::Map(map), Tree::Text(key)) => match map.get(key) {
                Some(found) => found,
                None => &Tree::Null,
            },
            (Tree::Map(_), other) => {
                return Err(format!("value has type {}; should be string", go_type(other)));
            }
            (Tree::List(items), key) => {
                let at = position(key, items.len())?;
                items.get(at).ok_or_else(|| format!("index out of range: {at}"))?
            }
            (other, _) => return Err(format!("can't index item of type {}", go_type(other))),
        };
    }
    Ok(value.clone())
}

fn slice(value: &Tree, bounds: &[Tree]) -> Result<Tree, String> {
    let length = length(value)? as usize;
    let from = bounds.first().map_or(Ok(0), |at| position(at, length))?;
    let to = bounds.get(1).map_or(Ok(length), |at| position(at, length))?;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    match value {
        Tree::List(items) => Ok(Tree::List(items[from..to].to_vec())),
        Tree::Text(text) => {
            let part = text.get(from..to).ok_or("slice splits a character")?;
            Ok(Tree::text(part))
        }
        other => Err(format!("can't slice item of type {}", go_type(other))),
    }
}

/// As `fmt.Sprint`: a blank between two operands of which neither is a string.
fn printed(arguments: &[Tree]) -> String {
    let mut out = String::new();
    for (at, argument) in arguments.iter().enumerate() {
        let after = at.checked_sub(1).map(|before| &arguments[before]);
        if after.is_some_and(|before| before.as_text().is_none() && argument.as_text().is_none()) {
            out.push(' ');
        }
        out.push_str(&go(argument));
    }
    out
}

fn printf(arguments: &[Tree]) -> Result<String, String> {
    let format = arguments[0].as_text().ok_or("wrong type for value; expected string")?;
    let mut values = arguments[1..].iter();
    let mut out = String::new();
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let end = rest.find(|c: char| c.is_alphabetic() || c == '%');
        let Some(end) = end else {
            return Ok(out + "%!(NOVERB)");
        };
        let verb = rest[end..].chars().next().unwrap_or('%');
        let flags = &rest[..end];
        rest = &rest[end + verb.len_utf8()..];
        out.push_str(&match verb {
            '%' => "%".to_owned(),
            verb => match values.next() {
                Some(value) => padded(verb, flags, value),
                None => format!("%!{verb}(MISSING)"),
            },
        });
    }
    out.push_str(rest);
    let extra: Vec<String> = values
        .map(|value| format!("{}={}", go_type(value), go(value)))
        .collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(out)
}

/// One value in one verb, with `-`, `0`, a width and a precision.
fn padded(verb: char, flags: &str, value: &Tree) -> String {
    let (flags, precision) = match flags.split_once('.') {
        Some((flags, precision)) => (flags, Some(precision.parse().unwrap_or(0))),
        None => (flags, None),
    };
    let digits = flags.trim_start_matches(['-', '+', ' ', '#', '0']);
    let width: usize = digits.parse().unwrap_or(0);
    let marks = &flags[..flags.len() - digits.len()];
    let mut text = formatted(verb, precision, value);
    if marks.contains('+') && matches!(value, Tree::Int(number) if *number >= 0) {
        text.insert(0, '+');
    }
    let missing = width.saturating_sub(text.chars().count());
    match marks {
        marks if marks.contains('-') => text + &" ".repeat(missing),
        marks if marks.contains('0') && value.as_text().is_none() => {
            let sign = usize::from(text.starts_with(['-', '+']));
            format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
        }
        _ => " ".repeat(missing) + &text,
    }
}

fn formatted(verb: char, precision: Option<usize>, value: &Tree) -> String {
    let short = |text: String| match precision {
        Some(most) => text.chars().take(most).collect(),
        None => text,
    };
    match (verb, value) {
        ('v', Tree::Float(_)) | ('v', _) => go(value),
        ('s', Tree::Text(_) | Tree::List(_) | Tree::Map(_)) => short(go(value)),
        ('q', Tree::Text(text)) => json::quoted(text),
        ('d', Tree::Int(_) | Tree::Big(_)) | ('t', Tree::Bool(_)) => go(value),
        ('x', Tree::Int(number)) => format!("{number:x}"),
        ('X', Tree::Int(number)) => format!("{number:X}"),
        ('o', Tree::Int(number)) => format!("{number:o}"),
        ('b', Tree::Int(number)) => format!("{number:b}"),
        ('c', Tree::Int(number)) => u32::try_from(*number)
            .ok()
            .and_then(char::from_u32)
            .map_or_else(String::new, String::from),
        ('x', Tree::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('f' | 'F', Tree::Float(number)) => format!("{number:.*}", precision.unwrap_or(6)),
        ('g', Tree::Float(_)) => go(value),
        ('T', _) => go_type(value).to_owned(),
        (_, Tree::Null) => format!("%!{verb}(<nil>)"),
        _ => format!("%!{verb}({}={})", go_type(value), go(value)),
    }
}

fn html(text: &str) -> String {
    let replaced = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&#34;".to_owned(),
        '\'' => "&#39;".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(replaced).collect()
}

fn js(text: &str) -> String {
    let replaced = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '\'' => "\\'".to_owned(),
        '"' => "\\\"".to_owned(),
        '<' | '>' | '&' | '=' | '\0'..='\u{1f}' => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(replaced).collect()
}

fn urlquery(text: &str) -> String {
    let replaced = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(replaced).collect()
}

fn base64(text: &str) -> Result<String, String> {
    use base64::Engine;
    let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim());
    let bytes = decoded.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
