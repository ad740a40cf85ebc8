//! Stands before a real API server, on a port without encryption, and lets through what a test wants.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use tilt::world::kubeconfig::Sources;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use super::pods::Place;

/// What is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lets {
    All,
    /// A proxy that knows no WebSockets.
    NoWebSockets,
    /// One that knows nothing else.
    NoSpdy,
    /// A new API server, which speaks SPDY in WebSockets; and nothing else.
    Tunnels,
}

pub struct Gate {
    kubectl: Child,
    folder: tempfile::TempDir,
    book: Arc<Book>,
    _serving: JoinSet<()>,
}

struct Book {
    upstream: u16,
    lets: Lets,
    seen: Mutex<Vec<String>>,
    open: Mutex<Vec<AbortHandle>>,
}

impl Gate {
    pub async fn before(place: &Place, lets: Lets) -> Gate {
        let mut kubectl = Command::new("kubectl")
            .args(["proxy", "--port=0", "--reject-paths=^$"])
            .env("KUBECONFIG", place.sources.variable.as_ref().unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(kubectl.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let upstream = line.trim().rsplit(':').next().unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n\
             clusters: [{{name: x, cluster: {{server: 'http://{}'}}}}]\nusers: [{{name: x, user: {{}}}}]\n",
            listener.local_addr().unwrap()
        );
        std::fs::write(folder.path().join("config"), text).unwrap();
        let book = Arc::new(Book {
            upstream,
            lets,
            seen: Mutex::default(),
            open: Mutex::default(),
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&book)));
        Gate {
            kubectl,
            folder,
            book,
            _serving: serving,
        }
    }

    pub fn sources(&self) -> Sources {
        Sources {
            variable: Some(self.folder.path().join("config").display().to_string()),
            home: self.folder.path().to_owned(),
            ..Sources::default()
        }
    }

    /// Which upgrades were asked for, and whether they were let through.
    pub fn seen(&self) -> Vec<String> {
        self.book.seen.lock().unwrap().clone()
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.book.open.lock().unwrap().drain(..).for_each(|open| open.abort());
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.kubectl.kill());
        drop(self.kubectl.wait());
    }
}

async fn serve(listener: TcpListener, book: Arc<Book>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let shared = Arc::clone(&book);
        let open = connections.spawn(async move { drop(pass(client, &shared).await) });
        book.open.lock().unwrap().push(open);
    }
}

async fn pass(mut client: TcpStream, book: &Book) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).to_lowercase();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    };
    let (upgrade, protocol) = (field("upgrade"), field("sec-websocket-protocol"));
    let is_tunnel = protocol.starts_with("spdy");
    let passes = match book.lets {
        Lets::All => true,
        Lets::NoWebSockets => upgrade != "websocket",
        Lets::NoSpdy => upgrade == "websocket" && !is_tunnel,
        Lets::Tunnels => is_tunnel,
    };
    let kind = if is_tunnel { "tunnel".to_owned() } else { upgrade };
    let answer = if passes { "passes" } else { "refused" };
    book.seen.lock().unwrap().push(format!("{kind} {answer}"));
    if !passes {
        let refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(refusal).await;
    }
    let mut server = TcpStream::connect(("127.0.0.1", book.upstream)).await?;
    if is_tunnel && book.lets == Lets::Tunnels {
        let path = text.split_whitespace().nth(1).unwrap().to_owned();
        let key = String::from_utf8_lossy(&head).lines().find_map(|line| {
            line.to_lowercase()
                .starts_with("sec-websocket-key: ")
                .then(|| line[19..].to_owned())
        });
        return tunnel(client, server, &path, &key.unwrap()).await;
    }
    server.write_all(&head).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn tunnel(mut client: TcpStream, mut server: TcpStream, path: &str, key: &str) -> std::io::Result<()> {
    let ask = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\
         X-Stream-Protocol-Version: portforward.k8s.io\r\nContent-Length: 0\r\n\r\n"
    );
    server.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(server.read_u8().await?);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\
         Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n\r\n"
    );
    client.write_all(answer.as_bytes()).await?;
    let mut socket = WebSocketStream::from_raw_socket(client, Role::Server, None).await;
    let mut buffer = vec![0; 16 << 10];
    loop {
        tokio::select! {
            read = server.read(&mut buffer) => match read? {
                0 => return Ok(()),
                count => {
                    let message = Message::binary(buffer[..count].to_vec());
                    socket.send(message).await.map_err(std::io::Error::other)?;
                }
            },
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => server.write_all(&bytes).await?,
                Some(Ok(_)) => {}
                _ => return Ok(()),
            },
        }
    }
}
