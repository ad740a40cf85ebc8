//! Pure. What the store holds: segments of text, each of one span, and where a reader stands.

use std::sync::Arc;

/// How severe a text is, from what nobody needs a name for to what went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Level {
    None,
    #[default]
    Info,
    Verbose,
    Debug,
    Warn,
    Error,
}

impl Level {
    pub const ALL: [Level; 6] = [
        Level::None,
        Level::Info,
        Level::Verbose,
        Level::Debug,
        Level::Warn,
        Level::Error,
    ];

    /// As the web interface writes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::None => "NONE",
            Level::Info => "INFO",
            Level::Verbose => "VERBOSE",
            Level::Debug => "DEBUG",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        }
    }

    pub fn of_name(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Warnings and errors: what is labelled, and what `--level` can ask for.
    pub fn is_severe(self) -> bool {
        matches!(self, Level::Warn | Level::Error)
    }
}

/// Microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn plus(self, micros: i64) -> Time {
        Time(self.0.saturating_add(micros))
    }
}

/// A place between two segments. Checkpoints only grow, whatever is dropped from the store meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checkpoint(pub u64);

/// What an update's output is marked with, so that its beginning can be set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuildEvent {
    /// An update begins.
    Init,
    /// A live update gives up and a full build begins.
    Fallback,
}

impl BuildEvent {
    pub fn name(self) -> &'static str {
        match self {
            BuildEvent::Init => "init",
            BuildEvent::Fallback => "fallback",
        }
    }

    pub fn of_name(name: &str) -> Option<BuildEvent> {
        [BuildEvent::Init, BuildEvent::Fallback]
            .into_iter()
            .find(|event| event.name() == name)
    }
}

/// Lines of one progress replace one another; a printer that cannot replace leaves most of them out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    pub id: Box<str>,
    pub weight: Weight,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Weight {
    #[default]
    Skippable,
    MustPrint,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fields {
    pub build_event: Option<BuildEvent>,
    pub progress: Option<Progress>,
}

impl Fields {
    pub fn of_event(event: BuildEvent) -> Fields {
        Fields {
            build_event: Some(event),
            progress: None,
        }
    }

    pub fn of_progress(id: &str, weight: Weight) -> Fields {
        Fields {
            build_event: None,
            progress: Some(Progress { id: id.into(), weight }),
        }
    }
}

/// Where text comes from, and which resource that belongs to; none for what concerns the whole session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub id: Box<str>,
    pub resource: Box<str>,
}

/// A line, or a part of one: text with at most one line break, at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub span: Arc<Span>,
    pub time: Time,
    pub level: Level,
    /// The first of a warning or an error that may have more lines.
    pub anchor: bool,
    /// Goes on in the line that the span's segment before it began.
    pub continues: bool,
    pub fields: Fields,
    pub text: Box<str>,
}

impl Segment {
    pub fn ends_line(&self) -> bool {
        self.text.ends_with('\n')
    }
}

/// A part of the store, as one reader gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub segments: Vec<Segment>,
    /// Where the page begins: what was asked for, or the oldest that is still kept.
    pub from: Checkpoint,
    /// Where to go on.
    pub to: Checkpoint,
    /// How many segments between what was asked for and `from` are gone.
    pub gone: u64,
}
