//! Which engine a given environment means.

use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn found(pairs: &[(&str, &str)]) -> Endpoint {
    Endpoint::from_environment(&env(pairs)).unwrap()
}

#[test]
fn without_settings_the_engine_of_this_machine_is_meant() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = found(&[("HOME", home.path().to_str().unwrap())]);
    assert_eq!(endpoint.host, Host::Unix(PathBuf::from("/var/run/docker.sock")));
}

#[test]
fn a_host_is_read_from_its_url() {
    let cases = [
        ("unix:///x/y.sock", Host::Unix(PathBuf::from("/x/y.sock"))),
        (
            "tcp://[::1]:99",
            Host::Tcp {
                name: "::1".to_owned(),
                port: 99,
                tls: None,
            },
        ),
        (
            "tcp://box",
            Host::Tcp {
                name: "box".to_owned(),
                port: 2375,
                tls: None,
            },
        ),
        (
            "https://box",
            Host::Tcp {
                name: "box".to_owned(),
                port: 2376,
                tls: Some(Tls::default()),
            },
        ),
        (
            "ssh://me@box:23",
            Host::Ssh {
                destination: "me@box".to_owned(),
                port: Some(23),
            },
        ),
    ];
    for (url, host) in cases {
        assert_eq!(found(&[("DOCKER_HOST", url)]).host, host, "{url}");
    }
    for url in ["box", "gopher://box", "tcp://box:many", "ssh://-oProxyCommand=sh"] {
        let error = Endpoint::from_environment(&env(&[("DOCKER_HOST", url)])).unwrap_err();
        assert!(matches!(error, EndpointError::Url { .. }), "{url}: {error}");
    }
}

#[test]
fn broken_certificates_are_named_as_the_docker_command_names_them() {
    let variables = [
        ("DOCKER_HOST", "tcp://box"),
        ("DOCKER_TLS_VERIFY", "1"),
        ("DOCKER_CERT_PATH", "/nowhere"),
    ];
    let error = Endpoint::from_environment(&env(&variables)).unwrap_err();
    let expected = "unable to resolve docker endpoint: open /nowhere/ca.pem: no such file or directory";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_context_of_the_docker_command_line_is_followed() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("docker");
    let id = digest::sha256_hex(b"far");
    let meta = config.join("contexts/meta").join(&id);
    std::fs::create_dir_all(&meta).unwrap();
    std::fs::create_dir_all(config.join("contexts/tls").join(&id).join("docker")).unwrap();
    std::fs::write(
        meta.join("meta.json"),
        r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far:1","SkipTLSVerify":true}}}"#,
    )
    .unwrap();
    let ca = config.join("contexts/tls").join(&id).join("docker/ca.pem");
    std::fs::write(&ca, "x").unwrap();
    let folder = config.to_str().unwrap();
    let expected = Host::Tcp {
        name: "far".to_owned(),
        port: 1,
        tls: Some(Tls {
            authority: Some(ca),
            identity: None,
            skip_verify: true,
        }),
    };
    assert_eq!(
        found(&[("DOCKER_CONFIG", folder), ("DOCKER_CONTEXT", "far")]).host,
        expected
    );
    std::fs::write(config.join("config.json"), r#"{"currentContext":"far"}"#).unwrap();
    assert_eq!(found(&[("DOCKER_CONFIG", folder)]).host, expected);
    let near = found(&[("DOCKER_CONFIG", folder), ("DOCKER_HOST", "unix:///near")]);
    assert_eq!(
        near.host,
        Host::Unix(PathBuf::from("/near")),
        "a host wins over any context"
    );
    let error = Endpoint::from_environment(&env(&[("DOCKER_CONFIG", folder), ("DOCKER_CONTEXT", "x")])).unwrap_err();
    assert!(matches!(error, EndpointError::UnknownContext { .. }));
}

#[test]
fn programs_are_told_which_engine_is_meant() {
    let env = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let default = Endpoint::parse("unix:///var/run/docker.sock", None).unwrap();
    let other = Endpoint::parse("unix:///run/other.sock", None).unwrap();
    let secured = Endpoint::parse("https://far.away", None).unwrap();
    assert_eq!(default.variables(&env(&[("DOCKER_HOST", ""), ("A", "b")])), []);
    let named = other.variables(&env(&[("DOCKER_HOST", "unix:///run/other.sock")]));
    assert_eq!(named, [("DOCKER_HOST".to_owned(), "unix:///run/other.sock".to_owned())]);
    assert_eq!(other.variables(&env(&[])), named);
    let context = secured.variables(&env(&[("DOCKER_CONTEXT", "far")]));
    assert_eq!(context, [("DOCKER_CONTEXT".to_owned(), "far".to_owned())]);
}
