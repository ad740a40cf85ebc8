//! Pure. `-l` for objects of files, which no server selects for us: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.

use crate::model::tree::Tree;

/// Whether an object has the labels that a selector wants.
pub fn is_selected(object: &Tree, selector: &str) -> bool {
    let label = |name: &str| object.at(&["metadata", "labels", name.trim()]).and_then(Tree::as_text);
    terms(selector).into_iter().all(|term| holds(term, label))
}

/// Splits at commas, but not within parentheses.
fn terms(selector: &str) -> Vec<&str> {
    let (mut depth, mut start, mut terms) = (0, 0, Vec::new());
    for (at, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&selector[start..]);
    terms
        .into_iter()
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .collect()
}

fn holds<'t>(term: &str, label: impl Fn(&str) -> Option<&'t str>) -> bool {
    if let Some((name, values)) = set(term, " notin ") {
        return label(name).is_none_or(|value| !values.contains(&value));
    }
    if let Some((name, values)) = set(term, " in ") {
        return label(name).is_some_and(|value| values.contains(&value));
    }
    if let Some((name, value)) = term.split_once("!=") {
        return label(name) != Some(value.trim());
    }
    if let Some((name, value)) = term.split_once('=') {
        return label(name) == Some(value.trim_start_matches('=').trim());
    }
    match term.strip_prefix('!') {
        Some(name) => label(name).is_none(),
        None => label(term).is_some(),
    }
}

fn set<'a>(term: &'a str, word: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let (name, values) = term.split_once(word)?;
    let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some((name, values.split(',').map(str::trim).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::yaml;

    #[test]
    fn selectors_mean_what_they_mean_to_a_server() {
        let object = yaml::parse_one("{metadata: {labels: {a: b, c: d, e.f/g: h}}}").unwrap();
        let table = [
            ("", true),
            ("a=b", true),
            ("a==b,c=d", true),
            ("a=x", false),
            ("a!=x,z!=y", true),
            ("a in (x, b),c", true),
            ("a in (x,y)", false),
            ("a notin (x,y),z notin (b)", true),
            ("a notin (b)", false),
            ("e.f/g", true),
            ("!a", false),
            ("!z", true),
        ];
        for (selector, expected) in table {
            assert_eq!(is_selected(&object, selector), expected, "{selector}");
        }
    }
}
