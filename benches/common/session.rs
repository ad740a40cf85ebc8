//! A real `tilt up` in a folder and a home of its own, the pipe through which its commands tell that they run, and what its process costs.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

/// Nothing that a benchmark waits for takes so long.
const PATIENCE: Duration = Duration::from_secs(15);
const GRACE: Duration = Duration::from_secs(10);

/// A folder with a Tiltfile, and everything that tilt keeps about it.
pub struct Home {
    folder: tempfile::TempDir,
    program: PathBuf,
    port: u16,
}

impl Home {
    pub fn with(program: &Path, tiltfile: &str) -> Home {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Tiltfile"), tiltfile).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Home {
            folder,
            program: program.to_owned(),
            port: listener.local_addr().unwrap().port(),
        }
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The program in this folder, with nothing of this machine's settings.
    pub fn tilt(&self, words: &[&str]) -> Command {
        let own = |name: &str| self.folder.path().join(".own").join(name);
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", own("home"))
            .env("TILT_DEV_DIR", own("dev"))
            .env("XDG_DATA_HOME", own("data"))
            .env("XDG_CACHE_HOME", own("cache"))
            .env("XDG_STATE_HOME", own("state"))
            .env("KUBECONFIG", "/dev/null")
            .env("TILT_DISABLE_ANALYTICS", "1")
            .env("TILT_PORT", self.port.to_string())
            .args(words);
        command
    }

    /// A pipe that commands of the Tiltfile write to.
    pub fn pipe(&self, name: &str) -> Pipe {
        let path = self.folder.path().join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Open for writing too: it does not end when the last command that wrote ends, and opening it does not wait for one.
        Pipe(OpenOptions::new().read(true).write(true).open(path).unwrap())
    }

    pub fn up(self) -> Session {
        let output = self.folder.path().join(".output");
        let file = File::create(&output).unwrap();
        let child = self
            .tilt(&["up", "--stream"])
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let session = Session {
            child,
            home: self,
            output,
        };
        session.wait_for("Tilt started on");
        session
    }
}

pub struct Pipe(File);

impl Pipe {
    /// Waits until this many bytes came; whether they did.
    pub fn bytes(&mut self, count: usize) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 512];
        let mut left = count;
        while left > 0 {
            let rest = deadline.saturating_duration_since(Instant::now());
            let rest = Timespec::try_from(rest).unwrap();
            let ready = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&rest)).unwrap();
            if ready == 0 {
                return false;
            }
            let most = left.min(buffer.len());
            left -= self.0.read(&mut buffer[..most]).unwrap();
        }
        true
    }
}

/// Ends when it is dropped.
pub struct Session {
    // Before the home: it still writes there while it ends.
    child: Child,
    pub home: Home,
    output: PathBuf,
}

impl Session {
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.output).unwrap()).into_owned()
    }

    /// Waits for this near the end of the output.
    pub fn wait_for(&self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.tail().contains(part) {
            assert!(Instant::now() < deadline, "no {part:?} in: {}", self.tail());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn tail(&self) -> String {
        use std::io::{Seek, SeekFrom};
        let mut file = File::open(&self.output).unwrap();
        let length = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096))).unwrap();
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).unwrap();
        String::from_utf8_lossy(&tail).into_owned()
    }

    /// Resident memory in MB, of the session itself.
    pub fn memory(&self) -> f64 {
        field(self.child.id(), "VmRSS:") / 1024.0
    }

    /// Resident memory in MB of those of its children that run the same program.
    pub fn memory_of_helpers(&self) -> f64 {
        let (id, program) = (self.child.id(), self.home.program.canonicalize().unwrap());
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
        let children =
            tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
        let children: Vec<u32> = children
            .flat_map(|line| {
                line.split_whitespace()
                    .map(|id| id.parse().unwrap())
                    .collect::<Vec<u32>>()
            })
            .filter(|id| std::fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == program))
            .collect();
        children.iter().map(|id| field(*id, "VmRSS:") / 1024.0).sum()
    }

    pub fn peak(&self) -> f64 {
        field(self.child.id(), "VmHWM:") / 1024.0
    }

    pub fn threads(&self) -> f64 {
        field(self.child.id(), "Threads:")
    }

    /// The share of one core that it takes for as long as this, in percent.
    pub fn load(&self, time: Duration) -> f64 {
        let before = self.busy();
        thread::sleep(time);
        (self.busy() - before) / time.as_secs_f64() * 100.0
    }

    /// Seconds on a core, of all threads; finer than the ticks of `stat`.
    fn busy(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks
            .map(|task| {
                let line = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
                let spent = line
                    .split_whitespace()
                    .next()
                    .map_or(0, |spent| spent.parse::<u64>().unwrap());
                Duration::from_nanos(spent).as_secs_f64()
            })
            .sum()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let deadline = Instant::now() + GRACE;
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = id.map(|id| kill_process(id, Signal::TERM));
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn field(id: u32, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
