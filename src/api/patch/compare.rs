//! Pure. Which fields of an object belong together, and what changed between two versions of it.

use crate::api::meta::OBJECT_META;
use crate::api::patch::fields::{self, Fields, Step};
use crate::model::object::schema::Content;
use crate::model::object::{Kind, Shape, Struct};
use crate::model::tree::{Map, Tree};

/// How the parts of a value are owned.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Object(&'static Kind),
    Struct(&'static Struct),
    /// Each entry by itself.
    Entries,
    /// As a whole.
    Atomic,
    Set,
    Keyed(&'static str),
}

impl Form {
    /// The form of a field, by its name.
    pub fn field(self, name: &str) -> Form {
        let structure = match self {
            Form::Object(kind) => match (name, &kind.content) {
                ("metadata", _) => return Form::Struct(&OBJECT_META),
                ("spec", Content::Spec { spec, .. }) => return Form::Struct(spec),
                ("status", Content::Spec { status, .. }) => return Form::Struct(status),
                (_, Content::Plain(fields)) => fields,
                _ => return Form::Atomic,
            },
            Form::Struct(structure) => structure,
            Form::Entries | Form::Atomic | Form::Set | Form::Keyed(_) => return Form::Atomic,
        };
        let field = structure.json_fields().into_iter().find(|field| field.json == name);
        match (name, field.map(|field| field.shape)) {
            ("finalizers", _) if std::ptr::eq(structure, &OBJECT_META) => Form::Set,
            ("ownerReferences", _) if std::ptr::eq(structure, &OBJECT_META) => Form::Keyed("uid"),
            (_, Some(Shape::TextMap)) => Form::Entries,
            // Kubernetes declares its label selectors to be one thing.
            (_, Some(Shape::One(of))) if of.name != "LabelSelector" => Form::Struct(of),
            _ => Form::Atomic,
        }
    }

    fn is_map(self) -> bool {
        matches!(self, Form::Object(_) | Form::Struct(_) | Form::Entries)
    }
}

/// The items of a list that is merged, by the steps to them.
pub fn steps<'a>(form: Form, items: &'a [Tree]) -> Vec<(Step, &'a Tree)> {
    let step = |item: &'a Tree| match form {
        Form::Keyed(key) => fields::key_step(item, key).map(|step| (step, item)),
        _ => Some((fields::value_step(item), item)),
    };
    items.iter().filter_map(step).collect()
}

/// All fields that a document sets.
pub fn set_by(tree: &Tree, kind: &'static Kind) -> Fields {
    owned_by_nobody(set_in(tree, Form::Object(kind)))
}

/// The metadata as such is always there, whoever sets what in it.
fn owned_by_nobody(mut fields: Fields) -> Fields {
    let step = Step::Field("metadata".to_owned());
    if let Some(mut metadata) = fields.below.remove(&step) {
        metadata.is_member = false;
        fields.insert(step, metadata);
    }
    fields
}

fn set_in(tree: &Tree, form: Form) -> Fields {
    let mut set = Fields::default();
    match tree {
        Tree::Map(map) if form.is_map() => {
            for (name, value) in map.iter() {
                let mut below = set_in(value, form.field(name));
                let is_empty = value.is_null() || value.as_map().is_some_and(Map::is_empty);
                below.is_member |= is_empty;
                set.insert(Step::Field(name.to_owned()), below);
            }
        }
        Tree::List(items) if matches!(form, Form::Set | Form::Keyed(_)) => {
            for (step, _) in steps(form, items) {
                set.insert(step, Fields::leaf());
            }
        }
        _ => set.is_member = true,
    }
    set
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    pub added: Fields,
    pub modified: Fields,
    pub removed: Fields,
}

impl Difference {
    pub fn between(old: &Tree, new: &Tree, kind: &'static Kind) -> Difference {
        let [added, modified, removed] = compare(Some(old), Some(new), Form::Object(kind)).map(owned_by_nobody);
        Difference {
            added,
            modified,
            removed,
        }
    }

    /// What is now in a way in which it was not before.
    pub fn changed(&self) -> Fields {
        self.added.union(&self.modified)
    }
}

/// What was added, modified and removed.
fn compare(old: Option<&Tree>, new: Option<&Tree>, form: Form) -> [Fields; 3] {
    let is_empty = |tree: Option<&Tree>| match tree {
        None | Some(Tree::Null) => true,
        Some(Tree::Map(map)) => map.is_empty(),
        Some(Tree::List(items)) => items.is_empty(),
        Some(_) => false,
    };
    let is_leaf = match (old, new) {
        (Some(Tree::Map(_)), Some(Tree::Map(_)) | None) | (None, Some(Tree::Map(_))) => !form.is_map(),
        (Some(Tree::List(_)), Some(Tree::List(_)) | None) | (None, Some(Tree::List(_))) => {
            !matches!(form, Form::Set | Form::Keyed(_))
        }
        _ => true,
    };
    if is_leaf || is_empty(old) && is_empty(new) {
        return leaf(old, new);
    }
    let (old_parts, new_parts) = (parts(old, form), parts(new, form));
    let mut result: [Fields; 3] = Default::default();
    let gone = old_parts.iter().filter(|(step, ..)| find(&new_parts, step).is_none());
    for (step, _, below) in new_parts.iter().chain(gone) {
        let found = compare(find(&old_parts, step), find(&new_parts, step), *below);
        for (all, part) in result.iter_mut().zip(found) {
            all.insert(step.clone(), part);
        }
    }
    result[ADDED].is_member |= old.is_none();
    result[REMOVED].is_member |= new.is_none();
    result
}

const ADDED: usize = 0;
const MODIFIED: usize = 1;
const REMOVED: usize = 2;

fn leaf(old: Option<&Tree>, new: Option<&Tree>) -> [Fields; 3] {
    let mut result: [Fields; 3] = Default::default();
    match (old, new) {
        (None, None) => {}
        (None, Some(_)) => result[ADDED].is_member = true,
        (Some(_), None) => result[REMOVED].is_member = true,
        (Some(old), Some(new)) => result[MODIFIED].is_member = old != new,
    }
    result
}

type Part<'a> = (Step, &'a Tree, Form);

fn parts(tree: Option<&Tree>, form: Form) -> Vec<Part<'_>> {
    match tree {
        Some(Tree::Map(map)) => {
            let part = |(name, value)| (Step::Field(String::from(name)), value, form.field(name));
            map.iter().map(part).collect()
        }
        Some(Tree::List(items)) => {
            let part = |(step, item)| (step, item, Form::Atomic);
            steps(form, items).into_iter().map(part).collect()
        }
        _ => Vec::new(),
    }
}

fn find<'a>(parts: &[Part<'a>], step: &Step) -> Option<&'a Tree> {
    parts
        .iter()
        .find(|(known, ..)| known == step)
        .map(|(_, value, _)| *value)
}

/// Nobody owns what the server keeps itself.
pub fn without_identity(tree: &Tree) -> Tree {
    const KEPT: [&str; 11] = [
        "name",
        "namespace",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
        "selfLink",
        "uid",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let mut tree = tree.clone();
    if let Some(map) = tree.as_map_mut() {
        map.remove("apiVersion");
        map.remove("kind");
        if let Some(meta) = map.get_mut("metadata").and_then(Tree::as_map_mut) {
            KEPT.iter().for_each(|key| drop(meta.remove(key)));
        }
    }
    tree
}
