//! Paths and the environment.

use starlark::values::Value;

use crate::model::path;
use crate::tiltfile::call::{Call, unpack_text};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::world::files;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "os.getcwd",
        params: &[],
        rest: Rest::Refused,
        returns: "str",
        doc: "The folder that relative paths are relative to: the one of the Tiltfile that is being run or loaded.",
        body: |call| {
            let directory = call.run.directory().display().to_string();
            Ok(call.alloc(directory))
        },
    },
    Builtin {
        name: "os.getenv",
        params: &[Param::required("key", "str"), Param::optional("default", "any", "None")],
        rest: Rest::Refused,
        returns: "str",
        doc: "An environment variable's value, or `default` where it is not set.",
        body: getenv,
    },
    Builtin {
        name: "os.putenv",
        params: &[Param::required("key", "str"), Param::required("value", "str")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Sets an environment variable for this Tiltfile and for the commands that it runs from here on.",
        body: putenv,
    },
    Builtin {
        name: "os.unsetenv",
        params: &[Param::required("key", "str")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Removes an environment variable for this Tiltfile and for the commands that it runs from here on.",
        body: unsetenv,
    },
    Builtin {
        name: "os.path.abspath",
        params: &[Param::required("path", "str")],
        rest: Rest::Refused,
        returns: "str",
        doc: "The absolute, shortest spelling of a path.",
        body: |call| {
            let path = given_path(call, "path")?;
            Ok(call.alloc(path))
        },
    },
    Builtin {
        name: "os.path.basename",
        params: &[Param::required("path", "str")],
        rest: Rest::Refused,
        returns: "str",
        doc: "The last element of a path.",
        body: |call| {
            let text = call.text("path")?.unwrap_or_default();
            Ok(call.alloc(path::base_name(&text)))
        },
    },
    Builtin {
        name: "os.path.dirname",
        params: &[Param::required("path", "str")],
        rest: Rest::Refused,
        returns: "str",
        doc: "A path without its last element; `.` where nothing is left.",
        body: |call| {
            let text = call.text("path")?.unwrap_or_default();
            Ok(call.alloc(path::directory(&text)))
        },
    },
    Builtin {
        name: "os.path.exists",
        params: &[Param::required("path", "str")],
        rest: Rest::Refused,
        returns: "bool",
        doc: "Whether there is a file or folder at a path. A change of the answer does not evaluate again: see `watch_file`.",
        body: exists,
    },
    Builtin {
        name: "os.path.join",
        params: &[],
        rest: Rest::Positional,
        returns: "str",
        doc: "Joins parts of a path with single slashes.",
        body: join,
    },
    Builtin {
        name: "os.path.realpath",
        params: &[Param::required("path", "str")],
        rest: Rest::Refused,
        returns: "str",
        doc: "The absolute path with every symbolic link resolved; what it names has to exist.",
        body: realpath,
    },
    Builtin {
        name: "os.path.relpath",
        params: &[
            Param::required("targpath", "str"),
            Param::optional("basepath", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "str",
        doc: "The way from `basepath` (the current folder if not given) to `targpath`.",
        body: relpath,
    },
];

fn getenv<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let key = call.text("key")?.unwrap_or_default();
    let default = call.value("default").unwrap_or_else(Value::new_none);
    let value = call.run.host.variable(&key);
    Ok(value.map_or(default, |value| call.alloc(value)))
}

fn putenv<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let text = |name: &str| {
        let value = call.required(name);
        unpack_text(value)
            .map_err(|_| Fault::Said(format!("putenv() {name} must be a string, not {}", value.get_type())))
    };
    let (key, value) = (text("key")?, text("value")?);
    call.run.host.environment().insert(key, value);
    call.none()
}

fn unsetenv<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let key = call.text("key")?.unwrap_or_default();
    call.run.host.environment().remove(&key);
    call.none()
}

fn given_path(call: &Call, name: &str) -> Result<String, Fault> {
    let path = call.path(name)?.unwrap_or_else(|| call.run.directory());
    Ok(path.display().to_string())
}

fn exists<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let path = call.path("path")?.unwrap_or_default();
    Ok(Value::new_bool(files::exists(&path)))
}

fn join<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let mut parts = Vec::with_capacity(call.rest.len());
    for part in &call.rest {
        let wrong = |_| {
            let (shown, of) = (print::repr(*part), part.get_type());
            Fault::Said(format!(
                "os.path.join: a path is joined of strings only, not of {shown} (a {of})"
            ))
        };
        parts.push(unpack_text(*part).map_err(wrong)?);
    }
    Ok(call.alloc(path::join_texts(&parts)))
}

fn realpath<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let path = call.path("path")?.unwrap_or_default();
    let real = files::canonical(&path).map_err(Fault::said)?;
    Ok(call.alloc(real.display().to_string()))
}

fn relpath<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let (target, base) = (given_path(call, "targpath")?, given_path(call, "basepath")?);
    let relative = path::relative(base, target).map_err(Fault::said)?;
    Ok(call.alloc(relative.display().to_string()))
}

#[cfg(test)]
mod tests;
