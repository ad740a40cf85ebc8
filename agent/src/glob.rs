//! Pure. Patterns of paths: `*` and `?` within a name, `[a-z]` and `[!a-z]`, `**` for any number of directories.

/// Some patterns at once.
#[derive(Debug, Clone)]
pub struct Globs(Vec<Vec<Vec<u8>>>);

/// How far each pattern has matched on the way down to a directory.
#[derive(Debug, Clone)]
pub struct Progress(Vec<Vec<usize>>);

impl Globs {
    pub fn new(patterns: &[Vec<u8>]) -> Self {
        let names = |pattern: &Vec<u8>| {
            let names = pattern.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
            names.map(<[u8]>::to_vec).collect()
        };
        Self(patterns.iter().map(names).collect())
    }

    /// At the root.
    pub fn start(&self) -> Progress {
        Progress(self.0.iter().map(|pattern| closed(pattern, vec![0])).collect())
    }

    /// One name further down.
    pub fn step(&self, from: &Progress, name: &[u8]) -> Progress {
        let next = |(pattern, states): (&Vec<Vec<u8>>, &Vec<usize>)| {
            let mut reached = Vec::new();
            for state in states {
                match pattern.get(*state) {
                    Some(part) if part == b"**" => reached.push(*state),
                    Some(part) if matches(part, name) => reached.push(state + 1),
                    _ => {}
                }
            }
            closed(pattern, reached)
        };
        Progress(self.0.iter().zip(&from.0).map(next).collect())
    }

    /// After all names of a path.
    pub fn along(&self, path: &[u8]) -> Progress {
        let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        names.fold(self.start(), |at, name| self.step(&at, name))
    }

    /// Whether a whole pattern has matched.
    pub fn is_match(&self, at: &Progress) -> bool {
        let mut pairs = self.0.iter().zip(&at.0);
        pairs.any(|(pattern, states)| states.contains(&pattern.len()))
    }

    /// Whether anything below can match.
    pub fn leads_on(&self, at: &Progress) -> bool {
        let mut pairs = self.0.iter().zip(&at.0);
        pairs.any(|(pattern, states)| states.iter().any(|state| *state < pattern.len()))
    }
}

/// `**` may stand for nothing.
fn closed(pattern: &[Vec<u8>], mut states: Vec<usize>) -> Vec<usize> {
    let mut index = 0;
    while let Some(state) = states.get(index).copied() {
        if pattern.get(state).is_some_and(|part| part == b"**") && !states.contains(&(state + 1)) {
            states.push(state + 1);
        }
        index += 1;
    }
    states.sort_unstable();
    states.dedup();
    states
}

/// One name. The last `*` is the only one that is ever tried again, so it takes no more than their product.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while pos < name.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, pos));
            at += 1;
            continue;
        }
        if let Some(next) = one(pattern, at, name[pos]) {
            at = next;
            pos += 1;
            continue;
        }
        let Some((star_at, star_pos)) = star else {
            return false;
        };
        star = Some((star_at, star_pos + 1));
        at = star_at + 1;
        pos = star_pos + 1;
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Matches one byte. Says where the pattern goes on.
fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => match class(&pattern[at + 1..], byte) {
            Some((length, is_in)) => is_in.then_some(at + 1 + length),
            // Never closed: it stands for itself.
            None => (byte == b'[').then_some(at + 1),
        },
        b'\\' => match pattern.get(at + 1) {
            Some(escaped) => (*escaped == byte).then_some(at + 2),
            None => (byte == b'\\').then_some(at + 1),
        },
        same => (same == byte).then_some(at + 1),
    }
}

/// The length of a class with its bracket, and whether the byte is in it.
fn class(pattern: &[u8], byte: u8) -> Option<(usize, bool)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let first = at;
    let mut is_in = false;
    loop {
        let low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((at + 1, is_in != negated));
        }
        let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                at += 2;
                *high
            }
            _ => low,
        };
        is_in |= (low..=high).contains(&byte);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(pattern: &str, path: &str) -> bool {
        let globs = Globs::new(&[pattern.as_bytes().to_vec()]);
        let steps = path.split('/');
        let at = steps.fold(globs.start(), |at, name| globs.step(&at, name.as_bytes()));
        globs.is_match(&at)
    }

    #[test]
    fn patterns_match_names_and_ways() {
        for (pattern, path) in [
            ("yarn.lock", "yarn.lock"),
            ("db/migrations/**", "db/migrations/a/b.sql"),
            ("**", "a/b"),
            ("**/*.lock", "yarn.lock"),
            ("**/*.lock", "a/b/yarn.lock"),
            ("a/**/b/**/c", "a/x/b/c"),
            ("a?c", "abc"),
            ("*a*b*", "xxaxxbxx"),
            ("[a-c]x[!0-9]", "bxy"),
            ("[]]", "]"),
            ("\\*", "*"),
            ("[a", "[a"),
        ] {
            assert!(is_match(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("yarn.lock", "a/yarn.lock"),
            ("*", "a/b"),
            ("a*", "ba"),
            ("a?c", "ac"),
            ("[a-c]", "d"),
            ("[!a-c]", "b"),
            ("\\*", "x"),
            ("", "x"),
        ] {
            assert!(!is_match(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn a_directory_that_no_pattern_leads_into_is_known_as_such() {
        let globs = Globs::new(&[b"db/migrations/*.sql".to_vec()]);
        let db = globs.step(&globs.start(), b"db");
        assert!(globs.leads_on(&db));
        assert!(!globs.leads_on(&globs.step(&globs.start(), b"node_modules")));
        assert!(!globs.leads_on(&globs.step(&globs.step(&globs.step(&globs.start(), b"db"), b"migrations"), b"a.sql")));
    }

    #[test]
    fn a_spiteful_pattern_takes_no_time() {
        let pattern = "*a".repeat(200) + "/" + &"**/".repeat(200) + "b";
        let path = "a".repeat(250) + &"/x".repeat(500);
        assert!(!is_match(&pattern, &path));
    }
}
