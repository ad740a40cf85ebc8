//! Where a live update plays: an image with a folder that its containers serve, and what those have in it.

use rustix::process::Signal;

use crate::cluster::session::stage::{Stage, until_shown};
use crate::support::engine::{self, docker, docker_ok};
use crate::support::program::Program;
use crate::support::session::{Home, Session};

/// What tilt says once a container has a change.
pub const UPDATED: &str = "updated!";

pub const DOCKERFILE: &str = "FROM tilt-test/busybox:1\nCOPY www /www\n\
     CMD [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/www\"]\n";

/// A project that has not begun. In all its files `NS` is the namespace, which the names of its images begin with.
pub struct Project {
    pub stage: Stage,
    pub home: Home,
}

impl Project {
    /// With an image that serves `www`, and a Deployment of it. Nothing where there is no cluster.
    pub fn new(test: &str, topic: &str, tiltfile: &str) -> Option<Project> {
        let stage = Stage::new(test, &format!("live-{topic}"))?;
        engine::base();
        let home = stage.home(&tiltfile.replace("NS", &stage.namespace));
        let project = Project { stage, home };
        let web = project
            .file(".dockerignore", ".own\nkubeconfig\n")
            .file("www/index.html", "first")
            .file("Dockerfile", DOCKERFILE)
            .file("web.yaml", &deployment("web", 1, "{name: web, image: NS/web}"));
        Some(web)
    }

    pub fn file(self, name: &str, text: &str) -> Project {
        let folder = self.home.path(name);
        std::fs::create_dir_all(folder.parent().expect("a folder")).unwrap();
        self.home.write(name, &text.replace("NS", &self.stage.namespace));
        self
    }

    /// Waits until everything of `web` is there.
    pub fn up(self, words: &[&str]) -> Scene {
        let scene = self.begin(words);
        scene.session.wait("Ready", "web");
        scene
    }

    pub fn begin(self, words: &[&str]) -> Scene {
        let session = Session::start(self.home, &[&["up"], words].concat());
        Scene {
            session,
            stage: self.stage,
        }
    }
}

/// With the containers, and what may follow them in a pod.
pub fn deployment(name: &str, replicas: u32, containers: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      \
         terminationGracePeriodSeconds: 0\n      automountServiceAccountToken: false\n      \
         containers:\n        - {containers}\n"
    )
}

/// The session ends first.
pub struct Scene {
    pub session: Session,
    pub stage: Stage,
}

impl Scene {
    /// The newest pod's container, of which there is one by this name.
    #[track_caller]
    pub fn container(&self, name: &str) -> String {
        self.container_of(&self.stage.pod("web"), name)
    }

    #[track_caller]
    pub fn container_of(&self, pod: &str, name: &str) -> String {
        let path = format!(".status.containerStatuses[?(@.name==\"{name}\")].containerID");
        let id = self.stage.field("pod", pod, &path);
        id.trim_start_matches("docker://").to_owned()
    }

    /// Saves a file, and waits until it is in all containers, which is told of each of them.
    #[track_caller]
    pub fn save(&mut self, file: &str, text: &str) {
        self.session.write(file, text);
        self.session.line_with(UPDATED);
        self.until_fresh();
    }

    /// Waits until everything that was saved is in all containers of `web`. A save may be brought in twice: the lines in the log do
    /// not say that nothing is left to do.
    #[track_caller]
    pub fn until_fresh(&self) {
        self.session.said(&["wait", "--for=fresh", "--timeout=60s", "web"]);
    }

    /// The next session of the project, and what is done before it begins.
    pub fn again(self, words: &[&str], between: impl FnOnce(&Home)) -> Scene {
        let Scene { session, stage } = self;
        session.signal(Signal::INT);
        let (home, _) = session.end();
        between(&home);
        let session = Session::start(home, &[&["up"], words].concat());
        session.wait("Ready", "web");
        Scene { session, stage }
    }

    pub fn logs(&self) -> String {
        self.session.said(&["logs"])
    }

    /// How many times an image was built.
    pub fn builds(&self) -> usize {
        self.logs().matches("— Building Dockerfile: [").count()
    }

    /// A field of the LiveUpdate of the image `web` of the resource `web`.
    #[track_caller]
    pub fn shown(&self, path: &str) -> String {
        let name = self.live_update();
        self.session
            .said(&["get", "liveupdate", &name, "-o", &format!("jsonpath={{{path}}}")])
    }

    /// Waits until it has this in it.
    #[track_caller]
    pub fn until_shown(&self, path: &str, part: &str) -> String {
        until_shown(&self.session, ("liveupdate", &self.live_update()), path, part)
    }

    pub fn live_update(&self) -> String {
        format!("web:{}_web", self.stage.namespace)
    }

    /// The runtime status of `web`, as it changes.
    pub fn statuses(&self) -> Program {
        let format = "jsonpath={.status.runtimeStatus}{\"\\n\"}";
        self.session
            .follow(&["get", "uiresource", "web", "--watch", "-o", format])
    }
}

/// What a container has in a file; the container has a `cat`.
#[track_caller]
pub fn inside(container: &str, path: &str) -> String {
    docker_ok(&["exec", container, "/bin/busybox", "cat", path])
}

pub fn is_inside(container: &str, path: &str) -> bool {
    docker(&["exec", container, "/bin/busybox", "test", "-e", path])
        .status
        .success()
}

pub fn inspect(container: &str, format: &str) -> String {
    docker_ok(&["inspect", "-f", format, container])
}

/// The numbers of the processes in a container whose command line has this in it.
pub fn processes(container: &str, part: &str) -> Vec<String> {
    let listed = docker_ok(&["top", container, "-eo", "pid,args"]);
    let lines = listed.lines().filter(|line| line.contains(part));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}
