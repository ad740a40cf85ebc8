//! Which images are built, in which order, and what a failure leaves out.

use proptest::prelude::*;

use super::*;
use crate::model::build::{DockerRecipe, Recipe};
use crate::model::image::Selector;
use crate::model::live::LiveUpdate;

/// `web < base tools`: an image and what it is made from.
fn images(lines: &[&str]) -> Vec<ImageTarget> {
    lines.iter().map(|line| image(line)).collect()
}

fn image(line: &str) -> ImageTarget {
    let (name, bases) = line.split_once('<').unwrap_or((line, ""));
    let selector = |name: &str| Selector::parse(name.trim()).unwrap();
    let map = |name: &str| ImageTarget {
        image_deps: Vec::new(),
        ..bare(selector(name))
    };
    ImageTarget {
        image_deps: bases.split_whitespace().map(|base| map(base).image_map()).collect(),
        ..bare(selector(name))
    }
}

fn bare(selector: Selector) -> ImageTarget {
    ImageTarget {
        selector,
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Docker(Box::<DockerRecipe>::default()),
        image_deps: Vec::new(),
        watch_ignores: Vec::new(),
    }
}

fn plan(lines: &[&str], wanted: &[&str]) -> Result<Plan, GraphError> {
    let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
    Plan::new(images(lines), &wanted)
}

fn names(plan: &Plan, places: &[usize]) -> Vec<String> {
    places.iter().map(|place| plan.images()[*place].name.clone()).collect()
}

fn ready(plan: &Plan) -> String {
    names(plan, &plan.ready()).join(" ")
}

fn place(plan: &Plan, name: &str) -> usize {
    plan.images().iter().position(|it| it.name == name).unwrap()
}

fn succeed(plan: &mut Plan, name: &str) {
    let place = place(plan, name);
    plan.start(place);
    plan.succeed(place);
}

#[test]
fn named_images_come_with_their_bases_and_nothing_else() {
    let all = [
        "other",
        "base",
        "tools < base",
        "gcr.io/x/web < tools",
        "api:dev < base",
    ];
    for (wanted, expected) in [
        (&[][..], "other base tools gcr.io/x/web api:dev"),
        (&["gcr.io/x/web"], "(base) (tools) gcr.io/x/web"),
        (&["gcr.io/x/web:latest"], "(base) (tools) gcr.io/x/web"),
        (&["docker.io/library/base"], "base"),
        (&["api:dev", "base"], "base api:dev"),
        (&["tools", "tools"], "(base) tools"),
    ] {
        let plan = plan(&all, wanted).unwrap();
        let shown = plan.images().iter().map(|it| match it.role {
            Role::Wanted => it.name.clone(),
            Role::Base => format!("({})", it.name),
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{wanted:?}");
    }
}

#[test]
fn unknown_names_are_told_with_what_was_probably_meant() {
    let all = ["gcr.io/x/web", "base", "api:dev"];
    for (wanted, expected) in [
        ("bass", "no image `bass` (did you mean base?)"),
        ("web", "no image `web` (did you mean gcr.io/x/web?)"),
        ("gcr.io/x/weeb", "no image `gcr.io/x/weeb` (did you mean gcr.io/x/web?)"),
        (
            "zz",
            "no image `zz`; the Tiltfile builds gcr.io/x/web, base and api:dev",
        ),
        ("api:prod", "no image `api:prod` (did you mean api:dev?)"),
    ] {
        let error = plan(&all, &[wanted]).unwrap_err().to_string();
        assert_eq!(error, expected);
    }
    let none = plan(&[], &["web"]).unwrap_err().to_string();
    assert_eq!(none, "no image `web`; the Tiltfile builds none");
    assert!(plan(&[], &[]).unwrap().is_over());
}

#[test]
fn a_circle_is_named() {
    let error = plan(&["top < a", "a < b", "b < c", "c < a", "free"], &[]).unwrap_err();
    assert_eq!(error.to_string(), "images are made from one another: a -> b -> c -> a");
    let own = plan(&["a < a"], &[]).unwrap_err();
    assert_eq!(own.to_string(), "images are made from one another: a -> a");
    assert!(
        plan(&["a < b", "b < a", "free"], &["free"]).is_ok(),
        "nobody asked for them"
    );
    let lost = plan(&["a < nobody"], &[]).unwrap_err();
    assert_eq!(
        lost.to_string(),
        "image `a` is made from `nobody`, which nothing builds"
    );
}

#[test]
fn what_only_live_updates_reach_is_not_built() {
    let mut all = images(&["web", "mounted"]);
    all[1].recipe = Recipe::Custom(crate::model::build::CustomRecipe::live_update_only(Vec::new()));
    let plan = Plan::new(all.clone(), &[]).unwrap();
    assert_eq!(ready(&plan), "web");
    let error = Plan::new(all, &["mounted".to_owned()]).unwrap_err();
    assert_eq!(error, GraphError::NeverBuilt("mounted".to_owned()));
}

#[test]
fn bases_come_first_and_each_is_ready_once() {
    let mut plan = plan(&["web < tools base", "base", "tools < base", "docs"], &[]).unwrap();
    assert_eq!(ready(&plan), "base docs");
    plan.start(place(&plan, "base"));
    assert_eq!(ready(&plan), "docs");
    succeed(&mut plan, "docs");
    plan.succeed(place(&plan, "base"));
    assert_eq!(ready(&plan), "tools");
    succeed(&mut plan, "tools");
    assert_eq!(ready(&plan), "web");
    assert!(!plan.is_over());
    succeed(&mut plan, "web");
    assert!(plan.is_over());
    assert_eq!(ready(&plan), "");
}

#[test]
fn a_failure_leaves_out_only_what_needs_it() {
    let mut plan = plan(&["web < tools", "base", "tools < base", "api < base", "docs"], &[]).unwrap();
    succeed(&mut plan, "base");
    let tools = place(&plan, "tools");
    plan.start(tools);
    let left_out = plan.fail(tools);
    let web = place(&plan, "web");
    assert_eq!(
        left_out,
        [LeftOut {
            image: web,
            because: tools
        }]
    );
    assert_eq!(ready(&plan), "api docs");
    assert_eq!(plan.fail(tools), [], "told once");
    plan.succeed(tools);
    assert_eq!(ready(&plan), "api docs", "failed stays failed");
}

proptest! {
    /// Images of which each may be made from earlier ones, some of which fail: whatever the order in which builds end,
    /// everything comes to an end, nothing begins before its bases, and exactly what stands on a failed one is left out.
    #[test]
    fn every_plan_comes_to_its_right_end(
        edges in proptest::collection::vec(proptest::collection::vec(any::<proptest::sample::Index>(), 0..3), 1..20),
        failing in proptest::collection::vec(any::<bool>(), 20),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 40),
    ) {
        let lines: Vec<String> = edges.iter().enumerate().map(|(nth, bases)| {
            let bases = bases.iter().filter(|_| nth > 0).map(|base| format!("i{}", base.index(nth)));
            format!("i{nth} < {}", bases.collect::<Vec<_>>().join(" "))
        }).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut plan = plan(&lines, &[]).unwrap();
        let (mut done, mut failed, mut lost) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut running: Vec<usize> = Vec::new();
        let mut picks = picks.iter().cycle();
        while !plan.is_over() {
            for image in plan.ready() {
                prop_assert!(plan.bases(image).iter().all(|base| done.contains(base)));
                plan.start(image);
                running.push(image);
            }
            prop_assert!(!running.is_empty(), "it hangs");
            let image = running.remove(picks.next().unwrap().index(running.len()));
            if failing[image] {
                failed.insert(image);
                lost.extend(plan.fail(image).into_iter().map(|it| it.image));
            } else {
                done.insert(image);
                plan.succeed(image);
            }
        }
        let is_lost = |image: usize| plan.bases(image).iter().any(|base| failed.contains(base) || lost.contains(base));
        for image in 0..plan.images().len() {
            prop_assert_eq!(lost.contains(&image), is_lost(image));
            let ends = [&done, &failed, &lost].iter().filter(|set| set.contains(&image)).count();
            prop_assert_eq!(ends, 1);
        }
    }
}
