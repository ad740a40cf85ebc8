//! Deploys: what is applied and deleted when, which pods, logs and ports follow from it, and what the resource makes of them.

use super::images::deploying;
use super::*;
use crate::engine::effect::ForwardTask;
use crate::engine::state::{ForwardedPort, Outcome, RuntimeStatus};
use crate::model::deployed::ObjectRef;
use crate::model::link::{Link, Url};
use crate::model::object::kinds::{KUBERNETES_DISCOVERY, POD_LOG_STREAM, PORT_FORWARD, UI_RESOURCE};
use crate::model::pod::{Container, ContainerState};
use crate::model::port::PortForward;
use crate::model::workload::{KubernetesTarget, PodReadiness, Source};

pub fn object(name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: "default".into(),
        name: name.into(),
        uid: format!("uid-{name}").into(),
        template_hash: "".into(),
    }
}

/// What the cluster answers once these are applied, whose pods are of this template.
pub fn deployed(names: &[&str], hash: &str) -> Deployed {
    let of_template = |name: &&str| ObjectRef {
        template_hash: hash.into(),
        ..object(name)
    };
    Deployed {
        objects: names.iter().map(of_template).collect(),
        yaml: "kind: Deployment\n".to_owned(),
        hash: format!("input {hash}"),
        is_complete: false,
        surplus: Vec::new(),
    }
}

pub fn names(objects: &[ObjectRef]) -> Vec<&str> {
    objects.iter().map(|object| &*object.name).collect()
}

/// A resource of these objects.
pub fn web(name: &str, objects: &[&str]) -> Resource {
    kube(deploying(name, Vec::new()), |target| {
        let bare = |name: &&str| ObjectRef {
            namespace: "".into(),
            uid: "".into(),
            ..object(name)
        };
        target.objects = objects.iter().map(bare).collect();
        target.source = Source::Yaml(format!("names: {}", objects.join(" ")));
    })
}

pub fn kube(mut resource: Resource, change: impl FnOnce(&mut KubernetesTarget)) -> Resource {
    if let Target::Kubernetes(target) = &mut resource.target {
        change(target);
    }
    resource
}

pub fn pod(name: &str, hash: &str) -> Pod {
    let number = name.bytes().last().unwrap_or_default();
    Pod {
        uid: format!("uid-{name}").into(),
        name: name.into(),
        namespace: "default".into(),
        created: Some(Time::from_micros(1_000_000 * i64::from(number))),
        phase: "Pending".into(),
        status: "Pending".into(),
        template_hash: hash.into(),
        containers: vec![Container {
            name: "main".into(),
            ports: vec![8000, 9000],
            ..Container::default()
        }],
        ..Pod::default()
    }
}

pub fn ready(mut pod: Pod) -> Pod {
    pod.phase = "Running".into();
    pod.status = "Running".into();
    for container in &mut pod.containers {
        container.ready = true;
        container.state = ContainerState::Running { started: pod.created };
    }
    pod
}

pub fn crashing(mut pod: Pod) -> Pod {
    pod.phase = "Running".into();
    for container in &mut pod.containers {
        container.ready = false;
        container.state = ContainerState::Waiting {
            reason: "CrashLoopBackOff".into(),
            message: "".into(),
        };
    }
    pod
}

pub fn ended(mut pod: Pod, phase: &str) -> Pod {
    pod.phase = phase.into();
    pod
}

pub fn failed(message: &str) -> UpdateOutcome {
    UpdateOutcome::Failed(UpdateFailure {
        class: Class::User,
        message: message.to_owned(),
        exit: None,
    })
}

pub fn half_way(names: &[&str]) -> ApplyFact {
    ApplyFact::Failed {
        error: "half-way".to_owned(),
        left: names.iter().map(|name| object(name)).collect(),
    }
}

pub fn gone() -> ClusterFact {
    let error = "connection refused".to_owned();
    ClusterFact::Failed { error }
}

/// One that was deployed and whose pod is ready.
pub fn up(resource: Resource, objects: &[&str]) -> Rig {
    let name = resource.name.clone();
    let mut rig = Rig::with(vec![resource]);
    rig.deploys(&name, deployed(objects, "t1"));
    rig.sees(&name, &[&ready(pod("p1", "t1"))]);
    rig
}

pub fn keys(rig: &Rig) -> Vec<String> {
    let kept = rig.engine.kept().keys().filter_map(|key| match key {
        Key::Discovery(name) => Some(format!("discovery {name}")),
        Key::PodLogs(name) => Some(format!("logs {name}")),
        Key::Forward(name) => Some(format!("forward {name}")),
        Key::Cluster => Some("cluster".to_owned()),
        _ => None,
    });
    kept.collect()
}

pub fn objects_of(rig: &Rig, kind: &'static Kind) -> Vec<String> {
    let objects = rig.engine.state.table.list(kind);
    objects.map(|object| object.name.to_string()).collect()
}

pub fn forward_task<'a>(rig: &'a Rig, name: &str) -> &'a ForwardTask {
    match rig.engine.kept().get(&Key::Forward(name.into())) {
        Some(Task::Forward(task)) => task,
        other => panic!("{other:?}"),
    }
}

pub fn released(rig: &Rig, key: &Key) -> bool {
    let is_it = |effect: &Effect| matches!(effect, Effect::Release { key: gone } if gone == key);
    rig.effects.iter().any(is_it)
}

pub fn ports(list: &[(u16, u16)]) -> Vec<PortForward> {
    let port = |(local, container): &(u16, u16)| PortForward {
        local: *local,
        container: *container,
        ..PortForward::default()
    };
    list.iter().map(port).collect()
}

pub fn forwarding(resource: Resource, list: &[(u16, u16)]) -> Resource {
    kube(resource, |target| target.port_forwards = ports(list))
}

pub fn ready_condition(rig: &Rig, resource: &str) -> (String, String) {
    let conditions = rig.status(&UI_RESOURCE, resource, "conditions").and_then(Tree::as_list);
    let is_ready = |tree: &&Tree| tree.get("type") == Some(&Tree::text("Ready"));
    let found = conditions.into_iter().flatten().find(is_ready).expect("it is said");
    let text = |field| found.get(field).and_then(Tree::as_text).unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

pub fn said(rig: &Rig, part: &str) -> bool {
    rig.said().iter().any(|line| line.contains(part))
}

// The cluster.

#[test]
fn a_resource_waits_for_its_cluster_and_others_do_not() {
    let mut rig = Rig::new(Mode::Up);
    let running = rig.engine.state.tiltfiles[MAIN].running.clone().unwrap();
    rig.tell(vec![Action::Evaluated {
        tiltfile: MAIN.into(),
        run: running.run,
        evaluation: Box::new(Evaluation {
            project: Ok(project(vec![web("web", &["web"]), mode_free("job")])),
            config_files: Vec::new(),
            hashes: Hashes::default(),
            warnings: 0,
            timings: Vec::new(),
        }),
    }]);
    assert_eq!(keys(&rig), ["cluster"]);
    assert_eq!(
        (rig.hold("web").as_str(), rig.running()),
        ("waiting-for-cluster", vec!["job"])
    );
    rig.cluster(gone());
    assert_eq!(rig.hold("web"), "waiting-for-cluster");
    let error = rig.status(&crate::model::object::kinds::CLUSTER, "default", "error");
    assert_eq!(error, Some(&Tree::text("connection refused")));
    rig.cluster(ClusterFact::Connected(Box::new(cluster())));
    assert_eq!(rig.running(), ["web", "job"]);
}

/// One that needs nothing to start.
pub fn mode_free(name: &str) -> Resource {
    with(local(name), |target| target.deps = Vec::new())
}

#[test]
fn a_cluster_that_is_gone_holds_updates_and_keeps_what_is_looked_at_until_it_is_back() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    let before = keys(&rig);
    rig.cluster(gone());
    rig.cluster(gone());
    assert_eq!(keys(&rig), before);
    rig.trigger("web").unwrap();
    assert_eq!(rig.hold("web"), "waiting-for-cluster");
    let times = rig
        .said()
        .iter()
        .filter(|line| line.contains("connection failed"))
        .count();
    assert_eq!(times, 1);
    rig.cluster(ClusterFact::Recovered);
    assert_eq!(rig.running(), ["web"]);
    assert!(said(&rig, "The cluster answers again"));
}

#[test]
fn another_cluster_in_its_place_is_the_end_of_all_deploys() {
    let mut rig = up(forwarding(web("web", &["web"]), &[(8000, 0)]), &["web"]);
    let error = "another cluster answers".to_owned();
    rig.cluster(ClusterFact::Moved { error: error.clone() });
    assert_eq!(keys(&rig), Vec::<String>::new());
    assert_eq!(rig.engine.state.session.fatal.as_ref(), Some(&error));
    rig.forget();
    rig.trigger("web").unwrap();
    rig.cluster(ClusterFact::Recovered);
    rig.cluster(ClusterFact::Connected(Box::new(cluster())));
    rig.disable("web", "true");
    assert!(rig.orders().is_empty(), "{:?}", rig.orders());
}

#[test]
fn nobody_connects_where_nothing_is_for_a_cluster() {
    let rig = Rig::with(vec![local("a")]);
    assert_eq!(keys(&rig), Vec::<String>::new());
}

#[test]
fn ci_fails_at_once_without_its_cluster() {
    let mut rig = Rig::new(Mode::Ci);
    rig.evaluated(MAIN, Ok(project(vec![web("web", &["web"])])));
    rig.cluster(gone());
    let outcome = rig.engine.state.session.outcome.clone();
    let error = "cluster connection failed: connection refused".to_owned();
    assert_eq!(outcome, Some(Outcome::Failure(error)));
}

// Pods.

#[test]
fn what_was_applied_has_its_pods_looked_for() {
    let mut rig = Rig::with(vec![web("web", &["web"])]);
    rig.applied("web", ApplyFact::Started);
    assert_eq!(objects_of(&rig, &KUBERNETES_DISCOVERY), Vec::<String>::new());
    rig.applied("web", ApplyFact::Done(Arc::new(deployed(&["web"], "t1"))));
    assert_eq!(keys(&rig), ["cluster", "discovery web"]);
    let Some(Task::Discovery(task)) = rig.engine.kept().get(&Key::Discovery("web".into())) else {
        panic!("it is looked for");
    };
    assert_eq!(&*task.wanted.watches[0].uid, "uid-web");
    assert_eq!(task.wanted.template_hashes, ["t1".into()]);
}

#[test]
fn a_resource_is_what_its_newest_pod_is() {
    let mut rig = Rig::with(vec![web("web", &["web"])]);
    let status = |rig: &Rig| rig.resource("web").runtime_status();
    assert_eq!(status(&rig), RuntimeStatus::Pending);
    rig.deploys("web", deployed(&["web"], "t1"));
    let one = pod("p1", "t1");
    let two = pod("p2", "t1");
    rig.sees("web", &[&one]);
    assert_eq!(status(&rig), RuntimeStatus::Pending);
    assert_eq!(ready_condition(&rig, "web"), ("False".into(), "RuntimePending".into()));
    rig.sees("web", &[&ready(one.clone())]);
    assert_eq!(status(&rig), RuntimeStatus::Ok);
    assert_eq!(ready_condition(&rig, "web"), ("True".into(), String::new()));
    rig.sees("web", &[&ready(one.clone()), &crashing(two.clone())]);
    assert_eq!(status(&rig), RuntimeStatus::Error);
    assert_eq!(ready_condition(&rig, "web"), ("False".into(), "RuntimeError".into()));
    let error = "Pod p2 in error state due to container main: CrashLoopBackOff";
    assert!(said(&rig, error));
    rig.sees("web", &[&ready(one), &ended(two, "Failed")]);
    assert!(said(&rig, "Pod \"p2\" failed"));
    let shown = rig.status(&UI_RESOURCE, "web", "k8sResourceInfo");
    let shown = shown.and_then(|shown| shown.get("podName"));
    assert_eq!(shown, Some(&Tree::text("p2")));
}

#[test]
fn without_pods_one_that_nobody_waits_for_is_ready_and_its_dependents_go() {
    let config = kube(web("config", &["config"]), |target| {
        target.readiness = PodReadiness::Ignore
    });
    let mut rig = Rig::with(vec![config, after(local("late"), &["config"])]);
    assert_eq!(rig.hold("late"), "waiting-for-dep");
    rig.deploys("config", deployed(&["config"], ""));
    assert_eq!(rig.resource("config").runtime_status(), RuntimeStatus::NotApplicable);
    assert_eq!(rig.running(), ["late"]);
}

#[test]
fn dependents_go_once_a_pod_was_ready_and_stay() {
    let mut rig = Rig::with(vec![web("web", &["web"]), after(local("late"), &["web"])]);
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&pod("p1", "t1")]);
    assert_eq!(rig.hold("late"), "waiting-for-dep");
    rig.sees("web", &[&ready(pod("p1", "t1"))]);
    assert_eq!(rig.running(), ["late"]);
    rig.fails("late");
    rig.sees("web", &[&crashing(pod("p1", "t1"))]);
    rig.trigger("late").unwrap();
    assert_eq!(rig.running(), ["late"]);
}

#[test]
fn a_pod_of_the_deploy_before_says_nothing_about_this_one() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    rig.trigger("web").unwrap();
    rig.applied("web", ApplyFact::Started);
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::Ok);
    let generation = rig.engine.state.discoveries["web"].generation;
    rig.applied("web", ApplyFact::Done(Arc::new(deployed(&["web"], "t2"))));
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::Pending);
    assert_eq!(objects_of(&rig, &POD_LOG_STREAM), Vec::<String>::new());
    // News that was on its way is of the question before.
    rig.tell(vec![Action::Discovered {
        discovery: "web".into(),
        generation,
        fact: DiscoveryFact::Pods(vec![Arc::new(ready(pod("p1", "t1")))]),
    }]);
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::Pending);
    rig.sees("web", &[&ready(pod("p2", "t2"))]);
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::Ok);
}

#[test]
fn an_apply_that_changes_nothing_keeps_its_pods() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    rig.trigger("web").unwrap();
    rig.forget();
    rig.deploys("web", deployed(&["web"], "t1"));
    let is_looked_for_again = |effect: &Effect| {
        let key = Key::Discovery("web".into());
        matches!(effect, Effect::Keep { key: kept, .. } if *kept == key)
    };
    assert!(!rig.effects.iter().any(is_looked_for_again));
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::Ok);
}

#[test]
fn pods_that_cannot_be_seen_are_said_once() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    for _ in 0..2 {
        let error = "forbidden".to_owned();
        rig.discovers("web", DiscoveryFact::Failed { error });
    }
    let waiting = rig.status(&KUBERNETES_DISCOVERY, "web", "waiting");
    assert_eq!(
        waiting.and_then(|waiting| waiting.get("reason")),
        Some(&Tree::text("forbidden"))
    );
    let times = rig.said().iter().filter(|line| line.contains("forbidden")).count();
    assert_eq!(times, 1);
    rig.discovers("web", DiscoveryFact::Recovered);
    assert_eq!(rig.status(&KUBERNETES_DISCOVERY, "web", "waiting"), None);
}

// Logs and ports.

#[test]
fn each_pod_has_its_logs_read_and_the_newest_ready_one_its_ports_forwarded() {
    let mut rig = up(forwarding(web("web", &["web"]), &[(8000, 0), (5000, 0)]), &["web"]);
    let (one, two) = (ready(pod("p1", "t1")), pod("p2", "t1"));
    rig.sees("web", &[&one, &ended(two.clone(), "Running")]);
    let streams = ["web-default-p1", "web-default-p2"];
    assert_eq!(objects_of(&rig, &POD_LOG_STREAM), streams);
    assert_eq!(objects_of(&rig, &PORT_FORWARD), ["web-p1"]);
    let expected = [
        "cluster",
        "discovery web",
        "logs web-default-p1",
        "logs web-default-p2",
        "forward web",
    ];
    assert_eq!(keys(&rig), expected);
    // What was left open is what the pod suggests: the same port, or else the first one.
    let forwards = rig.object(&PORT_FORWARD, "web-p1").spec.get("forwards").unwrap();
    let containers: Vec<_> = forwards
        .as_list()
        .unwrap()
        .iter()
        .map(|one| one.get("containerPort"))
        .collect();
    assert_eq!(containers, [Some(&Tree::Int(8000)), Some(&Tree::Int(8000))]);
    rig.sees("web", &[&one, &ready(two)]);
    assert_eq!(objects_of(&rig, &PORT_FORWARD), ["web-p2"]);
}

#[test]
fn a_port_stays_open_while_its_pod_is_replaced() {
    let mut rig = up(forwarding(web("web", &["web"]), &[(8000, 80)]), &["web"]);
    rig.forget();
    let mut going = ready(pod("p1", "t1"));
    going.deleting = true;
    rig.sees("web", &[&going]);
    assert_eq!(objects_of(&rig, &PORT_FORWARD), Vec::<String>::new());
    assert_eq!(forward_task(&rig, "web").target, None);
    rig.sees("web", &[&pod("p2", "t1")]);
    rig.sees("web", &[&ready(pod("p2", "t1"))]);
    let target = forward_task(&rig, "web").target.as_ref().unwrap();
    assert_eq!(&*target.name, "p2");
    assert!(!released(&rig, &Key::Forward("web".into())));
    assert!(released(&rig, &Key::PodLogs("web-default-p1".into())));
}

#[test]
fn nothing_is_forwarded_in_ci_or_when_nobody_wants_it() {
    let resource = || forwarding(web("web", &["web"]), &[(8000, 80)]);
    let mut ci = Rig::new(Mode::Ci);
    ci.evaluated(MAIN, Ok(project(vec![resource()])));
    let mut quiet = Rig::new(Mode::Up);
    quiet.engine.state.session_mut().forwards_ports = false;
    quiet.evaluated(MAIN, Ok(project(vec![resource()])));
    for mut rig in [ci, quiet] {
        rig.deploys("web", deployed(&["web"], "t1"));
        let mut unready = pod("p1", "t1");
        unready.phase = "Running".into();
        rig.sees("web", &[&unready]);
        assert_eq!(keys(&rig), ["cluster", "discovery web", "logs web-default-p1"]);
        assert_eq!(objects_of(&rig, &PORT_FORWARD), Vec::<String>::new());
    }
}

#[test]
fn links_lead_to_where_ports_are_open() {
    let resource = forwarding(web("web", &["web"]), &[(8000, 80), (0, 90)]);
    let mut rig = Rig::with(vec![resource]);
    let links = |rig: &Rig| -> Vec<String> {
        let links = rig.status(&UI_RESOURCE, "web", "endpointLinks").and_then(Tree::as_list);
        let urls = links
            .into_iter()
            .flatten()
            .filter_map(|link| link.get("url")?.as_text());
        urls.map(str::to_owned).collect()
    };
    // As declared until they are open.
    assert_eq!(links(&rig), ["http://localhost:8000/"]);
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&ready(pod("p1", "t1"))]);
    let open = |local| ForwardedPort {
        local,
        ..ForwardedPort::default()
    };
    let report = |rig: &mut Rig| {
        rig.tell(vec![Action::Forward {
            forward: "web".into(),
            ports: vec![open(8000), open(40000)],
        }]);
    };
    report(&mut rig);
    assert_eq!(links(&rig), ["http://localhost:8000/", "http://localhost:40000/"]);
    // Nothing of it is left after it was disabled, and nothing is missed when it comes back the same.
    rig.disable("web", "true");
    rig.run_ends("web", UpdateOutcome::Done);
    assert!(rig.engine.state.forwards.is_empty());
    rig.disable("web", "false");
    assert_eq!(links(&rig), ["http://localhost:8000/"]);
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&ready(pod("p1", "t1"))]);
    report(&mut rig);
    assert_eq!(links(&rig), ["http://localhost:8000/", "http://localhost:40000/"]);
}

#[test]
fn options_that_nothing_is_deployed_for_take_effect_without_a_deploy() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    rig.sees("web", &[]);
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::Pending);
    rig.forget();
    let changed = kube(forwarding(web("web", &["web"]), &[(7000, 70)]), |target| {
        target.readiness = PodReadiness::Ignore;
        target.links = vec![Link {
            url: Url {
                scheme: "http".to_owned(),
                host: "docs.test".to_owned(),
                ..Url::default()
            },
            name: "docs".to_owned(),
        }];
    });
    let changed = Resource {
        labels: ["tools".to_owned()].into(),
        ..changed
    };
    rig.reload(vec![changed]);
    assert!(rig.orders().is_empty());
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::NotApplicable);
    assert_eq!(forward_task(&rig, "web").ports, ports_at_localhost(&[(7000, 70)]));
    let links = rig.status(&UI_RESOURCE, "web", "endpointLinks").and_then(Tree::as_list);
    assert_eq!(links.map(<[Tree]>::len), Some(2));
}

pub fn ports_at_localhost(list: &[(u16, u16)]) -> Vec<PortForward> {
    let mut ports = ports(list);
    ports.iter_mut().for_each(|port| port.host = "localhost".to_owned());
    ports
}
