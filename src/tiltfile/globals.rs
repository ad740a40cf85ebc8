//! Names that every Tiltfile finds predeclared.

use starlark::environment::{Globals, GlobalsBuilder, LibraryExtension};
use starlark::values::list::AllocList;
use starlark::values::{FrozenValue, Value};

use crate::model::project::Trigger;
use crate::tiltfile::Request;
use crate::tiltfile::function::{Function, TABLE};
use crate::tiltfile::host::Host;
use crate::tiltfile::values::environ::Environ;
use crate::tiltfile::values::record::FrozenModule;
use crate::tiltfile::values::token::TriggerModeValue;

/// A predeclared value that is no function: name, type and what it is, for the language server too.
pub struct Predeclared {
    pub name: &'static str,
    pub of: &'static str,
    pub doc: &'static str,
}

pub const PREDECLARED: &[Predeclared] = &[
    Predeclared {
        name: "TRIGGER_MODE_AUTO",
        of: "TriggerMode",
        doc: "Changes of a resource's files update it at once.",
    },
    Predeclared {
        name: "TRIGGER_MODE_MANUAL",
        of: "TriggerMode",
        doc: "Changes of a resource's files wait until somebody triggers it.",
    },
    Predeclared {
        name: "config.tilt_subcommand",
        of: "str",
        doc: "The command that evaluates the Tiltfile: `up`, `ci`, `down`, `build`, …",
    },
    Predeclared {
        name: "config.main_path",
        of: "str",
        doc: "Absolute path of the start Tiltfile.",
    },
    Predeclared {
        name: "config.main_dir",
        of: "str",
        doc: "Absolute path of the start Tiltfile's directory.",
    },
    Predeclared {
        name: "os.environ",
        of: "environ",
        doc: "The environment, to read and to change; commands that run later see the changes.",
    },
    Predeclared {
        name: "os.name",
        of: "str",
        doc: "`posix`, or `nt` on Windows.",
    },
    Predeclared {
        name: "sys.argv",
        of: "list[str]",
        doc: "The command line that tilt was started with.",
    },
    Predeclared {
        name: "sys.executable",
        of: "str",
        doc: "Absolute path of the tilt binary.",
    },
    Predeclared {
        name: "__file__",
        of: "str",
        doc: "Absolute path of this file.",
    },
    Predeclared {
        name: "__name__",
        of: "str",
        doc: "`__main__` in the start Tiltfile, else this file's name.",
    },
];

/// Predeclared names that hold others.
pub const MODULES: [&str; 5] = ["config", "os", "shlex", "sys", "v1alpha1"];

/// The interpreter's `range`, kept for our own, which looks at its arguments first.
const INTERPRETER_RANGE: &str = "__tilt_interpreter_range";

pub fn build(request: &Request, host: &Host) -> Globals {
    let mut builder = GlobalsBuilder::extended_by(&[LibraryExtension::SetType]);
    let standard = Globals::standard();
    if let Some((_, range)) = standard.iter().find(|(name, _)| *name == "range") {
        builder.frozen_heap().add_reference(standard.heap());
        builder.set(INTERPRETER_RANGE, range);
    }
    for (index, function) in TABLE.iter().enumerate() {
        if !function.name.contains('.') {
            builder.set(function.name, Function::new(index));
        }
    }
    builder.set("TRIGGER_MODE_AUTO", TriggerModeValue(Trigger::Auto));
    builder.set("TRIGGER_MODE_MANUAL", TriggerModeValue(Trigger::Manual));
    for name in MODULES {
        let module = module(&builder, name, request, host);
        builder.set(name, module);
    }
    builder.build()
}

pub fn interpreter_range<'v>(globals: &Globals) -> Option<Value<'v>> {
    find(globals, INTERPRETER_RANGE)
}

/// What every file finds under a name.
pub fn find<'v>(globals: &Globals, name: &str) -> Option<Value<'v>> {
    globals
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_value())
}

/// A module with its functions and its values.
fn module(builder: &GlobalsBuilder, name: &str, request: &Request, host: &Host) -> FrozenModule {
    let prefix = format!("{name}.");
    let functions = TABLE.iter().enumerate().filter_map(|(index, function)| {
        let name = function.name.strip_prefix(&prefix)?;
        (!name.contains('.')).then(|| (name.to_owned(), builder.alloc(Function::new(index))))
    });
    let mut fields: Vec<(String, FrozenValue)> = functions.collect();
    let text = |value: &str| builder.alloc(value);
    match name {
        "os" => {
            fields.push((
                "path".to_owned(),
                builder.alloc(module(builder, "os.path", request, host)),
            ));
            fields.push((
                "environ".to_owned(),
                builder.alloc(Environ::new(host.shared_environment())),
            ));
            fields.push(("name".to_owned(), text("posix")));
        }
        "config" => {
            let directory = request
                .tiltfile
                .parent()
                .map(|p| p.display().to_string())
                .unwrap_or_default();
            fields.push(("tilt_subcommand".to_owned(), text(&request.subcommand)));
            fields.push(("main_path".to_owned(), text(&request.tiltfile.display().to_string())));
            fields.push(("main_dir".to_owned(), text(&directory)));
        }
        "sys" => {
            let argv: Vec<FrozenValue> = request.command_line.iter().map(|word| text(word)).collect();
            fields.push(("argv".to_owned(), builder.alloc(AllocList(argv))));
            fields.push(("executable".to_owned(), text(&request.executable.display().to_string())));
        }
        _ => {}
    }
    FrozenModule::predeclared(name, fields)
}
