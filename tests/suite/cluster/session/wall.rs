//! Between a session and its cluster: lets pass, cuts, refuses, keeps back, and passes for another cluster.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    Open,
    /// Nobody listens.
    Refused,
    /// Connections are made, and no byte passes.
    Frozen,
}

#[derive(Clone, Debug, Default)]
struct Rule {
    way: Way,
    cuts: u64,
    /// What the other side says, and what is made of it; of one length.
    instead: Option<(String, String)>,
}

pub struct Wall {
    pub address: SocketAddr,
    rule: watch::Sender<Rule>,
    _runtime: Runtime,
}

impl Wall {
    /// Before this, as `host:port`.
    pub fn before(target: &str) -> Wall {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (rule, seen) = watch::channel(Rule::default());
        runtime.spawn(serve(listener, target.to_owned(), seen));
        Wall {
            address,
            rule,
            _runtime: runtime,
        }
    }

    pub fn cut(&self) {
        self.rule.send_modify(|rule| rule.cuts += 1);
    }

    pub fn be(&self, way: Way) {
        self.rule.send_modify(|rule| {
            rule.cuts += u64::from(way == Way::Refused);
            rule.way = way;
        });
    }

    /// From now on it says something else; connections that there are end.
    pub fn pass_for_another(&self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        self.rule.send_modify(|rule| {
            rule.instead = Some((from.to_owned(), to.to_owned()));
            rule.cuts += 1;
        });
    }
}

async fn serve(listener: TcpListener, target: String, mut rule: watch::Receiver<Rule>) {
    let address = listener.local_addr().unwrap();
    let mut open = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        if rule.borrow_and_update().way == Way::Refused {
            open = None;
            rule.changed().await.unwrap();
            continue;
        }
        let listener = match open.take() {
            Some(listener) => listener,
            None => TcpListener::bind(address).await.unwrap(),
        };
        tokio::select! {
            accepted = listener.accept() => {
                let (near, _) = accepted.unwrap();
                connections.spawn(pass(near, target.clone(), rule.clone()));
            }
            _ = rule.changed() => {}
        }
        open = Some(listener);
    }
}

async fn pass(near: TcpStream, target: String, rule: watch::Receiver<Rule>) {
    let cuts = rule.borrow().cuts;
    let far = TcpStream::connect(target).await.unwrap();
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let mut cut = rule.clone();
    tokio::select! {
        _ = cut.wait_for(|rule| rule.cuts != cuts) => {}
        _ = async { tokio::join!(carry(from_near, to_far, rule.clone()), carry(from_far, to_near, rule.clone())) } => {}
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut rule: watch::Receiver<Rule>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let instead = match rule.wait_for(|rule| rule.way != Way::Frozen).await {
            Ok(rule) => rule.instead.clone(),
            Err(_) => return,
        };
        if let Some((before, after)) = instead {
            replace(&mut buffer[..count], before.as_bytes(), after.as_bytes());
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

fn replace(bytes: &mut [u8], before: &[u8], after: &[u8]) {
    let last = bytes.len().saturating_sub(before.len());
    for at in 0..=last {
        if bytes[at..].starts_with(before) {
            bytes[at..at + after.len()].copy_from_slice(after);
        }
    }
}

/// The API without encryption.
pub struct Plain {
    kubectl: Child,
    pub address: String,
}

impl Plain {
    pub fn start() -> Plain {
        let mut kubectl = Command::new("kubectl")
            .args(["proxy", "--port=0", "--reject-paths=^$"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(kubectl.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        Plain { kubectl, address }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        drop(self.kubectl.kill());
        drop(self.kubectl.wait());
    }
}
