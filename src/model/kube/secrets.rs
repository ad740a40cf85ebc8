//! Pure. What must not appear in logs: the values of Secret objects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Object;
use crate::model::tree::{Map, Tree};

/// One value of a Secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretEntry {
    pub name: Box<str>,
    pub key: Box<str>,
    pub value: Vec<u8>,
    /// The value in base64.
    pub encoded: Box<str>,
}

/// Secrets do not turn up in debug output either.
impl std::fmt::Debug for SecretEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretEntry({}:{})", self.name, self.key)
    }
}

impl Object {
    /// The values of a Secret, of `data` and of `stringData`; nothing for any other object.
    pub fn secrets(&self) -> Vec<SecretEntry> {
        if !self.is_builtin() || self.api_version() != "v1" || self.kind() != "Secret" {
            return Vec::new();
        }
        let entry = |key: &str, value: Vec<u8>| SecretEntry {
            name: self.name().into(),
            key: key.into(),
            encoded: STANDARD.encode(&value).into(),
            value,
        };
        let data = self
            .entries("data")
            .filter_map(|(key, text)| Some(entry(key, STANDARD.decode(text).ok()?)));
        let plain = self
            .entries("stringData")
            .map(|(key, text)| entry(key, text.as_bytes().to_vec()));
        data.chain(plain).collect()
    }

    fn entries(&self, field: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = self.tree().get(field).and_then(Tree::as_map);
        map.into_iter()
            .flat_map(Map::iter)
            .filter_map(|(key, value)| Some((key, value.as_text()?)))
    }
}
