//! Pure. Secrets taken out of text that arrives in pieces.
//!
//! The rule for a whole text: from left to right, the longest form of a secret at the first place where one stands is
//! replaced. [`Held`] does the same to a stream, however it is cut: it keeps back only what may be the beginning of a secret.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::secret::Secret;

/// Shorter values stand in too many innocent texts.
const SHORTEST: usize = 5;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Option<Arc<Forms>>);

#[derive(Debug)]
struct Forms {
    search: AhoCorasick,
    /// By the number of the form in `search`.
    labels: Vec<Box<str>>,
    /// In bytewise order, so that all that begin in one way stand together.
    sorted: Vec<Vec<u8>>,
    begins: [bool; 256],
    longest: usize,
    has_line_breaks: bool,
}

/// A form of a secret in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub start: usize,
    pub end: usize,
    form: usize,
}

impl Secrets {
    /// `None` if there are more than can be looked for.
    pub fn of(secrets: &[Secret]) -> Option<Secrets> {
        let mut forms: Vec<(Vec<u8>, Box<str>)> = Vec::new();
        for secret in secrets {
            let label: Box<str> = format!("[redacted secret {}:{}]", secret.name, secret.key).into();
            forms.extend(forms_of(&secret.value).into_iter().map(|form| (form, label.clone())));
        }
        // Of two secrets with one value the first gives its name.
        forms.sort_by(|a, b| a.0.cmp(&b.0));
        forms.dedup_by(|later, first| later.0 == first.0);
        if forms.is_empty() {
            return Some(Secrets(None));
        }
        let (sorted, labels): (Vec<_>, Vec<_>) = forms.into_iter().unzip();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&sorted)
            .ok()?;
        let mut begins = [false; 256];
        sorted.iter().for_each(|form| begins[usize::from(form[0])] = true);
        Some(Secrets(Some(Arc::new(Forms {
            search,
            labels,
            begins,
            longest: sorted.iter().map(Vec::len).max().unwrap_or_default(),
            has_line_breaks: sorted.iter().any(|form| form.contains(&b'\n')),
            sorted,
        }))))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn find(&self, text: &[u8], from: usize) -> Option<Found> {
        let forms = self.0.as_ref()?;
        let found = forms.search.find(&text[from..])?;
        Some(Found {
            start: from + found.start(),
            end: from + found.end(),
            form: found.pattern().as_usize(),
        })
    }

    pub fn label(&self, found: Found) -> &str {
        self.0.as_ref().map_or("", |forms| &forms.labels[found.form])
    }

    /// Where at the end of the text something begins that may become a secret; the text's length if nothing does.
    pub fn doubtful(&self, text: &[u8], from: usize) -> usize {
        let Some(forms) = &self.0 else {
            return text.len();
        };
        let mut start = from.max((text.len() + 1).saturating_sub(forms.longest));
        if !forms.has_line_breaks {
            let line = text[from..].iter().rposition(|byte| *byte == b'\n');
            start = start.max(line.map_or(from, |at| from + at + 1));
        }
        let begins = |at: &usize| forms.begins[usize::from(text[*at])] && forms.begin_like(&text[*at..]);
        (start..text.len()).find(begins).unwrap_or(text.len())
    }
}

impl Forms {
    /// Whether a form is longer than the text and begins with it.
    fn begin_like(&self, text: &[u8]) -> bool {
        let at = self.sorted.partition_point(|form| form.as_slice() <= text);
        self.sorted.get(at).is_some_and(|form| form.starts_with(text))
    }
}

/// A value as it is, encoded and decoded. A line break at its end is rarely printed with it, and a replacement that took
/// it along would join two lines.
fn forms_of(value: &[u8]) -> Vec<Vec<u8>> {
    let end = value
        .iter()
        .rposition(|byte| !b"\r\n".contains(byte))
        .map_or(0, |at| at + 1);
    let bare = &value[..end];
    if bare.len() < SHORTEST {
        return Vec::new();
    }
    let mut forms = vec![bare.to_vec(), STANDARD.encode(bare).into_bytes()];
    if bare.len() < value.len() {
        forms.push(STANDARD.encode(value).into_bytes());
    }
    let decoded = STANDARD.decode(bare).unwrap_or_default();
    forms.extend((decoded.len() >= SHORTEST).then_some(decoded));
    forms
}

/// What is kept back of a stream.
#[derive(Debug, Default)]
pub struct Held {
    /// The end of the stream that may be the beginning of a secret.
    text: Vec<u8>,
    /// How much of it has been let go already, because what follows it took too long.
    released: usize,
}

/// Whether everything that had to be replaced could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reach {
    Complete,
    /// A secret turned out to have begun in what was let go: the rest of it went out too, and both must be replaced
    /// where they are stored.
    Late,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Keep,
    LetGo,
}

impl Held {
    /// Whether something is waiting for what follows.
    pub fn is_waiting(&self) -> bool {
        self.text.len() > self.released
    }

    /// Whether something was let go that may be the beginning of a secret.
    pub fn has_released(&self) -> bool {
        self.released > 0
    }

    /// Takes the next piece; what is harmless, and replacements for what is not, go to `out`.
    pub fn push(&mut self, secrets: &Secrets, piece: &[u8], out: &mut Vec<u8>) -> Reach {
        self.step(secrets, piece, Doubt::Keep, out)
    }

    /// Nothing came for a while, or nothing more comes.
    pub fn let_go(&mut self, secrets: &Secrets, out: &mut Vec<u8>) -> Reach {
        self.step(secrets, &[], Doubt::LetGo, out)
    }

    /// What was stored ends with this beginning of a secret.
    pub fn resume_after(&mut self, released: Vec<u8>) {
        self.released = released.len();
        self.text = released;
    }

    fn step(&mut self, secrets: &Secrets, piece: &[u8], doubt: Doubt, out: &mut Vec<u8>) -> Reach {
        let mut text = std::mem::take(&mut self.text);
        let mut written = std::mem::take(&mut self.released);
        if text.is_empty() && secrets.is_empty() {
            out.extend_from_slice(piece);
            return Reach::Complete;
        }
        text.extend_from_slice(piece);
        let (released, mut at, mut reach) = (written, 0, Reach::Complete);
        let mut doubtful = secrets.doubtful(&text, 0);
        while let Some(found) = secrets.find(&text, at) {
            if doubt == Doubt::Keep && found.start >= doubtful {
                break;
            }
            if found.start < released {
                reach = Reach::Late;
                out.extend_from_slice(&text[written..found.end.max(written)]);
            } else {
                out.extend_from_slice(&text[written..found.start]);
                out.extend_from_slice(secrets.label(found).as_bytes());
            }
            written = found.end.max(written);
            at = found.end;
            if doubtful < at {
                doubtful = secrets.doubtful(&text, at);
            }
        }
        let until = if doubt == Doubt::Keep {
            doubtful.max(written)
        } else {
            text.len()
        };
        out.extend_from_slice(&text[written..until]);
        text.drain(..doubtful);
        self.released = until - doubtful;
        self.text = text;
        reach
    }
}

#[cfg(test)]
mod tests;
