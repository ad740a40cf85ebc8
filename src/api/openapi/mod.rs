//! Pure. The schema of everything served, in the two versions that clients ask for. Made from the table of kinds, once, when
//! somebody asks.

mod definitions;
mod meta;
mod paths;
#[cfg(test)]
mod tests;
mod three;

use std::sync::LazyLock;

use crate::model::digest;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// `/openapi/v2`
pub fn v2() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| json::compact(&two()));
    &TEXT
}

/// The type in which `kubectl` asks for version 2, and no other.
pub const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// The same as a type should be written.
pub const V2_PROTOBUF_PROPER: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// A schema of version 2 that knows no kinds, as protobuf: `swagger`, `info.title` and `info.version`.
///
/// `kubectl` asks for it only about kinds that version 3 does not hold, such as a `List` in a file, or a kind of another
/// server. A refusal would be the end of its command; not to find the kind there makes it go on, and say what is wrong.
pub fn v2_without_kinds() -> &'static [u8] {
    b"\x0a\x032.0\x12\x10\x0a\x04tilt\x12\x08v1alpha1"
}

/// `/openapi/v3/apis/tilt.dev/v1alpha1`
pub fn v3() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| json::compact(&three::document()));
    &TEXT
}

/// `/openapi/v3`: clients keep the schema as long as its hash is the same.
pub fn v3_paths() -> Tree {
    static HASH: LazyLock<String> = LazyLock::new(|| digest::sha256_hex(v3().as_bytes()));
    let url = format!("/openapi/v3/apis/tilt.dev/v1alpha1?hash={}", *HASH);
    map([(
        "paths",
        map([("apis/tilt.dev/v1alpha1", map([("serverRelativeURL", Tree::text(url))]))]),
    )])
}

fn two() -> Tree {
    map([
        ("swagger", Tree::text("2.0")),
        ("info", info()),
        ("paths", paths::all()),
        ("definitions", Tree::Map(definitions::all())),
        ("parameters", paths::parameters().clone()),
    ])
}

fn info() -> Tree {
    map([("title", Tree::text("tilt")), ("version", Tree::text("v1alpha1"))])
}

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(Map::from_entries(
        entries.into_iter().map(|(k, v)| (k.into(), v)).collect(),
    ))
}

fn texts<const N: usize>(items: [&str; N]) -> Tree {
    Tree::List(items.into_iter().map(Tree::text).collect())
}
