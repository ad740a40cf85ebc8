//! Every bundled extension, loaded and used by the real binary, without a network; and extensions out of repositories.

mod bundled;
mod repositories;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{stderr, stdout, tilt};

/// `kubectl` asks for a name and a password where a context has no credentials.
const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
current-context: docker-desktop
clusters: [{name: docker-desktop, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: me, user: {token: none}}]
contexts: [{name: docker-desktop, context: {cluster: docker-desktop, user: me}}]
";

/// A project in a folder of its own, with programs that stand first in `PATH`.
struct Place {
    folder: tempfile::TempDir,
}

/// What `tilt alpha tiltfile-result -v` came to.
#[derive(Debug)]
struct Ran {
    exit: Option<i32>,
    result: Value,
    /// Standard error, with the project's folder as `$DIR`.
    log: String,
}

impl Place {
    fn new() -> Place {
        let place = Place {
            folder: tempfile::tempdir().unwrap(),
        };
        place.file("kubeconfig", KUBECONFIG);
        fs::create_dir(place.dir().join("bin")).unwrap();
        place
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.dir().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        self.file(&path, &format!("#!/bin/sh\n{script}"));
        fs::set_permissions(self.dir().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The binary on a Tiltfile, ready to be started.
    fn tilt(&self, tiltfile: &str) -> Command {
        let project = self.dir().join("project");
        fs::create_dir_all(&project).unwrap();
        fs::write(project.join("Tiltfile"), tiltfile).unwrap();
        let mut command = tilt(&project);
        let path = std::env::var("PATH").unwrap();
        command
            .env("PATH", format!("{}:{path}", self.dir().join("bin").display()))
            .env("KUBECONFIG", self.dir().join("kubeconfig"))
            .env("XDG_DATA_HOME", self.dir().join("data"))
            .args(["alpha", "tiltfile-result", "-v"]);
        command
    }

    fn load(&self, tiltfile: &str) -> Ran {
        self.ran(&mut self.tilt(tiltfile))
    }

    fn ran(&self, command: &mut Command) -> Ran {
        let output = command.output().unwrap();
        let dir = self.dir().display().to_string();
        Ran {
            exit: output.status.code(),
            result: serde_json::from_str(&stdout(&output).replace(&dir, "$DIR")).unwrap_or_default(),
            log: stderr(&output).replace(&dir, "$DIR"),
        }
    }
}

impl Ran {
    #[track_caller]
    fn succeeded(self) -> Ran {
        assert_eq!(self.exit, Some(0), "{}", self.log);
        self
    }

    /// What stands at the end of the log of a Tiltfile that failed.
    #[track_caller]
    fn failure(self) -> String {
        assert_eq!(self.exit, Some(5), "{}", self.log);
        self.log.lines().last().unwrap_or_default().to_owned()
    }

    fn names(&self) -> Vec<&str> {
        let resources = self.result["Manifests"].as_array().unwrap();
        resources
            .iter()
            .map(|resource| resource["Name"].as_str().unwrap())
            .collect()
    }

    fn resource(&self, name: &str) -> &Value {
        let resources = self.result["Manifests"].as_array().unwrap();
        resources.iter().find(|resource| resource["Name"] == name).unwrap()
    }

    /// The deployed YAML of a resource.
    fn yaml(&self, name: &str) -> &str {
        self.resource(name)["DeployTarget"]["yaml"].as_str().unwrap()
    }

    /// Whether a line of the log is this one.
    fn said(&self, line: &str) -> bool {
        self.log.lines().any(|said| said == line)
    }
}

/// Runs git in a folder, with nothing of this machine's settings.
fn git(folder: &Path, words: &str) {
    let output = Command::new("git")
        .args(words.split(' '))
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "someone")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "someone@example.test")))
        .output()
        .unwrap();
    assert!(output.status.success(), "git {words}: {}", stderr(&output));
}
