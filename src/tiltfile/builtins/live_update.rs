//! Steps of live updates, and putting them together.

use starlark::values::{AllocValue, Value};

use crate::model::command::Echo;
use crate::model::live::{Exec, InitialSync, LiveUpdate, Restart, Sync};
use crate::model::path;
use crate::model::quote::quoted;
use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::tiltfile::values::step::{
    FallBackOnStep, InitialSyncStep, RestartContainerStep, RunStep, Step, StepId, SyncStep,
};

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "sync",
        params: &[
            Param::required("local_path", "str"),
            Param::required("remote_path", "str"),
        ],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Step of a live update: a changed file, or one in a changed directory, is copied into the container. The remote path is absolute; one that ends with `/` keeps the file's name.",
        body: sync,
    },
    Builtin {
        name: "run",
        params: &[
            Param::required("cmd", "str | list[str]"),
            Param::nullable("trigger", "str | list[str]", "[]"),
            Param::optional("echo_off", "bool", "False"),
        ],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Step of a live update: a command runs in the container after files were copied, each time, or only if one of `trigger` changed.",
        body: run,
    },
    Builtin {
        name: "fall_back_on",
        params: &[Param::required("paths", "str | list[str]").or("files")],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Step of a live update: if one of these files changes, the image is built anew instead. Stands before all others.",
        body: fall_back_on,
    },
    Builtin {
        name: "initial_sync",
        params: &[],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "First step of a live update: whenever a container starts, all synced files are copied into it.",
        body: initial_sync,
    },
    Builtin {
        name: "restart_container",
        params: &[],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Last step of a live update: the container starts again. For Docker Compose only; on Kubernetes use the extension `restart_process`.",
        body: restart_container,
    },
];

fn sync<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let local = call
        .run
        .absolute(&call.string_or("local_path", "")?)
        .display()
        .to_string();
    let container = call.string_or("remote_path", "")?;
    made(call, |id| SyncStep { id, local, container })
}

fn run<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let argv = call.argv("cmd")?;
    if argv.is_empty() {
        return Err("cmd can't be empty: give a command to run in the container".into());
    }
    let shown = !call.flag("echo_off", Flag::Off)?;
    let triggers = call.one_or_many("trigger").into_iter().map(|value| {
        let text = value.unpack_str().map(str::to_owned);
        text.ok_or_else(|| {
            let (command, of) = (crate::model::command::Command::display(&argv), value.get_type());
            let value = print::repr(value);
            Fault::Said(format!(
                "run cmd '{command}' triggers contained value '{value}' of type '{of}'. it may only contain strings"
            ))
        })
    });
    let triggers = triggers.collect::<Result<Vec<String>, Fault>>()?;
    made(call, |id| RunStep {
        id,
        argv,
        triggers,
        shown,
    })
}

fn fall_back_on<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let files = call
        .paths("paths")?
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    made(call, |id| FallBackOnStep { id, files })
}

fn initial_sync<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    made(call, |id| InitialSyncStep { id })
}

fn restart_container<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    made(call, |id| RestartContainerStep { id })
}

/// A new step, noted so that it is missed if nobody uses it.
fn made<'v, S>(call: &mut Call<'v, '_, '_, '_>, step: impl FnOnce(StepId) -> S) -> Outcome<'v>
where
    S: AllocValue<'v>,
{
    let id = call.run.declared.borrow().images.steps.next_id();
    let value = call.alloc(step(id));
    let shown = format!("value '{}' of type '{}'", print::display(value), value.get_type());
    let position = call.position();
    call.run.declared.borrow_mut().images.steps.record(position, shown);
    Ok(value)
}

/// The live update that a parameter describes; none if it was not given, is None or an empty list.
pub fn live_update(call: &Call, param: &str) -> Result<LiveUpdate, Fault> {
    let values = call.one_or_many(param);
    if values.is_empty() {
        return Ok(LiveUpdate::default());
    }
    assemble(call, &values).map_err(|error| Fault::Said(format!("{param}: {error}")))
}

fn assemble(call: &Call, values: &[Value]) -> Result<LiveUpdate, String> {
    let mut draft = Draft {
        update: LiveUpdate {
            base: call.run.directory(),
            ..LiveUpdate::default()
        },
        reached: Stage::Start,
    };
    for value in values {
        let step = Step::from_value(*value).ok_or_else(|| {
            let (shown, of) = (print::repr(*value), value.get_type());
            format!("'steps' must be a list of live update steps - got value '{shown}' of type '{of}'")
        })?;
        let id = step.id();
        draft.add(step)?;
        call.run.declared.borrow_mut().images.steps.consume(id);
    }
    check(&draft.update)?;
    Ok(draft.update)
}

/// How far down its list a live update has come: kinds of steps follow each other in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Start,
    FallBackOn,
    Sync,
    Run,
    Restart,
}

struct Draft {
    update: LiveUpdate,
    reached: Stage,
}

impl Draft {
    fn add(&mut self, step: Step) -> Result<(), &'static str> {
        match step {
            Step::InitialSync(_) => self.add_initial_sync(),
            Step::FallBackOn(step) => self.add_fall_back_on(step),
            Step::Sync(step) => self.add_sync(step),
            Step::Run(step) => self.add_run(step),
            Step::RestartContainer(_) => {
                self.reached = Stage::Restart;
                self.update.restart = Restart::Always;
                Ok(())
            }
        }
    }

    fn add_initial_sync(&mut self) -> Result<(), &'static str> {
        if self.reached > Stage::Start || self.update.initial_sync == InitialSync::Copy {
            return Err("initial_sync must appear at most once, at the start of the list");
        }
        self.update.initial_sync = InitialSync::Copy;
        Ok(())
    }

    fn add_fall_back_on(&mut self, step: FallBackOnStep) -> Result<(), &'static str> {
        if self.reached > Stage::FallBackOn {
            return Err("fall_back_on steps must appear at the start of the list");
        }
        self.reached = Stage::FallBackOn;
        let files = step
            .files
            .iter()
            .map(|file| self.relative(file))
            .collect::<Vec<String>>();
        self.update.stop_paths.extend(files);
        Ok(())
    }

    fn add_sync(&mut self, step: SyncStep) -> Result<(), &'static str> {
        match self.reached {
            Stage::Restart => return Err("restart container is only valid as the last step"),
            Stage::Run => return Err("all sync steps must precede all run steps"),
            _ => self.reached = Stage::Sync,
        }
        self.update.syncs.push(Sync {
            local: self.relative(&step.local),
            container: step.container,
        });
        Ok(())
    }

    fn add_run(&mut self, step: RunStep) -> Result<(), &'static str> {
        if self.reached == Stage::Restart {
            return Err("restart container is only valid as the last step");
        }
        self.reached = Stage::Run;
        self.update.execs.push(Exec {
            argv: step.argv,
            triggers: step.triggers,
            echo: if step.shown { Echo::On } else { Echo::Off },
        });
        Ok(())
    }

    /// Both paths are absolute, so there is always a way from one to the other.
    fn relative(&self, file: &str) -> String {
        path::relative(&self.update.base, file).map_or_else(|_| file.to_owned(), |way| way.display().to_string())
    }
}

/// What the API says of a live update that cannot work, in its words.
fn check(update: &LiveUpdate) -> Result<(), String> {
    let mut problems = Vec::new();
    if update.syncs.is_empty() && update.execs.is_empty() {
        problems.push(
            "spec.syncs: Invalid value: null: must contain at least 1 sync or 1 exec to run on live update".to_owned(),
        );
    }
    for (index, sync) in update.syncs.iter().enumerate() {
        if !sync.container.starts_with('/') {
            let shown = quoted(&sync.container);
            problems.push(format!(
                "spec.syncs[{index}]: Invalid value: {shown}: sync destination is not absolute"
            ));
        }
    }
    match problems.as_slice() {
        [] => Ok(()),
        [problem] => Err(problem.clone()),
        _ => Err(format!("[{}]", problems.join(", "))),
    }
}

#[cfg(test)]
mod tests;
