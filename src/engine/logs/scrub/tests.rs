//! However text is cut, what comes out is what comes out of the whole text.

use super::*;
use proptest::prelude::*;

fn secret(name: &str, value: &str) -> Secret {
    Secret {
        name: name.to_owned(),
        key: "k".to_owned(),
        value: value.as_bytes().to_vec(),
    }
}

/// The rule of this module, written a second time without any search structure.
fn scrubbed(text: &[u8], secrets: &[Secret]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let here = |secret: &Secret| {
            let forms = forms_of(&secret.value).into_iter();
            forms
                .filter(|form| text[at..].starts_with(form))
                .map(|form| form.len())
                .max()
        };
        let best = secrets.iter().filter_map(|secret| Some((here(secret)?, secret)));
        // Of equally long ones the first.
        match best.rev().max_by_key(|(length, _)| *length) {
            Some((length, secret)) => {
                out.extend_from_slice(format!("[redacted secret {}:{}]", secret.name, secret.key).as_bytes());
                at += length;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

fn streamed(text: &[u8], cuts: &[usize], secrets: &Secrets) -> Vec<u8> {
    let (mut held, mut out, mut at) = (Held::default(), Vec::new(), 0);
    for cut in cuts.iter().map(|cut| cut % (text.len() + 1)).filter(|cut| *cut > 0) {
        let end = (at + cut).min(text.len());
        assert_eq!(held.push(secrets, &text[at..end], &mut out), Reach::Complete);
        at = end;
    }
    assert_eq!(held.push(secrets, &text[at..], &mut out), Reach::Complete);
    assert_eq!(held.let_go(secrets, &mut out), Reach::Complete);
    out
}

proptest! {
    #[test]
    fn scrubbing_in_pieces_equals_scrubbing_the_whole(
        values in prop::collection::vec("[ab\n]{5,9}", 0..4),
        text in "[ab\n]{0,80}",
        cuts in prop::collection::vec(1_usize..12, 0..40),
    ) {
        let list: Vec<Secret> = values.iter().enumerate().map(|(at, value)| secret(&at.to_string(), value)).collect();
        let secrets = Secrets::of(&list).unwrap();
        let whole = scrubbed(text.as_bytes(), &list);
        let pieces = streamed(text.as_bytes(), &cuts, &secrets);
        prop_assert_eq!(
            String::from_utf8_lossy(&pieces),
            String::from_utf8_lossy(&whole)
        );
    }
}

fn scrub(text: &str, list: &[Secret]) -> String {
    String::from_utf8(streamed(text.as_bytes(), &[], &Secrets::of(list).unwrap())).unwrap()
}

#[test]
fn a_value_is_found_as_it_is_encoded_and_decoded() {
    let list = [secret("db", "hunter2!"), secret("coded", "c2VjcmV0LXRleHQ=")];
    assert_eq!(
        scrub("a hunter2! b aHVudGVyMiE= c c2VjcmV0LXRleHQ= d secret-text e", &list),
        "a [redacted secret db:k] b [redacted secret db:k] c [redacted secret coded:k] d [redacted secret coded:k] e"
    );
}

#[test]
fn a_short_value_is_no_secret() {
    assert_eq!(
        scrub("1234 12345", &[secret("a", "1234"), secret("b", "12345\n")]),
        "1234 [redacted secret b:k]"
    );
}

#[test]
fn a_line_break_at_a_values_end_stays_in_the_text() {
    assert_eq!(
        scrub("x password\ny", &[secret("p", "password\n")]),
        "x [redacted secret p:k]\ny"
    );
}

#[test]
fn only_what_may_become_a_secret_is_kept_back() {
    let secrets = Secrets::of(&[secret("p", "password")]).unwrap();
    let (mut held, mut out) = (Held::default(), Vec::new());
    let _ = held.push(&secrets, b"my pass", &mut out);
    assert_eq!((out.as_slice(), held.is_waiting()), (&b"my "[..], true));
    let _ = held.push(&secrets, b"port", &mut out);
    assert_eq!((out.as_slice(), held.is_waiting()), (&b"my passport"[..], false));
    let _ = held.push(&secrets, b"\na whole line\n", &mut out);
    assert!(!held.is_waiting());
}

#[test]
fn a_secret_that_began_in_what_was_let_go_is_told() {
    let secrets = Secrets::of(&[secret("p", "password")]).unwrap();
    let (mut held, mut out) = (Held::default(), Vec::new());
    let _ = held.push(&secrets, b"pass", &mut out);
    assert_eq!(held.let_go(&secrets, &mut out), Reach::Complete);
    assert_eq!(out, b"pass");
    assert_eq!(held.push(&secrets, b"word and password", &mut out), Reach::Late);
    assert_eq!(String::from_utf8_lossy(&out), "password and [redacted secret p:k]");
}
