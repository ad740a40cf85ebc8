//! `tilt api-resources`: the kinds, as `kubectl` lists them.

use super::args::ApiResources;
use super::report::refusal;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::object::{KINDS, Kind};
use crate::ui::print::TabWriter;

const GROUP: &str = "tilt.dev";
const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

pub fn run(args: &ApiResources) -> Result<(), Exit> {
    let mut kinds: Vec<&Kind> = KINDS.to_vec();
    match args.sort_by.as_str() {
        "" | "name" => kinds.sort_by_key(|kind| kind.plural),
        "kind" => kinds.sort_by_key(|kind| kind.name),
        _ => return Err(refusal("--sort-by accepts only name or kind")),
    }
    let has_group = args.api_group.as_deref().is_none_or(|group| group == GROUP);
    let has_verbs = args.verbs.iter().all(|verb| VERBS.contains(&verb.as_str()));
    if !has_group || !has_verbs || args.namespaced == Some(true) {
        kinds.clear();
    }
    output::result(&table(&kinds, args))
}

fn table(kinds: &[&Kind], args: &ApiResources) -> String {
    let mut text = String::new();
    if !args.no_headers {
        text.push_str("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND\n");
    }
    for kind in kinds {
        let short = kind.short.join(",");
        text.push_str(&format!(
            "{}\t{short}\t{GROUP}/v1alpha1\tfalse\t{}\n",
            kind.plural, kind.name
        ));
    }
    TabWriter::new(6, 3).align(&text)
}
