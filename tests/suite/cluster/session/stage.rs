//! Where a session plays: a namespace of its own, a kubeconfig that leads there, and requests through its forwards.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::cluster::{seen, sources};
pub use crate::support::ports::free_port as port;
use crate::support::program::Program;
use crate::support::session::{Home, Session};
use crate::support::{self, engine};

const PATIENCE: Duration = Duration::from_secs(90);

/// Everything in it goes with the test, and so do images below its name.
pub struct Stage {
    pub namespace: String,
}

impl Stage {
    /// Nothing where there is no cluster, no `kubectl` or no engine.
    pub fn new(test: &str, topic: &str) -> Option<Stage> {
        sources(test)?;
        if support::is_skipped_without("kubectl", test) || engine::is_skipped(test) {
            return None;
        }
        seen::image();
        let namespace = format!("e2e-{topic}-{}", &uuid::Uuid::new_v4().to_string()[..8]);
        seen::kubectl(&["create", "namespace", &namespace], "");
        Some(Stage { namespace })
    }

    /// A folder whose commands use the cluster, in the namespace unless they say otherwise.
    pub fn home(&self, tiltfile: &str) -> Home {
        // Other tests' images are not for this one to clean up.
        let own = "allow_k8s_contexts(k8s_context()); docker_prune_settings(disable=True)";
        self.furnished(Home::with(&format!("{own}\n{tiltfile}")))
    }

    pub fn furnished(&self, mut home: Home) -> Home {
        home.write("kubeconfig", &self.kubeconfig());
        home.set("KUBECONFIG", home.path("kubeconfig").display().to_string());
        home
    }

    /// Of the cluster, with one context.
    pub fn kubeconfig(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(
            &file,
            seen::kubectl(&["config", "view", "--raw", "--flatten", "--minify"], ""),
        )
        .unwrap();
        let (config, namespace) = (
            format!("--kubeconfig={}", file.display()),
            format!("--namespace={}", self.namespace),
        );
        seen::kubectl(&["config", "set-context", "--current", &config, &namespace], "");
        std::fs::read_to_string(&file).unwrap()
    }

    pub fn try_kubectl(&self, args: &[&str]) -> Output {
        Command::new("kubectl")
            .args(["-n", &self.namespace])
            .args(args)
            .output()
            .unwrap()
    }

    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = self.try_kubectl(args);
        assert!(output.status.success(), "{args:?}: {}", support::stderr(&output));
        support::stdout(&output)
    }

    pub fn apply(&self, yaml: &str) {
        seen::kubectl(&["-n", &self.namespace, "apply", "-f", "-"], &format!("---\n{yaml}"));
    }

    /// A field of an object.
    #[track_caller]
    pub fn field(&self, kind: &str, name: &str, path: &str) -> String {
        self.kubectl(&["get", kind, name, "-o", &format!("jsonpath={{{path}}}")])
    }

    /// All objects of these kinds, as `Kind/name path`.
    #[track_caller]
    pub fn fields(&self, kinds: &str, path: &str) -> Vec<String> {
        let format = format!("jsonpath={{range .items[*]}}{{.kind}}/{{.metadata.name}} {{{path}}}{{\"\\n\"}}{{end}}");
        let listed = self.kubectl(&["get", kinds, "-o", &format]);
        listed.lines().map(str::to_owned).collect()
    }

    /// Each object of a kind as it changes: `=name=path=`.
    pub fn watch(&self, kind: &str, path: &str) -> Program {
        let format = format!("jsonpath=={{.metadata.name}}={{{path}}}={{\"\\n\"}}");
        let mut kubectl = Command::new("kubectl");
        Program::start(kubectl.args(["-n", &self.namespace, "get", kind, "--watch", "-o", &format]))
    }

    /// Waits until a field has a value.
    #[track_caller]
    pub fn until(&self, kind: &str, name: &str, (path, value): (&str, &str)) {
        self.watch(kind, path).line_with(&format!("={name}={value}="));
    }

    #[track_caller]
    pub fn until_gone(&self, object: &str) {
        // Of what is gone already it says that it is not there.
        let words: Vec<&str> = object.split(' ').collect();
        let output = self.try_kubectl(&[&["wait", "--for=delete", "--timeout=90s"][..], &words].concat());
        let said = support::stderr(&output);
        assert!(
            output.status.success() || said.contains("NotFound") || said.contains("no matching"),
            "{object}: {said}"
        );
    }

    /// Waits for all pods, where tilt goes by the newest.
    #[track_caller]
    pub fn until_all_ready(&self) {
        self.kubectl(&["wait", "pods", "--all", "--for=condition=Ready", "--timeout=90s"]);
    }

    /// The name of the newest pod of a Deployment.
    #[track_caller]
    pub fn pod(&self, app: &str) -> String {
        let newest = "jsonpath={.items[-1:].metadata.name}";
        let selector = format!("app={app}");
        self.kubectl(&[
            "get",
            "pods",
            "-l",
            &selector,
            "--sort-by=.metadata.creationTimestamp",
            "-o",
            newest,
        ])
    }

    pub fn is_there(&self, kind: &str, name: &str) -> bool {
        self.try_kubectl(&["get", kind, name]).status.success()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let namespace = &self.namespace;
        let run = |line: String| drop(Command::new("sh").args(["-c", &line]).output());
        run(format!(
            "kubectl delete namespace {namespace} --wait=false --ignore-not-found"
        ));
        run(format!(
            "kubectl delete crd probes.{namespace}.tilt.dev --wait=false --ignore-not-found"
        ));
        run(format!(
            "docker images --format '{{{{.Repository}}}}:{{{{.Tag}}}}' | grep '^{namespace}/' | xargs -r docker rmi -f"
        ));
    }
}

/// What a port answers to a request.
pub fn fetch(port: u16) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(Duration::from_secs(20)))?;
    connection.write_all(b"GET /index.html HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    connection.read_to_string(&mut text)?;
    Ok(text)
}

/// Asks until an answer has this in it, however many do not.
#[track_caller]
pub fn fetched(port: u16, part: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = fetch(port);
        match answer {
            Ok(text) if text.contains(part) => return text,
            other => assert!(Instant::now() < deadline, "no {part:?} at {port}: {other:?}"),
        }
        std::thread::yield_now();
    }
}

/// The word of a resource's status.
pub fn runtime_status(session: &Session, resource: &str) -> String {
    session.said(&["get", "uiresource", resource, "-o", "jsonpath={.status.runtimeStatus}"])
}

/// Waits until a field of one of the session's objects has something in it.
#[track_caller]
pub fn until_shown(session: &Session, (kind, name): (&str, &str), path: &str, part: &str) -> String {
    let format = format!("jsonpath={{{path}}}{{\"\\n\"}}");
    let mut watch = session.follow(&["get", kind, name, "--watch", "-o", &format]);
    watch.line_with(part)
}
