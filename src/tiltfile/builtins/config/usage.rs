//! Pure. The settings of a Tiltfile as a command shows its flags: one a line, explanations in a column, wrapped.

use crate::tiltfile::declared::config::{GivenAs, Kind, Setting};

const WIDTH: usize = 80;
/// A column narrower than this is not worth wrapping for.
const NARROWEST: usize = 24;

/// Empty if there is no flag.
pub fn usage(settings: &[Setting]) -> String {
    let mut flags: Vec<&Setting> = settings.iter().filter(|setting| setting.given_as == GivenAs::Flag).collect();
    flags.sort_by(|a, b| a.name.cmp(&b.name));
    let heads: Vec<String> = flags.iter().map(|flag| head(flag)).collect();
    let column = heads.iter().map(String::len).max().unwrap_or_default() + 3;
    let lines = heads.iter().zip(&flags).map(|(head, flag)| line(head, &explanation(flag), column));
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\nUsage:\n{lines}") }
}

/// A word in backquotes names the flag's value; else its type does.
fn head(flag: &Setting) -> String {
    let own = quoted_word(&flag.usage).map(|(_, word, _)| word);
    let of = match (own, flag.kind) {
        (Some(word), _) => word,
        (None, Kind::Texts) => "list[string]",
        (None, Kind::Text) => "string",
        (None, Kind::Document) => "object",
        (None, Kind::Flag) => return format!("      --{}", flag.name),
    };
    format!("      --{} {of}", flag.name)
}

fn explanation(flag: &Setting) -> String {
    match quoted_word(&flag.usage) {
        Some((before, word, after)) => format!("{before}{word}{after}"),
        None => flag.usage.clone(),
    }
}

fn quoted_word(usage: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = usage.split_once('`')?;
    let (word, after) = rest.split_once('`')?;
    Some((before, word, after))
}

fn line(head: &str, explanation: &str, column: usize) -> String {
    let mut out = format!("{head:column$}");
    // Too narrow a column begins on a line of its own.
    let indent = if WIDTH.saturating_sub(column) < NARROWEST {
        out.push('\n');
        16
    } else {
        column
    };
    let mut used = 0;
    for word in explanation.split(' ') {
        if used > 0 && used + 1 + word.len() > WIDTH - indent {
            out.push('\n');
            used = 0;
        }
        match used {
            0 if out.ends_with('\n') => out.push_str(&" ".repeat(indent)),
            0 => {}
            _ => {
                out.push(' ');
                used += 1;
            }
        }
        out.push_str(word);
        used += word.len();
    }
    format!("{}\n", out.trim_end())
}
