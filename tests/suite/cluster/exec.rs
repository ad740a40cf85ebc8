//! Commands in containers of a real cluster, and shells.

use std::io::Write;
use std::process::{Command, Stdio};

use bytes::Bytes;
use tilt::world::cluster::{Ends, Exec};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::pods::Place;
use crate::support;

const SHELLS: &str = "/bin/busybox --install -s /bin; exec /bin/busybox sleep 1000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_reads_its_input_to_the_end_and_tells_how_it_ended() {
    let Some(place) = Place::new("a_command_reads_its_input_to_the_end_and_tells_how_it_ended") else {
        return;
    };
    place.run("box", 8000, SHELLS);
    let cluster = place.cluster().await;
    let exec = Exec {
        namespace: &place.namespace,
        pod: "box",
        container: "main",
        argv: &["sh", "-c", "wc -c; echo oh >&2; exit 42"],
        ends: Ends::Pipes,
    };
    let input = Bytes::from(vec![b'x'; 3 << 20]);
    let output = cluster.output(&exec, input).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(
        (output.code, said.as_str(), &output.stderr[..]),
        (42, "3145728", &b"oh\n"[..])
    );
    let argv = ["echo", "a b"];
    let exec = Exec {
        argv: &argv,
        ends: Ends::Output,
        ..exec
    };
    let output = cluster.output(&exec, Bytes::new()).await.unwrap();
    assert_eq!((output.code, &output.stdout[..]), (0, &b"a b\n"[..]));
    let exec = Exec {
        container: "no",
        ..exec
    };
    let error = cluster.output(&exec, Bytes::new()).await.unwrap_err();
    assert!(
        error.to_string().contains("container no is not valid for pod box"),
        "{error}"
    );
}

/// Answers what a session would of its objects.
async fn session(place: &Place) -> (tempfile::TempDir, tokio::task::JoinSet<()>) {
    let pod = serde_json::json!({
        "name": "box", "namespace": place.namespace, "containers": [{"name": "main"}, {"name": "other"}],
    });
    let variable = place.sources.variable.as_ref().unwrap();
    let kubernetes = serde_json::json!({"configPath": variable});
    let objects = [
        (
            "clusters/default",
            serde_json::json!({"status": {"connection": {"kubernetes": kubernetes}}}),
        ),
        (
            "uiresources/web",
            serde_json::json!({"status": {"k8sResourceInfo": {"podName": "box"}}}),
        ),
        (
            "kubernetesdiscoveries/web",
            serde_json::json!({"status": {"pods": [pod]}}),
        ),
        ("uiresources/none", serde_json::json!({"status": {}})),
        (
            "uiresources",
            serde_json::json!({"items": [{"metadata": {"name": "web"}}]}),
        ),
    ];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let text = format!(
        "contexts: [{{name: tilt-default, context: {{cluster: x, user: x}}}}]\n\
         clusters: [{{name: x, cluster: {{server: '{url}'}}}}]\nusers: []\n"
    );
    std::fs::write(folder.path().join("config"), text).unwrap();
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut lines = BufReader::new(&mut stream).lines();
            let first = lines.next_line().await.unwrap().unwrap_or_default();
            while lines.next_line().await.unwrap().is_some_and(|line| !line.is_empty()) {}
            let path = first.split_whitespace().nth(1).unwrap_or_default();
            let path = path.strip_prefix("/apis/tilt.dev/v1alpha1/").unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            let known = objects.iter().find(|(name, _)| *name == path);
            let missing = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404,
                "reason": "NotFound", "message": format!("{path} not found")});
            let (status, body) = known.map_or(("404 Not Found", missing), |(_, body)| ("200 OK", body.clone()));
            let body = body.to_string();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (folder, serving)
}

/// What a command prints, on its outputs, and its exit code.
async fn said(mut command: Command, input: &'static str) -> (String, Option<i32>) {
    let ended = tokio::task::spawn_blocking(move || {
        let pipes = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = ended.await.unwrap();
    (
        support::stdout(&output) + &support::stderr(&output),
        output.status.code(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_runs_in_the_pod_of_a_resource() {
    let test = "a_shell_runs_in_the_pod_of_a_resource";
    let Some(place) = Place::new(test) else { return };
    place.run("box", 8000, SHELLS);
    let (folder, _serving) = session(&place).await;
    let shell = |args: &[&str]| {
        let mut command = support::tilt(folder.path());
        command.env("TILT_CONFIG", folder.path().join("config"));
        command.args(["alpha", "shell"]).args(args);
        command
    };
    let (text, code) = said(shell(&["web"]), "hostname; echo oh >&2; exit 7\n").await;
    assert_eq!((text.as_str(), code), ("box\noh\n", Some(7)));
    let (text, code) = said(shell(&["wep"]), "").await;
    assert_eq!(
        (text.as_str(), code),
        ("Error: no such resource `wep` (did you mean web?)\n", Some(1))
    );
    let (text, _) = said(shell(&["none"]), "").await;
    assert_eq!(text, "Error: resource `none` has no pod\n");
    let (text, _) = said(shell(&["web", "-c", "mian"]), "").await;
    assert_eq!(
        text,
        "Error: pod `box` has no container `mian`; it has `main`, `other`\n"
    );
    // Here, with the session's kubeconfig.
    let mut command = shell(&[]);
    command.env("SHELL", "/bin/sh");
    let (text, code) = said(command, "echo $KUBECONFIG; exit 3\n").await;
    assert_eq!(
        (text.trim(), code),
        (place.sources.variable.as_deref().unwrap(), Some(3))
    );
    if support::is_skipped_without("script", test) {
        return;
    }
    // On a terminal.
    let mut command = Command::new("script");
    let line = format!("stty rows 33 cols 77; {} alpha shell web", env!("CARGO_BIN_EXE_tilt"));
    command.args(["-qec", &line, "/dev/null"]).current_dir(folder.path());
    command.env("TILT_CONFIG", folder.path().join("config"));
    // An old engine hears of the size a moment after the shell has begun.
    let typed = "tty; n=0; until stty size | grep -q 33.77 || [ $n = 2000 ]; do n=$((n+1)); done 2>/dev/null; stty size; exit 9\n";
    let (text, code) = said(command, typed).await;
    assert!(text.contains("/dev/pts/") && text.contains("33 77"), "{text}");
    assert_eq!(code, Some(9), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_without_a_shell_is_said_to_have_none() {
    let Some(place) = Place::new("an_image_without_a_shell_is_said_to_have_none") else {
        return;
    };
    place.run("box", 8000, "exec /bin/busybox sleep 1000");
    let (folder, _serving) = session(&place).await;
    let mut command = support::tilt(folder.path());
    command.env("TILT_CONFIG", folder.path().join("config"));
    command.args(["alpha", "shell", "web"]);
    let (text, code) = said(command, "").await;
    assert_eq!(
        (text.as_str(), code),
        (
            "Error: container `main` of pod `box` has no shell in its image\n",
            Some(1)
        )
    );
}
