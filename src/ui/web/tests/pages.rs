//! The status page.

use super::http::get;
use super::*;

#[tokio::test]
async fn the_page_hands_out_the_token_where_scripts_cannot_read_it() {
    let engine = engine(state());
    let running = served(&engine, &Lines::default()).await;
    for path in ["/", "/r/a/overview?level=warn", "/snapshot/local/x"] {
        let got = get(running.address(), path).with("X-Tilt-Token", "").send().await;
        assert_eq!(got.code, 200);
        let cookie = format!("Tilt-Token={TOKEN}; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(got.header("set-cookie"), Some(cookie.as_str()));
        assert_eq!(got.header("cache-control"), Some("no-store"));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(got.header("x-frame-options"), Some("DENY"));
        assert!(!got.body.contains(TOKEN));
    }
}

#[tokio::test]
async fn only_scripts_and_styles_of_this_answer_run() {
    let engine = engine(state());
    let running = served(&engine, &Lines::default()).await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let got = get(running.address(), "/").send().await;
        let policy = got.header("content-security-policy").unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
        let nonce = rest.split('\'').next().unwrap().to_owned();
        assert_eq!(got.body.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
        assert!(!got.body.contains("%NONCE%"));
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_builds_no_markup_from_text() {
    let engine = engine(state());
    let running = served(&engine, &Lines::default()).await;
    let page = get(running.address(), "/").send().await.body;
    for foreign in [
        "http://",
        "https://",
        "//cdn",
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "eval(",
        "onclick=\"",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for (path, kind) in [
        ("/favicon.ico", "image/svg+xml"),
        ("/manifest.json", "application/manifest+json"),
    ] {
        let got = get(running.address(), path).send().await;
        assert_eq!(got.header("content-type"), Some(kind));
        assert_eq!(got.header("cache-control"), Some("public, max-age=31536000"));
    }
}
