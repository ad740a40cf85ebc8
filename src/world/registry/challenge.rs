//! Pure. What a registry answers to somebody it does not know: how to show who one is, and where.

/// One way to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token that is fetched elsewhere.
    Bearer { realm: String, service: String },
}

/// The best of the ways that the headers `WWW-Authenticate` offer.
pub fn best<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Challenge> {
    let mut found = None;
    for header in headers {
        match read(header) {
            Some(bearer @ Challenge::Bearer { .. }) => return Some(bearer),
            Some(basic) => found = Some(basic),
            None => {}
        }
    }
    found
}

fn read(header: &str) -> Option<Challenge> {
    let header = header.trim();
    let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let parameters = parameters(rest);
    let value = |name: &str| {
        let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    Some(Challenge::Bearer {
        realm: value("realm"),
        service: value("service"),
    })
    .filter(|challenge| !matches!(challenge, Challenge::Bearer { realm, .. } if realm.is_empty()))
}

/// `key="value"` or `key=value`, separated by commas; a quoted value may have commas in it.
fn parameters(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((key, rest)) = text.split_once('=') {
        let key = key.trim_matches([' ', ',']).to_owned();
        let (value, rest) = match rest.strip_prefix('"') {
            Some(rest) => quoted(rest),
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        found.push((key, value));
        text = rest;
    }
    found
}

/// What stands before the closing quote, and what comes after it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, &text[at + 1..]),
            _ => {
                escaped = false;
                value.push(c);
            }
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_preferred_and_commas_in_quotes_do_not_matter() {
        let bearer = |realm: &str, service: &str| {
            let (realm, service) = (realm.to_owned(), service.to_owned());
            Some(Challenge::Bearer { realm, service })
        };
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let table: [(&[&str], Option<Challenge>); 6] = [
            (&[hub], bearer("https://auth.docker.io/token", "registry.docker.io")),
            (
                &[r#"Basic realm="x""#, "bearer realm=https://a/t"],
                bearer("https://a/t", ""),
            ),
            (
                &[r#"Bearer scope="a,b", realm="https://a/\"t\"" , service=s"#],
                bearer("https://a/\"t\"", "s"),
            ),
            (&["Basic"], Some(Challenge::Basic)),
            (&["Negotiate", "Bearer service=s"], None),
            (&[], None),
        ];
        for (headers, expected) in table {
            assert_eq!(best(headers.iter().copied()), expected, "{headers:?}");
        }
    }
}
