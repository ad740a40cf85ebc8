//! Orders against a server that follows a script: what is asked for, in which order, and what comes of refusals.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::kube::{self, Object};
use crate::world::clock;

mod server;

use server::{Reply, Server};

fn kinds() -> (&'static str, Reply) {
    let resource = |name: &str, kind: &str, namespaced: bool| {
        format!(r#"{{"name": "{name}", "kind": "{kind}", "namespaced": {namespaced}, "verbs": ["get"]}}"#)
    };
    let resources = [
        resource("namespaces", "Namespace", false),
        resource("namespaces/status", "Namespace", false),
        resource("configmaps", "ConfigMap", true),
        resource("services", "Service", true),
    ];
    let body = format!(
        r#"{{"kind": "APIResourceList", "groupVersion": "v1", "resources": [{}]}}"#,
        resources.join(", ")
    );
    ("GET /api/v1", Reply::Json(200, body))
}

fn map(value: &str) -> String {
    format!(
        r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "c", "namespace": "here", "uid": "u1",
        "resourceVersion": "7"}}, "data": {{"a": "{value}"}}}}"#
    )
}

fn objects() -> Vec<Object> {
    kube::parse("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n").unwrap()
}

fn order(objects: &[Object]) -> Order<'_> {
    Order {
        objects,
        hash: "h",
        mode: Mode::ClientSide,
        start: Start::WithWhatIsThere,
        timeout: Duration::from_secs(30),
        uid: None,
        before: None,
        elsewhere: &[],
    }
}

const MISSING: Reply = Reply::Status(404, "NotFound", "configmaps \"c\" not found");
const GET: &str = "GET /api/v1/namespaces/here/configmaps/c";
const POST: &str = "POST /api/v1/namespaces/here/configmaps?fieldManager=tilt";
const PATCH: &str = "PATCH /api/v1/namespaces/here/configmaps/c?fieldManager=tilt";
const APPLY: &str = "PATCH /api/v1/namespaces/here/configmaps/c?fieldManager=tilt&force=true";
const PUT: &str = "PUT /api/v1/namespaces/here/configmaps/c?fieldManager=tilt";
const DELETE: &str = "DELETE /api/v1/namespaces/here/configmaps/c";
const WATCH: &str =
    "GET /api/v1/namespaces/here/configmaps?watch=true&fieldSelector=metadata.name%3Dc&resourceVersion=7";

struct Applied {
    outcome: Result<Deployed, Box<Unfinished>>,
    said: Vec<String>,
    took: Duration,
}

async fn apply_with(server: &Server, order: &Order<'_>, stop: &CancellationToken) -> Applied {
    let said = Mutex::new(Vec::new());
    let began: Instant = clock::now();
    let deployer = Deployer::new(server.cluster.clone());
    let say = |line: Line| said.lock().unwrap().push(line.text);
    let outcome = deployer.apply(order, stop, &say).await;
    Applied {
        outcome,
        said: said.into_inner().unwrap(),
        took: began.elapsed(),
    }
}

async fn apply(server: &Server) -> Applied {
    apply_with(server, &order(&objects()), &CancellationToken::new()).await
}

#[tokio::test]
async fn what_is_not_there_is_created_with_a_note_of_itself() {
    let server = Server::start(vec![kinds(), (GET, MISSING), (POST, Reply::Json(201, map("b")))]).await;
    let applied = apply(&server).await;
    let deployed = applied.outcome.unwrap();
    assert_eq!(
        applied.said,
        [
            "Applying YAML to cluster",
            "Objects applied to cluster:",
            "  → c:configmap"
        ]
    );
    let expected = ObjectRef {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        namespace: "here".into(),
        name: "c".into(),
        uid: "u1".into(),
        template_hash: "".into(),
    };
    assert_eq!((deployed.objects, deployed.hash.as_str()), (vec![expected], "h"));
    assert!(
        !deployed.is_complete && deployed.yaml.contains("uid: u1"),
        "{}",
        deployed.yaml
    );
    assert!(server.bodies()[0].contains("last-applied-configuration"));
}

#[tokio::test]
async fn kinds_are_asked_for_once_and_what_is_as_it_should_be_is_left_alone() {
    let object = objects().remove(0);
    let live = merge::annotated(&merge::wanted(&object, "here")).unwrap();
    let live = || Reply::Json(200, crate::model::yaml::json::compact(&live));
    let server = Server::start(vec![kinds(), (GET, live()), (GET, live())]).await;
    apply(&server).await.outcome.unwrap();
    apply(&server).await.outcome.unwrap();
}

#[tokio::test]
async fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
    let server = Server::start(vec![
        kinds(),
        (GET, Reply::Later(429, "1")),
        (GET, MISSING),
        (POST, Reply::Later(429, "1")),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
    ])
    .await;
    let applied = apply(&server).await;
    applied.outcome.unwrap();
    assert!(applied.took >= Duration::from_secs(2), "{:?}", applied.took);
}

#[tokio::test]
async fn trouble_that_passes_is_told_once_and_survived() {
    let server = Server::start(vec![
        ("GET /api/v1", Reply::Status(503, "ServiceUnavailable", "starting")),
        kinds(),
        (GET, Reply::Status(500, "InternalError", "etcdserver: leader changed")),
        (GET, MISSING),
        (POST, Reply::Status(503, "ServiceUnavailable", "busy")),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
    ])
    .await;
    let applied = apply(&server).await;
    applied.outcome.unwrap();
    assert_eq!(
        applied.said[1],
        "  → c:configmap trying again: etcdserver: leader changed"
    );
    assert_eq!(applied.said.len(), 4, "{:?}", applied.said);
}

#[tokio::test]
async fn a_connection_that_is_cut_while_an_object_is_created_does_not_create_it_twice() {
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (POST, Reply::Cut),
        (GET, Reply::Json(200, map("b"))),
        (PATCH, Reply::Json(200, map("b"))),
    ])
    .await;
    apply(&server).await.outcome.unwrap();
    // All that was missing of the object that somebody had created is the note.
    let patch = server.bodies().pop().unwrap();
    assert!(
        patch.starts_with(r#"{"metadata":{"annotations":{"kubectl.kubernetes.io/last"#),
        "{patch}"
    );
}

#[tokio::test]
async fn what_is_too_large_is_sent_without_the_note() {
    let large = || {
        Reply::Status(
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
        )
    };
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (POST, large()),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
    ])
    .await;
    apply(&server).await.outcome.unwrap();
    assert!(!server.bodies()[1].contains("last-applied"));
    let server = Server::start(vec![
        kinds(),
        (GET, Reply::Json(200, map("x"))),
        (
            PATCH,
            Reply::Invalid(
                "FieldValueTooLong",
                "metadata.annotations",
                "metadata.annotations: Too long: must have at most 262144 bytes",
            ),
        ),
        (GET, Reply::Json(200, map("x"))),
        (PUT, Reply::Json(200, map("b"))),
    ])
    .await;
    apply(&server).await.outcome.unwrap();
    let replaced = &server.bodies()[1];
    assert!(
        replaced.contains(r#""resourceVersion":"7""#) && !replaced.contains("last-applied"),
        "{replaced}"
    );
}

#[tokio::test]
async fn too_large_without_the_note_is_an_error() {
    let large = || Reply::Status(413, "", "Request entity too large");
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (POST, large()),
        (GET, MISSING),
        (POST, large()),
    ])
    .await;
    let error = apply(&server).await.outcome.unwrap_err();
    assert_eq!(error.to_string(), "applying ConfigMap/c: Request entity too large");
    assert_eq!((error.error.class(), error.left.objects.len()), (Class::User, 0));
}

#[tokio::test]
async fn races_with_others_are_run_again() {
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (
            POST,
            Reply::Status(409, "AlreadyExists", "configmaps \"c\" already exists"),
        ),
        (GET, Reply::Json(200, map("x"))),
        (PATCH, Reply::Status(409, "Conflict", "the object has been modified")),
        (GET, Reply::Json(200, map("x"))),
        (PATCH, Reply::Status(404, "NotFound", "configmaps \"c\" not found")),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
    ])
    .await;
    apply(&server).await.outcome.unwrap();
}

#[tokio::test]
async fn an_object_that_cannot_be_changed_is_deleted_and_created_even_where_watching_is_forbidden() {
    let server = Server::start(vec![
        kinds(),
        (GET, Reply::Json(200, map("x"))),
        (
            PATCH,
            Reply::Invalid(
                "FieldValueForbidden",
                "data",
                "data: Forbidden: field is immutable when `immutable` is set",
            ),
        ),
        (GET, Reply::Json(200, map("x"))),
        (DELETE, Reply::Json(200, map("x"))),
        (GET, Reply::Json(200, map("x"))),
        (WATCH, Reply::Status(403, "Forbidden", "configmaps is forbidden")),
        (GET, Reply::Json(200, map("x"))),
        (GET, MISSING),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
    ])
    .await;
    let applied = apply(&server).await;
    applied.outcome.unwrap();
    assert!(
        applied.said[1].starts_with("  → c:configmap cannot be changed in place"),
        "{:?}",
        applied.said
    );
    assert!(server.bodies()[1].contains(r#""preconditions":{"uid":"u1"}"#));
}

#[tokio::test]
async fn what_is_simply_wrong_is_not_deleted() {
    let wrong = Reply::Invalid("FieldValueInvalid", "data", "data: Invalid value: \"b\": nonsense");
    let server = Server::start(vec![kinds(), (GET, Reply::Json(200, map("x"))), (PATCH, wrong)]).await;
    let error = apply(&server).await.outcome.unwrap_err();
    assert_eq!(
        error.to_string(),
        "applying ConfigMap/c: data: Invalid value: \"b\": nonsense"
    );
}

#[tokio::test]
async fn server_side_apply_is_one_request() {
    let server = Server::start(vec![kinds(), (APPLY, Reply::Json(200, map("b")))]).await;
    let objects = objects();
    let order = Order {
        mode: Mode::ServerSide,
        ..order(&objects)
    };
    apply_with(&server, &order, &CancellationToken::new())
        .await
        .outcome
        .unwrap();
    assert!(!server.bodies()[0].contains("last-applied"));
}

#[tokio::test]
async fn a_fault_that_old_servers_take_for_theirs_is_not_tried_again() {
    let wrong = Reply::Status(500, "", "failed to create typed patch object: .spec.ports: element 0");
    let server = Server::start(vec![kinds(), (APPLY, wrong)]).await;
    let objects = objects();
    let order = Order {
        mode: Mode::ServerSide,
        ..order(&objects)
    };
    let error = apply_with(&server, &order, &CancellationToken::new())
        .await
        .outcome
        .unwrap_err();
    assert_eq!(error.error.class(), Class::User);
}

#[tokio::test]
async fn a_cluster_that_is_another_one_gets_nothing() {
    let system = |uid: &str| {
        Reply::Json(
            200,
            format!(r#"{{"kind": "Namespace", "metadata": {{"uid": "{uid}"}}}}"#),
        )
    };
    const SYSTEM: &str = "GET /api/v1/namespaces/kube-system";
    let objects = objects();
    let order = Order {
        uid: Some("one"),
        ..order(&objects)
    };
    let stop = CancellationToken::new();
    // Both questions come at once, so this one has no kinds to ask for.
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
        (SYSTEM, system("two")),
    ])
    .await;
    apply(&server).await.outcome.unwrap();
    let error = apply_with(&server, &order, &stop).await.outcome.unwrap_err();
    assert!(matches!(error.error, DeployError::OtherCluster { .. }), "{error}");
    assert_eq!(error.error.class(), Class::User, "trying again is of no use");
    let forbidden = Reply::Status(403, "Forbidden", "namespaces \"kube-system\" is forbidden");
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
        (SYSTEM, forbidden),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
    ])
    .await;
    apply(&server).await.outcome.unwrap();
    apply_with(&server, &order, &stop).await.outcome.unwrap();
}

#[tokio::test]
async fn what_could_not_be_deleted_is_not_forgotten_and_what_others_have_is_left_alone() {
    let old = |name: &str, namespace: &str| ObjectRef {
        api_version: "v1".into(),
        kind: "Service".into(),
        namespace: namespace.into(),
        name: name.into(),
        ..ObjectRef::default()
    };
    let before = Deployed {
        objects: vec![old("old", "here"), old("elsewhere", "here")],
        ..Deployed::default()
    };
    let forbidden = Reply::Status(403, "Forbidden", "services \"old\" is forbidden");
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (POST, Reply::Json(201, map("b"))),
        ("GET /api/v1/namespaces/here/services/old", forbidden),
    ])
    .await;
    let objects = objects();
    // Others do not say in which namespace they have it.
    let others = [old("elsewhere", "")];
    let order = Order {
        before: Some(&before),
        elsewhere: &others,
        ..order(&objects)
    };
    let applied = apply_with(&server, &order, &CancellationToken::new()).await;
    let deployed = applied.outcome.unwrap();
    assert_eq!(deployed.surplus, [old("old", "here")]);
    assert!(
        applied.said.iter().any(|line| line.contains("still there")),
        "{:?}",
        applied.said
    );
}

#[tokio::test]
async fn an_order_that_takes_too_long_says_what_it_was_about_and_what_may_be_there() {
    let server = Server::start(vec![kinds(), (GET, MISSING), (POST, Reply::Never)]).await;
    let objects = objects();
    let order = Order {
        timeout: Duration::from_secs(3),
        ..order(&objects)
    };
    let error = apply_with(&server, &order, &CancellationToken::new())
        .await
        .outcome
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Killed kubectl. Hit timeout of 3s applying ConfigMap/c."
    );
    assert_eq!(error.left.objects[0].display(), "c:configmap");
    // The namespace is that of the context: the next order must know the object again, and not collect it.
    let left = &error.left.objects[0];
    assert_eq!((&*left.uid, &*left.namespace), ("", "here"));
}

#[tokio::test]
async fn trouble_that_does_not_pass_is_named_when_the_time_is_over() {
    let busy = || Reply::Status(503, "ServiceUnavailable", "busy");
    // After 0.1, 0.2, 0.4 and 0.8 seconds it is tried again, and the next pause is longer than what is left.
    let script = [kinds()].into_iter().chain((0..5).map(|_| (GET, busy())));
    let server = Server::start(script.collect()).await;
    let objects = objects();
    let order = Order {
        timeout: Duration::from_secs(3),
        ..order(&objects)
    };
    let error = apply_with(&server, &order, &CancellationToken::new())
        .await
        .outcome
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Killed kubectl. Hit timeout of 3s applying ConfigMap/c. Last error: busy"
    );
}

#[tokio::test]
async fn an_order_that_is_stopped_remembers_what_it_has_applied_and_what_was_there_before() {
    let stop = CancellationToken::new();
    let server = Server::start(vec![
        kinds(),
        (GET, MISSING),
        (POST, Reply::Stopping(map("b"), stop.clone())),
    ])
    .await;
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    let objects = kube::parse(text).unwrap();
    let old = ObjectRef {
        api_version: "v1".into(),
        kind: "Service".into(),
        namespace: "here".into(),
        name: "old".into(),
        ..ObjectRef::default()
    };
    let before = Deployed {
        objects: vec![old],
        ..Deployed::default()
    };
    let order = Order {
        before: Some(&before),
        ..order(&objects)
    };
    let error = apply_with(&server, &order, &stop).await.outcome.unwrap_err();
    assert!(matches!(error.error, DeployError::Cancelled), "{error}");
    let left: Vec<String> = error.left.objects.iter().map(ObjectRef::display).collect();
    assert_eq!(left, ["c:configmap", "old:service"]);
}

#[tokio::test]
async fn a_kind_that_nobody_knows_is_told_as_kubectl_tells_it() {
    let server = Server::start(vec![
        (
            "GET /apis/example.org/v1",
            Reply::Status(404, "NotFound", "404 page not found"),
        ),
        (
            "GET /apis/example.org/v1",
            Reply::Status(404, "NotFound", "404 page not found"),
        ),
    ])
    .await;
    let objects = kube::parse("apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w}\n").unwrap();
    let error = apply_with(&server, &order(&objects), &CancellationToken::new())
        .await
        .outcome
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "applying Widget/w: no matches for kind \"Widget\" in version \"example.org/v1\""
    );
}

/// Whoever spawns an order needs it to be sendable.
#[test]
fn orders_may_be_carried_out_anywhere() {
    fn sendable<T: Send>(_: &T) {}
    fn check(deployer: &Deployer, order: &Order<'_>, stop: &CancellationToken, say: Say<'_>) {
        sendable(&deployer.apply(order, stop, say));
        let removal = Removal {
            timeout: Duration::ZERO,
            is_waited_for: false,
            uid: None,
        };
        sendable(&deployer.delete(&[], &removal, (stop, say)));
    }
    let _ = check;
}
