//! A session from its first line to its exit code: `tilt up`, `tilt ci`, `tilt alpha updog`.

pub mod args;
mod end;
mod files;
mod print;
mod setup;
pub mod signals;
mod starter;

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::cli::args::{Global, TiltfileArgs};
use crate::cli::exit::Exit;
use crate::engine::logs::Level;
use crate::engine::logs::query::{Query, Source};
use crate::engine::perform::Detail;
use crate::engine::state::Mode;
use crate::model::duration::Duration as GoDuration;
use crate::ui::summary::save::Wanted;
use crate::world::coalesce::Settle;

use args::{CiArgs, ImageArgs, LogFilterArgs, LogLevel, LogSource, ServeArgs, UpArgs, UpdateMode, UpdogArgs};

/// What a session is asked to be.
pub struct Plan {
    pub mode: Mode,
    pub subcommand: &'static str,
    pub tiltfile: TiltfileArgs,
    pub serve: ServeArgs,
    pub filter: Query,
    pub view: View,
    pub timeout: Option<Duration>,
    pub settle: Settle,
    pub images: ImageArgs,
    /// Whether ports of pods are forwarded.
    pub forwards_ports: bool,
    /// How running containers are updated.
    pub update_mode: UpdateMode,
    pub detail: Detail,
    pub reports: Wanted,
    /// Where to write the session as it was at its end.
    pub snapshot: Option<PathBuf>,
    /// Files of objects to begin with.
    pub objects: Vec<PathBuf>,
}

/// How a session shows what goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Stream,
    /// A block at the end of the terminal that is kept up to date.
    Live,
}

pub fn up(args: UpArgs, global: &Global) -> Result<(), Exit> {
    let quiet = duration(&args.settle, "settle")?;
    starter::offer(&args.tiltfile.file)?;
    let view = match !args.stream && setup::is_terminal() {
        true => View::Live,
        false => View::Stream,
    };
    run(Plan {
        mode: Mode::Up,
        subcommand: "up",
        filter: filter(&args.log),
        tiltfile: args.tiltfile,
        serve: args.serve,
        view,
        images: args.images,
        forwards_ports: !args.disable_port_forwards,
        update_mode: args.update_mode,
        detail: detail(global),
        timeout: None,
        settle: Settle {
            quiet,
            widest: Settle::default().widest.max(quiet),
            longest: Settle::default().longest.max(quiet),
            ..Settle::default()
        },
        reports: Wanted::default(),
        snapshot: args.output_snapshot_on_exit,
        objects: Vec::new(),
    })
}

pub fn ci(args: CiArgs, global: &Global) -> Result<(), Exit> {
    let timeout = args
        .timeout
        .as_deref()
        .map(|text| duration(text, "timeout"))
        .transpose()?;
    run(Plan {
        mode: Mode::Ci,
        subcommand: "ci",
        filter: filter(&args.log),
        tiltfile: args.tiltfile,
        serve: args.serve,
        view: View::Stream,
        images: args.images,
        forwards_ports: false,
        update_mode: UpdateMode::Auto,
        detail: detail(global),
        timeout,
        settle: Settle::default(),
        reports: Wanted {
            json: args.output_json,
            junit: args.output_junit,
        },
        snapshot: args.output_snapshot_on_exit,
        objects: Vec::new(),
    })
}

pub fn updog(args: UpdogArgs) -> Result<(), Exit> {
    run(Plan {
        mode: Mode::Objects,
        subcommand: "updog",
        tiltfile: TiltfileArgs::default(),
        serve: args.serve,
        filter: Query::default(),
        view: View::Stream,
        images: ImageArgs::default(),
        forwards_ports: true,
        update_mode: UpdateMode::Auto,
        detail: Detail::Usual,
        timeout: None,
        settle: Settle::default(),
        reports: Wanted::default(),
        snapshot: None,
        objects: args.files,
    })
}

fn run(plan: Plan) -> Result<(), Exit> {
    // Two threads serve any number of resources; what blocks has threads of its own, which go when they are idle.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(Duration::from_secs(2))
        .enable_all()
        .build()
        .map_err(|error| Exit::error(format!("no threads: {error}")))?;
    let outcome = runtime.block_on(setup::session(plan));
    // An evaluation that does not come to an end must not keep us.
    runtime.shutdown_background();
    outcome
}

fn detail(global: &Global) -> Detail {
    match global.debug || global.verbose {
        true => Detail::All,
        false => Detail::Usual,
    }
}

fn duration(text: &str, flag: &str) -> Result<Duration, Exit> {
    let parsed =
        GoDuration::parse(text).map_err(|error| Exit::error(format!("invalid argument for --{flag}: {error}")))?;
    parsed
        .to_std()
        .ok_or_else(|| Exit::error(format!("invalid argument for --{flag}: {text} is less than nothing")))
}

fn filter(args: &LogFilterArgs) -> Query {
    Query {
        resources: args.log_resource.clone(),
        level: args.log_level.map(|level| match level {
            LogLevel::Warn => Level::Warn,
            LogLevel::Error => Level::Error,
        }),
        source: match args.log_source {
            LogSource::All => Source::All,
            LogSource::Build => Source::Build,
            LogSource::Runtime => Source::Runtime,
        },
        ..Query::default()
    }
}
