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
        ("parameters", paths::parameters()),
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
