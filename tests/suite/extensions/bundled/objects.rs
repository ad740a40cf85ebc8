//! Extensions that make objects of Kubernetes: `namespace`, `secret`, `configmap`.

use super::place_with_web;
use crate::extensions::Place;
use crate::support::is_skipped_without;

#[test]
fn namespace_declares_namespaces_and_moves_objects_into_them() {
    let ran = place_with_web()
        .load(
            "load('ext://namespace', 'namespace_create', 'namespace_inject', 'namespace_yaml')
namespace_create('apps', annotations=['note: new'], labels=['team: a'])
namespace_create('apps', allow_duplicates=True)
k8s_yaml(namespace_inject('web.yaml', 'apps'))
k8s_yaml(namespace_inject(blob('''
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: bind}
subjects: [{kind: ServiceAccount, name: a}, {kind: User, name: b}]
roleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}
'''), 'apps'))
print(namespace_yaml('plain'))
",
        )
        .succeeded();
    assert_eq!(ran.names(), ["web", "uncategorized"]);
    assert_eq!(
        ran.yaml("web").matches("namespace: apps").count(),
        2,
        "of the object and of its template"
    );
    let rest = ran.yaml("uncategorized");
    assert!(rest.contains("note: new") && rest.contains("team: a"), "{rest}");
    assert!(rest.contains("name: a\n  namespace: apps"), "{rest}");
    assert!(
        ran.log
            .contains("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: plain\n"),
        "{}",
        ran.log
    );
}

#[test]
fn secrets_are_made_by_kubectl_and_kept_out_of_the_log() {
    if is_skipped_without("kubectl", "secrets_are_made_by_kubectl_and_kept_out_of_the_log") {
        return;
    }
    let place = Place::new();
    place.file("project/key.txt", "hush-hush\n");
    place.file("project/some.env", "TOKEN=tell-nobody\n");
    let ran = place
        .load(
            "load('ext://secret', 'secret_create_generic', 'secret_from_dict', 'secret_yaml_generic', 'secret_yaml_registry')
load('ext://secret', 'secret_create_docker_registry')
secret_create_generic('file', 'apps', from_file='key=key.txt', secret_type='acme.test/x')
secret_create_generic('env', from_env_file='some.env')
k8s_yaml(secret_from_dict('dict', inputs={'PASSWORD': 'not for you'}))
k8s_yaml(secret_yaml_registry('flags', flags_dict={'docker-server': 's', 'docker-username': 'u', 'docker-password': 'pppp'}))
secret_create_docker_registry('login', 'u', 'pppp')
",
        )
        .succeeded();
    assert_eq!(ran.names(), ["uncategorized"]);
    let yaml = ran.yaml("uncategorized");
    for line in [
        "type: acme.test/x",
        "namespace: apps",
        "key: aHVzaC1odXNoCg==",
        "TOKEN: dGVsbC1ub2JvZHk=",
    ] {
        assert!(yaml.contains(line), "{line} in {yaml}");
    }
    for value in ["hush-hush", "tell-nobody", "not for you"] {
        assert!(!ran.log.contains(value), "{}", ran.log);
    }
    for (call, want) in [
        (
            "secret_yaml_generic('x')",
            "Error in fail: No secret generator specified",
        ),
        (
            "secret_yaml_generic('x', from_file=1)",
            "Error in fail: Bad from_file argument: 1",
        ),
    ] {
        let tiltfile = format!("load('ext://secret', 'secret_yaml_generic')\n{call}\n");
        assert_eq!(place.load(&tiltfile).failure(), want);
    }
}

#[test]
fn a_tls_secret_is_made_of_two_files() {
    let place = Place::new();
    place.program(
        "kubectl",
        "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: tls}\\nstringData: {said: \"%s\"}\\n' \"$*\"",
    );
    let ran =
        place.load("load('ext://secret', 'secret_create_tls')\nsecret_create_tls('tls', 'c.pem', 'k.pem', 'apps')\n");
    let ran = ran.succeeded();
    let said = "create secret tls tls -n apps --cert=c.pem --key=k.pem -o=yaml --dry-run=client";
    assert!(
        ran.yaml("uncategorized").contains(said),
        "{}",
        ran.yaml("uncategorized")
    );
}

#[test]
fn config_maps_are_made_by_kubectl_and_their_files_watched() {
    if is_skipped_without("kubectl", "config_maps_are_made_by_kubectl_and_their_files_watched") {
        return;
    }
    let place = Place::new();
    place.file("project/page.html", "<p>");
    place.file("project/some.env", "A=b\n");
    let ran = place
        .load(
            "load('ext://configmap', 'configmap_create', 'configmap_from_dict', 'configmap_yaml')
configmap_create('page', from_file=['index=page.html'])
configmap_create('env', 'apps', from_env_file='some.env', watch=False)
k8s_yaml(configmap_from_dict('dict', inputs={'K': 'v w'}))
",
        )
        .succeeded();
    let yaml = ran.yaml("uncategorized");
    for line in ["index: <p>", "A: b", "K: v w", "namespace: apps"] {
        assert!(yaml.contains(line), "{line} in {yaml}");
    }
    let watched = ran.result["ConfigFiles"].to_string();
    assert!(
        watched.contains("page.html") && !watched.contains("some.env"),
        "{watched}"
    );
}
