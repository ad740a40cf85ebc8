//! Pure. Which paths are left out: patterns in the syntax of `.dockerignore`, as upstream and Docker read them.
//!
//! Patterns are relative to a base. One that matches a directory covers all below it; `!` takes back what an earlier
//! pattern left out, and the last pattern that matches decides. Matching is linear in the length of the path,
//! whatever the patterns, and patterns are compiled when the first path is asked for.

mod lexical;
mod pattern;

use lexical::{below, clean, is_within};
use pattern::{Pattern, Shape};
use regex::{RegexSet, RegexSetBuilder};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};
use thiserror::Error;

/// Patterns that leave out files below `base`. Without any pattern: `base` itself and everything below.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ignore {
    pub base: PathBuf,
    pub patterns: Vec<String>,
}

impl Ignore {
    /// Leaves out `path` and everything below it.
    pub fn whole(path: impl Into<PathBuf>) -> Ignore {
        Ignore {
            base: path.into(),
            patterns: Vec::new(),
        }
    }

    pub fn patterns<I, S>(base: impl Into<PathBuf>, patterns: I) -> Ignore
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Ignore {
            base: base.into(),
            patterns: patterns.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    #[error("syntax error in pattern `{pattern}`")]
    Malformed { pattern: String },
    #[error("illegal exclusion pattern `!`")]
    LoneExclamation,
    #[error("pattern of {length} bytes is too long: `{start}…`")]
    TooLong { start: String, length: usize },
}

/// The files that editors and tools write beside those that they edit, anywhere. They never mean a change.
pub const EPHEMERAL: &[&str] = &[
    // JetBrains
    "**/*___jb_old___",
    "**/*___jb_tmp___",
    "**/.idea/**",
    // Emacs, and flymake in it
    "**/.#*",
    "**/#*#",
    "**/flymake_*.*",
    // Vim: its probe for writing, backups, and swap files while there are few of them
    "**/4913",
    "**/*~",
    "**/.*.swp",
    "**/.*.swx",
    "**/.*.swo",
    "**/.*.swn",
    // Kate
    "**/.*.kate-swp",
    // the go command, finding out about file modes
    "**/*-go-tmp-umask",
];

/// Leaves out the files of [`EPHEMERAL`].
pub fn ephemeral() -> &'static Filter {
    static FILTER: LazyLock<Filter> = LazyLock::new(|| {
        let all = Ignore::patterns("/", EPHEMERAL.iter().copied());
        Filter::new(&[all]).expect("constant patterns")
    });
    &FILTER
}

/// The patterns of an ignore file, cleaned, without comments.
pub fn read_patterns(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(cleaned_line)
        .collect()
}

fn cleaned_line(line: &str) -> String {
    let (mark, rest) = match line.strip_prefix('!') {
        Some(rest) => ("!", rest.trim()),
        None => ("", line),
    };
    if rest.is_empty() {
        return mark.to_owned();
    }
    let cleaned = clean(rest);
    // In an ignore file there is nothing above the base: `/a` is `a`.
    let relative = match cleaned.strip_prefix('/') {
        Some(relative) if !relative.is_empty() => relative,
        _ => &cleaned,
    };
    format!("{mark}{relative}")
}

/// Many ignores together: what one of them leaves out is left out.
#[derive(Debug, Default)]
pub struct Filter(Vec<Rule>);

#[derive(Debug)]
enum Rule {
    Whole(String),
    Patterns(Matcher),
}

impl Filter {
    pub fn new(ignores: &[Ignore]) -> Result<Filter, PatternError> {
        let rules: Result<_, _> = ignores.iter().map(Rule::new).collect();
        rules.map(Filter)
    }

    /// Takes every ignore that is well-formed, and gives the faults of the others.
    pub fn of_well_formed(ignores: &[Ignore]) -> (Filter, Vec<PatternError>) {
        let mut faults = Vec::new();
        let rules = ignores.iter().map(Rule::new);
        let rules = rules.filter_map(|rule| rule.map_err(|fault| faults.push(fault)).ok());
        let filter = Filter(rules.collect());
        (filter, faults)
    }

    /// Whether the file or directory is left out.
    pub fn matches(&self, path: &Path) -> bool {
        let path = path.to_string_lossy();
        self.0.iter().any(|rule| rule.matches(&path))
    }

    /// Whether nothing below the directory can be anything but left out, so that nobody needs to look.
    pub fn matches_entire_dir(&self, dir: &Path) -> bool {
        let dir = dir.to_string_lossy();
        self.0.iter().any(|rule| rule.matches_entire_dir(&dir))
    }
}

impl Rule {
    fn new(ignore: &Ignore) -> Result<Rule, PatternError> {
        if ignore.patterns.is_empty() {
            return Ok(Rule::Whole(clean(&ignore.base.to_string_lossy())));
        }
        Matcher::new(ignore).map(Rule::Patterns)
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Rule::Whole(base) => is_within(base, path),
            Rule::Patterns(matcher) => matcher.decides_against(path),
        }
    }

    fn matches_entire_dir(&self, dir: &str) -> bool {
        match self {
            Rule::Whole(base) => is_within(base, dir),
            Rule::Patterns(matcher) => matcher.decides_against_all_below(dir),
        }
    }
}

/// The patterns of one [`Ignore`].
#[derive(Debug)]
pub struct Matcher {
    base: String,
    patterns: Vec<Pattern>,
    /// Patterns without wildcards (most are) by the path that they name; of equal ones the last.
    literals: HashMap<String, usize>,
    /// The others, in groups that are compiled together.
    wild: OnceLock<Vec<Group>>,
}

/// A compiled group, with the place of each of its patterns in the whole list.
#[derive(Debug)]
struct Group {
    set: RegexSet,
    places: Vec<usize>,
}

/// How much text of regular expressions is compiled into one group. It bounds the memory that a group can take.
const GROUP: usize = 16 * 1024;

impl Matcher {
    pub fn new(ignore: &Ignore) -> Result<Matcher, PatternError> {
        let base = clean(&ignore.base.to_string_lossy());
        let parsed = ignore.patterns.iter().map(|it| Pattern::parse(&base, it));
        let patterns: Vec<Pattern> = parsed.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let literals = patterns.iter().enumerate().filter_map(|(place, pattern)| {
            let Shape::Literal(path) = &pattern.shape else {
                return None;
            };
            Some((path.clone(), place))
        });
        Ok(Matcher {
            base,
            literals: literals.collect(),
            patterns,
            wild: OnceLock::new(),
        })
    }

    /// Whether the file or directory is left out. A relative path is one below the base.
    pub fn matches(&self, path: &Path) -> bool {
        self.decides_against(&path.to_string_lossy())
    }

    /// Whether the directory and everything below it is left out.
    pub fn matches_entire_dir(&self, dir: &Path) -> bool {
        self.decides_against_all_below(&dir.to_string_lossy())
    }

    fn decides_against(&self, path: &str) -> bool {
        let last = self.last_match(path);
        last.is_some_and(|place| !self.patterns[place].taken_back)
    }

    fn decides_against_all_below(&self, dir: &str) -> bool {
        let Some(last) = self.last_match(dir) else {
            return false;
        };
        // Whatever matches the directory matches all below, so only later patterns can take something back.
        let later = &self.patterns[last + 1..];
        !self.patterns[last].taken_back && !later.iter().any(|it| it.taken_back && it.can_match_below(dir))
    }

    /// The place of the last pattern that matches the path or a directory above it: the one that decides.
    fn last_match(&self, path: &str) -> Option<usize> {
        if !path.starts_with('/') {
            return self.last_match(&below(&self.base, path));
        }
        let groups = self.wild.get_or_init(|| groups(&self.patterns));
        let wild = groups.iter().filter_map(|group| group.last_match(path));
        wild.max().max(self.last_literal_match(path))
    }

    fn last_literal_match(&self, path: &str) -> Option<usize> {
        if self.literals.is_empty() {
            return None;
        }
        let slashes = path.match_indices('/').map(|(at, _)| at.max(1));
        slashes
            .chain([path.len()])
            .filter_map(|end| self.literals.get(&path[..end]).copied())
            .max()
    }
}

impl Group {
    fn last_match(&self, path: &str) -> Option<usize> {
        let matches = self.set.matches(path);
        let last = matches.iter().next_back()?;
        Some(self.places[last])
    }

    fn of(members: &[(usize, &str)]) -> Group {
        // Groups are bounded by their text, so the limit of the crate would only fail where nothing is wrong.
        let set = RegexSetBuilder::new(members.iter().map(|(_, text)| text))
            .size_limit(usize::MAX)
            .build()
            .expect("patterns translate to well-formed expressions");
        let places = members.iter().map(|(place, _)| *place).collect();
        Group { set, places }
    }
}

fn groups(patterns: &[Pattern]) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut members, mut size) = (Vec::new(), 0);
    for (place, pattern) in patterns.iter().enumerate() {
        let Shape::Wild { expression, .. } = &pattern.shape else {
            continue;
        };
        if size + expression.len() > GROUP && !members.is_empty() {
            groups.push(Group::of(&members));
            (members, size) = (Vec::new(), 0);
        }
        members.push((place, expression.as_str()));
        size += expression.len();
    }
    if !members.is_empty() {
        groups.push(Group::of(&members));
    }
    groups
}

#[cfg(test)]
mod tests;
