//! Queries: what each filter finds, and how far back.

use super::super::query::{Search, Source};
use super::*;

async fn sample() -> Bench {
    let it = bench();
    let build = it.logs.span("build:1", "web");
    build.line(Level::Info, "Initial Build", Fields::of_event(BuildEvent::Init));
    build.info("STEP 1/1");
    it.logs.span("pod:web:p", "web").info("Serving");
    it.logs.span("cmd:lint:update", "lint").info("linting");
    it.logs.span("localserve:1", "api").warn("slow query");
    it.logs.span("localserve:1", "api").error("crashed");
    it.logs.span("tiltfile:(Tiltfile):1", "(Tiltfile)").info("Loading");
    it.logs.span("", "").info("Tilt started");
    it
}

#[tokio::test]
async fn each_filter_of_a_query_filters() {
    let it = sample().await;
    let all = [
        "Initial Build",
        "STEP 1/1",
        "Serving",
        "linting",
        "slow query",
        "crashed",
        "Loading",
        "Tilt started",
    ];
    assert_eq!(it.found(Query::default()).await, all);
    let none = Query::default;
    let resources = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let table: [(Query, &[&str]); 9] = [
        (
            Query {
                resources: resources(&["web"]),
                ..none()
            },
            &["Initial Build", "STEP 1/1", "Serving"],
        ),
        (
            Query {
                resources: resources(&["(Tiltfile)", "lint"]),
                ..none()
            },
            &["linting", "Loading"],
        ),
        (
            Query {
                level: Some(Level::Warn),
                ..none()
            },
            &["Initial Build", "slow query"],
        ),
        (
            Query {
                level: Some(Level::Error),
                resources: resources(&["api"]),
                ..none()
            },
            &["crashed"],
        ),
        (
            Query {
                source: Source::Build,
                ..none()
            },
            &["Initial Build", "STEP 1/1", "linting", "Loading"],
        ),
        (
            Query {
                source: Source::Runtime,
                ..none()
            },
            &["Initial Build", "Serving", "slow query", "crashed", "Tilt started"],
        ),
        (
            Query {
                tail: Some(2),
                ..none()
            },
            &["Loading", "Tilt started"],
        ),
        (
            Query {
                tail: Some(0),
                ..none()
            },
            &[],
        ),
        (
            Query {
                tail: Some(1),
                source: Source::Build,
                level: None,
                resources: resources(&["lint"]),
                ..none()
            },
            &["linting"],
        ),
    ];
    for (query, expected) in table {
        assert_eq!(it.found(query.clone()).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn text_and_expressions_are_found_in_any_case() {
    let it = sample().await;
    let search = |text: &str| Query {
        search: Some(Search::parse(text).unwrap()),
        ..Query::default()
    };
    assert_eq!(it.found(search("SERVING")).await, ["Serving"]);
    assert_eq!(it.found(search("1/1")).await, ["STEP 1/1"]);
    assert_eq!(it.found(search("/^l.*ING$/")).await, ["linting", "Loading"]);
    assert_eq!(
        Search::parse("/(/").unwrap_err().to_string(),
        "`/(/` is not a regular expression: unclosed group"
    );
}

#[tokio::test]
async fn since_leaves_out_what_is_older() {
    let it = bench_with(|config| config.most = 256 << 10);
    let a = it.logs.span("a", "");
    for _ in 0..3000 {
        a.info("an old line, of which there are many");
    }
    it.logs.flush().await;
    let since = writer::now().plus(1);
    while writer::now() <= since {
        tokio::task::yield_now().await;
    }
    a.info("new");
    let query = Query {
        since: Some(since),
        ..Query::default()
    };
    assert_eq!(it.found(query).await, ["new"]);
}

#[tokio::test]
async fn the_last_lines_are_found_far_back_too() {
    let it = bench();
    let (rare, often) = (it.logs.span("rare", "rare"), it.logs.span("often", "often"));
    rare.write(Level::Info, b"far back\n").await.unwrap();
    for _ in 0..200 {
        often
            .write(Level::Info, "some filling text\n".repeat(1000).as_bytes())
            .await
            .unwrap();
    }
    let query = |name: &str, tail| Query {
        resources: vec![name.to_owned()],
        tail: Some(tail),
        ..Query::default()
    };
    assert_eq!(it.found(query("rare", 3)).await, ["far back"]);
    assert_eq!(it.found(query("often", 3)).await.len(), 3);
}
