//! Pure. The grammar of image references: what a domain, a path, a tag and a digest may look like.

const LONGEST_TAG: usize = 128;
const SHORTEST_DIGEST: usize = 32;

/// 64 hexadecimal digits are an image's id, which must not be mistaken for a name.
pub fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9'))
}

/// A host name or a bracketed IPv6 address, perhaps with a port.
pub fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match address {
        Some(address) => is_address(address),
        None => host.split('.').all(is_domain_label),
    };
    is_host && port.is_none_or(is_port)
}

fn is_address(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
    !text.is_empty() && text.bytes().all(allowed)
}

fn is_domain_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}

pub fn is_path(text: &str) -> bool {
    text.split('/').all(is_path_part)
}

/// Lowercase letters and digits, separated by a dot, one or two underscores, or hyphens.
fn is_path_part(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator =
        |text: &str| matches!(text, "." | "_" | "__") || (!text.is_empty() && text.bytes().all(|b| b == b'-'));
    let Some(mut rest) = text.strip_prefix(plain) else {
        return false;
    };
    loop {
        rest = rest.trim_start_matches(plain);
        let Some(end) = rest.find(plain) else {
            return rest.is_empty();
        };
        if !is_separator(&rest[..end]) {
            return false;
        }
        rest = &rest[end..];
    }
}

pub fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = text.bytes().next().is_some_and(word);
    first && text.len() <= LONGEST_TAG && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// An algorithm and at least as many hexadecimal digits as any algorithm gives; which algorithm is another question.
pub fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return false;
    };
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(is_part)
        && hex.len() >= SHORTEST_DIGEST
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}
