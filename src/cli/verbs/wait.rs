//! `tilt wait`: until objects are in a state.

use std::future::Future;
use std::time::Duration;

use super::args::{DryRun, Wait};
use super::condition::State;
use super::fresh::{self, Told};
use super::input;
use super::report::{Report, refusal, text_at};
use super::select::{self, BareKinds, Named, Which};
use super::surroundings::Surroundings;
use crate::cli::client::{Accept, Client, ClientError, Event, Selection};
use crate::cli::exit::Exit;
use crate::model::duration;
use crate::model::tree::Tree;

/// What a negative timeout means.
const A_WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub async fn run(args: &Wait, here: &Surroundings) -> Result<(), Exit> {
    let state = State::parse(&args.state).map_err(refusal)?;
    let limit = limit(&args.timeout)?;
    let mut report = Report::new(&args.print, DryRun::None, here)?;
    if args.local {
        return local(args, (&state, &mut report), here).await;
    }
    let client = here.client(&args.connection)?;
    let words = match state {
        State::Fresh => fresh::words(&args.what, args.all || !args.selector.is_empty()),
        _ => args.what.clone(),
    };
    if words.is_empty() && !args.files.are_given() {
        return Err(refusal(select::NOTHING_NAMED));
    }
    if matches!(state, State::Fresh) && !known(&client, &state, limit, &mut report).await? {
        return report.end();
    }
    let named = select::gather(&which(args, &words), Some(&client), here).await?;
    let is_meant = |named: &Named| !(args.all && matches!(state, State::Fresh) && fresh::rests(named));
    let named: Vec<Named> = named.into_iter().filter(is_meant).collect();
    if named.is_empty() {
        return Err(refusal("no matching resources found"));
    }
    for named in &named {
        if let Some(object) = reach(&client, named, (&state, limit), &mut report).await {
            report.done(&object, "condition met")?;
        }
    }
    report.end()
}

fn which<'a>(args: &'a Wait, words: &'a [String]) -> Which<'a> {
    Which {
        what: words,
        files: &args.files,
        selection: Selection {
            labels: args.selector.clone(),
            fields: args.field_selector.clone(),
        },
        bare_kinds: if args.all {
            BareKinds::MeanAll
        } else {
            BareKinds::AreRefused
        },
    }
}

/// Whether everything that was saved before is known to the session, and the Tiltfile, which may have been saved, evaluated.
async fn known(client: &Client, state: &State, limit: Duration, report: &mut Report) -> Result<bool, Exit> {
    let Some(settled) = within(Some(limit), fresh::settled(client)).await else {
        report.failed("error: timed out waiting for what was saved to be noticed");
        return Ok(false);
    };
    settled?;
    Ok(reach(client, &fresh::tiltfile(), (state, limit), report)
        .await
        .is_some())
}

/// The object once it is in the state; the report says why it is not.
async fn reach(
    client: &Client,
    named: &Named,
    (state, limit): (&State, Duration),
    report: &mut Report,
) -> Option<Tree> {
    let told = Told::new(state);
    let name = named.plural_name();
    match within(Some(limit), until(client, named, (state, &told), limit)).await {
        Some(Ok(Look::Holds(object))) => return Some(object),
        Some(Ok(Look::NeverWas)) => {}
        Some(Ok(Look::NotYet)) => report.failed(format!("error: condition not met for {name}{}", told.why())),
        Some(Err(exit)) => report.failed(exit),
        None => report.failed(format!(
            "error: timed out waiting for the condition on {name}{}",
            told.why()
        )),
    }
    None
}

async fn local(args: &Wait, (state, report): (&State, &mut Report), here: &Surroundings) -> Result<(), Exit> {
    for written in input::objects(&args.files, here).await? {
        if !state.holds(&written.object).map_err(refusal)? {
            let name = format!("{}/{}", written.kind.plural, written.name);
            return Err(refusal(format!("timed out waiting for the condition on {name}")));
        }
        report.done(&written.object, "condition met")?;
    }
    Ok(())
}

/// The limit; zero looks once and is told apart where that is done.
fn limit(text: &str) -> Result<Duration, Exit> {
    let parsed = duration::Duration::parse(text);
    let parsed =
        parsed.map_err(|error| refusal(format!("invalid argument {text:?} for \"--timeout\" flag: {error}")))?;
    Ok(parsed.to_std().unwrap_or(A_WEEK))
}

/// The result, or nothing if it takes longer. A limit of zero is none: whoever looks once ends by himself.
pub async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit.filter(|limit| !limit.is_zero()) {
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

/// How waiting for one object ended.
enum Look {
    Holds(Tree),
    /// What should be gone was not there.
    NeverWas,
    /// The limit allows only one look.
    NotYet,
}

async fn until(
    client: &Client,
    named: &Named,
    (state, told): (&State, &Told<'_>),
    limit: Duration,
) -> Result<Look, Exit> {
    loop {
        let version = match client.get(named.kind, &named.name, Accept::Objects).await {
            Ok(object) if state.holds(&object).map_err(refusal)? => return Ok(Look::Holds(object)),
            Ok(object) => {
                told.look(named, &object);
                Some(text_at(&object, &["metadata", "resourceVersion"]).to_owned())
            }
            Err(error) if error.is_not_found() => match state {
                State::Deleted => return Ok(named.object.clone().map_or(Look::NeverWas, Look::Holds)),
                State::Created => None,
                _ => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        };
        if limit.is_zero() {
            return Ok(Look::NotYet);
        }
        if let Some(object) = changed(client, named, (state, told), version).await? {
            return Ok(Look::Holds(object));
        }
    }
}

/// Follows the object's changes: the object once it is in the state, nothing if the stream ends before.
async fn changed(
    client: &Client,
    named: &Named,
    (state, told): (&State, &Told<'_>),
    version: Option<String>,
) -> Result<Option<Tree>, Exit> {
    let selection = Selection::named(&named.name);
    let watch = client
        .watch(named.kind, &selection, version.as_deref(), Accept::Objects)
        .await;
    let mut watch = match watch {
        Ok(watch) => watch,
        // The version is too old to follow: the object is looked at anew.
        Err(ClientError::Status(status)) if status.code == 410 => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    while let Some(event) = watch.next().await? {
        match event {
            Event::Deleted(object) if matches!(state, State::Deleted) => return Ok(Some(object)),
            Event::Deleted(_) => {}
            Event::Added(object) | Event::Modified(object) => {
                if state.holds(&object).map_err(refusal)? {
                    return Ok(Some(object));
                }
                told.look(named, &object);
            }
        }
    }
    Ok(None)
}
