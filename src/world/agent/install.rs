//! How the agent comes into a container: it is there already, the engine puts it there, a shell or `tar` takes it from its
//! input. What did not work is remembered, so that whoever has to mend it knows where to begin.

mod dialog;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tilt_agent::wire::{Decoder, FromAgent};
use tokio::time::timeout;

use super::embedded::{self, Embedded};
use super::packed::{self, Packed};
use super::place::{Held, Place};
use super::script::{self, Image, Line, Program};
use super::{StartError, Way};
use crate::world::archive;
use crate::world::cluster::ClusterError;
use crate::world::docker::Engine;
use dialog::Dialog;

/// From a command to the agent's first word.
const GREETING: Duration = Duration::from_secs(10);
const LOOKING: &str = "looking at it";
/// For a megabyte on its way into the container.
const CARRYING: Duration = Duration::from_secs(60);

/// Where it may lie, in this order, before the synced directories. The first is ours, and only root can make it.
const DIRS: [&str; 5] = [script::OURS, "/tmp", "/dev/shm", "/var/tmp", "/run"];
/// Added to an image when it was built.
const IN_IMAGE: &str = "/.tilt/agent";

/// Of what a shell says before it says something of ours.
const MOST_LINES: usize = 100;
const LONGEST_LINE: usize = 4096;
/// Of what is said about a failure.
const TOLD: usize = 500;

/// What works in a container now.
pub enum Arrival {
    Agent(Box<Brought>),
    /// `tar` does.
    Fallback {
        why: String,
        arch: String,
    },
}

/// An agent that has spoken.
pub struct Brought {
    pub held: Held,
    pub decoder: Decoder<FromAgent>,
    pub hello: Hello,
    pub way: Way,
}

pub struct Hello {
    pub uid: u32,
    pub gid: u32,
    pub arch: String,
    pub supervised: bool,
}

/// Why one way did not lead anywhere.
enum Failed {
    /// Another one may.
    Way(String),
    /// No other will.
    All(StartError),
}

impl From<StartError> for Failed {
    fn from(error: StartError) -> Failed {
        Failed::All(error)
    }
}

/// One search for a way in.
struct Search<'a> {
    place: &'a Place,
    dirs: Vec<String>,
    /// As images name it.
    arch: String,
    tried: Vec<String>,
}

/// Brings the agent into a container by the first way that works.
pub async fn bring(place: &Place, roots: &[String]) -> Result<Arrival, StartError> {
    let common: &[&str] = match place {
        #[cfg(test)]
        Place::Process(_) => &[],
        _ => &DIRS,
    };
    let mut search = Search {
        place,
        dirs: common
            .iter()
            .map(|dir| (*dir).to_owned())
            .chain(roots.iter().cloned())
            .collect(),
        arch: String::new(),
        tried: Vec::new(),
    };
    search.arch = search.look_around().await?;
    match search.any_way().await {
        Ok(brought) => Ok(Arrival::Agent(Box::new(brought))),
        Err(Failed::All(error)) => Err(error),
        Err(Failed::Way(_)) => search.fall_back().await,
    }
}

/// One way of several: the next is tried unless this one worked or none will.
macro_rules! attempt {
    ($search:expr, $name:expr, $attempt:expr) => {
        match $attempt.await {
            Err(Failed::Way(reason)) => $search.tried.push(format!("{}: {reason}", $name)),
            other => return other,
        }
    };
}

impl Search<'_> {
    /// Whether the container runs, and on what.
    async fn look_around(&self) -> Result<String, StartError> {
        let ours = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let told = match self.place {
            Place::Docker { engine, container } => match late(LOOKING, GREETING, engine.container(container)).await?? {
                Some(found) if found.is_running => found.arch,
                _ => return Err(StartError::NotRunning),
            },
            Place::Kubernetes(pod) => pod.arch.clone(),
            #[cfg(test)]
            Place::Process(_) => String::new(),
        };
        Ok(if told.is_empty() { ours.to_owned() } else { told })
    }

    async fn any_way(&mut self) -> Result<Brought, Failed> {
        if let Place::Docker { engine, container } = self.place {
            let (engine, container) = (engine.clone(), container.clone());
            attempt!(self, "the engine's archives", self.by_archive(&engine, &container));
        }
        attempt!(self, "a shell", self.by_shell());
        if !matches!(self.place, Place::Docker { .. }) {
            let argv = [IN_IMAGE, "serve"];
            attempt!(self, "the image's own agent", start(self.place, &argv, Way::Image));
        }
        attempt!(self, "`tar`", self.by_tar());
        Err(Failed::Way(String::new()))
    }

    fn program(&self) -> Result<&'static Embedded, Failed> {
        embedded::of(&self.arch).ok_or_else(|| no_program(&self.arch))
    }

    async fn by_archive(&mut self, engine: &Engine, container: &str) -> Result<Brought, Failed> {
        let ours = self.program();
        let path = ours
            .as_ref()
            .ok()
            .map(|ours| format!("/.tilt/{}", script::file_name(&ours.hash)));
        let stats = async {
            tokio::join!(engine.stat_path(container, IN_IMAGE), async {
                match &path {
                    Some(path) => engine.stat_path(container, path).await,
                    None => Ok(None),
                }
            })
        };
        let (in_image, here) = late(LOOKING, GREETING, stats).await?;
        if matches!(in_image, Ok(Some(_))) {
            match start(self.place, &[IN_IMAGE, "serve"], Way::Image).await {
                Err(Failed::Way(reason)) => self.tried.push(format!("the image's own agent: {reason}")),
                other => return other,
            }
        }
        let ours = ours?;
        let name = script::file_name(&ours.hash);
        // A connection that broke while it was brought has left a part of it.
        let is_whole = matches!(&here, Ok(Some(here)) if here.size == ours.program.len() as u64);
        if !is_whole {
            let archive = packed_program(&[".tilt/", &format!(".tilt/{name}")], ours.program).await;
            let put = late(
                "taking the agent",
                CARRYING,
                engine.put_archive(container, "/", archive),
            );
            put.await?.map_err(|error| match error.is_connection() {
                true => Failed::All(error.into()),
                false => Failed::Way(error.to_string()),
            })?;
        }
        start(self.place, &[&format!("/.tilt/{name}"), "serve"], Way::Archive).await
    }

    async fn by_shell(&mut self) -> Result<Brought, Failed> {
        let mut image = match self.place {
            Place::Docker { .. } => Image::LeftOut,
            _ => Image::LookedFor,
        };
        let mut dirs = self.dirs.clone();
        loop {
            let mut dialog = Dialog::open(self.place, &["sh", "-c", &self.script(&dirs, image)]).await?;
            let way = match self.talk(&mut dialog).await? {
                Line::Run => Way::Shell,
                Line::Image => Way::Image,
                Line::At(path) => {
                    drop(dialog);
                    return start(self.place, &[&path, "serve"], Way::Shell).await;
                }
                Line::Short(full) => {
                    let before = dirs.len();
                    dirs.retain(|dir| dir.trim_end_matches('/') != full.trim_end_matches('/'));
                    let full = format!("`{full}`: no space");
                    // A shell's home comes after all of ours, and would again.
                    if dirs.is_empty() || dirs.len() == before {
                        return Err(Failed::Way(full));
                    }
                    self.tried.push(full);
                    continue;
                }
                Line::Arch(machine) => return Err(no_program(&machine)),
                Line::Fail(reason) => return Err(Failed::Way(reason)),
                Line::Need { .. } | Line::No(_) => return Err(Failed::Way("a shell that makes no sense".to_owned())),
            };
            match dialog.greet(way.clone()).await {
                Err(Failed::Way(reason)) if way == Way::Image => {
                    self.tried.push(format!("the image's own agent: {reason}"));
                    image = Image::LeftOut;
                }
                other => return other,
            }
        }
    }

    fn script(&self, dirs: &[String], image: Image) -> String {
        let program = |embedded: &'static Embedded| Program {
            arch: embedded.arch,
            hash: &embedded.hash,
            size: embedded.program.len(),
        };
        let programs: Vec<Program> = embedded::all().iter().map(program).collect();
        script::script(&programs, &self.arch, dirs, image)
    }

    /// Up to the shell's last word.
    async fn talk(&mut self, dialog: &mut Dialog) -> Result<Line, Failed> {
        loop {
            match dialog.line().await? {
                Line::No(reason) => self.tried.push(reason),
                Line::Need { arch, to_the_end } => {
                    self.arch = arch;
                    let program = Bytes::from_static(self.program()?.program);
                    dialog.carry(program, to_the_end).await?;
                }
                other => return Ok(other),
            }
        }
    }

    async fn by_tar(&mut self) -> Result<Brought, Failed> {
        let ours = self.program()?;
        let name = script::file_name(&ours.hash);
        let archive = packed_program(&[&name], ours.program).await;
        for dir in self.dirs.iter().map(|dir| if dir == script::OURS { "/" } else { dir }) {
            let argv = ["tar", "-x", "-f", "-", "-C", dir];
            let ended = late(
                "unpacking the agent",
                CARRYING,
                self.place.output(&argv, archive.clone()),
            )
            .await??;
            if is_absent(ended.code) {
                return Err(Failed::Way(said(&ended.stdout, &ended.stderr)));
            }
            if ended.code != 0 {
                self.tried
                    .push(format!("`tar` in `{dir}`: {}", said(&ended.stdout, &ended.stderr)));
                continue;
            }
            let path = format!("{}/{name}", dir.trim_end_matches('/'));
            match start(self.place, &[&path, "serve"], Way::Tar).await {
                Err(Failed::Way(reason)) => self.tried.push(format!("`{path}`: {reason}")),
                other => return other,
            }
        }
        Err(Failed::Way("no directory will do".to_owned()))
    }

    /// Whether at least `tar` works, as it would for somebody who has no agent.
    async fn fall_back(self) -> Result<Arrival, StartError> {
        // One that goes away fails in all kinds of ways.
        self.look_around().await?;
        if let Some(reason) = self.tried.iter().find(|reason| is_disturbed(reason)) {
            let reason = reason.clone();
            return Err(StartError::Disturbed { reason });
        }
        let nothing = Bytes::from_static(&[0; 10240]);
        let argv = ["tar", "-C", "/", "-x", "-f", "-"];
        let ended = late("looking for `tar`", GREETING, self.place.output(&argv, nothing)).await?;
        match ended {
            Ok(ended) if ended.code == 0 => Ok(Arrival::Fallback {
                why: self.tried.join("; "),
                arch: self.arch,
            }),
            Ok(ended) if is_disturbed(&said(&ended.stdout, &ended.stderr)) => Err(StartError::Disturbed {
                reason: said(&ended.stdout, &ended.stderr),
            }),
            // Not a word of `tar`: of the container, or of the way to it.
            Err(error) if cannot_start(&error).is_none() => Err(error),
            _ => Err(StartError::NoWay { tried: self.tried }),
        }
    }
}

/// Starts a program that should be the agent.
async fn start(place: &Place, argv: &[&str], way: Way) -> Result<Brought, Failed> {
    Dialog::open(place, argv).await?.greet(way).await
}

async fn late<T>(doing: &'static str, limit: Duration, work: impl Future<Output = T>) -> Result<T, StartError> {
    timeout(limit, work).await.map_err(|_| StartError::Late {
        doing,
        seconds: limit.as_secs(),
    })
}

/// What a shell's exit codes say of a program that is not there or cannot be run; engines use them too.
fn is_absent(code: i32) -> bool {
    matches!(code, 126 | 127)
}

/// Why a program does not start, where an error says no more than that.
fn cannot_start(error: &StartError) -> Option<String> {
    let text = error.to_string();
    let tells = ["OCI runtime", "not found in $PATH", "exec failed", "failed to exec"];
    tells.iter().any(|tell| text.contains(tell)).then(|| cut(&text))
}

/// The connection was lost: that tells nothing of the container, and the next one may last.
fn is_cut(error: &StartError) -> bool {
    match error {
        StartError::Cluster(error) => matches!(error, ClusterError::Unreachable { .. }),
        StartError::Docker(error) => error.is_connection(),
        _ => false,
    }
}

/// What nothing of ours does: whoever killed it, or took its input away, says nothing of the container.
const WORDLESS: &str = "before it said anything";

/// Whether a runtime, or whoever leads to it, says that it could not run a command, which tells nothing of that command.
fn is_disturbed(said: &str) -> bool {
    let tells = [
        "setns",
        "init-p",
        "stopped container",
        "has stopped",
        "is not running",
        "not created or running",
        "no running task",
        "cannot exec in",
        "CONTAINER_EXITED",
        "is restarting",
        "is paused",
        "temporarily unavailable",
        "executing command in container: EOF",
        "error dialing backend",
        "connection reset",
        "connection refused",
        "broken pipe",
        "i/o timeout",
        "deadline exceeded",
        WORDLESS,
    ];
    tells.iter().any(|tell| said.contains(tell))
}

/// What a command said of its failure, in one line.
fn said(stdout: &[u8], stderr: &[u8]) -> String {
    let text = if stderr.is_empty() { stdout } else { stderr };
    let text = String::from_utf8_lossy(&text[..text.len().min(TOLD)]);
    cut(text.trim())
}

fn cut(text: &str) -> String {
    let text = text.rsplit("OCI runtime exec failed: ").next().unwrap_or(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches(": unknown").to_owned()
}

fn no_program(arch: &str) -> Failed {
    Failed::Way(format!("this tilt has no agent for `{arch}`"))
}

/// The program as an archive, below a directory if two paths are given.
async fn packed_program(paths: &[&str], program: &'static [u8]) -> Bytes {
    let entries = paths.iter().map(|path| match path.strip_suffix('/') {
        Some(dir) => packed::Entry::dir(dir, 0o755),
        None => packed::Entry::bytes(path, 0o755, Bytes::from_static(program)),
    });
    let mut pieces = pin!(archive::stream(vec![Arc::new(Packed::new(entries))]));
    let mut archive = BytesMut::with_capacity(program.len() + 4096);
    while let Some(piece) = pieces.next().await {
        // What is in memory can be read.
        archive.extend_from_slice(&piece.unwrap_or_default());
    }
    archive.freeze()
}
