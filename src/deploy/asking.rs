//! Requests that end in time: with the order's limit, or soon after somebody has stopped it.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::deploy::answer;
use crate::deploy::error::{DeployError, Doing};
use crate::world::cluster::Cluster;
use crate::world::cluster::objects::{Address, ObjectError};

/// How long a request that is on its way may go on after a stop: what it does is then known, not guessed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The first pause before something is tried again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// What everything about one object has to keep to.
pub struct Asking<'a> {
    pub stop: &'a CancellationToken,
    pub doing: Doing,
    /// `Deployment/web`
    pub object: String,
    pub limit: Duration,
    pub until: Instant,
    pause: Duration,
}

impl<'a> Asking<'a> {
    pub fn new(stop: &'a CancellationToken, doing: Doing, object: String, limit: Duration) -> Asking<'a> {
        Asking {
            stop,
            doing,
            object,
            limit,
            until: Instant::now() + limit,
            pause: FIRST_PAUSE,
        }
    }

    pub fn late(&self, last: Option<ObjectError>) -> DeployError {
        DeployError::Late {
            doing: self.doing,
            object: self.object.clone(),
            limit: self.limit,
            last: last.map(Box::new),
        }
    }

    pub fn failed(&self, source: ObjectError) -> DeployError {
        match source {
            ObjectError::Cluster(error) if !error.is_connection() => DeployError::Cluster(error),
            source => DeployError::Object {
                doing: self.doing,
                object: self.object.clone(),
                source,
            },
        }
    }

    /// One request, begun only if nobody has stopped us. The outer error is an end that is not the request's own.
    pub async fn ask<T>(
        &self,
        request: impl Future<Output = Result<T, ObjectError>>,
    ) -> Result<Result<T, ObjectError>, DeployError> {
        if self.stop.is_cancelled() {
            return Err(DeployError::Cancelled);
        }
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            biased;
            answer = request => Ok(answer),
            () = stopped => Err(DeployError::Cancelled),
            () = tokio::time::sleep_until(self.until) => Err(self.late(None)),
        }
    }

    /// Waits before the same is tried again: as long as the server says, else longer each time.
    pub async fn pause(&mut self, error: ObjectError) -> Result<(), DeployError> {
        let pause = error.retry_after().unwrap_or(self.pause).max(FIRST_PAUSE);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        if Instant::now() + pause >= self.until {
            return Err(match error {
                // Who cannot be reached is not slow.
                ObjectError::Cluster(_) => self.failed(error),
                error => self.late(Some(error)),
            });
        }
        tokio::select! {
            () = self.stop.cancelled() => Err(DeployError::Cancelled),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    /// Asks until there is an answer that is not a passing trouble.
    pub async fn insist<T, F>(&mut self, mut request: impl FnMut() -> F) -> Result<Result<T, ObjectError>, DeployError>
    where
        F: Future<Output = Result<T, ObjectError>>,
    {
        loop {
            match self.ask(request()).await? {
                Err(error) if error.is_passing() => self.pause(error).await?,
                answer => return Ok(answer),
            }
        }
    }

    /// Waits until this incarnation of an object is gone. The time that takes is not counted as ours.
    pub async fn gone(
        &mut self,
        cluster: &Cluster,
        (address, uid): (&Address, &str),
        limit: Duration,
    ) -> Result<(), DeployError> {
        let began = Instant::now();
        let gone = tokio::select! {
            gone = tokio::time::timeout(limit, cluster.gone(address, uid)) => gone,
            () = self.stop.cancelled() => return Err(DeployError::Cancelled),
        };
        self.until += began.elapsed();
        match gone {
            Ok(gone) => gone.map_err(|error| self.failed(error)),
            Err(_) => {
                let live = cluster.get(address).await.ok();
                Err(DeployError::NotGone {
                    object: self.object.clone(),
                    limit,
                    finalizers: live.as_ref().map(answer::finalizers).unwrap_or_default(),
                })
            }
        }
    }
}
