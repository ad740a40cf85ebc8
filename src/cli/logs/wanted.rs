//! Pure. The flags of `tilt logs`, checked.

use crate::cli::exit::Exit;
use crate::cli::instance::Logs;
use crate::cli::session::args::{LogLevel, LogSource};
use crate::engine::logs::query::{Query, Search, Source};
use crate::engine::logs::{Level, Time};
use crate::model::duration::Duration;
use crate::ui::plain::Prefix;

/// Which lines, and how they are printed.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub query: Query,
    /// Of the lines that are there already, the newest so many.
    pub tail: Option<usize>,
    pub format: Format,
    pub prefix: Prefix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl Wanted {
    pub fn new(args: &Logs, now: Time) -> Result<Wanted, Exit> {
        Ok(Wanted {
            query: Query {
                resources: args.resources.clone(),
                level: args.level.map(level),
                source: source(args.source),
                since: args.since.as_deref().map(|text| since(text, now)).transpose()?,
                search: args.search.as_deref().map(search).transpose()?,
                ..Query::default()
            },
            tail: tail(args.tail)?,
            format: if args.json { Format::Json } else { Format::Text },
            prefix: match args.resources.len() {
                1 => Prefix::Nothing,
                _ => Prefix::Resource,
            },
        })
    }
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    }
}

fn source(source: LogSource) -> Source {
    match source {
        LogSource::All => Source::All,
        LogSource::Build => Source::Build,
        LogSource::Runtime => Source::Runtime,
    }
}

fn search(text: &str) -> Result<Search, Exit> {
    Search::parse(text).map_err(|error| Exit::error(format!("invalid argument for --search: {error}")))
}

fn since(text: &str, now: Time) -> Result<Time, Exit> {
    let ago = Duration::parse(text).map_err(|error| Exit::error(format!("invalid argument for --since: {error}")))?;
    if ago.nanos() < 0 {
        return Err(Exit::error(format!(
            "invalid argument for --since: {text} is less than nothing"
        )));
    }
    Ok(now.plus(-(ago.nanos() / 1000)))
}

fn tail(count: i64) -> Result<Option<usize>, Exit> {
    match count {
        -1 => Ok(None),
        count => usize::try_from(count).map(Some).map_err(|_| {
            Exit::error(format!(
                "invalid argument for --tail: {count} is less than -1, which means all"
            ))
        }),
    }
}
