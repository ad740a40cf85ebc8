//! Streams that are cut anywhere.

use super::*;

fn read(cursor: &mut Cursor, bytes: &[u8], into: &mut Vec<String>) {
    cursor.push(bytes, |line| into.push(String::from_utf8_lossy(line).into_owned()));
}

fn whole(pieces: &[&[u8]]) -> Vec<String> {
    let (mut cursor, mut lines) = (Cursor::default(), Vec::new());
    pieces.iter().for_each(|piece| read(&mut cursor, piece, &mut lines));
    cursor.finish(|line| lines.push(String::from_utf8_lossy(line).into_owned()));
    lines
}

/// Several of the same time, some out of order, one empty, one without an end.
const FILE: &str = "2021-01-02T03:04:04.9Z before\n\
    2021-01-02T03:04:05.1Z one\n\
    2021-01-02T03:04:05.12Z two\n\
    2021-01-02T03:04:05.11Z two and a half\n\
    2021-01-02T03:04:05.2Z same\n\
    2021-01-02T03:04:05.2Z same\n\
    2021-01-02T03:04:05.2Z same\n\
    2021-01-02T03:04:05.300000001Z \n\
    2021-01-02T03:04:06+00:00 last";

/// What a node sends: lines from a second on.
fn since(second: Option<Time>) -> String {
    let is_sent = |line: &&str| {
        split(line.as_bytes())
            .is_some_and(|((seconds, _), _)| second.is_none_or(|since| seconds * 1_000_000 >= since.micros()))
    };
    FILE.split_inclusive('\n').filter(is_sent).collect()
}

#[test]
fn lines_are_handed_on_without_their_times() {
    let expected = [
        "before",
        "one",
        "two",
        "two and a half",
        "same",
        "same",
        "same",
        "",
        "last",
    ];
    assert_eq!(whole(&[FILE.as_bytes()]), expected);
    for at in 0..FILE.len() {
        let (a, b) = FILE.as_bytes().split_at(at);
        assert_eq!(whole(&[a, b]), expected, "{at}");
    }
}

#[test]
fn wherever_connections_are_cut_no_line_is_lost_or_repeated() {
    let expected = whole(&[FILE.as_bytes()]);
    for first in 0..FILE.len() {
        for second in (0..FILE.len()).step_by(7) {
            let (mut cursor, mut lines) = (Cursor::default(), Vec::new());
            for cut in [Some(first), Some(second), None] {
                cursor.reconnect();
                let sent = since(cursor.since());
                let end = cut.unwrap_or(sent.len()).min(sent.len());
                read(&mut cursor, &sent.as_bytes()[..end], &mut lines);
            }
            cursor.finish(|line| lines.push(String::from_utf8_lossy(line).into_owned()));
            assert_eq!(lines, expected, "{first} {second}");
        }
    }
}

#[test]
fn where_the_last_line_is_gone_from_the_file_what_is_later_is_read() {
    let (mut cursor, mut lines) = (Cursor::default(), Vec::new());
    read(
        &mut cursor,
        b"2021-01-02T03:04:05.1Z one\n2021-01-02T03:04:05.2Z two\n",
        &mut lines,
    );
    cursor.reconnect();
    read(
        &mut cursor,
        b"2021-01-02T03:04:05.15Z old\n2021-01-02T03:04:05.3Z three\n2021-01-02T03:04:05.2Z odd\n",
        &mut lines,
    );
    assert_eq!(lines, ["one", "two", "three", "odd"]);
}

#[test]
fn what_a_node_says_itself_has_no_time_and_is_handed_on_once() {
    let (mut cursor, mut lines) = (Cursor::default(), Vec::new());
    read(&mut cursor, b"unable to read\n2021-01-02T03:04:05.1Z one\n", &mut lines);
    cursor.reconnect();
    read(
        &mut cursor,
        b"unable to read\n2021-01-02T03:04:05.1Z one\n2021-01-02T03:04:05.2Z two\n",
        &mut lines,
    );
    assert_eq!(lines, ["unable to read", "one", "two"]);
}

#[test]
fn the_text_that_stands_for_a_log_that_is_gone_is_no_line_of_it() {
    let gone = b"unable to retrieve container logs for docker://905947ed1e35\n";
    assert_eq!(whole(&[gone]), [""; 0]);
    let link =
        b"failed to try resolving symlinks in path \"/var/log/pods/x/0.log\": lstat: no such file or directory\n";
    assert_eq!(whole(&[link]), [""; 0]);
    let own = b"2021-01-02T03:04:05.1Z unable to retrieve container logs for me\n";
    assert_eq!(whole(&[own]), ["unable to retrieve container logs for me"]);
}

#[test]
fn times_between_pieces_of_a_long_line_are_taken_out() {
    let piece = "x".repeat(PIECE);
    let line = format!("2021-01-02T03:04:05.1Z {piece}2021-01-02T03:04:05.2Z {piece}2021-01-02T03:04:05.3Z end\n");
    assert_eq!(whole(&[line.as_bytes()]), [format!("{piece}{piece}end")]);
    let plain = format!("2021-01-02T03:04:05.1Z {piece}{piece} end\n");
    assert_eq!(whole(&[plain.as_bytes()]), [format!("{piece}{piece} end")]);
}

#[test]
fn a_line_without_end_takes_no_memory_without_end() {
    let (mut cursor, mut total) = (Cursor::default(), 0);
    cursor.push(b"2021-01-02T03:04:05.1Z ", |_| {});
    let piece = [b'x'; 64 * 1024];
    for _ in 0..64 {
        cursor.push(&piece, |line| total += line.len());
        assert!(cursor.lines.rest().len() <= LONGEST + piece.len());
    }
    cursor.push(b"\n2021-01-02T03:04:05.2Z next\n", |line| total += line.len());
    assert_eq!(total, 64 * piece.len() + "next".len());
}
