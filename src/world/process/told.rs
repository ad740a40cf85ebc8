//! A command of a task: told line by line, ended with the task.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Stream;
use super::serve::{self, Chunk, NOT_FOUND, Reports, Spec, Stop};

/// What a command has, once asked to stop, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct Order {
    pub argv: Vec<String>,
    pub dir: PathBuf,
    /// The complete environment of the command.
    pub env: BTreeMap<String, String>,
    pub limit: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Good,
    /// There is no such program.
    Missing,
    Cancelled,
    Bad {
        reason: String,
    },
}

/// Runs a command to its end; `on_line` gets what it says, without line breaks.
pub async fn run(order: &Order, cancel: &CancellationToken, on_line: &mut (dyn FnMut(Stream, &str) + Send)) -> Ending {
    let spec = Spec {
        argv: order.argv.clone(),
        dir: order.dir.clone(),
        env: order.env.clone(),
        grace: GRACE,
    };
    let stop = Stop {
        politely: cancel.child_token(),
        ..Stop::default()
    };
    let (output, mut chunks) = mpsc::channel::<Chunk>(16);
    let command = async {
        let output = output;
        let reports = Reports {
            output: &output,
            events: |_| {},
        };
        let running = serve::run(&spec, &stop, None, reports);
        let mut running = std::pin::pin!(running);
        let Some(limit) = order.limit else {
            return (running.await, None);
        };
        match timeout(limit, &mut running).await {
            Ok(exit) => (exit, None),
            Err(_) => {
                stop.at_once.cancel();
                (running.await, Some(limit))
            }
        }
    };
    let listen = async {
        let mut lines = Lines::default();
        while let Some(chunk) = chunks.recv().await {
            lines.take(&chunk, on_line);
        }
        lines.finish(on_line);
    };
    let ((exit, late), ()) = tokio::join!(command, listen);
    match late {
        Some(limit) => Ending::Bad {
            reason: format!("no end within {limit:?}"),
        },
        None if cancel.is_cancelled() && exit.is_stopped => Ending::Cancelled,
        None if exit.pid.is_none() && exit.code == NOT_FOUND => Ending::Missing,
        None if exit.code == 0 => Ending::Good,
        None => Ending::Bad { reason: exit.reason },
    }
}

/// The last line of each stream that no line break has followed yet.
#[derive(Default)]
struct Lines {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    fn take(&mut self, chunk: &Chunk, on_line: &mut (dyn FnMut(Stream, &str) + Send)) {
        let open = match chunk.stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        for piece in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(piece);
            if open.last() == Some(&b'\n') {
                on_line(
                    chunk.stream,
                    String::from_utf8_lossy(open).trim_end_matches(['\n', '\r']),
                );
                open.clear();
            }
        }
    }

    fn finish(self, on_line: &mut (dyn FnMut(Stream, &str) + Send)) {
        for (stream, open) in [(Stream::Stdout, self.stdout), (Stream::Stderr, self.stderr)] {
            if !open.is_empty() {
                on_line(stream, &String::from_utf8_lossy(&open));
            }
        }
    }
}
