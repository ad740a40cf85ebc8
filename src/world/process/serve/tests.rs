//! Real commands: what arrives of their output, how they are stopped, and how their end is told.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;

fn spec(argv: &[&str]) -> Spec {
    Spec {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        dir: PathBuf::from("/"),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        grace: GRACE,
    }
}

fn shell(script: &str) -> Spec {
    spec(&["sh", "-c", script])
}

/// What a command did, all of it.
struct Seen {
    exit: Exit,
    events: Vec<Event>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn end(&self) -> (i32, &str) {
        (self.exit.code, &self.exit.reason)
    }
}

/// Runs a command, and calls `on_output` with its standard output so far whenever there is more.
async fn follow(spec: &Spec, stop: &Stop, mut on_output: impl FnMut(&[u8])) -> Seen {
    let (sender, mut chunks) = mpsc::channel(4);
    let mut events = Vec::new();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let command = async {
        let sender = sender;
        let reports = Reports {
            output: &sender,
            events: |event| events.push(event),
        };
        run(spec, stop, None, reports).await
    };
    let listener = async {
        while let Some(Chunk { stream, bytes }) = chunks.recv().await {
            match stream {
                Stream::Stdout => {
                    stdout.extend_from_slice(&bytes);
                    on_output(&stdout);
                }
                Stream::Stderr => stderr.extend_from_slice(&bytes),
            }
        }
    };
    let (exit, ()) = tokio::join!(command, listener);
    Seen {
        exit,
        events,
        stdout,
        stderr,
    }
}

async fn end_of(spec: &Spec) -> Seen {
    follow(spec, &Stop::default(), |_| {}).await
}

/// Asks a command to stop once it has said `ready`.
async fn stop_when_ready(spec: &Spec, stop: &Stop) -> Seen {
    follow(spec, stop, |so_far| {
        if so_far.ends_with(b"ready\n") {
            stop.politely.cancel();
        }
    })
    .await
}

fn is_gone(pid: i32) -> bool {
    group::Stat::of(pid).is_none_or(|stat| stat.is_zombie)
}

/// Waits for the end of a process that is nobody's child here.
fn await_gone(pid: i32) {
    // Without a process of that id it has gone.
    if let Ok(process) = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()) {
        let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
        let mut ended = [PollFd::new(&process, PollFlags::IN)];
        assert_eq!(poll(&mut ended, Some(&limit)), Ok(1), "{pid} lives on");
    }
}

#[tokio::test]
async fn each_stream_arrives_whole_and_in_order() {
    let script = "i=0; while [ $i -lt 100000 ]; do echo line $i; echo error $i >&2; i=$((i+1)); done";
    let seen = end_of(&shell(script)).await;
    assert_eq!(seen.end(), (0, ""));
    let expected = |word: &str| (0..100_000).map(|i| format!("{word} {i}\n")).collect::<String>();
    assert!(seen.stdout == expected("line").as_bytes());
    assert!(seen.stderr == expected("error").as_bytes());
}

#[tokio::test]
async fn what_a_command_writes_last_is_not_lost() {
    for _ in 0..50 {
        let seen = end_of(&shell("head -c 60000 /dev/zero; printf end >&2; kill -9 $$")).await;
        assert_eq!((seen.stdout.len(), &*seen.stderr), (60_000, &b"end"[..]));
        assert_eq!(seen.end(), (-1, "signal: killed"));
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_does_not_hold_up_the_command() {
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let reports = Reports {
        output: &sender,
        events: |_| {},
    };
    let exit = run(
        &shell("head -c 1000000 /dev/zero; exit 4"),
        &Stop::default(),
        None,
        reports,
    )
    .await;
    assert_eq!(exit.code, 4);
}

#[tokio::test]
async fn a_receiver_that_is_slow_slows_the_command_down_and_loses_nothing() {
    let (sender, mut chunks) = mpsc::channel(1);
    let stop = Stop::default();
    let spec = shell("head -c 3000000 /dev/zero");
    let command = async {
        let sender = sender;
        let reports = Reports {
            output: &sender,
            events: |_| {},
        };
        run(&spec, &stop, None, reports).await
    };
    let mut total = 0;
    let listener = async {
        while let Some(chunk) = chunks.recv().await {
            assert!(chunk.bytes.len() <= 64 << 10, "pieces are bounded");
            total += chunk.bytes.len();
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
    };
    let (exit, ()) = tokio::join!(command, listener);
    assert_eq!((exit.code, total), (0, 3_000_000));
}

#[tokio::test]
async fn ends_are_worded_as_go_words_them() {
    let table = [
        ("exit 0", 0, ""),
        ("exit 3", 3, "exit status 3"),
        ("kill -15 $$", -1, "signal: terminated"),
        ("kill -9 $$", -1, "signal: killed"),
    ];
    for (script, code, reason) in table {
        let seen = end_of(&shell(script)).await;
        assert_eq!(seen.end(), (code, reason), "{script}");
        assert!(!seen.exit.is_stopped);
        assert_eq!(
            seen.events,
            [Event::Started {
                pid: seen.exit.pid.unwrap()
            }]
        );
    }
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain");
    std::fs::write(&file, "echo no\n").unwrap();
    let plain = file.to_str().unwrap();
    let in_folder = |dir: &Path| Spec {
        dir: dir.to_owned(),
        ..shell("true")
    };
    let missing = folder.path().join("missing");
    let table = [
        (
            spec(&["no-such-program"]),
            127,
            "exec: \"no-such-program\": executable file not found in $PATH".to_owned(),
        ),
        (
            spec(&["./no/such"]),
            127,
            "fork/exec ./no/such: no such file or directory".to_owned(),
        ),
        (spec(&[plain]), 126, format!("fork/exec {plain}: permission denied")),
        (
            in_folder(&missing),
            1,
            format!("chdir {}: no such file or directory", missing.display()),
        ),
        (in_folder(&file), 1, format!("chdir {plain}: not a directory")),
        (spec(&[]), 1, "empty command".to_owned()),
    ];
    for (spec, code, reason) in table {
        let seen = end_of(&spec).await;
        assert_eq!(seen.end(), (code, &*reason));
        assert_eq!((seen.exit.pid, seen.events.len()), (None, 0));
    }
}

#[tokio::test]
async fn a_command_that_is_asked_to_stop_runs_its_trap() {
    let seen = stop_when_ready(
        &shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done"),
        &Stop::default(),
    )
    .await;
    assert_eq!(seen.text(), "ready\nbye\n");
    assert_eq!(seen.end(), (7, "exit status 7"));
    assert!(seen.exit.is_stopped);
    assert_eq!(seen.events.len(), 1, "nobody had to wait long enough to be told");
}

#[tokio::test]
async fn what_a_shell_started_runs_its_trap_although_the_shell_ends_at_once() {
    let inner = "trap 'sleep 0.05; echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done";
    let seen = stop_when_ready(&shell(&format!("sh -c \"{inner}\"; true")), &Stop::default()).await;
    assert_eq!(seen.text(), "ready\nbye\n");
    assert_eq!(seen.end(), (-1, "signal: terminated"));
}

#[tokio::test]
async fn a_command_that_ignores_the_request_is_killed_when_its_time_is_up() {
    let stubborn = Spec {
        grace: Duration::from_millis(60),
        ..shell("trap '' TERM; echo ready; while :; do sleep 0.01; done")
    };
    let seen = stop_when_ready(&stubborn, &Stop::default()).await;
    assert_eq!(seen.end(), (-1, "signal: killed"));
    let pid = seen.exit.pid.unwrap();
    let said: Vec<String> = seen.events[1..].iter().map(Event::to_string).collect();
    assert_eq!(
        said,
        [
            format!("Waiting 60ms for process to exit... (pid: {pid})"),
            format!("Still waiting on exit... (pid: {pid})"),
            format!("Time is up! Sending {pid} a kill signal"),
        ]
    );
    let usual = Event::Waiting { pid: 5, grace: GRACE };
    assert_eq!(usual.to_string(), "Waiting 30s for process to exit... (pid: 5)");
}

#[tokio::test]
async fn a_second_request_kills_at_once() {
    let started = Instant::now();
    let stop = Stop::default();
    let stubborn = shell("trap 'echo heard' TERM; echo ready; while :; do sleep 0.01; done");
    let seen = follow(&stubborn, &stop, |so_far| {
        stop.politely.cancel();
        if so_far.ends_with(b"heard\n") {
            stop.at_once.cancel();
        }
    })
    .await;
    assert_eq!(seen.end(), (-1, "signal: killed"));
    assert!(started.elapsed() < GRACE / 2);
}

#[tokio::test]
async fn a_request_before_the_start_starts_nothing() {
    let stop = Stop::default();
    stop.politely.cancel();
    let seen = follow(&shell("echo started"), &stop, |_| {}).await;
    assert_eq!(
        (seen.exit.pid, seen.exit.is_stopped, seen.text()),
        (None, true, String::new())
    );
}

#[tokio::test]
async fn what_a_command_leaves_behind_in_its_group_is_killed() {
    let seen = end_of(&shell("trap '' TERM; sleep 1000 & echo $!; exit 2")).await;
    assert_eq!(seen.end(), (2, "exit status 2"));
    await_gone(seen.text().trim().parse().unwrap());
}

#[tokio::test]
async fn a_daemon_that_left_the_group_holds_nothing_up() {
    let mut asked = None;
    let script = "setsid sh -c 'echo $$; exec sleep 1000' & read -r line < /dev/null; while :; do sleep 0.01; done";
    let stop = Stop::default();
    let seen = follow(&shell(script), &stop, |_| {
        asked.get_or_insert_with(Instant::now);
        stop.at_once.cancel();
    })
    .await;
    let daemon: i32 = seen.text().trim().parse().unwrap();
    assert!(asked.unwrap().elapsed() < PATIENCE, "it waited for the daemon");
    assert!(!is_gone(daemon), "it is not ours to kill");
    rustix::process::kill_process(Pid::from_raw(daemon).unwrap(), Signal::KILL).unwrap();
    await_gone(daemon);
}

#[tokio::test]
async fn a_daemon_that_never_stops_writing_holds_nothing_up() {
    let mut asked = None;
    let script = "setsid sh -c 'echo $$; exec yes' & while :; do sleep 0.01; done";
    let stop = Stop::default();
    let seen = follow(&shell(script), &stop, |_| {
        asked.get_or_insert_with(Instant::now);
        stop.at_once.cancel();
    })
    .await;
    let pid: i32 = seen.text().lines().next().unwrap().parse().unwrap();
    assert!(asked.unwrap().elapsed() < PATIENCE, "it waited for the daemon");
    // The pipe it writes to is closed, which ends it.
    await_gone(pid);
}

#[tokio::test]
async fn whoever_stops_listening_to_the_end_has_the_group_killed() {
    let (sender, mut chunks) = mpsc::channel(4);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let reports = Reports {
            output: &sender,
            events: |_| {},
        };
        run(&shell("echo $$; sleep 1000; true"), &Stop::default(), None, reports).await
    });
    let chunk = chunks.recv().await.unwrap();
    let pid: i32 = String::from_utf8_lossy(&chunk.bytes).trim().parse().unwrap();
    tasks.shutdown().await;
    await_gone(pid);
}

#[tokio::test]
async fn a_pipe_is_emptied_fast() {
    let started = Instant::now();
    let mut total = 0;
    let (sender, mut chunks) = mpsc::channel(16);
    let command = async {
        let sender = sender;
        let reports = Reports {
            output: &sender,
            events: |_| {},
        };
        run(
            &spec(&["head", "-c", "200000000", "/dev/zero"]),
            &Stop::default(),
            None,
            reports,
        )
        .await
    };
    let listener = async {
        while let Some(chunk) = chunks.recv().await {
            total += chunk.bytes.len();
        }
    };
    tokio::join!(command, listener);
    assert_eq!(total, 200_000_000);
    let rate = 200.0 / started.elapsed().as_secs_f64();
    eprintln!("{rate:.0} MB/s");
    // Far below what is meant, so that a busy machine does not fail the test.
    assert!(rate > 20.0, "{rate:.0} MB/s");
}

#[tokio::test]
async fn hundreds_of_commands_run_side_by_side() {
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        tasks.spawn(async move {
            let script = shell(&format!("echo {number}; echo {number} >&2; exit {}", number % 7));
            (number, end_of(&script).await)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (number, seen) = done.unwrap();
        let text = format!("{number}\n");
        assert_eq!(
            (seen.exit.code, seen.text(), seen.stderr),
            (number % 7, text.clone(), text.into_bytes())
        );
    }
}
