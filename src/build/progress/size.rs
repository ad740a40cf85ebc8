//! Pure. Numbers of bytes as people read them.

const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];

/// `69B`, `1.62kB`, `12.3MB`: three digits, in powers of a thousand as the builder prints them.
pub fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    match value {
        ..9.995 => format!("{value:.2}{unit}"),
        ..99.95 => format!("{value:.1}{unit}"),
        _ => format!("{value:.0}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        let table = [
            (0, "0B"),
            (69, "69B"),
            (999, "999B"),
            (1_000, "1.00kB"),
            (1_621, "1.62kB"),
            (9_996, "10.0kB"),
            (12_345_678, "12.3MB"),
            (999_700, "1.00MB"),
            (123_456_789_000, "123GB"),
        ];
        for (bytes, expected) in table {
            assert_eq!(size(bytes), expected);
        }
    }
}
