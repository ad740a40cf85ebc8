//! Text that came from outside, such as a file or a command: accepted where text is, yet no string.

use std::fmt;

use starlark::starlark_simple_value;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue, Value, starlark_value};

#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
pub struct Blob {
    text: String,
    /// What it was made from, for messages: `file: /a/b.yaml`, `cmd: ls`.
    source: String,
}

starlark_simple_value!(Blob);

impl Blob {
    pub fn new(text: impl Into<String>, source: impl Into<String>) -> Blob {
        Blob {
            text: text.into(),
            source: source.into(),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[starlark_value(type = "blob")]
impl<'v> StarlarkValue<'v> for Blob {
    fn to_bool(&self) -> bool {
        !self.text.is_empty()
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(Blob::from_value(other).is_some_and(|other| other.text == self.text))
    }
}
