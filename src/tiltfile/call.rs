//! One call of a builtin: its bound arguments, read by name and type, with upstream's words where a type is wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;

use starlark::eval::Evaluator;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::tuple::TupleRef;
use starlark::values::{AllocValue, Heap, UnpackValue, Value};

use crate::model::command::Command;
use crate::model::report::Frame;
use crate::tiltfile::function::{Builtin, Fault};
use crate::tiltfile::run::Run;
use crate::tiltfile::values::blob::Blob;
use crate::tiltfile::values::git_repo::GitRepo;
use crate::tiltfile::{print, stack};

pub struct Call<'v, 'c, 'a, 'e> {
    pub builtin: &'static Builtin,
    bound: Vec<Option<Value<'v>>>,
    /// Positional arguments of a function that takes any number of them.
    pub rest: Vec<Value<'v>>,
    /// Named arguments that no parameter names, for a function that takes them.
    pub named: Vec<(String, Value<'v>)>,
    pub eval: &'c mut Evaluator<'v, 'a, 'e>,
    pub run: &'c Run,
}

/// What `unpack` refuses: the sentence behind `for parameter "x":`.
pub type Mismatch = String;

impl<'v, 'c, 'a, 'e> Call<'v, 'c, 'a, 'e> {
    pub fn new(
        builtin: &'static Builtin,
        bound: Vec<Option<Value<'v>>>,
        rest: Vec<Value<'v>>,
        named: Vec<(String, Value<'v>)>,
        eval: &'c mut Evaluator<'v, 'a, 'e>,
        run: &'c Run,
    ) -> Call<'v, 'c, 'a, 'e> {
        Call {
            builtin,
            bound,
            rest,
            named,
            eval,
            run,
        }
    }

    pub fn heap(&self) -> Heap<'v> {
        self.eval.heap()
    }

    pub fn alloc<T: AllocValue<'v>>(&self, value: T) -> Value<'v> {
        self.heap().alloc(value)
    }

    /// Text from outside, which counts as memory that the Tiltfile takes.
    pub fn blob(&self, text: String, source: impl Into<String>) -> Value<'v> {
        let beside_heap = self.run.beside_heap();
        beside_heap.set(beside_heap.get() + text.len());
        self.alloc(Blob::new(text, source))
    }

    pub fn none(&self) -> Result<Value<'v>, Fault> {
        Ok(Value::new_none())
    }

    /// The argument as it was given; `None` if it was not.
    pub fn value(&self, name: &str) -> Option<Value<'v>> {
        let index = self.builtin.params.iter().position(|p| p.name == name);
        let index = index.expect("a builtin reads only parameters of its own table entry");
        self.bound[index]
    }

    pub fn is_given(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A required argument.
    pub fn required(&self, name: &str) -> Value<'v> {
        self.value(name)
            .expect("binding refuses a call without its required arguments")
    }

    /// Words a mismatch as upstream does, naming function and parameter.
    pub fn wrong(&self, name: &str, mismatch: impl std::fmt::Display) -> Fault {
        Fault::Said(format!("{}: for parameter \"{name}\": {mismatch}", self.builtin.name))
    }

    /// Reads an argument with one of the `unpack_*` functions below, or one of the caller's.
    pub fn read<T>(&self, name: &str, unpack: impl Fn(Value<'v>) -> Result<T, Mismatch>) -> Result<Option<T>, Fault> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        unpack(self.listed(value))
            .map(Some)
            .map_err(|mismatch| self.wrong(name, mismatch))
    }

    /// A set as a list, which is how its elements can be had; anything else as it is.
    fn listed(&self, value: Value<'v>) -> Value<'v> {
        if value.get_type() != "set" {
            return value;
        }
        match value.iterate(self.heap()) {
            Ok(elements) => self.alloc(elements.collect::<Vec<Value<'v>>>()),
            Err(_) => value,
        }
    }

    /// A plain string; no Blob.
    pub fn string(&self, name: &str) -> Result<Option<String>, Fault> {
        self.read(name, unpack_string)
    }

    pub fn string_or(&self, name: &str, default: &str) -> Result<String, Fault> {
        Ok(self.string(name)?.unwrap_or_else(|| default.to_owned()))
    }

    /// A string or Blob.
    pub fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        self.read(name, unpack_text)
    }

    pub fn flag(&self, name: &str, default: Flag) -> Result<bool, Fault> {
        Ok(self.read(name, unpack_bool)?.unwrap_or(default == Flag::On))
    }

    /// Nothing where it is not given.
    pub fn maybe_flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        self.read(name, unpack_bool)
    }

    pub fn int(&self, name: &str) -> Result<Option<i64>, Fault> {
        self.read(name, unpack_int)
    }

    /// A list (or tuple, or set) of strings and Blobs, or one alone; empty when not given.
    pub fn strings(&self, name: &str) -> Result<Vec<String>, Fault> {
        Ok(self.read(name, unpack_strings)?.unwrap_or_default())
    }

    /// A list or tuple of values; a single value does not count as one.
    pub fn sequence(&self, name: &str) -> Result<Vec<Value<'v>>, Fault> {
        Ok(self.read(name, unpack_sequence)?.unwrap_or_default())
    }

    /// A list or tuple, or one value alone.
    pub fn one_or_many(&self, name: &str) -> Vec<Value<'v>> {
        match self.value(name) {
            None => Vec::new(),
            Some(value) if value.is_none() => Vec::new(),
            Some(value) => unpack_sequence(self.listed(value)).unwrap_or_else(|_| vec![value]),
        }
    }

    pub fn string_map(&self, name: &str) -> Result<Vec<(String, String)>, Fault> {
        Ok(self.read(name, unpack_string_map)?.unwrap_or_default())
    }

    /// One path, absolute.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, Fault> {
        self.read(name, |value| self.unpack_path(value))
    }

    /// Paths, absolute; one alone will do.
    pub fn paths(&self, name: &str) -> Result<Vec<PathBuf>, Fault> {
        self.one_or_many(name)
            .into_iter()
            .map(|value| self.unpack_path(value).map_err(|m| self.wrong(name, m)))
            .collect()
    }

    pub fn unpack_path(&self, value: Value<'v>) -> Result<PathBuf, Mismatch> {
        if let Some(repo) = GitRepo::from_value(value) {
            return Ok(repo.path().to_owned());
        }
        let text = unpack_text(value).map_err(|_| {
            format!(
                "value '{}' of type '{}' is not a path: it must be a string or a local_git_repo",
                print::display(value),
                value.get_type()
            )
        })?;
        Ok(self.run.absolute(&text))
    }

    /// An argument vector: a string is a line for the shell; empty when nothing was given.
    pub fn argv(&self, name: &str) -> Result<Vec<String>, Fault> {
        Ok(self.read(name, unpack_argv)?.unwrap_or_default())
    }

    /// Environment additions as `NAME=value`, sorted by name.
    pub fn environment(&self, name: &str) -> Result<Vec<String>, Fault> {
        let map: BTreeMap<String, String> = self.string_map(name)?.into_iter().collect();
        if let Some((_, value)) = map.iter().find(|(key, _)| key.is_empty()) {
            return Err(self.wrong(name, format!("environment has empty key for value \"{value}\"")));
        }
        Ok(map.into_iter().map(|(key, value)| format!("{key}={value}")).collect())
    }

    /// A command with the directory and environment parameters that go with it.
    pub fn command(&self, argv: &str, env: &str, dir: &str) -> Result<Command, Fault> {
        Ok(Command {
            argv: self.argv(argv)?,
            dir: match self.text(dir)? {
                Some(dir) if !dir.is_empty() => self.run.absolute(&dir),
                _ => self.run.directory(),
            },
            env: self.environment(env)?,
            echo: Default::default(),
        })
    }

    /// Where this call stands: `/path/Tiltfile:3:9`.
    pub fn position(&self) -> String {
        match self.frames().last() {
            Some(frame) => frame.place(),
            None => self.run.main_file().display().to_string(),
        }
    }

    /// The calls that led here, outermost first, without the builtin itself.
    pub fn frames(&self) -> Vec<Frame> {
        stack::frames(self.eval.call_stack().into_frames(), self.run)
    }
}

/// A default that reads as a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    On,
    Off,
}

fn want(value: Value, wanted: &str) -> Mismatch {
    format!("got {}, want {wanted}", value.get_type())
}

pub fn unpack_string(value: Value) -> Result<String, Mismatch> {
    value
        .unpack_str()
        .map(str::to_owned)
        .ok_or_else(|| want(value, "string"))
}

/// A string or a Blob.
pub fn unpack_text(value: Value) -> Result<String, Mismatch> {
    match Blob::from_value(value) {
        Some(blob) => Ok(blob.text().to_owned()),
        None => unpack_string(value),
    }
}

pub fn unpack_bool(value: Value) -> Result<bool, Mismatch> {
    value.unpack_bool().ok_or_else(|| want(value, "bool"))
}

pub fn unpack_int(value: Value) -> Result<i64, Mismatch> {
    let wide = value.unpack_i32().map(i64::from);
    wide.or_else(|| {
        (value.get_type() == "int")
            .then(|| value.to_string().parse().ok())
            .flatten()
    })
    .ok_or_else(|| want(value, "int"))
}

pub fn unpack_float(value: Value) -> Result<f64, Mismatch> {
    use starlark::values::float::UnpackFloat;
    match UnpackFloat::unpack_value(value) {
        Ok(Some(float)) => Ok(float.0),
        _ => Err(want(value, "float")),
    }
}

/// A list or tuple; `Call` has made a list of a set before.
pub fn unpack_sequence(value: Value) -> Result<Vec<Value>, Mismatch> {
    if let Some(list) = ListRef::from_value(value) {
        return Ok(list.content().to_vec());
    }
    if let Some(tuple) = TupleRef::from_value(value) {
        return Ok(tuple.content().to_vec());
    }
    Err(want(value, "list"))
}

pub fn unpack_strings(value: Value) -> Result<Vec<String>, Mismatch> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    if let Ok(text) = unpack_text(value) {
        return Ok(vec![text]);
    }
    const WANTED: &str = "value should be a string or List or Tuple of strings, but";
    let items = unpack_sequence(value).map_err(|_| format!("{WANTED} is of type {}", value.get_type()))?;
    texts(items, |item| {
        format!(
            "{WANTED} contains an element {} of type {}",
            print::repr(item),
            item.get_type()
        )
    })
}

/// Each item as text, or what `wrong` says of the first that is none.
fn texts<'v>(items: Vec<Value<'v>>, wrong: impl Fn(Value<'v>) -> Mismatch) -> Result<Vec<String>, Mismatch> {
    items
        .into_iter()
        .map(|item| unpack_text(item).map_err(|_| wrong(item)))
        .collect()
}

pub fn unpack_string_map(value: Value) -> Result<Vec<(String, String)>, Mismatch> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    let dict = DictRef::from_value(value).ok_or_else(|| format!("expected dict, got {}", value.get_type()))?;
    dict.iter()
        .map(|(key, value)| {
            let key = unpack_text(key).map_err(|_| format!("key is not a string: {}", print::repr(key)))?;
            let text = unpack_text(value).map_err(|_| {
                format!(
                    "value for key \"{key}\" is not a string: {} (a {})",
                    print::repr(value),
                    value.get_type()
                )
            })?;
            Ok((key, text))
        })
        .collect()
}

/// A string is a line for the shell, a list is taken as it is, None and the empty string are no command.
pub fn unpack_argv(value: Value) -> Result<Vec<String>, Mismatch> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    if let Ok(line) = unpack_text(value) {
        return Ok(if line.is_empty() {
            Vec::new()
        } else {
            Command::shell(&line)
        });
    }
    const WANTED: &str = "a command must be a string or list of strings; found";
    let items = unpack_sequence(value).map_err(|_| format!("{WANTED} {}", value.get_type()))?;
    texts(items, |item| {
        format!(
            "{WANTED} a list that contains {} (a {})",
            print::repr(item),
            item.get_type()
        )
    })
}
