//! Pure. The report of `tilt ci` in the form that CI systems read: JUnit's XML, a test case for each target.

use crate::engine::ci::{self, Target, TargetKind, TargetState};
use crate::engine::state::{Outcome, State};
use crate::model::time::Time;
use crate::ui::text::{self, Keep};
use crate::ui::view::Tails;

/// What became of a target.
enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

struct Case {
    name: String,
    /// Of the resource; `tilt` for the session itself.
    class: String,
    started: Option<Time>,
    seconds: f64,
    verdict: Verdict,
    log: String,
}

/// `tails` are the last log lines of what failed.
pub fn xml(state: &State, now: Time, tails: &Tails) -> String {
    let targets = ci::targets(state);
    let mut cases: Vec<Case> = targets.iter().map(|target| case(target, now, tails)).collect();
    cases.extend(of_session(state, now, &cases));
    let count = |is_it: fn(&Verdict) -> bool| cases.iter().filter(|case| is_it(&case.verdict)).count();
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\"",
        cases.len(),
        count(|verdict| matches!(verdict, Verdict::Failed(_))),
        count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        seconds(now, state.session.started),
    );
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    out.push_str(&format!("<testsuites name=\"tilt ci\" {totals}>\n"));
    let timestamp = state.session.started.to_seconds_text();
    out.push_str(&format!(
        "  <testsuite name=\"tilt ci\" {totals} timestamp=\"{timestamp}\">\n"
    ));
    cases.iter().for_each(|case| out.push_str(&element(case)));
    out + "  </testsuite>\n</testsuites>\n"
}

fn seconds(to: Time, from: Time) -> f64 {
    to.since(from).as_millis() as f64 / 1000.0
}

fn case(target: &Target, now: Time, tails: &Tails) -> Case {
    let (started, seconds) = match &target.state {
        TargetState::Active { started, .. } => (Some(*started), seconds(now, *started)),
        TargetState::Terminated { started, finished, .. } => (Some(*started), seconds(*finished, *started)),
        _ => (None, 0.0),
    };
    let verdict = verdict(target);
    let log = match verdict {
        Verdict::Failed(_) => tails.get(&target.resource).map(|lines| lines.join("\n")),
        _ => None,
    };
    Case {
        name: target.name.clone(),
        class: target.resource.to_string(),
        started,
        seconds,
        verdict,
        log: log.unwrap_or_default(),
    }
}

fn verdict(target: &Target) -> Verdict {
    match (&target.state, target.kind) {
        (TargetState::Unknown, _) => Verdict::Skipped("it does not start by itself".to_owned()),
        (TargetState::Disabled, _) => Verdict::Skipped("disabled".to_owned()),
        (TargetState::Waiting { reason }, _) => Verdict::Skipped(format!("still waiting at the end: {reason}")),
        (TargetState::Active { ready: true, .. }, TargetKind::Server) => Verdict::Passed,
        (TargetState::Active { .. }, TargetKind::Server) => Verdict::Skipped("not ready at the end".to_owned()),
        (TargetState::Active { .. }, TargetKind::Job) => Verdict::Skipped("still running at the end".to_owned()),
        (TargetState::Terminated { error: Some(error), .. }, _) => Verdict::Failed(error.clone()),
        (TargetState::Terminated { error: None, .. }, _) => Verdict::Passed,
    }
}

/// A session can fail, or be interrupted, without any target that did: then the failure is its own.
fn of_session(state: &State, now: Time, cases: &[Case]) -> Option<Case> {
    let has_failed = cases.iter().any(|case| matches!(case.verdict, Verdict::Failed(_)));
    let error = match (&state.session.outcome, &state.session.fatal) {
        (_, Some(fatal)) => fatal.clone(),
        (Some(Outcome::Failure(error)), None) if !has_failed => error.clone(),
        (None, None) => "interrupted before it came to an end".to_owned(),
        _ => return None,
    };
    Some(Case {
        name: "session".to_owned(),
        class: "tilt".to_owned(),
        started: Some(state.session.started),
        seconds: seconds(now, state.session.started),
        verdict: Verdict::Failed(error),
        log: String::new(),
    })
}

fn element(case: &Case) -> String {
    let (name, class) = (attribute(&case.name), attribute(&case.class));
    let started = case.started.map(Time::to_seconds_text);
    let timestamp = started.map_or_else(String::new, |at| format!(" timestamp=\"{at}\""));
    let head = format!(
        "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{}\"{timestamp}",
        case.seconds
    );
    match &case.verdict {
        Verdict::Passed => format!("{head}/>\n"),
        Verdict::Skipped(why) => {
            let why = attribute(why);
            format!("{head}>\n      <skipped message=\"{why}\"/>\n    </testcase>\n")
        }
        Verdict::Failed(error) => {
            let (message, body) = (attribute(error), content(&case.log));
            format!("{head}>\n      <failure message=\"{message}\">{body}</failure>\n    </testcase>\n")
        }
    }
}

/// Between quotes, where line breaks would be taken for blanks.
fn attribute(value: &str) -> String {
    content(value)
        .replace('"', "&quot;")
        .replace('\n', "&#10;")
        .replace('\t', "&#9;")
}

/// Text without escape sequences. What no XML may hold, however it is written, becomes the replacement character.
fn content(value: &str) -> String {
    let lines: Vec<String> = value
        .split('\n')
        .map(|line| text::printable(line, Keep::Nothing))
        .collect();
    let mut out = String::with_capacity(value.len());
    for c in lines.join("\n").chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
