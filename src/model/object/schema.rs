//! Pure. The words in which the kinds of `tilt.dev/v1alpha1` are described: kinds, structs, fields and their shapes.
//!
//! A field is written once, by its JSON name; its Starlark name follows by rule (`iconSVG` is `icon_svg`). What upstream's
//! serialiser prints for an unset field depends on three things of Go (value or pointer, `omitempty` or not, struct or
//! scalar), which [`Print`] reduces to the four outcomes that exist.

/// One kind of object.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub plural: &'static str,
    pub short: &'static [&'static str],
    pub doc: &'static str,
    pub content: Content,
    /// Whether a Tiltfile may create it with `v1alpha1.<kind>()`.
    pub creatable: bool,
    /// What is filled in when a field of the spec is left empty.
    pub defaults: &'static [(&'static str, &'static str)],
}

/// What an object holds besides its metadata.
#[derive(Debug)]
pub enum Content {
    Spec {
        spec: &'static Struct,
        status: &'static Struct,
    },
    /// Fields at the top level, next to the metadata, and no status.
    Plain(&'static Struct),
}

#[derive(Debug)]
pub struct Struct {
    pub name: &'static str,
    pub doc: &'static str,
    pub fields: &'static [Field],
}

#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub json: &'static str,
    pub doc: &'static str,
    pub shape: Shape,
    pub print: Print,
    pub required: bool,
    /// A path that a creator sets to the Tiltfile's directory if it is not given.
    pub here_when_absent: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    Int32,
    Int64,
    Bool,
    Duration,
    Time,
    MicroTime,
    /// A file or directory, relative to the Tiltfile that names it.
    Path,
    Texts,
    Ints,
    Paths,
    TextMap,
    One(&'static Struct),
    Many(&'static Struct),
    /// The struct's fields stand in the JSON of the one around it.
    Inline(&'static Struct),
}

/// What is printed of a field that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// Its zero value, always: `""`, `0`, `false`, `null` for lists and times, a struct of zero values.
    Zero,
    /// Nothing, also if it is set to its zero value.
    NonZero,
    /// Nothing; but once set it is printed, whatever its value.
    WhenSet,
    /// `null`.
    Null,
}

impl Kind {
    /// As a command line names one object.
    pub fn singular(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    /// The key of this kind in what an evaluation prints.
    pub fn group_resource(&self) -> String {
        format!("tilt.dev/v1alpha1, Resource={}", self.plural)
    }

    /// The fields that whoever creates an object writes.
    pub fn spec(&self) -> &'static Struct {
        match self.content {
            Content::Spec { spec, .. } => spec,
            Content::Plain(fields) => fields,
        }
    }

    pub fn status(&self) -> Option<&'static Struct> {
        match self.content {
            Content::Spec { status, .. } => Some(status),
            Content::Plain(_) => None,
        }
    }

    /// The creator's name below `v1alpha1.`.
    pub fn starlark(&self) -> String {
        snake(self.name)
    }
}

impl Struct {
    pub const fn new(name: &'static str, fields: &'static [Field]) -> Struct {
        Struct { name, doc: "", fields }
    }

    pub const fn doc(mut self, doc: &'static str) -> Struct {
        self.doc = doc;
        self
    }

    /// The name of the function that makes one, below `v1alpha1.`.
    pub fn starlark(&self) -> String {
        snake(self.name)
    }

    /// The fields as they stand in JSON: those of an inlined struct in its place.
    pub fn json_fields(&self) -> Vec<&'static Field> {
        let nested = |field: &'static Field| match field.shape {
            Shape::Inline(inner) => inner.json_fields(),
            _ => vec![field],
        };
        self.fields.iter().flat_map(nested).collect()
    }
}

impl Field {
    const fn new(json: &'static str, shape: Shape, print: Print) -> Field {
        Field {
            json,
            doc: "",
            shape,
            print,
            required: false,
            here_when_absent: false,
        }
    }

    pub const fn doc(mut self, doc: &'static str) -> Field {
        self.doc = doc;
        self
    }

    /// Required by the schema, and so printed always.
    pub const fn required(mut self) -> Field {
        self.required = true;
        if matches!(self.print, Print::NonZero) {
            self.print = Print::Zero;
        }
        self
    }

    /// Optional, yet printed always.
    pub const fn always(mut self) -> Field {
        self.print = Print::Zero;
        self
    }

    /// An absent value is told from a zero value.
    pub const fn when_set(mut self) -> Field {
        self.print = Print::WhenSet;
        self
    }

    pub const fn null_when_unset(mut self) -> Field {
        self.print = Print::Null;
        self
    }

    pub const fn here_when_absent(mut self) -> Field {
        self.here_when_absent = true;
        self
    }

    pub fn starlark(&self) -> String {
        snake(self.json)
    }
}

pub const fn text(json: &'static str) -> Field {
    Field::new(json, Shape::Text, Print::NonZero)
}

pub const fn int32(json: &'static str) -> Field {
    Field::new(json, Shape::Int32, Print::NonZero)
}

pub const fn int64(json: &'static str) -> Field {
    Field::new(json, Shape::Int64, Print::NonZero)
}

pub const fn flag(json: &'static str) -> Field {
    Field::new(json, Shape::Bool, Print::NonZero)
}

/// Go prints the zero value of a struct even where `omitempty` asks it not to: so for durations and times by value.
pub const fn duration(json: &'static str) -> Field {
    Field::new(json, Shape::Duration, Print::Zero)
}

pub const fn time(json: &'static str) -> Field {
    Field::new(json, Shape::Time, Print::Zero)
}

pub const fn micro_time(json: &'static str) -> Field {
    Field::new(json, Shape::MicroTime, Print::Zero)
}

pub const fn path(json: &'static str) -> Field {
    Field::new(json, Shape::Path, Print::NonZero)
}

pub const fn texts(json: &'static str) -> Field {
    Field::new(json, Shape::Texts, Print::NonZero)
}

pub const fn ints(json: &'static str) -> Field {
    Field::new(json, Shape::Ints, Print::NonZero)
}

pub const fn paths(json: &'static str) -> Field {
    Field::new(json, Shape::Paths, Print::NonZero)
}

pub const fn text_map(json: &'static str) -> Field {
    Field::new(json, Shape::TextMap, Print::NonZero)
}

/// A struct by value: always there.
pub const fn one(json: &'static str, of: &'static Struct) -> Field {
    Field::new(json, Shape::One(of), Print::Zero)
}

/// A struct by pointer: there if it is set.
pub const fn maybe(json: &'static str, of: &'static Struct) -> Field {
    Field::new(json, Shape::One(of), Print::WhenSet)
}

pub const fn many(json: &'static str, of: &'static Struct) -> Field {
    Field::new(json, Shape::Many(of), Print::NonZero)
}

pub const fn inline(json: &'static str, of: &'static Struct) -> Field {
    Field::new(json, Shape::Inline(of), Print::NonZero)
}

impl Shape {
    /// The struct in or below a value of this shape.
    pub fn structure(self) -> Option<&'static Struct> {
        match self {
            Shape::One(of) | Shape::Many(of) | Shape::Inline(of) => Some(of),
            _ => None,
        }
    }

    /// As a signature shows it to the author of a Tiltfile.
    pub fn starlark_type(self) -> String {
        match self {
            Shape::Text | Shape::Path | Shape::Duration | Shape::Time | Shape::MicroTime => "str".into(),
            Shape::Int32 | Shape::Int64 => "int".into(),
            Shape::Bool => "bool".into(),
            Shape::Texts => "list[str]".into(),
            Shape::Ints => "list[int]".into(),
            Shape::Paths => "str | list[str]".into(),
            Shape::TextMap => "dict[str, str]".into(),
            Shape::One(of) | Shape::Inline(of) => of.starlark(),
            Shape::Many(of) => format!("list[{}]", of.starlark()),
        }
    }
}

/// `iconSVG` → `icon_svg`, `HTTPGetAction` → `http_get_action`: a word begins at a capital that follows a small letter, or
/// that follows a capital and is followed by a small letter.
pub fn snake(camel: &str) -> String {
    let letters: Vec<char> = camel.chars().collect();
    let begins_word = |i: usize| {
        let next_is_small = letters.get(i + 1).is_some_and(|c| c.is_ascii_lowercase());
        i > 0 && letters[i].is_ascii_uppercase() && (!letters[i - 1].is_ascii_uppercase() || next_is_small)
    };
    let mut snake = String::with_capacity(camel.len() + 4);
    for (i, letter) in letters.iter().enumerate() {
        if begins_word(i) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
