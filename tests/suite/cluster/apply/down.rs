//! `tilt down` against a real cluster.

use crate::support::session::Home;
use crate::support::{stderr, stdout};

use super::{Desk, kubectl};

#[tokio::test]
async fn down_deletes_what_the_tiltfile_declares() {
    let test = "down_deletes_what_the_tiltfile_declares";
    let Some(desk) = Desk::new(test, "down").await else {
        return;
    };
    let own = format!("{}-two", desk.namespace);
    let home = Home::with(
        "allow_k8s_contexts(k8s_context())\nupdate_settings(k8s_upsert_timeout_secs=120)\nk8s_yaml('objects.yaml')\n\
         k8s_custom_deploy('last', apply_cmd='true', delete_cmd='echo deleting by hand', deps=[])\n",
    );
    let yaml = format!(
        "
apiVersion: v1
kind: Namespace
metadata: {{name: {own}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: c, namespace: {own}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: kept, annotations: {{tilt.dev/down-policy: keep}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec: {{replicas: 0, selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: c, image: i}}]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: never-applied}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: nobody.example.org/v1
kind: Nothing
metadata: {{name: unknown}}
"
    );
    home.write("objects.yaml", &yaml);
    let known = yaml
        .split("---")
        .filter(|object| !object.contains("unknown") && !object.contains("never"));
    let (theirs, mine): (Vec<&str>, Vec<&str>) = known.partition(|object| object.contains(&own));
    super::kubectl_with(&["apply", "-f", "-"], &theirs.join("---"));
    super::kubectl_with(&["-n", &desk.namespace, "apply", "-f", "-"], &mine.join("---"));
    let down = |flags: &[&str]| {
        let words: Vec<&str> = ["down", "--namespace", &desk.namespace]
            .into_iter()
            .chain(flags.iter().copied())
            .collect();
        let kubeconfig = std::env::var("KUBECONFIG").unwrap();
        let output = home.tilt(&words).env("KUBECONFIG", kubeconfig).output().unwrap();
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        stdout(&output)
    };
    let printed = down(&[]);
    let lines: Vec<&str> = printed
        .lines()
        .skip_while(|line| !line.starts_with("Successfully"))
        .skip(1)
        .collect();
    let expected = [
        "deployment.apps \"web\" deleted",
        "configmap \"c\" deleted",
        "Running cmd: echo deleting by hand",
        "deleting by hand",
        &format!("Not deleting namespaces: {own}"),
        "Run with --delete-namespaces to delete namespaces as well.",
    ];
    assert_eq!(lines, expected, "{printed}");
    assert!(desk.is_there("configmap/kept") && !desk.is_there("deployment/web"));
    let printed = down(&["--delete-namespaces"]);
    assert!(printed.contains(&format!("namespace \"{own}\" deleted\n")), "{printed}");
    assert!(!printed.contains("Not deleting"), "{printed}");
    assert_eq!(kubectl(&["get", "namespace", &own, "--ignore-not-found"]), "");
}
