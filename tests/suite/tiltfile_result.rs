//! `tilt alpha tiltfile-result` gives what upstream gives, case by case.

use std::path::Path;

use crate::support::{copy_of, differences, stderr, stdout, testdata, tilt};

/// A run of one case: exit code, standard output as JSON where there is any, log.
struct Ran {
    exit: Option<i32>,
    result: Option<serde_json::Value>,
    log: String,
}

fn run(case: &Path) -> Ran {
    let dir = copy_of(case);
    let place = dir.path().canonicalize().unwrap().join("input");
    let output = tilt(&place).args(["alpha", "tiltfile-result", "-v"]).output().unwrap();
    let place = place.display().to_string();
    let text = stdout(&output).replace(&place, "$DIR");
    Ran {
        exit: output.status.code(),
        result: (!text.trim().is_empty()).then(|| without_times(serde_json::from_str(&text).unwrap())),
        log: without_duration(&stderr(&output).replace(&place, "$DIR")),
    }
}

fn without_times(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| match key.as_str() {
                "sinceTime" => (key, Value::from("$NOW")),
                _ => (key, without_times(value)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(without_times).collect(),
        other => other,
    }
}

/// Two streams of a command arrive in whatever order.
fn with_sorted_output(log: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = log.trim_end().lines().collect();
    lines
        .chunk_by_mut(|a, b| a.starts_with(" → ") && b.starts_with(" → "))
        .for_each(<[&str]>::sort_unstable);
    lines
}

fn without_duration(log: &str) -> String {
    let loaded = "Successfully loaded Tiltfile (";
    let lines = log.lines().map(|line| match line.starts_with(loaded) {
        true => format!("{loaded}TIME)\n"),
        false => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn every_case_gives_upstreams_result_and_log() {
    let mut wrong = Vec::new();
    let only = std::env::var("CASE").unwrap_or_default();
    let mut cases: Vec<_> = std::fs::read_dir(testdata("tiltfile-result"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    cases.sort();
    for case in cases.iter().filter(|case| case.to_string_lossy().contains(&only)) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let ran = run(case);
        let want = std::fs::read_to_string(case.join("want.json")).ok();
        let want: Option<serde_json::Value> = want.map(|text| serde_json::from_str(&text).unwrap());
        let want_exit = if want.is_some() { 0 } else { 5 };
        if ran.exit != Some(want_exit) {
            wrong.push(format!("{name}: exit {:?}, want {want_exit}", ran.exit));
        }
        match (&want, &ran.result) {
            (Some(want), Some(got)) => wrong.extend(differences(want, got).iter().map(|d| format!("{name}: {d}"))),
            (None, None) => {}
            (Some(_), None) => wrong.push(format!("{name}: no result")),
            (None, Some(_)) => wrong.push(format!("{name}: a result, want a failure")),
        }
        let want_log = std::fs::read_to_string(case.join("want.log")).unwrap();
        if with_sorted_output(&ran.log) != with_sorted_output(&want_log) {
            wrong.push(format!("{name}: log differs\n--- want\n{want_log}--- got\n{}", ran.log));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
