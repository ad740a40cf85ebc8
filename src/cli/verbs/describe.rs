//! `tilt describe`: objects in detail.

use super::args::Describe;
use super::report::{self, refusal};
use super::select::{self, BareKinds, Named, Which};
use super::surroundings::Surroundings;
use crate::cli::client::{Client, ClientError, Selection};
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::tree::Tree;
use crate::ui::print::describe_all;

pub async fn run(args: &Describe, here: &Surroundings) -> Result<(), Exit> {
    if args.what.is_empty() && !args.files.are_given() {
        return Err(Exit::verbatim(
            "error: You must specify the type of resource to describe. Use \"tilt api-resources\" for a complete list of supported resources.",
        ));
    }
    let client = here.client(&args.connection)?;
    let which = Which {
        what: &args.what,
        files: &args.files,
        selection: Selection {
            labels: args.selector.clone(),
            fields: String::new(),
        },
        bare_kinds: BareKinds::MeanAll,
    };
    let named = select::gather(&which, Some(&client), here).await?;
    let (mut objects, mut errors) = (Vec::new(), Vec::new());
    for named in &named {
        match one_or_those_that_begin(named, &client).await {
            Ok(found) => objects.extend(found),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if objects.is_empty() && errors.is_empty() {
        return match args.selector.as_str() {
            "" => {
                output::say("No resources found");
                Ok(())
            }
            selector => Err(refusal(format!("no resources match the selector {selector:?}"))),
        };
    }
    if !objects.is_empty() {
        output::result(&describe_all(&objects))?;
    }
    report::end(errors)
}

/// The object of the name; if there is none, all whose names begin so.
async fn one_or_those_that_begin(named: &Named, client: &Client) -> Result<Vec<Tree>, ClientError> {
    let error = match named.fetch(client).await {
        Ok(object) => return Ok(vec![object]),
        Err(error) if !error.is_not_found() || named.source.is_some() => return Err(error),
        Err(error) => error,
    };
    let all = select::listed(client, named.kind, &Selection::default()).await?;
    let begin: Vec<Tree> = all
        .into_iter()
        .filter(|other| other.name.starts_with(&named.name))
        .filter_map(|other| other.object)
        .collect();
    if begin.is_empty() { Err(error) } else { Ok(begin) }
}
