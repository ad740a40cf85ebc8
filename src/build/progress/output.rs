//! Pure. Whole lines from bytes that were cut anywhere.

/// A line without an end is given out once it is this long.
const LONGEST: usize = 64 << 10;

/// One stream of output. Of what overwrites itself with carriage returns only the last state is kept; colours stay.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let mut out = Vec::new();
        if let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') {
            let after = self.rest.split_off(end + 1);
            let whole = std::mem::replace(&mut self.rest, after);
            out.extend(whole[..end].split(|byte| *byte == b'\n').map(shown));
        }
        self.forget_overwritten();
        if self.rest.len() > LONGEST {
            out.extend(self.flush());
        }
        out
    }

    /// The last line, if there is one without an end.
    pub fn flush(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        Some(shown(&rest)).filter(|line| !line.is_empty())
    }

    /// What stands on the line that has no end yet.
    pub fn current(&self) -> String {
        shown(&self.rest)
    }

    /// Or a progress bar that is never finished would fill the memory.
    fn forget_overwritten(&mut self) {
        let start = last_state(&self.rest);
        self.rest.drain(..start);
    }
}

fn shown(line: &[u8]) -> String {
    let line = &line[last_state(line)..];
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1);
    String::from_utf8_lossy(&line[..end]).into_owned()
}

/// Where it begins: behind the last carriage return that something follows.
fn last_state(line: &[u8]) -> usize {
    let text_end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1);
    let start = line[..text_end].iter().rposition(|byte| *byte == b'\r');
    start.map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut out: Vec<String> = pieces.iter().flat_map(|piece| lines.push(piece)).collect();
        out.extend(lines.flush());
        out
    }

    #[test]
    fn lines_are_whole_however_they_were_cut() {
        let text = "één\r\n\u{1b}[31mred\u{1b}[0m\n\n10%\r50%\r100%\r\nlast".as_bytes();
        let whole = lines(&[text]);
        assert_eq!(whole, ["één", "\u{1b}[31mred\u{1b}[0m", "", "100%", "last"]);
        for at in 0..text.len() {
            assert_eq!(lines(&[&text[..at], &text[at..]]), whole, "cut at {at}");
        }
    }

    #[test]
    fn a_bar_that_overwrites_itself_takes_no_memory() {
        let mut lines = Lines::default();
        for _ in 0..10_000 {
            assert!(lines.push(b"\r[=====>    ] 50%").is_empty());
        }
        assert_eq!(lines.current(), "[=====>    ] 50%");
        assert!(lines.rest.len() < 40);
        assert_eq!(lines.push(&vec![b'x'; LONGEST + 1]).len(), 1);
    }
}
