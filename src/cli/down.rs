//! `tilt down`: deletes what a Tiltfile's resources leave behind when their session has ended.

mod objects;
mod order;

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::cli::down::objects::Namespaces;
use crate::cli::exit::Exit;
use crate::cli::instance::Down;
use crate::cli::verbs::online;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::{evaluated, output, tiltfile_args};
use crate::model::command::Command;
use crate::model::local_env::{Colour, Injected, local_env};
use crate::model::project::{Resource, Target};
use crate::model::suggest;
use crate::model::workload::Source;
use crate::tiltfile::{Request, Timed};
use crate::ui::style::Style;
use crate::world::guard::Guard;
use crate::world::process::Stream;
use crate::world::process::serve::{self, Chunk, GRACE, Reports, Spec, Stop};

/// Pieces of output on their way to the terminal.
const MOST_CHUNKS: usize = 16;

pub fn run(args: &Down, here: &Surroundings) -> Result<(), Exit> {
    let mut request = tiltfile_args::request(&args.tiltfile, "down", Timed::No)?;
    let frozen = objects::pin(&mut request);
    let project = evaluated::project(request.clone())?;
    let resources = order::of_deletion(&project);
    let commands: Vec<&Command> = resources
        .iter()
        .filter_map(|resource| delete_command(resource))
        .collect();
    let namespaces = match args.delete_namespaces {
        true => Namespaces::Deleted,
        false => Namespaces::Kept,
    };
    let (doomed, kept) = objects::doomed(&resources, namespaces)?;
    let injected = Injected {
        kubeconfig: frozen.as_ref().map(|frozen| frozen.path().to_owned()),
        ..injected(here)
    };
    let mut problems = online(async {
        let mut interrupts = interrupts()?;
        let mut problems = Vec::new();
        if !doomed.is_empty() {
            let deleted = objects::delete(&doomed, (&project, &request), &mut interrupts).await;
            problems.extend(deleted.err().and_then(|exit| exit.message().map(unheaded)));
        }
        let failed = delete_all(&commands, &mut interrupts, (&request, &injected)).await?;
        problems.extend((failed > 0).then(|| format!("{} failed", suggest::counted(failed, "delete command"))));
        Ok(problems)
    })?;
    if !kept.is_empty() {
        line(&format!("Not deleting namespaces: {}", kept.join(", ")))?;
        line("Run with --delete-namespaces to delete namespaces as well.")?;
    }
    problems.extend(left_behind(&resources));
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Exit::error(problems.join("\n"))),
    }
}

/// What an error says, without the word in front of it: there is one for all that went wrong.
fn unheaded(message: &str) -> String {
    message.strip_prefix("Error: ").unwrap_or(message).to_owned()
}

fn delete_command(resource: &Resource) -> Option<&Command> {
    match &resource.target {
        Target::Kubernetes(target) => match &target.source {
            Source::Custom { delete, .. } => Some(delete).filter(|delete| !delete.is_empty()),
            Source::Yaml(_) => None,
        },
        Target::Compose(_) | Target::Local(_) => None,
    }
}

/// What cannot be deleted here, as a sentence.
fn left_behind(resources: &[&Resource]) -> Option<String> {
    let services = resources
        .iter()
        .filter(|resource| matches!(resource.target, Target::Compose(_)));
    let names: Vec<&str> = services.map(|resource| resource.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the Compose services of {} are still there: removing those is not part of this version yet; use \
             `docker compose down --remove-orphans`",
            suggest::list_of(&names)
        )
    })
}

/// Runs each command to its end, also after one that failed; tells how many did.
async fn delete_all(
    commands: &[&Command],
    interrupts: &mut Signal,
    (request, injected): (&Request, &Injected),
) -> Result<usize, Exit> {
    if commands.is_empty() {
        return Ok(0);
    }
    let guard = Guard::start(Path::new("/proc/self/exe")).or_else(|_| Guard::start(&request.executable));
    let guard = guard.map_err(|error| Exit::error(format!("cannot start the guard of child processes: {error}")))?;
    let stop = Stop::default();
    let mut failed = 0;
    for command in commands {
        let display = Command::display(&command.argv);
        line(&format!("Running cmd: {display}"))?;
        let spec = Spec {
            argv: command.argv.clone(),
            dir: command.dir.clone(),
            env: local_env(&request.environment, injected, &command.env),
            grace: GRACE,
        };
        let exit = to_its_end(&spec, (&stop, &mut *interrupts), &guard).await;
        if exit.is_stopped {
            return Err(Exit::error("interrupted before everything was deleted"));
        }
        if exit.code != 0 {
            output::say(format_args!("ERROR: Command {display:?} failed: {}", exit.reason));
            failed += 1;
        }
    }
    Ok(failed)
}

fn interrupts() -> Result<Signal, Exit> {
    signal(SignalKind::interrupt()).map_err(|error| Exit::error(format!("cannot listen for signals: {error}")))
}

async fn to_its_end(spec: &Spec, (stop, interrupts): (&Stop, &mut Signal), guard: &Guard) -> serve::Exit {
    let (output, chunks) = mpsc::channel(MOST_CHUNKS);
    let run = async move {
        let reports = Reports {
            output: &output,
            events: |_| (),
        };
        serve::run(spec, stop, Some(guard), reports).await
    };
    let ending = async { tokio::join!(run, pass_on(chunks)).0 };
    tokio::pin!(ending);
    tokio::select! {
        exit = &mut ending => exit,
        _ = interrupts.recv() => {
            stop.politely.cancel();
            ending.await
        }
    }
}

async fn pass_on(mut chunks: mpsc::Receiver<Chunk>) {
    use std::io::Write;
    while let Some(chunk) = chunks.recv().await {
        // A command that deletes goes on, whether or not somebody reads what it says.
        let _ = match chunk.stream {
            Stream::Stdout => std::io::stdout().write_all(&chunk.bytes),
            Stream::Stderr => std::io::stderr().write_all(&chunk.bytes),
        };
    }
}

/// What commands are told about us.
pub fn injected(here: &Surroundings) -> Injected {
    let port = here.variable("TILT_PORT").and_then(|port| port.parse().ok());
    Injected {
        host: here.variable("TILT_HOST").unwrap_or_else(|| "localhost".to_owned()),
        port: port.unwrap_or(10350),
        kubeconfig: None,
        colour: match tiltfile_args::stdout_style() {
            Style::Colour => Colour::On,
            Style::Plain => Colour::Off,
        },
    }
}

fn line(text: &str) -> Result<(), Exit> {
    output::result(&format!("{text}\n"))
}
