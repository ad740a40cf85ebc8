//! Links and URLs: parts, printed form, and what is refused.

use super::*;
use proptest::prelude::*;

fn parts(text: &str) -> String {
    match Link::parse(text, "") {
        Ok(Link { url, .. }) => {
            let user = url.user.as_ref().map(User::to_string).unwrap_or_default();
            format!(
                "{}|{}|{user}|{}|{}|{}|{}|{}",
                url.scheme, url.opaque, url.host, url.path, url.raw_path, url.raw_query, url.fragment
            )
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn links_are_taken_apart_as_go_does_it() {
    let table = [
        ("http://localhost:8080/docs", "http|||localhost:8080|/docs|||"),
        ("http://example.com", "http|||example.com||||"),
        (
            "HTTPS://u:p%40@h/a%2Fb?q=1#f%20g",
            "https||u:p%40|h|/a/b|/a%2Fb|q=1|f g",
        ),
        ("www.example.com/docs", "http||||www.example.com/docs|||"),
        ("//host/path", "http|||host|/path|||"),
        ("/only/path", "http||||/only/path|||"),
        ("mailto:a@b.c", "mailto|a@b.c||||||"),
        ("http://[::1]:80/x", "http|||[::1]:80|/x|||"),
        ("http://[fe80::1%25en0]/", "http|||[fe80::1%en0]|/|||"),
        ("*", "http||||*|||"),
    ];
    for (text, expected) in table {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn a_host_with_a_port_needs_no_scheme() {
    let table = [
        ("localhost:1234", "http|||localhost:1234||||"),
        ("127.0.0.1:1234/x?y", "http|||127.0.0.1:1234|/x||y|"),
        ("my_host:80#top", "http|||my_host:80||||top"),
        ("tel:5551234", "tel|5551234||||||"),
    ];
    for (text, expected) in table {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn links_that_are_none_are_refused_in_gos_words() {
    let table = [
        ("", "validating URL \"\": url empty"),
        (":x", "validating URL \":x\": parse \":x\": missing protocol scheme"),
        (
            "1a:x",
            "validating URL \"1a:x\": parse \"1a:x\": first path segment in URL cannot contain colon",
        ),
        (
            "http://a b/",
            "validating URL \"http://a b/\": parse \"http://a b/\": invalid character \" \" in host name",
        ),
        (
            "http://a/%zz",
            "validating URL \"http://a/%zz\": parse \"http://a/%zz\": invalid URL escape \"%zz\"",
        ),
        (
            "http://a:b/",
            "validating URL \"http://a:b/\": parse \"http://a:b/\": invalid port \":b\" after host",
        ),
        (
            "http://[::1/",
            "validating URL \"http://[::1/\": parse \"http://[::1/\": missing ']' in host",
        ),
        (
            "http://a\n",
            "validating URL \"http://a\\n\": parse \"http://a\\n\": net/url: invalid control character in URL",
        ),
        (
            "http://a#%",
            "validating URL \"http://a#%\": parse \"http://a#%\": invalid URL escape \"%\"",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(parts(text), expected);
    }
}

#[test]
fn urls_print_as_they_were_written() {
    let same = [
        "http://localhost:8080/docs",
        "https://u:p%40@h/a%2Fb?q=1#f%20g",
        "mailto:a@b.c",
        "http://h?",
        "file:///etc/hosts",
        "file:/etc/hosts",
        "http://h/a%20b",
        "",
    ];
    for text in same {
        let url = Url::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(url.to_string(), text);
    }
    let link = Link::parse("www.example.com/a b", "n").expect("a link");
    assert_eq!(link.url.to_string(), "http://www.example.com/a%20b");
    assert_eq!(link.name, "n");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z:/@%?#\\[\\]0-9 é]{0,30}|.{0,30}") {
        if let Ok(link) = Link::parse(&text, "") {
            prop_assert!(!link.url.to_string().is_empty());
        }
    }
}
