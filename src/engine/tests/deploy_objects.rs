//! Deploys as objects, compared with those of upstream for the same Tiltfile.

use super::deploy::object;
use super::image_objects::{golden, sorted, without_times};
use super::*;
use crate::engine::action::ImageFact;
use crate::engine::state::{ContainerStream, ForwardedPort, StreamState};
use crate::model::built::Built;
use crate::model::deployed::ObjectRef;
use crate::model::object::kinds::{
    CLUSTER, KUBERNETES_APPLY, KUBERNETES_DISCOVERY, POD_LOG_STREAM, PORT_FORWARD, SESSION, UI_RESOURCE,
};
use crate::model::pod::{Container, ContainerState, PodCondition, PodOwner};
use crate::model::yaml::json;
use crate::tiltfile::testing::Tiltfile;

const TILTFILE: &str = "\
allow_k8s_contexts('demo')
docker_build('demo-web', '.', only=['web'])
k8s_yaml('k8s.yaml')
k8s_resource('demo', port_forwards='18080:8000')
";

const YAML: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: demo}
spec:
  selector: {matchLabels: {app: demo}}
  template:
    metadata: {labels: {app: demo}}
    spec:
      containers: [{name: web, image: demo-web}]
";

const POD: &str = "demo-784b49d69f-wvmpd";

/// The names of all fields, and of those in them; the values do not count.
fn shape(tree: &Tree) -> Tree {
    match tree {
        Tree::Map(map) => Tree::Map(map.iter().map(|(key, value)| (Box::from(key), shape(value))).collect()),
        Tree::List(items) => Tree::List(items.iter().map(shape).collect()),
        Tree::Null => Tree::Null,
        _ => Tree::text("a value"),
    }
}

#[track_caller]
fn alike(ours: &Map, upstream: &Tree) {
    let print = |tree: &Tree| json::pretty(&sorted(&shape(tree)));
    assert_eq!(print(&Tree::Map(ours.clone())), print(upstream));
}

fn part(object: &Tree, path: &[&str]) -> Tree {
    let found = path.iter().try_fold(object, |tree, field| tree.get(field));
    found.unwrap_or_else(|| panic!("no {path:?}")).clone()
}

fn demo_pod() -> Pod {
    let at = Some(Time::from_micros(5_000_000));
    let condition = |kind: &str| PodCondition {
        kind: kind.into(),
        status: "True".into(),
        since: at,
        ..PodCondition::default()
    };
    Pod {
        uid: "6918d8e6-ebb7-466b-adbf-a2720bf98762".into(),
        name: POD.into(),
        namespace: "default".into(),
        created: at,
        phase: "Running".into(),
        status: "Running".into(),
        conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .map(condition)
            .into(),
        containers: vec![Container {
            name: "web".into(),
            id: "ad7998296645851f1ad45613401d158ba23df03f09c7386641ebadb5d7236043".into(),
            image: "demo-web:tilt-dbe4627a687584bb".into(),
            ready: true,
            state: ContainerState::Running { started: at },
            ..Container::default()
        }],
        template_hash: "7766a2331bde8277c2a9".into(),
        owner: Some(PodOwner {
            api_version: "apps/v1".into(),
            kind: "ReplicaSet".into(),
            name: "demo-784b49d69f".into(),
            uid: "".into(),
            created: at,
        }),
        ancestor: "6beb024e-85b7-4140-afdd-5ac24585bd6f".into(),
        ..Pod::default()
    }
}

fn demo() -> Rig {
    let tiltfile = Tiltfile::new(TILTFILE)
        .context("demo", "demo")
        .file("Dockerfile", "FROM bb\n")
        .file("k8s.yaml", YAML)
        .file("web/index.html", "hi");
    let evaluated = tiltfile.eval();
    let mut rig = Rig::new(Mode::Up);
    rig.evaluated(MAIN, Ok(evaluated.project().clone()));
    let update = rig.resource("demo").running.as_ref().unwrap().id;
    let built = Built::default();
    let bases = Default::default();
    rig.tell(vec![Action::Image {
        image: "demo-web".into(),
        update,
        fact: ImageFact::Built { built, bases },
    }]);
    let deployed = Deployed {
        objects: vec![ObjectRef {
            uid: "6beb024e-85b7-4140-afdd-5ac24585bd6f".into(),
            template_hash: "7766a2331bde8277c2a9".into(),
            ..object("demo")
        }],
        yaml: "kind: Deployment\n".to_owned(),
        hash: "cOXKkLwvRhD-b1TXaaSzeilgYRE=".to_owned(),
        is_complete: false,
        surplus: Vec::new(),
    };
    rig.deploys("demo", deployed);
    rig.sees("demo", &[&demo_pod()]);
    let container = ContainerStream {
        name: "web".to_owned(),
        active: true,
        ..ContainerStream::default()
    };
    let ports = vec![ForwardedPort {
        local: 18080,
        container: 8000,
        addresses: vec!["127.0.0.1".to_owned(), "::1".to_owned()],
        started: Some(rig.now),
        error: String::new(),
    }];
    rig.tell(vec![
        Action::PodLogs {
            stream: format!("demo-default-{POD}").as_str().into(),
            state: StreamState {
                containers: vec![container],
                error: String::new(),
            },
        },
        Action::Forward {
            forward: "demo".into(),
            ports,
        },
    ]);
    rig
}

/// What of an object has to be as upstream's: all but the YAML itself and the times.
#[track_caller]
fn same(rig: &Rig, kind: &'static Kind, name: &str) {
    let ours = rig.object(kind, name);
    let upstream = golden(kind.plural, name);
    let cut = |tree: &Tree| {
        let mut tree = tree.clone();
        if let Tree::Map(map) = &mut tree {
            for field in ["yaml", "resultYAML"] {
                if map.get(field).is_some() {
                    map.insert(field, Tree::text("YAML"));
                }
            }
        }
        without_times(&tree)
    };
    assert_eq!(cut(&Tree::Map(ours.spec.clone())), cut(&part(&upstream, &["spec"])));
    assert_eq!(cut(&Tree::Map(ours.status.clone())), cut(&part(&upstream, &["status"])));
    let annotations = part(&upstream, &["metadata", "annotations"]);
    assert_eq!(cut(&Tree::Map(ours.meta.annotations.clone())), cut(&annotations));
    let owner = part(&upstream, &["metadata", "ownerReferences"]);
    let owner = &owner.as_list().unwrap()[0];
    let ours = &ours.meta.owners[0];
    assert_eq!(owner.get("kind"), Some(&Tree::text(&*ours.kind)));
    assert_eq!(owner.get("name"), Some(&Tree::text(&*ours.name)));
}

#[test]
fn the_objects_of_a_deploy_are_upstreams() {
    let rig = demo();
    same(&rig, &KUBERNETES_APPLY, "demo");
    same(&rig, &KUBERNETES_DISCOVERY, "demo");
    same(&rig, &POD_LOG_STREAM, &format!("demo-default-{POD}"));
    same(&rig, &PORT_FORWARD, &format!("demo-{POD}"));
}

#[test]
fn the_cluster_has_the_shape_of_upstreams() {
    let rig = demo();
    let ours = rig.object(&CLUSTER, "default");
    let upstream = golden("clusters", "default");
    alike(&ours.spec, &part(&upstream, &["spec"]));
    alike(&ours.status, &part(&upstream, &["status"]));
}

/// Without the condition that upstream does not have.
fn without_ours(tree: &Tree) -> Tree {
    match tree.as_list() {
        Some(list) => {
            let theirs = list.iter().filter(|it| it.get("type") != Some(&Tree::text("Fresh")));
            Tree::List(theirs.cloned().collect())
        }
        None => tree.clone(),
    }
}

#[test]
fn the_resource_has_the_shape_of_upstreams() {
    let rig = demo();
    let upstream = golden("uiresources", "demo");
    let fields = ["k8sResourceInfo", "conditions", "endpointLinks", "disableStatus"];
    for field in fields {
        let only =
            |tree: Option<&Tree>| -> Map { tree.map(|tree| (Box::from(field), tree.clone())).into_iter().collect() };
        let ours = only(rig.status(&UI_RESOURCE, "demo", field).map(without_ours).as_ref());
        let theirs = only(Some(&part(&upstream, &["status", field])));
        alike(&ours, &Tree::Map(theirs));
    }
    for field in ["runtimeStatus", "updateStatus"] {
        let ours = rig.status(&UI_RESOURCE, "demo", field);
        assert_eq!(ours, Some(&part(&upstream, &["status", field])));
    }
}

#[test]
fn the_targets_of_the_session_have_the_shape_of_upstreams() {
    let rig = demo();
    let upstream = golden("sessions", "Tiltfile");
    let targets = |status: &Tree| -> Vec<String> {
        let targets = part(status, &["targets"]);
        let of_demo = |tree: &&Tree| {
            tree.get("name")
                .and_then(Tree::as_text)
                .is_some_and(|name| name.starts_with("demo:"))
        };
        let targets = targets.as_list().unwrap().iter().filter(of_demo).map(|target| {
            let name = target.get("name").and_then(Tree::as_text).unwrap();
            format!("{name} {}", json::pretty(&sorted(&shape(target))))
        });
        targets.collect()
    };
    let ours = Tree::Map(rig.object(&SESSION, "Tiltfile").status.clone());
    assert_eq!(targets(&ours), targets(&part(&upstream, &["status"])));
}
