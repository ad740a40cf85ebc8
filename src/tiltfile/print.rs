//! Pure. How values print: the forms that `print`, `str`, `repr` and `%` give, which extensions paste into Dockerfiles and scripts.

use starlark::values::bytes::{BYTES_TYPE, StarlarkBytes};
use starlark::values::dict::DictRef;
use starlark::values::float::UnpackFloat;
use starlark::values::list::ListRef;
use starlark::values::tuple::TupleRef;
use starlark::values::{UnpackValue, Value, ValueLike};

use crate::tiltfile::builtins::universe::truncated;
use crate::tiltfile::call::unpack_float;
use crate::tiltfile::values::record::{PLAIN, Struct};

/// Deeper values than any real program prints.
const MAX_DEPTH: usize = 200;

/// Values that hold one another many times over print only so far.
const MAX_BYTES: usize = 64 << 20;

/// As `display`, where a shortened text would be a wrong one.
pub fn whole_display(value: Value) -> Result<String, String> {
    match value.unpack_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.get_type() == BYTES_TYPE => Ok(display(value)),
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

/// As `str()` has it: a string is itself, bytes are the text they encode, all else is its `repr`.
pub fn display(value: Value) -> String {
    if let Some(bytes) = value.downcast_ref::<StarlarkBytes>() {
        return String::from_utf8_lossy(bytes.as_bytes()).into_owned();
    }
    match value.unpack_str() {
        Some(text) => text.to_owned(),
        None => repr(value),
    }
}

/// As `repr()` has it: what could be typed into a Tiltfile.
pub fn repr(value: Value) -> String {
    let mut out = String::new();
    write_repr(value, &mut out, &mut Vec::new());
    out
}

/// `around` holds the values that the one to write is inside of, so that one that holds itself ends.
fn write_repr<'v>(value: Value<'v>, out: &mut String, around: &mut Vec<Value<'v>>) {
    if let Some(text) = value.unpack_str() {
        return quote(text, out);
    }
    let is_cycle = around.iter().any(|outer| outer.ptr_eq(value)) || around.len() > MAX_DEPTH || out.len() > MAX_BYTES;
    around.push(value);
    if let Some(list) = ListRef::from_value(value) {
        match is_cycle {
            true => out.push_str("[...]"),
            false => write_items(list.iter(), ("[", "]"), out, around),
        }
    } else if let Some(tuple) = TupleRef::from_value(value) {
        let close = if tuple.len() == 1 { ",)" } else { ")" };
        match is_cycle {
            true => out.push_str("(...)"),
            false => write_items(tuple.iter(), ("(", close), out, around),
        }
    } else if let Some(dict) = DictRef::from_value(value) {
        match is_cycle {
            true => out.push_str("{...}"),
            false => write_dict(&dict, out, around),
        }
    } else if let Some(record) = Struct::from_value(value) {
        match is_cycle {
            true => out.push_str("..."),
            false => write_struct(record, out, around),
        }
    } else {
        write_scalar(value, out);
    }
    around.pop();
}

fn write_items<'v>(
    items: impl Iterator<Item = Value<'v>>,
    brackets: (&str, &str),
    out: &mut String,
    around: &mut Vec<Value<'v>>,
) {
    out.push_str(brackets.0);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(item, out, around);
    }
    out.push_str(brackets.1);
}

fn write_dict<'v>(dict: &DictRef<'v>, out: &mut String, around: &mut Vec<Value<'v>>) {
    out.push('{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(key, out, around);
        out.push_str(": ");
        write_repr(value, out, around);
    }
    out.push('}');
}

fn write_struct<'v>(record: &Struct<'v>, out: &mut String, around: &mut Vec<Value<'v>>) {
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
        write_repr(value, out, around);
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
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
}

fn is_printable(c: char) -> bool {
    // Escaped for other reasons than being unprintable: the single quote. Behind another character, combining marks count as printable; blanks other than a space never do.
    let pair: String = ['a', c].into_iter().collect();
    matches!(c, ' ' | '\'') || !c.is_whitespace() && pair.escape_debug().nth(1) == Some(c)
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
    let wrong = |why: String| format!("%{verb} format requires integer: {why}");
    let cannot = || wrong(format!("cannot convert {} to int", value.get_type()));
    match value.get_type() {
        "int" => value.to_string().parse().map_err(|_| cannot()),
        "float" => truncated(unpack_float(value)?).map_err(wrong),
        _ => Err(cannot()),
    }
}

fn radix(number: num_bigint::BigInt, radix: u32) -> String {
    number.to_str_radix(radix)
}

fn real(verb: char, value: Value) -> Result<String, String> {
    let number = unpack_float(value).map_err(|_| format!("%{verb} format requires float, not {}", value.get_type()))?;
    let text = match verb.to_ascii_lowercase() {
        _ if !number.is_finite() => return Ok(float(number)),
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
