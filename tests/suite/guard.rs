//! No child outlives a Tilt that is killed. A second copy of this test binary plays that Tilt: it starts real commands
//! through the library, with the real program as their guard.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process, pidfd_open, prlimit};
use tilt::world::guard::Guard;
use tilt::world::process::group::Stat;
use tilt::world::process::serve::{self, Reports, Spec, Stop};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const ROLE: &str = "TILT_TEST_GUARDED";

fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_tilt"))
}

/// The Tilt that is killed. Says who its guard is, runs the scripts it is told on its input, each in a command of its
/// own, and says what they print. Ends well with its input. Only a test when it is told to be.
#[test]
fn a_tilt_to_be_killed() {
    let Some(dir) = std::env::var_os(ROLE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(serve_scripts(PathBuf::from(dir)));
    // The guard has gone by now, and everything that was started.
    say("over");
}

async fn serve_scripts(dir: PathBuf) {
    let guard = std::sync::Arc::new(Guard::start(exe()).unwrap());
    say(&format!("guard {}", guard.pid()));
    let (sender, mut chunks) = mpsc::channel::<serve::Chunk>(16);
    let (told, mut scripts) = mpsc::channel(16);
    let reader = std::thread::spawn(move || {
        for script in std::io::stdin().lines().map_while(Result::ok) {
            if told.blocking_send(script).is_err() {
                return;
            }
        }
    });
    let mut commands = JoinSet::new();
    loop {
        tokio::select! {
            script = scripts.recv() => match script {
                Some(script) if script == "guard?" => say(&format!("guard {}", guard.pid())),
                Some(script) => {
                    let (dir, sender, guard) = (dir.clone(), sender.clone(), guard.clone());
                    commands.spawn(async move {
                        let reports = Reports { output: &sender, events: |_| {} };
                        let exit = serve::run(&shell(dir, &script), &Stop::default(), Some(&guard), reports).await;
                        if exit.pid.is_none() {
                            say(&format!("refused {} {}", exit.code, exit.reason));
                        }
                    });
                }
                None => break,
            },
            Some(chunk) = chunks.recv() => say(String::from_utf8_lossy(&chunk.bytes).trim_end()),
        }
    }
    commands.shutdown().await;
    reader.join().unwrap();
}

fn shell(dir: PathBuf, script: &str) -> Spec {
    Spec {
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        dir,
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        grace: serve::GRACE,
    }
}

/// Past the test harness, which keeps what is printed in the usual way.
fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "@{line}").and_then(|()| out.flush()).unwrap();
}

struct Tilt {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
    guard: i32,
    dir: tempfile::TempDir,
}

impl Tilt {
    fn start() -> Tilt {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "guard::a_tilt_to_be_killed",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ROLE, dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut tilt = Tilt {
            process,
            lines,
            guard: 0,
            dir,
        };
        tilt.guard = tilt.number("guard");
        tilt
    }

    fn tell(&mut self, script: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{script}").unwrap();
    }

    /// What it says next.
    fn heard(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it has ended");
            if let Some((_, said)) = line.trim_end().split_once('@') {
                return said.to_owned();
            }
        }
    }

    /// The number that follows a word in what it says next.
    fn number(&mut self, word: &str) -> i32 {
        let said = self.heard();
        said.strip_prefix(word)
            .unwrap_or_else(|| panic!("{said}"))
            .trim()
            .parse()
            .unwrap()
    }

    /// Runs a script and returns the number it prints after `word`.
    fn run(&mut self, script: &str, word: &str) -> i32 {
        self.tell(script);
        self.number(word)
    }

    fn kill(&mut self) {
        kill_process(Pid::from_child(&self.process), Signal::KILL).unwrap();
        self.process.wait().unwrap();
    }

    /// Waits until none of the processes runs any more, and returns what its commands have written into `log`.
    fn log_when_gone(&self, pids: &[i32]) -> String {
        for pid in pids {
            await_gone(*pid);
        }
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
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

/// Stays for ever, with a child; says good-bye when asked to end.
const POLITE: &str = "trap 'echo bye >> log; exit' TERM; sleep 1000 & echo polite $$; wait; wait";
/// Does not listen.
const STUBBORN: &str = "trap '' TERM; sleep 1000 & echo stubborn $!; while :; do sleep 0.05; done";

#[test]
fn children_end_when_tilt_is_killed() {
    let mut tilt = Tilt::start();
    let polite = tilt.run(POLITE, "polite");
    let stubborn = tilt.run(STUBBORN, "stubborn");
    tilt.kill();
    let guard = tilt.guard;
    assert_eq!(tilt.log_when_gone(&[polite, stubborn, guard]), "bye\n");
}

#[test]
fn a_guard_that_is_killed_is_replaced_and_told_everything() {
    let mut tilt = Tilt::start();
    let polite = tilt.run(POLITE, "polite");
    let first = tilt.guard;
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    let second = loop {
        match tilt.run("guard?", "guard") {
            same if same == first => {}
            other => break other,
        }
    };
    assert!(
        Stat::of(polite).is_some(),
        "the end of the guard is not the end of Tilt"
    );
    tilt.kill();
    assert_eq!(tilt.log_when_gone(&[polite, second]), "bye\n");
}

#[test]
fn the_guard_stays_out_of_the_terminal_and_lets_no_polite_signal_end_it() {
    let mut tilt = Tilt::start();
    let polite = tilt.run(POLITE, "polite");
    let guard = tilt.guard;
    // It has hidden once it has its name.
    let name = || std::fs::read_to_string(format!("/proc/{guard}/comm")).unwrap();
    while name() != "childguard\n" {
        std::thread::yield_now();
    }
    let stat = Stat::of(guard).unwrap();
    assert_eq!((stat.group, stat.session), (guard, guard));
    // Its handlers are set in the order of these bits of the mask of caught signals: HUP 1, INT 2, QUIT 3, TERM 15.
    let wanted = 0b0100_0000_0000_0111_u64;
    let caught = || {
        let status = std::fs::read_to_string(format!("/proc/{guard}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    };
    while caught() & wanted != wanted {
        std::thread::yield_now();
    }
    for signal in [Signal::HUP, Signal::INT, Signal::TERM, Signal::QUIT] {
        kill_process(Pid::from_raw(guard).unwrap(), signal).unwrap();
    }
    for (number, target) in [(1, "/dev/null"), (2, "/dev/null")] {
        let open = std::fs::read_link(format!("/proc/{guard}/fd/{number}")).unwrap();
        assert_eq!(open, Path::new(target));
    }
    assert_eq!(
        std::fs::read_link(format!("/proc/{guard}/cwd")).unwrap(),
        Path::new("/")
    );
    assert_eq!(tilt.run("guard?", "guard"), guard, "it has been replaced");
    tilt.kill();
    assert_eq!(tilt.log_when_gone(&[polite, guard]), "bye\n");
}

#[test]
fn a_good_end_leaves_neither_children_nor_a_guard_nor_zombies() {
    let mut tilt = Tilt::start();
    let polite = tilt.run(POLITE, "polite");
    let over = tilt.run("echo over $$", "over");
    drop(tilt.process.stdin.take());
    assert_eq!(tilt.heard(), "over");
    // The guard was collected before it said so: not even a zombie is left.
    assert_eq!(Stat::of(tilt.guard), None);
    let mut rest = String::new();
    tilt.lines.read_to_string(&mut rest).unwrap();
    assert!(tilt.process.wait().unwrap().success(), "{rest}");
    tilt.log_when_gone(&[polite, over]);
}

#[test]
fn thousands_of_commands_pass_a_guard_that_is_stopped() {
    let guard = Guard::start(exe()).unwrap();
    let pid = Pid::from_raw(guard.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    // Far more than a pipe holds; nothing waits.
    let own = rustix::process::getpid();
    for _ in 0..20_000 {
        drop(guard.register(own));
    }
    kill_process(pid, Signal::CONT).unwrap();
    // It reads all of it, and ends without having found anything to end: we still live.
    drop(guard);
    assert_eq!(Stat::of(pid.as_raw_pid()), None);
}

#[test]
fn running_out_of_files_fails_a_start_and_nothing_else() {
    let mut tilt = Tilt::start();
    let first = tilt.run(POLITE, "polite");
    let process = Pid::from_child(&tilt.process);
    let open = std::fs::read_dir(format!("/proc/{}/fd", tilt.process.id()))
        .unwrap()
        .count() as u64;
    let limit = |files| Rlimit {
        current: Some(files),
        maximum: Some(4096),
    };
    prlimit(Some(process), Resource::Nofile, limit(open + 5)).unwrap();
    let mut pids = vec![first];
    let refused = loop {
        tilt.tell(POLITE);
        let said = tilt.heard();
        match said.strip_prefix("polite ") {
            Some(pid) => pids.push(pid.parse().unwrap()),
            None => break said,
        }
    };
    assert!(
        refused.starts_with("refused 1 ") && refused.ends_with("too many open files"),
        "{refused}"
    );
    prlimit(Some(process), Resource::Nofile, limit(4096)).unwrap();
    pids.push(tilt.run(POLITE, "polite"));
    tilt.kill();
    assert_eq!(tilt.log_when_gone(&pids), "bye\n".repeat(pids.len()));
}

#[test]
fn a_guard_that_cannot_be_started_is_an_error() {
    assert!(Guard::start(Path::new("no/such/program")).is_err());
}

#[test]
fn people_are_not_shown_the_guards_command() {
    let output = crate::support::tilt(Path::new("/")).arg("help").output().unwrap();
    assert!(!crate::support::stdout(&output).contains("__guard"));
}
