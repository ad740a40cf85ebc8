//! Updates of resources: what is to be run is run to its end, and the end is told, whatever it is.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::sync::mpsc;

use crate::engine::action::{Action, Class, UpdateFailure, UpdateOutcome};
use crate::engine::effect::{Span, UpdateOrder, Work};
use crate::engine::logs::{Level, SpanWriter};
use crate::engine::perform::{Context, deploy, image, live};
use crate::model::command::Command;
use crate::world::process::Stream;
use crate::world::process::serve::{self, Chunk, Event, Exit, GRACE, Reports, Spec, Stop};

/// Pieces of output on their way to the log.
pub const MOST_CHUNKS: usize = 16;

pub fn start(order: UpdateOrder, stop: Stop, context: &Context) {
    let task = context.clone();
    context.tracker.spawn(async move {
        let update = order.update;
        let work = AssertUnwindSafe(run(order, &stop, &task)).catch_unwind();
        let outcome = work.await.unwrap_or_else(|_| {
            UpdateOutcome::Failed(UpdateFailure {
                class: Class::Internal,
                message: "the update panicked; this is a bug in tilt".to_owned(),
                exit: None,
            })
        });
        task.tell(Action::Updated { update, outcome });
    });
}

async fn run(order: UpdateOrder, stop: &Stop, context: &Context) -> UpdateOutcome {
    match order.work {
        Work::Nothing => UpdateOutcome::Done,
        Work::Impossible(message) => UpdateOutcome::Failed(UpdateFailure {
            class: Class::User,
            message,
            exit: None,
        }),
        Work::Remove(work) => deploy::remove(*work, stop, context).await,
        Work::Live(work) => live::live(order.update, *work, stop, context).await,
        Work::Images(work) => image::images(order.update, *work, stop, context).await,
        Work::Command { command, span } => {
            let exit = command_to_end(order.update, &command, (&span, stop), context).await;
            outcome(&command, exit)
        }
    }
}

async fn command_to_end(update: u64, command: &Command, (span, stop): (&Span, &Stop), context: &Context) -> Exit {
    let spec = Spec {
        argv: command.argv.clone(),
        dir: command.dir.clone(),
        env: context.surroundings.env(&command.env),
        grace: GRACE,
    };
    let (output, chunks) = mpsc::channel(MOST_CHUNKS);
    let writer = context.span(span);
    let events = |event: Event| match event {
        Event::Started { pid } => context.tell(Action::UpdateRuns { update, pid }),
        waiting => writer.info(&waiting.to_string()),
    };
    let reports = Reports {
        output: &output,
        events,
    };
    let guard = context.surroundings.guard.as_deref();
    let pump = context.tracker.spawn(write_all(chunks, writer.sibling()));
    let exit = serve::run(&spec, stop, guard, reports).await;
    drop(output);
    // All that it printed is in the log before its end is told.
    if pump.await.is_err() {
        writer.error("the output of this command could not be logged");
    }
    exit
}

fn outcome(command: &Command, exit: Exit) -> UpdateOutcome {
    if exit.is_stopped {
        return UpdateOutcome::Cancelled;
    }
    if exit.code == 0 {
        return UpdateOutcome::Done;
    }
    UpdateOutcome::Failed(UpdateFailure {
        class: Class::User,
        message: format!("Command {:?} failed: {}", Command::display(&command.argv), exit.reason),
        exit: Some((exit.code, exit.reason)),
    })
}

/// Two outputs are two streams, so their lines do not mix.
pub async fn write_all(mut chunks: mpsc::Receiver<Chunk>, stdout: SpanWriter) {
    let stderr = stdout.sibling();
    while let Some(chunk) = chunks.recv().await {
        let writer = match chunk.stream {
            Stream::Stdout => &stdout,
            Stream::Stderr => &stderr,
        };
        // The log is closed only once we are on our way out.
        if writer.write(Level::Info, &chunk.bytes).await.is_err() {
            return;
        }
    }
}
