//! Finding a server, and what its refusals read like.

use super::*;

const CONFIG: &str = "
apiVersion: v1
kind: Config
clusters:
- {name: tilt-default, cluster: {server: 'https://127.0.0.1:4000/', certificate-authority-data: aGk=}}
- {name: tilt-10351, cluster: {server: 'https://127.0.0.1:4001'}}
users:
- {name: tilt-default, user: {token: secret}}
contexts:
- {name: tilt-default, context: {cluster: tilt-default, user: tilt-default}}
- {name: tilt-10351, context: {cluster: tilt-10351, user: tilt-10351}}
";

#[test]
fn a_server_is_found_by_the_port_of_its_web_page() {
    let server = Server::read(CONFIG, &Connect { port: 10350 }.name()).unwrap();
    assert_eq!(
        server,
        Server {
            name: "tilt-default".into(),
            url: "https://127.0.0.1:4000".into(),
            roots: b"hi".to_vec(),
            token: Some("secret".into()),
        }
    );
    let other = Server::read(CONFIG, &Connect { port: 10351 }.name()).unwrap();
    assert_eq!((other.address(), other.token.as_deref()), ("127.0.0.1:4001", None));
}

#[test]
fn a_server_that_does_not_run_is_named_with_those_that_do() {
    let error = Server::read(CONFIG, "tilt-7").unwrap_err().to_string();
    assert_eq!(
        error,
        "Error: No tilt apiserver found: tilt-7\nStart one with `tilt up`, or say which one is meant with --port.\n\
         Running now: tilt-default (--port 10350), tilt-10351 (--port 10351)"
    );
    let missing = Server::find(Connect { port: 10350 }, |name| {
        (name == "TILT_CONFIG").then(|| "no/such/file".to_owned())
    });
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .starts_with("Error: No tilt apiserver found: tilt-default\n")
    );
}

#[test]
fn refusals_read_as_kubectl_writes_them() {
    let invalid = r#"{"kind":"Status","reason":"Invalid","message":"m","code":422,"details":{"kind":"UIButton","name":"bad","causes":[{"field":"spec.text","message":"Required value: Button text cannot be empty"}]}}"#;
    let table = [
        (
            r#"{"kind":"Status","reason":"NotFound","message":"cmds.tilt.dev \"x\" not found","code":404}"#,
            "Error from server (NotFound): cmds.tilt.dev \"x\" not found",
        ),
        (
            invalid,
            "The UIButton \"bad\" is invalid: spec.text: Required value: Button text cannot be empty",
        ),
        (
            r#"{"kind":"Status","reason":"Unauthorized","message":"Unauthorized","code":401}"#,
            "error: You must be logged in to the server (Unauthorized)",
        ),
        ("404 page not found\n", "Error from server: 404 page not found"),
    ];
    for (body, expected) in table {
        let error = ClientError::Status(Box::new(Status::of(400, body.as_bytes())));
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn names_with_punctuation_stay_one_segment() {
    let kind = &crate::model::object::kinds::TILTFILE;
    assert_eq!(
        object_path(kind, "(Tiltfile)", ""),
        "/apis/tilt.dev/v1alpha1/tiltfiles/(Tiltfile)"
    );
    assert_eq!(
        object_path(kind, "a:b c/ü", "status"),
        "/apis/tilt.dev/v1alpha1/tiltfiles/a:b%20c%2F%C3%BC/status"
    );
}
