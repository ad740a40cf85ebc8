//! Pure. Text in columns of a terminal: how wide it is, cut to fit, and without what would move the cursor.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands at the end of a text that was cut.
const CUT: &str = "…";
const TAB: &str = "    ";
const ESCAPE: char = '\u{1b}';

/// Which of the escape sequences of a text are left in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// Those that only change how the text looks.
    Colours,
}

/// Columns, escape sequences not counted.
pub fn width(text: &str) -> usize {
    match text.contains(ESCAPE) {
        true => printable(text, Keep::Nothing).width(),
        false => text.width(),
    }
}

/// As much as fits into so many columns, and `…` if that is not all of it.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(CUT.width()) else {
        return String::new();
    };
    let (mut out, mut taken) = (String::new(), 0);
    for c in text.chars() {
        taken += c.width().unwrap_or_default();
        if taken > room {
            break;
        }
        out.push(c);
    }
    out + CUT
}

/// Followed by as many blanks as it takes to fill the columns.
pub fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// A line as it can be shown in one row: without control characters, and with what the last carriage return left standing.
pub fn printable(line: &str, keep: Keep) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    let line = line.rsplit_once('\r').map_or(line, |(_, rest)| rest);
    let (mut out, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(c) = rest.chars().next() {
        let (sequence, after) = match c {
            ESCAPE => rest.split_at(sequence_length(rest)),
            _ => rest.split_at(c.len_utf8()),
        };
        rest = after;
        match c {
            ESCAPE if keep == Keep::Colours && is_colour(sequence) => out.push_str(sequence),
            '\t' => out.push_str(TAB),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn is_colour(sequence: &str) -> bool {
    sequence.starts_with("\u{1b}[") && sequence.ends_with('m')
}

/// How many bytes the escape sequence has that the text begins with.
fn sequence_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = match bytes.get(1) {
        Some(b'[') => bytes.iter().skip(2).position(|byte| (0x40..0x7f).contains(byte)),
        Some(b']') => bytes.iter().skip(2).position(|byte| matches!(byte, 0x07 | 0x1b)),
        _ => return 1,
    };
    // A sequence that does not end is no text either.
    let end = end.map_or(bytes.len(), |end| end + 3);
    // One that is not in ASCII is no sequence.
    if text.is_char_boundary(end) { end } else { 1 }
}

/// The first line of a text that may have several.
pub fn first_line(text: &str) -> String {
    printable(text.trim().lines().next().unwrap_or_default(), Keep::Nothing)
}

/// A duration in few letters: `850ms`, `3.2s`, `42s`, `5m07s`, `2h04m`.
pub fn short(duration: Duration) -> String {
    let (secs, millis) = (duration.as_secs(), duration.as_millis());
    match secs {
        0 => format!("{millis}ms"),
        1..10 => format!("{}.{}s", secs, millis % 1000 / 100),
        10..60 => format!("{secs}s"),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        _ => format!("{}h{:02}m", secs / 3600, secs % 3600 / 60),
    }
}

/// A duration that is still growing: always with the same number of digits, so that nothing jumps.
pub fn growing(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..10_000 => format!("{}.{}s", millis / 1000, millis % 1000 / 100),
        _ => short(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_columns_not_by_characters() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("日本語の名前", 6), "日本…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(cut("abc", 1), "…");
    }

    #[test]
    fn what_would_move_the_cursor_is_taken_out() {
        assert_eq!(
            printable("\u{1b}[31mred\u{1b}[0m\u{1b}[2Jx", Keep::Colours),
            "\u{1b}[31mred\u{1b}[0mx"
        );
        assert_eq!(
            printable("\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}x\u{8}", Keep::Nothing),
            "red x"
        );
        assert_eq!(printable("10%\r20%\r", Keep::Nothing), "20%");
        assert_eq!(printable("a\tb", Keep::Nothing), "a    b");
        assert_eq!(printable("a\u{1b}[é", Keep::Nothing), "a");
    }

    #[test]
    fn durations_are_short() {
        let shown = |millis| short(Duration::from_millis(millis));
        let all = [0, 850, 3_249, 42_900, 307_000, 7_440_000].map(shown);
        assert_eq!(all, ["0ms", "850ms", "3.2s", "42s", "5m07s", "2h04m"]);
    }
}
