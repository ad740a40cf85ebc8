//! A terminal for tests: what stands on it after all that was written to it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// As much of a terminal as the view needs. Rows that wrapped into each other flow anew when it is resized.
pub struct Terminal {
    pub columns: usize,
    /// Each with whether it goes on in the next one.
    rows: Vec<(Vec<char>, bool)>,
    row: usize,
    column: usize,
}

impl Terminal {
    pub fn new(columns: usize) -> Terminal {
        Terminal {
            columns,
            rows: vec![(Vec::new(), false)],
            row: 0,
            column: 0,
        }
    }

    pub fn feed(&mut self, text: &str) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.down(false),
                '\u{1b}' => {
                    assert_eq!(rest.next(), Some('['), "only these sequences are used");
                    let mut number = String::new();
                    let end = loop {
                        match rest.next().expect("a sequence ends") {
                            c @ ('0'..='9' | '?' | ';') => number.push(c),
                            c => break c,
                        }
                    };
                    self.sequence(&number, end);
                }
                c => self.put(c),
            }
        }
    }

    fn down(&mut self, wraps: bool) {
        self.rows[self.row].1 = wraps;
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push((Vec::new(), false));
        }
    }

    fn put(&mut self, c: char) {
        if self.column == self.columns {
            self.down(true);
            self.column = 0;
        }
        let row = &mut self.rows[self.row].0;
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = c;
        self.column += 1;
    }

    fn sequence(&mut self, number: &str, end: char) {
        match (number, end) {
            ("?2026", 'h' | 'l') | (_, 'm') => {}
            (number, 'A') => self.row = self.row.saturating_sub(number.parse().expect("a number")),
            ("", 'K') => self.rows[self.row].0.truncate(self.column),
            ("", 'J') => {
                self.rows.truncate(self.row + 1);
                self.rows[self.row].0.truncate(self.column);
            }
            other => panic!("{other:?} is not used"),
        }
    }

    pub fn resize(&mut self, columns: usize) {
        let mut lines: Vec<Vec<char>> = vec![Vec::new()];
        for (row, wraps) in std::mem::take(&mut self.rows) {
            lines.last_mut().expect("there is one").extend(row);
            if !wraps {
                lines.push(Vec::new());
            }
        }
        lines.pop();
        self.columns = columns;
        for line in lines {
            let count = line.len().div_ceil(columns).max(1);
            let chunk = |at: usize| line.iter().skip(at * columns).take(columns).copied().collect();
            self.rows.extend((0..count).map(|at| (chunk(at), at + 1 < count)));
        }
        self.row = self.rows.len() - 1;
        self.column = self.rows[self.row].0.len();
    }

    pub fn text(&self) -> String {
        let rows = self.rows.iter().map(|(row, _)| row.iter().collect::<String>());
        rows.map(|row| format!("{}\n", row.trim_end())).collect()
    }
}

#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<String>>);

impl Paper {
    pub fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().expect("nobody panicked"))
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panicked")
            .push_str(std::str::from_utf8(bytes).expect("text"));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
