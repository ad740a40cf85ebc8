//! Pure. Amounts of a resource, `100m` or `1.5Gi`: from any spelling to the one Kubernetes prints.

/// Kubernetes' complaint about a quantity it cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
pub struct Malformed;

/// Smallest unit kept: anything below a billionth is rounded up to one.
const NANO: i32 = -9;

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Binary,
    Decimal,
    Exponent,
}

/// The canonical spelling: no fraction, the largest suffix that leaves an integer.
pub fn canonical(text: &str) -> Result<String, Malformed> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits_end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(digits_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(Malformed);
    }
    let (form, scale) = scale_of(suffix)?;
    let digits = format!("{}{}", whole, fraction.trim_end_matches('0'));
    let point = fraction.trim_end_matches('0').len() as i32;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok("0".to_owned());
    }
    let Some(value) = digits.parse::<u128>().ok().filter(|_| digits.len() < 28) else {
        return Ok(text.to_owned());
    };
    let printed = match form {
        Form::Binary => binary(value, point, scale),
        _ => decimal(value, scale - point, form),
    };
    let sign = if negative { "-" } else { "" };
    Ok(printed.map_or_else(|| text.to_owned(), |printed| format!("{sign}{printed}")))
}

/// The form and the power (of two or of ten) that a suffix stands for.
fn scale_of(suffix: &str) -> Result<(Form, i32), Malformed> {
    Ok(match suffix {
        "" => (Form::Decimal, 0),
        "n" => (Form::Decimal, -9),
        "u" => (Form::Decimal, -6),
        "m" => (Form::Decimal, -3),
        "k" => (Form::Decimal, 3),
        "M" => (Form::Decimal, 6),
        "G" => (Form::Decimal, 9),
        "T" => (Form::Decimal, 12),
        "P" => (Form::Decimal, 15),
        "E" => (Form::Decimal, 18),
        "Ki" => (Form::Binary, 10),
        "Mi" => (Form::Binary, 20),
        "Gi" => (Form::Binary, 30),
        "Ti" => (Form::Binary, 40),
        "Pi" => (Form::Binary, 50),
        "Ei" => (Form::Binary, 60),
        _ => {
            let exponent = suffix
                .strip_prefix(['e', 'E'])
                .and_then(|digits| digits.parse::<i32>().ok());
            (
                Form::Exponent,
                exponent.filter(|exponent| exponent.abs() < 1000).ok_or(Malformed)?,
            )
        }
    })
}

/// `digits * 10^exponent` with a decimal suffix or an exponent in steps of three. `None` if it is too large to matter.
fn decimal(mut digits: u128, mut exponent: i32, form: Form) -> Option<String> {
    if exponent < NANO {
        let step = 10u128.checked_pow(exponent.abs_diff(NANO)).unwrap_or(u128::MAX);
        digits = digits.div_ceil(step);
        exponent = NANO;
    }
    while digits.is_multiple_of(10) {
        digits /= 10;
        exponent += 1;
    }
    let wanted = exponent.div_euclid(3) * 3;
    let wanted = if form == Form::Exponent { wanted } else { wanted.min(18) };
    let digits = digits.checked_mul(10u128.checked_pow(exponent.abs_diff(wanted))?)?;
    Some(match form {
        Form::Exponent if wanted == 0 => digits.to_string(),
        Form::Exponent => format!("{digits}e{wanted}"),
        _ => format!("{digits}{}", decimal_suffix(wanted)),
    })
}

fn decimal_suffix(exponent: i32) -> &'static str {
    match exponent {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        18 => "E",
        _ => "",
    }
}

/// `digits / 10^point * 2^shift` with a binary suffix; below 1024 or with a fraction, with a decimal one.
fn binary(digits: u128, point: i32, shift: i32) -> Option<String> {
    let scaled = digits.checked_mul(1u128.checked_shl(shift.unsigned_abs())?)?;
    let divisor = 10u128.checked_pow(point.unsigned_abs())?;
    if !scaled.is_multiple_of(divisor) {
        let nano = scaled.checked_mul(10u128.pow(9))?.div_ceil(divisor);
        return decimal(nano, NANO, Form::Decimal);
    }
    let mut value = scaled / divisor;
    if value < 1024 {
        return decimal(value, 0, Form::Decimal);
    }
    let mut steps = 0;
    while steps < 6 && value.is_multiple_of(1024) {
        value /= 1024;
        steps += 1;
    }
    Some(format!("{value}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][steps]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_as_kubernetes_prints_them() {
        let table = [
            ("0", "0"),
            ("0.0", "0"),
            ("0Mi", "0"),
            ("-0", "0"),
            ("1", "1"),
            ("1000", "1k"),
            ("1024", "1024"),
            ("0.1", "100m"),
            ("100m", "100m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("2.", "2"),
            ("1.5", "1500m"),
            ("1024Mi", "1Gi"),
            ("1Gi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("512Ki", "512Ki"),
            ("1000Ki", "1000Ki"),
            ("0.5Mi", "512Ki"),
            ("128974848", "128974848"),
            ("129e6", "129e6"),
            ("1e3", "1e3"),
            ("12e5", "1200e3"),
            ("1E", "1E"),
            ("129M", "129M"),
            ("123Mi", "123Mi"),
            ("0.5Ki", "512"),
            ("-1.5", "-1500m"),
            ("+5", "5"),
            ("1000000k", "1G"),
            ("0.0000000001", "1n"),
            ("100000", "100k"),
            ("1.1Ki", "1126400m"),
            ("1e0", "1"),
        ];
        for (text, expected) in table {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "Mi", "1 Gi", "1gi", "1KB", "1.2.3", "--1", "1e", "1ee3", "abc"] {
            assert_eq!(canonical(text), Err(Malformed), "{text}");
        }
    }
}
