//! The context of a session: chosen once, whatever becomes of the kubeconfig.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::stage::Stage;
use crate::cluster::seen;
use crate::support::session::Session;

const TILTFILE: &str = "
print('active: ' + str(local('kubectl config current-context; echo kubeconfig $KUBECONFIG', quiet=True)))
k8s_yaml('settings.yaml')
k8s_resource(new_name='settings', objects=['settings:configmap'])
k8s_custom_deploy('own', apply_cmd='kubectl apply -o yaml -f own.yaml', delete_cmd='kubectl delete -f own.yaml', deps=['own.yaml'])
k8s_resource('own', pod_readiness='ignore')
watch_file('look')
";

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: {value}}}\n")
}

#[test]
fn a_session_stays_with_the_context_that_it_began_with() {
    let Some(stage) = Stage::new("a_session_stays_with_the_context_that_it_began_with", "pin") else {
        return;
    };
    let home = stage.home(TILTFILE);
    home.write("settings.yaml", &config_map("settings", "one"));
    home.write("own.yaml", &config_map("own", "one"));
    let config = format!("--kubeconfig={}", home.path("kubeconfig").display());
    let context = seen::kubectl(&["config", "current-context", &config], "")
        .trim()
        .to_owned();
    let nowhere = [
        "config",
        "set-cluster",
        "nowhere",
        "--server=https://127.0.0.1:9",
        &config,
    ];
    seen::kubectl(&nowhere, "");
    seen::kubectl(
        &["config", "set-context", "elsewhere", "--cluster=nowhere", &config],
        "",
    );
    let mut session = Session::start(home, &["up"]);
    session.line_with(&format!("active: {context}"));
    let line = session.line_with("kubeconfig /");
    let frozen = line.rsplit("kubeconfig ").next().unwrap().to_owned();
    assert_ne!(frozen, session.path("kubeconfig").display().to_string());
    let mode = std::fs::metadata(&frozen).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for name in ["settings", "own"] {
        stage.until("cm", name, (".data.value", "one"));
    }
    seen::kubectl(&["config", "use-context", "elsewhere", &config], "");
    session.write("settings.yaml", &config_map("settings", "two"));
    session.write("own.yaml", &config_map("own", "two"));
    for name in ["settings", "own"] {
        stage.until("cm", name, (".data.value", "two"));
    }
    session.write("look", "again");
    session.line_with(&format!("active: {context}"));
    session.interrupt();
    assert!(!Path::new(&frozen).exists(), "{frozen} outlives its session");
}
