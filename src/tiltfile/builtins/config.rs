//! Settings that the Tiltfile defines for its user: on the command line behind `--`, or in `tilt_config.json`.

mod arguments;
mod file;
#[cfg(test)]
mod tests;
mod usage;

use starlark::values::dict::AllocDict;

use crate::model::tree::Tree;
use crate::tiltfile::call::{Call, Flag, Mismatch, unpack_string};
use crate::tiltfile::declared::config::{Enabled, GivenAs, Kind, Setting};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::tiltfile::values::tree::to_value;

/// Next to the Tiltfile that calls `config.parse()`.
const FILE_NAME: &str = "tilt_config.json";

const DEFINITION: &[Param] = &[
    Param::required("name", "str"),
    Param::optional("args", "bool", "False"),
    Param::optional("usage", "str", "''"),
];

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "config.define_string_list",
        params: DEFINITION,
        rest: Rest::Refused,
        returns: "None",
        doc: "Defines a setting that holds strings: `--name a --name b`, or a list in tilt_config.json. With `args=True` it takes the \
              arguments that belong to no flag.",
        body: |call| define(call, Kind::Texts),
    },
    Builtin {
        name: "config.define_string",
        params: DEFINITION,
        rest: Rest::Refused,
        returns: "None",
        doc: "Defines a setting that holds one string: `--name value`, or a string in tilt_config.json. With `args=True` it takes \
              the argument that belongs to no flag.",
        body: |call| define(call, Kind::Text),
    },
    Builtin {
        name: "config.define_bool",
        params: DEFINITION,
        rest: Rest::Refused,
        returns: "None",
        doc: "Defines a setting that is on or off: `--name` or `--name=false`, or true or false in tilt_config.json.",
        body: |call| define(call, Kind::Flag),
    },
    Builtin {
        name: "config.define_object",
        params: DEFINITION,
        rest: Rest::Refused,
        returns: "None",
        doc: "Defines a setting that holds any JSON: `--name '{\"a\": 1}'`, or a value in tilt_config.json.",
        body: |call| define(call, Kind::Document),
    },
    Builtin {
        name: "config.parse",
        params: &[],
        rest: Rest::Refused,
        returns: "dict",
        doc: "Reads the settings that are defined so far, and returns those that were given, by name. What the command line says \
              goes before what tilt_config.json says.",
        body: parse,
    },
    Builtin {
        name: "config.set_enabled_resources",
        params: &[Param::required("resources", "list[str]")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Names the resources that start, whatever the command line says; what they depend on starts with them. An empty \
              list means all.",
        body: set_enabled,
    },
    Builtin {
        name: "config.clear_enabled_resources",
        params: &[],
        rest: Rest::Refused,
        returns: "None",
        doc: "Starts nothing: every resource waits to be enabled.",
        body: |call| {
            call.run.declared.borrow_mut().config.enabled = Enabled::None;
            call.none()
        },
    },
];

fn define<'v>(call: &mut Call<'v, '_, '_, '_>, kind: Kind) -> Outcome<'v> {
    let setting = Setting {
        name: call.string_or("name", "")?,
        kind,
        usage: call.string_or("usage", "")?,
        given_as: match call.flag("args", Flag::Off)? {
            true => GivenAs::Positional,
            false => GivenAs::Flag,
        },
    };
    if setting.name.is_empty() {
        return Err("'name' is required".into());
    }
    let config = &mut call.run.declared.borrow_mut().config;
    if config.parsed_in.is_some() {
        return Err(Fault::Said(format!(
            "{} cannot be called after config.parse is called",
            call.builtin.name
        )));
    }
    if config.settings.iter().any(|known| known.name == setting.name) {
        return Err(Fault::Said(format!("{} defined multiple times", setting.name)));
    }
    let positional = config
        .settings
        .iter()
        .find(|known| known.given_as == GivenAs::Positional);
    if let (GivenAs::Positional, Some(known)) = (setting.given_as, positional) {
        return Err(Fault::Said(format!(
            "both {} and {} are defined as positional args",
            setting.name, known.name
        )));
    }
    config.settings.push(setting);
    call.none()
}

fn parse<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let directory = call.run.directory();
    let settings = {
        let config = &mut call.run.declared.borrow_mut().config;
        match &config.parsed_in {
            Some(before) if *before != directory => {
                return Err(Fault::Said(format!(
                    "config.parse can only be called from one Tiltfile working directory per run. It was called from {} and {}",
                    before.display(),
                    directory.display()
                )));
            }
            _ => config.parsed_in = Some(directory.clone()),
        }
        config.settings.clone()
    };
    let path = directory.join(FILE_NAME);
    let from_file = match call.run.host.read(&path) {
        Ok(bytes) => file::read(&settings, &path, &bytes).map_err(Fault::said)?,
        Err(error) if error.is_missing() => vec![None; settings.len()],
        Err(error) => {
            return Err(Fault::Said(format!("error opening {}: {error}", path.display())));
        }
    };
    let from_arguments = arguments::parse(&settings, &call.run.request.args)
        .map_err(|error| Fault::Said(format!("invalid Tiltfile config args: {error}")))?;
    let given = settings.iter().zip(from_arguments).zip(from_file);
    let given = given.filter_map(|((setting, argument), file)| Some((setting.name.as_str(), argument.or(file)?)));
    let entries: Vec<(&str, Tree)> = given.collect();
    let heap = call.heap();
    Ok(call.alloc(AllocDict(
        entries.iter().map(|(name, value)| (*name, to_value(value, heap))),
    )))
}

fn set_enabled<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let names: Result<Vec<String>, Mismatch> = call
        .sequence("resources")?
        .into_iter()
        .map(|item| {
            unpack_string(item).map_err(|_| {
                format!(
                    "resources must be a list of string: {} is a {}, not a string",
                    print::repr(item),
                    item.get_type()
                )
            })
        })
        .collect();
    let names = names?;
    // An empty list is what a Tiltfile passes on when its user names nothing.
    call.run.declared.borrow_mut().config.enabled = match names.is_empty() {
        true => Enabled::Unsaid,
        false => Enabled::These(names),
    };
    call.none()
}
