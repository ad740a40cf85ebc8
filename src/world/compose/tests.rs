//! Docker Compose by its recorded answers.

use super::*;

/// How a command of the recording fails.
struct Failed {
    code: i32,
    stderr: String,
}

/// Answers commands from a recording; any other is not found.
fn shell<T>(answers: &[(String, Answer)], env: &[(&str, &str)], test: impl FnOnce(Shell) -> T) -> T {
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let run = |argv: &[String], _: &Path| {
        let line = argv.join(" ");
        match answers.iter().find(|(command, _)| *command == line) {
            Some((_, Ok(output))) => Ok(output.clone()),
            Some((_, Err(failed))) => Err(ProcessError::Exit {
                code: failed.code,
                output: Output {
                    stderr: failed.stderr.as_bytes().to_vec(),
                    ..Output::default()
                },
            }),
            None => Err(ProcessError::NotFound {
                program: argv[0].clone(),
                searched: Vec::new(),
            }),
        }
    };
    test(Shell { run: &run, env: &env })
}

type Answer = Result<Output, Failed>;

fn printed(stdout: &str) -> Answer {
    Ok(Output {
        stdout: stdout.as_bytes().to_vec(),
        ..Output::default()
    })
}

fn failed(code: i32, stderr: &str) -> Answer {
    Err(Failed {
        code,
        stderr: stderr.to_owned(),
    })
}

fn recorded(case: &str, file: &str) -> PathBuf {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/compose");
    cases.join(case).join(file)
}

fn spec(file: PathBuf) -> ProjectSpec {
    ProjectSpec {
        name: "proj".to_owned(),
        path: PathBuf::from("/project"),
        config_paths: vec![file],
        ..ProjectSpec::default()
    }
}

fn config_command(file: &Path) -> String {
    let file = file.display();
    format!("docker compose --project-name proj --project-directory /project -f {file} config")
}

const VERSION: &str = "docker compose version";
const OLD_VERSION: &str = "docker-compose version";

fn load(file: PathBuf, answer: Answer) -> Result<Loaded, Error> {
    let answers = [
        (VERSION.to_owned(), printed("Docker Compose version 2.26.1-4\n")),
        (config_command(&file), answer),
    ];
    shell(&answers, &[], |shell| Compose::find(shell)?.load(&spec(file), shell))
}

#[test]
fn the_plugin_is_preferred_to_the_command_of_old() {
    let both = [
        (
            OLD_VERSION.to_owned(),
            printed("docker-compose version 1.29.2, build 5becea4c\n"),
        ),
        (VERSION.to_owned(), printed("Docker Compose version v2.26.1\n")),
    ];
    let found = shell(&both, &[], Compose::find).expect("found");
    assert_eq!(found.command, ["docker", "compose"]);
    assert_eq!(found.warning(), None);
    let old = shell(&both[..1], &[], Compose::find).expect("found");
    assert_eq!(old.command, ["docker-compose"]);
    let warning = "Docker Compose 1.29.2 is old: please upgrade to 2.2.0 or newer";
    assert_eq!(old.warning().as_deref(), Some(warning));
}

#[test]
fn a_configured_command_is_the_only_one_tried() {
    let answers = [
        (VERSION.to_owned(), printed("Docker Compose version v2.26.1\n")),
        (
            "/opt/compose version".to_owned(),
            printed("Docker Compose version v2.30.0\n"),
        ),
    ];
    let find = |command: &str| shell(&answers, &[("TILT_DOCKER_COMPOSE_CMD", command)], Compose::find);
    assert_eq!(find("/opt/compose").expect("found").command, ["/opt/compose"]);
    assert_eq!(find("").expect("found").command, ["docker", "compose"]);
    let expected = "TILT_DOCKER_COMPOSE_CMD is `/opt/none`, which does not run \
                    (exec: \"/opt/none\": executable file not found in $PATH)";
    assert_eq!(find("/opt/none").expect_err("missing").to_string(), expected);
}

#[test]
fn an_unusable_compose_is_refused_with_what_would_be_right() {
    let table = [
        (
            VERSION,
            failed(1, "docker: 'compose' is not a docker command.\n"),
            "Docker Compose was not found: neither `docker compose` nor `docker-compose` runs \
             (docker: 'compose' is not a docker command.)\n\
             Install the Compose plugin of Docker (version 2), or point TILT_DOCKER_COMPOSE_CMD at the command to use",
        ),
        (
            OLD_VERSION,
            printed("docker-compose version 1.27.4, build 40524192\n"),
            "Docker Compose 1.27.4 is too old: 1.28.3 or newer is needed, and 2.2.0 or newer recommended",
        ),
        (
            VERSION,
            printed("hello\n"),
            "`docker compose version` printed no version that we understand: hello",
        ),
    ];
    for (command, answer, expected) in table {
        let error = shell(&[(command.to_owned(), answer)], &[], Compose::find).expect_err("refused");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_project_is_what_compose_prints_in_the_order_of_the_file() {
    let unset = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"The \\\"X\\\" variable is not set.\"\n";
    let output = Output {
        stdout: std::fs::read(recorded("reference", "printed.yml")).expect("recorded"),
        stderr: unset.as_bytes().to_vec(),
    };
    let loaded = load(recorded("reference", "compose.yml"), Ok(output)).expect("recorded");
    let services = &loaded.project.services;
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["api", "db", "built"]);
    assert_eq!(loaded.warnings, ["The \"X\" variable is not set."]);
}

#[test]
fn complaints_of_compose_are_passed_on_with_the_files() {
    let warned = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"obsolete\"\n";
    let syntax = "yaml: line 1: did not find expected ',' or '}'";
    let unknown = "validating /project/bad.yml: services.a Additional property imag is not allowed";
    let dependency = "service \"a\" depends on undefined service \"nope\": invalid compose project";
    let table = [
        (syntax.to_owned(), syntax),
        (unknown.to_owned(), unknown),
        (format!("{warned}{dependency}\n"), dependency),
        (warned.to_owned(), "exit status 15"),
    ];
    for (stderr, expected) in table {
        let error = load(PathBuf::from("/project/bad.yml"), failed(15, &stderr)).expect_err("a failure");
        let expected = format!("Docker Compose cannot read `/project/bad.yml`: {expected}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_blob_is_stored_under_the_digest_of_its_text() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = store_blob(dir.path(), "services: {}\n").expect("stored");
    let name = format!("{}.yml", digest::sha256_hex(b"services: {}\n"));
    assert_eq!(path, dir.path().join(name));
    assert_eq!(std::fs::read_to_string(&path).expect("stored"), "services: {}\n");
    assert_eq!(store_blob(dir.path(), "services: {}\n").expect("stored again"), path);
}
