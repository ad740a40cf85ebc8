//! A real `tilt up` in a folder and a home of its own, and the commands that talk to it.
//!
//! ```text
//! let mut session = Session::up("local_resource('hello', 'echo hi')");
//! session.line_with("hi");
//! assert!(session.run(&["trigger", "hello"]).status.success());
//! ```

use std::path::PathBuf;
use std::process::{Command, Output};

use rustix::process::Signal;

use super::ports::free_port;
use super::program::{End, Program};

/// Somebody else may take a port between our look and our use of it.
const ATTEMPTS: usize = 5;

/// A folder with a Tiltfile, and everything that tilt keeps about it.
pub struct Home {
    folder: tempfile::TempDir,
    /// For every command that runs in it.
    variables: Vec<(String, String)>,
}

impl Home {
    pub fn with(tiltfile: &str) -> Home {
        let home = Home::empty();
        home.write("Tiltfile", tiltfile);
        home
    }

    /// Without a Tiltfile.
    pub fn empty() -> Home {
        Home::of(tempfile::tempdir().expect("a folder for the session"))
    }

    /// With a project in it.
    pub fn of(folder: tempfile::TempDir) -> Home {
        Home {
            folder,
            variables: Vec::new(),
        }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file of the session's");
    }

    /// The binary in this folder, with nothing of this machine's settings.
    pub fn tilt(&self, words: &[&str]) -> Command {
        let mut command = super::tilt(self.folder.path());
        let own = |name: &str| self.path(".own").join(name);
        command
            .env("HOME", own("home"))
            .env("TILT_DEV_DIR", own("dev"))
            .env("XDG_DATA_HOME", own("data"))
            .env("XDG_CACHE_HOME", own("cache"))
            .env("XDG_STATE_HOME", own("state"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .args(words);
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.tilt(words).output().expect("tilt runs")
    }
}

/// Ends with the test.
pub struct Session {
    // Before the home: it still writes there while it ends.
    program: Program,
    home: Home,
    port: u16,
}

impl Session {
    pub fn up(tiltfile: &str) -> Session {
        Session::start(Home::with(tiltfile), &["up"])
    }

    /// Starts a command that serves, and waits until others can reach it.
    pub fn start(home: Home, words: &[&str]) -> Session {
        Session::start_with(home, words, &[])
    }

    /// The same with variables.
    pub fn start_with(home: Home, words: &[&str], variables: &[(&str, &str)]) -> Session {
        for _ in 0..ATTEMPTS {
            let port = free_port();
            let mut command = home.tilt(words);
            command.envs(variables.iter().copied());
            let mut program = Program::start(command.env("TILT_PORT", port.to_string()));
            // Printed once the servers listen and are listed.
            if program.next_with("Tilt started on").is_some() {
                return Session { program, home, port };
            }
            let end = program.end();
            assert!(end.stderr.contains("another process"), "it ended: {end:?}");
        }
        panic!("somebody takes every port");
    }

    /// Starts one at a port where nobody listens any more.
    pub fn start_at(home: Home, port: u16, words: &[&str]) -> Session {
        let mut program = Program::start(home.tilt(words).env("TILT_PORT", port.to_string()));
        program.line_with("Tilt started on");
        Session { program, home, port }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        self.home.write(name, text);
    }

    /// A command that talks to this session.
    pub fn tilt(&self, words: &[&str]) -> Command {
        let mut command = self.home.tilt(words);
        command.env("TILT_PORT", self.port.to_string());
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.tilt(words).output().expect("tilt runs")
    }

    /// The standard output of a command that must go well.
    #[track_caller]
    pub fn said(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", super::stderr(&output));
        super::stdout(&output)
    }

    /// The error output of a command that must fail with 1.
    #[track_caller]
    pub fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
        super::stderr(&output)
    }

    /// A command that goes on while the test does.
    pub fn follow(&self, words: &[&str]) -> Program {
        Program::start(&mut self.tilt(words))
    }

    /// The next line of the session's own output that has this in it.
    #[track_caller]
    pub fn line_with(&mut self, part: &str) -> String {
        self.program.line_with(part)
    }

    /// Waits until a resource is there and in a condition: `Ready`, `UpToDate`.
    #[track_caller]
    pub fn wait(&self, condition: &str, resource: &str) {
        let (condition, resource) = (format!("--for=condition={condition}"), format!("uiresource/{resource}"));
        for state in ["--for=create", &condition] {
            let output = self.run(&["wait", state, "--timeout=60s", &resource]);
            if !output.status.success() {
                let is = self.run(&["get", &resource, "-o", "yaml"]);
                panic!("{}{resource} is\n{}", super::stderr(&output), super::stdout(&is));
            }
        }
    }

    /// Ends it without a chance to say goodbye.
    pub fn kill(&mut self) {
        self.program.signal(Signal::KILL);
    }

    pub fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// Waits until it ends; what it leaves behind can be looked at.
    pub fn end(self) -> (Home, End) {
        (self.home, self.program.end())
    }

    /// Ends it as ctrl-c does.
    pub fn interrupt(self) -> End {
        let Session { program, home, .. } = self;
        let end = program.interrupt();
        drop(home);
        end
    }
}
