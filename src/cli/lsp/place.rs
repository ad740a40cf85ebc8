//! Pure. Places in a text: byte offsets inside, lines and code units outside.

use std::ops::Range;

use lsp_types::{Position, PositionEncodingKind};

/// What the columns of positions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16,
}

impl Encoding {
    /// UTF-8 where the client offers it, else what every client knows.
    pub fn chosen(offered: Option<&[PositionEncodingKind]>) -> Encoding {
        match offered {
            Some(offered) if offered.contains(&PositionEncodingKind::UTF8) => Encoding::Utf8,
            _ => Encoding::Utf16,
        }
    }

    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            Encoding::Utf8 => c.len_utf8(),
            Encoding::Utf16 => c.len_utf16(),
        }
    }
}

/// A text with its lines counted.
pub struct Lines<'t> {
    text: &'t str,
    encoding: Encoding,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str, encoding: Encoding) -> Lines<'t> {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Lines { text, encoding, starts }
    }

    /// The byte of a position; one behind the end of a line or of the text means that end.
    pub fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else {
            return self.text.len();
        };
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let written = self.text[start..end].trim_end_matches('\r');
        let mut left = position.character as usize;
        for (at, c) in written.char_indices() {
            let units = self.encoding.units(c);
            // Also for a position in the midst of a character.
            if left < units {
                return start + at;
            }
            left -= units;
        }
        start + written.len()
    }

    pub fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let units: usize = self.text[self.starts[line]..offset]
            .chars()
            .map(|c| self.encoding.units(c))
            .sum();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position::new(number(line), number(units))
    }

    pub fn range(&self, range: Range<usize>) -> lsp_types::Range {
        lsp_types::Range::new(self.position(range.start), self.position(range.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "aé𝄞b\r\n\nx";

    #[test]
    fn columns_count_what_was_agreed_on() {
        let table = [
            (0, (0, 0), (0, 0)),
            (1, (0, 1), (0, 1)),
            (3, (0, 3), (0, 2)),
            (7, (0, 7), (0, 4)),
            (8, (0, 8), (0, 5)),
            (10, (1, 0), (1, 0)),
            (11, (2, 0), (2, 0)),
            (12, (2, 1), (2, 1)),
        ];
        for (offset, utf8, utf16) in table {
            for (encoding, (line, column)) in [(Encoding::Utf8, utf8), (Encoding::Utf16, utf16)] {
                let lines = Lines::new(TEXT, encoding);
                assert_eq!(
                    lines.position(offset),
                    Position::new(line, column),
                    "{offset} {encoding:?}"
                );
                assert_eq!(
                    lines.offset(Position::new(line, column)),
                    offset,
                    "{line}:{column} {encoding:?}"
                );
            }
        }
    }

    #[test]
    fn positions_that_do_not_exist_are_the_nearest_that_do() {
        let lines = Lines::new(TEXT, Encoding::Utf16);
        for ((line, column), expected) in [
            ((0, 99), 8),
            ((0, 3), 3),
            ((1, 5), 10),
            ((9, 0), 12),
            ((2, u32::MAX), 12),
        ] {
            assert_eq!(lines.offset(Position::new(line, column)), expected, "{line}:{column}");
        }
    }
}
