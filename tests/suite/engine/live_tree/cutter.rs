//! Stands between us and an engine, and cuts all that goes through it after so many bytes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use tilt::world::docker::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SOCKET: &str = "/var/run/docker.sock";
const NEVER: i64 = i64::MAX / 2;

pub struct Cutter {
    pub engine: Engine,
    state: Arc<State>,
}

struct State {
    /// Bytes until everything is cut.
    left: AtomicI64,
    cuts: AtomicUsize,
    /// Of the connections that there are.
    cut: std::sync::Mutex<CancellationToken>,
}

impl Cutter {
    pub async fn start() -> Cutter {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            left: AtomicI64::new(NEVER),
            cuts: AtomicUsize::new(0),
            cut: std::sync::Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let tasks = TaskTracker::new();
        tasks.clone().spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tasks.spawn(carry(stream, Arc::clone(&shared)));
            }
        });
        let env = BTreeMap::from([("DOCKER_HOST".to_owned(), url)]);
        let engine = Engine::connect(&env).await.unwrap();
        Cutter { engine, state }
    }

    /// The next cut is after this many bytes, in whatever direction.
    pub fn cut_after(&self, bytes: usize) {
        self.state.left.store(bytes as i64, Ordering::SeqCst);
    }

    /// How often it did.
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, state: Arc<State>) {
    let cut = state.cut.lock().unwrap().clone();
    let Ok(server) = UnixStream::connect(SOCKET).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let both = async {
        tokio::join!(
            pump(from_client, to_server, &state),
            pump(from_server, to_client, &state)
        );
    };
    tokio::select! {
        () = both => {}
        () = cut.cancelled() => {}
    }
}

async fn pump(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, state: &State) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            // The other side learns of the end.
            drop(to.shutdown().await);
            return;
        };
        let before = state.left.fetch_sub(read as i64, Ordering::SeqCst);
        let allowed = usize::try_from(before).unwrap_or_default().min(read);
        let sent = to.write_all(&buffer[..allowed]).await;
        if allowed < read {
            state.cuts.fetch_add(1, Ordering::SeqCst);
            state.left.store(NEVER, Ordering::SeqCst);
            let mut cut = state.cut.lock().unwrap();
            cut.cancel();
            *cut = CancellationToken::new();
            return;
        }
        if sent.is_err() {
            return;
        }
    }
}
