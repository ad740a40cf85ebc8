//! What an agent is asked, and what its answers mean.

use std::sync::Arc;
use std::time::Duration;

use tilt_agent::wire::{FromAgent, FromHost, VERSION};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Cause, Exit, Fetched, Listed, Problem, Stream};
use super::install::Brought;
use super::link::{Answers, Key, Link, Shared};
use super::send::{self, Begun, PATIENCE};
use super::{ApplyError, News, convert};
use crate::model::digest::Hasher;

/// A command that is to be killed has this long.
const KILLING: Duration = Duration::from_secs(10);
const PING: Duration = Duration::from_secs(10);
/// Programs may want to end in peace before they start anew.
const RESTARTING: Duration = Duration::from_secs(60);
/// More files than this are not what somebody wanted to have back.
const MOST_LISTED: usize = 1_000_000;

/// What a shell says of a program that is not there, and of one that cannot be run.
const NOT_FOUND: i32 = 127;
const NOT_RUN: i32 = 126;
const ENOENT: i32 = 2;

pub struct Resident(Link);

impl Resident {
    pub fn start(brought: Brought, news: mpsc::UnboundedSender<News>) -> Resident {
        let link = Link::start(brought.held, brought.decoder, news);
        let session = uuid::Uuid::new_v4().as_u64_pair().0;
        // Short enough, and nobody has gone yet.
        drop(link.shared().say(&FromHost::Hello {
            version: VERSION,
            session,
        }));
        Resident(link)
    }

    fn shared(&self) -> &Arc<Shared> {
        self.0.shared()
    }

    pub async fn stage(&self, batch: &Batch) -> Result<(Begun, Vec<Problem>), ApplyError> {
        let end = |batch| vec![FromHost::Prepare { batch }];
        let (begun, mut answers) = send::send(self.shared(), batch, end).await?;
        match answers.next("preparing a batch", PATIENCE).await? {
            FromAgent::Prepared { notes, .. } => Ok((begun, convert::problems(&notes))),
            FromAgent::Refused { problems, .. } => Err(convert::refusal(&problems)),
            _ => Err(answers.nonsense("what came instead of a stage")),
        }
    }

    pub async fn commit(&self, begun: &Begun) -> Result<(), ApplyError> {
        let mut answers = self.shared().await_answers(Key::Batch(begun.id))?;
        self.shared().say(&FromHost::Commit { batch: begun.id })?;
        match answers.next("committing a batch", PATIENCE).await? {
            FromAgent::Committed { .. } => Ok(()),
            FromAgent::Refused { problems, .. } => Err(convert::refusal(&problems)),
            _ => Err(answers.nonsense("what came instead of a commit")),
        }
    }

    pub async fn undo(&self, begun: &Begun) -> Result<(), ApplyError> {
        let mut answers = self.shared().await_answers(Key::Batch(begun.id))?;
        self.shared().say(&FromHost::Undo { batch: begun.id })?;
        begun.ended();
        match answers.next("undoing a batch", PATIENCE).await? {
            FromAgent::Undone { problems, .. } if problems.is_empty() => Ok(()),
            FromAgent::Undone { problems, .. } => Err(ApplyError::Refused {
                problems: convert::problems(&problems),
            }),
            _ => Err(answers.nonsense("what came instead of a way back")),
        }
    }

    pub fn keep(&self, begun: &Begun) {
        begun.ended();
        // Short enough; what an agent that is gone has committed stays anyway.
        drop(self.shared().say(&FromHost::Keep { batch: begun.id }));
    }

    pub async fn apply(&self, batch: &Batch) -> Result<(), ApplyError> {
        let end = |batch| {
            vec![
                FromHost::Prepare { batch },
                FromHost::Commit { batch },
                FromHost::Keep { batch },
            ]
        };
        let (begun, mut answers) = send::send(self.shared(), batch, end).await?;
        // It ends by itself, whatever comes.
        begun.ended();
        let mut is_prepared = false;
        loop {
            match answers.next("applying a batch", PATIENCE).await? {
                FromAgent::Prepared { .. } if !is_prepared => is_prepared = true,
                FromAgent::Committed { .. } => return Ok(()),
                FromAgent::Refused { problems, .. } => return Err(convert::refusal(&problems)),
                _ => return Err(answers.nonsense("what came instead of a commit")),
            }
        }
    }

    pub async fn run(
        &self,
        command: &[String],
        output: &mut (dyn FnMut(Stream, &[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Result<Exit, ApplyError> {
        let argv = command.iter().map(|word| word.clone().into_bytes()).collect();
        let (id, mut answers) = self.ask(|id| FromHost::Run {
            id,
            argv,
            env: Vec::new(),
            dir: None,
        })?;
        let mut kill = Kill {
            shared: self.shared(),
            id: Some(id),
        };
        tokio::select! {
            exit = follow(&mut answers, output) => {
                kill.id = None;
                return exit;
            }
            () = cancel.cancelled() => {}
        }
        drop(kill);
        let ending = async {
            loop {
                match answers.any().await? {
                    FromAgent::Output { .. } => {}
                    _ => return Err::<(), _>(ApplyError::Cancelled),
                }
            }
        };
        match tokio::time::timeout(KILLING, ending).await {
            Ok(ended) => ended.map(|()| Exit::Code(0)),
            Err(_) => Err(ApplyError::Cancelled),
        }
    }

    pub async fn restart(&self) -> Result<u32, ApplyError> {
        let (_, mut answers) = self.ask(|id| FromHost::Restart { id })?;
        match answers.next("restarting its program", RESTARTING).await? {
            FromAgent::Restarted { pid, .. } => Ok(pid),
            FromAgent::NotRestarted { tried: true, text, .. } => Err(ApplyError::CannotStart { reason: text }),
            FromAgent::NotRestarted { text, .. } => Err(refused(0, &text)),
            _ => Err(answers.nonsense("what came instead of a restart")),
        }
    }

    pub async fn list(&self, root: &str, patterns: &[String]) -> Result<Vec<Listed>, ApplyError> {
        let (root, patterns) = (convert::absolute(root)?, bytes(patterns));
        let (_, mut answers) = self.ask(|id| FromHost::List { id, root, patterns })?;
        let mut listed = Vec::new();
        loop {
            match answers.next("listing files", PATIENCE).await? {
                FromAgent::Listed { entries, last, .. } => {
                    let is_empty = entries.is_empty();
                    listed.extend(entries.into_iter().map(convert::listed));
                    if last {
                        return Ok(listed);
                    }
                    if is_empty || listed.len() > MOST_LISTED {
                        return Err(answers.nonsense("a list that does not end"));
                    }
                }
                FromAgent::Failed { errno, text, .. } => return Err(refused(errno, &text)),
                _ => return Err(answers.nonsense("what came instead of a list")),
            }
        }
    }

    pub async fn read(
        &self,
        root: &str,
        path: &[u8],
        most: u64,
        sink: &mut (dyn FnMut(&[u8]) -> std::io::Result<()> + Send),
    ) -> Result<Fetched, ApplyError> {
        let name = String::from_utf8_lossy(path).into_owned();
        let (root, path) = (convert::absolute(root)?, convert::beneath(path)?);
        let (_, mut answers) = self.ask(|id| FromHost::Read { id, root, path })?;
        let (mut length, mut hasher) = (0, Hasher::new());
        loop {
            match answers.next("reading a file", PATIENCE).await? {
                FromAgent::Piece { bytes, .. } if !bytes.is_empty() => {
                    length += bytes.len() as u64;
                    if length > most {
                        return Err(refused(0, &format!("`{name}` has more than {most} bytes")));
                    }
                    hasher.update(&bytes);
                    sink(&bytes).map_err(|error| ApplyError::Unwritable {
                        path: name.clone(),
                        reason: crate::world::files::reason(&error),
                    })?;
                }
                FromAgent::ReadEnd { size, mode, sha256, .. } => {
                    let hash = hasher.finish_bytes();
                    return match size == length && sha256 == hash {
                        true => Ok(Fetched { size, mode, hash }),
                        false => Err(answers.nonsense("a file of another content than was said")),
                    };
                }
                FromAgent::Failed { errno, text, .. } => return Err(refused(errno, &text)),
                _ => return Err(answers.nonsense("what came instead of a file")),
            }
        }
    }

    pub async fn follow(&self, root: &str, patterns: &[String]) -> Result<(), ApplyError> {
        let (path, patterns) = (convert::absolute(root)?, bytes(patterns));
        let id = self.shared().number();
        let mut answers = self.shared().await_answers(Key::Id(id))?;
        if let Some(before) = self.shared().follow(id, root) {
            self.shared().say(&FromHost::Unfollow { id: before })?;
        }
        self.shared().say(&FromHost::Follow {
            id,
            root: path,
            patterns,
        })?;
        match answers.next("watching files", PATIENCE).await? {
            FromAgent::Following { .. } => Ok(()),
            FromAgent::Failed { errno, text, .. } => Err(refused(errno, &text)),
            _ => Err(answers.nonsense("what came instead of a watch")),
        }
    }

    pub async fn clean(&self, roots: &[String]) -> Result<u32, ApplyError> {
        let roots = roots
            .iter()
            .map(|root| convert::absolute(root))
            .collect::<Result<_, _>>()?;
        let (_, mut answers) = self.ask(|id| FromHost::Clean { id, roots })?;
        match answers.next("looking for leftovers", PATIENCE).await? {
            FromAgent::Cleaned { removed, .. } => Ok(removed),
            FromAgent::Failed { errno, text, .. } => Err(refused(errno, &text)),
            _ => Err(answers.nonsense("what came instead of a cleaning")),
        }
    }

    pub async fn ping(&self) -> Result<Duration, ApplyError> {
        let n = u64::from(self.shared().number());
        let mut answers = self.shared().await_answers(Key::Ping(n))?;
        let asked = Instant::now();
        self.shared().say(&FromHost::Ping { n })?;
        answers.next("a ping", PING).await?;
        Ok(asked.elapsed())
    }

    fn ask(&self, word: impl FnOnce(u32) -> FromHost) -> Result<(u32, Answers), ApplyError> {
        let id = self.shared().number();
        let answers = self.shared().await_answers(Key::Id(id))?;
        self.shared().say(&word(id))?;
        Ok((id, answers))
    }
}

/// A command whose caller gives up does not go on.
struct Kill<'a> {
    shared: &'a Shared,
    id: Option<u32>,
}

impl Drop for Kill<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // Short enough, and an agent that is gone has killed it.
            drop(self.shared.say(&FromHost::Kill { id }));
        }
    }
}

async fn follow(answers: &mut Answers, output: &mut (dyn FnMut(Stream, &[u8]) + Send)) -> Result<Exit, ApplyError> {
    loop {
        match answers.any().await? {
            FromAgent::Output { stream, bytes, .. } => output(stream.into(), &bytes),
            FromAgent::Exited { ending, .. } => return Ok(ending.into()),
            FromAgent::CannotRun { errno, text, .. } => {
                output(Stream::Stderr, format!("{text}\n").as_bytes());
                let code = if errno == ENOENT { NOT_FOUND } else { NOT_RUN };
                return Ok(Exit::Code(code));
            }
            _ => return Err(answers.nonsense("what came instead of output")),
        }
    }
}

fn bytes(texts: &[String]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.clone().into_bytes()).collect()
}

fn refused(errno: i32, text: &str) -> ApplyError {
    let cause = match errno {
        0 => Cause::Other,
        errno => convert::cause(errno),
    };
    let reason = text.to_owned();
    let path = String::new();
    ApplyError::Refused {
        problems: vec![Problem { path, cause, reason }],
    }
}
