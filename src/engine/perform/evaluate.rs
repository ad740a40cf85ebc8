//! Evaluations, each on a thread of its own: a Tiltfile may run commands and take its time.

use crate::engine::action::Action;
use crate::engine::effect::EvaluateOrder;
use crate::engine::logs::{Fields, Level};
use crate::engine::perform::Context;
use crate::model::project::{Evaluation, Hashes};
use crate::model::report::Failure;
use crate::tiltfile::{self, Request, host};
use crate::world::process::Cancel;

pub fn evaluate(order: EvaluateOrder, cancel: Cancel, context: &Context) {
    let request = Request {
        tiltfile: order.path.clone(),
        args: order.args.clone(),
        cancel,
        ..context.surroundings.request.clone()
    };
    let log = context.span(&order.span);
    let task = context.clone();
    let path = order.path.clone();
    let run = context.tracker.spawn_blocking(move || {
        tiltfile::evaluate(request, |line| {
            let level = match line.level {
                host::Level::Info => Level::Info,
                host::Level::Warn => Level::Warn,
                host::Level::Error => Level::Error,
            };
            log.line(level, &line.text, Fields::default());
        })
    });
    context.tracker.spawn(async move {
        let evaluation = run.await.unwrap_or_else(|_| Evaluation {
            project: Err(Failure::whole("the evaluator panicked; this is a bug in tilt")),
            config_files: vec![path],
            hashes: Hashes::default(),
            warnings: 0,
            timings: Vec::new(),
        });
        task.tell(Action::Evaluated {
            tiltfile: order.tiltfile,
            run: order.run,
            evaluation: Box::new(evaluation),
        });
    });
}
