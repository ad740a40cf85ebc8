//! `tilt logs`: what a session logged, and what it goes on to log.
//!
//! The web port's view tells the log as the store keeps it, so lines are chosen here, with the rules of the session's own stream.

mod wanted;
mod writer;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::exit::Exit;
use crate::cli::instance::Logs;
use crate::cli::output;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::web_client::{Views, WebClient, WebError};
use crate::engine::logs::{Segment, Time, json};
use crate::engine::store;
use crate::model::suggest;
use crate::model::tree::Tree;

use wanted::Wanted;
use writer::Writer;

/// How much log is asked for; the server sends no more.
const HISTORY: usize = 10 << 20;
const TILTFILE: &str = "(Tiltfile)";

pub async fn run(args: &Logs, here: &Surroundings) -> Result<(), Exit> {
    let wanted = Wanted::new(args, now())?;
    // Before anything is printed: whoever saw a line may press ctrl-c.
    let interrupts = args.follow.then(|| signal(SignalKind::interrupt())).transpose();
    let interrupts = interrupts.map_err(|error| Exit::error(format!("cannot listen for signals: {error}")))?;
    let mut views = WebClient::new(&args.connection, here)?.view(HISTORY).await?;
    let first = views.next().await?.unwrap_or_default();
    check_resources(&args.resources, &first)?;
    let mut writer = Writer::new(wanted);
    writer.history(&segments(&first), args.follow);
    match interrupts {
        Some(interrupts) => follow(&mut views, &mut writer, interrupts).await,
        None => writer.written(),
    }
}

/// How following ended.
enum End {
    Interrupted,
    /// Nobody reads our output any more.
    Unread,
    SessionOver,
}

async fn follow(views: &mut Views, writer: &mut Writer, interrupts: Signal) -> Result<(), Exit> {
    let end = until_over(views, writer, interrupts).await;
    writer.finish();
    match end? {
        End::SessionOver => output::say("Tilt has ended, so there are no more logs."),
        End::Interrupted | End::Unread => {}
    }
    writer.written()
}

async fn until_over(views: &mut Views, writer: &mut Writer, mut interrupts: Signal) -> Result<End, WebError> {
    loop {
        if writer.is_unread() {
            return Ok(End::Unread);
        }
        tokio::select! {
            view = views.next() => match view? {
                Some(view) => writer.more(&segments(&view)),
                None => return Ok(End::SessionOver),
            },
            () = writer.pause() => writer.more(&[]),
            _ = interrupts.recv() => return Ok(End::Interrupted),
        }
    }
}

fn segments(view: &Tree) -> Vec<Segment> {
    view.get("logList").map(json::segments).unwrap_or_default()
}

/// Refuses names that the session does not know, once its Tiltfile has said which there are.
fn check_resources(names: &[String], view: &Tree) -> Result<(), Exit> {
    let resources = view.get("uiResources").and_then(Tree::as_list).unwrap_or_default();
    let known: Vec<&str> = resources.iter().filter_map(name_of).collect();
    let is_evaluated = resources
        .iter()
        .any(|it| name_of(it) == Some(TILTFILE) && it.at(&["status", "buildHistory"]).is_some());
    let unknown = names.iter().find(|name| !known.contains(&name.as_str()));
    match unknown.filter(|_| is_evaluated) {
        Some(name) => Err(Exit::error(unknown_resource(name, &known))),
        None => Ok(()),
    }
}

fn name_of(resource: &Tree) -> Option<&str> {
    resource.at(&["metadata", "name"])?.as_text()
}

fn unknown_resource(name: &str, known: &[&str]) -> String {
    let meant = suggest::did_you_mean(name, known.iter().copied());
    format!("no such resource {name:?}{meant}\nResources: {}", known.join(", "))
}

fn now() -> Time {
    Time(store::now().micros())
}
