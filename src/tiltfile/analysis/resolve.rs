//! What names mean at a place: through scopes, through loads into other files, and down to the language's own tables.

use std::path::PathBuf;

use crate::tiltfile::analysis::callable::Callable;
use crate::tiltfile::analysis::cursor::Receiver;
use crate::tiltfile::analysis::outline::{Binding, MODULE, ScopeId, Value};
use crate::tiltfile::analysis::predeclared::{self, Entry};
use crate::tiltfile::analysis::{Document, Surroundings};

/// Names that stand for names that stand for names: no file chains more of them in earnest.
const DEEPEST: usize = 16;

/// A load of this is one of a builtin, past whatever hides it.
const BUILTIN: &str = "builtin://";

/// A document, looked at from one place.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub document: &'a Document,
    pub surroundings: &'a dyn Surroundings,
    pub scope: ScopeId,
    pub offset: usize,
    depth: usize,
}

/// What a name stands for.
pub enum Meaning {
    Predeclared {
        name: String,
        entry: Entry,
    },
    Own(Binding),
    /// Of a file that this one loads it from.
    Loaded {
        file: PathBuf,
        binding: Binding,
    },
    /// From a file that cannot be read or does not define it.
    Missing(Binding),
}

/// What can stand behind the dot of a value.
pub enum Owner {
    Module(String),
    Type(String),
    Fields(Vec<String>),
    Unknown,
}

impl<'a> View<'a> {
    pub fn new(document: &'a Document, surroundings: &'a dyn Surroundings, offset: usize) -> View<'a> {
        let scope = document.scope_at(offset);
        View {
            document,
            surroundings,
            scope,
            offset,
            depth: 0,
        }
    }

    /// The same document seen from its end, where every name of the file is known.
    fn exports(document: &'a Document, surroundings: &'a dyn Surroundings, depth: usize) -> View<'a> {
        View {
            document,
            surroundings,
            scope: MODULE,
            offset: document.text.len(),
            depth,
        }
    }

    fn deeper(self) -> Option<View<'a>> {
        (self.depth < DEEPEST).then(|| View {
            depth: self.depth + 1,
            ..self
        })
    }

    fn binding(&self, name: &str) -> Option<&'a Binding> {
        self.document.outline.binding(name, self.scope, self.offset)
    }

    /// Whether a name is the language's own here, and no definition hides it.
    pub fn is_predeclared(&self, path: &str) -> bool {
        let root = path.split('.').next().unwrap_or(path);
        self.document.outline.lookup(root, self.scope).is_empty()
    }

    /// What `a.b.c` stands for.
    pub fn meaning(self, path: &str) -> Option<Meaning> {
        let predeclared = |entry: &Entry| Meaning::Predeclared {
            name: path.to_owned(),
            entry: entry.clone(),
        };
        if self.is_predeclared(path) {
            return predeclared::find(path).map(predeclared).or_else(|| self.member(path));
        }
        match self.binding(path) {
            Some(binding) => Some(self.bound(binding)),
            None => self.member(path),
        }
    }

    /// A method or field of a value.
    fn member(self, path: &str) -> Option<Meaning> {
        let (owner, name) = path.rsplit_once('.')?;
        self.member_of(&Receiver::Path(owner.to_owned()), name)
    }

    pub fn member_of(self, receiver: &Receiver, name: &str) -> Option<Meaning> {
        let entry = match self.owner(receiver) {
            Owner::Type(of) => predeclared::method(&of, name)?,
            Owner::Module(module) => predeclared::find(&format!("{module}.{name}"))?,
            Owner::Fields(_) | Owner::Unknown => return None,
        };
        Some(Meaning::Predeclared {
            name: name.to_owned(),
            entry: entry.clone(),
        })
    }

    fn bound(self, binding: &Binding) -> Meaning {
        let Value::Loaded { module, name } = &binding.value else {
            return Meaning::Own(binding.clone());
        };
        if let Some((builtin, entry)) = module
            .strip_prefix(BUILTIN)
            .and_then(|name| Some((name, predeclared::find(name)?)))
        {
            return Meaning::Predeclared {
                name: builtin.to_owned(),
                entry: entry.clone(),
            };
        }
        let file = self.document.loaded_file(module, self.surroundings);
        let document = self.document.loaded(module, self.surroundings);
        let found = document
            .as_ref()
            .and_then(|d| d.outline.exported().filter(|b| b.name == *name).last());
        match (file, found) {
            (Some(file), Some(found)) => Meaning::Loaded {
                file,
                binding: found.clone(),
            },
            _ => Meaning::Missing(binding.clone()),
        }
    }

    /// The function that `a.b.c` is.
    pub fn callable(self, path: &str) -> Option<Callable> {
        let deeper = self.deeper()?;
        match self.meaning(path)? {
            Meaning::Predeclared {
                entry: Entry::Function(callable),
                ..
            } => Some(callable),
            Meaning::Own(binding) => match binding.value {
                Value::Function(callable) => Some(Callable {
                    name: binding.name,
                    ..callable
                }),
                Value::Same(other) if other != path => deeper.callable(&other),
                _ => None,
            },
            Meaning::Loaded {
                binding:
                    Binding {
                        value: Value::Function(callable),
                        ..
                    },
                ..
            } => Some(callable),
            Meaning::Loaded { file, binding } => {
                let text = self.surroundings.text(&file)?;
                let document = Document::new(Some(file), text);
                View::exports(&document, self.surroundings, deeper.depth).callable(&binding.name)
            }
            _ => None,
        }
    }

    /// What can stand behind a dot.
    pub fn owner(self, receiver: &Receiver) -> Owner {
        match receiver {
            Receiver::Path(path) => self
                .deeper()
                .map_or(Owner::Unknown, |deeper| deeper.owner_of_path(path)),
            Receiver::Of(of) => Owner::Type((*of).to_owned()),
            Receiver::Returned(callee) => self.returned(callee),
            Receiver::Nothing | Receiver::Unknown => Owner::Unknown,
        }
    }

    fn owner_of_path(self, path: &str) -> Owner {
        if self.is_predeclared(path) {
            return match predeclared::find(path) {
                Some(Entry::Module) => Owner::Module(path.to_owned()),
                Some(Entry::Value { of, .. }) => Owner::Type(type_head(of)),
                _ => Owner::Unknown,
            };
        }
        match self.binding(path) {
            Some(binding) => self.owner_of_value(&binding.value, path),
            None => Owner::Unknown,
        }
    }

    fn owner_of_value(self, value: &Value, path: &str) -> Owner {
        match value {
            Value::Of(of) => Owner::Type((*of).to_owned()),
            Value::Fields(fields) => Owner::Fields(fields.clone()),
            Value::Returned(callee) => self.returned(callee),
            Value::Same(other) if other != path => self.owner(&Receiver::Path(other.clone())),
            Value::Parameter { default: Some(default) } => literal_type(default),
            Value::Loaded { module, name } => match self.document.loaded(module, self.surroundings) {
                Some(document) => {
                    View::exports(&document, self.surroundings, self.depth).owner(&Receiver::Path(name.clone()))
                }
                None => Owner::Unknown,
            },
            _ => Owner::Unknown,
        }
    }

    fn returned(self, callee: &str) -> Owner {
        let callable = self.deeper().and_then(|deeper| deeper.callable(callee));
        callable
            .and_then(|callable| callable.returns)
            .map_or(Owner::Unknown, |returns| Owner::Type(type_head(&returns)))
    }
}

/// `list` of `list[str]`.
fn type_head(of: &str) -> String {
    of.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn literal_type(default: &str) -> Owner {
    match default.chars().next() {
        Some('"' | '\'') => Owner::Type("str".to_owned()),
        Some('[') => Owner::Type("list".to_owned()),
        Some('{') => Owner::Type("dict".to_owned()),
        _ => Owner::Unknown,
    }
}
