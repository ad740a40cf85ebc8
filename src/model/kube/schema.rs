//! Pure. The built-in Kubernetes types: which fields they have, and which of those Go prints even when nobody set them.
//!
//! `types.txt` holds one struct a line, `Name field:shape …`, under a heading for its package; a struct of another
//! package is named in full. A shape is a letter (`s` string, `b` bool, `i` int32, `l` int64, `f` float, `q` quantity,
//! `x` int or string, `t` time, `u` time with microseconds, `y` bytes, `j` anything), `[shape` a list, `{shape` a map or
//! `@Struct`. In front of it `*` says that Go has a pointer there, so that an explicit zero is kept; behind it `!` says
//! that Go always prints the field. The section `kinds` gives the struct of each API version and kind.
//!
//! `status` is missing everywhere: Tilt prints what was asked for, not what came of it.

use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("types.txt");

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::read(TABLE));

/// The built-in types.
pub struct Schema {
    kinds: HashMap<(&'static str, &'static str), StructId>,
    structs: Vec<Struct>,
    /// A shape for each struct, for whoever walks along shapes from a kind on.
    shapes: Vec<Shape>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructId(u16);

/// One Go struct, its fields sorted by name.
#[derive(Debug)]
pub struct Struct {
    pub name: &'static str,
    pub fields: Vec<Field>,
}

#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
    /// Whether "not given" and "given as zero" differ.
    pub pointer: bool,
    /// Whether it is printed in any case.
    pub always: bool,
}

#[derive(Debug, PartialEq)]
pub enum Shape {
    Text,
    Bool,
    Int32,
    Int64,
    Float,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Bytes,
    Any,
    Struct(StructId),
    List(Box<Shape>),
    Map(Box<Shape>),
}

impl Schema {
    pub fn builtin() -> &'static Schema {
        &SCHEMA
    }

    /// The struct of a kind, if Kubernetes itself has that kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<StructId> {
        self.kinds.get(&(api_version, kind)).copied()
    }

    pub fn get(&self, id: StructId) -> &Struct {
        &self.structs[usize::from(id.0)]
    }

    pub fn shape(&self, api_version: &str, kind: &str) -> Option<&Shape> {
        self.kind(api_version, kind).map(|id| &self.shapes[usize::from(id.0)])
    }

    #[cfg(test)]
    pub fn structs(&self) -> impl Iterator<Item = &Struct> {
        self.structs.iter()
    }

    fn read(table: &'static str) -> Schema {
        let ids = ids(table);
        let mut schema = Schema {
            kinds: HashMap::new(),
            shapes: (0..ids.len())
                .map(|index| Shape::Struct(StructId(index as u16)))
                .collect(),
            structs: Vec::with_capacity(ids.len()),
        };
        for (package, line) in sections(table) {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            if package == "kinds" {
                let (kind, target) = rest.split_once(' ').expect("a line of kinds has three words");
                schema.kinds.insert((name, kind), ids[target]);
            } else {
                let mut fields: Vec<Field> = rest.split_ascii_whitespace().map(|f| field(f, package, &ids)).collect();
                fields.sort_unstable_by_key(|field| field.name);
                schema.structs.push(Struct { name, fields });
            }
        }
        schema
    }
}

/// Every line with the heading it stands under.
fn sections(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut package = "";
    table.lines().filter_map(move |line| match line.strip_prefix("# ") {
        Some(heading) => {
            package = heading;
            None
        }
        None => Some((package, line)),
    })
}

fn ids(table: &'static str) -> HashMap<String, StructId> {
    let structs = sections(table).filter(|(package, _)| *package != "kinds");
    structs
        .enumerate()
        .map(|(index, (package, line))| {
            let name = line.split(' ').next().unwrap_or(line);
            (format!("{package}.{name}"), StructId(index as u16))
        })
        .collect()
}

fn field(text: &'static str, package: &str, ids: &HashMap<String, StructId>) -> Field {
    let (name, shape) = text.split_once(':').expect("a field is name:shape");
    let (shape, always) = shape.strip_suffix('!').map_or((shape, false), |shape| (shape, true));
    let (shape, pointer) = shape.strip_prefix('*').map_or((shape, false), |shape| (shape, true));
    Field {
        name,
        shape: self::shape(shape, package, ids),
        pointer,
        always,
    }
}

fn shape(text: &str, package: &str, ids: &HashMap<String, StructId>) -> Shape {
    let (first, rest) = text.split_at(1);
    match first {
        "s" => Shape::Text,
        "b" => Shape::Bool,
        "i" => Shape::Int32,
        "l" => Shape::Int64,
        "f" => Shape::Float,
        "q" => Shape::Quantity,
        "x" => Shape::IntOrString,
        "t" => Shape::Time,
        "u" => Shape::MicroTime,
        "y" => Shape::Bytes,
        "[" => Shape::List(Box::new(shape(rest, package, ids))),
        "{" => Shape::Map(Box::new(shape(rest, package, ids))),
        "@" if rest.contains('.') => Shape::Struct(ids[rest]),
        "@" => Shape::Struct(ids[&format!("{package}.{rest}")]),
        _ => Shape::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_every_struct_it_names_exists() {
        let schema = Schema::builtin();
        assert!(schema.structs.len() > 300 && schema.kinds.len() > 60);
        let known = "sbilfqxtuyj@[{";
        for (_, line) in sections(TABLE).filter(|(package, _)| *package != "kinds") {
            for (name, shape) in line.split(' ').skip(1).map(|field| field.split_once(':').unwrap()) {
                assert!(
                    shape.trim_start_matches('*').starts_with(|c| known.contains(c)),
                    "{name}:{shape}"
                );
            }
        }
    }

    #[test]
    fn fields_carry_what_go_does_with_zeros() {
        let schema = Schema::builtin();
        let field = |of: &'static Struct, name: &str| of.fields.iter().find(|field| field.name == name);
        let deployment = schema.get(schema.kind("apps/v1", "Deployment").unwrap());
        assert_eq!(deployment.name, "Deployment");
        assert!(field(deployment, "status").is_none());
        let Shape::Struct(spec) = &field(deployment, "spec").unwrap().shape else {
            panic!("spec is a struct")
        };
        let spec = schema.get(*spec);
        let flags = |name: &str| field(spec, name).map(|field| (field.pointer, field.always));
        assert_eq!(flags("replicas"), Some((true, false)));
        assert_eq!(flags("minReadySeconds"), Some((false, false)));
        assert_eq!(flags("selector"), Some((true, true)));
        assert_eq!(flags("strategy"), Some((false, true)));
        assert!(
            schema
                .kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
                .is_none()
        );
    }
}
