//! How the agent gets to where it is to run, by shells and archives of this machine.

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::*;

const SHELL: [&str; 5] = ["sh", "uname", "chmod", "mv", "rm"];

/// Stands in for a container: a few programs, and a directory that may be written.
pub struct Container {
    folder: tempfile::TempDir,
    commands: Commands,
}

impl Container {
    pub fn with(programs: &[&str]) -> Container {
        let folder = tempfile::tempdir().unwrap();
        for dir in ["bin", "app"] {
            std::fs::create_dir(folder.path().join(dir)).unwrap();
        }
        for program in programs {
            let found = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(program));
            let found = found.into_iter().find(|path| path.exists()).unwrap();
            symlink(found, folder.path().join("bin").join(program)).unwrap();
        }
        let path = folder.path().join("bin").display().to_string();
        let home = folder.path().join("nowhere").display().to_string();
        let commands = Commands::real(&[("PATH", &path), ("HOME", &home)]);
        Container { folder, commands }
    }

    pub fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    pub async fn start(&self) -> Result<(Agent, mpsc::UnboundedReceiver<News>), StartError> {
        self.start_in(&[self.app().display().to_string()]).await
    }

    async fn start_in(&self, roots: &[String]) -> Result<(Agent, mpsc::UnboundedReceiver<News>), StartError> {
        let (news, heard) = mpsc::unbounded_channel();
        let place = Place::Process(self.commands.clone());
        Ok((Agent::start(place, roots, news).await?, heard))
    }

    /// Has a program that does this.
    fn does(&self, program: &str, script: &str) {
        let path = self.folder.path().join("bin").join(program);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn programs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.app())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries.collect()
    }
}

#[tokio::test]
async fn a_shell_takes_the_agent_from_its_input_with_whatever_reads_there() {
    for reader in ["head", "dd", "cat"] {
        let container = Container::with(&[&SHELL[..], &[reader]].concat()[..]);
        let (agent, _news) = container.start().await.unwrap();
        assert_eq!(agent.about().way, Way::Shell, "{reader}");
        assert!(matches!(agent.about().arch.as_str(), "amd64" | "arm64"));
        let programs = container.programs();
        assert_eq!(programs.len(), 1, "{programs:?}");
        agent
            .apply(&batch(&container.app(), [file("a", "text")]))
            .await
            .unwrap();
        assert_eq!(std::fs::read_to_string(container.app().join("a")).unwrap(), "text");
    }
}

#[tokio::test]
async fn an_agent_that_is_there_is_not_sent_again() {
    let container = Container::with(&[&SHELL[..], &["head"]].concat()[..]);
    drop(container.start().await.unwrap());
    let before = std::fs::metadata(&container.programs()[0]).unwrap().modified().unwrap();
    // Without a way to take another one.
    std::fs::remove_file(container.folder.path().join("bin/head")).unwrap();
    let (agent, _news) = container.start().await.unwrap();
    assert_eq!(agent.about().way, Way::Shell);
    let after = std::fs::metadata(&container.programs()[0]).unwrap().modified().unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_program_that_is_not_whole_is_not_used() {
    let container = Container::with(&[&SHELL[..], &["head"]].concat()[..]);
    drop(container.start().await.unwrap());
    let whole = std::fs::read(&container.programs()[0]).unwrap();
    // To a shell, what is empty is a program, and goes well; of another one the beginning may do to run.
    let bent = [
        &b"no program"[..],
        b"",
        &whole[..whole.len() / 2],
        &whole[..whole.len() - 1],
    ];
    for content in bent {
        // Another file: the one before may still run.
        let program = container.programs().remove(0);
        std::fs::remove_file(&program).unwrap();
        std::fs::write(&program, content).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (agent, _news) = container.start().await.unwrap();
        agent.ping().await.unwrap();
        assert_eq!(
            std::fs::metadata(&container.programs()[0]).unwrap().len(),
            whole.len() as u64
        );
    }
}

#[test]
fn nothing_stays_of_a_program_that_did_not_come_to_its_end() {
    for reader in ["head", "dd", "cat"] {
        let container = Container::with(&[&SHELL[..], &[reader]].concat()[..]);
        let program = &embedded::all()[0];
        let whole = script::Program {
            arch: program.arch,
            hash: &program.hash,
            size: program.program.len(),
        };
        let dirs = [container.app().display().to_string()];
        let text = script::script(&[whole], program.arch, &dirs, script::Image::LeftOut);
        for length in [0, program.program.len() / 2] {
            #[allow(clippy::disallowed_methods, reason = "a shell that is left in the middle of a word")]
            let mut shell = std::process::Command::new(container.folder.path().join("bin/sh"))
                .args(["-c", &text])
                .env("PATH", container.folder.path().join("bin"))
                .env("HOME", container.folder.path().join("nowhere"))
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            shell
                .stdin
                .take()
                .unwrap()
                .write_all(&program.program[..length])
                .unwrap();
            let ended = shell.wait_with_output().unwrap();
            assert_eq!(ended.status.code(), Some(4), "{reader} {length}: {ended:?}");
            assert!(container.programs().is_empty(), "{reader} {length}");
        }
    }
}

#[tokio::test]
async fn tar_alone_is_enough() {
    let container = Container::with(&["tar"]);
    let (agent, _news) = container.start().await.unwrap();
    assert_eq!(agent.about().way, Way::Tar);
    agent.ping().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_will_not_do_is_passed_over() {
    let container = Container::with(&[&SHELL[..], &["head"]].concat()[..]);
    let nowhere = container.folder.path().join("not there").display().to_string();
    let roots = [nowhere, "/proc".to_owned(), container.app().display().to_string()];
    let (agent, _news) = container.start_in(&roots).await.unwrap();
    assert_eq!(agent.about().way, Way::Shell);
    assert_eq!(container.programs().len(), 1);
    drop(agent);
}

#[tokio::test]
async fn a_container_with_nothing_at_all_says_what_was_tried() {
    let container = Container::with(&[]);
    let error = container.start().await.err().expect("there is no way in");
    let text = error.to_string();
    for way in ["a shell: ", "the image's own agent: ", "`tar`: "] {
        assert!(text.contains(way), "{text}");
    }
    assert!(error.hint().unwrap().contains("add a shell"));
    assert!(!error.is_passing());
}

#[tokio::test]
async fn a_runtime_that_can_run_nothing_just_now_says_nothing_of_the_container() {
    let container = Container::with(&[]);
    let said = [
        "OCI runtime exec failed: exec failed: unable to start container process: error executing setns process: exit status 1: unknown",
        "failed to exec in container: failed to load task: no running task found",
        "error executing command in container: EOF",
        "error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout",
    ];
    for said in said {
        for program in ["sh", "tar"] {
            container.does(program, &format!("echo '{said}'; exit 126"));
        }
        let error = container.start().await.err().expect("there is no way in");
        assert!(matches!(&error, StartError::Disturbed { .. }), "{error}");
        assert!(error.is_passing() && !error.is_connection());
    }
}

#[tokio::test]
async fn a_shell_that_ends_without_a_word_was_made_to() {
    for script in ["exit 0", "kill -KILL $$", "exit 143"] {
        let container = Container::with(&[]);
        container.does("sh", script);
        let error = container.start().await.err().expect("there is no way in");
        assert!(matches!(&error, StartError::Disturbed { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_directory_that_stays_full_is_not_tried_for_ever() {
    let container = Container::with(&[]);
    // Its home, which is not among those that we name.
    container.does("sh", "echo 'tilt-agent: short /full'");
    let roots = ["/one", "/other"].map(str::to_owned);
    let error = container.start_in(&roots).await.err().expect("there is no way in");
    assert!(error.to_string().contains("a shell: `/full`: no space"), "{error}");
}

#[test]
fn what_engines_and_clusters_refuse_for_now_may_pass() {
    let docker = |status| {
        let (doing, message) = ("running a command", String::new());
        StartError::Docker(crate::world::docker::DockerError::Refused { doing, status, message }).is_passing()
    };
    assert!(docker(404) && docker(409) && docker(500) && docker(503));
    assert!(!docker(400) && !docker(403));
    let cluster = |status| {
        let (server, reason) = ("https://c".to_owned(), "error dialing backend".to_owned());
        StartError::Cluster(crate::world::cluster::ClusterError::Refused { server, status, reason })
    };
    assert!(cluster(500).is_passing() && cluster(503).is_passing());
    // The cluster is there: a node is not, which a build may help.
    assert!(!cluster(500).is_connection() && cluster(503).is_connection());
}

#[tokio::test]
async fn where_no_agent_runs_tar_and_commands_do_what_they_can() {
    let container = Container::with(&["sh", "tar", "rm", "cat"]);
    let uname = container.folder.path().join("bin/uname");
    std::fs::write(&uname, "#!/bin/sh\necho mips\n").unwrap();
    std::fs::set_permissions(&uname, std::fs::Permissions::from_mode(0o755)).unwrap();
    // `tar` would bring it in, and it would run: here, if not on a `mips`.
    let tar = container.folder.path().join("bin/tar");
    let real = std::fs::read_link(&tar).unwrap();
    std::fs::remove_file(&tar).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'-C /') exec {0} \"$@\";; '-C / '*) exec {0} \"$@\";; esac\nexit 1\n",
        real.display()
    );
    std::fs::write(&tar, script).unwrap();
    std::fs::set_permissions(&tar, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (agent, _news) = container.start().await.unwrap();
    let Way::Fallback { why } = &agent.about().way else {
        panic!("{:?}", agent.about());
    };
    assert!(why.contains("no agent for `mips`"), "{why}");
    let app = container.app();
    std::fs::write(container.folder.path().join("local"), "from disk").unwrap();
    let local = Change::File {
        root: 0,
        path: b"dir/local".to_vec(),
        mode: 0o755,
        content: Content::Local(container.folder.path().join("local")),
    };
    let link = Change::Symlink {
        root: 0,
        path: b"link".to_vec(),
        target: b"dir/local".to_vec(),
    };
    agent
        .apply(&batch(&app, [file("gone", ""), file("a", "text"), local, link]))
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(app.join("link")).unwrap(), "from disk");
    assert_eq!(
        std::fs::metadata(app.join("dir/local")).unwrap().permissions().mode() & 0o777,
        0o755
    );
    let gone = Change::Delete {
        root: 0,
        path: b"gone".to_vec(),
    };
    let staged = agent.stage(&batch(&app, [gone])).await.unwrap();
    assert!(app.join("gone").exists());
    agent.commit(&staged).await.unwrap();
    assert!(!app.join("gone").exists());
    agent.keep(staged);
    let mut said = Vec::new();
    let mut hear = |stream: Stream, bytes: &[u8]| said.push((stream, String::from_utf8_lossy(bytes).into_owned()));
    let command = ["sh", "-c", "echo out; exit 3"].map(str::to_owned);
    let exit = agent.run(&command, &mut hear, &CancellationToken::new()).await.unwrap();
    assert_eq!(
        (exit, said),
        (Exit::Code(3), vec![(Stream::Stdout, "out\n".to_owned())])
    );
    assert!(matches!(agent.restart().await, Err(ApplyError::Unsupported { .. })));
}
