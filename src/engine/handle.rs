//! How everybody outside the loop reads the state and asks for changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::action::{Action, Answer, Ask, Refusal, Token, Write};
use crate::engine::state::State;

/// The state at one moment; it never changes.
pub type Snapshot = Arc<State>;

/// Cheap to copy; the engine ends on its own terms, not when handles go.
#[derive(Clone, Debug)]
pub struct Handle {
    actions: mpsc::UnboundedSender<Action>,
    snapshots: watch::Receiver<Snapshot>,
    answers: Arc<Answers>,
}

/// Who waits for which answer.
#[derive(Debug, Default)]
pub struct Answers {
    next: AtomicU64,
    // Held for a look-up only.
    waiting: Mutex<HashMap<Token, oneshot::Sender<Answer>>>,
}

impl Handle {
    pub fn new(
        actions: mpsc::UnboundedSender<Action>,
        snapshots: watch::Receiver<Snapshot>,
        answers: Arc<Answers>,
    ) -> Handle {
        Handle {
            actions,
            snapshots,
            answers,
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Tells of every newer snapshot; who is slow sees only the latest.
    pub fn changes(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// Changes one object.
    pub async fn write(&self, write: Write) -> Answer {
        self.ask(Ask::Write(Box::new(write))).await
    }

    pub async fn ask(&self, ask: Ask) -> Answer {
        let (token, answer) = self.answers.expect_one();
        self.tell(Action::Asked { token, ask });
        // The engine drops whom it cannot answer any more.
        answer.await.unwrap_or(Err(Refusal::Ended))
    }

    /// Ends once everything that was saved before is part of the state, and of what it has started.
    pub async fn fence(&self) -> Result<(), Refusal> {
        let (token, answer) = self.answers.expect_one();
        self.tell(Action::Fence { token });
        answer.await.unwrap_or(Err(Refusal::Ended)).map(drop)
    }

    /// Reports a fact.
    pub fn tell(&self, action: Action) {
        if let Err(refused) = self.actions.send(action)
            && let Action::Asked { token, .. } | Action::Fence { token } = refused.0
        {
            self.answers.give(token, Err(Refusal::Ended));
        }
    }
}

impl Answers {
    fn expect_one(&self) -> (Token, oneshot::Receiver<Answer>) {
        let token = Token(self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(token, sender);
        (token, receiver)
    }

    /// Gives the answer. Somebody who has gone meanwhile does not need it.
    pub fn give(&self, token: Token, answer: Answer) {
        if let Some(waiting) = self.lock().remove(&token) {
            drop(waiting.send(answer));
        }
    }

    /// Nobody will be answered any more.
    pub fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Token, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
