//! Pure. Taking a URL apart.

use super::escape::{Part, escaped, unescaped};
use super::{Url, UrlError, UrlProblem, User};

pub fn url(text: &str) -> Result<Url, UrlError> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let fail = |text: &str, problem| UrlError {
        text: text.to_owned(),
        problem,
    };
    let mut url = without_fragment(rest).map_err(|problem| fail(rest, problem))?;
    let (decoded, raw) = both_forms(fragment, Part::Fragment).map_err(|problem| fail(text, problem))?;
    url.fragment = decoded;
    url.raw_fragment = raw;
    Ok(url)
}

fn without_fragment(text: &str) -> Result<Url, UrlProblem> {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(UrlProblem::ControlCharacter);
    }
    let mut url = Url::default();
    if text == "*" {
        url.path = text.to_owned();
        return Ok(url);
    }
    let (scheme, rest) = scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let rest = take_query(&mut url, rest);
    if rest.starts_with('/') {
        take_hierarchy(&mut url, rest)?;
    } else if !url.scheme.is_empty() {
        url.opaque = rest.to_owned();
    } else if rest.split('/').next().is_some_and(|it| it.contains(':')) {
        return Err(UrlProblem::ColonInFirstSegment);
    } else {
        set_path(&mut url, rest)?;
    }
    Ok(url)
}

/// Splits off what stands before the first colon, if it can be a scheme.
fn scheme(text: &str) -> Result<(&str, &str), UrlProblem> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Ok((&text[..at], &text[at + 1..])),
            b':' => return Err(UrlProblem::MissingScheme),
            _ => break,
        }
    }
    Ok(("", text))
}

fn take_query<'a>(url: &mut Url, text: &'a str) -> &'a str {
    match text.split_once('?') {
        Some((rest, "")) => {
            url.force_query = true;
            rest
        }
        Some((rest, query)) => {
            url.raw_query = query.to_owned();
            rest
        }
        None => text,
    }
}

fn take_hierarchy(url: &mut Url, text: &str) -> Result<(), UrlProblem> {
    let has_scheme = !url.scheme.is_empty();
    match text.strip_prefix("//") {
        Some(rest) if has_scheme || !rest.starts_with('/') => {
            let end = rest.find('/').unwrap_or(rest.len());
            set_authority(url, &rest[..end])?;
            set_path(url, &rest[end..])
        }
        _ => {
            url.omit_host = has_scheme;
            set_path(url, text)
        }
    }
}

fn set_path(url: &mut Url, text: &str) -> Result<(), UrlProblem> {
    (url.path, url.raw_path) = both_forms(text, Part::Path)?;
    Ok(())
}

/// The decoded text, and the written one where encoding the decoded text anew would not give it.
fn both_forms(text: &str, part: Part) -> Result<(String, String), UrlProblem> {
    let decoded = unescaped(text, part)?;
    let raw = if escaped(&decoded, part) == text {
        String::new()
    } else {
        text.to_owned()
    };
    Ok((decoded, raw))
}

fn set_authority(url: &mut Url, text: &str) -> Result<(), UrlProblem> {
    let Some((user, host)) = text.rsplit_once('@') else {
        url.host = parsed_host(text)?;
        return Ok(());
    };
    url.host = parsed_host(host)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(allowed) {
        return Err(UrlProblem::InvalidUser);
    }
    let (name, password) = match user.split_once(':') {
        Some((name, password)) => (name, Some(unescaped(password, Part::User)?)),
        None => (user, None),
    };
    let name = unescaped(name, Part::User)?;
    url.user = Some(User { name, password });
    Ok(())
}

fn parsed_host(text: &str) -> Result<String, UrlProblem> {
    if text.starts_with('[') {
        return bracketed_host(text);
    }
    if let Some(colon) = text.rfind(':') {
        check_port(&text[colon..])?;
    }
    Ok(unescaped(text, Part::Host)?)
}

/// An IPv6 address, perhaps with a zone (`[fe80::1%25eth0]`), perhaps with a port.
fn bracketed_host(text: &str) -> Result<String, UrlProblem> {
    let end = text.rfind(']').ok_or(UrlProblem::MissingBracket)?;
    check_port(&text[end + 1..])?;
    let Some(zone) = text[..end].find("%25") else {
        return Ok(unescaped(text, Part::Host)?);
    };
    let address = unescaped(&text[..zone], Part::Host)?;
    let zone = unescaped(&text[zone..end], Part::Zone)?;
    let rest = unescaped(&text[end..], Part::Host)?;
    Ok(format!("{address}{zone}{rest}"))
}

/// What follows a host: nothing, or a colon and digits, of which there may be none.
fn check_port(text: &str) -> Result<(), UrlProblem> {
    let digits = match text.strip_prefix(':') {
        Some(digits) => digits,
        None if text.is_empty() => return Ok(()),
        None => "x",
    };
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    let port = text.to_owned();
    Err(UrlProblem::InvalidPort { port })
}
