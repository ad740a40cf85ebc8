//! Pure. Values that must not appear in logs.

/// One value of a Kubernetes Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub name: String,
    pub key: String,
    pub value: Vec<u8>,
}
