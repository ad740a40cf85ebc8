//! Reading, listing and watching.

use crate::tiltfile::testing::Tiltfile;

#[test]
fn a_file_is_read_as_a_blob() {
    let said = Tiltfile::new("a = read_file('a.txt')\nprint(a, type(a), bool(a), bool(read_file('empty')))\n")
        .file("a.txt", "text")
        .file("empty", "")
        .eval();
    assert_eq!(said.said(), "text blob True False\n");
    assert_eq!(said.watched(), ["Tiltfile", "a.txt", "empty"]);
}

#[test]
fn a_default_stands_in_for_a_missing_file_which_is_watched_all_the_same() {
    let said =
        Tiltfile::new("print(repr(str(read_file('nope', ''))), read_file(file_path='no/where', default='x'))\n").eval();
    assert_eq!(said.said(), "\"\" x\n");
    assert_eq!(said.watched(), ["Tiltfile", "no/where", "nope"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let said = Tiltfile::new("read_file('nope')\n").eval();
    assert_eq!(
        said.error(),
        "Traceback (most recent call last):\n  $DIR/Tiltfile:1:10: in <toplevel>\nError in read_file: open $DIR/nope: no such file or directory"
    );
    assert_eq!(said.watched(), ["Tiltfile", "nope"]);
    let said = Tiltfile::new("read_file('.', default='x')\n").eval();
    assert_eq!(said.message(), "read $DIR: is a directory");
    assert_eq!(said.watched(), ["Tiltfile"]);
    let said = Tiltfile::new("read_file('a', default=1)\n").eval();
    assert_eq!(
        said.message(),
        "read_file: for parameter \"default\": got int, want string"
    );
    let said = Tiltfile::new("read_file(path='a')\n").eval();
    assert_eq!(
        said.message(),
        "read_file: unexpected keyword argument \"path\" (did you mean paths?)"
    );
}

#[test]
fn a_file_that_is_no_text_is_read_with_a_warning() {
    let said = Tiltfile::new("print(read_file('a'))\n").file("a", b"ab\xffc").eval();
    assert_eq!(
        said.warnings(),
        ["$DIR/a is not UTF-8 text (byte 2): what cannot be read is replaced by \u{fffd}"]
    );
    assert!(said.said().ends_with("ab\u{fffd}c\n"));
    assert_eq!(said.evaluation.warnings, 1);
}

#[test]
fn a_listing_has_the_absolute_paths_of_files() {
    let files = |text: &str| Tiltfile::new(text).file("d/b", "").file("d/a", "").file("d/sub/c", "");
    let said = files("print(listdir('d'), listdir(directory='d/sub'))\n").eval();
    assert_eq!(said.said(), "[\"$DIR/d/a\", \"$DIR/d/b\"] [\"$DIR/d/sub/c\"]\n");
    assert_eq!(said.watched(), ["Tiltfile"]);
    let said = files("print(listdir('d', recursive=True))\n").eval();
    assert_eq!(said.said(), "[\"$DIR/d/a\", \"$DIR/d/b\", \"$DIR/d/sub/c\"]\n");
    assert_eq!(said.watched(), ["Tiltfile", "d"]);
}

#[test]
fn what_is_no_folder_holds_no_files() {
    let said = Tiltfile::new("print(listdir('nope'), listdir('nope', recursive=True), listdir('Tiltfile'))\n").eval();
    assert_eq!(said.said(), "[] [] []\n");
    assert_eq!(said.watched(), ["Tiltfile", "nope"]);
}

#[test]
fn files_and_folders_are_watched_on_request() {
    let said = Tiltfile::new("watch_file('d')\nwatch_file('nope.txt')\nwatch_file(file_path='/')\n")
        .file("d/a", "")
        .eval();
    said.project();
    assert_eq!(said.watched(), ["/", "Tiltfile", "d", "nope.txt"]);
}

#[test]
fn a_blob_is_made_of_a_string() {
    let said = Tiltfile::new("b = blob('a')\nprint(b, type(b), b == blob('a'), blob(contents='x'))\n").eval();
    assert_eq!(said.said(), "a blob True x\n");
    assert_eq!(
        Tiltfile::new("blob(1)").eval().message(),
        "blob: for parameter \"input\": got int, want string"
    );
}
