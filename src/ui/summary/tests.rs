//! Cases of `testdata/ci-report/`, and that the XML is XML whatever stands in it.

use expect_test::expect_file;

use super::*;
use crate::engine::action::Readiness;
use crate::ui::scene::*;
use crate::ui::view::Tails;

fn failed() -> State {
    let scene = Scene::new()
        .job("build", |it| updated(it, 2_500, None))
        .server("api", |it| served(it, up(2000), Readiness::Ready, Some(at(2750))))
        .server("crashed", |it| served(it, exited(3), Readiness::NotReady, None))
        .job("lint", |it| {
            updated(it, 300, Some("Command \"make lint\" failed: exit status 1"))
        })
        .job("e2e", |it| {
            depends(it, &["api"]);
            it.hold = Some(Hold::WaitingForDeps { on: names(&["api"]) });
        })
        .job("slow", |it| running(it, 30_000, vec![Cause::Initial]))
        .job("by-hand", |it| {
            it.trigger_mode = project::TriggerMode::Manual;
            it.hold = Some(Hold::ManualInit);
        })
        .job("off", |it| it.enabled = false)
        .session(|it| it.outcome = Some(Outcome::Failure("Command failed".to_owned())));
    scene.0
}

fn tails() -> Tails {
    let lines = ["src/a.rs:1: \u{1b}[31merror\u{1b}[0m: a < b && c", "]]> done"];
    Tails::from([("lint".into(), lines.map(str::to_owned).to_vec())])
}

#[test]
fn the_json_says_what_ran_and_what_failed() {
    let shown = json(&failed(), now()).expect("JSON");
    expect_file!["../../../testdata/ci-report/failed/out.json"].assert_eq(&shown);
}

#[test]
fn the_xml_has_a_case_for_each_target() {
    let shown = junit::xml(&failed(), now(), &tails());
    check_xml(&shown);
    expect_file!["../../../testdata/ci-report/failed/out.xml"].assert_eq(&shown);
}

#[test]
fn a_session_that_was_interrupted_says_so() {
    let scene = Scene::new().job("slow", |it| running(it, 30_000, vec![Cause::Initial]));
    assert_eq!(report(&scene.0, now()).outcome, "interrupted");
    let shown = junit::xml(&scene.0, now(), &Tails::new());
    assert!(shown.contains("interrupted before it came to an end"), "{shown}");
    assert!(shown.contains("still running at the end"), "{shown}");
}

#[test]
fn a_timeout_is_the_failure_of_the_session() {
    let scene = Scene::new()
        .job("slow", |it| running(it, 30_000, vec![Cause::Initial]))
        .session(|it| it.outcome = Some(Outcome::Failure("Timeout after 30s".to_owned())));
    let shown = junit::xml(&scene.0, now(), &Tails::new());
    check_xml(&shown);
    assert!(shown.contains("<failure message=\"Timeout after 30s\">"), "{shown}");
    assert!(shown.contains("failures=\"1\""), "{shown}");
}

#[test]
fn a_success_has_no_failure() {
    let scene = Scene::new()
        .job("build", |it| updated(it, 2_500, None))
        .session(|it| it.outcome = Some(Outcome::Success));
    let shown = junit::xml(&scene.0, now(), &Tails::new());
    check_xml(&shown);
    assert!(
        shown.contains("failures=\"0\"") && !shown.contains("<failure"),
        "{shown}"
    );
}

#[test]
fn no_name_and_no_message_breaks_the_xml() {
    let hostile = "a\"b'<c>&d]]>\u{0}\u{1}\u{8}\u{1b}[2J\u{7f}\u{85}\u{fffe}\u{ffff}\r\n\té𝒳-->";
    let scene = Scene::new()
        .job(hostile, |it| updated(it, 10, Some(hostile)))
        .session(|it| it.fatal = Some(hostile.to_owned()));
    let tails = Tails::from([(hostile.into(), vec![hostile.to_owned(), "\u{1b}[".to_owned()])]);
    check_xml(&junit::xml(&scene.0, now(), &tails));
    json(&scene.0, now()).expect("JSON");
}

/// Well-formed as far as it matters here: allowed characters, known entities, quoted attributes, elements that close.
fn check_xml(text: &str) {
    let is_allowed = |c: char| matches!(c, '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(
        text.chars().all(is_allowed),
        "a character that XML does not know:\n{text}"
    );
    let body = text
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        .expect("a declaration");
    let mut open: Vec<&str> = Vec::new();
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a name");
        check_attributes(tag[name.len()..].trim_end_matches('/'));
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

fn check_attributes(text: &str) {
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        assert!(
            name.starts_with(' ') && name[1..].chars().all(|c| c.is_ascii_alphabetic()),
            "{name:?}"
        );
        let (value, after) = after.split_once('"').expect("a quote closes");
        assert!(!value.contains(['<', '\n', '\t']), "{value:?}");
        check_text(value);
        rest = after;
    }
    assert!(rest.is_empty(), "{rest:?}");
}

fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let (entity, _) = text[at + 1..].split_once(';').expect("an entity ends");
        assert!(["amp", "lt", "gt", "quot", "#10", "#9"].contains(&entity), "{entity:?}");
    }
    assert!(!text.contains("]]>"), "{text:?}");
}
