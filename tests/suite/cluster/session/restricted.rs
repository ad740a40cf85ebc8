//! Somebody who may use one namespace, and there only what a developer needs.

use super::recovery::{BEATS, beats, next_run, web};
use super::stage::{Stage, port, runtime_status};
use crate::cluster::seen;
use crate::support::session::{Home, Session};
use crate::support::{stderr, stdout};

const ROLE: &str = "
{apiVersion: v1, kind: ServiceAccount, metadata: {name: developer}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer}
rules:
- {apiGroups: [''], resources: [pods, services, configmaps], verbs: ['*']}
- {apiGroups: [''], resources: [pods/log], verbs: [get]}
- {apiGroups: [''], resources: [pods/portforward], verbs: [create, get]}
- {apiGroups: [apps], resources: [deployments], verbs: ['*']}
- {apiGroups: [batch], resources: [jobs], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: developer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: developer}
subjects: [{kind: ServiceAccount, name: developer}]
";

/// The home's kubeconfig becomes that of the service account.
fn restrict(stage: &Stage, home: &Home) {
    stage.apply(ROLE);
    let path = format!("/api/v1/namespaces/{}/serviceaccounts/developer/token", stage.namespace);
    let request = r#"{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}}"#;
    let answer = seen::kubectl(&["create", "--raw", &path, "-f", "-"], request);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let config = format!("--kubeconfig={}", home.path("kubeconfig").display());
    let token = format!("--token={}", answer["status"]["token"].as_str().unwrap());
    seen::kubectl(&["config", "set-credentials", "developer", &token, &config], "");
    seen::kubectl(&["config", "set-context", "--current", "--user=developer", &config], "");
    let may = std::process::Command::new("kubectl")
        .args(["auth", "can-i", "list", "replicasets", &config])
        .output()
        .unwrap();
    assert_eq!(stdout(&may).trim(), "no");
}

/// What is not allowed is named; answers the Tiltfile that was there.
fn elsewhere(home: &Home) -> String {
    let tiltfile = std::fs::read_to_string(home.path("Tiltfile")).unwrap();
    home.write(
        "Tiltfile",
        "allow_k8s_contexts(k8s_context())\nk8s_yaml('elsewhere.yaml')",
    );
    home.write(
        "elsewhere.yaml",
        "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: e2e-not-ours, namespace: default}}\n",
    );
    let output = home.run(&["ci", "--port", "0"]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{}{error}", stdout(&output));
    for part in ["ConfigMap/e2e-not-ours", "forbidden", "\"default\""] {
        assert!(error.contains(part), "{error}");
    }
    tiltfile
}

#[test]
fn rights_in_one_namespace_are_enough() {
    let Some(stage) = Stage::new("rights_in_one_namespace_are_enough", "role") else {
        return;
    };
    let port = port();
    let home = web(&stage, port, BEATS);
    home.write(
        "job.yaml",
        &format!(
            "---\n{{apiVersion: batch/v1, kind: Job, metadata: {{name: once}}, spec: {{backoffLimit: 0, template: {{spec: \
             {{restartPolicy: Never, {}}}}}}}}}\n",
            seen::running("echo done")
        ),
    );
    let tiltfile = std::fs::read_to_string(home.path("Tiltfile")).unwrap();
    home.write("Tiltfile", &format!("{tiltfile}\nk8s_yaml('job.yaml')\n"));
    restrict(&stage, &home);
    let output = home.run(&["ci", "--port", "0"]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}{}", stderr(&output));
    assert!(
        said.contains("│ done\n") && !said.contains("ERROR") && !said.contains("forbidden"),
        "{said}"
    );
    let tiltfile = elsewhere(&home);
    home.write("Tiltfile", &tiltfile);
    let session = Session::start(home, &["up"]);
    session.wait("Ready", "web");
    let runs = vec![next_run(port, &[])];
    stage.kubectl(&["delete", "pod", &stage.pod("web"), "--grace-period=0", "--force"]);
    next_run(port, &runs);
    session.wait("Ready", "web");
    assert_eq!(runtime_status(&session, "web"), "ok");
    let logged = session.said(&["logs"]);
    // Of a pod that was there before, a session tells only what it says from then on.
    let begun = logged.find("beat ").unwrap();
    let first = logged[begun..].split(' ').nth(1).unwrap();
    let of_ours = logged.lines().filter(|line| !line.contains(first));
    assert_eq!(beats(&of_ours.collect::<Vec<_>>().join("\n")), 1, "{logged}");
    assert!(
        !logged.contains("forbidden") && !logged.contains("WARNING") && !logged.contains("ERROR"),
        "{logged}"
    );
}
