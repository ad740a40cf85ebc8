//! A Docker Engine of a test's own: it may be killed, restarted and filled to the brim, and nobody else notices.
//!
//! It lives in namespaces of its own, so that whatever it started and mounted ends with it, however it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use super::program::Program;
use super::{is_skipped_without, skip};

/// Where it keeps its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Among the other temporary files.
    Ordinary,
    /// So many megabytes, which are lost when it ends.
    Small(u32),
}

pub struct OwnEngine {
    folder: tempfile::TempDir,
    disk: Disk,
    program: Option<Program>,
}

impl OwnEngine {
    /// None where there can be none, which the test says then.
    pub fn start(disk: Disk, test: &str) -> Option<OwnEngine> {
        if ["dockerd", "unshare", "setpriv"]
            .iter()
            .any(|program| is_skipped_without(program, test))
        {
            return None;
        }
        if !geteuid().is_root() {
            skip(test, "only root can start an engine of its own");
            return None;
        }
        let mut engine = OwnEngine {
            folder: tempfile::tempdir().expect("a folder"),
            disk,
            program: None,
        };
        match engine.try_start() {
            Ok(()) => Some(engine),
            Err(said) => {
                skip(test, &format!("no engine of its own starts here:\n{said}"));
                None
            }
        }
    }

    /// What reaches it, and only it.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let ours = super::engine::environment();
        let mut env: BTreeMap<String, String> = ours
            .into_iter()
            .filter(|(name, _)| !name.starts_with("DOCKER_"))
            .collect();
        env.insert("DOCKER_HOST".to_owned(), self.endpoint());
        env
    }

    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.path("docker.sock").display())
    }

    /// The docker command, asking this engine.
    pub fn docker(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.endpoint());
        command.output().expect("the docker command")
    }

    /// As when the machine loses power.
    #[track_caller]
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// As a service is stopped.
    #[track_caller]
    pub fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Again, with the images that it had.
    #[track_caller]
    pub fn start_again(&mut self) {
        if let Err(said) = self.try_start() {
            panic!("it does not start again:\n{said}");
        }
    }

    fn end(&mut self, signal: Signal) {
        let program = self.program.take().expect("it runs");
        let pid = child(program.id()).expect("the engine itself");
        kill_process(pid, signal).expect("it can be signalled");
        program.end();
    }

    /// What it said, if it ended instead.
    fn try_start(&mut self) -> Result<(), String> {
        // Numbers of processes in there are those of an earlier life.
        let _ = std::fs::remove_dir_all(self.path("run"));
        std::fs::create_dir_all(self.path("images")).expect("a folder");
        let mount = match self.disk {
            Disk::Ordinary => String::new(),
            Disk::Small(size) => format!(
                "mount -t tmpfs -o size={size}m images '{}' &&",
                self.path("images").display()
            ),
        };
        let script = format!(
            "{mount} exec dockerd --config-file '{config}' --data-root '{images}' --exec-root '{run}' --pidfile '{run}/pid' \
             --host '{endpoint}' --bridge=none --iptables=false --ip-masq=false --ip-forward=false 2>&1",
            config = self.config().display(),
            images = self.path("images").display(),
            run = self.path("run").display(),
            endpoint = self.endpoint(),
        );
        let mut command = Command::new("setpriv");
        command.args([
            "--pdeathsig",
            "KILL",
            "unshare",
            "--mount",
            // An engine without a bridge takes away the one that another engine here has.
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]);
        let mut program = Program::start(command.args(["sh", "-c", &script]));
        if program.next_with("API listen on").is_none() {
            return Err(program.end().lines.join("\n"));
        }
        self.program = Some(program);
        Ok(())
    }

    /// Nothing of this machine's settings.
    fn config(&self) -> PathBuf {
        let file = self.path("daemon.json");
        std::fs::create_dir_all(self.path("run")).expect("a folder");
        std::fs::write(&file, "{}").expect("written");
        file
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // A test that failed may have ended it already.
        if let Some(pid) = self.program.as_ref().and_then(|program| child(program.id())) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The one child of a process.
fn child(parent: u32) -> Option<Pid> {
    let file = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(Path::new(&file)).ok()?;
    let first = children.split_whitespace().next()?;
    Pid::from_raw(first.parse().ok()?)
}
