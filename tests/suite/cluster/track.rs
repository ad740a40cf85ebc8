//! What is seen of pods in a real cluster.

use std::sync::Arc;

use tilt::deploy::discovery::{Discoveries, News};
use tilt::deploy::runtime::{Runtime, runtime};
use tilt::model::pod::Pod;
use tilt::model::workload::PodReadiness;

use super::proxy::Proxy;
use super::seen::{Seen, deployment, kubectl, place, pod, running};
use super::{seen, sources};

fn error(pods: &[Arc<Pod>]) -> String {
    runtime(pods, PodReadiness::Wait, false).error().unwrap_or_default()
}

const FOREVER: &str = "trap exit TERM; while :; do sleep 1 & wait; done";

#[tokio::test]
async fn of_a_rollout_the_new_pods_are_seen_and_the_old_ones_vanish() {
    let Some(place) = place("of_a_rollout_the_new_pods_are_seen_and_the_old_ones_vanish", "rollout").await else {
        return;
    };
    let discoveries = Discoveries::new(place.cluster.clone());
    let watch = place.apply(&deployment("web", 2, &running(FOREVER)));
    let mut seen = place.follow(&discoveries, watch.clone());
    let both = |seen: &seen::Seen| seen.pods.len() == 2 && seen.pods.iter().all(|pod| pod.is_ready());
    seen.until("two pods run", both).await;
    assert_eq!(seen.states, [News::Started]);
    assert_eq!(
        seen.pods.iter().map(|pod| &*pod.status).collect::<Vec<_>>(),
        ["Running"; 2]
    );
    assert_eq!(runtime(&seen.pods, PodReadiness::Wait, false), Runtime::Ok);
    let old: Vec<_> = seen.pods.iter().map(|pod| pod.name.clone()).collect();
    assert_eq!(seen.pods[0].ancestor, watch.uid);
    place.apply(&deployment("web", 2, &running(&format!("echo two; {FOREVER}"))));
    let is_new = |seen: &seen::Seen| !seen.pods.is_empty() && seen.pods.iter().all(|pod| !old.contains(&pod.name));
    seen.until("pods of the new template", is_new).await;
    seen.until("both of them", |seen| both(seen) && is_new(seen)).await;
    // A pod that somebody kills is replaced.
    let killed = seen.pods[0].name.clone();
    place.kubectl(&["delete", "pod", &killed, "--wait=false"]);
    seen.until("another pod", |seen| {
        both(seen) && seen.pods.iter().all(|pod| pod.name != killed)
    })
    .await;
}

#[tokio::test]
async fn a_job_that_completed_is_remembered_when_its_pod_is_gone() {
    let Some(place) = place("a_job_that_completed_is_remembered_when_its_pod_is_gone", "job").await else {
        return;
    };
    let discoveries = Discoveries::new(place.cluster.clone());
    let watch = place.apply(&format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: once}}, spec: {{ttlSecondsAfterFinished: 1, \
         template: {{spec: {{restartPolicy: Never, {}}}}}}}}}",
        running("echo done")
    ));
    let mut seen = place.follow(&discoveries, watch);
    seen.until("it completes", |seen| {
        seen.pods.iter().any(|pod| &*pod.status == "Completed")
    })
    .await;
    let name = seen.pods[0].name.clone();
    // The cluster may or may not tidy up by itself: see that it is gone.
    place.kubectl(&["delete", "job", "once", "--ignore-not-found"]);
    place.kubectl(&["wait", "--for=delete", &format!("pod/{name}"), "--timeout=60s"]);
    let mut other = place.follow(&discoveries, Default::default());
    other.until("another looks", |seen| !seen.states.is_empty()).await;
    seen.until("nothing", |_| true).await;
    assert_eq!(seen.pods.iter().map(|pod| pod.name.clone()).collect::<Vec<_>>(), [name]);
    assert_eq!(runtime(&seen.pods, PodReadiness::Succeeded, false), Runtime::Ok);
}

#[tokio::test]
async fn what_is_wrong_with_pods_is_said_in_plain_words() {
    let Some(place) = place("what_is_wrong_with_pods_is_said_in_plain_words", "wrong").await else {
        return;
    };
    let discoveries = Discoveries::new(place.cluster.clone());
    let unknown = running("true").replace(seen::IMAGE, "127.0.0.1:9/tilt-track-nobody/nothing:v1");
    let nowhere = format!("{}, nodeSelector: {{nobody: has-this}}", running("true"));
    let watches = [
        deployment("crash", 1, &running("echo oh no; exit 3")),
        pod("pull", &unknown),
        pod("nowhere", &nowhere),
        pod("fails", &running("exit 7")),
    ]
    .map(|yaml| place.apply(&yaml));
    let [mut crash, mut pull, mut nowhere, mut fails] = watches.map(|watch| place.follow(&discoveries, watch));

    crash
        .until("it keeps crashing", |seen| {
            seen.pods.iter().any(|pod| &*pod.status == "CrashLoopBackOff")
        })
        .await;
    let name = crash.pods[0].name.clone();
    assert_eq!(
        error(&crash.pods),
        format!(
            "Pod {name} in error state due to container web: CrashLoopBackOff: container web keeps ending: it ended with \
             exit code 3"
        )
    );
    pull.until("it cannot be pulled", |seen| !error(&seen.pods).is_empty())
        .await;
    let text = error(&pull.pods);
    assert!(
        text.starts_with("Pod pull in error state due to container web: "),
        "{text}"
    );
    assert!(
        text.contains("the image 127.0.0.1:9/tilt-track-nobody/nothing:v1 of container web cannot be pulled: "),
        "{text}"
    );

    nowhere
        .until("no node takes it", |seen| !seen.errors().is_empty())
        .await;
    let Runtime::Pending { why: Some(why) } = runtime(&nowhere.pods, PodReadiness::Wait, false) else {
        panic!("{:?}", nowhere.pods);
    };
    assert!(why.starts_with("no node takes the pod: 0/"), "{why}");
    // Of the scheduler: a kubelet tells of at most five things a second, and of what waits long after.
    let of_scheduling = |seen: &Seen| seen.events.iter().any(|event| &*event.reason == "FailedScheduling");
    nowhere.until("the cluster says so", of_scheduling).await;
    let event = nowhere
        .events
        .iter()
        .find(|event| &*event.reason == "FailedScheduling")
        .unwrap();
    let head = format!("[event: pod {}/nowhere] 0/", place.namespace);
    assert!(event.text.starts_with(&head) && event.is_warning, "{event:?}");

    fails.until("it fails", |seen| !error(&seen.pods).is_empty()).await;
    fails
        .until("its phase says so", |seen| &*seen.pods[0].phase == "Failed")
        .await;
    assert_eq!(
        error(&fails.pods),
        "Pod \"fails\" failed: container web ended with exit code 7"
    );
    assert_eq!(&*fails.pods[0].status, "Error");
}

#[tokio::test]
async fn the_column_status_is_what_kubectl_shows() {
    let Some(place) = place("the_column_status_is_what_kubectl_shows", "column").await else {
        return;
    };
    let discoveries = Discoveries::new(place.cluster.clone());
    let init = |script: &str| {
        running(script)
            .replace("containers:", "initContainers:")
            .replace("name: web", "name: init")
    };
    let init = |script: &str, then: &str| {
        let (_, init) = init(script)
            .split_once("initContainers")
            .map(|(_, list)| ((), list.to_owned()))
            .unwrap();
        format!("{}, initContainers{init}", running(then))
    };
    let pods = [
        ("done", pod("done", &running("true")), "Completed"),
        ("waits", pod("waits", &init(FOREVER, "true")), "Init:0/1"),
        ("broken", pod("broken", &init("exit 2", "true")), "Init:Error"),
        ("runs", pod("runs", &init("true", FOREVER)), "Running"),
        ("killed", pod("killed", &running("kill -9 $$")), "Error"),
    ];
    for (name, yaml, status) in pods {
        let mut seen = place.follow(&discoveries, place.apply(&yaml));
        seen.until(name, |seen| seen.pods.iter().any(|pod| *pod.status == *status))
            .await;
        let shown = place.kubectl(&["get", "pod", name, "--no-headers"]);
        assert_eq!(shown.split_whitespace().nth(2), Some(status), "{shown}");
    }
}

#[tokio::test]
async fn a_watch_that_is_cut_goes_on_where_it_was() {
    let Some(place) = place("a_watch_that_is_cut_goes_on_where_it_was", "cut").await else {
        return;
    };
    let Some(sources) = sources("cut") else { return };
    let proxy = Proxy::start(&place.cluster.identity().server).await;
    let cluster = proxy.connect(&sources).await;
    let discoveries = Discoveries::new(cluster);
    let watch = place.apply(&deployment("web", 1, &running(FOREVER)));
    let mut seen = place.follow(&discoveries, watch);
    for replicas in [1, 2, 3, 1] {
        proxy.cut();
        kubectl(
            &[
                "-n",
                &place.namespace,
                "scale",
                "deployment",
                "web",
                &format!("--replicas={replicas}"),
            ],
            "",
        );
        proxy.cut();
        let is_so = |seen: &seen::Seen| {
            let alive = seen.pods.iter().filter(|pod| !pod.deleting && pod.is_ready());
            alive.count() == replicas && seen.pods.len() == replicas
        };
        seen.until("as many as are wanted", is_so).await;
    }
    proxy.refuse(true);
    seen.until("it is said that the cluster is away", |seen| {
        seen.states.iter().any(|state| matches!(state, News::Failed(_)))
    })
    .await;
    proxy.refuse(false);
    seen.until("it is back", |seen| seen.states.contains(&News::Recovered))
        .await;
}
