//! Pure. Where the instructions of a Dockerfile stand, and which of them a step of a build carries out.

use super::lines;
use crate::model::suggest;

/// An instruction and its lines, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In capitals.
    pub keyword: String,
    /// On one line, as the names of steps have it.
    pub text: String,
    pub first: usize,
    pub last: usize,
    /// The name of its stage, or the one that the builder gives it; empty before the first stage.
    pub stage: String,
}

/// All instructions, in the order of the text.
pub fn places(text: &str) -> Vec<Place> {
    let (instructions, _) = lines::instructions(text);
    let (mut stages, mut stage) = (0, String::new());
    let place = |instruction: lines::Instruction| {
        if instruction.name == "FROM" {
            stage = match instruction.arguments.as_slice() {
                [_, keyword, name, ..] if keyword.text.eq_ignore_ascii_case("as") => name.text.to_lowercase(),
                _ => format!("stage-{stages}"),
            };
            stages += 1;
        }
        let words = instruction.flags.iter().chain(&instruction.arguments);
        let words: Vec<&str> = words.map(|token| token.text.as_str()).collect();
        Place {
            text: collapsed(&format!("{} {}", instruction.name, words.join(" "))),
            keyword: instruction.name,
            first: instruction.line,
            last: instruction.last_line,
            stage: stage.clone(),
        }
    };
    instructions.into_iter().map(place).collect()
}

/// The instruction that a step is named after: `[build 2/3] RUN make`. Its name may have variables filled in that the Dockerfile
/// has not.
pub fn of_step<'a>(places: &'a [Place], name: &str) -> Option<&'a Place> {
    let (tag, rest) = name.strip_prefix('[')?.split_once("] ")?;
    let wanted = collapsed(rest);
    let (keyword, _) = wanted.split_once(' ')?;
    let alike: Vec<&Place> = places.iter().filter(|place| place.keyword == keyword).collect();
    let stage = tag.split_once(' ').map(|(stage, _)| stage.to_lowercase());
    let of_stage = |place: &&&Place| stage.as_ref().is_none_or(|stage| place.stage == *stage);
    let same: Vec<&&Place> = alike.iter().filter(of_stage).collect();
    let candidates = match same.is_empty() {
        true => alike.iter().collect(),
        false => same,
    };
    if let [only] = candidates.as_slice() {
        return Some(only);
    }
    let nearest = suggest::nearest(&wanted, candidates.iter().map(|place| place.text.as_str()))?;
    candidates.into_iter().copied().find(|place| place.text == nearest)
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
ARG V=1
FROM golang:$V AS Build
RUN go build && \\
    # a comment

    go test
COPY src/$V /src
COPY other /other
FROM scratch
RUN <<EOF
one
EOF
RUN go build && go test
";

    #[test]
    fn instructions_know_their_lines_and_stages() {
        let places = places(TEXT);
        let shown = places
            .iter()
            .map(|it| (it.keyword.as_str(), it.first, it.last, it.stage.as_str()));
        let expected = [
            ("ARG", 1, 1, ""),
            ("FROM", 2, 2, "build"),
            ("RUN", 3, 6, "build"),
            ("COPY", 7, 7, "build"),
            ("COPY", 8, 8, "build"),
            ("FROM", 9, 9, "stage-1"),
            ("RUN", 10, 12, "stage-1"),
            ("RUN", 13, 13, "stage-1"),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn steps_are_found_by_stage_and_text() {
        let places = places(TEXT);
        let line = |name| of_step(&places, name).map(|place| place.first);
        let table = [
            ("[build 2/4] RUN go build &&     go test", Some(3)),
            ("[stage-1 3/3] RUN go build && go test", Some(13)),
            ("[build 3/4] COPY src/1 /src", Some(7)),
            ("[build 4/4] COPY other /other", Some(8)),
            ("[internal] load build context", None),
            ("exporting to image", None),
        ];
        for (name, expected) in table {
            assert_eq!(line(name), expected, "{name}");
        }
    }
}
