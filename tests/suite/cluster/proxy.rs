//! Something between us and the cluster that cuts connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tilt::world::cluster::Cluster;
use tilt::world::kubeconfig::Sources;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::seen::{connect, kubectl};

pub struct Proxy {
    url: String,
    cuts: watch::Sender<u64>,
    refuses: Arc<AtomicBool>,
    _serving: JoinSet<()>,
}

impl Proxy {
    pub async fn start(server: &str) -> Proxy {
        let target = server.trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (cuts, cut) = watch::channel(0);
        let refuses = Arc::new(AtomicBool::new(false));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, target, cut, refuses.clone()));
        Proxy {
            url,
            cuts,
            refuses,
            _serving: serving,
        }
    }

    /// All connections that there are.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// And those that are made from now on.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
        self.cut();
    }

    /// The cluster, through this.
    pub async fn connect(&self, sources: &Sources) -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let text = kubectl(&["config", "view", "--raw", "--flatten", "--minify"], "");
        let lines = text
            .lines()
            .map(|line| match line.trim_start().strip_prefix("server: ") {
                Some(_) => format!("{}server: {}", &line[..line.len() - line.trim_start().len()], self.url),
                None => line.to_owned(),
            });
        std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
        let variable = Some(file.display().to_string());
        connect(&Sources {
            variable,
            ..sources.clone()
        })
        .await
    }
}

async fn serve(listener: TcpListener, target: String, cut: watch::Receiver<u64>, refuses: Arc<AtomicBool>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        if refuses.load(Ordering::SeqCst) {
            continue;
        }
        let (target, mut cut) = (target.clone(), cut.clone());
        cut.mark_unchanged();
        connections.spawn(async move {
            let mut far = TcpStream::connect(target).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = cut.changed() => {}
            }
        });
    }
}
