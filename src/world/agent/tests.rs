//! Agents that answer as they should, and agents that lie: what the host makes of either.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tilt_agent::wire::{Abilities, Decoder, FromAgent, FromHost, VERSION, Word};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::place::{Held, Input, Output, Said};
use super::*;

mod install;
mod lies;
mod session;

/// What stands in for the commands of a container.
#[derive(Clone)]
pub struct Commands(Arc<dyn Starts>);

trait Starts: Fn(&[&str]) -> Result<Held, StartError> + Send + Sync {}
impl<F: Fn(&[&str]) -> Result<Held, StartError> + Send + Sync> Starts for F {}

type To = Box<dyn AsyncWrite + Send + Unpin>;
type From = Box<dyn AsyncRead + Send + Sync + Unpin>;

pub struct Sink(Option<To>);

pub struct Source {
    stdout: From,
    stderr: Option<From>,
    child: Option<Child>,
}

impl Commands {
    pub fn hold(&self, argv: &[&str]) -> Result<Held, StartError> {
        (self.0)(argv)
    }

    /// Commands of this machine, with this environment and nothing else.
    fn real(env: &[(&str, &str)]) -> Commands {
        let env: BTreeMap<String, String> = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Commands(Arc::new(move |argv| Ok(spawn(argv, &env))))
    }

    /// Somebody who says and hears bytes, whatever is started.
    fn fake<F>(far: impl Fn(Far) -> F + Send + Sync + 'static) -> Commands
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Commands(Arc::new(move |argv| {
            let (near, there) = tokio::io::duplex(64 << 10);
            if argv[1] == "serve" {
                let far = far(Far {
                    stream: there,
                    decoder: Decoder::default(),
                });
                TaskTracker::new().spawn(far);
            }
            let (stdout, stdin) = tokio::io::split(near);
            Ok(Held {
                input: Input::Pipe(Sink(Some(Box::new(stdin)))),
                output: Output::Pipe(Source {
                    stdout: Box::new(stdout),
                    stderr: None,
                    child: None,
                }),
            })
        }))
    }
}

fn spawn(argv: &[&str], env: &BTreeMap<String, String>) -> Held {
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]).env_clear().envs(env).kill_on_drop(true);
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (stdin, stdout, stderr, child): (Option<To>, From, Option<From>, _) = match command.spawn() {
        Ok(mut child) => (
            Some(Box::new(child.stdin.take().unwrap())),
            Box::new(child.stdout.take().unwrap()),
            Some(Box::new(child.stderr.take().unwrap())),
            Some(child),
        ),
        // As an engine says it.
        Err(error) => {
            let text = format!("OCI runtime exec failed: exec failed: {error}: unknown\r\n");
            (None, Box::new(std::io::Cursor::new(text.into_bytes())), None, None)
        }
    };
    Held {
        input: Input::Pipe(Sink(stdin)),
        output: Output::Pipe(Source { stdout, stderr, child }),
    }
}

impl Sink {
    pub async fn send(&mut self, bytes: Bytes) -> std::io::Result<()> {
        let closed = std::io::ErrorKind::BrokenPipe;
        let to = self.0.as_mut().ok_or(closed)?;
        to.write_all(&bytes).await?;
        to.flush().await
    }

    pub async fn finish(&mut self) -> std::io::Result<()> {
        if let Some(mut to) = self.0.take() {
            to.shutdown().await?;
        }
        Ok(())
    }
}

impl Source {
    pub async fn next(&mut self) -> Said {
        let mut out = BytesMut::with_capacity(64 << 10);
        let mut complaints = BytesMut::with_capacity(4096);
        loop {
            let Some(stderr) = &mut self.stderr else {
                return match self.stdout.read_buf(&mut out).await {
                    Ok(0) => Said::End,
                    Ok(_) => Said::Stdout(out.freeze()),
                    Err(error) => Said::Broken(error.to_string()),
                };
            };
            tokio::select! {
                read = self.stdout.read_buf(&mut out) => match read {
                    Ok(0) => self.stdout = Box::new(tokio::io::empty()),
                    Ok(_) => return Said::Stdout(out.freeze()),
                    Err(error) => return Said::Broken(error.to_string()),
                },
                read = stderr.read_buf(&mut complaints) => match read {
                    Ok(0) | Err(_) => self.stderr = None,
                    Ok(_) => return Said::Stderr(complaints.freeze()),
                },
            }
        }
    }

    pub async fn exit(&mut self) -> Result<i32, StartError> {
        match &mut self.child {
            Some(child) => {
                use std::os::unix::process::ExitStatusExt;
                let status = child.wait().await.unwrap();
                Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap()))
            }
            None => Ok(126),
        }
    }
}

/// The other side of a stream.
struct Far {
    stream: DuplexStream,
    decoder: Decoder<FromHost>,
}

impl Far {
    async fn say(&mut self, word: &FromAgent) {
        let mut bytes = Vec::new();
        word.encode(&mut bytes).unwrap();
        self.say_bytes(&bytes).await;
    }

    async fn say_bytes(&mut self, bytes: &[u8]) {
        // The host may have gone away, which is what some tests want.
        drop(self.stream.write_all(bytes).await);
    }

    async fn greet(&mut self) {
        self.say(&hello(VERSION)).await;
    }

    /// What the host says next, if it does.
    async fn hear(&mut self) -> Option<FromHost> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some(word) = self.decoder.next().expect("the host speaks properly") {
                return Some(word);
            }
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.decoder.feed(&buffer[..read]),
            }
        }
    }
}

fn hello(version: u16) -> FromAgent {
    FromAgent::Hello {
        version,
        pid: 7,
        uid: 1,
        gid: 2,
        arch: "x86_64".to_owned(),
        kernel: "6.1".to_owned(),
        abilities: Abilities {
            openat2: true,
            exchange: true,
            inotify: true,
        },
        supervised: false,
    }
}

/// An agent that is whatever the far side makes of it.
async fn with<F>(far: impl Fn(Far) -> F + Send + Sync + 'static) -> (Agent, mpsc::UnboundedReceiver<News>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (news, heard) = mpsc::unbounded_channel();
    let place = Place::Process(Commands::fake(far));
    (Agent::start(place, &[], news).await.unwrap(), heard)
}

fn file(path: &str, text: &str) -> Change {
    Change::File {
        root: 0,
        path: path.as_bytes().to_vec(),
        mode: 0o644,
        content: Content::Bytes(Bytes::copy_from_slice(text.as_bytes())),
    }
}

fn batch(root: &std::path::Path, changes: impl IntoIterator<Item = Change>) -> Batch {
    Batch {
        roots: vec![Root {
            path: root.display().to_string(),
            ..Root::default()
        }],
        changes: changes.into_iter().collect(),
    }
}
