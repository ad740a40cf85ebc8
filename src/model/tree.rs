//! Pure. A document of plain data: what YAML, JSON and Starlark's dict, list and scalars have in common.
//!
//! Maps keep the order in which keys were written; whoever prints decides whether to sort. Integers stay integers:
//! one outside `i64` is kept as its decimal digits rather than rounded to a float.

/// One value of a document.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Tree {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// An integer outside `i64`, as decimal digits with an optional minus sign.
    Big(Box<str>),
    Float(f64),
    Text(Box<str>),
    List(Vec<Tree>),
    Map(Map),
}

/// A map in the order of its definition. Documents are small, so a vector beats a hash table in memory and in time.
#[derive(Clone, Debug, Default)]
pub struct Map(Vec<(Box<str>, Tree)>);

impl Tree {
    pub fn text(value: impl Into<Box<str>>) -> Tree {
        Tree::Text(value.into())
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Tree]> {
        match self {
            Tree::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Tree::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Tree::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Tree::Null)
    }

    /// The value below a key of a map; `None` for anything that is not a map.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.as_map()?.get(key)
    }

    /// Follows map keys: `at(&["metadata", "name"])`.
    pub fn at(&self, keys: &[&str]) -> Option<&Tree> {
        keys.iter().try_fold(self, |tree, key| tree.get(key))
    }

    /// What a person would call this value's type in a message.
    pub fn type_name(&self) -> &'static str {
        match self {
            Tree::Null => "null",
            Tree::Bool(_) => "bool",
            Tree::Int(_) | Tree::Big(_) => "number",
            Tree::Float(_) => "number",
            Tree::Text(_) => "string",
            Tree::List(_) => "array",
            Tree::Map(_) => "object",
        }
    }
}

impl Map {
    pub fn new() -> Map {
        Map::default()
    }

    pub fn with_capacity(capacity: usize) -> Map {
        Map(Vec::with_capacity(capacity))
    }

    /// A map of entries whose keys the caller knows to be different.
    pub fn from_entries(entries: Vec<(Box<str>, Tree)>) -> Map {
        Map(entries)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.0.iter().find(|(k, _)| &**k == key).map(|(_, v)| v)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        self.0.iter_mut().find(|(k, _)| &**k == key).map(|(_, v)| v)
    }

    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Replaces the value of an existing key in place, else appends.
    pub fn insert(&mut self, key: impl Into<Box<str>>, value: Tree) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(slot) => *slot = value,
            None => self.0.push((key, value)),
        }
    }

    /// Appends without looking for the key; for a caller that knows it is new.
    pub fn push(&mut self, key: impl Into<Box<str>>, value: Tree) {
        self.0.push((key.into(), value));
    }

    pub fn remove(&mut self, key: &str) -> Option<Tree> {
        let index = self.0.iter().position(|(k, _)| &**k == key)?;
        Some(self.0.remove(index).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.0.iter().map(|(k, v)| (&**k, v))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Tree)> {
        self.0.iter_mut().map(|(k, v)| (&**k, v))
    }

    pub fn into_entries(self) -> Vec<(Box<str>, Tree)> {
        self.0
    }

    /// Sorts the keys bytewise, here only, not in nested maps.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
    }
}

/// Two maps are equal if they hold the same keys and values, in whatever order.
impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl FromIterator<(Box<str>, Tree)> for Map {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Tree)>>(entries: I) -> Map {
        let mut map = Map::new();
        entries.into_iter().for_each(|(key, value)| map.insert(key, value));
        map
    }
}
