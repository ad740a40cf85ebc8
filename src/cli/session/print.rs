//! The log as a stream on standard output, while it is written.

use std::io::Write;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::logs::query::{Query, Source};
use crate::engine::logs::{Checkpoint, Logs, Page, Segment};
use crate::engine::store;
use crate::ui::plain::{Options, Prefix, Printer};
use crate::ui::style::Style;

/// How much is read at a time.
const PIECE: usize = 256 << 10;

/// Prints until `over`, and then what is left. Whoever reads our output may stop reading; the session goes on.
pub async fn stream(logs: Logs, filter: Query, style: Style, over: CancellationToken) {
    let prefix = prefix(&filter);
    let mut output = Output {
        printer: Printer::new(Options { prefix, style }),
        filter,
        at: Checkpoint::default(),
        is_open: true,
    };
    let mut changes = logs.changes();
    while output.is_open && !over.is_cancelled() {
        output.catch_up(&logs);
        let pause = output.pause();
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { break },
            () = pause => {}
            () = over.cancelled() => {}
        }
    }
    logs.flush().await;
    output.catch_up(&logs);
    let rest = output.printer.finish();
    output.write(&rest);
}

/// Nothing stands before lines if exactly one resource was asked for.
pub fn prefix(filter: &Query) -> Prefix {
    match filter.resources.len() {
        1 => Prefix::Nothing,
        _ => Prefix::Resource,
    }
}

struct Output {
    printer: Printer,
    filter: Query,
    at: Checkpoint,
    is_open: bool,
}

impl Output {
    fn catch_up(&mut self, logs: &Logs) {
        loop {
            let page = match logs.read(self.at, PIECE) {
                Ok(page) => page,
                Err(error) => return crate::cli::output::say(format_args!("Error: {error}")),
            };
            let is_done = page.to == self.at;
            self.show(&page);
            if is_done {
                return;
            }
        }
    }

    fn show(&mut self, page: &Page) {
        let mut text = String::new();
        if page.gone > 0 {
            text.push_str(&self.printer.gap(page.gone));
        }
        let wanted: Vec<Segment> = page
            .segments
            .iter()
            .filter(|segment| matches(&self.filter, segment))
            .cloned()
            .collect();
        text.push_str(&self.printer.print(&wanted, store_now()));
        self.at = page.to;
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() || !self.is_open {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        self.is_open = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok();
    }

    /// Until an unfinished line is to be shown as it is.
    fn pause(&self) -> impl Future<Output = ()> + use<> {
        let wait = self.printer.wakes_at().map(|at| {
            let micros = at.0.saturating_sub(store_now().0);
            Duration::from_micros(u64::try_from(micros).unwrap_or_default())
        });
        async move {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }
}

fn store_now() -> crate::engine::logs::Time {
    crate::engine::logs::Time(store::now().micros())
}

fn matches(filter: &Query, segment: &Segment) -> bool {
    let source = Source::of_span(&segment.span.id);
    let is_wanted = |wanted: &String| *wanted.as_str() == *segment.span.resource;
    (filter.resources.is_empty() || filter.resources.iter().any(is_wanted))
        && filter
            .level
            .is_none_or(|level| segment.level == level || segment.fields.build_event.is_some())
        && (filter.source == Source::All || filter.source == source)
}
