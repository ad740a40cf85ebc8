//! Pure. The functions of the Tiltfile language as stubs in Python, for editors and for readers.

use super::callable::{Callable, Parameter, Passing};
use super::predeclared::{Entry, globals, members};

const HEADER: &str =
    "# The Tiltfile language, as `tilt dump api-docs` prints it. Tiltfiles find all of it without an import.\n";

/// Files by their path, and what is in them: one for what stands alone, one for each module.
pub fn all() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect("", globals().collect(), &mut files);
    files
}

fn collect(module: &str, entries: Vec<(&'static str, &'static Entry)>, files: &mut Vec<(String, String)>) {
    let stubs: Vec<String> = entries.iter().filter_map(|(name, entry)| stub(name, entry)).collect();
    let folder = match module {
        "" => String::new(),
        module => format!("{}/", module.replace('.', "/")),
    };
    files.push((
        format!("{folder}__init__.pyi"),
        format!("{HEADER}\n{}", stubs.join("\n")),
    ));
    for (name, entry) in entries {
        if matches!(entry, Entry::Module) {
            let inner = match module {
                "" => name.to_owned(),
                module => format!("{module}.{name}"),
            };
            collect(&inner, members(&inner).collect(), files);
        }
    }
}

fn stub(name: &str, entry: &Entry) -> Option<String> {
    // Words of the language itself.
    if ["None", "True", "False"].contains(&name) {
        return None;
    }
    match entry {
        Entry::Function(callable) => Some(function(name, callable)),
        Entry::Value { of, doc } => Some(format!("{name}: {of}\n{}", documented(doc, ""))),
        Entry::Module => Some(format!("# module {name}\n")),
    }
}

fn function(name: &str, callable: &Callable) -> String {
    let returns = callable.returns.as_deref().unwrap_or("any");
    format!(
        "def {name}({}) -> {}:\n{}    ...\n",
        parameters(&callable.params),
        python(returns),
        documented(&callable.doc, "    ")
    )
}

fn parameters(params: &[Parameter]) -> String {
    let mut shown = Vec::with_capacity(params.len() + 2);
    let last_by_position = params.iter().rposition(|param| param.passing == Passing::ByPosition);
    let mut names_begin = params.iter().any(|param| param.passing == Passing::Rest);
    for (index, param) in params.iter().enumerate() {
        if param.passing == Passing::ByName && !names_begin {
            names_begin = true;
            shown.push("*".to_owned());
        }
        shown.push(python(&param.shown()));
        if last_by_position == Some(index) {
            shown.push("/".to_owned());
        }
    }
    shown.join(", ")
}

/// What is only hinted at for people has a form in Python too.
fn python(text: &str) -> String {
    text.replace(" | …", " | any").replace('…', "...")
}

fn documented(doc: &str, indent: &str) -> String {
    match doc {
        "" => String::new(),
        doc => format!("{indent}\"\"\"{}\"\"\"\n", doc.replace('\\', "\\\\")),
    }
}
