//! The session in which BuildKit asks for folders, secrets and keys: what it gets, and what it does not get twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tilt::model::solve::Progress;
use tilt::world::docker::Engine;
use tilt::world::docker::session::{Offer, SecretSource, Session, Source, Texts};
use tilt::world::docker::solve::{Solve, SolveError};

use super::support::Name;
use crate::support::engine::{BASE, base, docker_ok, environment, is_skipped, with_engine};

fn texts(files: &[(&str, &str)]) -> Arc<dyn Source> {
    Arc::new(Texts::new(
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
    ))
}

fn offer(key: &str, dockerfile: &str, context: &[(&str, &str)]) -> Offer {
    Offer {
        shared_key: key.to_owned(),
        folders: BTreeMap::from([
            ("dockerfile", texts(&[("Dockerfile", dockerfile)])),
            ("context", texts(context)),
        ]),
        secrets: BTreeMap::new(),
        agents: Default::default(),
        env: Arc::new(environment()),
    }
}

async fn build(engine: &Engine, name: &str, offer: Offer) -> (Result<String, SolveError>, (u64, u64), Vec<Progress>) {
    let session = Session::open(engine, offer).await.unwrap();
    let solve = Solve {
        options: HashMap::from([("filename".to_owned(), "Dockerfile".to_owned())]),
        names: vec![name.to_owned()],
        ..Solve::default()
    };
    let mut news = Vec::new();
    let solved = engine.solve(&solve, &session, &mut |item| news.push(item)).await;
    (solved.map(|solved| solved.image), session.sent(), news)
}

#[test]
fn a_second_build_sends_only_the_file_that_changed() {
    if is_skipped("a_second_build_sends_only_the_file_that_changed") {
        return;
    }
    base();
    let image = Name::new("session-diff");
    let name = &format!("{}:1", image.as_str());
    let dockerfile = format!("FROM {BASE}\nCOPY . /srv\n");
    let key = uuid::Uuid::new_v4().to_string();
    with_engine(async |engine| {
        let (first, sent, news) = build(&engine, name, offer(&key, &dockerfile, &[("a", "one"), ("b", "two")])).await;
        let first = first.unwrap();
        // The Dockerfile is a file of its own folder.
        assert_eq!(sent.0, 3, "two files and the Dockerfile");
        assert!(
            news.iter()
                .any(|item| item.steps.iter().any(|step| step.name.contains("COPY . /srv")))
        );
        let (second, sent, _) = build(&engine, name, offer(&key, &dockerfile, &[("a", "one"), ("b", "three")])).await;
        assert_ne!(first, second.unwrap());
        assert_eq!(sent, (1, 5), "only `b`, with its five bytes");
    });
    assert_eq!(
        docker_ok(&["run", "--rm", name, "/bin/cat", "/srv/a", "/srv/b"]),
        "onethree"
    );
}

#[test]
fn a_secret_reaches_the_step_that_asks_for_it_and_no_layer() {
    if is_skipped("a_secret_reaches_the_step_that_asks_for_it_and_no_layer") {
        return;
    }
    base();
    let image = Name::new("session-secret");
    let name = &format!("{}:1", image.as_str());
    let dockerfile = format!(
        "FROM {BASE}\nRUN --mount=type=secret,id=pass test \"$(cat /run/secrets/pass)\" = sesame && echo ok >/ok\n"
    );
    let mut offer = offer("secret", &dockerfile, &[]);
    offer
        .secrets
        .insert("pass".to_owned(), SecretSource::Value("sesame".to_owned()));
    with_engine(async |engine| {
        build(&engine, name, offer).await.0.unwrap();
    });
    assert_eq!(docker_ok(&["run", "--rm", name, "/bin/ls", "/run/secrets"]), "");
}

#[test]
fn a_build_that_fails_tells_the_step_and_what_it_printed() {
    if is_skipped("a_build_that_fails_tells_the_step_and_what_it_printed") {
        return;
    }
    base();
    let dockerfile = format!("FROM {BASE}\n\nRUN echo so far && false\n");
    with_engine(async |engine| {
        let (outcome, _, news) = build(&engine, "tilt-test/never:1", offer("fails", &dockerfile, &[])).await;
        let Err(SolveError::Failed(failure)) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(failure.message.contains("exit code: 1"), "{failure:?}");
        // Engines from 23.0 on tell the line as well.
        let failed = news
            .iter()
            .flat_map(|item| &item.steps)
            .find(|step| !step.error.is_empty());
        assert_eq!(
            failed.map(|step| step.name.as_str()),
            Some("[2/2] RUN echo so far && false")
        );
        let printed: Vec<u8> = news
            .iter()
            .flat_map(|item| &item.output)
            .flat_map(|output| output.bytes.clone())
            .collect();
        assert_eq!(String::from_utf8_lossy(&printed), "so far\n");
    });
}
