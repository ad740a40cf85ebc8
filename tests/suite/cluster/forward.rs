//! Port forwards to pods of a real cluster.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tilt::deploy::forward::{ForwardStatus, Forwards, PodTarget, Told};
use tilt::model::port::PortForward;
use tilt::world::cluster::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::pods::Place;

/// A web server; each connection is a process of its own.
fn httpd(content: &str) -> String {
    format!("mkdir -p /www && echo {content} > /www/index.html && exec /bin/busybox httpd -f -p 8000 -h /www")
}

struct Forwarding {
    target: watch::Sender<Option<PodTarget>>,
    told: watch::Receiver<Vec<ForwardStatus>>,
    lines: Arc<Mutex<Vec<String>>>,
    _running: JoinSet<()>,
}

impl Forwarding {
    fn start(cluster: Cluster, forward: PortForward) -> Forwarding {
        let (target, targets) = watch::channel(None);
        let (tell, told) = watch::channel(Vec::new());
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&lines);
        let mut running = JoinSet::new();
        running.spawn(async move {
            let forwards = Forwards {
                resource: "web".to_owned(),
                forwards: vec![forward],
                default_host: String::new(),
            };
            let listen = move |told| match told {
                Told::Statuses(statuses) => drop(tell.send(statuses)),
                Told::Line(line) => log.lock().unwrap().push(line),
            };
            forwards.run(cluster, targets, listen).await;
        });
        Forwarding {
            target,
            told,
            lines,
            _running: running,
        }
    }

    fn lead_to(&self, place: &Place, pod: &str, uid: &str) {
        self.target.send_replace(Some(PodTarget {
            namespace: place.namespace.as_str().into(),
            name: pod.into(),
            uid: uid.into(),
            ports: vec![8000],
        }));
    }

    /// Its status as soon as it is like this.
    async fn until(&mut self, is_it: impl Fn(&ForwardStatus) -> bool) -> ForwardStatus {
        let told = self.told.wait_for(|told| told.first().is_some_and(&is_it));
        let told = tokio::time::timeout(Duration::from_secs(60), told).await;
        told.expect("in time").unwrap()[0].clone()
    }

    async fn port(&mut self) -> u16 {
        self.until(|status| status.started.is_some()).await.local_port
    }
}

async fn get(port: u16) -> Result<String, std::io::Error> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.trim().to_owned());
    body.ok_or_else(|| std::io::Error::other(format!("no whole answer: {answer:?}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_at_once_reach_a_pod() {
    let Some(place) = Place::new("many_connections_at_once_reach_a_pod") else {
        return;
    };
    let uid = place.run("web", 8000, &httpd("hello"));
    let mut forwarding = Forwarding::start(place.cluster().await, PortForward::default());
    forwarding.lead_to(&place, "web", &uid);
    let port = forwarding.port().await;
    assert_eq!(get(port).await.unwrap(), "hello");
    let mut asking: JoinSet<_> = (0..200).map(|_| get(port)).collect();
    while let Some(answer) = asking.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), "hello");
    }
    let status = forwarding.until(|status| status.container_port != 0).await;
    assert_eq!((status.container_port, status.error.as_str()), (8000, ""));
    assert_eq!(status.addresses, ["127.0.0.1", "::1"]);
}
