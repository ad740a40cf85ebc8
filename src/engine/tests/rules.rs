//! What starts when, and what waits for what.

use super::*;
use crate::engine::action::Refusal;
use crate::engine::state::{Cause, UpdateStatus};
use crate::model::settings::ScrubSecrets;

#[test]
fn nothing_starts_before_the_tiltfile_is_evaluated_and_then_all_that_may() {
    let rig = Rig::new(Mode::Up);
    let evaluations = rig
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Evaluate(_)));
    assert_eq!((evaluations.count(), rig.running()), (1, Vec::new()));
    let rig = Rig::with(vec![local("a"), local("b")]);
    assert_eq!(rig.running(), ["a", "b"]);
}

#[test]
fn the_first_update_waits_until_its_files_are_watched_or_cannot_be() {
    let mut rig = Rig::new(Mode::Up);
    let running = rig.engine.state.tiltfiles[MAIN].running.clone().unwrap();
    let unwatched = with(local("c"), |target| target.deps.clear());
    rig.tell(vec![Action::Evaluated {
        tiltfile: MAIN.into(),
        run: running.run,
        evaluation: Box::new(Evaluation {
            project: Ok(project(vec![local("a"), local("b"), unwatched])),
            config_files: Vec::new(),
            hashes: Hashes::default(),
            warnings: 0,
            timings: Vec::new(),
        }),
    }]);
    assert_eq!(rig.running(), ["c"]);
    assert_eq!(rig.hold("a"), "starting-watch");
    let fact = |name: &str, fact| Action::Watch {
        watch: format!("local:{name}").into(),
        fact,
    };
    let error = "no room".to_owned();
    rig.tell(vec![
        fact("a", WatchFact::Started),
        fact("b", WatchFact::Failed { error }),
    ]);
    assert_eq!(rig.running(), ["a", "b", "c"]);
}

#[test]
fn only_so_many_updates_run_at_a_time() {
    let mut rig = Rig::with(["a", "b", "c", "d"].map(local).to_vec());
    assert_eq!(rig.running(), ["a", "b", "c"]);
    assert_eq!(rig.hold("d"), "waiting-for-slot");
    rig.done("b");
    assert_eq!(rig.running(), ["a", "c", "d"]);
}

#[test]
fn a_command_that_must_be_alone_waits_and_makes_others_wait() {
    let mut rig = Rig::with(vec![alone("a"), local("b"), alone("c")]);
    assert_eq!(rig.running(), ["a"]);
    assert_eq!(
        (rig.hold("b").as_str(), rig.hold("c").as_str()),
        ("waiting-for-local", "waiting-for-local")
    );
    rig.done("a");
    assert_eq!(rig.running(), ["b"]);
    assert_eq!(rig.hold("c"), "is-unparallelizable-local");
    rig.done("b");
    assert_eq!(rig.running(), ["c"]);
}

#[test]
fn dependencies_hold_the_first_update_until_they_have_been_ready_once() {
    let mut rig = Rig::with(vec![serving("db"), after(local("api"), &["db"])]);
    rig.done("db");
    rig.process("db", ProcessFact::Started { pid: 7 });
    assert_eq!(rig.hold("api"), "waiting-for-dep");
    let ready = Readiness::Ready;
    rig.process("db", ProcessFact::Ready { ready });
    assert_eq!(rig.running(), ["api"]);
    rig.done("api");
    // The database is gone: whoever was built once does not wait for it again.
    rig.process(
        "db",
        ProcessFact::Exited {
            pid: 7,
            code: 1,
            reason: "exit status 1".to_owned(),
        },
    );
    rig.save("api", "/p/api/x");
    assert_eq!(rig.running(), ["api"]);
}

#[test]
fn every_update_can_wait_for_the_current_version_of_what_it_depends_on() {
    let mut rig = Rig::new(Mode::Up);
    let mut declared = project(vec![local("lib"), after(local("app"), &["lib"])]);
    declared.settings.update.wait_for_current_deps = true;
    rig.evaluated(MAIN, Ok(declared));
    rig.done("lib");
    rig.done("app");
    rig.pass(Duration::from_secs(1));
    rig.tell(vec![Action::Files {
        changes: vec![
            ("local:app".into(), vec!["/p/app/x".into()]),
            ("local:lib".into(), vec!["/p/lib/x".into()]),
        ],
        written: None,
    }]);
    assert_eq!(rig.running(), ["lib"]);
    assert_eq!(rig.hold("app"), "waiting-for-dep");
    rig.fails("lib");
    assert_eq!(rig.hold("app"), "waiting-for-dep");
    rig.save("lib", "/p/lib/x");
    rig.done("lib");
    assert_eq!(rig.running(), ["app"]);
}

#[test]
fn trigger_modes_decide_what_starts_by_itself() {
    let mut rig = Rig::with(vec![
        mode(local("auto"), TriggerMode::Auto),
        mode(local("init"), TriggerMode::ManualWithAutoInit),
        mode(local("manual"), TriggerMode::Manual),
        mode(local("late"), TriggerMode::AutoWithManualInit),
    ]);
    assert_eq!(rig.running(), ["auto", "init"]);
    rig.done("auto");
    rig.done("init");
    for name in ["init", "manual", "late"] {
        rig.save(name, &format!("/p/{name}/x"));
    }
    // A change starts what is automatic but for its first start.
    assert_eq!(rig.running(), ["late"]);
    assert_eq!(rig.hold("init"), "waiting-for-trigger");
    assert_eq!(rig.resource("manual").update_status(), UpdateStatus::None);
    rig.trigger("manual").unwrap();
    assert_eq!(rig.running(), ["manual", "late"]);
}

#[test]
fn triggered_resources_start_in_the_order_in_which_they_were_triggered() {
    let mut rig = Rig::with(["a", "b", "c", "d", "e"].map(alone).to_vec());
    for name in ["a", "b", "c", "d", "e"] {
        rig.done(name);
    }
    rig.save("a", "/p/a/x");
    for name in ["e", "c", "e"] {
        rig.trigger(name).unwrap();
    }
    let mut order = Vec::new();
    while let Some(name) = rig.running().first().map(|name| (*name).to_owned()) {
        rig.done(&name);
        order.push(name);
    }
    assert_eq!(order, ["a", "e", "c"]);
}

#[test]
fn who_triggers_what_is_not_there_or_disabled_is_told() {
    let mut rig = Rig::with(vec![local("a")]);
    let error = rig.trigger("b").unwrap_err();
    assert_eq!(error, Refusal::NoResource { resource: "b".into() });
    let switch = |object: &mut Stored| {
        let mut data = crate::model::tree::Map::new();
        data.push("isDisabled", Tree::text("true"));
        object.spec.insert("data", Tree::Map(data));
    };
    let kind = &crate::model::object::kinds::CONFIG_MAP;
    rig.edit(kind, "a-disable", Part::Main, switch).unwrap();
    assert_eq!(
        rig.trigger("a").unwrap_err(),
        Refusal::Disabled { resource: "a".into() }
    );
}

#[test]
fn a_save_during_an_update_stays_pending_until_another_update_has_seen_it() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.save("a", "/p/a/x");
    assert_eq!(rig.running(), ["a"]);
    rig.done("a");
    assert_eq!(rig.running(), ["a"]);
    let causes = &rig.resource("a").running.as_ref().unwrap().causes;
    assert_eq!(*causes, [Cause::Files(vec!["/p/a/x".into()])]);
    rig.fails("a");
    // A failed update has seen it too; only another change helps.
    assert_eq!(rig.running(), [""; 0]);
}

#[test]
fn an_equal_project_changes_nothing() {
    let resources = || vec![serving("a"), local("b")];
    let mut rig = Rig::with(resources());
    rig.done("a");
    rig.done("b");
    rig.starts_and_is_ready("a");
    let kept = rig.engine.kept().clone();
    rig.forget();
    rig.reload(resources());
    let is_order = |effect: &&Effect| {
        matches!(
            effect,
            Effect::StartUpdate(_) | Effect::Keep { .. } | Effect::Release { .. }
        )
    };
    assert_eq!(rig.effects.iter().filter(is_order).count(), 0);
    assert_eq!(*rig.engine.kept(), kept);
}

#[test]
fn a_definition_that_only_says_when_to_run_does_not_run_again_and_another_command_does() {
    let mut rig = Rig::with(vec![local("a"), local("b")]);
    rig.done("a");
    rig.done("b");
    let labelled = |mut resource: Resource| {
        resource.labels.insert("web".to_owned());
        resource
    };
    let other = with(local("b"), |target| target.update = Some(command("make other")));
    rig.reload(vec![labelled(local("a")), other]);
    assert_eq!(rig.running(), ["b"]);
    assert_eq!(rig.resource("b").running.as_ref().unwrap().causes, [Cause::Config]);
}

#[test]
fn secrets_are_kept_out_of_logs_unless_the_tiltfile_says_otherwise() {
    let secret = crate::model::secret::Secret {
        name: "s".to_owned(),
        key: "k".to_owned(),
        value: b"hidden".to_vec(),
    };
    for (mode, expected) in [(ScrubSecrets::On, 1), (ScrubSecrets::Off, 0)] {
        let mut rig = Rig::new(Mode::Up);
        let mut declared = project(vec![local("a")]);
        declared.secrets = vec![secret.clone()];
        declared.settings.scrub_secrets = mode;
        rig.evaluated(MAIN, Ok(declared));
        let scrubs = rig.effects.iter().filter(|effect| matches!(effect, Effect::Scrub(_)));
        assert_eq!(scrubs.count(), expected, "{mode:?}");
    }
}

#[test]
fn what_is_not_declared_any_more_is_stopped() {
    let mut rig = Rig::with(vec![serving("a"), local("b")]);
    rig.done("a");
    rig.starts_and_is_ready("a");
    rig.forget();
    rig.reload(vec![local("c")]);
    assert_eq!(rig.kept(), [""; 0]);
    assert!(
        rig.effects
            .iter()
            .any(|effect| matches!(effect, Effect::CancelUpdate { .. }))
    );
    let left = rig.engine.state.table.list(&crate::model::object::kinds::CMD);
    assert_eq!(left.map(|cmd| cmd.name.to_string()).collect::<Vec<_>>(), ["c:update"]);
}

#[test]
fn after_a_failed_evaluation_everything_goes_on_as_it_was() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.done("a");
    rig.changed("configs:(Tiltfile)", &["/p/Tiltfile"]);
    rig.evaluated(MAIN, Err(Failure::whole("no such thing")));
    assert!(rig.said().contains(&"no such thing"));
    rig.save("a", "/p/a/x");
    assert_eq!(rig.running(), ["a"]);
}

#[test]
fn updates_that_change_their_own_inputs_are_stopped_and_named() {
    let mut rig = Rig::with(vec![local("a")]);
    let mut turns = 0;
    while rig.running() == ["a"] && turns < 50 {
        rig.changed("local:a", &["/p/a/out"]);
        rig.done("a");
        turns += 1;
    }
    assert_eq!(rig.hold("a"), "changes-own-inputs");
    let told = rig.resource("a").hold.as_ref().unwrap().to_string();
    assert!(told.contains("/p/a/out"), "{told}");
    // Somebody saves something: that is worth another try.
    rig.save("a", "/p/a/main.c");
    assert_eq!(rig.running(), ["a"]);
}

#[test]
fn what_an_update_wrote_is_its_doing_however_late_that_is_told() {
    let mut rig = Rig::with(vec![local("a")]);
    let mut turns = 0;
    while rig.running() == ["a"] && turns < 50 {
        rig.done("a");
        let written = Some(rig.now);
        rig.pass(Duration::from_secs(1));
        rig.tell(vec![Action::Files {
            changes: vec![("local:a".into(), vec!["/p/a/out".into()])],
            written,
        }]);
        turns += 1;
    }
    assert_eq!(rig.hold("a"), "changes-own-inputs");
    // Right after the end of an update, yet written after it.
    let mut rig = Rig::with(vec![local("a")]);
    for _ in 0..20 {
        rig.done("a");
        rig.pass(Duration::from_millis(1));
        rig.tell(vec![Action::Files {
            changes: vec![("local:a".into(), vec!["/p/a/x".into()])],
            written: Some(rig.now),
        }]);
        assert_eq!(rig.running(), ["a"]);
    }
}

#[test]
fn saving_the_same_file_over_and_over_by_hand_is_no_loop() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.done("a");
    for _ in 0..20 {
        rig.save("a", "/p/a/main.c");
        assert_eq!(rig.running(), ["a"]);
        rig.done("a");
    }
}

#[test]
fn a_newer_save_supersedes_a_long_update_once_but_not_twice() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.pass(Duration::from_secs(10));
    rig.done("a");
    rig.save("a", "/p/a/x");
    rig.forget();
    rig.save("a", "/p/a/x");
    let cancels = |rig: &Rig| {
        let cancels = rig
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::CancelUpdate { .. }));
        cancels.count()
    };
    assert_eq!(cancels(&rig), 1);
    rig.ends("a", UpdateOutcome::Cancelled);
    assert_eq!(rig.running(), ["a"]);
    rig.save("a", "/p/a/x");
    assert_eq!(cancels(&rig), 1);
    rig.done("a");
    assert_eq!(rig.running(), ["a"]);
}

#[test]
fn an_update_that_is_nearly_done_is_left_to_end() {
    let mut rig = Rig::with(vec![local("a")]);
    rig.pass(Duration::from_secs(10));
    rig.done("a");
    rig.save("a", "/p/a/x");
    rig.pass(Duration::from_secs(8));
    rig.forget();
    rig.save("a", "/p/a/x");
    assert!(
        !rig.effects
            .iter()
            .any(|effect| matches!(effect, Effect::CancelUpdate { .. }))
    );
}

#[test]
fn what_is_served_starts_again_after_every_update() {
    let both = with(serving("a"), |target| target.update = Some(command("make a")));
    let mut rig = Rig::with(vec![both]);
    rig.done("a");
    rig.starts_and_is_ready("a");
    let first = rig.resource("a").serve.clone().unwrap();
    rig.save("a", "/p/a/x");
    assert_eq!(rig.resource("a").serve.as_ref(), Some(&first));
    rig.fails("a");
    assert_eq!(rig.resource("a").serve.as_ref(), Some(&first));
    rig.save("a", "/p/a/x");
    rig.done("a");
    let second = rig.resource("a").serve.clone().unwrap();
    assert!(second.process.generation > first.process.generation);
    // What the first one still has to say changes nothing.
    rig.tell(vec![Action::Process {
        process: "serve/a".into(),
        generation: first.process.generation,
        fact: ProcessFact::Exited {
            pid: 7,
            code: 0,
            reason: String::new(),
        },
    }]);
    assert_eq!(rig.resource("a").serve.as_ref(), Some(&second));
}
