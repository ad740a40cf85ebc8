//! Readiness probes of served processes: tried until cancelled, changes told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::local::{Probe, ProbeAction};
use crate::model::probe::{Change, Outcome, Pace, Readiness, Timing, TurnKind};
use crate::world::guard::Guard;
use crate::world::http::{self, Request, Response, Trust};
use crate::world::process::serve::{self, Reports, Spec, Stop};

#[cfg(test)]
mod tests;

/// What is kept of a try's output: enough for a line of the log.
const MOST_OUTPUT: usize = 10 << 10;

const MOST_REDIRECTS: usize = 10;

/// Where an exec probe runs: where the process does that it is about.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub dir: &'a PathBuf,
    pub env: &'a BTreeMap<String, String>,
    pub guard: Option<&'a Guard>,
}

/// Tries a probe until `cancel`, and reports each change of readiness.
pub async fn watch(probe: &Probe, place: Place<'_>, cancel: &CancellationToken, report: impl FnMut(Change)) {
    // Dropping a try that is under way ends what it started.
    let _ = cancel.run_until_cancelled(follow(probe, place, report)).await;
}

async fn follow(probe: &Probe, place: Place<'_>, mut report: impl FnMut(Change)) {
    let timing = Timing::of(probe);
    let (mut readiness, mut pace) = (Readiness::new(timing), Pace::new(timing));
    sleep(timing.initial_delay).await;
    let first = tokio::time::Instant::now();
    let mut kind = TurnKind::Regular;
    loop {
        let (outcome, output) = attempt(&probe.action, place, timing.timeout).await;
        let counts = kind == TurnKind::Regular || outcome == Outcome::Success;
        if counts && readiness.record(outcome) {
            report(Change { outcome, output });
        }
        let turn = pace.next(first.elapsed(), outcome);
        kind = turn.kind;
        match first.checked_add(turn.at) {
            Some(at) => sleep_until(at).await,
            // Beyond what a clock can tell.
            None => std::future::pending().await,
        }
    }
}

/// One try: how it went, and what there is to say about it.
pub async fn attempt(action: &ProbeAction, place: Place<'_>, limit: Duration) -> (Outcome, String) {
    let said = match action {
        ProbeAction::Exec(argv) => exec(argv, place, limit).await,
        ProbeAction::TcpSocket { host, port } => tcp(host, *port, limit).await,
        ProbeAction::HttpGet {
            host,
            port,
            scheme,
            path,
            headers,
        } => match url(host, *port, scheme, path) {
            Ok(url) => http_get(url, headers, limit).await,
            Err(error) => Err(error),
        },
    };
    match said {
        Ok(output) => (Outcome::Success, output),
        Err(output) => (Outcome::Failure, output),
    }
}

// ---- exec ----------------------------------------------------------------------------------------------------------

async fn exec(argv: &[String], place: Place<'_>, limit: Duration) -> Result<String, String> {
    let spec = Spec {
        argv: argv.to_vec(),
        dir: place.dir.clone(),
        env: place.env.clone(),
        grace: Duration::ZERO,
    };
    let stop = Stop::default();
    let (output, mut chunks) = mpsc::channel::<serve::Chunk>(4);
    let command = async move {
        let reports = Reports {
            output: &output,
            events: |_| {},
        };
        let running = serve::run(&spec, &stop, place.guard, reports);
        let mut running = std::pin::pin!(running);
        match timeout(limit, &mut running).await {
            Ok(exit) => Ok(exit),
            Err(_) => {
                stop.at_once.cancel();
                running.await;
                Err(format!("command timed out after {limit:?}"))
            }
        }
    };
    let collected = async {
        let mut said = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            let room = MOST_OUTPUT - said.len();
            said.extend_from_slice(&chunk.bytes[..chunk.bytes.len().min(room)]);
        }
        String::from_utf8_lossy(&said).trim_end().to_owned()
    };
    let (ended, said) = tokio::join!(command, collected);
    match ended {
        Ok(exit) if exit.code == 0 => Ok(said),
        Ok(exit) => Err(with_reason(said, &exit.reason)),
        Err(timed_out) => Err(with_reason(said, &timed_out)),
    }
}

fn with_reason(said: String, reason: &str) -> String {
    match said.is_empty() {
        true => reason.to_owned(),
        false => format!("{said} ({reason})"),
    }
}

// ---- tcp -----------------------------------------------------------------------------------------------------------

async fn tcp(host: &str, port: i32, limit: Duration) -> Result<String, String> {
    let port = known_port(port)?;
    let host = host_or_own(host);
    match timeout(limit, http::connect(host, port)).await {
        Ok(Ok(_connected)) => Ok(String::new()),
        Ok(Err(error)) => {
            let reason = crate::world::files::reason(&error);
            Err(format!("connecting to {host}:{port}: {reason}"))
        }
        Err(_) => Err(format!("connecting to {host}:{port}: no answer within {limit:?}")),
    }
}

fn host_or_own(host: &str) -> &str {
    if host.is_empty() { "localhost" } else { host }
}

fn known_port(port: i32) -> Result<u16, String> {
    u16::try_from(port)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| format!("port {port} is not from 1 to 65535"))
}

// ---- http ----------------------------------------------------------------------------------------------------------

fn url(host: &str, port: i32, scheme: &str, path: &str) -> Result<String, String> {
    let port = known_port(port)?;
    let scheme = if scheme.is_empty() {
        "http".to_owned()
    } else {
        scheme.to_lowercase()
    };
    let host = host_or_own(host);
    let host = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(format!("{scheme}://{host}:{port}{slash}{path}"))
}

/// A redirect to the same host is followed, one to another host is an answer of its own: as Kubernetes has it.
async fn http_get(url: String, headers: &[(String, String)], limit: Duration) -> Result<String, String> {
    let mut all = defaults(headers);
    all.extend_from_slice(headers);
    let mut request = Request {
        url,
        headers: all,
        limit,
        most: MOST_OUTPUT,
        trust: Trust::Anybody,
    };
    let follow = async {
        for _ in 0..=MOST_REDIRECTS {
            let answer = http::get(&request)
                .await
                .map_err(|error| format!("{}: {error}", request.url))?;
            match answer
                .location()
                .and_then(|place| on_the_same_host(&request.url, place))
            {
                Some(next) => request.url = next,
                None => return judge(&answer),
            }
        }
        Err(format!("stopped after {MOST_REDIRECTS} redirects"))
    };
    match timeout(limit, follow).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

fn defaults(headers: &[(String, String)]) -> Vec<(String, String)> {
    [("User-Agent", "tilt-probe/1.0"), ("Accept", "*/*")]
        .into_iter()
        .filter(|(name, _)| !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn judge(answer: &Response) -> Result<String, String> {
    let body = String::from_utf8_lossy(&answer.body).trim_end().to_owned();
    match answer.status {
        200..400 => Ok(body),
        status => Err(format!("HTTP probe failed with statuscode: {status}")),
    }
}

/// The URL that a redirect means, if it does not lead away.
fn on_the_same_host(from: &str, location: &str) -> Option<String> {
    let from: Uri = from.parse().ok()?;
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    if location.starts_with("//") {
        let next = format!("{scheme}:{location}");
        return is_at(&next, authority.host()).then_some(next);
    }
    if location.contains("://") {
        return is_at(location, authority.host()).then(|| location.to_owned());
    }
    if location.starts_with('/') {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    // Relative to the folder of the page.
    let folder = from.path().rfind('/').map_or("/", |end| &from.path()[..=end]);
    Some(format!("{scheme}://{authority}{folder}{location}"))
}

fn is_at(url: &str, host: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|url| url.host() == Some(host))
}
