//! Commands in containers.
//!
//! A WebSocket of the protocol's fifth version is tried first, then SPDY, then the fourth version, which cannot tell a command
//! that its input has ended.

use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::streams::{self, Channels, Gone, Greeting, Half, Incoming, Outgoing, Piece, Session, Upgrade};
use super::{Cluster, ClusterError};

/// A command and what it is run in.
#[derive(Clone, Copy, Debug)]
pub struct Exec<'a> {
    pub namespace: &'a str,
    pub pod: &'a str,
    pub container: &'a str,
    pub argv: &'a [&'a str],
    pub ends: Ends,
}

/// What a command is joined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It reads nothing.
    Output,
    Pipes,
    /// What it says and complains of is one.
    Terminal,
}

/// A command that runs. Both outputs must be read, else each may wait for the other.
pub struct Running {
    pub stdin: Option<Outgoing>,
    pub stdout: Incoming,
    /// Absent on a terminal.
    pub stderr: Option<Incoming>,
    resize: Option<Outgoing>,
    status: Incoming,
    server: String,
    _carrier: Carrier,
}

/// What a command did, all at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Ends with the command.
enum Carrier {
    /// With what comes back on the stream of the input: were nobody to read that, it would be reset at its end.
    Session(
        #[expect(dead_code, reason = "held, never looked at")] Arc<Session>,
        #[expect(dead_code, reason = "held, never looked at")] Option<Incoming>,
    ),
    Channels(#[expect(dead_code, reason = "held, never looked at")] Channels),
}

/// The numbers of the channels.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;

/// Most of what is said about an end.
const MOST: usize = 16 << 10;

impl Cluster {
    /// Starts a command.
    pub async fn exec(&self, exec: &Exec<'_>) -> Result<Running, ClusterError> {
        let path = path(exec);
        let upgrade = Upgrade {
            cluster: &self.0,
            path: &path,
        };
        let first = match by_channels(&upgrade, exec.ends, "v5.channel.k8s.io").await {
            Err(error @ (ClusterError::Refused { .. } | ClusterError::Nonsense { .. })) => error,
            other => return other,
        };
        match by_session(&upgrade, exec.ends).await {
            Ok(running) => return Ok(running),
            // Its words are those of somebody who knows pods.
            Err(error @ ClusterError::Refused { status: 403 | 404, .. }) => return Err(error),
            // Whatever was said before: another way is as far.
            Err(error @ ClusterError::Unreachable { .. }) => return Err(error),
            Err(_) => {}
        }
        // What is refused in every way is told in the words of the first.
        by_channels(&upgrade, exec.ends, "v4.channel.k8s.io")
            .await
            .map_err(|_| first)
    }

    /// Runs a command to its end.
    pub async fn output(&self, exec: &Exec<'_>, input: Bytes) -> Result<Output, ClusterError> {
        let mut running = self.exec(exec).await?;
        let stdin = running.stdin.take();
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A command may end without having read it all.
                let _gone = stdin.send(input).await.is_err() || stdin.finish().await.is_err();
                return Some(stdin);
            }
            None
        };
        let mut stderr = running.stderr.take();
        let complaints = async {
            match &mut stderr {
                Some(stderr) => all(stderr).await,
                None => Vec::new(),
            }
        };
        let (_stdin, stdout, stderr) = tokio::join!(feed, all(&mut running.stdout), complaints);
        let code = running.exit().await?;
        Ok(Output { code, stdout, stderr })
    }
}

async fn all(incoming: &mut Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Piece::Bytes(more) = incoming.next().await {
        bytes.extend_from_slice(&more);
    }
    bytes
}

impl Running {
    /// Tells the command how large its terminal is.
    pub async fn resize(&mut self, width: u16, height: u16) -> Result<(), Gone> {
        let size = format!(r#"{{"Width":{width},"Height":{height}}}"#);
        match &mut self.resize {
            Some(resize) => resize.send(Bytes::from(size)).await,
            None => Ok(()),
        }
    }

    /// The command's exit code, once it has ended.
    pub async fn exit(&mut self) -> Result<i32, ClusterError> {
        let mut text = Vec::new();
        loop {
            match self.status.next().await {
                Piece::Bytes(bytes) => text.extend(bytes.iter().take(MOST - text.len())),
                // Who closes the way without a word about the command says nothing of it.
                Piece::End | Piece::Broken if text.is_empty() => return Err(self.broken()),
                Piece::End | Piece::Broken => break,
            }
        }
        code(&text).map_err(|(status, reason)| ClusterError::Refused {
            server: self.server.clone(),
            status,
            reason,
        })
    }

    fn broken(&self) -> ClusterError {
        ClusterError::Unreachable {
            server: self.server.clone(),
            reason: "the connection to the command broke".to_owned(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    status: String,
    message: String,
    reason: String,
    code: u16,
    details: Details,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
}

/// The exit code that a status tells, or why the command did not run.
fn code(text: &[u8]) -> Result<i32, (u16, String)> {
    let status: Status = match serde_json::from_slice(text) {
        Ok(status) => status,
        Err(_) => return Err((500, String::from_utf8_lossy(text).trim().to_owned())),
    };
    if status.status == "Success" {
        return Ok(0);
    }
    let told = status.details.causes.iter().find(|cause| cause.reason == "ExitCode");
    match told.and_then(|cause| cause.message.parse().ok()) {
        Some(code) if status.reason == "NonZeroExitCode" => Ok(code),
        _ => Err((if status.code == 0 { 500 } else { status.code }, status.message)),
    }
}

fn path(exec: &Exec) -> String {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/exec?stdout=true",
        exec.namespace, exec.pod
    );
    path.push_str(match exec.ends {
        Ends::Output => "&stderr=true",
        Ends::Pipes => "&stderr=true&stdin=true",
        Ends::Terminal => "&stdin=true&tty=true",
    });
    let words = exec.argv.iter().map(|word| ("command", *word));
    let container = (!exec.container.is_empty()).then_some(("container", exec.container));
    for (name, value) in container.into_iter().chain(words) {
        path.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    }
    path
}

async fn by_channels(upgrade: &Upgrade<'_>, ends: Ends, protocol: &str) -> Result<Running, ClusterError> {
    let (socket, protocol) = streams::web_socket(upgrade, protocol).await?;
    let mut channels = Channels::start(socket, 5, Greeting::None, &protocol);
    let server = upgrade.cluster.identity.server.clone();
    let (Some(stdout), stderr, Some(status)) = (
        channels.incoming(STDOUT),
        channels.incoming(STDERR),
        channels.incoming(STATUS),
    ) else {
        let reason = "five channels were asked for".to_owned();
        return Err(ClusterError::Nonsense { server, reason });
    };
    Ok(Running {
        stdin: (ends != Ends::Output).then(|| channels.outgoing(STDIN)),
        stdout,
        stderr: stderr.filter(|_| ends != Ends::Terminal),
        resize: (ends == Ends::Terminal).then(|| channels.outgoing(RESIZE)),
        status,
        server,
        _carrier: Carrier::Channels(channels),
    })
}

async fn by_session(upgrade: &Upgrade<'_>, ends: Ends) -> Result<Running, ClusterError> {
    let session = streams::spdy(upgrade, "v4.channel.k8s.io").await?;
    let server = upgrade.cluster.identity.server.clone();
    joined(session, ends, &server)
        .await
        .map_err(|Gone| ClusterError::Unreachable {
            server,
            reason: "the connection to the command broke before it ran".to_owned(),
        })
}

/// The cluster waits for all streams that a command has before it runs it.
async fn joined(session: Arc<Session>, ends: Ends, server: &str) -> Result<Running, Gone> {
    let ask = async |kind: &str| session.ask(vec![("streamtype", kind.to_owned())], Half::Open).await;
    let status = ask("error").await?;
    let stdin = match ends {
        Ends::Output => None,
        Ends::Pipes | Ends::Terminal => Some(ask("stdin").await?),
    };
    let stdout = ask("stdout").await?;
    let other = match ends {
        Ends::Terminal => ask("resize").await?,
        Ends::Output | Ends::Pipes => ask("stderr").await?,
    };
    let (unread, stdin) = match stdin {
        Some(stdin) => stdin.taken().await.map(|(unread, stdin)| (Some(unread), Some(stdin)))?,
        None => (None, None),
    };
    let (status, stdout, other) = (status.taken().await?, stdout.taken().await?, other.taken().await?);
    let (resize, stderr) = match ends {
        Ends::Terminal => (Some(other.1), None),
        Ends::Output | Ends::Pipes => (None, Some(ended(other).await?)),
    };
    Ok(Running {
        stdin,
        stdout: ended(stdout).await?,
        stderr,
        resize,
        status: ended(status).await?,
        server: server.to_owned(),
        _carrier: Carrier::Session(session, unread),
    })
}

/// A stream that we only read.
async fn ended((incoming, mut outgoing): (Incoming, Outgoing)) -> Result<Incoming, Gone> {
    outgoing.finish().await?;
    Ok(incoming)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_command_ended_is_read_from_its_status() {
        let failed = r#"{"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with non-zero exit code",
            "details": {"causes": [{"reason": "ExitCode", "message": "42"}]}}"#;
        assert_eq!(code(br#"{"metadata": {}, "status": "Success"}"#), Ok(0));
        assert_eq!(code(failed.as_bytes()), Ok(42));
        let error = br#"{"status": "Failure", "reason": "InternalError", "message": "no bash", "code": 500}"#;
        assert_eq!(code(error), Err((500, "no bash".to_owned())));
        assert_eq!(code(b"went away\n"), Err((500, "went away".to_owned())));
    }

    #[test]
    fn words_of_a_command_arrive_as_they_are() {
        let exec = Exec {
            namespace: "n",
            pod: "p",
            container: "c",
            argv: &["echo", "a b&c=\u{e9}"],
            ends: Ends::Pipes,
        };
        let expected = "/api/v1/namespaces/n/pods/p/exec?stdout=true&stderr=true&stdin=true&container=c&command=echo\
                        &command=a%20b%26c%3D%C3%A9";
        assert_eq!(path(&exec), expected);
    }
}
