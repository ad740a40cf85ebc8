//! Quoting and links.

use crate::tiltfile::testing::Tiltfile;

#[test]
fn words_are_quoted_for_the_shell() {
    let said =
        Tiltfile::new("print(shlex.quote('a b'), shlex.quote(s=''), shlex.quote(\"it's\"), shlex.quote('plain'))\n")
            .eval();
    assert_eq!(said.said(), "'a b' '' 'it'\"'\"'s' plain\n");
}

#[test]
fn a_link_is_a_struct_with_url_and_name() {
    let said = Tiltfile::new(
        "l = link('http://localhost:80/docs', 'Docs')\n\
         print(type(l), l.url, l.name, link('www.example.com').url, link('localhost:1234').url)\n\
         print(l, repr([link('a.b', name='n')]))\n",
    )
    .eval();
    assert_eq!(
        said.said(),
        "struct http://localhost:80/docs Docs http://www.example.com http://localhost:1234\n\
         \"link\"(name = \"Docs\", url = \"http://localhost:80/docs\") [\"link\"(name = \"n\", url = \"http://a.b\")]\n"
    );
}

#[test]
fn a_wrong_link_says_what_is_wrong() {
    assert_eq!(
        Tiltfile::new("link('')").eval().message(),
        "validating URL \"\": url empty"
    );
    let message = Tiltfile::new("link('http://a b/')").eval().message();
    assert!(message.starts_with("validating URL \"http://a b/\": "), "{message}");
    assert_eq!(
        Tiltfile::new("link(1)").eval().message(),
        "link: for parameter \"url\": got int, want string"
    );
}
