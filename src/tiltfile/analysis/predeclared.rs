//! Pure. The names that every Tiltfile finds, from the very tables that the evaluator uses, in the form that an editor needs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use starlark::docs::{DocFunction, DocItem, DocMember, DocParam, DocString, DocType};
use starlark::environment::{Globals, LibraryExtension};

use crate::tiltfile::analysis::callable::{Callable, Parameter, Passing};
use crate::tiltfile::function::TABLE;
use crate::tiltfile::globals::{MODULES, PREDECLARED};

/// Functions that only rewritten code calls begin like this.
const INTERNAL: &str = "__tilt_";

#[derive(Clone, Debug)]
pub enum Entry {
    Function(Callable),
    Value { of: String, doc: String },
    Module,
}

/// By full name: `docker_build`, `os`, `os.path.join`.
static ENTRIES: LazyLock<BTreeMap<String, Entry>> = LazyLock::new(entries);
/// By type and name: what can stand behind the dot of a string, a list, …
static METHODS: LazyLock<BTreeMap<(String, String), Entry>> = LazyLock::new(methods);

pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.get(name)
}

/// Names without a module.
pub fn globals() -> impl Iterator<Item = (&'static str, &'static Entry)> {
    ENTRIES
        .iter()
        .filter(|(name, _)| !name.contains('.'))
        .map(|(name, entry)| (name.as_str(), entry))
}

/// What a module holds, by short names.
pub fn members(module: &str) -> impl Iterator<Item = (&'static str, &'static Entry)> {
    let prefix = format!("{module}.");
    ENTRIES.iter().filter_map(move |(name, entry)| {
        let short = name.strip_prefix(&prefix)?;
        (!short.contains('.')).then_some((short, entry))
    })
}

/// The methods and fields of a type that is built in.
pub fn methods_of(of: &str) -> impl Iterator<Item = (&'static str, &'static Entry)> {
    METHODS
        .iter()
        .filter(move |((owner, _), _)| owner == of)
        .map(|((_, name), entry)| (name.as_str(), entry))
}

pub fn method(of: &str, name: &str) -> Option<&'static Entry> {
    METHODS.get(&(of.to_owned(), name.to_owned()))
}

fn entries() -> BTreeMap<String, Entry> {
    let mut entries: BTreeMap<String, Entry> = interpreter_members()
        .into_iter()
        .map(|(name, item)| (name.clone(), global(&name, &item)))
        .collect();
    for module in MODULES {
        entries.insert(module.to_owned(), Entry::Module);
    }
    for value in PREDECLARED {
        let entry = Entry::Value {
            of: value.of.to_owned(),
            doc: value.doc.to_owned(),
        };
        entries.insert(value.name.to_owned(), entry);
    }
    for builtin in TABLE.iter().filter(|builtin| !builtin.name.starts_with(INTERNAL)) {
        for (dot, _) in builtin.name.match_indices('.') {
            entries.insert(builtin.name[..dot].to_owned(), Entry::Module);
        }
        entries.insert(builtin.name.to_owned(), Entry::Function((*builtin).into()));
    }
    entries
}

fn methods() -> BTreeMap<(String, String), Entry> {
    let mut methods = BTreeMap::new();
    for (owner, item) in interpreter_members() {
        let DocItem::Type(DocType { members, .. }) = item else {
            continue;
        };
        for (name, member) in members {
            methods.insert((owner.clone(), name.clone()), member_entry(&name, &member));
        }
    }
    methods
}

/// What the interpreter itself brings.
fn interpreter_members() -> Vec<(String, DocItem)> {
    let globals = Globals::extended_by(&[LibraryExtension::SetType]);
    globals.documentation().members.into_iter().collect()
}

fn global(name: &str, item: &DocItem) -> Entry {
    match item {
        DocItem::Module(_) => Entry::Module,
        DocItem::Member(member) => member_entry(name, member),
        DocItem::Type(of) => match &of.constructor {
            Some(constructor) => Entry::Function(function(name, constructor)),
            None => Entry::Value {
                of: "type".to_owned(),
                doc: doc(of.docs.as_ref()),
            },
        },
    }
}

fn member_entry(name: &str, member: &DocMember) -> Entry {
    match member {
        DocMember::Function(of) => Entry::Function(function(name, of)),
        DocMember::Property(of) => Entry::Value {
            of: type_name(&of.typ.to_string()),
            doc: doc(of.docs.as_ref()),
        },
    }
}

fn function(name: &str, of: &DocFunction) -> Callable {
    let groups = [
        (of.params.pos_only.iter().collect::<Vec<_>>(), Passing::ByPosition),
        (of.params.pos_or_named.iter().collect(), Passing::Any),
        (of.params.args.iter().collect(), Passing::Rest),
        (of.params.named_only.iter().collect(), Passing::ByName),
        (of.params.kwargs.iter().collect(), Passing::NamedRest),
    ];
    let params = groups
        .into_iter()
        .flat_map(|(params, passing)| params.into_iter().map(move |p| parameter(p, passing)));
    Callable {
        name: name.to_owned(),
        params: params.collect(),
        returns: Some(type_name(&of.ret.typ.to_string())),
        doc: doc(of.docs.as_ref()),
    }
}

fn parameter(of: &DocParam, passing: Passing) -> Parameter {
    let accepts = type_name(&of.typ.to_string());
    Parameter {
        name: of.name.clone(),
        alias: None,
        accepts: (accepts != "any").then_some(accepts),
        default: of.default_value.as_ref().map(|value| {
            if value == "..." {
                "…".to_owned()
            } else {
                value.clone()
            }
        }),
        passing,
    }
}

/// Tilt's words for the interpreter's types.
fn type_name(of: &str) -> String {
    of.replace("string", "str")
        .replace("typing.Any", "any")
        .replace("NoneType", "None")
        .replace("typing.Iterable", "iterable")
        .replace("typing.Never", "never")
}

/// The summary of a documented item, without the link that it begins with.
fn doc(of: Option<&DocString>) -> String {
    let Some(of) = of else {
        return String::new();
    };
    let summary = of.summary.split("```").next().unwrap_or_default().trim();
    let text = match summary.starts_with('[') {
        true => summary.split_once("):").map_or(summary, |(_, text)| text.trim()),
        false => summary,
    };
    let mut letters = text.chars();
    let text: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect();
    if text.is_empty() || text.ends_with('.') {
        text
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(entry: Option<&Entry>) -> String {
        match entry {
            Some(Entry::Function(callable)) => {
                format!("{}: {}", callable.signature().label, callable.doc)
            }
            Some(Entry::Value { of, doc }) => format!("{of}: {doc}"),
            Some(Entry::Module) => "module".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn every_name_is_known_from_where_it_is_defined() {
        let table = [
            (
                "len",
                "len(x: str | list | dict | …) -> int: The number of elements; of a string, its bytes in UTF-8.",
            ),
            (
                "print",
                "print(*args, sep: str = ' ') -> None: Writes its arguments to the log, separated by `sep`.",
            ),
            ("os", "module"),
            ("os.name", "str: `posix`, or `nt` on Windows."),
            ("zip", "zip(*args: iterable) -> list: Zip several iterables together."),
            ("None", "None: "),
            ("__tilt_forever", "nothing"),
        ];
        for (name, expected) in table {
            assert_eq!(signature(find(name)), expected, "{name}");
        }
    }

    #[test]
    fn builtin_types_have_methods() {
        assert!(signature(method("str", "startswith")).starts_with("startswith("));
        assert!(methods_of("list").any(|(name, _)| name == "append"));
        assert!(methods_of("dict").any(|(name, _)| name == "items"));
        assert_eq!(methods_of("int").count(), 0);
    }
}
