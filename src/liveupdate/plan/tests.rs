//! Where changed files go, what runs, and what only a build brings in.

use super::*;
use crate::model::command::Echo;
use crate::model::live::{Exec, Sync};

fn rules(syncs: &[(&str, &str)]) -> LiveUpdate {
    LiveUpdate {
        base: "/p".into(),
        syncs: syncs
            .iter()
            .map(|(local, container)| Sync {
                local: (*local).to_owned(),
                container: (*container).to_owned(),
                ..Sync::default()
            })
            .collect(),
        ..LiveUpdate::default()
    }
}

fn exec(word: &str, triggers: &[&str], echo: Echo) -> Exec {
    Exec {
        argv: vec![word.to_owned()],
        triggers: triggers.iter().map(|trigger| (*trigger).to_owned()).collect(),
        echo,
    }
}

fn files(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

fn go(rules: &LiveUpdate, names: &[&str]) -> Plan {
    match plan(rules, &files(names)) {
        Verdict::Go(plan) => plan,
        other => panic!("{other:?}"),
    }
}

fn said(rules: &LiveUpdate, names: &[&str]) -> String {
    match plan(rules, &files(names)) {
        Verdict::Stop(stop) => stop.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_sync_that_has_a_file_decides_where_it_goes() {
    let rules = rules(&[
        ("web/static", "/srv/static"),
        ("web", "/app"),
        ("conf.json", "/etc/app/"),
    ]);
    let plan = go(
        &rules,
        &[
            "/p/web/static/a.css",
            "/p/web/main.js",
            "/p/conf.json",
            "/p/web/main.js",
        ],
    );
    let places: Vec<(&str, &str)> = plan
        .copies
        .iter()
        .map(|copied| (copied.root.as_str(), copied.below.to_str().unwrap()))
        .collect();
    assert_eq!(
        places,
        [("/etc/app/", ""), ("/app", "main.js"), ("/srv/static", "a.css")]
    );
}

#[test]
fn a_name_that_only_begins_alike_is_not_below() {
    let rules = rules(&[("web", "/app")]);
    assert!(matches!(
        plan(&rules, &files(&["/p/website/a"])),
        Verdict::Stop(Stop::Unmatched { .. })
    ));
}

#[test]
fn one_file_that_no_sync_has_stops_the_whole_update_and_names_what_came_nearest() {
    let rules = rules(&[("lib", "/lib"), ("src/web", "/app")]);
    assert_eq!(
        said(&rules, &["/p/src/a.go", "/p/src/web/x"]),
        "Found file(s) not matching any sync (files: /p/src/a.go); the nearest is sync('/p/src/web', '/app')"
    );
}

#[test]
fn many_unmatched_files_are_counted() {
    let names: Vec<String> = (0..12).map(|n| format!("/q/{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(said(&rules(&[("a", "/a")]), &names).contains("/q/09 … and 2 more)"));
}

#[test]
fn a_stop_file_stops_before_anything_else_is_looked_at() {
    let mut rules = rules(&[(".", "/app")]);
    rules.stop_paths = vec!["package.json".to_owned(), "db".to_owned()];
    assert_eq!(
        said(&rules, &["/p/a.js", "/p/package.json"]),
        "Detected change to stop file \"/p/package.json\""
    );
    assert_eq!(
        said(&rules, &["/p/db/schema/1.sql"]),
        "Detected change to stop file \"/p/db/schema/1.sql\""
    );
}

#[test]
fn a_command_runs_always_or_when_what_triggers_it_has_changed() {
    let mut rules = rules(&[(".", "/app")]);
    rules.execs = vec![
        exec("always", &[], Echo::On),
        exec("deps", &["go.mod", "go.sum"], Echo::Off),
        exec("below", &["/p/proto"], Echo::On),
    ];
    let words =
        |names: &[&str]| -> Vec<String> { go(&rules, names).runs.iter().map(|run| run.argv[0].clone()).collect() };
    assert_eq!(words(&["/p/main.go"]), ["always"]);
    assert_eq!(words(&["/p/go.sum"]), ["always", "deps"]);
    assert_eq!(words(&["/p/proto/a/b.proto"]), ["always", "below"]);
    assert!(!go(&rules, &["/p/go.mod"]).runs[1].is_shown);
}

#[test]
fn a_restart_waits_for_what_triggers_it() {
    let mut rules = rules(&[(".", "/app")]);
    rules.restart = Restart::Always;
    rules.restart_triggers = vec!["bin".to_owned()];
    assert_eq!(go(&rules, &["/p/page.html"]).restart, Restart::Never);
    assert_eq!(go(&rules, &["/p/bin/app"]).restart, Restart::Always);
}

#[test]
fn nothing_changed_is_nothing_to_do() {
    assert_eq!(plan(&rules(&[("a", "/a")]), &[]), Verdict::Nothing);
}

#[test]
fn plans_of_a_base_and_of_its_child_are_joined() {
    let mut base = rules(&[("base", "/base")]);
    base.execs = vec![exec("make", &[], Echo::On)];
    let mut child = rules(&[("web", "/app")]);
    child.execs = vec![exec("make", &[], Echo::On), exec("test", &[], Echo::On)];
    child.restart = Restart::Always;
    let plan = go(&base, &["/p/base/a"]).join(go(&child, &["/p/web/b"]));
    assert_eq!(plan.copies.len(), 2);
    assert_eq!(plan.runs.len(), 2);
    assert_eq!(plan.restart, Restart::Always);
}
