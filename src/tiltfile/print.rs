//! Pure. How values print: the forms that `print`, `str`, `repr` and `%` give, which extensions paste into Dockerfiles and scripts.

use starlark::values::UnpackValue;
use starlark::values::Value;
use starlark::values::dict::DictRef;
use starlark::values::float::UnpackFloat;
use starlark::values::list::ListRef;
use starlark::values::tuple::TupleRef;

use crate::tiltfile::values::record::{PLAIN, Struct};

/// A value that holds itself prints only so deep.
const MAX_DEPTH: usize = 64;

/// Values that hold one another many times over print only so far.
const MAX_BYTES: usize = 64 << 20;

/// As `display`, where a shortened text would be a wrong one.
pub fn whole_display(value: Value) -> Result<String, String> {
    match value.unpack_str() {
        Some(text) => Ok(text.to_owned()),
        None => whole_repr(value),
    }
}

/// As `repr`, where a shortened text would be a wrong one.
pub fn whole_repr(value: Value) -> Result<String, String> {
    let text = repr(value);
    if text.len() > MAX_BYTES {
        let of = value.get_type();
        return Err(format!("the text of this {of} is longer than {} MiB", MAX_BYTES >> 20));
    }
    Ok(text)
}

/// As `str()` has it: a string is itself, all else is its `repr`.
pub fn display(value: Value) -> String {
    match value.unpack_str() {
        Some(text) => text.to_owned(),
        None => repr(value),
    }
}

/// As `repr()` has it: what could be typed into a Tiltfile.
pub fn repr(value: Value) -> String {
    let mut out = String::new();
    write_repr(value, &mut out, 0);
    out
}

fn write_repr(value: Value, out: &mut String, depth: usize) {
    if depth > MAX_DEPTH || out.len() > MAX_BYTES {
        out.push_str("...");
    } else if let Some(text) = value.unpack_str() {
        quote(text, out);
    } else if let Some(list) = ListRef::from_value(value) {
        write_items(list.iter(), ("[", "]"), out, depth);
    } else if let Some(tuple) = TupleRef::from_value(value) {
        let close = if tuple.len() == 1 { ",)" } else { ")" };
        write_items(tuple.iter(), ("(", close), out, depth);
    } else if let Some(dict) = DictRef::from_value(value) {
        write_dict(&dict, out, depth);
    } else if let Some(record) = Struct::from_value(value) {
        write_struct(record, out, depth);
    } else {
        write_scalar(value, out);
    }
}

fn write_items<'v>(items: impl Iterator<Item = Value<'v>>, around: (&str, &str), out: &mut String, depth: usize) {
    out.push_str(around.0);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(item, out, depth + 1);
    }
    out.push_str(around.1);
}

fn write_dict(dict: &DictRef, out: &mut String, depth: usize) {
    out.push('{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(key, out, depth + 1);
        out.push_str(": ");
        write_repr(value, out, depth + 1);
    }
    out.push('}');
}

fn write_struct(record: &Struct, out: &mut String, depth: usize) {
    match record.title() {
        PLAIN => out.push_str(PLAIN),
        title => quote(title, out),
    }
    out.push('(');
    for (index, (name, value)) in record.fields().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(name);
        out.push_str(" = ");
        write_repr(value, out, depth + 1);
    }
    out.push(')');
}

fn write_scalar(value: Value, out: &mut String) {
    match value.get_type() {
        "float" => match UnpackFloat::unpack_value(value) {
            Ok(Some(number)) => out.push_str(&float(number.0)),
            _ => out.push_str(&value.to_string()),
        },
        "function" => out.push_str(&function(&value.to_string())),
        _ => out.push_str(&value.to_string()),
    }
}

/// The interpreter prints a user's function as `file.name` and one of its own as `name`.
fn function(printed: &str) -> String {
    match printed.rsplit_once('.') {
        Some((_, name)) => format!("<function {name}>"),
        None => format!("<built-in function {printed}>"),
    }
}

/// A string literal; what is printable stays as it is, in whatever script.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The shortest form that reads back as the same number, always recognisable as a float.
pub fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{number}");
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

/// `format % value`.
pub fn percent(format: &str, value: Value) -> Result<String, String> {
    let single = [value];
    let arguments = match TupleRef::from_value(value) {
        Some(tuple) => tuple.content(),
        None => &single,
    };
    let mut out = String::with_capacity(format.len());
    let mut used = 0;
    let mut by_name = false;
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let argument;
        (argument, rest) = match rest.strip_prefix('(') {
            Some(named) => {
                by_name = true;
                named_argument(named, value)?
            }
            None => {
                let argument = arguments
                    .get(used)
                    .copied()
                    .ok_or("not enough arguments for format string")?;
                used += 1;
                (argument, rest)
            }
        };
        let verb = rest.chars().next().ok_or("incomplete format")?;
        rest = &rest[verb.len_utf8()..];
        convert(verb, argument, &mut out)?;
    }
    out.push_str(rest);
    if !by_name && used < arguments.len() && (TupleRef::from_value(value).is_some() || used == 0 && !is_mapping(value))
    {
        return Err("too many arguments for format string".to_owned());
    }
    Ok(out)
}

fn is_mapping(value: Value) -> bool {
    DictRef::from_value(value).is_some()
}

fn named_argument<'v, 'f>(rest: &'f str, value: Value<'v>) -> Result<(Value<'v>, &'f str), String> {
    let (name, after) = rest.split_once(')').ok_or("incomplete format key")?;
    let dict = DictRef::from_value(value).ok_or("format requires a mapping")?;
    let argument = dict.get_str(name).ok_or_else(|| format!("key not found: {name}"))?;
    Ok((argument, after))
}

fn convert(verb: char, value: Value, out: &mut String) -> Result<(), String> {
    match verb {
        's' => out.push_str(&whole_display(value)?),
        'r' => out.push_str(&whole_repr(value)?),
        'd' | 'i' => out.push_str(&integer(verb, value)?.to_string()),
        'o' => out.push_str(&radix(integer(verb, value)?, 8)),
        'x' => out.push_str(&radix(integer(verb, value)?, 16)),
        'X' => out.push_str(&radix(integer(verb, value)?, 16).to_uppercase()),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => out.push_str(&real(verb, value)?),
        'c' => out.push(character(value)?),
        other => return Err(format!("unknown conversion %{other}")),
    }
    Ok(())
}

fn integer(verb: char, value: Value) -> Result<num_bigint::BigInt, String> {
    let wrong = || format!("%{verb} format requires integer: got {}", value.get_type());
    match value.get_type() {
        "int" => value.to_string().parse().map_err(|_| wrong()),
        "float" => {
            let number = crate::tiltfile::call::unpack_float(value)?;
            format!("{:.0}", number.trunc()).parse().map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

fn radix(number: num_bigint::BigInt, radix: u32) -> String {
    number.to_str_radix(radix)
}

fn real(verb: char, value: Value) -> Result<String, String> {
    let number = crate::tiltfile::call::unpack_float(value)
        .map_err(|_| format!("%{verb} format requires float, not {}", value.get_type()))?;
    let text = match verb.to_ascii_lowercase() {
        'f' => format!("{number:.6}"),
        'e' => {
            let text = format!("{number:.6e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!(
                "{mantissa}e{}{:02}",
                if exponent < 0 { '-' } else { '+' },
                exponent.abs()
            )
        }
        _ => float(number),
    };
    Ok(if verb.is_ascii_uppercase() {
        text.to_uppercase()
    } else {
        text
    })
}

fn character(value: Value) -> Result<char, String> {
    if let Some(text) = value.unpack_str() {
        let mut chars = text.chars();
        return match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(format!(
                "%c format requires a single-character string, not {}",
                repr(value)
            )),
        };
    }
    let code = value.unpack_i32().ok_or_else(|| {
        format!(
            "%c format requires int or single-character string, not {}",
            value.get_type()
        )
    })?;
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| format!("%c format requires a valid Unicode code point, got {code}"))
}
