//! Pure. Which of the known names somebody may have meant.

/// The known name that takes the fewest letters to change, unless that is more than a third of them.
pub fn most_similar(name: &str, known: Vec<String>) -> Option<String> {
    let (distance, best) = known
        .into_iter()
        .map(|other| (distance(name, &other), other))
        .min_by_key(|(d, _)| *d)?;
    let limit = (name.chars().count().max(best.chars().count()) / 3).max(1);
    (distance <= limit).then_some(best)
}

/// How many letters to insert, delete or replace to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_recognised_and_a_far_one_is_not() {
        let known = || ["default_value", "placeholder", "name"].map(String::from).to_vec();
        assert_eq!(most_similar("default", known()), None);
        assert_eq!(most_similar("defaultValue", known()).as_deref(), Some("default_value"));
        assert_eq!(most_similar("placehloder", known()).as_deref(), Some("placeholder"));
        assert_eq!(most_similar("nam", known()).as_deref(), Some("name"));
        assert_eq!(most_similar("x", vec![]), None);
    }

    #[test]
    fn distance_counts_letters() {
        for (from, to, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("kitten", "sitting", 3),
            ("name", "names", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }
}
