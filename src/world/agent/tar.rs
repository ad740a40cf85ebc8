//! Where no agent runs: `rm` and `tar`, one command each, as good as they are.
//!
//! Nothing is staged and nothing can be undone, files are changed one after another, and whose they are is for `tar` to say.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Cause, Change, Content, Exit, Problem, Stream};
use super::packed::{Entry, Packed};
use super::place::{Ended, Place, Said};
use super::{ApplyError, StartError, convert};
use crate::world::archive;

/// For everything that one command is given.
const PATIENCE: Duration = Duration::from_secs(300);
/// Names in one command: it is part of a URL.
const NAMES: usize = 16 << 10;
/// `tar` says so of what it may not do, among others.
const TROUBLE: i32 = 2;
const TOLD: usize = 500;

pub struct Tar(Place);

impl Tar {
    pub fn new(place: Place) -> Tar {
        Tar(place)
    }

    /// Whether a batch can be brought in this way.
    pub fn check(&self, batch: &Batch) -> Result<(), ApplyError> {
        convert::roots(batch)?;
        batch
            .changes
            .iter()
            .try_for_each(|change| full(batch, change).map(drop))
    }

    pub async fn apply(&self, batch: &Batch) -> Result<(), ApplyError> {
        self.check(batch)?;
        self.delete(batch).await?;
        let batch = batch.clone();
        let entries = tokio::task::spawn_blocking(move || entries(&batch)).await;
        let entries = entries.map_err(|error| ApplyError::Gone {
            reason: error.to_string(),
        })??;
        if entries.is_empty() {
            return Ok(());
        }
        self.unpack(Packed::new(entries)).await
    }

    async fn delete(&self, batch: &Batch) -> Result<(), ApplyError> {
        let deleted = batch
            .changes
            .iter()
            .filter(|change| matches!(change, Change::Delete { .. }));
        let paths: Vec<String> = deleted.map(|change| full(batch, change)).collect::<Result<_, _>>()?;
        let mut rest = &paths[..];
        while !rest.is_empty() {
            let mut length = 0;
            let fitting = rest.iter().take_while(|path| {
                length += path.len() + 1;
                length <= NAMES
            });
            let (now, later) = rest.split_at(fitting.count().max(1));
            rest = later;
            let argv: Vec<&str> = ["rm", "-rf", "--"]
                .into_iter()
                .chain(now.iter().map(String::as_str))
                .collect();
            self.command("rm", &argv, Bytes::new()).await?;
        }
        Ok(())
    }

    async fn unpack(&self, packed: Packed) -> Result<(), ApplyError> {
        let argv = ["tar", "-C", "/", "-x", "-f", "-"];
        let mut held = self.0.hold(&argv).await.map_err(gone)?;
        let mut pieces = Box::pin(archive::stream(vec![Arc::new(packed)]));
        let (input, output) = (&mut held.input, &mut held.output);
        let feed = async {
            while let Some(piece) = pieces.next().await {
                // An archive that ends in the middle is an error for `tar` too.
                let piece = piece.map_err(|_| ApplyError::Changed {
                    path: "a synced file".to_owned(),
                })?;
                if input.send(piece).await.is_err() {
                    break;
                }
            }
            // Why it went away, it says itself: its end is the end, however much is still to go.
            let _gone = input.finish().await.is_err();
            std::future::pending::<Result<(), ApplyError>>().await
        };
        let mut ended = Ended::default();
        let listen = async {
            loop {
                match output.next().await {
                    Said::Stdout(_) => {}
                    Said::Stderr(bytes) if ended.stderr.len() < TOLD => ended.stderr.extend_from_slice(&bytes),
                    Said::Stderr(_) => {}
                    // Some servers close the stream without a word after the status: whether it has come, the status tells.
                    Said::End | Said::Broken(_) => return Ok(()),
                }
            }
        };
        let work = async {
            tokio::select! {
                failed = feed => failed,
                heard = listen => heard,
            }
        };
        timeout(PATIENCE, work).await.map_err(|_| late("`tar`"))??;
        let code = timeout(PATIENCE, output.exit()).await;
        ended.code = code.map_err(|_| late("`tar`"))?.map_err(gone)?;
        judge("tar", &ended)
    }

    async fn command(&self, name: &'static str, argv: &[&str], input: Bytes) -> Result<(), ApplyError> {
        let ended = timeout(PATIENCE, self.0.output(argv, input)).await;
        let ended = ended.map_err(|_| late("a command"))?.map_err(gone)?;
        judge(name, &ended)
    }

    pub async fn run(
        &self,
        command: &[String],
        output: &mut (dyn FnMut(Stream, &[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Result<Exit, ApplyError> {
        let argv: Vec<&str> = command.iter().map(String::as_str).collect();
        let work = async {
            let mut held = self.0.hold(&argv).await.map_err(gone)?;
            // It reads nothing.
            let _gone = held.input.finish().await.is_err();
            loop {
                match held.output.next().await {
                    Said::Stdout(bytes) => output(Stream::Stdout, &bytes),
                    Said::Stderr(bytes) => output(Stream::Stderr, &bytes),
                    // As above.
                    Said::End | Said::Broken(_) => break,
                }
            }
            held.output.exit().await.map(Exit::Code).map_err(gone)
        };
        tokio::select! {
            exit = work => exit,
            () = cancel.cancelled() => Err(ApplyError::Cancelled),
        }
    }
}

/// A change's path from the root of the container, in a name that programs of all kinds take.
fn full(batch: &Batch, change: &Change) -> Result<String, ApplyError> {
    below(batch, change.root(), change.path())
}

fn below(batch: &Batch, root: usize, path: &[u8]) -> Result<String, ApplyError> {
    convert::beneath(path)?;
    let told = || String::from_utf8_lossy(path).into_owned();
    let root = batch
        .roots
        .get(root)
        .ok_or_else(|| convert::outside(&told(), "below no root"))?;
    let path =
        std::str::from_utf8(path).map_err(|_| convert::outside(&told(), "without an agent names must be UTF-8"))?;
    let root = root.path.trim_end_matches('/');
    Ok(match (root, path) {
        ("", "") => "/".to_owned(),
        (root, "") => root.to_owned(),
        (root, path) => format!("{root}/{path}"),
    })
}

fn entries(batch: &Batch) -> Result<Vec<Entry>, ApplyError> {
    let mut entries = Vec::new();
    for change in &batch.changes {
        let path = full(batch, change)?;
        let path = path.trim_start_matches('/');
        entries.push(match change {
            Change::Delete { .. } => continue,
            Change::Dir { mode, .. } => Entry::dir(path, *mode),
            Change::Symlink { target, .. } => Entry::link(path, &String::from_utf8_lossy(target)),
            Change::HardLink { to_root, to, .. } => {
                let first = below(batch, *to_root, to)?;
                Entry::same_as(path, first.trim_start_matches('/'))
            }
            Change::File { mode, content, .. } => match content {
                Content::Bytes(bytes) => Entry::bytes(path, *mode, bytes.clone()),
                Content::Local(file) => local(path, *mode, file)?,
            },
        });
    }
    Ok(entries)
}

fn local(path: &str, mode: u32, file: &std::path::Path) -> Result<Entry, ApplyError> {
    let changed = |_| ApplyError::Changed {
        path: file.display().to_string(),
    };
    let meta = std::fs::symlink_metadata(file).map_err(changed)?;
    let written = meta.modified().map_err(changed)?;
    let since = written.duration_since(crate::world::clock::SystemTime::UNIX_EPOCH);
    let nanos = since.ok().and_then(|since| i64::try_from(since.as_nanos()).ok());
    Ok(Entry::local(path, mode, meta.len(), file.to_owned()).written(nanos.unwrap_or_default()))
}

fn judge(name: &'static str, ended: &Ended) -> Result<(), ApplyError> {
    let said = match ended.stderr.is_empty() {
        true => &ended.stdout,
        false => &ended.stderr,
    };
    let said = String::from_utf8_lossy(&said[..said.len().min(TOLD)]).trim().to_owned();
    let (cause, reason) = match ended.code {
        0 => return Ok(()),
        126 | 127 => (
            Cause::NoProgram,
            format!("there is no `{name}` in the container: {said}"),
        ),
        137 => (Cause::Other, format!("`{name}` was killed")),
        TROUBLE => (Cause::Denied, format!("`{name}`: {said}")),
        code => (Cause::Other, format!("`{name}` ended with exit code {code}: {said}")),
    };
    let path = String::new();
    Err(ApplyError::Refused {
        problems: vec![Problem { path, cause, reason }],
    })
}

fn gone(error: StartError) -> ApplyError {
    ApplyError::Gone {
        reason: error.to_string(),
    }
}

fn late(doing: &'static str) -> ApplyError {
    ApplyError::Deadline {
        doing,
        seconds: PATIENCE.as_secs(),
    }
}
