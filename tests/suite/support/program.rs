//! A program that runs while a test goes on: its lines are awaited as they come, and it is gone when the test ends.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Nothing that a test waits for takes so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a program that is asked to end has, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

pub struct Program {
    child: Child,
    lines: Receiver<String>,
    /// All that came so far, for whoever has to find out why a test failed.
    seen: Vec<String>,
    stderr: Option<JoinHandle<String>>,
}

/// How a program ended, and what it said that nobody waited for.
#[derive(Debug)]
pub struct End {
    pub status: ExitStatus,
    /// All lines of its standard output, from the beginning.
    pub lines: Vec<String>,
    pub stderr: String,
}

impl Program {
    pub fn start(command: &mut Command) -> Program {
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The test may have ended, and with it the interest in more.
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Program {
            child,
            lines,
            seen: Vec::new(),
            stderr: Some(stderr),
        }
    }

    /// The next line that has this in it; those before it are passed over. Fails the test if none comes.
    #[track_caller]
    pub fn line_with(&mut self, part: &str) -> String {
        match self.next_with(part) {
            Some(line) => line,
            None => panic!("it ended without a line with {part:?}"),
        }
    }

    /// The lines that come up to the next one that has this in it, that one included. Fails the test if none comes.
    #[track_caller]
    pub fn lines_to(&mut self, part: &str) -> Vec<String> {
        let before = self.seen.len();
        self.line_with(part);
        self.seen[before..].to_vec()
    }

    /// The next line that has this in it; nothing once it has ended.
    pub fn next_with(&mut self, part: &str) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(part) {
                        return Some(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("waited too long for {part:?}"),
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process has a number"), signal).expect("it can be signalled");
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn end(mut self) -> End {
        assert!(self.ends_within(PATIENCE), "it does not end");
        self.collect()
    }

    /// Asks it to end, as ctrl-c does.
    #[track_caller]
    pub fn interrupt(self) -> End {
        self.signal(Signal::INT);
        self.end()
    }

    /// An ending program closes its output.
    fn ends_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn collect(&mut self) -> End {
        let status = self.child.wait().expect("its end can be waited for");
        let stderr = self.stderr.take().and_then(|stderr| stderr.join().ok());
        End {
            status,
            lines: std::mem::take(&mut self.seen),
            stderr: stderr.unwrap_or_default(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Ended already, if it was waited for.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.signal(Signal::TERM);
            if !self.ends_within(GRACE) {
                let _ = self.child.kill();
            }
            let _ = self.child.wait();
        }
        if thread::panicking() {
            self.seen.extend(self.lines.try_iter());
            eprintln!(
                "what a program said before the test failed:\n{}\n",
                self.seen.join("\n")
            );
        }
    }
}
