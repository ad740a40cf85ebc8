//! Pure. Links that a resource shows, and the URLs in them, taken apart and printed as Go's `net/url` does it.

mod escape;
mod parse;

use escape::{Part, escaped, is_valid_encoded, unescaped};
use std::fmt;
use thiserror::Error;

pub use escape::EscapeError;

/// A URL with the name that the user interfaces show; without one they show the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub url: Url,
    pub name: String,
}

/// The parts of a URL under Go's names. `host` may hold a port; `raw_path` and `raw_fragment` are only set where they
/// cannot be told from the decoded form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    pub scheme: String,
    /// What follows the scheme if no slash does, as in `mailto:a@b.c`.
    pub opaque: String,
    pub user: Option<User>,
    pub host: String,
    pub path: String,
    pub raw_path: String,
    pub omit_host: bool,
    /// A `?` with nothing behind it.
    pub force_query: bool,
    pub raw_query: String,
    pub fragment: String,
    pub raw_fragment: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub password: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("parse {}: {problem}", crate::model::quote::quoted(text))]
pub struct UrlError {
    pub text: String,
    pub problem: UrlProblem,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlProblem {
    #[error("net/url: invalid control character in URL")]
    ControlCharacter,
    #[error("missing protocol scheme")]
    MissingScheme,
    #[error("first path segment in URL cannot contain colon")]
    ColonInFirstSegment,
    #[error("net/url: invalid userinfo")]
    InvalidUser,
    #[error("missing ']' in host")]
    MissingBracket,
    #[error("invalid port {} after host", crate::model::quote::quoted(port))]
    InvalidPort { port: String },
    #[error(transparent)]
    Escape(#[from] EscapeError),
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("validating URL {}: {problem}", crate::model::quote::quoted(text))]
pub struct LinkError {
    pub text: String,
    pub problem: LinkProblem,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkProblem {
    #[error("url empty")]
    Empty,
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl Link {
    /// A link from what the user wrote; without a scheme it is one of `http`.
    pub fn parse(text: &str, name: &str) -> Result<Link, LinkError> {
        let url = with_scheme(text).map_err(|problem| LinkError {
            text: text.to_owned(),
            problem,
        })?;
        let name = name.to_owned();
        Ok(Link { url, name })
    }
}

fn with_scheme(text: &str) -> Result<Url, LinkProblem> {
    if text.is_empty() {
        return Err(LinkProblem::Empty);
    }
    if starts_with_host_and_port(text) {
        return Ok(Url::parse(&format!("http://{text}"))?);
    }
    let mut url = Url::parse(text)?;
    if url.scheme.is_empty() {
        url.scheme = "http".to_owned();
    }
    Ok(url)
}

/// Whether the text begins like `localhost:1234`. Upstream takes `localhost` for a scheme there, and refuses
/// `127.0.0.1:1234`.
fn starts_with_host_and_port(text: &str) -> bool {
    let Some((host, rest)) = text.split_once(':') else {
        return false;
    };
    let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty()
        && host.bytes().all(is_host_byte)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}

impl Url {
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        parse::url(text)
    }

    /// The path as it stands in the URL.
    pub fn escaped_path(&self) -> String {
        if keeps(&self.raw_path, &self.path, Part::Path) {
            return self.raw_path.clone();
        }
        if self.path == "*" {
            return "*".to_owned();
        }
        escaped(&self.path, Part::Path)
    }

    fn escaped_fragment(&self) -> String {
        if keeps(&self.raw_fragment, &self.fragment, Part::Fragment) {
            return self.raw_fragment.clone();
        }
        escaped(&self.fragment, Part::Fragment)
    }

    fn write_authority(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.host.is_empty() && self.user.is_none();
        if bare && (self.omit_host || (self.scheme.is_empty() || self.path.is_empty())) {
            return Ok(());
        }
        f.write_str("//")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&escaped(&self.host, Part::Host))
    }

    fn write_path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.escaped_path();
        let first = path.split('/').next().unwrap_or_default();
        if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
            f.write_str("/")?;
        } else if self.scheme.is_empty() && self.host.is_empty() && first.contains(':') {
            // Without the dot this would read as a scheme.
            f.write_str("./")?;
        }
        f.write_str(&path)
    }
}

/// Whether the form that was written says the same as the decoded one.
fn keeps(raw: &str, decoded: &str, part: Part) -> bool {
    !raw.is_empty() && is_valid_encoded(raw, part) && unescaped(raw, part).is_ok_and(|text| text == decoded)
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if self.opaque.is_empty() {
            self.write_authority(f)?;
            self.write_path(f)?;
        } else {
            f.write_str(&self.opaque)?;
        }
        if self.force_query || !self.raw_query.is_empty() {
            write!(f, "?{}", self.raw_query)?;
        }
        if !self.fragment.is_empty() {
            write!(f, "#{}", self.escaped_fragment())?;
        }
        Ok(())
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.name, Part::User))?;
        match &self.password {
            Some(password) => write!(f, ":{}", escaped(password, Part::User)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
