//! Small Tiltfiles for tests: written into a folder of their own, evaluated in an environment that holds nothing but a `PATH`.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::model::project::{Evaluation, Project, Resource};
use crate::model::report::{Failure, FailureKind};
use crate::tiltfile::host::{Environment, Level, LogLine};
use crate::tiltfile::timing::Timed;
use crate::tiltfile::{Limits, Request, evaluate};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A folder with a Tiltfile, and in which surroundings it is to be evaluated.
pub struct Tiltfile {
    folder: tempfile::TempDir,
    request: Request,
}

/// What an evaluation came to, with the folder written as `$DIR` in everything that is text.
pub struct Evaluated {
    pub evaluation: Evaluation,
    pub lines: Vec<LogLine>,
    folder: tempfile::TempDir,
}

impl Tiltfile {
    pub fn new(text: &str) -> Tiltfile {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let tiltfile = root(&folder).join("Tiltfile");
        fs::write(&tiltfile, text).expect("a writable folder");
        let home = root(&folder).join(".home").display().to_string();
        let environment = [("PATH", PATH), ("HOME", &home)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = Request {
            tiltfile,
            args: Vec::new(),
            subcommand: "up".to_owned(),
            purpose: Default::default(),
            environment: Environment::from(environment),
            command_line: vec!["tilt".to_owned(), "up".to_owned()],
            executable: PathBuf::from("/bin/tilt"),
            kube_context: None,
            kube_namespace: None,
            pinned: None,
            timings: Timed::No,
            limits: Limits::default(),
            cancel: Default::default(),
        };
        Tiltfile { folder, request }
    }

    /// A file below the Tiltfile's folder; folders on the way are made.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Tiltfile {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a writable folder");
        fs::write(path, content).expect("a writable folder");
        self
    }

    /// A shell script that stands first on `PATH` under the given name.
    pub fn program(self, name: &str, script: &str) -> Tiltfile {
        let bin = self.dir().join(".bin");
        let with = self.file(&format!(".bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("a file of our own");
        let path = format!("{}:{PATH}", bin.display());
        with.env("PATH", &path)
    }

    /// A kubeconfig whose active context belongs to a cluster of the given name.
    pub fn context(self, name: &str, cluster: &str) -> Tiltfile {
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name}\ncontexts:\n- name: {name}\n  context: {{cluster: {cluster}, user: u, namespace: there}}\nclusters:\n- name: {cluster}\n  cluster: {{server: 'https://localhost:1'}}\n"
        );
        self.file(".home/.kube/config", config)
    }

    pub fn env(mut self, name: &str, value: &str) -> Tiltfile {
        self.request.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn args(mut self, args: &[&str]) -> Tiltfile {
        self.request.args = args.iter().map(|arg| (*arg).to_owned()).collect();
        self
    }

    /// Anything else about the request.
    pub fn with(mut self, change: impl FnOnce(&mut Request)) -> Tiltfile {
        change(&mut self.request);
        self
    }

    pub fn dir(&self) -> PathBuf {
        root(&self.folder)
    }

    pub fn request(&self) -> &Request {
        &self.request
    }

    pub fn eval(self) -> Evaluated {
        let lines = RefCell::new(Vec::new());
        let evaluation = evaluate(self.request, |line| lines.borrow_mut().push(line));
        let dir = root(&self.folder).display().to_string();
        let mut lines = lines.into_inner();
        lines
            .iter_mut()
            .for_each(|line| line.text = line.text.replace(&dir, "$DIR"));
        Evaluated {
            evaluation,
            lines,
            folder: self.folder,
        }
    }
}

impl Evaluated {
    pub fn dir(&self) -> PathBuf {
        root(&self.folder)
    }

    /// The project of an evaluation that went well.
    #[track_caller]
    pub fn project(&self) -> &Project {
        match &self.evaluation.project {
            Ok(project) => project,
            Err(_) => panic!("the evaluation failed:\n{}", self.error()),
        }
    }

    #[track_caller]
    pub fn names(&self) -> Vec<&str> {
        let resources = self.project().resources.iter();
        resources.map(|resource| resource.name.as_str()).collect()
    }

    #[track_caller]
    pub fn resource(&self, name: &str) -> &Resource {
        let found = self.project().resources.iter().find(|resource| resource.name == name);
        found.unwrap_or_else(|| panic!("no {name} among {:?}", self.names()))
    }

    /// The log's lines, each ended by a line break.
    pub fn log(&self) -> String {
        self.lines.iter().map(|line| format!("{}\n", line.text)).collect()
    }

    /// What `print` wrote and commands said in an evaluation that went well.
    #[track_caller]
    pub fn said(&self) -> String {
        self.project();
        self.log()
    }

    pub fn warnings(&self) -> Vec<&str> {
        self.lines
            .iter()
            .filter(|line| line.level == Level::Warn)
            .map(|line| line.text.as_str())
            .collect()
    }

    /// The traceback; empty if nothing failed.
    pub fn error(&self) -> String {
        let dir = self.dir().display().to_string();
        let failure = self.evaluation.project.as_ref().err();
        failure
            .map(|failure| traceback(failure).replace(&dir, "$DIR"))
            .unwrap_or_default()
    }

    /// The failure's own words, without its place.
    #[track_caller]
    pub fn message(&self) -> String {
        let dir = self.dir().display().to_string();
        match &self.evaluation.project {
            Ok(_) => panic!("the evaluation went well:\n{}", self.log()),
            Err(failure) => failure.message.replace(&dir, "$DIR"),
        }
    }

    /// Watched files, relative to the folder where they are below it; without `.tiltignore`, which always is one.
    pub fn watched(&self) -> Vec<String> {
        let dir = self.dir();
        let name = |path: &PathBuf| path.strip_prefix(&dir).unwrap_or(path).display().to_string();
        let mut watched: Vec<String> = self.evaluation.config_files.iter().map(name).collect();
        watched.retain(|file| file != ".tiltignore");
        watched
    }
}

/// A failure as it is printed for scripts; the real printer lives above this layer.
fn traceback(failure: &Failure) -> String {
    match &failure.kind {
        FailureKind::Static => {
            failure
                .frames
                .last()
                .map(|frame| format!("{}: ", frame.place()))
                .unwrap_or_default()
                + &failure.message
        }
        FailureKind::Whole | FailureKind::Missing => failure.message.clone(),
        FailureKind::Running { builtin } => {
            let calls: String = failure
                .frames
                .iter()
                .map(|frame| format!("  {}: in {}\n", frame.place(), frame.function))
                .collect();
            let within = builtin.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
            format!(
                "Traceback (most recent call last):\n{calls}Error{within}: {}",
                failure.message
            )
        }
    }
}

/// Without symbolic links, so that paths are spelled as programs report them.
fn root(folder: &tempfile::TempDir) -> PathBuf {
    let path: &Path = folder.path();
    path.canonicalize().expect("a folder that is there")
}

#[test]
fn a_small_tiltfile_is_evaluated() {
    let said = Tiltfile::new("print(x)\n").eval();
    assert_eq!(said.error(), "$DIR/Tiltfile:1:7: undefined: x");
    let said = Tiltfile::new("print('a')\ndef f():\n  fail('no', 1)\nf()\n").eval();
    assert_eq!(said.log(), "a\n");
    assert_eq!(said.message(), "no 1");
    assert_eq!(
        said.error(),
        "Traceback (most recent call last):\n  $DIR/Tiltfile:4:2: in <toplevel>\n  $DIR/Tiltfile:3:7: in f\nError in fail: no 1"
    );
    assert_eq!(said.watched(), ["Tiltfile"]);
}
