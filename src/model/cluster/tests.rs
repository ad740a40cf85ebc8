//! What clusters say of their registries, and the object that shows them.

use super::*;
use crate::model::yaml::json;

fn hosting(host: &str, from_cluster: &str) -> Hosting {
    Hosting {
        host: host.to_owned(),
        from_container_runtime: from_cluster.to_owned(),
        ..Hosting::default()
    }
}

#[test]
fn the_agreed_document_is_read_with_all_its_fields() {
    let document = "host: \"localhost:5000\"\nhostFromContainerRuntime: \"registry:5000\"\n\
                    hostFromClusterNetwork: \"kind-registry:5000\"\nhelp: https://example.com/how\nlater: [1]\n";
    let expected = Hosting {
        host: "localhost:5000".to_owned(),
        from_container_runtime: "registry:5000".to_owned(),
        from_cluster_network: "kind-registry:5000".to_owned(),
        help: "https://example.com/how".to_owned(),
    };
    assert_eq!(Hosting::parse(document), Ok(expected));
    assert_eq!(Hosting::parse(""), Ok(Hosting::default()));
}

#[test]
fn a_document_that_is_none_is_told() {
    for (document, expected) in [
        ("host: [1]", "`host` is no text but array"),
        ("- a", "expected an object, found array"),
        ("host: 5000", "`host` is no text but number"),
    ] {
        assert_eq!(Hosting::parse(document).unwrap_err(), expected, "{document}");
    }
    assert!(Hosting::parse("host: {").is_err());
}

#[test]
fn annotations_of_nodes_name_a_registry() {
    for (annotations, expected) in [
        (vec![("tilt.dev/registry", "a:1")], Some(hosting("a:1", ""))),
        (
            vec![("tilt.dev/registry", "a:1"), ("tilt.dev/registry-from-cluster", "b:1")],
            Some(hosting("a:1", "b:1")),
        ),
        (vec![("kind.x-k8s.io/registry", "k:1")], Some(hosting("k:1", ""))),
        (
            vec![("kind.x-k8s.io/registry", "k:1"), ("tilt.dev/registry", "a:1")],
            Some(hosting("a:1", "")),
        ),
        (
            vec![
                ("kind.x-k8s.io/registry", "k:1"),
                ("tilt.dev/registry-from-cluster", "b:1"),
            ],
            Some(hosting("k:1", "")),
        ),
        (vec![("tilt.dev/registry", "")], None),
        (vec![("other", "x")], None),
    ] {
        let find = |name: &str| {
            annotations
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        assert_eq!(Hosting::annotated(find), expected, "{annotations:?}");
    }
}

#[test]
fn the_agreed_place_is_asked_first_and_one_without_a_host_says_nothing() {
    let mut registries = Registries {
        hosted: Some(hosting("a:1", "")),
        microk8s: Some(Hosting::at_node_port(32000)),
        annotated: Some(hosting("c:1", "")),
    };
    let host = |registries: &Registries| registries.local().map(|hosting| hosting.host.clone());
    assert_eq!(host(&registries).as_deref(), Some("a:1"));
    registries.hosted = Some(Hosting {
        help: "read this".to_owned(),
        ..Hosting::default()
    });
    assert_eq!(host(&registries).as_deref(), Some("localhost:32000"));
    registries.microk8s = None;
    assert_eq!(host(&registries).as_deref(), Some("c:1"));
    registries.annotated = None;
    assert_eq!(host(&registries), None);
    assert_eq!(registries.help(), Some("read this"));
}

fn connection() -> Connection<'static> {
    Connection {
        context: "docker-desktop",
        cluster: "docker-desktop",
        namespace: "",
        product: Product::DockerDesktop,
        config_path: "$XDG_RUNTIME_DIR/tilt-dev/tilt-default/cluster/default.yml",
        connected_at: Time::parse("2026-11-21T07:11:41.087367Z").unwrap(),
    }
}

#[test]
fn the_object_of_a_cluster_looks_as_upstreams_does() {
    let facts = Facts {
        version: "v0.0.0-master+faecb196815e2".to_owned(),
        arch: Some("amd64".to_owned()),
        ..Facts::default()
    };
    assert_eq!(json::compact(&spec(None)), r#"{"connection":{"kubernetes":{}}}"#);
    assert_eq!(
        json::compact(&status(&facts, &connection())),
        concat!(
            r#"{"arch":"amd64","connectedAt":"2026-11-21T07:11:41.087367Z","#,
            r#""connection":{"kubernetes":{"cluster":"docker-desktop","#,
            r#""configPath":"$XDG_RUNTIME_DIR/tilt-dev/tilt-default/cluster/default.yml","#,
            r#""context":"docker-desktop","namespace":"","product":"docker-desktop"}},"#,
            r#""version":"v0.0.0-master+faecb196815e2"}"#
        )
    );
    assert_eq!(json::compact(&failed_status("no route")), r#"{"error":"no route"}"#);
}

#[test]
fn the_object_shows_registries_declared_and_found() {
    let declared = Registry {
        host: "gcr.io/x".to_owned(),
        host_from_cluster: "gcr.io/y".to_owned(),
        single_name: "all".to_owned(),
    };
    assert_eq!(
        json::compact(&spec(Some(&declared))),
        concat!(
            r#"{"connection":{"kubernetes":{}},"defaultRegistry":{"host":"gcr.io/x","#,
            r#""hostFromContainerRuntime":"gcr.io/y","singleName":"all"}}"#
        )
    );
    let mut facts = Facts::default();
    facts.registries.hosted = Some(hosting("localhost:5000", "reg:5000"));
    let shown = status(&facts, &connection());
    assert_eq!(
        json::compact(shown.get("registry").unwrap()),
        r#"{"host":"localhost:5000","hostFromContainerRuntime":"reg:5000"}"#
    );
    assert!(shown.get("arch").is_none());
}
