//! Steps of a live update, as `sync()`, `run()` and their like return them.
//!
//! Extensions read their printed forms and the names of their types, so both are part of the language.

use std::fmt;

use starlark::starlark_simple_value;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue, Value, starlark_value};

/// Counts steps of one evaluation, so that one which nobody used can be named.
pub type StepId = usize;

macro_rules! step {
    ($name:ident, $type:literal, { $($field:ident: $of:ty),* $(,)? }) => {
        #[derive(Debug, Clone, ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
        pub struct $name {
            pub id: StepId,
            $(pub $field: $of,)*
        }

        starlark_simple_value!($name);

        #[starlark_value(type = $type)]
        impl<'v> StarlarkValue<'v> for $name {}
    };
}

step!(SyncStep, "live_update_sync_step", { local: String, container: String, owner: String, mode: String });
step!(PullStep, "live_update_pull_step", { patterns: Vec<String> });
step!(AutoStep, "live_update_auto_step", {});
step!(RunStep, "live_update_run_step", { argv: Vec<String>, triggers: Vec<String>, shown: bool });
step!(FallBackOnStep, "live_update_fall_back_on_step", { files: Vec<String> });
step!(InitialSyncStep, "live_update_initial_sync_step", {});
step!(RestartContainerStep, "live_update_restart_container_step", { triggers: Vec<String> });

impl fmt::Display for SyncStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sync step: '{}'->'{}'", self.local, self.container)
    }
}

impl fmt::Display for PullStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pull step: [{}]", self.patterns.join(" "))
    }
}

impl fmt::Display for AutoStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("auto step")
    }
}

impl fmt::Display for RunStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = crate::model::command::Command::display(&self.argv);
        write!(f, "run step: {}", crate::model::quote::quoted(&command))?;
        if self.triggers.is_empty() {
            return Ok(());
        }
        write!(f, " (triggers: {})", self.triggers.join("; "))
    }
}

impl fmt::Display for FallBackOnStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fall_back_on step: [{}]'", self.files.join(" "))
    }
}

impl fmt::Display for InitialSyncStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("initial_sync step")
    }
}

impl fmt::Display for RestartContainerStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("restart_container step")?;
        match self.triggers.as_slice() {
            [] => Ok(()),
            triggers => write!(f, " (triggers: {})", triggers.join("; ")),
        }
    }
}

/// Any of the steps.
#[derive(Debug, Clone)]
pub enum Step {
    Sync(SyncStep),
    Auto(AutoStep),
    Pull(PullStep),
    Run(RunStep),
    FallBackOn(FallBackOnStep),
    InitialSync(InitialSyncStep),
    RestartContainer(RestartContainerStep),
}

impl Step {
    pub fn from_value(value: Value) -> Option<Step> {
        let step = SyncStep::from_value(value).cloned().map(Step::Sync);
        step.or_else(|| AutoStep::from_value(value).cloned().map(Step::Auto))
            .or_else(|| PullStep::from_value(value).cloned().map(Step::Pull))
            .or_else(|| RunStep::from_value(value).cloned().map(Step::Run))
            .or_else(|| FallBackOnStep::from_value(value).cloned().map(Step::FallBackOn))
            .or_else(|| InitialSyncStep::from_value(value).cloned().map(Step::InitialSync))
            .or_else(|| {
                RestartContainerStep::from_value(value)
                    .cloned()
                    .map(Step::RestartContainer)
            })
    }

    pub fn id(&self) -> StepId {
        match self {
            Step::Sync(step) => step.id,
            Step::Auto(step) => step.id,
            Step::Pull(step) => step.id,
            Step::Run(step) => step.id,
            Step::FallBackOn(step) => step.id,
            Step::InitialSync(step) => step.id,
            Step::RestartContainer(step) => step.id,
        }
    }
}
