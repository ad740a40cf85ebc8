//! One container's output, over all of its runs.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::cursor::Cursor;
use super::step::{self, Now, Progress, Step};
use super::{Board, ContainerLog, LogNews, Look};
use crate::model::time::Time;
use crate::world::cluster::ClusterError;
use crate::world::cluster::logs::{LogRequest, Run};
use crate::world::cluster::watch::Stream;

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(4);
/// A stream that ends belongs to a run that ends: the watch will say so, or be asked.
const STATUS_LAG: Duration = Duration::from_secs(2);
/// A run that is said to have ended has a stream that ends.
const STREAM_LAG: Duration = Duration::from_secs(3);
/// A connection over which nothing comes may be a dead one, and some nodes stop telling when a log file is replaced.
const QUIET: Duration = Duration::from_secs(60);
const LONGEST_QUIET: Duration = Duration::from_secs(300);
/// A run that ended and cannot be read is given up after so many attempts.
const ATTEMPTS: u32 = 6;

pub struct Reader {
    board: Board,
    place: usize,
    name: Box<str>,
    is_prefixed: bool,
    progress: Progress,
    cursor: Cursor,
    /// How far back to read when nothing was read yet.
    since: Option<Time>,
    retry: Duration,
    quiet: Duration,
    failures: u32,
}

/// Why a stream is read no more.
enum End {
    Over,
    Broken(ClusterError),
    /// It is not trusted any more.
    Abandoned,
}

impl Reader {
    pub fn new(board: Board, place: usize, name: Box<str>, is_prefixed: bool) -> Reader {
        Reader {
            since: board.of.since,
            board,
            place,
            name,
            is_prefixed,
            progress: Progress::default(),
            cursor: Cursor::default(),
            retry: FIRST_RETRY,
            quiet: QUIET,
            failures: 0,
        }
    }

    /// Until the pod is gone, and everything was read.
    pub async fn read(mut self, mut look: watch::Receiver<Look>) {
        let mut now = self.seen(&mut look);
        loop {
            match step::next(&self.progress, &now, self.board.of.since) {
                Step::End => return self.report(false, String::new()),
                Step::Wait => {
                    if look.changed().await.is_err() {
                        return;
                    }
                }
                Step::Begin => self.begin(now.id.clone()),
                Step::BeginPrevious => {
                    let last = now.last.as_ref().map(|last| last.id.clone());
                    self.begin(last.unwrap_or_default());
                }
                Step::Follow => {
                    now = self.follow(&mut look).await;
                    continue;
                }
                Step::ReadRest => self.read_rest(Run::Latest).await,
                Step::ReadRestOfPrevious => self.read_rest(Run::Previous).await,
                Step::GiveUp => self.finish(String::new()),
            }
            now = self.seen(&mut look);
        }
    }

    fn seen(&self, look: &mut watch::Receiver<Look>) -> Now {
        let look = look.borrow_and_update();
        let now = look.pod.as_ref().map(|pod| step::now(pod, &self.name));
        Now {
            is_gone: look.is_gone,
            ..now.unwrap_or_default()
        }
    }

    fn begin(&mut self, run: Box<str>) {
        self.progress.reading = run;
        self.cursor = Cursor::default();
        self.failures = 0;
        self.retry = FIRST_RETRY;
    }

    fn finish(&mut self, error: String) {
        let (sink, name, is_prefixed) = (&self.board.sink, &self.name, self.is_prefixed);
        self.cursor.finish(|bytes| {
            sink.take(LogNews::Line {
                container: name,
                bytes,
                is_prefixed,
            })
        });
        self.progress.done = std::mem::take(&mut self.progress.reading);
        self.report(false, error);
    }

    /// Reads on as long as it runs; what is known then.
    async fn follow(&mut self, look: &mut watch::Receiver<Look>) -> Now {
        let end = match self.open(Run::Following).await {
            Ok(stream) => {
                self.report(true, String::new());
                self.drain(stream, look).await
            }
            Err(error) => End::Broken(error),
        };
        match end {
            End::Over => self.await_end(look).await,
            End::Abandoned => self.fresh(look).await,
            End::Broken(error) => {
                self.report(false, error.to_string());
                self.pause().await;
                self.fresh(look).await
            }
        }
    }

    async fn open(&mut self, run: Run) -> Result<Stream, ClusterError> {
        self.cursor.reconnect();
        let request = LogRequest {
            namespace: &self.board.of.namespace,
            pod: &self.board.of.pod,
            container: &self.name,
            run,
            since: self.cursor.since().or(self.since),
        };
        self.board.cluster.cluster().log(&request).await
    }

    async fn drain(&mut self, mut stream: Stream, look: &mut watch::Receiver<Look>) -> End {
        let losses = look.borrow().losses;
        let mut deadline = Instant::now() + self.quiet;
        let mut is_ending = false;
        loop {
            tokio::select! {
                biased;
                chunk = timeout_at(deadline, stream.chunk()) => match chunk {
                    Ok(Ok(Some(bytes))) => {
                        self.hand_on(&bytes);
                        self.board.sink.room().await;
                        self.quiet = QUIET;
                        if !is_ending {
                            deadline = Instant::now() + self.quiet;
                        }
                    }
                    Ok(Ok(None)) => return End::Over,
                    Ok(Err(error)) => return End::Broken(error),
                    Err(_) => {
                        self.quiet = (self.quiet * 2).min(LONGEST_QUIET);
                        return End::Abandoned;
                    }
                },
                changed = look.changed(), if !is_ending => {
                    let now = self.seen(look);
                    let is_over = changed.is_err() || now.is_gone || now.has_ended || now.id != self.progress.reading;
                    if look.borrow().losses != losses || is_over {
                        is_ending = true;
                        deadline = Instant::now() + STREAM_LAG;
                    }
                }
            }
        }
    }

    fn hand_on(&mut self, bytes: &[u8]) {
        // What comes at all shows that there is nothing wrong.
        self.retry = FIRST_RETRY;
        self.failures = 0;
        let (sink, name, is_prefixed) = (&self.board.sink, &self.name, self.is_prefixed);
        self.cursor.push(bytes, |bytes| {
            sink.take(LogNews::Line {
                container: name,
                bytes,
                is_prefixed,
            })
        });
    }

    /// A stream has ended as streams do when their run ends.
    async fn await_end(&mut self, look: &mut watch::Receiver<Look>) -> Now {
        let limit = Instant::now() + STATUS_LAG;
        loop {
            let now = self.seen(look);
            if now.is_gone || now.has_ended || now.id != self.progress.reading {
                return now;
            }
            if !matches!(timeout_at(limit, look.changed()).await, Ok(Ok(()))) {
                self.pause().await;
                return self.fresh(look).await;
            }
        }
    }

    /// The pod as it is now: what the watch says may be as old as the connection that broke.
    async fn fresh(&mut self, look: &mut watch::Receiver<Look>) -> Now {
        let of = self.board.of.clone();
        loop {
            match self.board.cluster.cluster().pod(&of.namespace, &of.pod).await {
                Ok(Some(pod)) => return step::now(&pod, &self.name),
                Ok(None) => {
                    return Now {
                        is_gone: true,
                        ..self.seen(look)
                    };
                }
                // Pods may be listed and not got one by one.
                Err(error) if !error.is_connection() => return self.seen(look),
                Err(error) => self.report(false, error.to_string()),
            }
            self.pause().await;
        }
    }

    async fn read_rest(&mut self, run: Run) {
        let read = match self.open(run).await {
            Ok(stream) => self.read_to_end(stream).await,
            Err(error) => Err(error),
        };
        let Err(error) = read else {
            return self.finish(String::new());
        };
        self.failures += 1;
        // What the cluster no longer has, nobody gets.
        if !error.is_connection() && self.failures >= ATTEMPTS {
            return self.finish(error.to_string());
        }
        self.report(false, error.to_string());
        self.pause().await;
    }

    async fn read_to_end(&mut self, mut stream: Stream) -> Result<(), ClusterError> {
        loop {
            match timeout(QUIET, stream.chunk()).await {
                Ok(Ok(Some(bytes))) => {
                    self.hand_on(&bytes);
                    self.board.sink.room().await;
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(self.board.cluster.cluster().late(QUIET)),
            }
        }
    }

    async fn pause(&mut self) {
        sleep(self.retry).await;
        self.retry = (self.retry * 2).min(LAST_RETRY);
    }

    fn report(&self, active: bool, error: String) {
        let status = ContainerLog {
            name: self.name.clone(),
            active,
            terminated: !active && self.progress.reading.is_empty() && !self.progress.done.is_empty(),
            error,
        };
        self.board.report(self.place, status);
    }
}
