//! Commands in containers of an engine, and files put into them without any.
//!
//! The client library starts a command, but hides its stream behind a decoder that splits lines, cannot say that the stream
//! broke off, and panics at a stream number that it does not know. What is spoken here is spoken for as long as the
//! container lives and in tenths of milliseconds, so the stream is ours: one connection, no task, no copy.

use std::time::Duration;

use bollard::models::ExecConfig;
use bollard::query_parameters::{ContainerArchiveInfoOptionsBuilder, UploadToContainerOptionsBuilder};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use super::wire::{self, Upgrade};
use super::{DockerError, Engine, architecture};

const DOING: &str = "running a command in a container";

/// At most this much is asked of the connection at once.
const PIECE: usize = 64 << 10;
const HEAD: usize = 8;

/// Between questions how a command has ended.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
];

/// What a command is joined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It reads nothing.
    Output,
    Pipes,
}

/// A command that runs. It is told of the end of its input when this is dropped, and nothing else: an engine cannot end one.
pub struct Running {
    pub input: Input,
    pub output: Output,
}

pub struct Input(WriteHalf<wire::Raw>);

/// What the command says. Both its outputs come by one stream, in the order in which the engine read them.
pub struct Output {
    stream: ReadHalf<wire::Raw>,
    buffer: BytesMut,
    engine: Engine,
    id: String,
}

/// What comes next of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Stdout(Bytes),
    Stderr(Bytes),
    /// Both outputs have ended, or the connection did.
    End,
}

/// What an engine tells about a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub is_running: bool,
    /// The id of its image.
    pub image: String,
    /// As the image or the order says it; empty is root.
    pub user: String,
    pub is_read_only: bool,
    /// As images name it: `amd64`, `arm64`.
    pub arch: String,
    /// Paths of it that lie on something of their own and may be written.
    pub writable_mounts: Vec<String>,
}

/// What is at a path of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathStat {
    pub size: u64,
    /// As Go's `os.FileMode`: permissions in the low nine bits.
    pub mode: u32,
    pub link_target: String,
}

impl Engine {
    /// Starts a command, as a user of the container or as the one that it runs as.
    pub async fn exec(
        &self,
        container: &str,
        argv: &[&str],
        user: Option<&str>,
        ends: Ends,
    ) -> Result<Running, DockerError> {
        let config = ExecConfig {
            attach_stdin: Some(ends == Ends::Pipes),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(false),
            cmd: Some(argv.iter().map(|word| (*word).to_owned()).collect()),
            user: user.map(str::to_owned),
            ..ExecConfig::default()
        };
        let made = self.0.docker.create_exec(container, config).await;
        let id = made.map_err(|error| self.error(DOING, &error))?.id;
        let upgrade = Upgrade {
            path: &format!("/exec/{id}/start"),
            protocol: "tcp",
            headers: &[("content-type", "application/json".to_owned())],
            body: Bytes::from_static(br#"{"Detach":false,"Tty":false}"#),
        };
        let upgraded = wire::upgrade(&self.0.dialer, &upgrade, DOING).await?;
        let (stream, early) = wire::raw(upgraded);
        let (stream, input) = tokio::io::split(stream);
        Ok(Running {
            input: Input(input),
            output: Output {
                stream,
                buffer: BytesMut::from(&early[..]),
                engine: self.clone(),
                id,
            },
        })
    }

    /// Runs a command to its end.
    pub async fn exec_output(
        &self,
        container: &str,
        argv: &[&str],
        input: Bytes,
    ) -> Result<(i32, Vec<u8>, Vec<u8>), DockerError> {
        let Running {
            input: mut to,
            output: mut from,
        } = self.exec(container, argv, None, Ends::Pipes).await?;
        // A command may end without having read it all: its end is the end, however much of its input is still to go.
        let feed = async {
            let _gone = to.send(input).await.is_err() || to.finish().await.is_err();
            std::future::pending::<()>().await;
        };
        let listen = async {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            loop {
                match from.next().await? {
                    Said::Stdout(bytes) => stdout.extend_from_slice(&bytes),
                    Said::Stderr(bytes) => stderr.extend_from_slice(&bytes),
                    Said::End => return Ok::<_, DockerError>((stdout, stderr)),
                }
            }
        };
        let (stdout, stderr) = tokio::select! {
            said = listen => said?,
            () = feed => return Err(broken("its input never ends")),
        };
        Ok((from.exit().await?, stdout, stderr))
    }

    /// Unpacks an archive into a directory that is there, whatever the image has in it.
    pub async fn put_archive(&self, container: &str, dir: &str, archive: Bytes) -> Result<(), DockerError> {
        let options = UploadToContainerOptionsBuilder::new().path(dir).build();
        let body = bollard::body_full(archive);
        let asked = self.0.docker.upload_to_container(container, Some(options), body).await;
        asked.map_err(|error| self.error("putting files into a container", &error))
    }

    /// What is at a path, if anything is.
    pub async fn stat_path(&self, container: &str, path: &str) -> Result<Option<PathStat>, DockerError> {
        let options = ContainerArchiveInfoOptionsBuilder::new().path(path).build();
        let asked = self.0.docker.get_container_archive_info(container, Some(options)).await;
        match asked {
            Ok(stat) => Ok(Some(PathStat {
                size: u64::try_from(stat.size).unwrap_or_default(),
                mode: stat.file_mode,
                link_target: stat.link_target,
            })),
            Err(error) => match self.error("looking into a container", &error) {
                error if error.is_missing() => Ok(None),
                error => Err(error),
            },
        }
    }

    /// The container of a name or id, if the engine has one.
    pub async fn container(&self, name: &str) -> Result<Option<Container>, DockerError> {
        let doing = "looking a container up";
        let found = match self.0.docker.inspect_container(name, None).await {
            Ok(found) => found,
            Err(error) => {
                let error = self.error(doing, &error);
                return if error.is_missing() { Ok(None) } else { Err(error) };
            }
        };
        let image = found.image.unwrap_or_default();
        let asked = self.0.docker.inspect_image(&image).await;
        // Its image may have been removed since; then it runs all the same.
        let arch = asked.ok().and_then(|image| image.architecture).unwrap_or_default();
        let host = found.host_config.unwrap_or_default();
        let mounts = found.mounts.unwrap_or_default().into_iter();
        let mounts = mounts.filter(|mount| mount.rw == Some(true));
        let tmpfs = host.tmpfs.unwrap_or_default().into_keys();
        Ok(Some(Container {
            id: found.id.unwrap_or_default(),
            name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
            is_running: found.state.and_then(|state| state.running).unwrap_or_default(),
            image,
            user: found.config.and_then(|config| config.user).unwrap_or_default(),
            is_read_only: host.readonly_rootfs.unwrap_or_default(),
            arch: architecture(&arch).to_owned(),
            writable_mounts: mounts.filter_map(|mount| mount.destination).chain(tmpfs).collect(),
        }))
    }
}

impl Input {
    /// Waits while the command reads slowly.
    pub async fn send(&mut self, bytes: Bytes) -> std::io::Result<()> {
        self.0.write_all(&bytes).await?;
        self.0.flush().await
    }

    /// There will be no more.
    pub async fn finish(&mut self) -> std::io::Result<()> {
        self.0.shutdown().await
    }
}

impl Output {
    /// What the command says next. Cancel safe.
    pub async fn next(&mut self) -> Result<Said, DockerError> {
        loop {
            if let Some(said) = take(&mut self.buffer)? {
                return Ok(said);
            }
            self.buffer.reserve(PIECE);
            let read = self.stream.read_buf(&mut self.buffer).await;
            let read = read.map_err(|error| broken(&crate::world::files::reason(&error)))?;
            if read > 0 {
                continue;
            }
            return match self.buffer.is_empty() {
                true => Ok(Said::End),
                false => Err(broken("the connection ended within a message")),
            };
        }
    }

    /// How the command ended, once its outputs have. A connection that broke ends them too: then it may still run.
    pub async fn exit(&mut self) -> Result<i32, DockerError> {
        // Engines end the outputs a little before they know of the command's end.
        for pause in PAUSES.iter().map(Some).chain([None]) {
            let asked = self.engine.0.docker.inspect_exec(&self.id).await;
            let told = asked.map_err(|error| self.engine.error(DOING, &error))?;
            match (told.running, told.exit_code, pause) {
                (Some(false), Some(code), _) => return Ok(i32::try_from(code).unwrap_or(-1)),
                (_, _, Some(pause)) => tokio::time::sleep(*pause).await,
                (_, _, None) => {}
            }
        }
        Err(broken("the connection ended before the command did"))
    }
}

/// One whole message off the buffer, if there is one.
fn take(buffer: &mut BytesMut) -> Result<Option<Said>, DockerError> {
    let Some([kind, 0, 0, 0, length @ ..]) = buffer.first_chunk::<HEAD>() else {
        return match buffer.len() < HEAD {
            true => Ok(None),
            false => Err(broken("what comes is no stream of messages")),
        };
    };
    let (kind, length) = (*kind, u32::from_be_bytes(*length) as usize);
    if buffer.len() < HEAD + length {
        return Ok(None);
    }
    buffer.advance(HEAD);
    let bytes = buffer.split_to(length).freeze();
    match kind {
        1 => Ok(Some(Said::Stdout(bytes))),
        2 => Ok(Some(Said::Stderr(bytes))),
        // Engines complain of themselves on the third.
        3 => Err(broken(String::from_utf8_lossy(&bytes).trim())),
        other => Err(broken(&format!("a message of stream {other}"))),
    }
}

fn broken(reason: &str) -> DockerError {
    DockerError::Broken {
        doing: DOING,
        reason: reason.to_owned(),
    }
}
