//! Shared by the tests of objects: values as a Tiltfile passes them.

mod converting;
mod functions;
mod printing;

use super::show::json;
use super::{Kind, Makes, Struct, create, kind_called, struct_helpers};
use crate::model::tree::{Map, Tree};

fn here(path: &str) -> Box<str> {
    match path {
        "" | "." => "/here".into(),
        path if path.starts_with('/') => path.into(),
        path => format!("/here/{path}").into(),
    }
}

fn text(value: &str) -> Tree {
    Tree::text(value)
}

fn list<const N: usize>(items: [Tree; N]) -> Tree {
    Tree::List(items.into())
}

fn texts<const N: usize>(items: [&str; N]) -> Tree {
    list(items.map(text))
}

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Map {
    entries.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn dict<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(map(entries))
}

fn kind(name: &str) -> &'static Kind {
    kind_called(name).unwrap()
}

fn helper(name: &str) -> &'static Struct {
    match struct_helpers()
        .iter()
        .find(|function| function.name == name)
        .unwrap()
        .makes
    {
        Makes::Struct(of) => of,
        Makes::Object(_) => panic!("{name} makes an object"),
    }
}

fn printed<const N: usize>(name: &str, given: [(&str, Tree); N]) -> String {
    json(&create(kind(name), &map(given), &here).unwrap().to_json_tree())
}
