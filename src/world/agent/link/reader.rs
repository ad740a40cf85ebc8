//! The task that reads what an agent says: each word goes to whoever waits for it, and a silence that is too long is the end.

use std::sync::Arc;

use tilt_agent::wire::{Decoder, FromAgent};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{ASKING, GRACE, Key, MOST_NEWS, Shared, TICK, TOLD};
use crate::world::agent::News;
use crate::world::agent::place::{Output, Said};

pub(super) struct Reader {
    pub(super) output: Output,
    pub(super) decoder: Decoder<FromAgent>,
    pub(super) shared: Arc<Shared>,
    pub(super) news: mpsc::UnboundedSender<News>,
    pub(super) complaints: Vec<u8>,
    /// News since the last tick.
    pub(super) told: u32,
}

impl Reader {
    pub(super) async fn run(mut self, cannot_write: CancellationToken) {
        let over = self.shared.over.clone();
        let reason = tokio::select! {
            reason = self.listen(&cannot_write) => reason,
            () = over.cancelled() => match self.shared.state().over.clone() {
                Some(reason) => reason,
                // Nobody is interested any more.
                None => return,
            },
        };
        self.shared.end(&reason);
        // Nobody may be left to hear it.
        drop(self.news.send(News::Gone { reason }));
    }

    /// Until the end; gives its reason.
    async fn listen(&mut self, cannot_write: &CancellationToken) -> String {
        let mut ticks = interval(TICK);
        let (mut asked, mut ending) = (Instant::now(), None);
        loop {
            if let Err(reason) = self.take_words().await {
                return reason;
            }
            tokio::select! {
                said = self.output.next() => match said {
                    Said::Stdout(bytes) => {
                        self.shared.touch();
                        self.decoder.feed(&bytes);
                    }
                    Said::Stderr(bytes) => self.complain(&bytes),
                    Said::End => return self.ended().await,
                    Said::Broken(reason) => return reason,
                },
                _ = ticks.tick() => {
                    self.told = 0;
                    if ending.is_some_and(|ending| Instant::now() > ending) {
                        return "the connection to the container broke".to_owned();
                    }
                    let (silence, limit) = self.shared.silence();
                    if silence >= 2 * limit {
                        return format!("it has said nothing for {} s", silence.as_secs());
                    }
                    if silence >= limit && asked.elapsed() >= ASKING {
                        asked = Instant::now();
                        self.shared.ask();
                    }
                }
                () = cannot_write.cancelled(), if ending.is_none() => ending = Some(Instant::now() + GRACE),
            }
        }
    }

    async fn take_words(&mut self) -> Result<(), String> {
        while let Some(word) = self.decoder.next().map_err(|error| error.to_string())? {
            self.dispatch(word).await?;
        }
        Ok(())
    }

    async fn dispatch(&mut self, word: FromAgent) -> Result<(), String> {
        use FromAgent as W;
        let key = match &word {
            W::Wanted { batch, .. }
            | W::Prepared { batch, .. }
            | W::Refused { batch, .. }
            | W::Committed { batch }
            | W::Undone { batch, .. } => Key::Batch(*batch),
            W::Output { id, .. }
            | W::Exited { id, .. }
            | W::CannotRun { id, .. }
            | W::Restarted { id, .. }
            | W::NotRestarted { id, .. }
            | W::Listed { id, .. }
            | W::Piece { id, .. }
            | W::ReadEnd { id, .. }
            | W::Following { id, .. }
            | W::Failed { id, .. }
            | W::Cleaned { id, .. } => Key::Id(*id),
            W::Pong { n } => Key::Ping(*n),
            W::AppStarted { pid } => return self.tell(News::AppStarted { pid: *pid }),
            W::AppExited { ending } => return self.tell(News::AppExited { exit: (*ending).into() }),
            W::Changed { id } => {
                let root = self.shared.state().followed.get(id).cloned();
                return root.map_or(Ok(()), |root| self.tell(News::Changed { root }));
            }
            W::Protocol { text } => return Err(text.clone()),
            W::Hello { .. } => return Err("it greets twice".to_owned()),
        };
        let waiting = self.shared.state().waiting.get(&key).cloned();
        let Some(waiting) = waiting else {
            // Whoever asked has given up since.
            return Ok(());
        };
        if let Key::Id(_) = key {
            // Content is taken as fast as somebody wants it.
            drop(waiting.send(word).await);
            // However long they took: that was not the agent's silence.
            self.shared.touch();
            return Ok(());
        }
        // Whoever waits for these has more to say first: they must not keep us.
        match waiting.try_send(word) {
            Err(mpsc::error::TrySendError::Full(_)) => Err("it answers more than it was asked".to_owned()),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }

    fn tell(&mut self, news: News) -> Result<(), String> {
        self.told += 1;
        if self.told > MOST_NEWS {
            return Err("it says too much that nobody asked for".to_owned());
        }
        // Nobody may want to hear it.
        drop(self.news.send(news));
        Ok(())
    }

    /// Keeps the last of it.
    fn complain(&mut self, bytes: &[u8]) {
        self.complaints.extend_from_slice(bytes);
        let surplus = self.complaints.len().saturating_sub(TOLD);
        self.complaints.drain(..surplus);
    }

    async fn ended(&mut self) -> String {
        let complaints = String::from_utf8_lossy(&self.complaints);
        let complaints = complaints.trim();
        let code = timeout(GRACE, self.output.exit()).await;
        match (code, complaints.is_empty()) {
            (_, false) => complaints.to_owned(),
            (Ok(Ok(137)), true) => "it was killed".to_owned(),
            (Ok(Ok(code)), true) => format!("it ended with exit code {code}"),
            (Ok(Err(error)), true) => error.to_string(),
            (Err(_), true) => "the connection to the container ended".to_owned(),
        }
    }
}
