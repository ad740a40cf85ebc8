//! Production clusters are left alone.

use crate::tiltfile::testing::Tiltfile;

const REFUSED: &str = "Refusing to run 'local' because prod might be a production kube context.\n\
                       If you're sure you want to continue add:\n\
                       allow_k8s_contexts('prod')\n\
                       before this function call in your Tiltfile. Otherwise, switch k8s contexts and restart Tilt.";

#[test]
fn context_and_namespace_are_those_of_the_kubeconfig() {
    let text = "print(repr(k8s_context()), k8s_namespace())\n";
    assert_eq!(Tiltfile::new(text).eval().said(), "\"\" default\n");
    assert_eq!(
        Tiltfile::new(text).context("mine", "kind-x").eval().said(),
        "\"mine\" there\n"
    );
    let elsewhere = Tiltfile::new(text)
        .context("mine", "kind-x")
        .with(|request| request.kube_namespace = Some("here".to_owned()));
    assert_eq!(elsewhere.eval().said(), "\"mine\" here\n");
    let unknown = Tiltfile::new(text)
        .context("mine", "kind-x")
        .with(|request| request.kube_context = Some("other".to_owned()));
    assert_eq!(
        unknown.eval().message(),
        "context \"other\" does not exist; the kubeconfig has: mine"
    );
}

#[test]
fn no_command_runs_while_the_cluster_may_be_a_production_one() {
    let said = Tiltfile::new("local('touch touched')\n")
        .context("prod", "production")
        .eval();
    assert_eq!(
        said.error(),
        format!("Traceback (most recent call last):\n  $DIR/Tiltfile:1:6: in <toplevel>\nError in local: {REFUSED}")
    );
    assert!(!said.dir().join("touched").exists());
    assert_eq!(said.log(), "");
}

#[test]
fn clusters_for_development_and_no_cluster_at_all_are_allowed() {
    for cluster in [
        "kind-x",
        "minikube",
        "docker-desktop",
        "k3d-a",
        "orbstack",
        "colima",
        "rancher-desktop",
    ] {
        let said = Tiltfile::new("print(local('echo hi', quiet=True, echo_off=True))\n")
            .context("prod", cluster)
            .eval();
        assert_eq!(said.said(), "hi\n\n", "{cluster}");
    }
    Tiltfile::new("local('true')\n").eval().project();
}

#[test]
fn a_context_is_allowed_by_its_whole_name_and_before_the_command() {
    for allowed in ["'prod'", "['a', 'prod']", "('prod',)"] {
        let said = Tiltfile::new(&format!("allow_k8s_contexts({allowed})\nlocal('true')\n"))
            .context("prod", "production")
            .eval();
        said.project();
    }
    for text in [
        "allow_k8s_contexts('pro')\nlocal('true')\n",
        "allow_k8s_contexts('.*')\nlocal('true')\n",
        "allow_k8s_contexts([])\nlocal('true')\n",
        "local('true')\nallow_k8s_contexts('prod')\n",
    ] {
        assert_eq!(
            Tiltfile::new(text).context("prod", "production").eval().message(),
            REFUSED,
            "{text}"
        );
    }
    assert_eq!(
        Tiltfile::new("allow_k8s_contexts(['a', 1])").eval().message(),
        "allow_k8s_contexts contexts must be a string or a sequence of strings; found a int"
    );
}

#[test]
fn changing_the_environment_does_not_change_the_context() {
    let said = Tiltfile::new("os.putenv('KUBECONFIG', '/dev/null')\nos.environ.pop('HOME')\nlocal('true')\n")
        .context("prod", "production")
        .eval();
    assert_eq!(said.message(), REFUSED);
}

#[test]
fn a_broken_kubeconfig_is_said_and_counts_as_none() {
    let said = Tiltfile::new("print(repr(k8s_context()), k8s_namespace())\nlocal('true', quiet=True)\n")
        .file(".home/.kube/config", "[]")
        .eval();
    said.project();
    assert_eq!(
        said.warnings(),
        [
            "going on without a Kubernetes context: error loading config file \"$DIR/.home/.kube/config\": expected an object, found array"
        ]
    );
}
