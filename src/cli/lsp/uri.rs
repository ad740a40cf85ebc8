//! Pure. File URIs and paths.

use std::path::{Path, PathBuf};

use lsp_types::Uri;

/// The path of a `file:` URI.
pub fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    // The name of the machine, where there is one, is ours.
    let path = &rest[rest.find('/')?..];
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = String::from_utf8(decoded(path.as_bytes())).ok()?;
    Some(PathBuf::from(path))
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, others)) = rest.split_first() {
        let escaped = others.get(..2).filter(|_| *first == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        out.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &others[2..] } else { others };
    }
    out
}

/// The URI of an absolute path.
pub fn of_path(path: &Path) -> Option<Uri> {
    let mut text = "file://".to_owned();
    for byte in path.to_str()?.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris_become_one_another() {
        for (path, uri) in [
            ("/shop/Tiltfile", "file:///shop/Tiltfile"),
            ("/a b/ü[1]", "file:///a%20b/%C3%BC%5B1%5D"),
            ("/100%", "file:///100%25"),
        ] {
            assert_eq!(
                of_path(Path::new(path)).map(|uri| uri.as_str().to_owned()),
                Some(uri.to_owned())
            );
            assert_eq!(to_path(&uri.parse().unwrap()), Some(PathBuf::from(path)));
        }
    }

    #[test]
    fn only_file_uris_have_a_path() {
        for (uri, path) in [
            ("untitled:Untitled-1", None),
            ("file://host/a", Some("/a")),
            ("https://host/a", None),
        ] {
            assert_eq!(to_path(&uri.parse().unwrap()), path.map(PathBuf::from), "{uri}");
        }
    }
}
