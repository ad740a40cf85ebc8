//! Pure. JSON text to a [`Tree`], with the keys that came twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::model::tree::{Map, Tree};

/// A document and the paths of the keys that it holds more than once; the last one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    pub tree: Tree,
    pub duplicates: Vec<String>,
}

pub fn parse(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Value {
        at: &mut String::new(),
        duplicates: &mut duplicates,
    };
    let tree = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(Parsed { tree, duplicates })
}

struct Value<'a> {
    /// The path of what is being read.
    at: &'a mut String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(i64::try_from(value).map_or_else(|_| Tree::Big(value.to_string().into()), Tree::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        let length = self.at.len();
        loop {
            self.at.push_str(&format!("[{}]", list.len()));
            let item = items.next_element_seed(Value {
                at: self.at,
                duplicates: self.duplicates,
            })?;
            self.at.truncate(length);
            match item {
                Some(item) => list.push(item),
                None => return Ok(Tree::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Map::new();
        let length = self.at.len();
        while let Some(key) = entries.next_key::<String>()? {
            self.at.push_str(if length > 0 { "." } else { "" });
            self.at.push_str(&key);
            if map.contains(&key) {
                self.duplicates.push(self.at.clone());
            }
            let value = entries.next_value_seed(Value {
                at: self.at,
                duplicates: self.duplicates,
            })?;
            self.at.truncate(length);
            map.insert(key, value);
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_the_keys_that_came_twice() {
        let parsed = parse(br#"{"a":{"b":1,"b":[1,-2.5,null,"x",18446744073709551615]},"c":[{"d":1,"d":2}]}"#).unwrap();
        assert_eq!(parsed.duplicates, ["a.b", "c[0].d"]);
        let list = parsed.tree.at(&["a", "b"]).unwrap().as_list().unwrap();
        assert_eq!(list[4], Tree::Big("18446744073709551615".into()));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "{} {}", "{\"a\":01}", "nul"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
