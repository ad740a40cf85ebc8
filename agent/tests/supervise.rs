//! The supervisor with real processes, as the program that it is.

#![allow(
    clippy::disallowed_methods,
    reason = "a program of its own, without the houses of the other one"
)]

use std::io::{BufRead, BufReader};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal};
use tilt_agent::supervise::End;
use tilt_agent::supervise::client::{self, Event, RestartError, Watch};

/// A supervisor that runs, and ends with the test.
struct Supervised {
    child: Child,
    socket: String,
    out: BufReader<ChildStdout>,
    log: BufReader<ChildStderr>,
}

impl Supervised {
    fn new(options: &[&str], command: &[&str]) -> Supervised {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = format!("tilt-agent-test-{}-{number}", std::process::id());
        let mut child = Command::new(env!("CARGO_BIN_EXE_tilt-agent"))
            .args(["supervise", "--socket", &socket])
            .args(options)
            .arg("--")
            .args(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Supervised {
            out: BufReader::new(child.stdout.take().unwrap()),
            log: BufReader::new(child.stderr.take().unwrap()),
            child,
            socket,
        }
    }

    fn shell(options: &[&str], script: &str) -> Supervised {
        Supervised::new(options, &["sh", "-c", script])
    }

    /// What the application says next.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What the supervisor says next.
    fn said(&mut self) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn restart(&self) -> Result<u32, RestartError> {
        client::restart_named(&self.socket)
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&self.socket).unwrap()).unwrap()
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    fn children(&self) -> Vec<u32> {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

fn code(options: &[&str], command: &[&str]) -> Option<i32> {
    Supervised::new(options, command).end().code()
}

fn script(folder: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join("app");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file
}

#[test]
fn it_ends_with_the_code_of_its_command() {
    for (script, expected) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -9 $$", 137),
        ("kill -SEGV $$", 139),
    ] {
        assert_eq!(code(&[], &["sh", "-c", script]), Some(expected), "{script}");
    }
}

#[test]
fn what_cannot_be_started_is_said() {
    let mut absent = Supervised::new(&[], &["/no/such/program"]);
    assert_eq!(absent.said(), "tilt: cannot start `/no/such/program`: not found");
    assert_eq!(absent.end().code(), Some(127));

    let folder = tempfile::tempdir().unwrap();
    let mut not_executable = Supervised::new(&[], &[folder.path().to_str().unwrap()]);
    assert!(not_executable.said().ends_with("Permission denied (os error 13)"));
    assert_eq!(not_executable.end().code(), Some(126));

    let app = script(folder.path(), "#!/no/such/interpreter\n");
    let mut without_interpreter = Supervised::new(&[], &[app.to_str().unwrap()]);
    assert!(
        without_interpreter
            .said()
            .contains("an interpreter or a loader, is not found")
    );
    assert_eq!(without_interpreter.end().code(), Some(127));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let out = Command::new(env!("CARGO_BIN_EXE_tilt-agent"))
        .args(["supervise", "app"])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(
        String::from_utf8(out.stderr)
            .unwrap()
            .contains("usage: tilt-agent supervise")
    );
}

const WAITS: &str = "while :; do sleep 1000 & wait $!; done";

#[test]
fn signals_reach_the_command() {
    let mut app = Supervised::shell(
        &[],
        &format!("for s in HUP USR1 USR2 WINCH; do trap \"echo $s\" $s; done; trap 'exit 3' TERM; echo up; {WAITS}"),
    );
    assert_eq!(app.line(), "up");
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::WINCH, "WINCH"),
    ] {
        app.signal(signal);
        assert_eq!(app.line(), name);
    }
    app.signal(Signal::TERM);
    assert_eq!(app.end().code(), Some(3));
}

#[test]
fn signals_reach_the_whole_group() {
    // The shell itself waits in the foreground and could not pass anything on.
    let mut app = Supervised::shell(&[], "echo up; sleep 1000; exit 9");
    assert_eq!(app.line(), "up");
    app.signal(Signal::TERM);
    assert_eq!(app.end().code(), Some(143));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut app.out, &mut rest).expect("the pipe ends with its last writer");
}

#[test]
fn fifty_restarts_leave_one_process() {
    let mut app = Supervised::shell(&[], "echo $$; exec sleep 1000");
    let mut last: u32 = app.line().parse().unwrap();
    let began = std::time::Instant::now();
    for _ in 0..50 {
        let pid = app.restart().unwrap();
        assert_ne!(pid, last);
        assert_eq!(app.line(), pid.to_string());
        last = pid;
    }
    eprintln!("50 restarts took {:?}", began.elapsed());
    assert_eq!(app.children(), [last]);
}

#[test]
fn orphans_are_collected() {
    let mut app = Supervised::shell(
        &[],
        "(setsid sh -c 'echo $$; exec >&-' &) ; setsid sh -c '(sh -c \"echo \\$\\$\" &)'; echo up; exec sleep 1000",
    );
    let lines = [app.line(), app.line(), app.line()];
    let orphans: Vec<u32> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(orphans.len(), 2, "{lines:?}");
    // They have ended, or do so while the command does.
    let is_zombie =
        |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    let mut pid = app.restart().unwrap();
    while orphans.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists()) {
        assert!(!orphans.iter().all(is_zombie), "nobody collects them");
        pid = app.restart().unwrap();
    }
    assert!(app.children().contains(&pid));
}

#[test]
fn what_the_command_leaves_in_its_group_does_not_outlive_a_restart() {
    let mut app = Supervised::shell(
        &[],
        "(trap '' TERM; echo $(exec sh -c 'echo $PPID'); exec sleep 1000) & echo up; wait",
    );
    let mut lines = [app.line(), app.line()];
    lines.sort();
    let left: u32 = lines[0].parse().unwrap();
    app.restart().unwrap();
    assert!(!Path::new(&format!("/proc/{left}")).exists());
}

#[test]
fn a_command_that_does_not_want_to_end_is_killed() {
    let mut app = Supervised::shell(&["--grace", "0.05"], &format!("trap '' TERM; echo up; {WAITS}"));
    assert_eq!(app.line(), "up");
    let mut watch = Watch::named(&app.socket).unwrap();
    assert!(matches!(watch.wait().unwrap(), Some(Event::Watching(Some(_)))));
    let pid = app.restart().unwrap();
    // An end that was ordered is not told.
    assert_eq!(watch.wait().unwrap(), Some(Event::Started(pid)));
    // Its next life ignores the signal as well, and the test does not wait for that to be over.
    rustix::process::kill_process_group(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn orders_that_come_while_the_command_ends_are_one() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &gate, 0o600.into()).unwrap();
    let gate_name = gate.display();
    let mut app = Supervised::shell(
        &[],
        &format!("trap '[ ! -e {gate_name} ] || read x <{gate_name}; exit 0' TERM; echo up; {WAITS}"),
    );
    assert_eq!(app.line(), "up");
    let orders: Vec<_> = (0..5).map(|_| app.connect()).collect();
    for mut order in &orders {
        order.write_all(b"restart\n").unwrap();
    }
    // Who came last is read last, so all orders are known by now.
    let first = Watch::named(&app.socket).unwrap().wait().unwrap();
    std::fs::write(&gate, "go\n").unwrap();
    let answers: Vec<String> = orders
        .into_iter()
        .map(|order| {
            let mut answer = String::new();
            BufReader::new(order).read_line(&mut answer).unwrap();
            answer
        })
        .collect();
    std::fs::remove_file(&gate).unwrap();
    let pid = Watch::named(&app.socket).unwrap().wait().unwrap();
    assert_ne!(first, pid);
    let Some(Event::Watching(Some(pid))) = pid else {
        panic!("{pid:?}")
    };
    assert_eq!(answers, vec![format!("restarted {pid}\n"); 5]);
    assert_eq!(app.line(), "up");
}

#[test]
fn a_crash_after_a_restart_waits_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let app = script(folder.path(), "#!/bin/sh\necho up\nexec sleep 1000\n");
    let mut run = Supervised::new(&[], &[app.to_str().unwrap()]);
    assert_eq!(run.line(), "up");
    let mut watch = Watch::named(&run.socket).unwrap();
    watch.wait().unwrap();

    script(folder.path(), "#!/bin/sh\necho down\nexit 5\n");
    run.restart().unwrap();
    assert_eq!(run.line(), "down");
    assert_eq!(
        run.said(),
        "tilt: the process exited with code 5; the next Live Update starts it again"
    );

    // Worse: nothing that could be started.
    std::fs::remove_file(&app).unwrap();
    let refused = run.restart().unwrap_err();
    assert!(matches!(refused, RestartError::Refused(reason) if reason.ends_with("app`: not found")));

    script(folder.path(), "#!/bin/sh\necho up again\nexit 0\n");
    run.restart().unwrap();
    assert_eq!(run.line(), "up again");
    assert_eq!(run.end().code(), Some(0));
    let mut events = Vec::new();
    while let Some(event) = watch.wait().unwrap() {
        events.push(event);
    }
    let codes: Vec<_> = events
        .iter()
        .filter(|event| matches!(event, Event::Exited(_)))
        .collect();
    assert_eq!(codes, [&Event::Exited(End::Exited(5)), &Event::Exited(End::Exited(0))]);
}

#[test]
fn a_container_that_waits_ends_when_it_is_stopped() {
    let mut app = Supervised::shell(&["--exit-policy", "continue"], "exit 4");
    assert_eq!(
        app.said(),
        "tilt: the process exited with code 4; the next Live Update starts it again"
    );
    app.signal(Signal::TERM);
    assert_eq!(app.end().code(), Some(143));
    assert!(matches!(app.restart(), Err(RestartError::NoSupervisor)));
}

#[test]
fn the_strict_policy_ends_with_a_crash_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let app = script(folder.path(), "#!/bin/sh\necho up\nexec sleep 1000\n");
    let mut run = Supervised::new(&["--exit-policy", "restart"], &[app.to_str().unwrap()]);
    assert_eq!(run.line(), "up");
    script(folder.path(), "#!/bin/sh\nexit 5\n");
    run.restart().unwrap();
    assert_eq!(run.end().code(), Some(5));
}

#[test]
fn a_write_to_the_restart_file_starts_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("restart");
    let mut app = Supervised::shell(&["--restart-file", file.to_str().unwrap()], "echo $$; exec sleep 1000");
    let mut last = app.line();
    for order in ["date >", "touch", "echo >>", "busybox touch", "date >"] {
        let script = format!("{order} {}", file.display());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        let pid = app.line();
        assert_ne!(pid, last, "{order}");
        last = pid;
    }
    // One order was one restart: what runs now is what said so last.
    assert_eq!(app.children(), [last.parse::<u32>().unwrap()]);
}

#[test]
fn a_restart_file_may_appear_later() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("later/restart");
    let mut app = Supervised::shell(&["--restart-file", file.to_str().unwrap()], "echo $$; exec sleep 1000");
    let first = app.line();
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "now").unwrap();
    assert_ne!(app.line(), first);
}

#[test]
fn a_second_supervisor_says_that_it_has_no_say() {
    let mut first = Supervised::shell(&[], "echo up; exec sleep 1000");
    assert_eq!(first.line(), "up");
    let second = Command::new(env!("CARGO_BIN_EXE_tilt-agent"))
        .args(["supervise", "--socket", &first.socket, "--", "true"])
        .output()
        .unwrap();
    assert!(second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(
        said.contains("this container cannot be told to restart its process"),
        "{said}"
    );
}

#[test]
fn garbage_on_the_socket_harms_nobody() {
    use std::io::{Read, Write};
    let mut app = Supervised::shell(&[], "echo up; exec sleep 1000");
    assert_eq!(app.line(), "up");
    for garbage in [
        vec![0xff; 4096],
        b"\n\n\n".to_vec(),
        vec![b'x'; 65],
        b"restarting\n".to_vec(),
    ] {
        let mut stream = app.connect();
        // It may hang up before all is written.
        let _ = stream.write_all(&garbage);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty());
    }
    app.restart().unwrap();
    assert_eq!(app.line(), "up");
}
