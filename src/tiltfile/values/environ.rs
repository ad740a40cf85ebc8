//! `os.environ`: the environment of this evaluation as a mapping that can be changed.

use std::fmt;
use std::sync::{Arc, Mutex};

use starlark::environment::{Methods, MethodsBuilder, MethodsStatic};
use starlark::values::dict::{AllocDict, DictRef};
use starlark::values::none::NoneType;
use starlark::values::{Heap, NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue, Value, starlark_value};
use starlark::{starlark_module, starlark_simple_value};

use crate::model::quote::quoted;
use crate::tiltfile::host::{Environment, lock};
use crate::tiltfile::values::blob::Blob;

#[derive(ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
pub struct Environ {
    #[allocative(skip)]
    #[starlark_pagable(skip = "Arc::default()")]
    variables: Arc<Mutex<Environment>>,
}

starlark_simple_value!(Environ);

impl Environ {
    pub fn new(variables: Arc<Mutex<Environment>>) -> Environ {
        Environ { variables }
    }

    fn get(&self, key: &str) -> Option<String> {
        lock(&self.variables).get(key).cloned()
    }
}

impl fmt::Debug for Environ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environ")
    }
}

impl fmt::Display for Environ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables = lock(&self.variables);
        let pairs: Vec<String> = variables
            .iter()
            .map(|(k, v)| format!("{}: {}", quoted(k), quoted(v)))
            .collect();
        write!(f, "{{{}}}", pairs.join(", "))
    }
}

#[starlark_value(type = "environ")]
impl<'v> StarlarkValue<'v> for Environ {
    fn to_bool(&self) -> bool {
        !lock(&self.variables).is_empty()
    }

    fn length(&self) -> starlark::Result<i32> {
        Ok(i32::try_from(lock(&self.variables).len()).unwrap_or(i32::MAX))
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let key = text(index, "key")?;
        match self.get(key) {
            Some(value) => Ok(heap.alloc(value)),
            None => Err(starlark::Error::new_value(anyhow::anyhow!(
                "key \"{key}\" not in environ"
            ))),
        }
    }

    fn set_at(&self, index: Value<'v>, value: Value<'v>) -> starlark::Result<()> {
        let (key, value) = (text(index, "key")?, text(value, "value")?);
        lock(&self.variables).insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn is_in(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.unpack_str().is_some_and(|key| self.get(key).is_some()))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Ok(lock(&self.variables)
            .keys()
            .map(|key| heap.alloc(key.as_str()))
            .collect())
    }

    fn get_methods() -> Option<&'static Methods> {
        static METHODS: MethodsStatic = MethodsStatic::new(module_path!(), methods);
        Some(METHODS.methods())
    }
}

/// Names and values are strings, or Blobs for what they hold.
fn text<'v>(value: Value<'v>, what: &str) -> starlark::Result<&'v str> {
    let blob = || Blob::from_value(value).map(Blob::text);
    value.unpack_str().or_else(blob).ok_or_else(|| {
        starlark::Error::new_value(anyhow::anyhow!(
            "putenv() {what} must be a string, not {}",
            value.get_type()
        ))
    })
}

#[starlark_module]
fn methods(builder: &mut MethodsBuilder) {
    fn get<'v>(
        this: &Environ,
        #[starlark(require = pos)] key: &str,
        #[starlark(require = pos)] default: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Value<'v>> {
        Ok(match this.get(key) {
            Some(value) => heap.alloc(value),
            None => default.unwrap_or_else(Value::new_none),
        })
    }

    fn items<'v>(this: &Environ, heap: Heap<'v>) -> anyhow::Result<Value<'v>> {
        let items: Vec<(String, String)> = lock(&this.variables)
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        Ok(heap.alloc(items))
    }

    fn keys<'v>(this: &Environ, heap: Heap<'v>) -> anyhow::Result<Value<'v>> {
        let keys: Vec<String> = lock(&this.variables).keys().cloned().collect();
        Ok(heap.alloc(keys))
    }

    fn values<'v>(this: &Environ, heap: Heap<'v>) -> anyhow::Result<Value<'v>> {
        let values: Vec<String> = lock(&this.variables).values().cloned().collect();
        Ok(heap.alloc(values))
    }

    fn pop<'v>(
        this: &Environ,
        #[starlark(require = pos)] key: &str,
        #[starlark(require = pos)] default: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Value<'v>> {
        let removed = lock(&this.variables).remove(key);
        match (removed, default) {
            (Some(value), _) => Ok(heap.alloc(value)),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(anyhow::anyhow!("pop: missing key \"{key}\"")),
        }
    }

    fn popitem<'v>(this: &Environ, heap: Heap<'v>) -> anyhow::Result<Value<'v>> {
        match lock(&this.variables).pop_first() {
            Some(item) => Ok(heap.alloc(item)),
            None => Err(anyhow::anyhow!("popitem: empty environ")),
        }
    }

    fn setdefault<'v>(
        this: &Environ,
        #[starlark(require = pos)] key: &str,
        #[starlark(require = pos)] default: Option<Value<'v>>,
    ) -> anyhow::Result<String> {
        if let Some(value) = this.get(key) {
            return Ok(value);
        }
        let default = default.unwrap_or_else(Value::new_none);
        let default = text(default, "value").map_err(starlark::Error::into_anyhow)?;
        lock(&this.variables).insert(key.to_owned(), default.to_owned());
        Ok(default.to_owned())
    }

    fn update<'v>(
        this: &Environ,
        #[starlark(require = pos)] other: Option<Value<'v>>,
        #[starlark(kwargs)] named: starlark::values::dict::UnpackDictEntries<&'v str, Value<'v>>,
    ) -> anyhow::Result<NoneType> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut add = |key: Value<'v>, value: Value<'v>| -> anyhow::Result<()> {
            let pair = (
                text(key, "key").map_err(starlark::Error::into_anyhow)?,
                text(value, "value").map_err(starlark::Error::into_anyhow)?,
            );
            pairs.push((pair.0.to_owned(), pair.1.to_owned()));
            Ok(())
        };
        if let Some(other) = other {
            let dict = DictRef::from_value(other)
                .ok_or_else(|| anyhow::anyhow!("update: got {}, want a dict", other.get_type()))?;
            for (key, value) in dict.iter() {
                add(key, value)?;
            }
        }
        for (key, value) in named.entries {
            let value = text(value, "value").map_err(starlark::Error::into_anyhow)?;
            pairs.push((key.to_owned(), value.to_owned()));
        }
        lock(&this.variables).extend(pairs);
        Ok(NoneType)
    }

    fn clear(this: &Environ) -> anyhow::Result<NoneType> {
        lock(&this.variables).clear();
        Ok(NoneType)
    }

    /// A plain dict with the same content.
    fn copy<'v>(this: &Environ, heap: Heap<'v>) -> anyhow::Result<Value<'v>> {
        let pairs: Vec<(String, String)> = lock(&this.variables)
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        Ok(heap.alloc(AllocDict(pairs)))
    }
}
