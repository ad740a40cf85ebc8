//! What is applied and what is deleted: when, by whom, and what waits for whom.

use super::deploy::*;
use super::images::{deploying, image};
use super::*;
use crate::engine::effect::Force;
use crate::engine::state::RuntimeStatus;
use crate::model::object::kinds::{FILE_WATCH, KUBERNETES_APPLY};
use crate::model::workload::Source;

#[test]
fn what_is_disabled_is_deleted_and_enabling_waits_for_that() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    rig.forget();
    rig.disable("web", "true");
    let removals = rig.removals();
    assert_eq!((removals.len(), names(&removals[0].objects)), (1, vec!["web"]));
    assert_eq!(keys(&rig), ["cluster"]);
    assert_eq!(rig.resource("web").runtime_status(), RuntimeStatus::None);
    rig.disable("web", "false");
    assert_eq!(
        (rig.running(), rig.hold("web").as_str()),
        (vec![], "building-component")
    );
    rig.run_ends("web", UpdateOutcome::Done);
    assert_eq!(rig.running(), ["web"]);
    let deploy = rig.deploy_orders().pop().unwrap();
    assert_eq!((deploy.before.as_ref(), deploy.left.len()), (None, 0));
}

#[test]
fn an_update_that_runs_ends_before_what_it_left_is_deleted() {
    let mut rig = Rig::with(vec![web("web", &["web"])]);
    rig.applied("web", ApplyFact::Started);
    rig.disable("web", "true");
    assert!(rig.removals().is_empty());
    rig.applied("web", half_way(&["web"]));
    assert!(rig.removals().is_empty());
    rig.run_ends("web", UpdateOutcome::Cancelled);
    assert_eq!(names(&rig.removals()[0].objects), ["web"]);
}

#[test]
fn what_cannot_be_deleted_is_said_and_tried_again_after_the_next_disable() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    rig.disable("web", "true");
    rig.run_ends("web", failed("forbidden"));
    assert!(said(&rig, "Not everything was deleted: forbidden"));
    rig.forget();
    rig.tell(vec![Action::Woke]);
    assert!(rig.removals().is_empty());
    rig.disable("web", "false");
    // Of what is there still nobody knows whether it is all of it.
    let deploy = rig.deploy_orders().pop().unwrap();
    assert_eq!(deploy.before.as_ref().map(|before| before.hash.as_str()), Some(""));
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.disable("web", "true");
    assert_eq!(rig.removals().len(), 1);
}

#[test]
fn a_cluster_that_is_gone_is_asked_to_delete_once_it_is_back() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    rig.cluster(gone());
    rig.disable("web", "true");
    assert!(rig.removals().is_empty());
    rig.cluster(ClusterFact::Recovered);
    assert_eq!(rig.removals().len(), 1);
}

#[test]
fn a_resource_that_is_declared_no_more_is_deleted_and_one_that_is_renamed_is_not() {
    let mut rig = up(web("web", &["one", "two"]), &["one", "two"]);
    rig.reload(vec![web("shop", &["one"]), local("other")]);
    let removal = rig.removals().pop().unwrap();
    assert_eq!(&*removal.apply, "web");
    let elsewhere: Vec<&str> = names(&removal.elsewhere);
    assert_eq!((elsewhere, &*removal.elsewhere[0].namespace), (vec!["one"], "default"));
    // The new one does not apply what is just being looked through.
    assert_eq!(rig.hold("shop"), "building-component");
    rig.run_ends("web", UpdateOutcome::Done);
    assert_eq!(
        rig.engine.state.applies.keys().map(|name| &**name).collect::<Vec<_>>(),
        ["shop"]
    );
    rig.deploys("shop", deployed(&["one"], "t1"));
    rig.forget();
    rig.reload(vec![local("other")]);
    assert_eq!(names(&rig.removals()[0].elsewhere), Vec::<&str>::new());
}

#[test]
fn two_that_left_the_same_object_and_are_gone_do_not_keep_it_for_one_another() {
    let mut rig = Rig::with(vec![web("a", &["x"]), web("b", &["x"])]);
    rig.deploys("a", deployed(&["x"], "t1"));
    rig.deploys("b", deployed(&["x"], "t1"));
    rig.reload(vec![local("other")]);
    let removals = rig.removals();
    assert_eq!(removals.len(), 2);
    assert!(removals.iter().all(|removal| removal.elsewhere.is_empty()));
}

#[test]
fn a_stale_delete_command_does_not_delete_what_yaml_deployed() {
    let custom = kube(web("web", &[]), |target| {
        target.source = Source::Custom {
            apply: command("deploy it"),
            delete: command("delete it"),
            deps: Vec::new(),
        };
    });
    let mut rig = up(custom.clone(), &["one"]);
    rig.disable("web", "true");
    let delete = rig.removals().pop().unwrap().delete.clone();
    assert_eq!(
        delete.map(|delete| delete.argv),
        Some(vec!["delete".to_owned(), "it".to_owned()])
    );
    let mut rig = up(custom, &["one"]);
    rig.reload(vec![web("web", &["one"])]);
    rig.deploys("web", deployed(&["one"], "t2"));
    rig.disable("web", "true");
    assert_eq!(rig.removals().pop().unwrap().delete, None);
}

#[test]
fn a_command_that_told_of_nothing_is_undone_by_its_command() {
    let custom = kube(web("web", &[]), |target| {
        target.source = Source::Custom {
            apply: command("deploy it"),
            delete: command("delete it"),
            deps: Vec::new(),
        };
    });
    let mut rig = Rig::with(vec![custom]);
    rig.applied("web", ApplyFact::Started);
    rig.applied("web", half_way(&[]));
    rig.run_ends("web", failed("half-way"));
    rig.disable("web", "true");
    assert_eq!(rig.removals().len(), 1);
    rig.run_ends("web", UpdateOutcome::Done);
    assert_eq!(rig.removals().len(), 1);
}

// Applies.

#[test]
fn what_an_apply_left_half_way_is_remembered_until_one_goes_well() {
    let mut rig = up(web("web", &["one"]), &["one"]);
    rig.reload(vec![web("web", &["two"])]);
    let deploy = rig.deploy_orders().pop().unwrap();
    assert_eq!((names(&deploy.left), deploy.force), (vec!["one"], Force::No));
    rig.applied("web", ApplyFact::Started);
    rig.applied("web", half_way(&["two"]));
    rig.run_ends("web", failed("half-way"));
    let status = rig.status(&KUBERNETES_APPLY, "web", "error");
    assert_eq!(status, Some(&Tree::text("half-way")));
    rig.trigger("web").unwrap();
    let deploy = rig.deploy_orders().pop().unwrap();
    assert_eq!(names(&deploy.left), ["two", "one"]);
    assert_eq!(deploy.before.as_ref().map(|before| before.hash.as_str()), Some(""));
    rig.deploys("web", deployed(&["two"], "t2"));
    assert_eq!(names(&rig.engine.state.applies["web"].left), ["two"]);
    assert_eq!(rig.status(&KUBERNETES_APPLY, "web", "error"), None);
}

#[test]
fn a_trigger_replaces_everything_and_a_change_does_not() {
    let mut rig = up(web("web", &["web"]), &["web"]);
    assert_eq!(rig.deploy_orders().pop().unwrap().force, Force::No);
    rig.trigger("web").unwrap();
    assert_eq!(rig.deploy_orders().pop().unwrap().force, Force::Replace);
}

#[test]
fn files_of_a_custom_deploy_deploy_it_again() {
    let custom = kube(web("web", &[]), |target| {
        target.source = Source::Custom {
            apply: command("deploy it"),
            delete: command("delete it"),
            deps: vec!["/p/chart".into()],
        };
    });
    let mut rig = up(custom, &["one"]);
    rig.forget();
    rig.pass(Duration::from_secs(1));
    rig.changed("k8s:web", &["/p/chart/values"]);
    assert_eq!(rig.deploy_orders().len(), 1);
}

// Objects that somebody made.

fn by_hand(yaml: &str) -> Stored {
    let spec = [
        ("cluster", Tree::text("default")),
        ("yaml", Tree::text(yaml)),
        (
            "restartOn",
            crate::engine::objects::tree([("fileWatches", texts(&["files"]))]),
        ),
    ];
    stored(&KUBERNETES_APPLY, "hand", &spec)
}

#[test]
fn an_object_that_somebody_made_is_applied_once_the_cluster_is_there() {
    let mut rig = Rig::with(vec![local("other")]);
    rig.create(by_hand("kind: Pod")).unwrap();
    assert_eq!(keys(&rig), ["cluster"]);
    assert!(rig.deploy_orders().is_empty());
    rig.cluster(ClusterFact::Connected(Box::new(cluster())));
    assert_eq!(rig.deploy_orders().len(), 1);
    rig.deploys("hand", deployed(&["hand"], ""));
    rig.sees("hand", &[&ready(pod("p1", ""))]);
    assert_eq!(keys(&rig), ["cluster", "discovery hand", "logs hand-default-p1"]);
    assert_eq!(rig.deploy_orders().len(), 1);
}

fn with_object() -> Rig {
    let mut rig = Rig::with(vec![local("other")]);
    let watched = [("watchedPaths", texts(&["/p/files"]))];
    rig.create(stored(&FILE_WATCH, "files", &watched)).unwrap();
    rig.create(by_hand("kind: Pod")).unwrap();
    rig.cluster(ClusterFact::Connected(Box::new(cluster())));
    rig.deploys("hand", deployed(&["hand"], ""));
    rig.done("other");
    rig.forget();
    rig
}

#[test]
fn it_is_applied_again_when_its_spec_or_its_files_change() {
    let mut rig = with_object();
    rig.changed("files", &["/p/files/a"]);
    assert_eq!(rig.deploy_orders().len(), 1);
    // One change more while it runs is one more apply.
    rig.changed("files", &["/p/files/a"]);
    assert_eq!(rig.deploy_orders().len(), 1);
    rig.deploys("hand", deployed(&["hand"], ""));
    rig.deploys("hand", deployed(&["hand"], ""));
    assert_eq!(rig.deploy_orders().len(), 2);
    let change = |yaml: &str| {
        let yaml = Tree::text(yaml);
        move |object: &mut Stored| {
            object.spec.insert("yaml", yaml);
        }
    };
    rig.edit(&KUBERNETES_APPLY, "hand", Part::Main, change("kind: Pod"))
        .unwrap();
    assert_eq!(rig.deploy_orders().len(), 2);
    rig.edit(&KUBERNETES_APPLY, "hand", Part::Main, change("kind: Job"))
        .unwrap();
    let deploy = rig.deploy_orders().pop().unwrap();
    assert_eq!(deploy.source, Source::Yaml("kind: Job".to_owned()));
    assert_eq!(names(&deploy.left), ["hand"]);
}

#[test]
fn it_is_removed_when_it_is_deleted() {
    let mut rig = with_object();
    let expected = Expected::default();
    rig.write(&KUBERNETES_APPLY, "hand", Verb::Delete { expected }).unwrap();
    assert_eq!(names(&rig.removals()[0].objects), ["hand"]);
    rig.run_ends("hand", UpdateOutcome::Done);
    assert!(rig.engine.state.applies.is_empty());
    assert_eq!(keys(&rig), Vec::<String>::new());
}

#[test]
fn it_is_removed_while_it_is_disabled_even_if_that_fails() {
    let mut rig = Rig::with(vec![local("other")]);
    let mut object = by_hand("kind: Pod");
    object
        .spec
        .insert("disableSource", crate::engine::objects::disable_source("other"));
    rig.create(object).unwrap();
    rig.cluster(ClusterFact::Connected(Box::new(cluster())));
    rig.deploys("hand", deployed(&["hand"], ""));
    rig.disable("other", "true");
    assert_eq!(rig.removals().len(), 1);
    rig.run_ends("hand", failed("forbidden"));
    rig.forget();
    rig.disable("other", "false");
    assert_eq!(rig.deploy_orders().len(), 1, "what is deleted in part is applied again");
}

#[test]
fn it_waits_for_images_that_it_names() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    let mut object = by_hand("kind: Pod");
    object.spec.insert("imageMaps", texts(&["app"]));
    rig.create(object).unwrap();
    assert!(!rig.engine.state.applies.contains_key("hand"));
    let update = rig.resource("web").running.as_ref().unwrap().id;
    let built = crate::model::built::Built {
        id: Some("one".to_owned()),
        ..Default::default()
    };
    let bases = Default::default();
    rig.tell(vec![Action::Image {
        image: "app".into(),
        update,
        fact: crate::engine::action::ImageFact::Built { built, bases },
    }]);
    assert!(rig.engine.state.applies.contains_key("hand"));
}

#[test]
fn the_end_of_a_session_cancels_what_objects_asked_for_and_leaves_what_is_deployed() {
    let mut rig = with_object();
    rig.changed("files", &["/p/files/a"]);
    let run = rig.run_of("hand");
    rig.tell(vec![Action::Stop {
        reason: crate::engine::action::StopReason::Signal("SIGINT"),
    }]);
    let cancels = rig
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::CancelUpdate { update } if *update == run));
    assert_eq!(cancels.count(), 1);
    assert!(!rig.engine.is_over());
    rig.run_ends("hand", UpdateOutcome::Cancelled);
    assert!(rig.engine.is_over());
    assert!(rig.removals().is_empty());
    assert_eq!(keys(&rig), Vec::<String>::new());
}

#[test]
fn nobody_writes_what_a_run_of_somebody_else_may_still_write_or_delete() {
    let mut rig = up(web("a", &["x"]), &["x"]);
    rig.reload(vec![web("a", &["y"]), web("b", &["x"])]);
    // What is pruned is not what the other one declares, so both may run.
    assert_eq!(rig.running(), ["a", "b"]);
    rig.deploys("a", deployed(&["y"], "t1"));
    // What runs now is given up, and may have written something all the same.
    rig.reload(vec![web("a", &["y", "x"]), web("b", &["z"])]);
    assert_eq!(rig.hold("a"), "building-component");
    rig.run_ends("b", UpdateOutcome::Cancelled);
    assert!(rig.running().contains(&"a"));
}

#[test]
fn objects_that_another_one_wrote_are_not_what_the_first_one_left() {
    let mut rig = Rig::with(vec![web("a", &["x"]), web("b", &["x"])]);
    rig.deploys("a", deployed(&["x"], "t1"));
    rig.deploys("b", deployed(&["x"], "t2"));
    assert_eq!(rig.engine.state.applies["a"].deployed.as_ref().unwrap().hash, "");
}

#[test]
fn what_was_left_for_another_one_who_never_came_is_deleted_after_all() {
    let mut rig = up(web("a", &["x"]), &["x"]);
    rig.reload(vec![mode(web("b", &["x"]), TriggerMode::Manual)]);
    rig.run_ends("a", UpdateOutcome::Done);
    rig.forget();
    rig.reload(vec![local("other")]);
    assert_eq!(names(&rig.removals()[0].objects), ["x"]);
}

#[test]
fn what_is_still_to_be_pruned_is_reason_enough_to_deploy_what_is_there_already() {
    let mut rig = up(web("web", &["one"]), &["one"]);
    let apply = rig.engine.state.apply_mut("web").unwrap();
    apply.left = [object("one"), object("old")].into();
    rig.trigger("web").unwrap();
    let deploy = rig.deploy_orders().pop().unwrap();
    assert_eq!(deploy.before.as_ref().map(|before| before.hash.as_str()), Some(""));
}
