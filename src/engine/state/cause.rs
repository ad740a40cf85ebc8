//! Pure. Why something runs, and why something waits: causes that can be printed.

use std::fmt;
use std::path::PathBuf;

use crate::engine::state::Name;
use crate::model::time::Time;

/// Why an update or an evaluation runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    Initial,
    /// Files that changed.
    Files(Vec<PathBuf>),
    /// The Tiltfile declares it differently now.
    Config,
    Trigger(TriggerSource),
    /// The arguments of the Tiltfile changed.
    Args,
    /// It was disabled and is enabled again.
    Enabled,
    /// The run before was given up for a newer save.
    Superseded,
    /// An image that it uses was built by another resource.
    Dependency,
    /// It failed for what lies outside the project.
    Retry,
    /// A container started from the image, and lacks what others have got since.
    Container,
    /// Its containers could not be changed in place.
    FellBack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TriggerSource {
    Web,
    Cli,
    Hud,
    Unknown,
}

impl TriggerSource {
    /// As the web port's clients number them.
    pub fn of_code(code: i64) -> TriggerSource {
        match code {
            16 => TriggerSource::Web,
            32 => TriggerSource::Cli,
            128 => TriggerSource::Hud,
            _ => TriggerSource::Unknown,
        }
    }

    pub fn code(self) -> i64 {
        match self {
            TriggerSource::Web => 16,
            TriggerSource::Cli => 32,
            TriggerSource::Unknown => 64,
            TriggerSource::Hud => 128,
        }
    }

    pub fn shown(self) -> &'static str {
        match self {
            TriggerSource::Web => "Web Trigger",
            TriggerSource::Cli => "CLI Trigger",
            TriggerSource::Hud => "HUD Trigger",
            TriggerSource::Unknown => "Unknown Trigger",
        }
    }
}

/// Why something that is due does not run yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A Tiltfile is being evaluated; what comes of it is not known.
    TiltfileReload {
        tiltfile: Name,
    },
    /// A command runs that must be alone.
    WaitingForLocal {
        on: Name,
    },
    /// Its command must be alone, and something runs.
    IsUnparallelizable {
        on: Vec<Name>,
    },
    WaitingForDeps {
        on: Vec<Name>,
    },
    /// Its files are not watched yet: a save that nobody sees would be lost.
    StartingWatch,
    /// An update of the resource of this name that was removed has not ended yet.
    StillEnding,
    /// An image that it needs is being built by the update of another resource.
    BuildingImage {
        image: Name,
        on: Name,
    },
    /// It failed for what lies outside the project, and is tried again in a moment.
    Retry {
        failures: u32,
        at: Time,
    },
    /// There is no cluster to deploy to, or nothing is known of it yet.
    WaitingForCluster {
        error: Option<String>,
    },
    /// What changed goes into a container that is not there yet, or that we do not reach yet.
    WaitingForContainer {
        container: Option<Name>,
    },
    /// Objects that belong to no resource are deployed first.
    WaitingForUncategorized,
    /// As many updates run as may.
    NoSlot {
        most: u32,
    },
    /// Its trigger mode is manual: it waits to be asked for.
    Manual {
        files: usize,
    },
    /// Never started and not to be started by itself.
    ManualInit,
    /// It keeps changing its own inputs.
    Loop {
        files: Vec<PathBuf>,
        times: u32,
    },
    Disabled,
    /// No Tiltfile has been evaluated yet.
    ShuttingDown,
}

impl Hold {
    /// The word that the API and `tilt ci` use.
    pub fn reason(&self) -> &'static str {
        match self {
            Hold::TiltfileReload { .. } => "tiltfile-reload",
            Hold::WaitingForLocal { .. } => "waiting-for-local",
            Hold::IsUnparallelizable { .. } => "is-unparallelizable-local",
            Hold::WaitingForDeps { .. } => "waiting-for-dep",
            Hold::StartingWatch => "starting-watch",
            Hold::StillEnding | Hold::BuildingImage { .. } => "building-component",
            Hold::Retry { .. } => "waiting-for-retry",
            Hold::WaitingForCluster { .. } => "waiting-for-cluster",
            Hold::WaitingForContainer { .. } => "waiting-for-deploy",
            Hold::WaitingForUncategorized => "waiting-for-uncategorized",
            Hold::NoSlot { .. } => "waiting-for-slot",
            Hold::Manual { .. } | Hold::ManualInit => "waiting-for-trigger",
            Hold::Loop { .. } => "changes-own-inputs",
            Hold::Disabled => "disabled",
            Hold::ShuttingDown => "shutting-down",
        }
    }

    /// What is waited for, by the names of resources.
    pub fn on(&self) -> &[Name] {
        match self {
            Hold::TiltfileReload { tiltfile } => std::slice::from_ref(tiltfile),
            Hold::WaitingForLocal { on } | Hold::BuildingImage { on, .. } => std::slice::from_ref(on),
            Hold::IsUnparallelizable { on } | Hold::WaitingForDeps { on } => on,
            _ => &[],
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Initial => f.write_str("Initial Build"),
            Cause::Files(files) if files.len() == 1 => write!(f, "1 File Changed: {}", shown(files)),
            Cause::Files(files) => write!(f, "{} Files Changed: {}", files.len(), shown(files)),
            Cause::Config => f.write_str("Config Changed"),
            Cause::Trigger(source) => f.write_str(source.shown()),
            Cause::Args => f.write_str("Tilt Args"),
            Cause::Enabled => f.write_str("Initial Build"),
            Cause::Superseded => f.write_str("Newer Save"),
            Cause::Dependency => f.write_str("Dependency Updated"),
            Cause::Retry => f.write_str("Trying Again"),
            Cause::Container => f.write_str("New Container"),
            Cause::FellBack => f.write_str("Live Update Failed"),
        }
    }
}

/// The first few paths in brackets, by what people call them: upstream prints them all up to five.
fn shown(files: &[PathBuf]) -> String {
    const MOST: usize = 5;
    let names: Vec<String> = files.iter().take(MOST).map(|path| path.display().to_string()).collect();
    match files.len().checked_sub(MOST).filter(|rest| *rest > 0) {
        Some(rest) => format!("[{} … and {rest} more]", names.join(" ")),
        None => format!("[{}]", names.join(" ")),
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::TiltfileReload { tiltfile } => write!(f, "waits until {tiltfile} is evaluated"),
            Hold::WaitingForLocal { on } => write!(f, "waits for {on}, whose command runs alone"),
            Hold::IsUnparallelizable { on } => write!(
                f,
                "its command runs alone, so it waits for {}; allow_parallel=True would let it start",
                on.join(", ")
            ),
            Hold::WaitingForDeps { on } => write!(f, "waits until {} has been ready once", on.join(", ")),
            Hold::BuildingImage { image, on } => write!(f, "waits for the image {image}, which {on} builds"),
            Hold::Retry { failures, at } => write!(
                f,
                "failed for what lies outside the project ({failures} times) and is tried again at {}",
                at.to_seconds_text()
            ),
            Hold::StillEnding => f.write_str("waits until its update from before has ended"),
            Hold::StartingWatch => f.write_str("waits until its files are watched, so that no save is lost"),
            Hold::WaitingForCluster { error: None } => f.write_str("waits for the cluster to be connected"),
            Hold::WaitingForCluster { error: Some(error) } => write!(f, "waits for the cluster: {error}"),
            Hold::WaitingForContainer { container: None } => f.write_str("waits for its pods, to change them in place"),
            Hold::WaitingForContainer { container: Some(name) } => {
                write!(f, "waits for container {name}, to change it in place")
            }
            Hold::WaitingForUncategorized => f.write_str("waits for the objects that belong to no resource"),
            Hold::NoSlot { most } => write!(
                f,
                "waits for a free slot: {most} updates run at a time (update_settings(max_parallel_updates))"
            ),
            Hold::Manual { files } => write!(
                f,
                "{files} changed files wait for a trigger: its trigger mode is manual"
            ),
            Hold::ManualInit => f.write_str("starts when it is triggered: auto_init is off"),
            Hold::Loop { files, times } => write!(
                f,
                "changed its own inputs {times} times in a row ({}); leave them out with ignore=, or trigger it",
                shown(files)
            ),
            Hold::Disabled => f.write_str("is disabled"),
            Hold::ShuttingDown => f.write_str("tilt is shutting down"),
        }
    }
}
