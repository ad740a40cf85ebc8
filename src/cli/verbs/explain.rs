//! `tilt explain`: the fields of a kind, from the table that the program is made of; no server is asked.

use super::args::Explain;
use super::page::{self, Depth};
use super::report::refusal;
use super::targets::kind_of;
use crate::cli::exit::Exit;
use crate::cli::output;

const VERSIONS: [&str; 2] = ["", "tilt.dev/v1alpha1"];

pub fn run(args: &Explain) -> Result<(), Exit> {
    let [what] = args.what.as_slice() else {
        return Err(match args.what.as_slice() {
            [] => refusal(
                "You must specify the type of resource to explain. Use \"tilt api-resources\" for a complete list of supported resources.",
            ),
            _ => refusal("We accept only this format: explain RESOURCE"),
        });
    };
    if !VERSIONS.contains(&args.api_version.as_str()) {
        return Err(refusal(format!(
            "couldn't find resource for {:?}: there is only tilt.dev/v1alpha1",
            args.api_version
        )));
    }
    let mut parts = what.trim_end_matches('.').split('.');
    let kind = kind_of(parts.next().unwrap_or_default()).map_err(refusal)?;
    let path: Vec<&str> = parts.collect();
    // The group may stand behind the kind.
    let path = path.strip_prefix(&["v1alpha1"]).unwrap_or(&path);
    let path = path.strip_prefix(&["tilt", "dev"]).unwrap_or(path);
    let depth = if args.recursive {
        Depth::AllLevels
    } else {
        Depth::OneLevel
    };
    output::result(&page::page(kind, path, depth).map_err(refusal)?)
}
