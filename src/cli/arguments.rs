//! `tilt args`: the arguments that a session gives to its Tiltfile.

use crate::cli::client::Accept;
use crate::cli::exit::Exit;
use crate::cli::instance::Arguments;
use crate::cli::output;
use crate::cli::verbs::editor::{self, Ending};
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::web_client::WebClient;
use crate::model::object::kinds::TILTFILE;
use crate::model::shell;
use crate::model::tree::Tree;

const MAIN: &str = "(Tiltfile)";
const HEADER: &str = "# The arguments of the Tiltfile stand below, on one line, quoted as for a shell.
# Lines that begin with '#' are left out. Save and close to set them.
";

pub async fn run(args: &Arguments, here: &Surroundings) -> Result<(), Exit> {
    if args.clear && !args.args.is_empty() {
        return Err(Exit::error("--clear cannot be specified with other values"));
    }
    let client = WebClient::new(&args.connection, here)?;
    let current = current(args, here).await?;
    let wanted = match args.clear || !args.args.is_empty() {
        true => args.args.clone(),
        false => edited(&current, here)?,
    };
    if wanted == current {
        return output::result("Tilt is already running with those args -- no action taken\n");
    }
    let body = wanted.iter().map(|arg| Tree::text(arg.as_str())).collect();
    client.post("/api/set_tiltfile_args", &Tree::List(body)).await?;
    output::result(&format!(
        "Changed config args for Tilt running at {} to [{}]\n",
        client.address(),
        wanted.join(" ")
    ))
}

async fn current(args: &Arguments, here: &Surroundings) -> Result<Vec<String>, Exit> {
    let client = here.client(&args.connection)?;
    let tiltfile = client.get(&TILTFILE, MAIN, Accept::Objects).await?;
    let args = tiltfile.at(&["spec", "args"]).and_then(Tree::as_list);
    let texts = args.unwrap_or_default().iter().filter_map(Tree::as_text);
    Ok(texts.map(str::to_owned).collect())
}

fn edited(current: &[String], here: &Surroundings) -> Result<Vec<String>, Exit> {
    let shown = format!("{HEADER}{}\n", shell::join(current));
    let saved = editor::edit(&shown, Ending::Unix, here)?.unwrap_or_default();
    let lines: Vec<&str> = saved.lines().filter(|line| !line.trim().is_empty()).collect();
    match lines.as_slice() {
        [line] => shell::split(line).map_err(Exit::error),
        [] => Err(Exit::error(
            "must have exactly one non-comment line, found zero. If you want to clear the args, use `tilt args --clear`",
        )),
        _ => Err(Exit::error("cannot have multiple non-comment lines")),
    }
}
