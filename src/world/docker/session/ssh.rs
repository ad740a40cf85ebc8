//! Keys for steps that use ssh: the agent of whoever builds, or one of our own for keys in files.
//!
//! A build may list keys and have things signed. What would change the agent is refused, as the Docker command line does.

use std::collections::BTreeMap;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::Ssh;
use bollard_buildkit_proto::moby::sshforward::v1::{BytesMessage, CheckAgentRequest, CheckAgentResponse};
use bytes::{Buf, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};

use crate::world::process::pipe::{self, Pipe};
use crate::world::process::{self, Invocation, ProcessError};

const DEFAULT: &str = "default";
/// BuildKit names the agent that it wants in this header.
const ID_HEADER: &str = "buildkit.ssh.id";

/// Messages of the agent's protocol, by their first byte.
const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
const FAILURE: [u8; 5] = [0, 0, 0, 1, 5];
const LARGEST_MESSAGE: usize = 256 << 10;

/// How long an agent of ours may take to start.
const START_TRIES: u32 = 200;
const START_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, Error)]
pub enum SshError {
    #[error("ssh `{id}`: no agent runs here (`SSH_AUTH_SOCK` is not set); start one, or name a key: ssh=`{id}=PATH`")]
    NoAgent { id: String },
    #[error("ssh `{id}`: {}: {reason}", path.display())]
    Key { id: String, path: PathBuf, reason: String },
    #[error("ssh `{id}`: an agent for its keys could not be started: {reason}")]
    Start { id: String, reason: String },
    #[error("ssh `{id}` is given twice")]
    Twice { id: String },
}

/// Agents by the names that a Dockerfile knows them by.
#[derive(Default)]
pub struct Agents {
    sockets: BTreeMap<String, PathBuf>,
    _own: Vec<(Pipe, tempfile::TempDir)>,
}

impl Agents {
    /// `default`, `id`, `id=socket` or `id=key,key`, as `docker build --ssh` takes them.
    pub async fn open(stated: &[String], env: &BTreeMap<String, String>) -> Result<Agents, SshError> {
        let mut agents = Agents::default();
        for text in stated {
            let (id, paths) = text.split_once('=').unwrap_or((text, ""));
            let id = if id.is_empty() { DEFAULT } else { id };
            let paths: Vec<PathBuf> = paths
                .split(',')
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
                .collect();
            let socket = match paths.as_slice() {
                [] => of_environment(id, env)?,
                [path] if is_socket(path) => path.clone(),
                keys => agents.start(id, keys, env).await?,
            };
            if agents.sockets.insert(id.to_owned(), socket).is_some() {
                return Err(SshError::Twice { id: id.to_owned() });
            }
        }
        Ok(agents)
    }

    /// An agent of our own that knows these keys and lives as long as the build.
    async fn start(&mut self, id: &str, keys: &[PathBuf], env: &BTreeMap<String, String>) -> Result<PathBuf, SshError> {
        let failed = |reason: String| SshError::Start {
            id: id.to_owned(),
            reason,
        };
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let socket = folder.path().join("agent");
        let argv = ["ssh-agent", "-D", "-a", &socket.to_string_lossy()].map(str::to_owned);
        let agent = pipe::open(&argv, env).map_err(|error| failed(error.to_string()))?;
        for _ in 0..START_TRIES {
            if UnixStream::connect(&socket).await.is_ok() {
                break;
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        for key in keys {
            add(id, key, &socket, env).await?;
        }
        self._own.push((agent, folder));
        Ok(socket)
    }
}

async fn add(id: &str, key: &Path, socket: &Path, env: &BTreeMap<String, String>) -> Result<(), SshError> {
    let mut env = env.clone();
    env.insert("SSH_AUTH_SOCK".to_owned(), socket.to_string_lossy().into_owned());
    // A passphrase would be asked for where nobody sees it.
    env.insert("SSH_ASKPASS_REQUIRE".to_owned(), "never".to_owned());
    let invocation = Invocation {
        argv: vec![
            "ssh-add".to_owned(),
            "-q".to_owned(),
            key.to_string_lossy().into_owned(),
        ],
        env,
        ..Invocation::default()
    };
    let added = tokio::task::spawn_blocking(move || process::capture(&invocation)).await;
    let reason = match added {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(ProcessError::Exit { output, .. })) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "adding the key panicked".to_owned(),
    };
    Err(SshError::Key {
        id: id.to_owned(),
        path: key.to_owned(),
        reason,
    })
}

fn of_environment(id: &str, env: &BTreeMap<String, String>) -> Result<PathBuf, SshError> {
    let socket = env.get("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
    socket
        .map(PathBuf::from)
        .ok_or_else(|| SshError::NoAgent { id: id.to_owned() })
}

fn is_socket(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
}

pub struct Forwarder(pub Agents);

impl Forwarder {
    fn socket(&self, id: &str) -> Result<PathBuf, Status> {
        let id = if id.is_empty() { DEFAULT } else { id };
        let socket = self.0.sockets.get(id).cloned();
        socket.ok_or_else(|| Status::not_found(format!("unset ssh forward key {id}")))
    }
}

type Bytes = Pin<Box<dyn Stream<Item = Result<BytesMessage, Status>> + Send>>;

#[tonic::async_trait]
impl Ssh for Forwarder {
    type ForwardAgentStream = Bytes;

    async fn check_agent(&self, request: Request<CheckAgentRequest>) -> Result<Response<CheckAgentResponse>, Status> {
        self.socket(&request.into_inner().id)?;
        Ok(Response::new(CheckAgentResponse {}))
    }

    async fn forward_agent(&self, request: Request<Streaming<BytesMessage>>) -> Result<Response<Bytes>, Status> {
        let id = request
            .metadata()
            .get(ID_HEADER)
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        let socket = self.socket(id)?;
        let agent = UnixStream::connect(&socket).await;
        let agent = agent.map_err(|error| Status::unavailable(format!("the ssh agent does not answer: {error}")))?;
        let (answers, mut receiver) = mpsc::channel(8);
        TaskTracker::new().spawn(converse(request.into_inner(), agent, answers));
        Ok(Response::new(Box::pin(stream::poll_fn(move |context| {
            receiver.poll_recv(context)
        }))))
    }
}

/// One question, one answer, until somebody hangs up.
async fn converse(
    mut questions: Streaming<BytesMessage>,
    mut agent: UnixStream,
    answers: mpsc::Sender<Result<BytesMessage, Status>>,
) {
    let mut pending = BytesMut::new();
    while let Some(Ok(message)) = questions.next().await {
        pending.extend_from_slice(&message.data);
        while let Some(question) = take_message(&mut pending) {
            let answer = match question.get(4) {
                Some(&(REQUEST_IDENTITIES | SIGN_REQUEST)) => ask(&mut agent, &question).await,
                _ => Ok(FAILURE.to_vec()),
            };
            let Ok(data) = answer else { return };
            if answers.send(Ok(BytesMessage { data })).await.is_err() {
                return;
            }
        }
        if pending.len() > LARGEST_MESSAGE {
            return;
        }
    }
}

/// The first whole message, with its length before it.
fn take_message(pending: &mut BytesMut) -> Option<Vec<u8>> {
    let length = 4 + u32::from_be_bytes(pending.get(..4)?.try_into().ok()?) as usize;
    let message = pending.get(..length)?.to_vec();
    pending.advance(length);
    Some(message)
}

async fn ask(agent: &mut UnixStream, question: &[u8]) -> std::io::Result<Vec<u8>> {
    agent.write_all(question).await?;
    let length = agent.read_u32().await?;
    if length as usize > LARGEST_MESSAGE {
        return Err(std::io::Error::other("the agent's answer is too long"));
    }
    let mut answer = length.to_be_bytes().to_vec();
    answer.resize(4 + length as usize, 0);
    agent.read_exact(&mut answer[4..]).await?;
    Ok(answer)
}
