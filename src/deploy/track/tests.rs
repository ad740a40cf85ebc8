//! Pods and what they belong to.

use super::*;
use crate::model::deployed::LabelSelector;

fn time(seconds: i64) -> Option<Time> {
    Some(Time::from_micros(seconds * 1_000_000))
}

fn owner(kind: &str, uid: &str) -> PodOwner {
    PodOwner {
        kind: kind.into(),
        name: uid.into(),
        uid: uid.into(),
        ..PodOwner::default()
    }
}

fn pod(name: &str, created: i64, owner: Option<PodOwner>) -> Pod {
    Pod {
        uid: format!("uid-{name}").into(),
        name: name.into(),
        namespace: "shop".into(),
        created: time(created),
        owner,
        ..Pod::default()
    }
}

fn watch(uid: &str) -> WatchRef {
    WatchRef {
        uid: uid.into(),
        namespace: "shop".into(),
        name: uid.into(),
    }
}

fn wanted(uid: &str) -> Wanted {
    Wanted {
        watches: vec![watch(uid)],
        ..Wanted::default()
    }
}

fn object(created: i64, owner: Option<PodOwner>) -> Known {
    Known::Object {
        created: time(created),
        owner,
    }
}

fn owners(known: Vec<(&str, Known)>) -> Owners {
    known.into_iter().map(|(uid, known)| (uid.into(), known)).collect()
}

fn names(wanted: &Wanted, pods: Vec<Pod>, owners: &Owners) -> Vec<String> {
    let claimed = pods
        .into_iter()
        .map(Arc::new)
        .filter_map(|pod| claim(wanted, &pod, &Lineage::of(&pod, owners)));
    current(wanted, claimed)
        .iter()
        .map(|pod| pod.name.to_string())
        .collect()
}

#[test]
fn pods_are_found_through_all_that_is_between() {
    let owners = owners(vec![
        ("rs", object(5, Some(owner("Deployment", "web")))),
        ("web", object(1, Some(owner("App", "app")))),
        ("app", object(1, None)),
        ("round", object(1, Some(owner("X", "round")))),
    ]);
    let pods = || {
        vec![
            pod("b", 2, Some(owner("ReplicaSet", "rs"))),
            pod("a", 2, Some(owner("ReplicaSet", "rs"))),
            pod("old", 1, Some(owner("ReplicaSet", "rs"))),
            pod("round", 1, Some(owner("X", "round"))),
            pod("bare", 1, None),
        ]
    };
    for uid in ["web", "app", "rs"] {
        assert_eq!(names(&wanted(uid), pods(), &owners), ["old", "a", "b"], "{uid}");
    }
    assert_eq!(names(&wanted("uid-bare"), pods(), &owners), ["bare"]);
    assert_eq!(names(&wanted(""), pods(), &owners), [""; 0]);
}

#[test]
fn an_owner_that_is_not_known_is_asked_for() {
    let found = pod("a", 1, Some(owner("ReplicaSet", "rs")));
    let lineage = Lineage::of(&found, &Owners::new());
    assert_eq!(lineage.unknown, Some(owner("ReplicaSet", "rs")));
    let half = owners(vec![("rs", object(1, Some(owner("Deployment", "web"))))]);
    let lineage = Lineage::of(&found, &half);
    assert_eq!(lineage.unknown, Some(owner("Deployment", "web")));
    // What a pod names itself need not be asked for.
    assert_eq!(names(&wanted("rs"), vec![found], &Owners::new()), ["a"]);
}

#[test]
fn pods_of_an_older_replica_set_go_when_a_newer_one_has_some() {
    let owners = owners(vec![
        ("new", object(9, Some(owner("Deployment", "web")))),
        ("old", object(5, Some(owner("Deployment", "web")))),
        ("web", object(1, None)),
    ]);
    let old = || pod("old-1", 20, Some(owner("ReplicaSet", "old")));
    assert_eq!(names(&wanted("web"), vec![old()], &owners), ["old-1"]);
    let new = pod("new-1", 10, Some(owner("ReplicaSet", "new")));
    assert_eq!(names(&wanted("web"), vec![old(), new], &owners), ["new-1"]);
}

#[test]
fn without_rights_to_see_replica_sets_names_tell_their_deployment() {
    let of = |hash: &str, created| {
        let name = format!("web-{hash}");
        let mut pod = pod(&format!("{name}-x"), created, Some(owner("ReplicaSet", &name)));
        pod.labels = vec![("pod-template-hash".into(), hash.into())];
        pod
    };
    let owners = owners(vec![("web-1", Known::Hidden), ("web-2", Known::Hidden)]);
    let named = Wanted {
        watches: vec![WatchRef {
            uid: "deployment".into(),
            ..watch("web")
        }],
        ..Wanted::default()
    };
    assert_eq!(names(&named, vec![of("1", 1), of("2", 5)], &owners), ["web-2-x"]);
    let elsewhere = Wanted {
        watches: vec![WatchRef {
            namespace: "other".into(),
            ..named.watches[0].clone()
        }],
        ..Wanted::default()
    };
    assert_eq!(names(&elsewhere, vec![of("1", 1)], &owners), [""; 0]);
}

#[test]
fn pods_of_another_template_are_old_news() {
    let of = |hash: &str| Pod {
        template_hash: hash.into(),
        ..pod(&format!("of-{hash}"), 1, Some(owner("StatefulSet", "db")))
    };
    let owners = owners(vec![("db", object(1, None))]);
    let pods = || vec![of(""), of("1"), of("2")];
    let hashed = Wanted {
        template_hashes: vec!["2".into()],
        ..wanted("db")
    };
    assert_eq!(names(&hashed, pods(), &owners), ["of-", "of-2"]);
    assert_eq!(names(&wanted("db"), pods(), &owners), ["of-", "of-1", "of-2"]);
}

#[test]
fn selectors_find_pods_where_something_was_deployed() {
    let labelled = |name: &str, namespace: &str| Pod {
        namespace: namespace.into(),
        labels: vec![("app".into(), "web".into())],
        ..pod(name, 1, None)
    };
    let selector = LabelSelector {
        labels: vec![("app".into(), "web".into())],
        ..LabelSelector::default()
    };
    let selected = Wanted {
        watches: vec![watch("")],
        selectors: vec![selector],
        namespace: "extra".into(),
        ..Wanted::default()
    };
    let pods = vec![
        labelled("a", "shop"),
        labelled("b", "extra"),
        labelled("c", "other"),
        pod("d", 1, None),
    ];
    assert_eq!(names(&selected, pods, &Owners::new()), ["a", "b"]);
    assert_eq!(namespaces(&selected).len(), 2);
}

#[test]
fn what_completed_is_remembered() {
    let table = [
        ("Succeeded", None, true),
        ("Failed", Some("Job"), true),
        ("Failed", Some("ReplicaSet"), false),
        ("Running", Some("Job"), false),
    ];
    for (phase, kind, expected) in table {
        let pod = Pod {
            phase: phase.into(),
            ..pod("a", 1, kind.map(|kind| owner(kind, "x")))
        };
        assert_eq!(is_recorded(&pod), expected, "{phase} {kind:?}");
    }
}
