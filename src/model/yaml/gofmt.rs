//! Pure. How Go prints values in messages: floats, and `%#v` of decoded YAML.

use std::fmt::{Display, Formatter, Result, Write};

use crate::model::tree::Tree;

/// `strconv.FormatFloat(value, 'g', -1, 64)`: the shortest digits that read back, an exponent below -4 and from 6 on.
pub fn float(value: f64) -> String {
    non_finite(value).map_or_else(|| general(&format!("{value:e}")), str::to_owned)
}

/// The same of a float of 32 bits, as sigs.k8s.io/yaml spells keys.
pub fn float32(value: f64) -> String {
    let names = [("+Inf", ".inf"), ("-Inf", "-.inf"), ("NaN", ".nan")];
    let narrow = value as f32;
    match non_finite(f64::from(narrow)) {
        Some(name) => names
            .iter()
            .find(|pair| pair.0 == name)
            .map_or(name, |pair| pair.1)
            .to_owned(),
        None => general(&format!("{narrow:e}")),
    }
}

fn non_finite(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// From `1.25e-7` as Rust writes it to Go's `%g`.
fn general(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    if !(-4..6).contains(&exponent) {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.abs());
    }
    let digits = mantissa.replace('.', "");
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    match digits.len().checked_sub(whole) {
        None | Some(0) => format!("{sign}{digits:0<whole$}"),
        Some(_) => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
    }
}

/// `%#v` of what Go's yaml makes of a document.
pub struct Value<'a>(pub &'a Tree);

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            Tree::Null => f.write_str("interface {}(nil)"),
            Tree::Bool(value) => write!(f, "{value}"),
            Tree::Int(value) => write!(f, "{value}"),
            Tree::Big(digits) => f.write_str(digits),
            Tree::Float(value) => f.write_str(&float(*value)),
            Tree::Text(text) => quoted(f, text),
            Tree::List(items) => {
                f.write_str("[]interface {}{")?;
                separated(f, items, |f, item| Value(item).fmt(f))?;
                f.write_char('}')
            }
            Tree::Map(map) => {
                f.write_str("map[interface {}]interface {}{")?;
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by_key(|entry| entry.0);
                separated(f, entries, |f, (key, value)| {
                    quoted(f, key)?;
                    f.write_char(':')?;
                    Value(value).fmt(f)
                })?;
                f.write_char('}')
            }
        }
    }
}

fn separated<T>(
    f: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    mut one: impl FnMut(&mut Formatter<'_>, T) -> Result,
) -> Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        one(f, item)?;
    }
    Ok(())
}

/// A string as `%q` and `%#v` write it.
pub fn quoted(f: &mut Formatter<'_>, text: &str) -> Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_go_prints_them() {
        let table = [
            (0.5, "0.5"),
            (1.0, "1"),
            (-1.25, "-1.25"),
            (1e5, "100000"),
            (1e6, "1e+06"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (123456.75, "123456.75"),
            (1234567.5, "1.2345675e+06"),
        ];
        for (value, text) in table {
            assert_eq!(float(value), text);
        }
        assert_eq!(float32(0.1), "0.1");
        assert_eq!(float32(f64::INFINITY), ".inf");
    }
}
