//! Named values in one: `struct()` of the user, and the modules (`os`, `config`, …) that we predeclare.

use std::fmt;

use starlark::starlark_complex_value;
use starlark::values::{
    Coerce, Freeze, FreezeResult, Freezer, FrozenValue, Heap, NoSerialize, ProvidesStaticType, StarlarkPagable,
    StarlarkValue, Trace, Value, ValueLifetimeless, ValueLike, starlark_value,
};

/// Writes one record type; a struct and a module differ in their type's name and in how they print.
macro_rules! record {
    ($generic:ident, $name:ident, $frozen:ident, $type:literal) => {
        #[derive(Debug, Trace, Coerce, ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
        #[repr(C)]
        pub struct $generic<V: ValueLifetimeless> {
            title: String,
            names: Vec<String>,
            values: Vec<V>,
        }

        starlark_complex_value!(pub $name);

        impl<'v> $name<'v> {
            /// Fields are kept sorted by name, as they print.
            pub fn new(title: impl Into<String>, mut fields: Vec<(String, Value<'v>)>) -> $name<'v> {
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                let (names, values) = fields.into_iter().unzip();
                $generic { title: title.into(), names, values }
            }

            pub fn fields(&self) -> impl Iterator<Item = (&str, Value<'v>)> {
                self.names.iter().map(String::as_str).zip(self.values.iter().copied())
            }

            pub fn title(&self) -> &str {
                &self.title
            }
        }

        impl<'v> Freeze for $name<'v> {
            type Frozen = $frozen;

            fn freeze(self, freezer: &Freezer) -> FreezeResult<Self::Frozen> {
                Ok($generic { title: self.title, names: self.names, values: self.values.freeze(freezer)? })
            }
        }

        #[starlark_value(type = $type)]
        impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for $generic<V>
        where
            Self: ProvidesStaticType<'v>,
        {
            fn get_attr(&self, attribute: &str, _heap: Heap<'v>) -> Option<Value<'v>> {
                let index = self.names.iter().position(|name| name == attribute)?;
                Some(self.values[index].to_value())
            }

            fn has_attr(&self, attribute: &str, _heap: Heap<'v>) -> bool {
                self.names.iter().any(|name| name == attribute)
            }

            fn dir_attr(&self) -> Vec<String> {
                self.names.clone()
            }

            fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
                let Some(other) = $name::from_value(other) else {
                    return Ok(false);
                };
                if self.names != other.names {
                    return Ok(false);
                }
                for (left, right) in self.values.iter().zip(&other.values) {
                    if !left.to_value().equals(*right)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }

            fn write_hash(&self, hasher: &mut starlark::collections::StarlarkHasher) -> starlark::Result<()> {
                for value in &self.values {
                    value.to_value().write_hash(hasher)?;
                }
                Ok(())
            }
        }
    };
}

/// The title of a struct that the user made; one of ours prints under a name of its own.
pub const PLAIN: &str = "struct";

record!(StructGen, Struct, FrozenStruct, "struct");
record!(ModuleGen, Module, FrozenModule, "module");

impl FrozenModule {
    /// One that exists before any file runs.
    pub fn predeclared(title: &str, mut fields: Vec<(String, FrozenValue)>) -> FrozenModule {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        let (names, values) = fields.into_iter().unzip();
        ModuleGen {
            title: title.to_owned(),
            names,
            values,
        }
    }
}

impl<V: ValueLifetimeless + fmt::Display> fmt::Display for StructGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.title.as_str() {
            PLAIN => f.write_str("struct(")?,
            title => write!(f, "{title:?}(")?,
        }
        for (index, (name, value)) in self.names.iter().zip(&self.values).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{name} = {value}")?;
        }
        f.write_str(")")
    }
}

impl<V: ValueLifetimeless> fmt::Display for ModuleGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<module \"{}\">", self.title)
    }
}
