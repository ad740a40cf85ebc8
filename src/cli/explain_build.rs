//! `tilt explain-build`: asks a session why a resource was built, or why it waits.

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cli::exit::Exit;
use crate::cli::instance::ExplainBuild;
use crate::cli::output;
use crate::cli::verbs::surroundings::Surroundings;

pub async fn run(args: &ExplainBuild, here: &Surroundings) -> Result<(), Exit> {
    let client = here.client(&args.connection)?;
    let resource = utf8_percent_encode(&args.resource, NON_ALPHANUMERIC);
    let answer = client.raw(Method::GET, &format!("/tilt/v1/explain/{resource}")).await;
    let text = answer.map_err(|error| match error.status() {
        Some(status) if status.code == 404 => Exit::error(&status.message),
        _ => error.into(),
    })?;
    output::result(&String::from_utf8_lossy(&text))
}
