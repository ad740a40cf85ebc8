//! Dockerfiles and what they use.

use super::*;
use proptest::prelude::*;

fn args(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn images(text: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let images = base_images(text, &args(pairs));
    images.into_iter().map(|image| image.text).collect()
}

#[test]
fn images_are_found_wherever_they_may_stand() {
    let text = "\
# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM golang:1.22 AS build
RUN --mount=type=cache,target=/root --mount=type=bind,from=tools/lint,source=/a,target=/b \\
    # a comment between
    go build
from scratch
COPY --from=build /out /app
COPY --from=0 /out /app
copy --chown=1:1 --from=\"vendor/assets:v2\" /a /b
ADD --from=other . .
FROM build AS final
FROM BUILD
";
    let found = base_images(text, &[]);
    let shown: Vec<_> = found.iter().map(|it| (it.text.as_str(), it.line, it.kind)).collect();
    let expected = [
        ("golang:1.22", 2, UseKind::Base),
        ("tools/lint", 3, UseKind::Mount),
        ("vendor/assets:v2", 9, UseKind::Copy),
        ("other", 10, UseKind::Copy),
    ];
    assert_eq!(shown, expected);
    for image in found {
        assert_eq!(&text[image.span], image.text);
    }
}

/// A Dockerfile, build arguments, and the images in it.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

#[test]
fn arguments_are_filled_in() {
    let table: [Case; 14] = [
        ("ARG T=\"latest\"\nFROM foo:${T}", &[], "foo:latest"),
        ("ARG T=latest\nFROM foo:$T", &[("T", "v2")], "foo:v2"),
        ("ARG T\nFROM foo:${T:-dev}", &[], "foo:dev"),
        ("ARG T\nFROM foo:${T:-dev}", &[("T", "")], "foo:dev"),
        ("ARG T\nFROM foo:${T-dev}", &[("T", "")], "foo:"),
        ("ARG T=1\nFROM foo${T:+:x$T}", &[], "foo:x1"),
        ("ARG A=x B='y z'\nFROM $A/${B}", &[], "x/y z"),
        ("ARG R=reg\nARG I=$R/app\nFROM $I", &[("R", "other")], "other/app"),
        ("FROM a\nARG T=1\nFROM b:$T", &[], "a b:"),
        ("FROM foo:${A:-${B:-c}}", &[], "foo:c"),
        ("FROM 'foo:$T'", &[], "foo:$T"),
        ("FROM \"foo\"", &[], "foo"),
        ("ARG B\nFROM ${B}", &[], ""),
        ("FROM foo:${T", &[], "foo:"),
    ];
    for (text, pairs, expected) in table {
        assert_eq!(images(text, pairs).join(" "), expected, "{text}");
    }
    let stage = "ARG V=1\nFROM a\nARG V\nENV W=$V-x\nCOPY --from=b:$W /x /y";
    assert_eq!(images(stage, &[]), ["a", "b:1-x"]);
}

#[test]
fn lines_are_joined_as_the_builder_joins_them() {
    let table = [
        ("FROM \\\n\n  # comment\n  a", "a"),
        ("FROM \\  \n  a", "a"),
        ("# escape=`\nFROM `\n a", "a"),
        ("#escape = `\r\nFROM `\r\n a\r\n", "a"),
        ("# comment\n# escape=`\nFROM a`", "a`"),
        ("RUN <<EOF\nFROM x\nEOF\nFROM a", "a"),
        ("RUN <<-\"A\" cat 3<<B\nFROM x\n\tA\nFROM y\nB\nFROM a", "a"),
        ("COPY <<one <<two /x\none\nFROM z\ntwo\nFROM a", "a"),
        ("RUN echo <<EOF\nFROM a", "a"),
        ("LABEL x=<<EOF\nFROM a\nEOF", "a"),
        ("FROM", ""),
        ("FROM a \\", "a"),
        ("\u{feff}FROM a", "a"),
    ];
    for (text, expected) in table {
        assert_eq!(images(text, &[]).join(" "), expected, "{text}");
    }
}

#[test]
fn a_dockerfile_is_rewritten_in_place() {
    let text = "FROM app AS x # no\nCOPY --from=\"app:v1\" a b\nRUN --mount=from=lib,target=/l c\nFROM é\n";
    let found = base_images(text, &[]);
    let new = with_images(text, &found, |image| {
        (image.text != "lib").then(|| format!("reg/{}", image.text))
    });
    let expected =
        "FROM reg/app AS x # no\nCOPY --from=\"reg/app:v1\" a b\nRUN --mount=from=lib,target=/l c\nFROM reg/é\n";
    assert_eq!(new.as_deref(), Some(expected));
    assert_eq!(with_images(text, &found, |_| None), None);
}

#[test]
fn local_copies_are_found_with_their_destination() {
    let text = "\
FROM a AS one
COPY src pkg /app/
ADD https://x.y/z local.tar /data
COPY [\"a b\", \"c\\u0064\", \"/dest dir/\"]
FROM b
ENV D=/srv
WORKDIR $D
WORKDIR sub
COPY --chmod=755 . .
COPY --from=one /app /app
COPY <<EOF /etc/x
text
EOF
COPY lonely
";
    let shown: Vec<_> = copies(text, &[])
        .into_iter()
        .map(|it| {
            let sources = it.sources.join("|");
            let workdir = it.workdir.unwrap_or_default();
            format!("{} {} {sources} > {} {workdir}", it.stage, it.line, it.destination)
        })
        .collect();
    let expected = [
        "0 2 src|pkg > /app/ ",
        "0 3 local.tar > /data ",
        "0 4 a b|cd > /dest dir/ ",
        "1 9 . > . /srv/sub",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn hostile_dockerfiles_do_not_run_away() {
    let mut bomb = "ARG A0=xxxxxxxxxx\n".to_owned();
    for i in 1..64 {
        let before = i - 1;
        bomb.push_str(&format!("ARG A{i}=$A{before}$A{before}$A{before}\n"));
    }
    bomb.push_str("FROM $A63");
    assert_eq!(images(&bomb, &[])[0].len(), 4096);
    let deep = format!("FROM {}x", "${A:-".repeat(100_000));
    assert_eq!(images(&deep, &[]).len(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(
        text in "((FROM|ARG|ENV|COPY|ADD|RUN|WORKDIR|# escape=`)[ =$\\{\\}:a\"'\\\\,<\\[\\]`é-]{0,20}\n?){0,8}|.{0,60}",
    ) {
        let found = base_images(&text, &[]);
        for image in &found {
            prop_assert!(text.get(image.span.clone()).is_some());
        }
        drop(with_images(&text, &found, |_| Some("new".to_owned())));
        drop(copies(&text, &[]));
    }
}
