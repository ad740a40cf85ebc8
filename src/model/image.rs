//! Pure. Image references: reading and printing them as Docker does, and choosing images by them.
//!
//! A short name stands for one of Docker Hub: `nginx` is `docker.io/library/nginx`. The long form is kept, the short
//! ("familiar") one is printed.

use std::collections::HashMap;
use std::fmt;
use thiserror::Error;

mod grammar;

const HUB: &str = "docker.io";
const HUB_ALIAS: &str = "index.docker.io";
const OFFICIAL: &str = "library/";
const LONGEST_PATH: usize = 255;

/// The name of an image, perhaps with a tag, a digest or both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Empty if the first part of the name looks like a domain but cannot be one (`a_b.c/d`).
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    #[error("invalid reference format")]
    Format,
    #[error("invalid reference format: repository name ({path}) must be lowercase")]
    UppercasePath { path: String },
    #[error("repository name must be lowercase")]
    Uppercase,
    #[error("repository name must not be more than {LONGEST_PATH} characters")]
    TooLong,
    #[error("repository name must be canonical")]
    NotCanonical,
    #[error("invalid repository name ({name}), cannot specify 64-byte hexadecimal strings")]
    LooksLikeId { name: String },
    #[error("unsupported digest algorithm")]
    DigestAlgorithm,
    #[error("invalid checksum digest length")]
    DigestLength,
    #[error("invalid checksum digest format")]
    DigestFormat,
    #[error("invalid tag format")]
    Tag,
}

impl Reference {
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        if grammar::is_image_id(text) {
            let name = text.to_owned();
            return Err(ReferenceError::LooksLikeId { name });
        }
        let (domain, rest) = split_domain(text);
        let path = rest.split(':').next().unwrap_or_default();
        if path != path.to_lowercase() {
            let path = path.to_owned();
            return Err(ReferenceError::UppercasePath { path });
        }
        // A domain may hold capitals; where it turns out not to be one, they are what is wrong with the name.
        match split_parts(domain, &rest) {
            Err(ReferenceError::Format) => {
                let lower = split_parts(&domain.to_lowercase(), &rest.to_lowercase());
                Err(match lower {
                    Ok(_) => ReferenceError::Uppercase,
                    Err(_) => ReferenceError::Format,
                })
            }
            other => other,
        }
    }

    /// A reference that is written in its long form already.
    pub fn parse_canonical(text: &str) -> Result<Reference, ReferenceError> {
        let reference = Reference::parse(text)?;
        if reference.to_string() == text {
            Ok(reference)
        } else {
            Err(ReferenceError::NotCanonical)
        }
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The name without its domain.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Domain and path.
    pub fn name(&self) -> String {
        if self.domain.is_empty() {
            self.path.clone()
        } else {
            format!("{}/{}", self.domain, self.path)
        }
    }

    /// The name as people write it.
    pub fn familiar_name(&self) -> String {
        if self.domain != HUB {
            return self.name();
        }
        match self.path.strip_prefix(OFFICIAL) {
            Some(rest) if !rest.contains('/') => rest.to_owned(),
            _ => self.path.clone(),
        }
    }

    /// The whole reference as people write it.
    pub fn familiar(&self) -> String {
        self.with_suffix(self.familiar_name())
    }

    fn with_suffix(&self, mut name: String) -> String {
        for (mark, part) in [(':', &self.tag), ('@', &self.digest)] {
            if let Some(part) = part {
                name.push(mark);
                name.push_str(part);
            }
        }
        name
    }

    /// Only the name: neither tag nor digest.
    pub fn without_tag(&self) -> Reference {
        Reference {
            domain: self.domain.clone(),
            path: self.path.clone(),
            tag: None,
            digest: None,
        }
    }

    /// The same name under another tag.
    pub fn with_tag(&self, tag: &str) -> Result<Reference, ReferenceError> {
        if !grammar::is_tag(tag) {
            return Err(ReferenceError::Tag);
        }
        Ok(Reference {
            tag: Some(tag.to_owned()),
            ..self.clone()
        })
    }

    fn same_name(&self, other: &Reference) -> bool {
        // Without a domain the first part of the path is one: compare the names, not their halves.
        let same = self.domain == other.domain && self.path == other.path;
        same || (self.domain.is_empty() != other.domain.is_empty() && self.name() == other.name())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_suffix(self.name()))
    }
}

/// The domain and the rest of the reference; what stands before the first slash is only a domain if it looks like one.
fn split_domain(text: &str) -> (&str, String) {
    let looks_like_domain =
        |part: &str| part.contains(['.', ':']) || part == "localhost" || part.to_lowercase() != part;
    match text.split_once('/') {
        Some((first, rest)) if looks_like_domain(first) => {
            let hub = first == HUB || first == HUB_ALIAS;
            if hub && !rest.contains('/') {
                return (HUB, format!("{OFFICIAL}{rest}"));
            }
            (if hub { HUB } else { first }, rest.to_owned())
        }
        Some(_) => (HUB, text.to_owned()),
        None => (HUB, format!("{OFFICIAL}{text}")),
    }
}

fn split_parts(domain: &str, rest: &str) -> Result<Reference, ReferenceError> {
    let (rest, digest) = match rest.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (rest, None),
    };
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match rest[last..].split_once(':') {
        Some((name, tag)) => (&rest[..last + name.len()], Some(tag)),
        None => (rest, None),
    };
    let (domain, path) = if grammar::is_domain(domain) {
        (domain, path.to_owned())
    } else {
        ("", format!("{domain}/{path}"))
    };
    let well_formed =
        grammar::is_path(&path) && tag.is_none_or(grammar::is_tag) && digest.is_none_or(grammar::is_digest);
    if !well_formed {
        return Err(ReferenceError::Format);
    }
    if path.len() > LONGEST_PATH {
        return Err(ReferenceError::TooLong);
    }
    digest.map_or(Ok(()), check_digest)?;
    Ok(Reference {
        domain: domain.to_owned(),
        path,
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    })
}

fn check_digest(digest: &str) -> Result<(), ReferenceError> {
    let (algorithm, hex) = digest.split_once(':').ok_or(ReferenceError::DigestFormat)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(ReferenceError::DigestAlgorithm),
    };
    if hex.len() != length {
        return Err(ReferenceError::DigestLength);
    }
    if hex.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ReferenceError::DigestFormat);
    }
    Ok(())
}

/// Which references an image definition answers to: those of its name, or only its very own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    pub reference: Reference,
    pub exact: bool,
}

impl Selector {
    /// A definition that names a tag means that tag.
    pub fn new(reference: Reference) -> Selector {
        let exact = reference.tag.is_some();
        Selector { reference, exact }
    }

    /// Matches every tag of the name.
    pub fn by_name(reference: &Reference) -> Selector {
        Selector {
            reference: reference.without_tag(),
            exact: false,
        }
    }

    pub fn parse(text: &str) -> Result<Selector, ReferenceError> {
        Reference::parse(text).map(Selector::new)
    }

    pub fn matches(&self, reference: &Reference) -> bool {
        if self.exact {
            self.reference.same_name(reference)
                && self.reference.tag == reference.tag
                && self.reference.digest == reference.digest
        } else {
            self.reference.same_name(reference)
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reference.familiar())
    }
}

/// Where several definitions share a name they must differ in their tags, so each of them means its own tag only.
pub fn settle_shared_names<'a>(selectors: impl IntoIterator<Item = &'a mut Selector>) {
    let mut by_name: HashMap<String, Vec<&mut Selector>> = HashMap::new();
    for selector in selectors {
        let name = selector.reference.name();
        by_name.entry(name).or_default().push(selector);
    }
    let shared = by_name.into_values().filter(|it| it.len() > 1);
    shared.flatten().for_each(|selector| selector.exact = true);
}

#[cfg(test)]
mod tests;
