//! What is said to a container once something of ours runs in it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Exit, Fetched, Listed, Problem, Stream};
use super::install::{self, Arrival};
use super::resident::Resident;
use super::send::Begun;
use super::tar::Tar;
use super::{ApplyError, Place, StartError};

/// A way into one container that stays open. Cheap to copy; ends with the last copy.
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

struct Inner {
    about: About,
    carrier: Carrier,
}

enum Carrier {
    Resident(Resident),
    Tar(Tar),
}

/// What works in a container, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub way: Way,
    pub uid: u32,
    pub gid: u32,
    /// As images name it: `amd64`, `arm64`; empty where nobody could tell.
    pub arch: String,
    /// Whether the container's program runs under our supervisor, which can start it anew.
    pub supervised: bool,
}

/// How the agent came into a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It was in the image.
    Image,
    /// The engine put it there.
    Archive,
    /// A shell took it from its input.
    Shell,
    /// `tar` took it from its input.
    Tar,
    /// It does not run there: `tar` and commands, one at a time, do what they can.
    Fallback { why: String },
}

/// What a container says without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The last thing that is said.
    Gone {
        reason: String,
    },
    AppStarted {
        pid: u32,
    },
    AppExited {
        exit: Exit,
    },
    /// Something that is followed has changed.
    Changed {
        root: String,
    },
}

/// A batch that is in the container, whole and checked, and not to be seen yet. Dropped before it is kept it is undone.
#[derive(Debug)]
pub struct Staged {
    held: Staging,
    notes: Vec<Problem>,
}

#[derive(Debug)]
enum Staging {
    Resident(Begun),
    /// Nothing is there yet.
    Tar(Batch),
}

impl Staged {
    /// What could not be made as it was before, were it undone.
    pub fn notes(&self) -> &[Problem] {
        &self.notes
    }
}

impl Agent {
    /// Brings the agent into a container and greets it. Roots are directories where it may put itself, if all else fails.
    pub async fn start(place: Place, roots: &[String], news: mpsc::UnboundedSender<News>) -> Result<Agent, StartError> {
        let inner = match install::bring(&place, roots).await? {
            Arrival::Agent(brought) => Inner {
                about: About {
                    way: brought.way.clone(),
                    uid: brought.hello.uid,
                    gid: brought.hello.gid,
                    arch: brought.hello.arch.clone(),
                    supervised: brought.hello.supervised,
                },
                carrier: Carrier::Resident(Resident::start(*brought, news)),
            },
            Arrival::Fallback { why, arch } => Inner {
                about: About {
                    way: Way::Fallback { why },
                    uid: 0,
                    gid: 0,
                    arch,
                    supervised: false,
                },
                carrier: Carrier::Tar(Tar::new(place)),
            },
        };
        Ok(Agent(Arc::new(inner)))
    }

    pub fn about(&self) -> &About {
        &self.0.about
    }

    /// Brings a batch in, so that making it visible can hardly fail. Without an agent it is only looked at.
    pub async fn stage(&self, batch: &Batch) -> Result<Staged, ApplyError> {
        match &self.0.carrier {
            Carrier::Resident(resident) => {
                let (begun, notes) = resident.stage(batch).await?;
                let held = Staging::Resident(begun);
                Ok(Staged { held, notes })
            }
            Carrier::Tar(tar) => {
                tar.check(batch)?;
                Ok(Staged {
                    held: Staging::Tar(batch.clone()),
                    notes: Vec::new(),
                })
            }
        }
    }

    /// Makes a batch visible.
    pub async fn commit(&self, staged: &Staged) -> Result<(), ApplyError> {
        match (&self.0.carrier, &staged.held) {
            (Carrier::Resident(resident), Staging::Resident(begun)) => resident.commit(begun).await,
            (Carrier::Tar(tar), Staging::Tar(batch)) => tar.apply(batch).await,
            _ => Err(elsewhere()),
        }
    }

    /// Makes all as it was before a batch, committed or not.
    pub async fn undo(&self, staged: &Staged) -> Result<(), ApplyError> {
        match (&self.0.carrier, &staged.held) {
            (Carrier::Resident(resident), Staging::Resident(begun)) => resident.undo(begun).await,
            _ => Err(ApplyError::Unsupported { what: "way back" }),
        }
    }

    /// What was committed is final.
    pub fn keep(&self, staged: Staged) {
        if let (Carrier::Resident(resident), Staging::Resident(begun)) = (&self.0.carrier, &staged.held) {
            resident.keep(begun);
        }
    }

    /// All at once, for one container alone.
    pub async fn apply(&self, batch: &Batch) -> Result<(), ApplyError> {
        match &self.0.carrier {
            Carrier::Resident(resident) => resident.apply(batch).await,
            Carrier::Tar(tar) => tar.apply(batch).await,
        }
    }

    /// Runs a command to its end, for as long as it takes.
    pub async fn run(
        &self,
        command: &[String],
        output: &mut (dyn FnMut(Stream, &[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Result<Exit, ApplyError> {
        match &self.0.carrier {
            Carrier::Resident(resident) => resident.run(command, output, cancel).await,
            Carrier::Tar(tar) => tar.run(command, output, cancel).await,
        }
    }

    /// Starts the container's program anew, under our supervisor. Gives its process id.
    pub async fn restart(&self) -> Result<u32, ApplyError> {
        self.resident("restart of its program")?.restart().await
    }

    /// What of a root some patterns name.
    pub async fn list(&self, root: &str, patterns: &[String]) -> Result<Vec<Listed>, ApplyError> {
        self.resident("list of its files")?.list(root, patterns).await
    }

    /// A file's content, piece by piece. One of more bytes than `most` is refused.
    pub async fn read(
        &self,
        root: &str,
        path: &[u8],
        most: u64,
        sink: &mut (dyn FnMut(&[u8]) -> std::io::Result<()> + Send),
    ) -> Result<Fetched, ApplyError> {
        self.resident("way to read its files")?
            .read(root, path, most, sink)
            .await
    }

    /// From now on news tells when something changes that patterns name; a root that was followed before is followed anew.
    pub async fn follow(&self, root: &str, patterns: &[String]) -> Result<(), ApplyError> {
        self.resident("watch on its files")?.follow(root, patterns).await
    }

    /// Removes what an agent that was killed has left. Gives how much that was.
    pub async fn clean(&self, roots: &[String]) -> Result<u32, ApplyError> {
        self.resident("search for leftovers")?.clean(roots).await
    }

    /// How long an answer takes.
    pub async fn ping(&self) -> Result<Duration, ApplyError> {
        self.resident("answer to a ping")?.ping().await
    }

    fn resident(&self, what: &'static str) -> Result<&Resident, ApplyError> {
        match &self.0.carrier {
            Carrier::Resident(resident) => Ok(resident),
            Carrier::Tar(_) => Err(ApplyError::Unsupported { what }),
        }
    }
}

fn elsewhere() -> ApplyError {
    ApplyError::Protocol {
        reason: "a batch that was staged in another container".to_owned(),
    }
}
