//! A container, and how commands are run in it. Whoever speaks to containers does so through here, wherever they run.

use std::fmt;

use bytes::Bytes;

use super::StartError;
use crate::world::cluster::{self, Cluster, Incoming, Outgoing, Piece};
use crate::world::docker::{self, Engine};

/// Where a container is.
#[derive(Clone)]
pub enum Place {
    Kubernetes(Pod),
    Docker {
        engine: Engine,
        /// Its id: a name may come to mean another one.
        container: String,
    },
    /// Commands of this machine stand in for those of a container.
    #[cfg(test)]
    Process(super::tests::Commands),
}

/// A container of a pod.
#[derive(Clone)]
pub struct Pod {
    pub cluster: Cluster,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// The node's architecture as images name it, for containers that cannot tell; empty where nobody knows.
    pub arch: String,
}

/// A command that runs, with both its ends. It is told of the end of its input when this is dropped.
pub struct Held {
    pub input: Input,
    pub output: Output,
}

pub enum Input {
    Cluster(Option<Outgoing>),
    Docker(docker::exec::Input),
    #[cfg(test)]
    Pipe(super::tests::Sink),
}

pub enum Output {
    Cluster(Box<Outputs>),
    Docker(docker::exec::Output),
    #[cfg(test)]
    Pipe(super::tests::Source),
}

/// A cluster's streams, and which of them still say something.
pub struct Outputs {
    running: cluster::Running,
    stderr: Option<Incoming>,
    stdout_ended: bool,
}

/// What comes next of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Stdout(Bytes),
    Stderr(Bytes),
    End,
    /// There is no more, but that was not the end.
    Broken(String),
}

/// The connection that leads to a command's input is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// How a command ended that was run to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Kubernetes(pod) => write!(f, "{}/{}/{}", pod.namespace, pod.pod, pod.container),
            Place::Docker { container, .. } => f.write_str(container),
            #[cfg(test)]
            Place::Process(_) => f.write_str("process"),
        }
    }
}

impl Place {
    /// Starts a command with its input and outputs held open.
    pub async fn hold(&self, argv: &[&str]) -> Result<Held, StartError> {
        match self {
            Place::Kubernetes(pod) => {
                let running = pod.cluster.exec(&pod.exec(argv)).await?;
                Ok(Held::of_cluster(running))
            }
            Place::Docker { engine, container } => {
                let pipes = docker::exec::Ends::Pipes;
                let running = engine.exec(container, argv, None, pipes).await?;
                Ok(Held {
                    input: Input::Docker(running.input),
                    output: Output::Docker(running.output),
                })
            }
            #[cfg(test)]
            Place::Process(commands) => commands.hold(argv),
        }
    }

    /// Runs a command to its end.
    pub async fn output(&self, argv: &[&str], input: Bytes) -> Result<Ended, StartError> {
        let Held {
            input: mut to,
            output: mut from,
        } = self.hold(argv).await?;
        // A command may end without having read it all: its end is the end, however much of its input is still to go.
        let feed = async {
            let _gone = to.send(input).await.is_err() || to.finish().await.is_err();
            std::future::pending::<()>().await;
        };
        let mut ended = Ended::default();
        let listen = async {
            loop {
                match from.next().await {
                    Said::Stdout(bytes) => ended.stdout.extend_from_slice(&bytes),
                    Said::Stderr(bytes) => ended.stderr.extend_from_slice(&bytes),
                    Said::End | Said::Broken(_) => return,
                }
            }
        };
        tokio::select! {
            () = feed => {}
            () = listen => {}
        }
        ended.code = from.exit().await?;
        Ok(ended)
    }
}

impl Pod {
    fn exec<'a>(&'a self, argv: &'a [&'a str]) -> cluster::Exec<'a> {
        cluster::Exec {
            namespace: &self.namespace,
            pod: &self.pod,
            container: &self.container,
            argv,
            ends: cluster::Ends::Pipes,
        }
    }
}

impl Held {
    fn of_cluster(mut running: cluster::Running) -> Held {
        Held {
            input: Input::Cluster(running.stdin.take()),
            output: Output::Cluster(Box::new(Outputs {
                stderr: running.stderr.take(),
                running,
                stdout_ended: false,
            })),
        }
    }
}

impl Input {
    /// Waits while too much is on its way.
    pub async fn send(&mut self, bytes: Bytes) -> Result<(), Closed> {
        match self {
            Input::Cluster(Some(stdin)) => stdin.send(bytes).await.map_err(|_| Closed),
            Input::Cluster(None) => Err(Closed),
            Input::Docker(input) => input.send(bytes).await.map_err(|_| Closed),
            #[cfg(test)]
            Input::Pipe(sink) => sink.send(bytes).await.map_err(|_| Closed),
        }
    }

    /// There will be no more.
    pub async fn finish(&mut self) -> Result<(), Closed> {
        match self {
            Input::Cluster(Some(stdin)) => stdin.finish().await.map_err(|_| Closed),
            Input::Cluster(None) => Err(Closed),
            Input::Docker(input) => input.finish().await.map_err(|_| Closed),
            #[cfg(test)]
            Input::Pipe(sink) => sink.finish().await.map_err(|_| Closed),
        }
    }

    /// Whether a command learns that its input has ended while it still runs.
    pub fn can_finish(&self) -> bool {
        match self {
            Input::Cluster(stdin) => stdin.as_ref().is_some_and(Outgoing::can_finish),
            _ => true,
        }
    }
}

impl Output {
    /// What the command says next. Cancel safe.
    pub async fn next(&mut self) -> Said {
        match self {
            Output::Cluster(outputs) => outputs.next().await,
            Output::Docker(output) => match output.next().await {
                Ok(docker::exec::Said::Stdout(bytes)) => Said::Stdout(bytes),
                Ok(docker::exec::Said::Stderr(bytes)) => Said::Stderr(bytes),
                Ok(docker::exec::Said::End) => Said::End,
                Err(error) => Said::Broken(error.to_string()),
            },
            #[cfg(test)]
            Output::Pipe(source) => source.next().await,
        }
    }

    /// How the command ended, once its outputs have.
    pub async fn exit(&mut self) -> Result<i32, StartError> {
        match self {
            Output::Cluster(outputs) => Ok(outputs.running.exit().await?),
            Output::Docker(output) => Ok(output.exit().await?),
            #[cfg(test)]
            Output::Pipe(source) => source.exit().await,
        }
    }
}

impl Outputs {
    async fn next(&mut self) -> Said {
        loop {
            let (piece, is_stdout) = match (self.stdout_ended, &mut self.stderr) {
                (false, Some(stderr)) => tokio::select! {
                    biased;
                    piece = self.running.stdout.next() => (piece, true),
                    piece = stderr.next() => (piece, false),
                },
                (false, None) => (self.running.stdout.next().await, true),
                (true, Some(stderr)) => (stderr.next().await, false),
                (true, None) => return Said::End,
            };
            match (piece, is_stdout) {
                (Piece::Bytes(bytes), true) => return Said::Stdout(bytes),
                (Piece::Bytes(bytes), false) => return Said::Stderr(bytes),
                (Piece::End, true) => self.stdout_ended = true,
                (Piece::Broken, true) => return Said::Broken("the connection broke".to_owned()),
                // Complaints that cannot be heard do not end what is said.
                (Piece::End | Piece::Broken, false) => self.stderr = None,
            }
        }
    }
}
