//! Whether a cluster is well, asked again and again, and whether it is still the same one.

use std::time::Duration;

use hyper::Request;
use kube::client::Body;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{Cluster, ClusterError};

/// Between two questions.
const PULSE: Duration = Duration::from_secs(15);
/// Failures in a row that are news.
const PATIENCE_COUNT: u32 = 4;

/// What has become of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthFact {
    /// It did not answer so often in a row that something must be wrong. Told once.
    Failed(ClusterError),
    /// It answers again.
    Recovered,
    /// Something answers at its address, and is another cluster. Told once; nothing may be done to it.
    Replaced {
        server: String,
        before: String,
        now: String,
    },
}

/// Asks a cluster how it is until told to stop, and tells what has changed.
pub async fn watch_health(cluster: &Cluster, tell: impl Fn(HealthFact), stop: &CancellationToken) {
    tokio::select! {
        () = watch(cluster, tell) => {}
        () = stop.cancelled() => {}
    }
}

async fn watch(cluster: &Cluster, tell: impl Fn(HealthFact)) {
    // Whoever may not know its uid goes without.
    let mut known = cluster.uid().await.ok().flatten();
    let mut failures = 0;
    let mut next = Instant::now();
    loop {
        next = Instant::now().max(next + PULSE);
        tokio::time::sleep_until(next).await;
        match well(cluster, &mut known, failures).await {
            Ok(Same::Yes) if std::mem::take(&mut failures) >= PATIENCE_COUNT => tell(HealthFact::Recovered),
            Ok(Same::Yes) => {}
            Ok(Same::No { before, now }) => {
                let server = cluster.identity().server.clone();
                return tell(HealthFact::Replaced { server, before, now });
            }
            Err(error) => {
                failures += 1;
                if failures == PATIENCE_COUNT {
                    tell(HealthFact::Failed(error));
                }
            }
        }
    }
}

enum Same {
    Yes,
    No { before: String, now: String },
}

/// Whether the cluster is well and, after failures, the one that it was. What was not known of it yet is known from now on.
async fn well(cluster: &Cluster, known: &mut Option<String>, failures: u32) -> Result<Same, ClusterError> {
    cluster.check().await?;
    if failures == 0 {
        return Ok(Same::Yes);
    }
    let Some(now) = cluster.uid().await? else {
        return Ok(Same::Yes);
    };
    Ok(match known.replace(now.clone()) {
        Some(before) if before != now => Same::No { before, now },
        _ => Same::Yes,
    })
}

impl HealthFact {
    /// A line for the log.
    pub fn line(&self) -> String {
        match self {
            HealthFact::Failed(error) => format!("the cluster is not well: {error}"),
            HealthFact::Recovered => "the cluster is well again".to_owned(),
            HealthFact::Replaced { server, .. } => format!("the API server at {server} is another cluster now"),
        }
    }
}

impl Cluster {
    /// Whether it lives and is ready. Servers before 1.16, and proxies, know only of one question.
    pub async fn check(&self) -> Result<(), ClusterError> {
        for question in ["/livez", "/readyz"] {
            match self.ask_health(question).await {
                Err(ClusterError::Refused { status: 404, .. }) => return self.ask_health("/healthz").await,
                // Not for our eyes; but it answers.
                Err(ClusterError::Refused { status: 403, .. }) => return Ok(()),
                answer => answer?,
            }
        }
        Ok(())
    }

    async fn ask_health(&self, question: &str) -> Result<(), ClusterError> {
        let inner = &*self.0;
        let wrong = |error| ClusterError::of(&inner.identity.server, &inner.user, &error);
        let request = Request::get(question).body(Body::empty());
        let request = request.map_err(|error| wrong(kube::Error::HttpError(error)))?;
        let answer = timeout(inner.patience, inner.client.send(request)).await;
        let answer = answer.map_err(|_| ClusterError::late(&inner.identity.server, inner.patience))?;
        let status = answer.map_err(wrong)?.status();
        let (server, reason) = (inner.identity.server.clone(), format!("{question} says so"));
        match status.as_u16() {
            200..=299 => Ok(()),
            401 => Err(ClusterError::Unauthorized {
                server,
                user: inner.user.clone(),
                reason,
            }),
            status => Err(ClusterError::Refused { server, status, reason }),
        }
    }
}
