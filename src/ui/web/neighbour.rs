//! Who has the port that we want.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Denied, Holder};

/// Whoever takes longer stays unknown: the failure should not wait for it.
const PATIENCE: Duration = Duration::from_millis(300);
/// Of its answer, so much is read.
const MOST: u64 = 4 << 10;

/// A Tilt gives itself away by what it says to somebody without a token, upstream's as well as ours.
pub async fn holder(address: SocketAddr) -> Holder {
    match timeout(PATIENCE, answer(address)).await {
        Ok(Ok(answer)) if answer.contains(&Denied::NoToken.to_string()) => Holder::Tilt,
        _ => Holder::Unknown,
    }
}

async fn answer(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /api/websocket_token HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
