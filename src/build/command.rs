//! Commands of builds: run to their end, their output told line by line.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::build::{Level, Report, Reports};
use crate::model::local_env::{Injected, local_env};
use crate::world::guard::Guard;
use crate::world::process::lines::Lines;
use crate::world::process::serve::{self, Event, Exit, Spec, Stop};

/// Pieces of output on their way to the log.
const MOST_CHUNKS: usize = 16;

/// What commands of the user's run in.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    /// What they are told about this Tilt.
    pub injected: Option<Injected>,
    /// Ends them if we are killed.
    pub guard: Option<Arc<Guard>>,
    /// Kills those that were asked to end and do not.
    pub kill: CancellationToken,
}

impl Commands {
    /// The environment of a command: `base` is our own, `own` what its definition adds, `NAME=value`.
    pub fn env(&self, base: &BTreeMap<String, String>, own: &[String]) -> BTreeMap<String, String> {
        if let Some(injected) = &self.injected {
            return local_env(base, injected, own);
        }
        let own = own.iter().filter_map(|entry| entry.split_once('='));
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        base.clone().into_iter().chain(own).collect()
    }

    pub async fn run(&self, spec: &Spec, stop: &CancellationToken, reports: Reports<'_>) -> Exit {
        let stop = Stop {
            politely: stop.clone(),
            at_once: self.kill.clone(),
        };
        let say = |text: String| {
            reports(Report::Line {
                level: Level::Info,
                text,
            });
        };
        let events = |event: Event| match event {
            Event::Started { .. } => {}
            waiting => say(waiting.to_string()),
        };
        let (output, mut chunks) = mpsc::channel(MOST_CHUNKS);
        let running = async move {
            let reports = serve::Reports {
                output: &output,
                events,
            };
            serve::run(spec, &stop, self.guard.as_deref(), reports).await
        };
        let telling = async {
            let mut lines = Lines::default();
            while let Some(chunk) = chunks.recv().await {
                lines.take(chunk.stream, &chunk.bytes).into_iter().for_each(say);
            }
            lines.finish().into_iter().for_each(say);
        };
        let (exit, ()) = tokio::join!(running, telling);
        exit
    }
}
