//! Clusters that fall ill, come back, or come back as another one; on a clock of their own, without sockets.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Mutex;
use std::task::{Context as TaskContext, Poll};

use hyper::{Request, Response};
use kube::client::Body;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::*;

/// What each question is answered.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Answers>>);

#[derive(Clone, Default)]
struct Answers {
    health: u16,
    livez: u16,
    uid: String,
    asked: Vec<String>,
}

impl tower_service::Service<Request<Body>> for Server {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut answers = self.0.lock().unwrap();
        let path = request.uri().path().to_owned();
        let (status, body) = match path.as_str() {
            "/livez" => (answers.livez, String::new()),
            "/readyz" | "/healthz" => (answers.health, String::new()),
            "/api/v1/namespaces/kube-system" if answers.uid.is_empty() => (403, status_of(403)),
            "/api/v1/namespaces/kube-system" => {
                let uid = &answers.uid;
                (
                    200,
                    format!(r#"{{"metadata": {{"name": "kube-system", "uid": "{uid}"}}}}"#),
                )
            }
            other => panic!("nobody told me of {other}"),
        };
        answers.asked.push(path);
        let response = Response::builder().status(status).body(Body::from(body.into_bytes()));
        ready(Ok(response.unwrap()))
    }
}

fn status_of(code: u16) -> String {
    format!(r#"{{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": {code}}}"#)
}

impl Server {
    fn new(uid: &str) -> Server {
        let server = Server::default();
        server.set(200, uid);
        server
    }

    fn set(&self, health: u16, uid: &str) {
        let mut answers = self.0.lock().unwrap();
        (answers.health, answers.livez, answers.uid) = (health, 200, uid.to_owned());
    }

    fn cluster(&self) -> Cluster {
        Cluster(Arc::new(Inner {
            client: kube::Client::new(self.clone(), "default"),
            identity: Identity {
                server: "https://k".to_owned(),
                authority: String::new(),
            },
            user: "me".to_owned(),
            product: Product::None,
            patience: PATIENCE,
            ways: Arc::default(),
            namespace: "default".to_owned(),
            kinds: Default::default(),
        }))
    }

    /// What was told, after how many seconds, while a course of things took place.
    async fn watched(&self, course: impl AsyncFnOnce(&Server)) -> Vec<(u64, String)> {
        let (begin, stop) = (Instant::now(), CancellationToken::new());
        let told = Mutex::new(Vec::new());
        let cluster = self.cluster();
        let tell = |fact: HealthFact| told.lock().unwrap().push((begin.elapsed().as_secs(), fact.line()));
        tokio::join!(watch_health(&cluster, tell, &stop), async {
            course(self).await;
            stop.cancel();
        });
        told.into_inner().unwrap()
    }
}

fn seconds(count: u64) -> tokio::time::Sleep {
    sleep(Duration::from_secs(count))
}

#[tokio::test(start_paused = true)]
async fn the_fourth_failure_in_a_row_is_told_and_so_is_the_recovery() {
    let server = Server::new("one");
    let told = server.watched(async |server| {
        seconds(20).await;
        server.set(500, "one");
        seconds(100).await;
        server.set(200, "one");
        seconds(60).await;
    });
    let failed = "the cluster is not well: the cluster at https://k refuses: 500 /readyz says so";
    let expected = [(75, failed), (120, "the cluster is well again")];
    assert_eq!(told.await, expected.map(|(at, line)| (at, line.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn three_failures_are_no_news_but_another_cluster_behind_them_is() {
    let server = Server::new("one");
    let told = server.watched(async |server| {
        seconds(20).await;
        server.set(503, "one");
        seconds(45).await;
        server.set(200, "one");
        seconds(30).await;
    });
    assert_eq!(told.await, []);
    let told = server.watched(async |server| {
        seconds(20).await;
        server.set(503, "two");
        seconds(15).await;
        server.set(200, "two");
        seconds(60).await;
    });
    assert_eq!(
        told.await,
        [(45, "the API server at https://k is another cluster now".to_owned())]
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_see_namespaces_is_told_of_health_all_the_same() {
    let server = Server::new("");
    let told = server.watched(async |server| {
        server.set(500, "");
        seconds(70).await;
        server.set(200, "");
        seconds(30).await;
    });
    assert_eq!(told.await.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [60, 75]);
}

#[tokio::test(start_paused = true)]
async fn servers_that_know_no_livez_are_asked_for_healthz() {
    let server = Server::new("one");
    server.0.lock().unwrap().livez = 404;
    server.cluster().check().await.unwrap();
    assert_eq!(server.0.lock().unwrap().asked, ["/livez", "/healthz"]);
}
