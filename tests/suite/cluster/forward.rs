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

use super::gate::{Gate, Lets};
use super::pods::Place;
use crate::support::ports::free_port;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_a_pod_is_replaced() {
    let Some(place) = Place::new("no_request_is_lost_while_a_pod_is_replaced") else {
        return;
    };
    let first = place.run("one", 8000, &httpd("one"));
    let second = place.run("two", 8000, &httpd("two"));
    let mut forwarding = Forwarding::start(place.cluster().await, PortForward::default());
    forwarding.lead_to(&place, "one", &first);
    let port = forwarding.port().await;
    let (progress, mut half) = watch::channel(0);
    let mut asking = JoinSet::new();
    for _ in 0..10 {
        let progress = progress.clone();
        asking.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..100 {
                answers.push(get(port).await);
                progress.send_modify(|count| *count += 1);
            }
            answers
        });
    }
    half.wait_for(|count| *count >= 400).await.unwrap();
    // For a while there is none; who asks meanwhile waits.
    forwarding.target.send_replace(None);
    // Its server does not care about being asked to end: what it was asked for has the time to come through.
    place.kubectl(&["delete", "pod", "one", "--wait=false", "--grace-period=30"]);
    forwarding.lead_to(&place, "two", &second);
    let answers: Vec<_> = asking.join_all().await.into_iter().flatten().collect();
    let failed: Vec<_> = answers.iter().filter(|answer| answer.is_err()).collect();
    assert_eq!(answers.len(), 1000);
    assert!(
        failed.is_empty(),
        "{} failed: {:?} {:?}",
        failed.len(),
        failed[0],
        forwarding.lines
    );
    let of_second = answers
        .iter()
        .filter(|answer| answer.as_ref().unwrap() == "two")
        .count();
    assert!((1..=600).contains(&of_second), "{of_second}");
}

/// Counts what it is sent until that ends.
const COUNTER: &str = "exec /bin/busybox nc -ll -p 8000 -e /bin/busybox wc -c";

async fn count(port: u16, bytes: usize) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(&vec![b'x'; bytes]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_pass_each_way_and_the_end_of_either_side_is_seen() {
    let Some(place) = Place::new("a_hundred_megabytes_pass_each_way_and_the_end_of_either_side_is_seen") else {
        return;
    };
    const BYTES: usize = 100 << 20;
    let uid = place.run("count", 8000, COUNTER);
    let cluster = place.cluster().await;
    let mut forwarding = Forwarding::start(cluster.clone(), PortForward::default());
    forwarding.lead_to(&place, "count", &uid);
    let port = forwarding.port().await;
    assert_eq!(count(port, 5).await, "5");
    assert_eq!(count(port, BYTES).await, BYTES.to_string());
    let script = "mkdir -p /www && dd if=/dev/zero of=/www/index.html bs=1048576 count=100 && exec /bin/busybox httpd -f -p \
                  8000 -h /www";
    let uid = place.run("big", 8000, script);
    forwarding.lead_to(&place, "big", &uid);
    assert_eq!(get(port).await.unwrap().len(), BYTES);
}

async fn through(place: &Place, lets: Lets) -> Vec<String> {
    let gate = Gate::before(place, lets).await;
    let cluster = super::connect(&gate.sources()).await;
    let mut forwarding = Forwarding::start(cluster, PortForward::default());
    let uid = place.kubectl(&["get", "pod", "web", "-o", "jsonpath={.metadata.uid}"]);
    forwarding.lead_to(place, "web", &uid);
    let port = forwarding.port().await;
    assert_eq!(
        get(port).await.unwrap(),
        "hello",
        "{:?} {:?}",
        forwarding.lines,
        gate.seen()
    );
    let mut asking: JoinSet<_> = (0..20).map(|_| get(port)).collect();
    while let Some(answer) = asking.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), "hello");
    }
    gate.seen()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_proxy_refuses_another_way_is_found() {
    let Some(place) = Place::new("whatever_a_proxy_refuses_another_way_is_found") else {
        return;
    };
    place.run("web", 8000, &httpd("hello"));
    assert_eq!(through(&place, Lets::Tunnels).await, ["tunnel passes"]);
    assert_eq!(
        through(&place, Lets::NoWebSockets).await,
        ["tunnel refused", "spdy/3.1 passes"]
    );
    let seen = through(&place, Lets::NoSpdy).await;
    assert_eq!(seen[..3], ["tunnel refused", "spdy/3.1 refused", "websocket passes"]);
    // What has worked is remembered; here each connection is one of its own.
    assert!(seen[3..].iter().all(|seen| seen == "websocket passes"), "{seen:?}");
    assert_eq!(seen.len(), 23);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_ends_in_an_error_and_the_next_one_is_well() {
    let Some(place) = Place::new("a_connection_that_is_cut_ends_in_an_error_and_the_next_one_is_well") else {
        return;
    };
    let script = format!(
        "mkdir -p /www && dd if=/dev/zero of=/www/big bs=1048576 count=50; {}",
        httpd("hello")
    );
    let uid = place.run("web", 8000, &script);
    let gate = Gate::before(&place, Lets::All).await;
    let mut forwarding = Forwarding::start(super::connect(&gate.sources()).await, PortForward::default());
    forwarding.lead_to(&place, "web", &uid);
    let port = forwarding.port().await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET /big HTTP/1.0\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    gate.cut();
    let error = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let status = forwarding.until(|status| !status.error.is_empty()).await;
    assert_eq!(status.error, "the connection to the pod broke");
    assert_eq!(get(port).await.unwrap(), "hello");
    forwarding.until(|status| status.error.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_listens_for_is_said_after_some_seconds() {
    let Some(place) = Place::new("what_nothing_listens_for_is_said_after_some_seconds") else {
        return;
    };
    let uid = place.run("deaf", 8000, "exec /bin/busybox sleep 1000");
    let mut forwarding = Forwarding::start(place.cluster().await, PortForward::default());
    forwarding.lead_to(&place, "deaf", &uid);
    let port = forwarding.port().await;
    get(port).await.unwrap_err();
    let status = forwarding.until(|status| !status.error.is_empty()).await;
    assert_eq!(status.error, "nothing listens on port 8000 of pod `deaf`");
    let line = format!("Reconnecting... Error port-forwarding web ({port}): {}", status.error);
    assert_eq!(*forwarding.lines.lock().unwrap().last().unwrap(), line);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_said_by_whom_and_opens_once_it_is_free() {
    let test = "a_port_that_is_taken_is_said_by_whom_and_opens_once_it_is_free";
    let Some(sources) = super::sources(test) else { return };
    let port = free_port();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let forward = PortForward {
        local: port,
        container: 80,
        ..PortForward::default()
    };
    let mut forwarding = Forwarding::start(super::connect(&sources).await, forward);
    let error = forwarding.until(|status| !status.error.is_empty()).await.error;
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    let (name, pid) = (name.trim(), std::process::id());
    assert_eq!(
        error,
        format!("port {port} on localhost is taken by `{name}` (process {pid})")
    );
    drop(taken);
    let status = forwarding.until(|status| status.started.is_some()).await;
    assert_eq!((status.local_port, status.error.as_str()), (port, ""));
}

/// Says what a request costs through a forward and without; for people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_through_a_forward_takes_milliseconds() {
    let Some(place) = Place::new("a_request_through_a_forward_takes_milliseconds") else {
        return;
    };
    let uid = place.run("web", 8000, &httpd("hello"));
    let mut forwarding = Forwarding::start(place.cluster().await, PortForward::default());
    forwarding.lead_to(&place, "web", &uid);
    let port = forwarding.port().await;
    get(port).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..50 {
        let begin = std::time::Instant::now();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        // Not until its end, which some clusters tell half a second later.
        stream.read_u8().await.unwrap();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    eprintln!(
        "a request through a forward: {:?} in the middle, {:?} at most",
        times[25], times[49]
    );
    assert!(times[25] < Duration::from_secs(10), "{times:?}");
}
