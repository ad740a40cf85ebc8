//! An engine, names in it that nobody else has, and a registry.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tilt::world::docker::Engine;

use crate::support::is_skipped_without;
use crate::support::ports::free_port;
use crate::support::program::Program;

/// Our own environment.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

/// The engine of this machine; without one the test says that it is skipped, or fails where nothing may be.
pub async fn engine(test: &str) -> Option<Engine> {
    match Engine::connect(&environment()).await {
        Ok(engine) => Some(engine),
        Err(error) => {
            let why = format!("{test}: {error}");
            assert!(std::env::var_os("TILT_TEST_NO_SKIP").is_none(), "{why}");
            eprintln!("SKIPPED: {why}");
            None
        }
    }
}

/// The name of an image that only this test has. All its tags are removed in the end, and those below it.
pub struct Name(String);

impl Name {
    pub fn new(topic: &str) -> Name {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        // All of one length, so that none begins like another.
        Name(format!("tilt-test-{topic}-{}-{nth:04}", std::process::id()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All that the engine has under it, in whatever registry.
    pub fn tags(&self) -> Vec<String> {
        let listed = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        let meant = listed.lines().filter(|line| line.contains(&self.0));
        let mut tags: Vec<String> = meant.map(str::to_owned).collect();
        tags.sort();
        tags
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let tags = self.tags();
        if !tags.is_empty() {
            let _ = Command::new("docker").arg("rmi").arg("-f").args(tags).output();
        }
    }
}

/// What the `docker` program says.
#[track_caller]
pub fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().expect("docker runs");
    assert!(
        output.status.success(),
        "docker {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A registry on this machine, gone when dropped.
pub struct Registry {
    pub host: String,
    _program: Program,
}

impl Registry {
    pub fn start(folder: &Path, test: &str) -> Option<Registry> {
        if is_skipped_without("docker-registry", test) {
            return None;
        }
        let port = free_port();
        let host = format!("127.0.0.1:{port}");
        let config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{host}'}}\n",
            folder.join("registry").display()
        );
        let file = folder.join("registry.yml");
        std::fs::write(&file, config).unwrap();
        let script = format!("exec docker-registry serve {} 2>&1", file.display());
        let mut program = Program::start(Command::new("sh").args(["-c", &script]));
        program.line_with("listening on");
        Some(Registry {
            host,
            _program: program,
        })
    }

    /// The tags that it has of a repository.
    pub fn tags(&self, folder: &Path, repository: &str) -> Vec<String> {
        let tags = folder
            .join("registry/docker/registry/v2/repositories")
            .join(repository)
            .join("_manifests/tags");
        let entries = std::fs::read_dir(tags).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

pub fn make_executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}
