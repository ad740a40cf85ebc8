//! Pure. A service's own text, cut out of what `docker compose config` printed and laid out with four spaces.
//!
//! The text is laid out anew rather than printed from the document, because it then keeps the quoting and the field order of
//! Compose, and fields that nobody here has heard of.

use super::EnvFile;

/// The lines of each service, in the order printed, without the two levels (`services:`, its name) above them.
pub fn service_blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    let inside = text.lines().skip_while(|line| !line.starts_with("services:")).skip(1);
    for line in inside.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        if indent_of(line) == 2 {
            blocks.push(Vec::new());
        } else if let Some(block) = blocks.last_mut() {
            block.push(line.get(4..).unwrap_or_default());
        }
    }
    blocks
}

/// Compose leaves out which files an environment came from; they belong to the service all the same.
pub fn service_yaml(block: &[&str], env_files: &[EnvFile]) -> String {
    let mut lines: Vec<String> = block.iter().map(|line| (*line).to_owned()).collect();
    let is_later = |line: &String| {
        let key = line.split(':').next().unwrap_or_default();
        !line.starts_with([' ', '-']) && key > "environment" && key != "profiles"
    };
    let place = lines.iter().position(is_later).unwrap_or(lines.len());
    lines.splice(place..place, env_file_lines(env_files));
    widen(&without_default_bind(lines))
}

fn env_file_lines(env_files: &[EnvFile]) -> Vec<String> {
    if env_files.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["env_file:".to_owned()];
    for file in env_files {
        lines.push(format!("  - path: {}", file.path.display()));
        if !file.required {
            lines.push("    required: false".to_owned());
        }
    }
    lines
}

/// Creating a missing directory is what `bind` does unless told otherwise. Whether a release of Compose prints that varies;
/// a service must not look changed because Compose was upgraded.
fn without_default_bind(lines: Vec<String>) -> Vec<String> {
    let depth_after = |index: usize| lines.get(index + 1).map_or(0, |line| indent_of(line));
    let mut kept: Vec<String> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        if line.trim_start() != "create_host_path: true" {
            kept.push(line.clone());
        } else if depth_after(index) != indent_of(line)
            && let Some(bind) = kept.last_mut().filter(|last| last.ends_with("bind:"))
        {
            bind.push_str(" {}");
        }
    }
    kept
}

/// One nesting level: where it stands in the text as printed, and where in ours.
#[derive(Clone, Copy)]
struct Level {
    from: usize,
    to: usize,
}

/// From two spaces a level to four. What stands behind a dash stays two behind it, as the Go printer has it.
fn widen(lines: &[String]) -> String {
    let mut levels = vec![Level { from: 0, to: 0 }];
    let mut out = String::new();
    let mut scalar: Option<Level> = None;
    for line in lines {
        let indent = indent_of(line);
        if let Some(block) = scalar.filter(|block| line.trim().is_empty() || indent >= block.from) {
            push_line(
                &mut out,
                block.to + indent.saturating_sub(block.from),
                line.trim_start(),
            );
            continue;
        }
        let level = enter(&mut levels, indent);
        let mut content = level;
        let mut rest = line.trim_start();
        while let Some(item) = rest.strip_prefix("- ") {
            content = Level {
                from: content.from + 2,
                to: content.to + 2,
            };
            levels.push(content);
            rest = item;
        }
        scalar = block_scalar_start(rest).then(|| scalar_level(level, content, rest));
        push_line(&mut out, level.to, &with_width_hint(line.trim_start(), level, scalar));
    }
    out
}

/// The level of a line: one already open, or a new one below the innermost.
fn enter(levels: &mut Vec<Level>, indent: usize) -> Level {
    levels.retain(|level| level.from <= indent);
    let innermost = levels.last().copied().unwrap_or(Level { from: 0, to: 0 });
    if innermost.from == indent {
        return innermost;
    }
    let level = Level {
        from: indent,
        to: below(innermost.to),
    };
    levels.push(level);
    level
}

/// The next multiple of four to the right.
fn below(column: usize) -> usize {
    (column + 4) / 4 * 4
}

fn block_scalar_start(rest: &str) -> bool {
    let value = rest.rsplit_once(": ").map_or(rest, |(_, value)| value);
    let mut chars = value.chars();
    matches!(chars.next(), Some('|' | '>')) && chars.all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'))
}

/// Where the lines of a block scalar start: below its key, or right behind the dash of an item that is nothing else.
fn scalar_level(line: Level, content: Level, rest: &str) -> Level {
    if rest.starts_with(['|', '>']) && content.from > line.from {
        return content;
    }
    Level {
        from: content.from + 2,
        to: below(content.to),
    }
}

/// A digit behind `|` counts the columns of its lines, which have moved.
fn with_width_hint(line: &str, level: Level, scalar: Option<Level>) -> String {
    let hint = line.find(['|', '>']).map(|at| line.split_at(at));
    match (scalar, hint) {
        (Some(scalar), Some((head, tail))) if tail.contains(|c: char| c.is_ascii_digit()) => {
            let key = level.to + head.matches("- ").count() * 2;
            let width = scalar.to - key.min(scalar.to);
            let tail: String = tail.chars().filter(|c| !c.is_ascii_digit()).collect();
            format!("{head}{}{}{}", &tail[..1], width.max(1), &tail[1..])
        }
        _ => line.to_owned(),
    }
}

fn push_line(out: &mut String, indent: usize, text: &str) {
    if !text.is_empty() {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(text);
    }
    out.push('\n');
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Puts variables into a path as Compose does: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`; `$$` is a dollar.
pub fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((inside, behind)) => {
                out.push_str(&substitute(inside, variable));
                behind
            }
            None => expand_bare(after, &mut out, variable),
        };
    }
    out.push_str(rest);
    out
}

fn expand_bare<'a>(after: &'a str, out: &mut String, variable: &dyn Fn(&str) -> Option<String>) -> &'a str {
    if let Some(behind) = after.strip_prefix('$') {
        out.push('$');
        return behind;
    }
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (name, behind) = after.split_at(end.unwrap_or(after.len()));
    if name.is_empty() {
        out.push('$');
    } else {
        out.push_str(&variable(name).unwrap_or_default());
    }
    behind
}

fn substitute(inside: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (name, operator) = inside.split_at(end.unwrap_or(inside.len()));
    let value = variable(name);
    if let Some(default) = operator.strip_prefix(":-") {
        return value
            .filter(|value| !value.is_empty())
            .unwrap_or_else(|| default.to_owned());
    }
    if let Some(default) = operator.strip_prefix('-') {
        return value.unwrap_or_else(|| default.to_owned());
    }
    value.unwrap_or_default()
}
