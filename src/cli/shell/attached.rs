//! A shell in a container, joined to our terminal or to our pipes.

use std::io::{Read, Write};

use bytes::Bytes;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::Place;
use crate::cli::exit::Exit;
use crate::cli::verbs::surroundings::Surroundings;
use crate::world::cluster::{Cluster, Ends, Exec, Incoming, Outgoing, Piece, Running};
use crate::world::terminal::{self, Raw};

/// The best shell that there is.
const SHELL: &str = "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi";
/// What runtimes print, where others fail, when the first program is not there.
const NO_PROGRAM: &str = "OCI runtime exec failed";
/// What signals end with.
const TERMINATED: u8 = 128 + 15;

pub async fn run(cluster: &Cluster, place: &Place, here: &Surroundings) -> Result<(), Exit> {
    let is_terminal = terminal::is_one();
    let terminal_kind = here.variable("TERM").unwrap_or_else(|| "xterm".to_owned());
    let set = format!("TERM='{}'; export TERM; {SHELL}", terminal_kind.replace('\'', ""));
    let exec = Exec {
        namespace: &place.namespace,
        pod: &place.pod,
        container: &place.container,
        argv: &["sh", "-c", if is_terminal { &set } else { SHELL }],
        ends: if is_terminal { Ends::Terminal } else { Ends::Pipes },
    };
    let mut running = cluster
        .exec(&exec)
        .await
        .map_err(|error| failed(place, &error.to_string()))?;
    let resized = signal(SignalKind::window_change()).map_err(Exit::error)?;
    let ended = signal(SignalKind::terminate()).map_err(Exit::error)?;
    // Given back on every way out of here.
    let raw = if is_terminal {
        Some(Raw::enter().map_err(Exit::error)?)
    } else {
        None
    };
    let outcome = converse(&mut running, resized, ended).await;
    drop(raw);
    let end = match outcome? {
        Conversation::Over => running.exit().await,
        Conversation::Terminated => return Err(Exit::silent(TERMINATED)),
        Conversation::NoProgram => return Err(failed(place, NO_PROGRAM)),
    };
    match end {
        Ok(0) => Ok(()),
        Ok(code) => Err(Exit::silent(u8::try_from(code).unwrap_or(1))),
        Err(error) => Err(failed(place, &error.to_string())),
    }
}

fn failed(place: &Place, reason: &str) -> Exit {
    let is_missing = reason.contains(NO_PROGRAM) || reason.contains("executable file not found");
    let Place { pod, container, .. } = place;
    if is_missing {
        return Exit::error(format!(
            "container `{container}` of pod `{pod}` has no shell in its image"
        ));
    }
    Exit::error(format!("no shell in container `{container}` of pod `{pod}`: {reason}"))
}

enum Conversation {
    Over,
    NoProgram,
    Terminated,
}

async fn converse(running: &mut Running, mut resized: Signal, mut ended: Signal) -> Result<Conversation, Exit> {
    let mut typed = typed();
    let mut stdin = running.stdin.take();
    let mut stderr = running.stderr.take();
    tell_size(running).await;
    let mut is_first = true;
    loop {
        tokio::select! {
            piece = running.stdout.next() => match piece {
                Piece::Bytes(bytes) if is_first && bytes.starts_with(NO_PROGRAM.as_bytes()) => return Ok(Conversation::NoProgram),
                Piece::Bytes(bytes) => {
                    is_first = false;
                    show(&mut std::io::stdout(), &bytes)?;
                }
                Piece::End | Piece::Broken => break,
            },
            piece = next(&mut stderr) => match piece {
                Piece::Bytes(bytes) => show(&mut std::io::stderr(), &bytes)?,
                Piece::End | Piece::Broken => stderr = None,
            },
            bytes = typed.recv(), if stdin.is_some() => stdin = said(stdin, bytes).await,
            _ = resized.recv() => tell_size(running).await,
            _ = ended.recv() => return Ok(Conversation::Terminated),
        }
    }
    while let Piece::Bytes(bytes) = rest(&mut stderr).await {
        show(&mut std::io::stderr(), &bytes)?;
    }
    Ok(Conversation::Over)
}

async fn next(incoming: &mut Option<Incoming>) -> Piece {
    match incoming {
        Some(incoming) => incoming.next().await,
        None => std::future::pending().await,
    }
}

async fn rest(incoming: &mut Option<Incoming>) -> Piece {
    match incoming {
        Some(incoming) => incoming.next().await,
        None => Piece::End,
    }
}

/// Passes on what was typed, or that nothing more will be; and what is left to write to.
async fn said(stdin: Option<Outgoing>, bytes: Option<Bytes>) -> Option<Outgoing> {
    let mut stdin = stdin?;
    let sent = match bytes {
        Some(bytes) => stdin.send(bytes).await,
        // Kept, because a stream that is dropped is reset; the end is said once.
        None => {
            let _gone = stdin.finish().await;
            return None;
        }
    };
    sent.is_ok().then_some(stdin)
}

async fn tell_size(running: &mut Running) {
    if let Some((width, height)) = terminal::size() {
        // A command that has ended needs no size.
        let _gone = running.resize(width, height).await;
    }
}

fn show(to: &mut impl Write, bytes: &[u8]) -> Result<(), Exit> {
    let shown = to.write_all(bytes).and_then(|()| to.flush());
    shown.map_err(|error| Exit::error(format!("cannot write: {error}")))
}

/// Reading from a terminal cannot be given up, so a thread does it that nobody waits for.
fn typed() -> mpsc::Receiver<Bytes> {
    let (sender, typed) = mpsc::channel(16);
    let read = move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = std::io::stdin().read(&mut buffer) {
            if sender.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() {
                return;
            }
        }
    };
    std::thread::spawn(read);
    typed
}
