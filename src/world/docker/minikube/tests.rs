//! `minikube` is a script here.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn with_minikube(script: &str) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("minikube");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let env = BTreeMap::from([("PATH".to_owned(), path), ("DOCKER_HOST".to_owned(), String::new())]);
    (folder, env)
}

async fn asked(script: &str) -> Result<BTreeMap<String, String>, MinikubeError> {
    let (_folder, env) = with_minikube(script);
    environment("dev", &env, &CancellationToken::new()).await
}

#[tokio::test]
async fn the_engine_of_a_minikube_cluster_is_reached_by_its_variables() {
    let env = asked(
        "[ \"$*\" = 'docker-env --shell none -p dev' ] || exit 9
         echo DOCKER_TLS_VERIFY=1
         echo DOCKER_HOST=tcp://192.168.49.2:2376
         echo DOCKER_CERT_PATH=/certs=odd
         echo MINIKUBE_ACTIVE_DOCKERD=dev
         echo PATH=/elsewhere
         echo
         echo '# a remark'",
    )
    .await
    .unwrap();
    assert_eq!(env["DOCKER_HOST"], "tcp://192.168.49.2:2376");
    assert_eq!(env["DOCKER_TLS_VERIFY"], "1");
    assert_eq!(env["DOCKER_CERT_PATH"], "/certs=odd");
    assert_eq!(env["MINIKUBE_ACTIVE_DOCKERD"], "dev");
    assert!(env["PATH"].ends_with(":/usr/bin:/bin"), "{env:?}");
    assert_eq!(env.len(), 5);
}

#[tokio::test]
async fn a_minikube_that_cannot_tell_is_a_warning_that_says_why() {
    let error = asked("echo 'X Exiting due to GUEST_DRIVER_MISMATCH' >&2; exit 80").await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "`minikube docker-env -p dev`: exit status 80: X Exiting due to GUEST_DRIVER_MISMATCH"
    );
    let error = asked("echo NOTHING=here").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`minikube docker-env -p dev`: it does not tell DOCKER_HOST"
    );
    let empty = tempfile::tempdir().unwrap();
    let env = BTreeMap::from([("PATH".to_owned(), empty.path().display().to_string())]);
    let error = environment("dev", &env, &CancellationToken::new()).await.unwrap_err();
    let profile = "dev".to_owned();
    assert_eq!(error, MinikubeError::Missing { profile });
}

#[test]
fn the_clusters_engine_is_wanted_where_it_runs_docker_and_nobody_names_another() {
    let docker_host = |value: &str| BTreeMap::from([("DOCKER_HOST".to_owned(), value.to_owned())]);
    for (product, runtime, env, expected) in [
        (Product::Minikube, "docker", BTreeMap::new(), true),
        (Product::Minikube, "docker", docker_host(""), true),
        (Product::Minikube, "docker", docker_host("tcp://x:1"), false),
        (Product::Minikube, "containerd", BTreeMap::new(), false),
        (Product::Kind, "docker", BTreeMap::new(), false),
    ] {
        let mut facts = Facts::default();
        facts.runtimes.insert(runtime.to_owned());
        assert_eq!(
            is_wanted(product, &facts, &env),
            expected,
            "{product:?} {runtime} {env:?}"
        );
    }
}
