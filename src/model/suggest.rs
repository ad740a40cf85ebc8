//! Pure. What a message offers: the name that was probably meant, lists of names, plurals.

use strsim::levenshtein;

/// The candidate that `wrong` is probably a misspelling of: the closest one, if less than half of the letters are off.
/// Case and underscores do not count; of two equally close ones the first is taken.
pub fn nearest<'a, I>(wrong: &str, candidates: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    let wrong = folded(wrong);
    let mut least = wrong.len().div_ceil(2);
    let mut best = None;
    for candidate in candidates {
        let distance = levenshtein(&wrong, &folded(candidate));
        if distance < least {
            least = distance;
            best = Some(candidate);
        }
    }
    best
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// ` (did you mean x?)`, or nothing: made to follow a message as it is.
pub fn did_you_mean<'a, I>(wrong: &str, candidates: I) -> String
where
    I: IntoIterator<Item = &'a str>,
{
    nearest(wrong, candidates).map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// `a`, `a and b`, `a, b and c`.
pub fn list_of<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `1 file`, `2 files`.
pub fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_suggested_unless_it_is_far_off() {
        let names = ["dockerfile", "docker_build", "k8s_yaml", "only"];
        let table = [
            ("dockerfil", Some("dockerfile")),
            ("Docker_File", Some("dockerfile")),
            ("dockerbuild", Some("docker_build")),
            ("k8syaml", Some("k8s_yaml")),
            ("onyl", None),
            ("onl", Some("only")),
            ("zzz", None),
            ("", None),
        ];
        for (wrong, expected) in table {
            assert_eq!(nearest(wrong, names), expected, "{wrong}");
        }
        assert_eq!(did_you_mean("dockerfil", names), " (did you mean dockerfile?)");
        assert_eq!(did_you_mean("zzz", names), "");
    }

    #[test]
    fn lists_and_counts_read_as_english() {
        assert_eq!(list_of::<&str>(&[]), "");
        assert_eq!(list_of(&["a"]), "a");
        assert_eq!(list_of(&["a", "b"]), "a and b");
        assert_eq!(list_of(&["a", "b", "c"]), "a, b and c");
        assert_eq!(counted(0, "file"), "0 files");
        assert_eq!(counted(1, "file"), "1 file");
    }
}
