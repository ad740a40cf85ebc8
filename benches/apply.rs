//! Objects into the cluster that `KUBECONFIG` names: how long it takes, and how much of that is ours. Run with
//! `cargo bench --bench apply`; makes a namespace of its own and deletes it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tilt::deploy::{Deployer, Mode, Order, Removal, Start, merge};
use tilt::model::deployed::ObjectRef;
use tilt::model::kube::{self, Object};
use tilt::world::clock;
use tilt::world::cluster::Cluster;
use tilt::world::cluster::objects::Patch;
use tilt::world::kubeconfig::{self, Sources};
use tokio_util::sync::CancellationToken;

const MANY: usize = 200;
const TURNS: usize = 15;

#[tokio::main]
async fn main() {
    // Allowed here: a bench is a command line of its own.
    #[expect(clippy::disallowed_methods, reason = "a bench has its own command line")]
    let variable = std::env::var("KUBECONFIG").ok();
    let Some(variable) = variable else {
        return println!("KUBECONFIG names no cluster: nothing to measure");
    };
    let namespace = format!("bench-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
    let sources = Sources {
        variable: Some(variable),
        namespace: Some(namespace.clone()),
        ..Sources::default()
    };
    let own = kube::parse(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n"
    ));
    let own = own.expect("a namespace");
    let deployer = connect(&sources).await;
    apply(&deployer, &own, Mode::ClientSide).await;
    one(&sources).await;
    for mode in [Mode::ClientSide, Mode::ServerSide] {
        many(&sources, mode).await;
    }
    delete(&deployer, &deploy_refs(&own)).await;
}

async fn connect(sources: &Sources) -> Deployer {
    let context = kubeconfig::active(sources).expect("a kubeconfig").expect("a context");
    let cluster = Cluster::connect(sources, &context, &BTreeMap::new()).await;
    Deployer::new(cluster.expect("a connection"))
}

async fn apply(deployer: &Deployer, objects: &[Object], mode: Mode) -> Duration {
    let order = Order {
        objects,
        hash: "",
        mode,
        start: Start::WithWhatIsThere,
        timeout: Duration::from_secs(120),
        uid: None,
        before: None,
        elsewhere: &[],
    };
    let began: Instant = clock::now();
    let applied = deployer.apply(&order, &CancellationToken::new(), &|_: &str| ()).await;
    let took = began.elapsed();
    applied.expect("it is applied");
    took
}

async fn delete(deployer: &Deployer, objects: &[ObjectRef]) {
    let removal = Removal {
        timeout: Duration::from_secs(120),
        is_waited_for: true,
        uid: None,
    };
    let stop = CancellationToken::new();
    let deleted = deployer.delete(objects, &removal, (&stop, &|_: &str| ())).await;
    deleted.expect("it is deleted");
}

fn deploy_refs(objects: &[Object]) -> Vec<ObjectRef> {
    tilt::deploy::refs(objects)
}

fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\nspec:\n  replicas: 0\n\
         \x20 selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n\
         \x20     containers:\n      - name: main\n        image: {image}\n        env: [{{name: A, value: '1'}}]\n\
         \x20       ports: [{{containerPort: 8000}}]\n---\n"
    )
}

fn parsed(names: usize, image: &str) -> Vec<Object> {
    let yaml: String = (0..names)
        .map(|index| deployment(&format!("web-{index}"), image))
        .collect();
    kube::parse(&yaml).expect("deployments")
}

async fn many(sources: &Sources, mode: Mode) {
    let deployer = connect(sources).await;
    let objects = parsed(MANY, "one");
    let created = apply(&deployer, &objects, mode).await;
    let unchanged = apply(&deployer, &objects, mode).await;
    let changed = apply(&deployer, &parsed(MANY, "two"), mode).await;
    println!(
        "{MANY} Deployments, {mode:?}: created in {created:.2?}, unchanged {unchanged:.2?}, changed {changed:.2?}"
    );
    delete(&deployer, &deploy_refs(&objects)).await;
}

/// One Deployment that changes, beside nothing but the requests that this takes.
async fn one(sources: &Sources) {
    let mut cold = Vec::new();
    let (mut warm, mut asked) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let deployer = connect(sources).await;
        cold.push(apply(&deployer, &parsed(1, &format!("cold-{turn}")), Mode::ClientSide).await);
        warm.push(apply(&deployer, &parsed(1, &format!("warm-{turn}")), Mode::ClientSide).await);
        asked.push(requests(deployer.cluster(), &parsed(1, &format!("asked-{turn}"))[0]).await);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (cold, warm, asked) = (median(&mut cold), median(&mut warm), median(&mut asked));
    println!(
        "one Deployment that changes: first order {cold:.2?}, later ones {warm:.2?}; GET and PATCH alone {asked:.2?}"
    );
    println!("ours of it: {:.2?}", warm.saturating_sub(asked));
    let deployer = connect(sources).await;
    delete(&deployer, &deploy_refs(&parsed(1, "x"))).await;
}

async fn requests(cluster: &Cluster, object: &Object) -> Duration {
    let address = cluster
        .address((object.api_version(), object.kind()), ("", object.name()))
        .await;
    let address = address.expect("a known kind");
    let live = cluster.get(&address).await.expect("it is there");
    let wanted = merge::annotated(&merge::wanted(object, &address.namespace)).expect("a note");
    let merge::Change::Strategic(patch) = merge::three_way(&live, &wanted) else {
        panic!("it changes")
    };
    let began: Instant = clock::now();
    cluster.get(&address).await.expect("it is there");
    cluster
        .patch(&address, (Patch::Strategic, &patch))
        .await
        .expect("it is patched");
    began.elapsed()
}
