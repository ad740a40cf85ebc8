//! Steps of live updates, and putting them together.

use std::path::Path;

use starlark::values::{AllocValue, Value};

use crate::model::command::Echo;
use crate::model::live::{Exec, InitialSync, LiveUpdate, Restart, Sync};
use crate::model::path;
use crate::model::quote::quoted;
use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::tiltfile::values::step::{
    AutoStep, FallBackOnStep, InitialSyncStep, PullStep, RestartContainerStep, RunStep, Step, StepId, SyncStep,
};

mod copied;
mod rules;

pub use copied::Copied;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "sync",
        params: &[
            Param::required("local_path", "str"),
            Param::required("remote_path", "str"),
            Param::optional("owner", "str", "''"),
            Param::optional("mode", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Step of a live update: a changed file, or one in a changed directory, is copied into the container. The remote path is absolute; one that ends with `/` keeps the file's name. A file belongs to whom the one that it replaces belonged to, else its folder; `owner` is `'container'` for the container's user, or numbers, `'uid:gid'`. Its mode is the local one; `mode` is `'existing'` for that of the file that it replaces, or octal, `'0644'`.",
        body: sync,
    },
    Builtin {
        name: "auto",
        params: &[],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Step of a live update of `docker_build`: syncs for what the Dockerfile copies from the context. A warning says which of its lines cannot be followed, and why.",
        body: auto,
    },
    Builtin {
        name: "pull",
        params: &[Param::required("paths", "str | list[str]")],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Step of a live update: what changes in the container at these places comes back into the project. They are local paths, or patterns such as `db/migrations/**`, each of them under a sync.",
        body: pull,
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
        params: &[Param::nullable("trigger", "str | list[str]", "[]")],
        rest: Rest::Refused,
        returns: "LiveUpdateStep",
        doc: "Last step of a live update: the container's process starts again, each time, or only if one of `trigger` changed.",
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
    let owner = call.string_or("owner", "")?;
    rules::owner(&owner)?;
    let mode = call.string_or("mode", "")?;
    rules::mode(&mode)?;
    made(call, |id| SyncStep {
        id,
        local,
        container,
        owner,
        mode,
    })
}

fn auto<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    made(call, |id| AutoStep { id })
}

fn pull<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let mut patterns = Vec::new();
    for pattern in rules::texts(call, "paths", "pull")? {
        patterns.push(rules::pulled(&call.run.directory(), &pattern)?);
    }
    match patterns.is_empty() {
        true => Err("paths can't be empty: name what comes back from the container".into()),
        false => made(call, |id| PullStep { id, patterns }),
    }
}

fn run<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let argv = call.argv("cmd")?;
    if argv.is_empty() {
        return Err("cmd can't be empty: give a command to run in the container".into());
    }
    let shown = !call.flag("echo_off", Flag::Off)?;
    let command = crate::model::command::Command::display(&argv);
    let triggers = rules::texts(call, "trigger", &format!("run cmd '{command}' triggers"))?;
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
    let triggers = rules::texts(call, "trigger", "restart_container triggers")?;
    made(call, |id| RestartContainerStep { id, triggers })
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
    live_update_of(call, param, None)
}

/// The same where a Dockerfile says what `auto()` means.
pub fn live_update_of(call: &Call, param: &str, build: Option<&Copied>) -> Result<LiveUpdate, Fault> {
    let values = call.one_or_many(param);
    if values.is_empty() {
        return Ok(LiveUpdate::default());
    }
    assemble(call, &values, build).map_err(|error| Fault::Said(format!("{param}: {error}")))
}

fn assemble(call: &Call, values: &[Value], build: Option<&Copied>) -> Result<LiveUpdate, String> {
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
        match step {
            Step::Auto(_) => draft.add_auto(call, build)?,
            step => draft.add(step)?,
        }
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
    fn add(&mut self, step: Step) -> Result<(), String> {
        match step {
            // Only the caller knows what it means.
            Step::Auto(_) => Ok(()),
            Step::Pull(step) => Ok(self.add_pull(step)?),
            Step::InitialSync(_) => Ok(self.add_initial_sync()?),
            Step::FallBackOn(step) => Ok(self.add_fall_back_on(step)?),
            Step::Sync(step) => Ok(self.add_sync(step)?),
            Step::Run(step) => Ok(self.add_run(step)?),
            Step::RestartContainer(step) => {
                self.reached = Stage::Restart;
                self.update.restart_triggers = step.triggers;
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
        self.reach_sync("all sync steps must precede all run steps")?;
        self.update.syncs.push(Sync {
            local: self.relative(&step.local),
            container: step.container,
            owner: rules::owner(&step.owner).unwrap_or_default(),
            mode: rules::mode(&step.mode).unwrap_or_default(),
        });
        Ok(())
    }

    fn add_pull(&mut self, step: PullStep) -> Result<(), &'static str> {
        self.reach_sync("all pull steps must precede all run steps")?;
        let patterns: Vec<String> = step.patterns.iter().map(|pattern| self.relative(pattern)).collect();
        self.update.pulls.extend(patterns);
        Ok(())
    }

    fn add_auto(&mut self, call: &Call, build: Option<&Copied>) -> Result<(), String> {
        self.reach_sync("auto must precede all run steps")?;
        let build = build.ok_or(
            "auto() works in docker_build only, whose Dockerfile says what is copied: write the syncs down instead",
        )?;
        let derived = build.derive();
        if derived.syncs.is_empty() {
            return Err(derived.nothing());
        }
        for warning in &derived.warnings {
            call.run.warn(warning);
        }
        let relative = |draft: &Draft, file: &Path| draft.relative(&file.display().to_string());
        for (file, sync) in derived.syncs {
            let local = relative(self, &file);
            self.update.syncs.push(Sync { local, ..sync });
        }
        let stops: Vec<String> = derived.stops.iter().map(|file| relative(self, file)).collect();
        self.update.stop_paths.extend(stops);
        Ok(())
    }

    fn reach_sync(&mut self, late: &'static str) -> Result<(), &'static str> {
        match self.reached {
            Stage::Restart => Err("restart container is only valid as the last step"),
            Stage::Run => Err(late),
            _ => {
                self.reached = Stage::Sync;
                Ok(())
            }
        }
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
    problems.extend(update.pulls.iter().filter_map(|pull| rules::place(update, pull).err()));
    match problems.as_slice() {
        [] => Ok(()),
        [problem] => Err(problem.clone()),
        _ => Err(format!("[{}]", problems.join(", "))),
    }
}

#[cfg(test)]
mod tests;
