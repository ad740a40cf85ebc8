//! Flags of the commands that run a session: `up`, `ci` and `alpha updog`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::TiltfileArgs;

#[derive(Args, Debug, Clone)]
#[command(after_help = "Examples:
  tilt up                     run everything that ./Tiltfile declares, and follow changes
  tilt up frontend api        only these resources, and what they depend on
  tilt up -f dev/Tiltfile     another Tiltfile
  tilt up -- --greeting=hi    arguments that the Tiltfile defines with config.define_string
  tilt up --port 10360        a second instance beside the first")]
pub struct UpArgs {
    #[command(flatten)]
    pub tiltfile: TiltfileArgs,
    #[command(flatten)]
    pub serve: ServeArgs,
    #[command(flatten)]
    pub log: LogFilterArgs,
    /// Print logs as a stream instead of the live view
    #[arg(long)]
    pub stream: bool,
    /// Accepted for compatibility: the live view is the only one
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub legacy: Option<bool>,
    /// Do not forward any ports
    #[arg(long)]
    pub disable_port_forwards: bool,
    /// How running containers are updated
    #[arg(long, value_enum, default_value_t = UpdateMode::Auto, hide_default_value = true)]
    pub update_mode: UpdateMode,
    /// Write a snapshot of the session to this file at the end
    #[arg(long, value_name = "PATH")]
    pub output_snapshot_on_exit: Option<PathBuf>,
    /// How long to wait for more changes after a file was saved
    #[arg(long, value_name = "DURATION", default_value = "5ms", hide_default_value = true)]
    pub settle: String,
    #[arg(long, hide = true)]
    pub logactions: bool,
    #[command(flatten)]
    pub images: ImageArgs,
}

#[derive(Args, Debug, Clone)]
#[command(after_help = "Examples:
  tilt ci                                    run everything once; exit 0 if all of it is healthy
  tilt ci --timeout 10m -- --env=ci          with a limit, and an argument for the Tiltfile
  tilt ci --output-junit report.xml          what ran and what failed, for a CI service to show")]
pub struct CiArgs {
    #[command(flatten)]
    pub tiltfile: TiltfileArgs,
    #[command(flatten)]
    pub serve: ServeArgs,
    #[command(flatten)]
    pub log: LogFilterArgs,
    #[command(flatten)]
    pub images: ImageArgs,
    /// Fail after this long; 0 for no limit
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
    /// Write what ran, how long it took and what failed to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub output_json: Option<PathBuf>,
    /// The same as JUnit XML, which CI services show
    #[arg(long, value_name = "FILE")]
    pub output_junit: Option<PathBuf>,
    /// Write a snapshot of the session to this file at the end
    #[arg(long, value_name = "PATH")]
    pub output_snapshot_on_exit: Option<PathBuf>,
}

#[derive(Args, Debug, Clone, Default)]
pub struct ImageArgs {
    /// Build every image anew, whatever was built before
    #[arg(long)]
    pub no_cache: bool,
    /// Where a team shares images by their inputs: looked up before building, and added to by `tilt ci`
    #[arg(long, value_name = "HOST/PATH", env = "TILT_IMAGE_CACHE")]
    pub share: Option<String>,
}

#[derive(Args, Debug, Clone)]
pub struct UpdogArgs {
    /// Files of objects to apply
    #[arg(short, long = "filename", value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub serve: ServeArgs,
}

#[derive(Args, Debug, Clone)]
pub struct ServeArgs {
    /// Where the web port listens, and port forwards by default
    #[arg(
        long,
        value_name = "HOST",
        env = "TILT_HOST",
        default_value = "localhost",
        hide_env = true
    )]
    pub host: String,
    /// Web port; 0 for none
    #[arg(
        long,
        value_name = "PORT",
        env = "TILT_PORT",
        default_value_t = 10350,
        hide_env = true
    )]
    pub port: u16,
    /// Which web page to serve; there is one
    #[arg(long, value_name = "MODE", env = "TILT_WEB_MODE", hide = true)]
    pub web_mode: Option<String>,
    #[arg(long, value_name = "PORT", hide = true)]
    pub webdev_port: Option<u16>,
}

#[derive(Args, Debug, Clone)]
pub struct LogFilterArgs {
    /// Only lines of this level
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// Only lines of this source
    #[arg(long, value_enum, value_name = "SOURCE", default_value_t = LogSource::All, hide_default_value = true)]
    pub log_source: LogSource,
    /// Only lines of these resources
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub log_resource: Vec<String>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Warn,
    Error,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    All,
    Build,
    Runtime,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMode {
    Auto,
    Image,
    Container,
    Exec,
}
