//! Image references and selectors.

use super::*;
use proptest::prelude::*;

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn selector(text: &str) -> Selector {
    Selector::new(reference(text))
}

#[test]
fn references_have_a_long_and_a_familiar_form() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let table = [
        ("nginx", "docker.io/library/nginx", "nginx"),
        ("nginx:1.2", "docker.io/library/nginx:1.2", "nginx:1.2"),
        ("user/app", "docker.io/user/app", "user/app"),
        ("docker.io/nginx", "docker.io/library/nginx", "nginx"),
        ("index.docker.io/a/b", "docker.io/a/b", "a/b"),
        ("library/nginx", "docker.io/library/nginx", "nginx"),
        ("library/a/b", "docker.io/library/a/b", "library/a/b"),
        ("gcr.io/a/b:t", "gcr.io/a/b:t", "gcr.io/a/b:t"),
        ("localhost/a", "localhost/a", "localhost/a"),
        ("localhost:5000/a:b", "localhost:5000/a:b", "localhost:5000/a:b"),
        ("Foo/bar", "Foo/bar", "Foo/bar"),
        ("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"),
        ("foo:5000", "docker.io/library/foo:5000", "foo:5000"),
        ("a__b/c--d.e_f", "docker.io/a__b/c--d.e_f", "a__b/c--d.e_f"),
        // The dot makes the first part a domain, the underscore none: it stays part of the path.
        (
            "acc_id.dkr.aws.com/bar/x",
            "acc_id.dkr.aws.com/bar/x",
            "acc_id.dkr.aws.com/bar/x",
        ),
    ];
    for (text, long, familiar) in table {
        assert_eq!(reference(text).to_string(), long, "{text}");
        assert_eq!(reference(text).familiar(), familiar, "{text}");
    }
    let both = format!("nginx:1@{digest}");
    assert_eq!(reference(&both).familiar(), both);
    assert_eq!(reference(&both).digest(), Some(digest.as_str()));
    assert_eq!(reference(&both).without_tag().familiar(), "nginx");
}

#[test]
fn references_that_are_none_are_refused_in_dockers_words() {
    let id = "a".repeat(64);
    let table = [
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("a:", "invalid reference format"),
        ("a:b:c", "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("a/", "invalid reference format"),
        ("/a", "invalid reference format"),
        ("-a", "invalid reference format"),
        ("a..b", "invalid reference format"),
        ("a___b", "invalid reference format"),
        ("a@sha256:abc", "invalid reference format"),
        ("http://a/b", "invalid reference format"),
        ("aé", "invalid reference format"),
        (
            "Foo",
            "invalid reference format: repository name (library/Foo) must be lowercase",
        ),
        (
            "a/Foo:x",
            "invalid reference format: repository name (a/Foo) must be lowercase",
        ),
        ("A_b/foo", "repository name must be lowercase"),
    ];
    for (text, expected) in table {
        let error = Reference::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let error = |text: &str| Reference::parse(text).expect_err(text).to_string();
    let name = format!("invalid repository name ({id}), cannot specify 64-byte hexadecimal strings");
    assert_eq!(error(&id), name);
    let long = "repository name must not be more than 255 characters";
    assert_eq!(error(&"a".repeat(300)), long);
    assert_eq!(error(&format!("a@md5:{id}")), "unsupported digest algorithm");
    let digest = format!("a@sha256:{}", "b".repeat(40));
    assert_eq!(error(&digest), "invalid checksum digest length");
    let digest = format!("a@sha256:{}", "B".repeat(64));
    assert_eq!(error(&digest), "invalid checksum digest format");
    assert_eq!(error(&format!("a:{}", "t".repeat(129))), "invalid reference format");
}

#[test]
fn tags_can_be_exchanged() {
    let tagged = reference("app:dev").with_tag("tilt-1").expect("a tag");
    assert_eq!(tagged.familiar(), "app:tilt-1");
    assert_eq!(tagged.with_tag("a/b"), Err(ReferenceError::Tag));
}

#[test]
fn a_selector_matches_every_tag_unless_it_names_one() {
    let table = [
        ("app", "app:any", true),
        ("app", "docker.io/library/app", true),
        ("app", "other", false),
        ("app:dev", "app:dev", true),
        ("app:dev", "app", false),
        ("app:dev", "app:prod", false),
    ];
    for (text, image, expected) in table {
        assert_eq!(selector(text).matches(&reference(image)), expected, "{text} {image}");
    }
    assert_eq!(selector("docker.io/app:dev").to_string(), "app:dev");
    assert!(Selector::by_name(&reference("app:dev")).matches(&reference("app:prod")));
}

#[test]
fn definitions_that_share_a_name_match_only_their_own_tag() {
    let mut selectors = [selector("app"), selector("app:dev"), selector("other")];
    settle_shared_names(&mut selectors);
    let matching = |image: &str| {
        let image = reference(image);
        let matching = selectors.iter().filter(|it| it.matches(&image));
        matching.map(Selector::to_string).collect::<Vec<_>>()
    };
    assert_eq!(matching("app"), ["app"]);
    assert_eq!(matching("app:dev"), ["app:dev"]);
    assert_eq!(matching("app:x"), Vec::<String>::new());
    assert_eq!(matching("other:x"), ["other"]);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-zA-Z0-9._:/@\\[\\]-]{0,40}|.{0,40}") {
        if let Ok(reference) = Reference::parse(&text) {
            prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
        }
    }

    #[test]
    fn the_familiar_form_reads_back(text in "([a-z.]{1,5}/){0,2}[a-z]{1,5}(:[a-z]{1,3})?") {
        if let Ok(reference) = Reference::parse(&text) {
            prop_assert_eq!(Reference::parse(&reference.familiar()), Ok(reference));
        }
    }
}
