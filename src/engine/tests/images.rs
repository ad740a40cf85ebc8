//! Images: what is built when, what waits for it, what is shared, and what fails with what.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::build::Reuse;
use crate::engine::action::ImageFact;
use crate::engine::effect::{ImageStep, Make, Work};
use crate::engine::images::live_images;
use crate::engine::state::UpdateStatus;
use crate::model::build::{DockerRecipe, ImageTarget, Recipe};
use crate::model::built::Built;
use crate::model::image::Selector;
use crate::model::live::{LiveUpdate, Sync};
use crate::model::workload::{DiscoveryStrategy, KubernetesTarget, Source};

/// An image with a folder of its own, made from others.
pub fn image(name: &str, bases: &[&str]) -> ImageTarget {
    ImageTarget {
        selector: Selector::parse(name).unwrap(),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Docker(Box::new(DockerRecipe {
            dockerfile: "FROM scratch".to_owned(),
            context: format!("/p/{name}").into(),
            ..DockerRecipe::default()
        })),
        image_deps: bases.iter().map(|base| (*base).to_owned()).collect(),
        watch_ignores: Vec::new(),
    }
}

/// A resource that deploys the last of its images.
pub fn deploying(name: &str, images: Vec<ImageTarget>) -> Resource {
    let deployed = images.last().map(ImageTarget::image_map);
    let target = KubernetesTarget {
        source: Source::Yaml("kind: Pod".to_owned()),
        image_maps: deployed.into_iter().collect(),
        timeout: Duration::from_secs(30),
        discovery: DiscoveryStrategy::Default,
        ..KubernetesTarget::default()
    };
    Resource {
        images,
        target: Target::Kubernetes(Box::new(target)),
        ..local(name)
    }
}

fn built(id: &str) -> Built {
    Built {
        id: Some(format!("sha256:{id}")),
        local: format!("img:tilt-{id}"),
        cluster: format!("img:tilt-{id}"),
        ..Built::default()
    }
}

impl Rig {
    /// The steps of the latest update of a resource.
    fn steps(&self, resource: &str) -> Vec<ImageStep> {
        let work = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::StartUpdate(order) if *order.resource == *resource => Some(order.work.clone()),
            _ => None,
        });
        match work {
            Some(Work::Images(work)) => work.steps,
            other => panic!("{resource} builds no images: {other:?}"),
        }
    }

    /// What the latest update of a resource does about each image, in words.
    fn plan(&self, resource: &str) -> Vec<String> {
        let word = |step: &ImageStep| match &step.make {
            Make::Reuse { built, .. } => format!("{}: has {}", step.image, built.local),
            Make::Build { reuse } => format!("{}: builds, {reuse:?}", step.image),
            Make::Failed { message, .. } => format!("{}: {message}", step.image),
        };
        self.steps(resource).iter().map(word).collect()
    }

    fn fact(&mut self, resource: &str, image: &str, fact: ImageFact) {
        let running = self.resource(resource).running.clone();
        let update = running.unwrap_or_else(|| panic!("{resource} does not run")).id;
        self.tell(vec![Action::Image {
            image: image.into(),
            update,
            fact,
        }]);
    }

    pub fn makes(&mut self, resource: &str, image: &str, id: &str) {
        self.fact(resource, image, ImageFact::Started);
        let known = |base: &String| {
            let known = self.engine.state.images.get(base.as_str());
            known.and_then(|known| Some((base.as_str().into(), known.identity()?)))
        };
        let target = Arc::clone(&self.engine.state.images[image].target);
        let bases: BTreeMap<Name, String> = target.image_deps.iter().filter_map(known).collect();
        let built = built(id);
        self.fact(resource, image, ImageFact::Built { built, bases });
    }

    pub fn breaks(&mut self, resource: &str, image: &str, class: Class) {
        self.fact(resource, image, ImageFact::Started);
        let message = "no".to_owned();
        self.fact(resource, image, ImageFact::Failed { message, class });
        self.fails_with(resource, class);
    }

    fn fails_with(&mut self, resource: &str, class: Class) {
        let message = "no".to_owned();
        let exit = None;
        self.ends(resource, UpdateOutcome::Failed(UpdateFailure { class, message, exit }));
    }

    pub fn save_image(&mut self, image: &str) {
        self.pass(Duration::from_secs(1));
        self.changed(&format!("image:{image}"), &[&format!("/p/{image}/file")]);
    }

    fn wait_until_woken(&mut self) {
        let at = self.engine.wake_at().expect("it waits for a time");
        self.now = at;
        self.tell(vec![Action::Woke]);
    }
}

#[test]
fn an_update_builds_its_images_and_then_fails_because_nothing_can_be_deployed() {
    let mut rig = Rig::with(vec![deploying(
        "web",
        vec![image("base", &[]), image("app", &["base"])],
    )]);
    assert_eq!(rig.plan("web"), ["base: builds, Inputs", "app: builds, Inputs"]);
    assert_eq!(rig.steps("web")[1].bases, ["base".into()]);
    rig.makes("web", "base", "1");
    rig.makes("web", "app", "2");
    rig.fails("web");
    assert_eq!(rig.running(), [""; 0]);
    assert_eq!(rig.resource("web").update_status(), UpdateStatus::Error);
    let live: Vec<String> = live_images(&rig.engine.state).into_iter().collect();
    assert_eq!(live, ["img:tilt-1", "img:tilt-2", "sha256:1", "sha256:2"]);
}

#[test]
fn a_save_builds_the_image_and_what_is_made_from_it_if_it_came_out_differently() {
    let images = || vec![image("base", &[]), image("app", &["base"]), image("other", &[])];
    let mut rig = Rig::with(vec![deploying("web", images())]);
    for (image, id) in [("base", "1"), ("app", "2"), ("other", "3")] {
        rig.makes("web", image, id);
    }
    rig.done("web");
    rig.save_image("base");
    let said = rig.said();
    assert!(said.contains(&"1 File Changed: [base/file]"), "{said:?}");
    let plan = ["base: builds, Inputs", "app: has img:tilt-2", "other: has img:tilt-3"];
    assert_eq!(rig.plan("web"), plan);
    // Whether the image on top is built is not known yet, so nobody else may touch it.
    assert!(rig.engine.state.images["app"].making.is_some());
    assert!(rig.engine.state.images["other"].making.is_none());
    rig.makes("web", "base", "1");
    rig.fact("web", "app", ImageFact::Left);
    rig.done("web");
    assert_eq!(rig.running(), [""; 0]);
}

#[test]
fn a_save_during_a_build_is_for_the_next_one() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    rig.save_image("app");
    rig.makes("web", "app", "1");
    assert_eq!(rig.engine.state.images["app"].pending.len(), 1);
    rig.done("web");
    assert_eq!(rig.running(), ["web"]);
    assert_eq!(rig.plan("web"), ["app: builds, Inputs"]);
    rig.makes("web", "app", "2");
    rig.done("web");
    assert_eq!(rig.running(), [""; 0]);
}

#[test]
fn an_image_that_several_use_is_built_once_and_the_others_go_on_when_it_is_there() {
    let one = |name: &str| deploying(name, vec![image("base", &[]), image(name, &["base"])]);
    let mut rig = Rig::with(vec![one("a"), one("b")]);
    assert_eq!(
        (rig.running(), rig.hold("b")),
        (vec!["a"], "building-component".to_owned())
    );
    let hold = rig.resource("b").hold.clone().unwrap();
    assert_eq!(hold.to_string(), "waits for the image base, which a builds");
    assert_eq!(hold.on(), ["a".into()]);
    rig.makes("a", "base", "1");
    assert_eq!(rig.running(), ["a", "b"]);
    assert_eq!(rig.plan("b"), ["base: has img:tilt-1", "b: builds, Inputs"]);
}

#[test]
fn a_failed_image_is_not_built_again_for_whoever_else_needs_it_until_something_changes() {
    let one = |name: &str| deploying(name, vec![image("base", &[]), image(name, &["base"])]);
    let mut rig = Rig::with(vec![one("a"), one("b")]);
    rig.breaks("a", "base", Class::User);
    assert_eq!(rig.running(), ["b"]);
    let failed = "base: image base failed to build (see resource a)";
    assert_eq!(rig.plan("b"), [failed, "b: builds, Inputs"]);
    rig.fact("b", "b", ImageFact::Left);
    rig.fails("b");
    assert_eq!(rig.running(), [""; 0]);
    rig.trigger("b").unwrap();
    assert_eq!(rig.plan("b"), ["base: builds, Steps", "b: builds, Steps"]);
    rig.breaks("b", "base", Class::User);
    rig.save_image("base");
    assert_eq!(rig.running(), ["a"]);
    assert_eq!(rig.plan("a"), ["base: builds, Inputs", "a: builds, Inputs"]);
    rig.makes("a", "base", "1");
    assert_eq!(rig.plan("b"), ["base: has img:tilt-1", "b: builds, Inputs"]);
}

#[test]
fn whoever_used_an_image_is_updated_when_another_resource_made_it_anew() {
    let one = |name: &str| deploying(name, vec![image("app", &[])]);
    let mut rig = Rig::with(vec![one("a"), one("b")]);
    rig.makes("a", "app", "1");
    rig.done("a");
    rig.done("b");
    rig.forget();
    rig.trigger("a").unwrap();
    assert_eq!(rig.plan("a"), ["app: builds, Steps"]);
    rig.makes("a", "app", "1");
    rig.done("a");
    assert_eq!(rig.running(), [""; 0], "it is the same image");
    rig.trigger("a").unwrap();
    rig.makes("a", "app", "2");
    rig.done("a");
    assert_eq!(rig.running(), ["b"]);
    assert_eq!(rig.plan("b"), ["app: has img:tilt-2"]);
    assert!(rig.said().contains(&"Dependency Updated"));
    rig.done("b");
    assert_eq!(rig.running(), [""; 0]);
}

#[test]
fn a_changed_definition_builds_anew_and_a_changed_option_does_not() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    rig.makes("web", "app", "1");
    rig.done("web");
    let mut live = image("app", &[]);
    live.live_update.syncs.push(Sync {
        local: ".".to_owned(),
        container: "/srv".to_owned(),
        ..Sync::default()
    });
    rig.reload(vec![deploying("web", vec![live.clone()])]);
    assert_eq!(rig.running(), [""; 0]);
    live.entrypoint = Some(vec!["run".to_owned()]);
    rig.reload(vec![deploying("web", vec![live.clone()])]);
    assert_eq!(rig.plan("web"), ["app: has img:tilt-1"]);
    rig.done("web");
    live.recipe = Recipe::Docker(Box::default());
    rig.reload(vec![deploying("web", vec![live])]);
    assert_eq!(rig.plan("web"), ["app: builds, Inputs"]);
}

#[test]
fn what_is_built_for_a_definition_that_is_gone_does_not_count() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    rig.fact("web", "app", ImageFact::Started);
    let mut other = image("app", &[]);
    other.recipe = Recipe::Docker(Box::default());
    rig.reload(vec![deploying("web", vec![other])]);
    let bases = BTreeMap::new();
    let built = built("old");
    rig.fact("web", "app", ImageFact::Built { built, bases });
    assert_eq!(rig.engine.state.images["app"].made, None);
    rig.ends("web", UpdateOutcome::Cancelled);
    assert_eq!(rig.plan("web"), ["app: builds, Inputs"]);
    rig.reload(vec![local("else")]);
    assert!(rig.engine.state.images.contains_key("app"), "its build has not ended");
    let update = *rig.engine.state.departing.keys().next().unwrap();
    let outcome = UpdateOutcome::Cancelled;
    rig.tell(vec![Action::Updated { update, outcome }]);
    assert!(rig.engine.state.images.is_empty());
}

#[test]
fn what_lies_outside_the_project_is_tried_again_ever_later_and_then_not_any_more() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    for (pause, line) in [
        (1, "Trying again in 1s (1 of 3)"),
        (5, "Trying again in 5s (2 of 3)"),
        (15, "Trying again in 15s (3 of 3)"),
    ] {
        rig.breaks("web", "app", Class::Environment);
        assert!(rig.said().contains(&line), "{:?}", rig.said());
        assert_eq!(rig.hold("web"), "waiting-for-retry");
        let before = rig.now;
        rig.wait_until_woken();
        assert_eq!(rig.now.since(before).as_secs(), pause);
        assert_eq!(rig.running(), ["web"]);
    }
    rig.breaks("web", "app", Class::Environment);
    let last = "Not trying again by itself: save a file, or run `tilt trigger web`";
    assert!(rig.said().contains(&last));
    assert_eq!((rig.running(), rig.engine.wake_at()), (vec![], None));
    rig.save_image("app");
    assert_eq!(rig.running(), ["web"]);
    rig.breaks("web", "app", Class::Environment);
    assert_eq!(rig.hold("web"), "waiting-for-retry", "it is counted anew");
    rig.save_image("app");
    assert_eq!(rig.running(), ["web"], "a save does not wait");
}

#[test]
fn ci_waits_for_what_is_tried_again_and_fails_when_it_is_over() {
    let mut rig = Rig::new(Mode::Ci);
    rig.evaluated(MAIN, Ok(project(vec![deploying("web", vec![image("app", &[])])])));
    for _ in 0..2 {
        rig.breaks("web", "app", Class::Environment);
        assert_eq!(rig.engine.state.session.outcome, None);
        rig.wait_until_woken();
    }
    rig.breaks("web", "app", Class::Environment);
    let outcome = crate::engine::state::Outcome::Failure("no".to_owned());
    assert_eq!(rig.engine.state.session.outcome, Some(outcome));
}

#[test]
fn the_users_own_failures_are_not_tried_again() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    rig.breaks("web", "app", Class::User);
    assert_eq!((rig.running(), rig.engine.wake_at()), (vec![], None));
}

#[test]
fn a_trigger_of_a_manual_resource_with_changes_builds_only_what_changed() {
    let images = vec![image("base", &[]), image("app", &["base"])];
    let manual = mode(deploying("web", images), TriggerMode::ManualWithAutoInit);
    let mut rig = Rig::with(vec![manual]);
    rig.makes("web", "base", "1");
    rig.makes("web", "app", "2");
    rig.done("web");
    rig.save_image("app");
    assert_eq!(rig.hold("web"), "waiting-for-trigger");
    rig.trigger("web").unwrap();
    assert_eq!(rig.plan("web"), ["base: has img:tilt-1", "app: builds, Inputs"]);
    rig.makes("web", "app", "3");
    rig.done("web");
    rig.trigger("web").unwrap();
    assert_eq!(rig.plan("web"), ["base: builds, Steps", "app: builds, Steps"]);
}

#[test]
fn a_session_without_cache_uses_none() {
    let mut rig = Rig::new(Mode::Up);
    rig.engine.state.session_mut().reuse = Reuse::Nothing;
    rig.evaluated(MAIN, Ok(project(vec![deploying("web", vec![image("app", &[])])])));
    assert_eq!(rig.plan("web"), ["app: builds, Nothing"]);
    rig.makes("web", "app", "1");
    rig.done("web");
    rig.trigger("web").unwrap();
    assert_eq!(rig.plan("web"), ["app: builds, Nothing"]);
}

#[test]
fn an_image_found_missing_by_an_update_that_did_not_set_out_to_build_it_is_taken_in() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[]), image("other", &[])])]);
    rig.makes("web", "app", "1");
    rig.makes("web", "other", "2");
    rig.done("web");
    rig.save_image("other");
    assert_eq!(rig.plan("web"), ["app: has img:tilt-1", "other: builds, Inputs"]);
    rig.makes("web", "app", "9");
    assert_eq!(rig.engine.state.images["app"].identity().as_deref(), Some("sha256:9"));
    rig.makes("web", "other", "3");
    rig.done("web");
    assert_eq!(rig.running(), [""; 0]);
}

#[test]
fn disabling_stops_the_build_and_what_nobody_watches_is_built_anew() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    rig.makes("web", "app", "1");
    rig.done("web");
    rig.click("toggle-web-disable");
    rig.pass(Duration::from_secs(1));
    rig.click("toggle-web-disable");
    rig.watched();
    assert_eq!(rig.plan("web"), ["app: builds, Inputs"]);
    rig.pass(Duration::from_secs(1));
    rig.forget();
    rig.click("toggle-web-disable");
    let cancels = rig
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::CancelUpdate { .. }));
    assert!(cancels);
}

#[test]
fn the_first_build_waits_until_the_images_files_are_watched() {
    let mut rig = Rig::new(Mode::Up);
    let running = rig.engine.state.tiltfiles[MAIN].running.clone().unwrap();
    let resources = vec![deploying("web", vec![image("app", &[])])];
    rig.tell(vec![Action::Evaluated {
        tiltfile: MAIN.into(),
        run: running.run,
        evaluation: Box::new(Evaluation {
            project: Ok(project(resources)),
            config_files: Vec::new(),
            hashes: Hashes::default(),
            warnings: 0,
            timings: Vec::new(),
        }),
    }]);
    assert_eq!(rig.hold("web"), "waiting-for-cluster");
    rig.connected();
    assert_eq!(rig.hold("web"), "starting-watch");
    rig.watched();
    assert_eq!(rig.running(), ["web"]);
}

#[test]
fn old_images_are_pruned_when_nothing_runs_and_never_those_that_are_needed() {
    let mut rig = Rig::with(vec![deploying("web", vec![image("app", &[])])]);
    let prunes = |rig: &Rig| {
        let orders = rig.effects.iter().filter_map(|effect| match effect {
            Effect::Prune(order) => Some(order.keep.len()),
            _ => None,
        });
        orders.collect::<Vec<_>>()
    };
    rig.makes("web", "app", "1");
    assert_eq!(prunes(&rig), [0; 0]);
    rig.done("web");
    assert_eq!(prunes(&rig), [2]);
    rig.save_image("app");
    rig.makes("web", "app", "2");
    rig.done("web");
    assert_eq!(prunes(&rig), [2]);
    let before = rig.now;
    rig.wait_until_woken();
    assert_eq!(prunes(&rig), [2, 2]);
    assert!(rig.now.since(before) > Duration::from_secs(3000));
}

#[test]
fn an_image_that_was_only_a_base_is_pushed_once_somebody_deploys_it() {
    let mut rig = Rig::new(Mode::Up);
    let mut declared = project(vec![
        deploying("a", vec![image("base", &[]), image("a", &["base"])]),
        deploying("b", vec![image("base", &[])]),
        deploying("c", vec![image("base", &[])]),
    ]);
    declared.settings.default_registry = Some(crate::model::registry::Registry {
        host: "localhost:5000".to_owned(),
        ..Default::default()
    });
    rig.evaluated(MAIN, Ok(declared));
    let goes = |rig: &Rig, resource: &str| {
        let steps = rig.steps(resource);
        steps
            .iter()
            .map(|step| format!("{:?}", step.destination.delivery))
            .collect::<Vec<_>>()
    };
    assert_eq!(goes(&rig, "a"), ["Stay", "Push"]);
    rig.makes("a", "base", "1");
    assert_eq!(
        (goes(&rig, "b"), rig.plan("b")),
        (vec!["Push".to_owned()], vec!["base: builds, Inputs".to_owned()])
    );
    rig.makes("b", "base", "1");
    assert_eq!(rig.plan("c"), ["base: has img:tilt-1"]);
    rig.makes("a", "a", "2");
    rig.done("a");
    rig.done("b");
    assert_eq!(rig.running(), ["c"]);
}
