//! Live updates: what goes into which containers when, what a build is needed for, and who is told.

mod fresh;
mod reach;

use super::deploy::{deployed, ready};
use super::images::{deploying, image};
use super::*;
use crate::engine::action::{AgentFact, LiveFact};
use crate::engine::effect::{LiveWork, Scope};
use crate::engine::state::{AgentPhase, UpdateStatus};
use crate::model::build::{CustomRecipe, ImageTarget, Recipe};
use crate::model::command::Echo;
use crate::model::live::{Exec, InitialSync, Sync};
use crate::model::object::kinds::LIVE_UPDATE;
use crate::model::pod::{Container, ContainerState, RestartPolicy};

/// An image whose `src` is synced to `/app`, and whose changes to `stop` need a build.
fn synced(name: &str, bases: &[&str]) -> ImageTarget {
    let mut image = image(name, bases);
    image.live_update.base = format!("/p/{name}").into();
    image.live_update.syncs = vec![Sync {
        local: "src".to_owned(),
        container: "/app".to_owned(),
        ..Sync::default()
    }];
    image.live_update.stop_paths = vec!["stop".to_owned()];
    image
}

/// A pod of the image with this id, with one container for each of these ids.
fn pod(name: &str, image: &str, containers: &[&str]) -> Pod {
    let mut pod = ready(super::deploy::pod(name, "t1"));
    pod.containers = containers
        .iter()
        .map(|id| Container {
            name: format!("c-{id}").into(),
            id: (*id).into(),
            image: format!("img:tilt-{image}").into(),
            ready: true,
            state: ContainerState::Running { started: None },
            ..Container::default()
        })
        .collect();
    pod
}

/// One that was built and deployed, and whose containers are reached.
fn running(images: Vec<ImageTarget>, containers: &[&str]) -> Rig {
    let names: Vec<String> = images.iter().map(ImageTarget::image_map).collect();
    let mut rig = Rig::with(vec![deploying("web", images)]);
    for (place, name) in names.iter().enumerate() {
        rig.makes("web", name, &format!("{}", place + 1));
    }
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&pod("p1", &names.len().to_string(), containers)]);
    rig.reaches(containers);
    rig.forget();
    rig
}

fn one() -> Rig {
    running(vec![synced("app", &[])], &["a"])
}

/// One that is changed in place when somebody triggers it.
fn manual() -> Rig {
    let resource = mode(
        deploying("web", vec![synced("app", &[])]),
        TriggerMode::ManualWithAutoInit,
    );
    let mut rig = Rig::with(vec![resource]);
    rig.makes("web", "app", "1");
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&pod("p1", "1", &["a"])]);
    rig.reaches(&["a"]);
    rig
}

/// One that was deployed, has no pod yet, and copies everything into each container; and others.
fn initial(others: Vec<Resource>) -> Rig {
    let mut app = synced("app", &[]);
    app.live_update.initial_sync = InitialSync::Copy;
    let mut rig = Rig::with([vec![deploying("web", vec![app])], others].concat());
    rig.makes("web", "app", "1");
    rig.deploys("web", deployed(&["web"], "t1"));
    rig
}

impl Rig {
    /// Why the first container of a LiveUpdate waits.
    fn waits(&self, name: &str) -> Option<String> {
        let containers = self.status(&LIVE_UPDATE, name, "containers")?.as_list()?;
        let reason = containers.first()?.get("waiting")?.get("reason")?;
        reason.as_text().map(str::to_owned)
    }

    fn reaches(&mut self, containers: &[&str]) {
        for id in containers {
            self.agent(id, AgentFact::Ready { fallback: None });
        }
    }

    fn agent(&mut self, id: &str, fact: AgentFact) {
        self.tell(vec![Action::Agent {
            container: id.into(),
            fact,
        }]);
    }

    fn saves(&mut self, image: &str, files: &[&str]) {
        self.pass(Duration::from_secs(1));
        let files: Vec<String> = files.iter().map(|file| format!("/p/{image}/{file}")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        self.changed(&format!("image:{image}"), &files);
    }

    /// What the latest update of the resource brings where: container, then files.
    fn sends(&self) -> Vec<(String, Vec<String>)> {
        let work = self.live();
        let to = work.orders.iter().flat_map(|order| &order.containers);
        to.map(|to| {
            let files = match &to.scope {
                Scope::Files(plan) => plan
                    .copies
                    .iter()
                    .map(|copied| copied.local.display().to_string())
                    .collect(),
                Scope::Everything { .. } => vec!["everything".to_owned()],
            };
            (to.container.to_string(), files)
        })
        .collect()
    }

    fn live(&self) -> LiveWork {
        match self.orders().last().map(|order| order.work.clone()) {
            Some(Work::Live(work)) => *work,
            other => panic!("no live update: {other:?}"),
        }
    }

    fn is_building(&self) -> bool {
        matches!(self.orders().last().map(|order| &order.work), Some(Work::Images(_)))
    }

    fn fares(&mut self, live: &str, container: &str, fact: LiveFact) {
        let update = self.resource("web").running.clone().expect("it runs").id;
        self.tell(vec![Action::Live {
            live: live.into(),
            update,
            container: container.into(),
            fact,
        }]);
    }

    /// All containers of the latest live update have everything.
    fn syncs(&mut self) {
        for order in self.live().orders {
            for to in order.containers {
                self.fares(&order.live, &to.container, LiveFact::Synced);
            }
        }
        self.done("web");
    }
}

fn file(name: &str) -> (String, Vec<String>) {
    ("a".to_owned(), vec![format!("/p/app/src/{name}")])
}

#[test]
fn a_saved_file_goes_into_the_running_container_and_nothing_is_built() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.sends(), [file("a.js")]);
    assert_eq!(rig.resource("web").update_status(), UpdateStatus::InProgress);
    rig.syncs();
    assert_eq!(rig.resource("web").update_status(), UpdateStatus::Ok);
    assert_eq!(rig.running(), [""; 0]);
    assert_eq!(rig.orders().len(), 1);
}

#[test]
fn each_save_brings_only_what_the_container_does_not_have() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    rig.saves("app", &["src/b.js"]);
    assert_eq!(
        rig.sends(),
        [file("a.js")],
        "the second save waits for the first update"
    );
    rig.syncs();
    assert_eq!(rig.sends(), [file("b.js")]);
    rig.syncs();
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.sends(), [file("a.js")]);
}

#[test]
fn a_new_container_gets_every_edit_since_its_image_before_it_counts_as_ready() {
    let mut rig = one();
    for name in ["src/a.js", "src/b.js"] {
        rig.saves("app", &[name]);
        rig.syncs();
    }
    assert_eq!(
        rig.resource("web").runtime_status(),
        crate::engine::state::RuntimeStatus::Ok
    );
    rig.forget();
    rig.sees("web", &[&pod("p2", "1", &["b"])]);
    assert_eq!(
        rig.resource("web").runtime_status(),
        crate::engine::state::RuntimeStatus::Pending
    );
    assert_eq!(rig.hold("web"), "waiting-for-deploy", "nobody reaches it yet");
    rig.reaches(&["b"]);
    let files = vec!["/p/app/src/a.js".to_owned(), "/p/app/src/b.js".to_owned()];
    assert_eq!(rig.sends(), [("b".to_owned(), files)]);
    assert!(rig.said().contains(&"New Container"), "{:?}", rig.said());
    rig.syncs();
    assert_eq!(
        rig.resource("web").runtime_status(),
        crate::engine::state::RuntimeStatus::Ok
    );
    assert_eq!(rig.orders().len(), 1);
}

#[test]
fn what_was_built_into_the_image_is_not_sent_to_its_containers() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    rig.syncs();
    rig.trigger("web").unwrap();
    assert!(rig.is_building(), "whoever triggers it by hand wants a build");
    rig.makes("web", "app", "9");
    rig.deploys("web", deployed(&["web"], "t2"));
    rig.forget();
    let mut newer = pod("p2", "9", &["b"]);
    newer.template_hash = "t2".into();
    rig.sees("web", &[&newer]);
    rig.reaches(&["b"]);
    assert_eq!(rig.orders().len(), 0);
    rig.saves("app", &["src/c.js"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/c.js".to_owned()])]);
}

#[test]
fn a_build_that_makes_the_same_image_leaves_no_container_with_old_edits() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    rig.syncs();
    // The edit is taken back, together with something that needs a build.
    rig.saves("app", &["src/a.js", "stop"]);
    assert!(rig.is_building());
    rig.makes("web", "app", "1");
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&pod("p1", "1", &["a"])]);
    assert_eq!(rig.sends(), [file("a.js")], "the container still had the edit");
    rig.syncs();
    assert_eq!(rig.running(), [""; 0]);
}

/// One whose image nobody builds.
fn foreign() -> Rig {
    foreign_with(&["stop"])
}

fn foreign_with(stops: &[&str]) -> Rig {
    let mut image = synced("app", &[]);
    image.live_update.stop_paths = stops.iter().map(|&stop| stop.to_owned()).collect();
    image.recipe = Recipe::Custom(CustomRecipe {
        deps: vec!["/p/app".into()],
        live_update_only: true,
        ..CustomRecipe::default()
    });
    let mut rig = Rig::with(vec![deploying("web", vec![image])]);
    rig.deploys("web", deployed(&["web"], "t1"));
    rig.sees("web", &[&foreign_pod("p1", "a")]);
    rig.reaches(&["a"]);
    rig.forget();
    rig
}

fn foreign_pod(name: &str, container: &str) -> Pod {
    let mut pod = pod(name, "x", &[container]);
    pod.containers[0].image = "app:dev".into();
    pod
}

#[test]
fn what_a_deployment_brought_in_is_no_obstacle_and_what_it_did_not_is_brought_in() {
    let mut rig = foreign();
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.sends(), [file("a.js")]);
    rig.syncs();
    rig.saves("app", &["stop", "src/b.js"]);
    assert!(rig.is_building());
    rig.deploys("web", deployed(&["web"], "t1"));
    // The container is the same one: it still lacks one of the files.
    assert_eq!(rig.sends(), [file("b.js")]);
    rig.syncs();
    rig.saves("app", &["src/c.js"]);
    assert_eq!(rig.sends(), [file("c.js")]);
    rig.syncs();
    rig.forget();
    // And one that takes its place lacks all of them.
    rig.sees("web", &[&foreign_pod("p2", "b")]);
    rig.reaches(&["b"]);
    let all = ["a.js", "b.js", "c.js"].map(|name| format!("/p/app/src/{name}"));
    assert_eq!(rig.sends(), [("b".to_owned(), all.to_vec())]);
}

#[test]
fn a_stop_file_or_one_that_no_sync_has_is_built_and_the_cause_is_told() {
    for (saved, cause) in [
        (
            "stop",
            "LiveUpdate \"web:app\" UpdateStopped: Detected change to stop file \"/p/app/stop\"",
        ),
        (
            "other/x",
            "LiveUpdate \"web:app\" UpdateStopped: Found file(s) not matching any sync (files: /p/app/other/x); \
             the nearest is sync('/p/app/src', '/app')",
        ),
    ] {
        let mut rig = one();
        rig.saves("app", &[saved]);
        assert!(rig.is_building(), "{saved}");
        assert!(rig.said().contains(&cause), "{:?}", rig.said());
        let failed = rig.status(&LIVE_UPDATE, "web:app", "failed").cloned();
        assert_eq!(
            failed.and_then(|failed| failed.get("reason").cloned()),
            Some(Tree::text("UpdateStopped"))
        );
        rig.makes("web", "app", "2");
        rig.deploys("web", deployed(&["web"], "t1"));
        assert_eq!(rig.status(&LIVE_UPDATE, "web:app", "failed"), None, "a build mends it");
    }
}

#[test]
fn a_command_that_fails_is_the_users_and_the_next_save_is_a_live_update_again() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    let error = "exit code 1".to_owned();
    rig.fares("web:app", "a", LiveFact::ExecFailed { error });
    rig.fails("web");
    assert_eq!(rig.resource("web").update_status(), UpdateStatus::Error);
    assert_eq!(rig.running(), [""; 0], "nothing is built because of it");
    rig.saves("app", &["src/b.js"]);
    assert_eq!(rig.sends(), [file("b.js")], "the files of the failed update are in");
    rig.syncs();
    assert_eq!(rig.resource("web").update_status(), UpdateStatus::Ok);
}

#[test]
fn what_cannot_be_brought_in_is_built() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    let message = "disk full".to_owned();
    let reason = "UpdateFailed";
    rig.fares("web:app", "a", LiveFact::Failed { reason, message });
    rig.ends("web", UpdateOutcome::FellBack);
    assert!(rig.is_building());
    assert_eq!(
        rig.plan_of_files(),
        ["/p/app/src/a.js"],
        "the build is for what the live update was for"
    );
    assert!(rig.said().contains(&"LiveUpdate \"web:app\" UpdateFailed: disk full"));
}

impl Rig {
    fn plan_of_files(&self) -> Vec<String> {
        let running = self.resource("web").running.as_ref().expect("it runs");
        running.files.iter().map(|file| file.display().to_string()).collect()
    }
}

#[test]
fn a_container_that_goes_away_meanwhile_loses_nothing() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    rig.agent("a", AgentFact::Lost);
    rig.ends("web", UpdateOutcome::Again);
    assert_eq!(rig.hold("web"), "waiting-for-deploy");
    let mut restarting = pod("p1", "1", &["a"]);
    restarting.containers[0].state = ContainerState::Waiting {
        reason: "ContainerCreating".into(),
        message: "".into(),
    };
    rig.sees("web", &[&restarting]);
    rig.sees("web", &[&pod("p1", "1", &["b"])]);
    rig.reaches(&["b"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
    rig.syncs();
    assert_eq!(rig.resource("web").pending.files.len(), 0);
}

#[test]
fn a_crash_loop_is_built_and_a_container_that_starts_is_waited_for() {
    let mut rig = one();
    rig.sees("web", &[&super::deploy::crashing(pod("p1", "1", &["a"]))]);
    rig.saves("app", &["src/a.js"]);
    assert!(rig.is_building());
    assert!(
        rig.said().iter().any(|line| line.contains("CrashLoopBackOff")),
        "{:?}",
        rig.said()
    );
}

#[test]
fn pods_of_another_image_that_come_up_are_waited_for_and_those_that_cannot_are_built_anew() {
    let mut rig = one();
    let mut starting = pod("p1", "7", &["a"]);
    starting.containers[0].ready = false;
    rig.sees("web", &[&starting]);
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.orders().len(), 0, "they may be those of the image before");
    rig.sees("web", &[&super::deploy::crashing(starting)]);
    assert!(rig.is_building());
}

#[test]
fn after_a_deploy_that_failed_the_next_save_is_deployed_and_not_brought_into_what_was_there_before() {
    let mut rig = one();
    rig.saves("app", &["stop"]);
    rig.makes("web", "app", "9");
    rig.applied("web", ApplyFact::Started);
    rig.applied("web", super::deploy::half_way(&[]));
    rig.run_ends("web", super::deploy::failed("half-way"));
    rig.forget();
    rig.saves("app", &["src/a.js"]);
    assert!(rig.is_building());
    rig.makes("web", "app", "10");
    rig.deploys("web", deployed(&["web"], "t2"));
    let mut newer = pod("p2", "10", &["b"]);
    newer.template_hash = "t2".into();
    rig.sees("web", &[&newer]);
    rig.reaches(&["b"]);
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
}

#[test]
fn a_container_that_has_ended_is_waited_for_if_it_will_be_started_again() {
    for restart in [RestartPolicy::Always, RestartPolicy::OnFailure, RestartPolicy::Never] {
        let mut rig = one();
        let mut ended = pod("p1", "1", &["a"]);
        ended.restart = restart;
        ended.containers[0].state = ContainerState::Terminated {
            reason: "Error".into(),
            message: "".into(),
            exit_code: 137,
            started: None,
            finished: None,
        };
        rig.sees("web", &[&ended]);
        rig.saves("app", &["src/a.js"]);
        if restart == RestartPolicy::Never {
            assert!(rig.is_building());
            continue;
        }
        assert_eq!(rig.orders().len(), 0);
        rig.sees("web", &[&pod("p1", "1", &["b"])]);
        rig.reaches(&["b"]);
        assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
    }
}

#[test]
fn all_containers_of_all_pods_get_it_and_init_containers_do_not() {
    let mut rig = running(vec![synced("app", &[])], &["a", "b"]);
    let mut second = pod("p2", "1", &["c"]);
    second.init_containers = pod("p2", "1", &["i"]).containers;
    let mut leaving = pod("p0", "1", &["z"]);
    leaving.deleting = true;
    let foreign = pod("p3", "7", &["f"]);
    rig.sees("web", &[&leaving, &foreign, &pod("p1", "1", &["a", "b"]), &second]);
    rig.reaches(&["c"]);
    rig.saves("app", &["src/a.js"]);
    let containers: Vec<String> = rig.sends().into_iter().map(|(id, _)| id).collect();
    assert_eq!(containers, ["a", "b", "c"]);
}

#[test]
fn files_of_a_base_go_by_the_rules_of_the_base_into_what_is_made_from_it() {
    let mut rig = running(vec![synced("base", &[]), image("app", &["base"])], &["a"]);
    rig.saves("base", &["src/lib.js"]);
    assert_eq!(rig.sends(), [("a".to_owned(), vec!["/p/base/src/lib.js".to_owned()])]);
    rig.syncs();
    rig.saves("app", &["main.js"]);
    assert!(rig.is_building(), "what is made from it has no rules of its own");
}

#[test]
fn after_a_build_that_failed_nothing_is_changed_in_place_until_one_goes_well() {
    let mut rig = running(vec![synced("base", &[]), synced("app", &["base"])], &["a"]);
    rig.saves("base", &["stop"]);
    rig.makes("web", "base", "7");
    rig.breaks("web", "app", Class::User);
    rig.forget();
    rig.sees("web", &[&pod("p2", "2", &["b"])]);
    rig.reaches(&["b"]);
    assert_eq!(rig.orders().len(), 0, "a container that restarts is no reason to build");
    rig.saves("app", &["src/a.js"]);
    assert!(rig.is_building(), "what changed in the base is in no container");
    rig.makes("web", "app", "8");
    rig.deploys("web", deployed(&["web"], "t2"));
    let mut newer = pod("p3", "8", &["c"]);
    newer.template_hash = "t2".into();
    rig.sees("web", &[&newer]);
    rig.reaches(&["c"]);
    rig.saves("base", &["src/lib.js"]);
    assert_eq!(rig.sends(), [("c".to_owned(), vec!["/p/base/src/lib.js".to_owned()])]);
}

#[test]
fn commands_follow_the_files_that_trigger_them() {
    let mut app = synced("app", &[]);
    app.live_update.execs = vec![Exec {
        argv: vec!["make".to_owned()],
        triggers: vec!["src/deps".to_owned()],
        echo: Echo::On,
    }];
    let mut rig = running(vec![app], &["a"]);
    let runs = |rig: &Rig| match &rig.live().orders[0].containers[0].scope {
        Scope::Files(plan) => plan.runs.len(),
        Scope::Everything { .. } => panic!("only some"),
    };
    rig.saves("app", &["src/a.js"]);
    assert_eq!(runs(&rig), 0);
    rig.syncs();
    rig.saves("app", &["src/deps/x"]);
    assert_eq!(runs(&rig), 1);
}

#[test]
fn a_manual_resource_is_changed_in_place_when_it_is_triggered() {
    let mut rig = manual();
    rig.forget();
    rig.saves("app", &["src/a.js"]);
    assert_eq!(rig.orders().len(), 0);
    assert_eq!(rig.waits("web:app").as_deref(), Some("Trigger"));
    rig.trigger("web").unwrap();
    assert_eq!(rig.sends(), [file("a.js")]);
    rig.syncs();
    assert_eq!(rig.waits("web:app"), None);
    rig.trigger("web").unwrap();
    assert!(rig.is_building(), "without changes a trigger means a build");
}

#[test]
fn a_manual_resource_gives_new_containers_what_was_triggered_and_no_more() {
    let mut rig = manual();
    rig.saves("app", &["src/a.js"]);
    rig.trigger("web").unwrap();
    rig.syncs();
    rig.saves("app", &["src/b.js"]);
    rig.sees("web", &[&pod("p2", "1", &["b"])]);
    rig.reaches(&["b"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/a.js".to_owned()])]);
    rig.syncs();
    assert_eq!(
        rig.resource("web").pending.files.len(),
        1,
        "the other one waits for a trigger"
    );
    rig.trigger("web").unwrap();
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["/p/app/src/b.js".to_owned()])]);
}

#[test]
fn initial_sync_brings_everything_once_into_each_container() {
    let mut rig = initial(Vec::new());
    rig.sees("web", &[&pod("p1", "1", &["a"])]);
    rig.reaches(&["a"]);
    assert_eq!(rig.sends(), [("a".to_owned(), vec!["everything".to_owned()])]);
    rig.syncs();
    assert_eq!(rig.running(), [""; 0]);
    rig.sees("web", &[&pod("p1", "1", &["b"])]);
    rig.reaches(&["b"]);
    assert_eq!(rig.sends(), [("b".to_owned(), vec!["everything".to_owned()])]);
}

#[test]
fn a_container_that_nothing_can_be_brought_into_is_built_anew() {
    let mut rig = one();
    let error = "no way into the container".to_owned();
    rig.agent("a", AgentFact::Failed { error });
    rig.saves("app", &["src/a.js"]);
    assert!(rig.is_building());
    assert!(rig.said().iter().any(|line| line.contains("no way into the container")));
}

#[test]
fn agents_work_in_containers_that_run_and_in_no_others() {
    let mut rig = one();
    let agents = |rig: &Rig| -> Vec<String> {
        let keys = rig.engine.kept().keys().filter_map(|key| match key {
            Key::Agent(id) => Some(id.to_string()),
            _ => None,
        });
        keys.collect()
    };
    assert_eq!(agents(&rig), ["a"]);
    rig.sees("web", &[&pod("p2", "1", &["b", "c"])]);
    assert_eq!(agents(&rig), ["b", "c"]);
    assert_eq!(rig.engine.state.agents["b"].phase, AgentPhase::Starting);
    rig.disable("web", "true");
    assert_eq!(agents(&rig), [""; 0]);
}

#[test]
fn with_update_mode_image_everything_is_built() {
    let mut rig = one();
    rig.engine.state.session_mut().updates_live = false;
    rig.saves("app", &["src/a.js"]);
    assert!(rig.is_building());
}

#[test]
fn the_object_says_what_each_container_has() {
    let mut rig = one();
    let first = |rig: &Rig, field: &str| {
        let containers = rig
            .status(&LIVE_UPDATE, "web:app", "containers")
            .and_then(Tree::as_list);
        containers.unwrap()[0].get(field).cloned()
    };
    assert_eq!(first(&rig, "containerID"), Some(Tree::text("a")));
    assert_eq!(first(&rig, "podName"), Some(Tree::text("p1")));
    assert_eq!(first(&rig, "lastFileTimeSynced"), None);
    rig.saves("app", &["src/a.js"]);
    rig.syncs();
    assert!(first(&rig, "lastFileTimeSynced").is_some());
    rig.agent("a", AgentFact::Lost);
    let waiting = first(&rig, "waiting").unwrap();
    assert_eq!(waiting.get("reason"), Some(&Tree::text("ContainerWaiting")));
    let spec = &rig.object(&LIVE_UPDATE, "web:app").spec;
    assert_eq!(spec.get("basePath"), Some(&Tree::text("/p/app")));
}

#[test]
fn edits_are_counted_and_the_newest_one_that_runs_is_known() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    let fresh = rig.resource("web").freshness.clone();
    assert_eq!((fresh.edits, fresh.waiting.len()), (1, 1));
    rig.syncs();
    let fresh = rig.resource("web").freshness.clone();
    assert_eq!(fresh.waiting, []);
    let (edit, at) = fresh.runs.unwrap();
    assert_eq!(edit.number, 1);
    assert!(at.since(edit.saved) < Duration::from_millis(10));
    rig.saves("app", &["stop"]);
    rig.saves("app", &["stop"]);
    assert_eq!(
        rig.resource("web").freshness.waiting.len(),
        2,
        "two edits behind, building"
    );
}

#[test]
fn a_container_that_nothing_can_be_brought_into_does_not_have_it_built_for_ever() {
    let mut rig = initial(Vec::new());
    rig.forget();
    rig.sees("web", &[&pod("p1", "1", &["a"])]);
    let error = "no way into the container".to_owned();
    rig.agent("a", AgentFact::Failed { error });
    assert_eq!(rig.orders().len(), 0, "{:?}", rig.said());
    assert!(rig.said().iter().any(|line| line.contains("no way into the container")));
}

#[test]
fn what_is_deployed_no_more_lacks_nothing() {
    let mut rig = one();
    rig.saves("app", &["src/a.js"]);
    rig.syncs();
    rig.sees("web", &[&pod("p2", "1", &["b"])]);
    rig.reload(vec![local("web")]);
    rig.done("web");
    assert_eq!(rig.running(), [""; 0]);
    assert_eq!(rig.resource("web").workload.pods.len(), 0);
}
