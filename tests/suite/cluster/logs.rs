//! What containers in a real cluster print.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tilt::deploy::logs::{ContainerLog, LogNews, LogsOf, PodLogs};
use tilt::world::cluster::watch::Watches;
use tokio::sync::Notify;

use super::proxy::Proxy;
use super::seen::{IMAGE, Place, place, pod, running};
use super::sources;

const PATIENCE: Duration = Duration::from_secs(90);

/// What was printed.
#[derive(Default)]
struct Paper {
    lines: Mutex<Vec<String>>,
    statuses: Mutex<Vec<ContainerLog>>,
    bell: Notify,
}

impl Paper {
    fn read(self: &Arc<Paper>, watches: &Watches, place: &Place, pod: &str) -> PodLogs {
        let paper = self.clone();
        let of = LogsOf {
            namespace: place.namespace.as_str().into(),
            pod: pod.into(),
            ..LogsOf::default()
        };
        PodLogs::start(watches, of, Arc::new(move |news: LogNews<'_>| paper.take(news)))
    }

    fn take(&self, news: LogNews<'_>) {
        match news {
            LogNews::Line {
                container,
                bytes,
                is_prefixed,
            } => {
                let text = String::from_utf8_lossy(bytes);
                let prefix = if is_prefixed {
                    format!("[{container}] ")
                } else {
                    String::new()
                };
                self.lines.lock().unwrap().push(format!("{prefix}{text}"));
            }
            LogNews::Status(statuses) => *self.statuses.lock().unwrap() = statuses,
        }
        self.bell.notify_one();
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    async fn until(&self, what: &str, is_so: impl Fn(&[String]) -> bool) {
        let waiting = async {
            while !is_so(&self.lines()) {
                self.bell.notified().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(
            waited.is_ok(),
            "{what}: {:?} {:?}",
            self.lines(),
            self.statuses.lock().unwrap()
        );
    }

    async fn until_terminated(&self) {
        let is_so = || {
            let statuses = self.statuses.lock().unwrap();
            !statuses.is_empty() && statuses.iter().all(|status| status.terminated)
        };
        self.until("it has ended", |_| is_so()).await;
    }
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("line {number}")).collect()
}

#[tokio::test]
async fn a_pod_that_prints_much_and_lives_shortly_is_read_to_its_end() {
    let Some(place) = place("a_pod_that_prints_much_and_lives_shortly_is_read_to_its_end", "short").await else {
        return;
    };
    let paper = Arc::new(Paper::default());
    let _logs = paper.read(&Watches::new(place.cluster.clone()), &place, "short");
    place.apply(&pod(
        "short",
        &running("awk 'BEGIN { for (i = 1; i <= 5000; i++) print \"line \" i }'; printf 'no end'"),
    ));
    paper.until_terminated().await;
    let expected: Vec<String> = numbered(5000).into_iter().chain(["no end".to_owned()]).collect();
    assert!(
        paper.lines() == expected,
        "{} lines, the last is {:?}",
        paper.lines().len(),
        paper.lines().last()
    );
}

#[tokio::test]
async fn all_containers_are_read_and_named_where_there_are_several() {
    let Some(place) = place("all_containers_are_read_and_named_where_there_are_several", "several").await else {
        return;
    };
    let one = |name: &str, script: &str| {
        format!(
            "{{name: {name}, image: '{IMAGE}', imagePullPolicy: IfNotPresent, command: [/bin/busybox, sh, -c, '{script}']}}"
        )
    };
    let spec = format!(
        "automountServiceAccountToken: false, initContainers: [{}, {}], containers: [{}, {}]",
        one("first", "echo prepared"),
        one("istio-init", "echo never shown"),
        one("web", "echo served"),
        one("side", "echo helped")
    );
    let paper = Arc::new(Paper::default());
    let _logs = paper.read(&Watches::new(place.cluster.clone()), &place, "several");
    place.apply(&pod("several", &spec));
    paper.until("three lines", |lines| lines.len() == 3).await;
    paper.until_terminated().await;
    let mut lines = paper.lines();
    assert_eq!(lines[0], "[first] prepared");
    lines.sort();
    assert_eq!(lines, ["[first] prepared", "[side] helped", "[web] served"]);
}

#[tokio::test]
async fn a_container_that_is_killed_is_read_on_when_it_runs_again() {
    let Some(place) = place("a_container_that_is_killed_is_read_on_when_it_runs_again", "killed").await else {
        return;
    };
    let spec = running("echo begin; sleep 1000").replace("IfNotPresent", "IfNotPresent, tty: false");
    let yaml = pod("killed", &spec).replace("restartPolicy: Never", "restartPolicy: Always");
    let paper = Arc::new(Paper::default());
    let watches = Watches::new(place.cluster.clone());
    let logs = paper.read(&watches, &place, "killed");
    place.apply(&yaml);
    for times in 1..=3 {
        paper.until("it begins", |lines| lines.len() >= times).await;
        let filter = format!("label=io.kubernetes.pod.namespace={}", place.namespace);
        let script = format!(
            "docker ps -q --filter {filter} --filter label=io.kubernetes.container.name=web | xargs -r docker kill"
        );
        if times < 3 {
            assert!(
                std::process::Command::new("sh")
                    .args(["-c", &script])
                    .output()
                    .unwrap()
                    .status
                    .success()
            );
        }
    }
    assert_eq!(paper.lines(), ["begin"; 3]);
    place.kubectl(&["delete", "pod", "killed", "--wait=false"]);
    tokio::time::timeout(PATIENCE, logs.ended()).await.unwrap();
    assert_eq!(paper.lines(), ["begin"; 3]);
}

#[tokio::test]
async fn a_connection_that_is_cut_loses_and_repeats_no_line() {
    let Some(place) = place("a_connection_that_is_cut_loses_and_repeats_no_line", "cutlog").await else {
        return;
    };
    let Some(sources) = sources("cutlog") else { return };
    let proxy = Proxy::start(&place.cluster.identity().server).await;
    let watches = Watches::new(proxy.connect(&sources).await);
    let paper = Arc::new(Paper::default());
    let _logs = paper.read(&watches, &place, "counts");
    place.apply(&pod(
        "counts",
        &running("for i in $(seq 1 100); do echo line $i; usleep 30000; done"),
    ));
    for next in (5..100).step_by(10) {
        paper.until("it goes on", |lines| lines.len() >= next).await;
        proxy.cut();
    }
    paper.until_terminated().await;
    assert_eq!(paper.lines(), numbered(100));
}
