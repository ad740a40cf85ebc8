//! Whole lines out of what a command writes, which is cut anywhere.

use super::Stream;

/// A longer line is told in pieces.
const LONGEST: usize = 64 << 10;

/// The ends of both streams that no line break has followed yet. Two outputs are two streams, so their lines do not mix.
#[derive(Debug, Default)]
pub struct Lines {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    /// The lines that are whole now, as one text without the last line break.
    pub fn take(&mut self, stream: Stream, bytes: &[u8]) -> Option<String> {
        let open = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        open.extend_from_slice(bytes);
        if let Some(end) = open.iter().rposition(|byte| *byte == b'\n') {
            let rest = open.split_off(end + 1);
            open.pop();
            let text = String::from_utf8_lossy(open).into_owned();
            *open = rest;
            return Some(text);
        }
        (open.len() > LONGEST).then(|| String::from_utf8_lossy(&std::mem::take(open)).into_owned())
    }

    /// What was left without a line break.
    pub fn finish(self) -> Vec<String> {
        let rest = [self.stdout, self.stderr].into_iter().filter(|open| !open.is_empty());
        rest.map(|open| String::from_utf8_lossy(&open).into_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_whatever_they_are_cut_into() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(Stream::Stdout, b"a\xc3"), None);
        assert_eq!(lines.take(Stream::Stderr, b"x"), None);
        assert_eq!(
            lines.take(Stream::Stdout, b"\xa9\n\nb\nc").as_deref(),
            Some("a\u{e9}\n\nb")
        );
        assert_eq!(lines.take(Stream::Stderr, b"\n").as_deref(), Some("x"));
        assert_eq!(lines.finish(), ["c"]);
    }

    #[test]
    fn a_line_without_an_end_is_told_in_pieces() {
        let mut lines = Lines::default();
        let told = lines.take(Stream::Stdout, &[b'x'; LONGEST + 1]);
        assert_eq!(told.map(|text| text.len()), Some(LONGEST + 1));
        assert!(lines.finish().is_empty());
    }
}
