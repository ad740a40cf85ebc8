//! Writes the reports of `tilt ci` where they were asked for.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::engine::ci::{self, TargetState};
use crate::engine::logs::query::Query;
use crate::engine::logs::{LogError, Logs};
use crate::engine::state::State;
use crate::model::time::Time;
use crate::ui::summary::{json, junit};
use crate::ui::view::Tails;
use crate::world::files::FileError;
use crate::world::replace::replace;

/// How many log lines of what failed are in the XML.
const LOG_LINES: usize = 50;

/// Where to write which; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub json: Option<PathBuf>,
    pub junit: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub enum ReportError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the log lines for the report cannot be read")]
    Logs(#[from] LogError),
    #[error("the report has no form in JSON")]
    Json(#[from] serde_json::Error),
}

/// Reads the logs, so it has to be called before they are closed. One report that fails does not keep the other back.
pub fn save(state: &State, now: Time, logs: &Logs, wanted: &Wanted) -> Result<(), ReportError> {
    let first = match &wanted.json {
        Some(path) => save_json(state, now, path),
        None => Ok(()),
    };
    let second = match &wanted.junit {
        Some(path) => save_junit(state, now, logs, path),
        None => Ok(()),
    };
    first.and(second)
}

fn save_json(state: &State, now: Time, path: &Path) -> Result<(), ReportError> {
    Ok(replace(path, json(state, now)?.as_bytes())?)
}

fn save_junit(state: &State, now: Time, logs: &Logs, path: &Path) -> Result<(), ReportError> {
    let tails = tails(state, logs)?;
    Ok(replace(path, junit::xml(state, now, &tails).as_bytes())?)
}

fn tails(state: &State, logs: &Logs) -> Result<Tails, LogError> {
    let targets = ci::targets(state);
    let failed = targets
        .into_iter()
        .filter(|target| matches!(&target.state, TargetState::Terminated { error: Some(_), .. }));
    let tail = |target: ci::Target| {
        let query = Query {
            resources: vec![target.resource.to_string()],
            tail: Some(LOG_LINES),
            ..Query::default()
        };
        let lines = logs.find(&query)?.lines;
        Ok((target.resource, lines.into_iter().map(|line| line.text).collect()))
    };
    failed.map(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::logs::Config;
    use crate::ui::scene::{Scene, now, updated};

    #[tokio::test]
    async fn both_reports_are_written_with_the_logs_of_what_failed() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = Logs::open(Config::below(folder.path().join("logs"))).expect("logs");
        logs.span("build:1", "lint").error("a.rs:1: unused");
        logs.span("build:2", "fine").info("all is well");
        logs.flush().await;
        let scene = Scene::new()
            .job("lint", |it| updated(it, 300, Some("exit status 1")))
            .job("fine", |it| updated(it, 300, None));
        let wanted = Wanted {
            json: Some(folder.path().join("report.json")),
            junit: Some(folder.path().join("report.xml")),
        };
        save(&scene.0, now(), &logs, &wanted).expect("saved");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("written");
        assert!(
            read("report.xml").contains(">a.rs:1: unused</failure>"),
            "{}",
            read("report.xml")
        );
        assert!(!read("report.xml").contains("all is well"));
        assert!(read("report.json").contains("\"error\": \"exit status 1\""));
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_keeps_only_that_report_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = Logs::open(Config::below(folder.path().join("logs"))).expect("logs");
        let wanted = Wanted {
            json: Some(folder.path().join("no/report.json")),
            junit: Some(folder.path().join("report.xml")),
        };
        save(&Scene::new().0, now(), &logs, &wanted).expect_err("no such folder");
        assert!(folder.path().join("report.xml").exists());
    }
}
