//! Functions on numbers and bytes, where Tiltfiles count on other rules than the interpreter's.

use num_bigint::BigInt;
use starlark::values::bytes::StarlarkBytes;
use starlark::values::{Value, ValueLike};

use crate::tiltfile::call::{Call, unpack_float, unpack_int};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "int",
        params: &[
            Param::required("x", "str | int | float | bool"),
            Param::optional("base", "int", "10"),
        ],
        rest: Rest::Refused,
        returns: "int",
        doc: "The value as a whole number: a string's digits in the given base (0 goes by the prefix), a float without its fraction.",
        body: int,
    },
    Builtin {
        name: "hash",
        params: &[Param::required("x", "str | bytes")],
        rest: Rest::Refused,
        returns: "int",
        doc: "A number that stands for a string or bytes, the same in every run.",
        body: hash,
    },
];

fn int<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let (value, base) = (call.required("x"), call.read("base", unpack_int)?);
    let Some(text) = value.unpack_str() else {
        if base.is_some() {
            return Err("int: can't convert non-string with explicit base".into());
        }
        return whole(value, call);
    };
    let base = base.unwrap_or(10);
    let wrong = || Fault::Said(format!("int: invalid literal with base {base}: {text}"));
    let radix = match u32::try_from(base) {
        Ok(radix @ (0 | 2..=36)) => radix,
        _ => {
            return Err(Fault::Said(format!("int: invalid base {base} (must be >= 2 && <= 36)")));
        }
    };
    let number = literal(text, radix).ok_or_else(wrong)?;
    Ok(call.alloc(number))
}

fn whole<'v>(value: Value<'v>, call: &Call<'v, '_, '_, '_>) -> Outcome<'v> {
    match value.get_type() {
        "int" => Ok(value),
        "bool" => Ok(call.alloc(i32::from(value.to_bool()))),
        "float" => Ok(call.alloc(truncated(unpack_float(value)?).map_err(|why| format!("int: {why}"))?)),
        other => Err(Fault::Said(format!("int: cannot convert {other} to int"))),
    }
}

/// A float without its fraction.
pub fn truncated(number: f64) -> Result<BigInt, String> {
    if number.is_nan() {
        return Err("cannot convert float NaN to integer".to_owned());
    }
    if number.is_infinite() {
        return Err("cannot convert float infinity to integer".to_owned());
    }
    // The exact digits of a whole number, however large.
    let digits = format!("{:.0}", number.trunc());
    Ok(digits.parse().expect("digits and at most a sign"))
}

/// A number as written: a sign, a prefix that fits the base, digits. Base 0 goes by the prefix.
fn literal(text: &str, base: u32) -> Option<BigInt> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    let prefixed = [("0b", 2), ("0o", 8), ("0x", 16)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((lower.strip_prefix(prefix)?, radix)))
        .filter(|(_, radix)| base == 0 || base == *radix);
    let (digits, radix) = match (prefixed, base) {
        (Some(found), _) => found,
        (None, 0) if lower.len() > 1 && lower.starts_with('0') && lower.bytes().any(|b| b != b'0') => return None,
        (None, 0) => (lower.as_str(), 10),
        (None, base) => (lower.as_str(), base),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = BigInt::parse_bytes(digits.as_bytes(), radix)?;
    Some(if negative { -number } else { number })
}

fn hash<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let value = call.required("x");
    if let Some(text) = value.unpack_str() {
        // What Java gives for a string, which the language promises.
        let hash = text
            .encode_utf16()
            .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
        return Ok(call.alloc(hash));
    }
    if let Some(bytes) = value.downcast_ref::<StarlarkBytes>() {
        let hash = bytes.as_bytes().iter().fold(0x811c_9dc5u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        return Ok(call.alloc(BigInt::from(hash)));
    }
    Err(Fault::Said(format!(
        "hash: got {}, want string or bytes",
        value.get_type()
    )))
}

#[cfg(test)]
mod tests;
