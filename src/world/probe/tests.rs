//! The three kinds of probes, against real commands and listeners.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use Outcome::{Failure, Success};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

/// Tries once, from `dir`.
async fn attempt_in(dir: PathBuf, action: ProbeAction, limit: Duration) -> (Outcome, String) {
    let env = BTreeMap::from([
        ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ("NAME".to_owned(), "served".to_owned()),
    ]);
    let place = Place {
        dir: &dir,
        env: &env,
        guard: None,
    };
    attempt(&action, place, limit).await
}

async fn once(action: ProbeAction, limit: Duration) -> (Outcome, String) {
    attempt_in(PathBuf::from("/"), action, limit).await
}

fn script(script: &str) -> ProbeAction {
    ProbeAction::Exec(["sh", "-c", script].map(str::to_owned).to_vec())
}

fn page(port: u16, path: &str) -> ProbeAction {
    ProbeAction::HttpGet {
        host: String::new(),
        port: port.into(),
        scheme: String::new(),
        path: path.to_owned(),
        headers: vec![("X-Probe".to_owned(), "yes".to_owned())],
    }
}

/// A server that answers by path; `/slow` is never answered.
async fn server(tasks: &mut JoinSet<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move {
        let mut waiting = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let (status, more, body) = match head.split(' ').nth(1).unwrap() {
                "/ok" => ("200 OK", String::new(), "fine\n"),
                "/headers" if head.contains("x-probe: yes") && head.contains("tilt-probe") => {
                    ("200 OK", String::new(), "")
                }
                "/headers" => ("400 Bad Request", String::new(), ""),
                "/here" => ("302 Found", "Location: /ok\r\n".to_owned(), ""),
                "/a/relative" => ("302 Found", "Location: ../../bad\r\n".to_owned(), ""),
                "/bad" | "/a/../../bad" => ("500 Internal Server Error", String::new(), "broken"),
                "/away" => ("301 Moved", "Location: http://elsewhere.invalid/\r\n".to_owned(), ""),
                "/round" => (
                    "307 Temporary",
                    format!("Location: http://localhost:{port}/round\r\n"),
                    "",
                ),
                "/modified" => ("304 Not Modified", String::new(), ""),
                "/slow" => {
                    waiting.push(stream);
                    continue;
                }
                _ => ("404 Not Found", String::new(), ""),
            };
            let text = format!(
                "HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn a_command_is_ready_when_it_ends_well() {
    let said = |outcome, text: &str| (outcome, text.to_owned());
    assert_eq!(once(script("echo up"), LONG).await, said(Success, "up"));
    assert_eq!(
        once(script("echo down >&2; exit 3"), LONG).await,
        said(Failure, "down (exit status 3)")
    );
    let missing = ProbeAction::Exec(vec!["no-such-program".to_owned()]);
    let reason = "exec: \"no-such-program\": executable file not found in $PATH";
    assert_eq!(once(missing, LONG).await, said(Failure, reason));
    let (outcome, text) = once(script("echo begun; sleep 1000; true"), SHORT).await;
    assert_eq!(outcome, Failure);
    assert!(
        text.ends_with("command timed out after 60ms") || text.contains("timed out after 60ms)"),
        "{text}"
    );
}

#[tokio::test]
async fn a_command_runs_where_the_process_does_and_its_output_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here"), "").unwrap();
    let dir = folder.path().to_owned();
    let (_, text) = attempt_in(dir.clone(), script("ls; echo $NAME"), LONG).await;
    assert_eq!(text, "here\nserved");
    let (outcome, text) = attempt_in(dir, script("head -c 1000000 /dev/zero | tr '\\0' x"), LONG).await;
    assert_eq!((outcome, text.len()), (Success, MOST_OUTPUT));
}

#[tokio::test]
async fn a_page_is_ready_from_200_to_399() {
    let mut tasks = JoinSet::new();
    let port = server(&mut tasks).await;
    let failed = |status: &str| format!("HTTP probe failed with statuscode: {status}");
    let table = [
        ("/ok", Success, "fine".to_owned()),
        ("ok", Success, "fine".to_owned()),
        ("/headers", Success, String::new()),
        ("/here", Success, "fine".to_owned()),
        ("/away", Success, String::new()),
        ("/modified", Success, String::new()),
        ("/bad", Failure, failed("500")),
        ("/a/relative", Failure, failed("500")),
        ("/nowhere", Failure, failed("404")),
        ("/round", Failure, "stopped after 10 redirects".to_owned()),
    ];
    for (path, outcome, text) in table {
        assert_eq!(once(page(port, path), LONG).await, (outcome, text), "{path}");
    }
    assert_eq!(once(page(port, "/slow"), SHORT).await.0, Failure);
}

#[tokio::test]
async fn a_port_is_ready_when_it_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port: i32 = listener.local_addr().unwrap().port().into();
    let socket = |host: &str, port| ProbeAction::TcpSocket {
        host: host.to_owned(),
        port,
    };
    assert_eq!(once(socket("", port), LONG).await, (Success, String::new()));
    assert_eq!(once(socket("127.0.0.1", port), LONG).await.0, Success);
    let refused = "connecting to localhost:1: connection refused".to_owned();
    assert_eq!(once(socket("", 1), LONG).await, (Failure, refused));
    let unknown = (Failure, "port 70000 is not from 1 to 65535".to_owned());
    assert_eq!(once(socket("", 70_000), LONG).await, unknown);
    assert_eq!(
        once(page(0, "/"), LONG).await,
        (Failure, "port 0 is not from 1 to 65535".to_owned())
    );
}

/// What a task of the engine's can be made of.
fn spawnable<F: Future + Send>(future: F) -> F {
    future
}

fn probe(action: ProbeAction) -> Probe {
    Probe {
        action,
        initial_delay_secs: 0,
        timeout_secs: 20,
        period_secs: 1000,
        success_threshold: 1,
        failure_threshold: 1,
    }
}

#[tokio::test]
async fn a_server_that_comes_up_late_is_ready_long_before_the_next_period() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("marker");
    let (dir, env) = (folder.path().to_owned(), BTreeMap::new());
    let cancel = CancellationToken::new();
    let changes = Arc::new(Mutex::new(Vec::new()));
    let place = Place {
        dir: &dir,
        env: &env,
        guard: None,
    };
    let listed = probe(ProbeAction::Exec(vec!["/bin/ls".to_owned(), "marker".to_owned()]));
    watch(&listed, place, &cancel, |change: Change| {
        if change.is_ready() {
            cancel.cancel();
        } else {
            std::fs::write(&marker, "").unwrap();
        }
        changes.lock().unwrap().push(change);
    })
    .await;
    let lines: Vec<String> = changes.lock().unwrap().iter().map(Change::line).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("[readiness probe: failure] "), "{lines:?}");
    assert_eq!(lines[1], "[readiness probe: success] marker");
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_once_a_period() {
    let (dir, env) = (PathBuf::from("/"), BTreeMap::new());
    let cancel = CancellationToken::new();
    // Port 0 fails without asking the system, so that paused time is all that passes.
    let failing = Probe {
        period_secs: 7,
        failure_threshold: 3,
        initial_delay_secs: 2,
        ..probe(page(0, "/"))
    };
    let place = Place {
        dir: &dir,
        env: &env,
        guard: None,
    };
    let started = tokio::time::Instant::now();
    let mut changes = Vec::new();
    let watched = watch(&failing, place, &cancel, |change| {
        changes.push((started.elapsed().as_secs(), change.outcome));
        cancel.cancel();
    });
    spawnable(watched).await;
    // After the delay, at once, after one period and after two.
    assert_eq!(changes, [(2 + 14, Failure)]);
}
