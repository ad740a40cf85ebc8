//! One connection, from its acceptance to its end.
//!
//! Until the pod has answered, what was read here is kept: a pod that turns out never to have seen it may be another one by the
//! next attempt. After that a failure is the connection's end, and a reset, so that nobody takes it for a complete answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout, timeout_at};

use super::PodTarget;
use super::listen::Port;
use crate::deploy::ports;
use crate::world::cluster::{ClusterError, Connection, Outgoing, Piece};

/// How long a connection waits for a pod that takes it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between attempts.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);
/// Most that is kept for another attempt, and most that is read at once.
const KEPT: usize = 64 << 10;
const CHUNK: usize = 32 << 10;
/// How long whoever has ended a connection may take to say why, and whoever has got all to hang up.
const AFTERWORDS: Duration = Duration::from_secs(1);

/// What was read here before the pod answered.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    has_ended: bool,
}

enum End {
    Whole,
    /// The pod saw none of it.
    Unseen(String),
    Broken(String),
}

pub async fn carry(mut local: TcpStream, port: Arc<Port>) {
    // Whether small pieces wait is for the two ends to decide.
    drop(local.set_nodelay(true));
    let deadline = Instant::now() + PATIENCE;
    let mut target = port.route.target();
    let mut kept = Kept::default();
    let mut pause = SHORTEST;
    loop {
        target.mark_unchanged();
        let reason = match attempt(&mut local, &port, &mut kept, deadline).await {
            End::Whole => return,
            End::Broken(reason) => return break_off(local, &port, &reason),
            End::Unseen(reason) => reason,
        };
        if Instant::now() + pause > deadline {
            return break_off(local, &port, &reason);
        }
        // Another pod is worth an attempt at once. Where there will never be one, only time can help.
        let changed = async {
            if target.changed().await.is_err() {
                std::future::pending().await
            }
        };
        drop(timeout(pause, changed).await);
        pause = LONGEST.min(pause * 2);
    }
}

/// Whoever is at the other end learns that there was more to come.
fn break_off(local: TcpStream, port: &Port, reason: &str) {
    port.fail(reason);
    // Without it this is a plain end.
    drop(local.set_zero_linger());
}

async fn attempt(local: &mut TcpStream, port: &Port, kept: &mut Kept, deadline: Instant) -> End {
    let target = port.route.target().borrow().clone();
    let Some(target) = target else {
        return End::Unseen(format!("no pod of `{}` is running", port.resource));
    };
    let Some(choice) = ports::container_port(&port.forward, &target.ports) else {
        return End::Broken("the container exposes no port, and none is named".to_owned());
    };
    let ports = port.route.to(&target);
    let connection = match timeout_at(deadline, ports.connect(choice.container)).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) if is_lasting(&error) => return End::Broken(error.to_string()),
        Ok(Err(error)) => return End::Unseen(error.to_string()),
        Err(_) => return End::Broken(format!("no connection to pod `{}` within {PATIENCE:?}", target.name)),
    };
    let end = through(local, connection, kept, || {
        port.board.change(port.index, |status| status.error.clear())
    })
    .await;
    worded(end, &target, choice.container)
}

fn worded(end: End, target: &PodTarget, port: u16) -> End {
    match end {
        End::Whole => End::Whole,
        End::Unseen(reason) => End::Unseen(ports::explain(&reason, &target.name, port)),
        End::Broken(reason) => End::Broken(ports::explain(&reason, &target.name, port)),
    }
}

/// Whether waiting changes nothing.
fn is_lasting(error: &ClusterError) -> bool {
    match error {
        ClusterError::Unauthorized { .. } | ClusterError::Credentials { .. } | ClusterError::Kubeconfig { .. } => true,
        ClusterError::Refused { status, .. } => *status == 403,
        ClusterError::Unreachable { .. } | ClusterError::Nonsense { .. } => false,
    }
}

async fn through(local: &mut TcpStream, mut connection: Connection, kept: &mut Kept, answered: impl Fn()) -> End {
    let first = match first_answer(local, &mut connection, kept).await {
        Ok(first) => first,
        Err(end) => return end,
    };
    answered();
    let has_ended = kept.has_ended;
    // In this order, so that what is read ends before what is written: a stream that nobody reads is reset by its writer.
    let Connection {
        mut outgoing,
        mut failure,
        mut incoming,
    } = connection;
    let (mut reader, mut writer) = local.split();
    let end = {
        let up = up(&mut reader, &mut outgoing, has_ended);
        let down = down(&mut writer, first, &mut incoming);
        tokio::pin!(up, down);
        let mut is_up = true;
        let downwards = loop {
            tokio::select! {
                down = &mut down => break down,
                up = &mut up, if is_up => match up {
                    Up::Ended => is_up = false,
                    Up::Gone => return End::Whole,
                },
            }
        };
        match downwards {
            Down::Ended => {
                // It may go on to listen, unless it has said that all is over.
                let said = async { while failure.said().await.is_some() {} };
                tokio::select! {
                    _ = &mut up, if is_up => {}
                    () = said => {}
                }
                End::Whole
            }
            Down::Gone => return End::Whole,
            Down::Broken => {
                let said = timeout(AFTERWORDS, failure.said()).await.ok().flatten();
                End::Broken(said.unwrap_or_else(|| "the connection to the pod broke".to_owned()))
            }
        }
    };
    if matches!(end, End::Whole) {
        drop(timeout(AFTERWORDS, drain(&mut reader)).await);
    }
    end
}

/// Sends what was kept and goes on until the pod answers, or until more was read than is kept.
async fn first_answer(local: &mut TcpStream, connection: &mut Connection, kept: &mut Kept) -> Result<Piece, End> {
    let mut is_sending = send_kept(&mut connection.outgoing, kept).await;
    let mut has_failed = false;
    let mut buffer = BytesMut::with_capacity(CHUNK);
    loop {
        tokio::select! {
            biased;
            said = connection.failure.said(), if !has_failed => match said {
                Some(said) if ports::is_unseen(&said) => return Err(End::Unseen(said)),
                Some(said) => return Err(End::Broken(said)),
                None => has_failed = true,
            },
            piece = connection.incoming.next() => return match piece {
                Piece::Bytes(_) => Ok(piece),
                Piece::End | Piece::Broken => ended(piece, connection, kept).await,
            },
            read = local.read_buf(&mut buffer), if is_sending && !kept.has_ended => {
                is_sending = match read {
                    Ok(0) => {
                        kept.has_ended = true;
                        connection.outgoing.finish().await.is_ok()
                    }
                    Ok(_) => {
                        kept.bytes.extend_from_slice(&buffer);
                        connection.outgoing.send(buffer.split().freeze()).await.is_ok()
                    }
                    // Whoever asked is gone.
                    Err(_) => return Err(End::Whole),
                };
                if kept.bytes.len() > KEPT {
                    kept.bytes = Vec::new();
                    return Ok(Piece::Bytes(Bytes::new()));
                }
                buffer.reserve(CHUNK);
            }
        }
    }
}

async fn send_kept(outgoing: &mut Outgoing, kept: &Kept) -> bool {
    if !kept.bytes.is_empty() && outgoing.send(Bytes::copy_from_slice(&kept.bytes)).await.is_err() {
        return false;
    }
    !kept.has_ended || outgoing.finish().await.is_ok()
}

/// The pod's side is over before it said anything.
async fn ended(piece: Piece, connection: &mut Connection, kept: &Kept) -> Result<Piece, End> {
    let said = timeout(AFTERWORDS, connection.failure.said()).await.ok().flatten();
    match said {
        Some(said) if ports::is_unseen(&said) => Err(End::Unseen(said)),
        Some(said) => Err(End::Broken(said)),
        None if piece == Piece::End => Ok(piece),
        None if kept.bytes.is_empty() => Err(End::Unseen("the connection to the pod broke".to_owned())),
        None => Err(End::Broken("the connection to the pod broke".to_owned())),
    }
}

enum Up {
    Ended,
    /// Nobody here says or wants anything any more.
    Gone,
}

async fn up(reader: &mut ReadHalf<'_>, outgoing: &mut Outgoing, has_ended: bool) -> Up {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    let mut is_open = !has_ended;
    while is_open {
        buffer.reserve(CHUNK);
        // Where nobody takes it any more, the other direction knows why.
        is_open = match reader.read_buf(&mut buffer).await {
            Ok(0) => {
                let _end_or_gone = outgoing.finish().await;
                false
            }
            Ok(_) => outgoing.send(buffer.split().freeze()).await.is_ok(),
            Err(_) => return Up::Gone,
        };
    }
    Up::Ended
}

enum Down {
    Ended,
    /// Nobody here wants it any more.
    Gone,
    Broken,
}

async fn down(writer: &mut WriteHalf<'_>, first: Piece, incoming: &mut crate::world::cluster::Incoming) -> Down {
    let mut piece = first;
    loop {
        let written = match &piece {
            Piece::Bytes(bytes) => writer.write_all(bytes).await,
            Piece::End => return writer.shutdown().await.map_or(Down::Gone, |()| Down::Ended),
            Piece::Broken => return Down::Broken,
        };
        if written.is_err() {
            return Down::Gone;
        }
        piece = incoming.next().await;
    }
}

/// A connection that is closed while something unread is left in it is reset, and takes with it what was not read there.
async fn drain(reader: &mut ReadHalf<'_>) -> io::Result<()> {
    let mut nothing = [0; 4096];
    while reader.read(&mut nothing).await? > 0 {}
    Ok(())
}
