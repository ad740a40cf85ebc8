//! Pure. Which of several faults of a document is reported, and what the parser's own faults are called.

use libyaml_safer::{Error as ParserError, ErrorKind, Mark};

use super::{DuplicateKey, Error};

/// Go parses a whole document, then decodes it, then makes JSON of it: a fault of a later stage is only reported if
/// none of an earlier one turns up, so the first of each stage waits here.
#[derive(Default)]
pub struct Faults {
    decoding: Option<Error>,
    repeated: Vec<DuplicateKey>,
    converting: Option<Error>,
}

impl Faults {
    pub fn check(self) -> Result<(), Error> {
        let repeated = (!self.repeated.is_empty()).then_some(Error::Duplicates(self.repeated));
        self.decoding.or(repeated).or(self.converting).map_or(Ok(()), Err)
    }

    pub fn decoding(&mut self, problem: impl Into<Box<str>>) {
        self.decoding.get_or_insert_with(|| syntax(problem));
    }

    pub fn repeated(&mut self, line: u64, key: Box<str>) {
        self.repeated.push(DuplicateKey { line, key });
    }

    pub fn converting(&mut self, problem: impl Into<Box<str>>) {
        self.converting.get_or_insert_with(|| Error::NotJson(problem.into()));
    }
}

/// A fault that Go reports without a line.
pub fn syntax(problem: impl Into<Box<str>>) -> Error {
    Error::Syntax {
        line: None,
        problem: problem.into(),
    }
}

/// Go's yaml names the line of the problem, else of its context, counted from zero; a scanner's from one. Line zero it
/// does not name.
pub fn parser_error(error: &ParserError) -> Error {
    let line_of = |mark: Option<Mark>| mark.map(|mark| mark.line).filter(|line| *line != 0);
    let scanner = u64::from(error.kind() == ErrorKind::Scanner);
    let problem = line_of(error.problem_mark()).map(|line| line + scanner);
    Error::Syntax {
        line: problem.or_else(|| line_of(error.context_mark())),
        problem: error.problem().into(),
    }
}
