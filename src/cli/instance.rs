//! The commands about a running tilt, or about this machine, and their flags.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::args::TiltfileArgs;
use crate::cli::exit::Exit;
use crate::cli::session::args::{LogLevel, LogSource};
use crate::cli::verbs::args::Connection;
use crate::cli::verbs::online;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::{
    analytics, arguments, docker, docker_prune, doctor, down, dump, explain_build, logs, snapshot, switches, tree_view,
    trigger,
};

#[derive(Subcommand, Debug)]
pub enum Instance {
    /// Update a resource now, whether or not anything changed
    ///
    /// The same as its button in the web page. A resource with trigger_mode=TRIGGER_MODE_MANUAL takes its changed files
    /// along; one that never started, because of auto_init=False, starts.
    #[command(after_help = TRIGGER_EXAMPLES)]
    Trigger(Trigger),
    /// Print what the resources of a running tilt logged
    ///
    /// Prints the last 10 MB of log and ends; with --follow it goes on until ctrl-c, or until that tilt ends, which is no
    /// error. Each line has its resource in front, unless exactly one is named.
    #[command(after_help = LOGS_EXAMPLES)]
    Logs(Logs),
    /// Show or change the arguments that a running tilt gives to its Tiltfile
    ///
    /// Changed arguments evaluate the Tiltfile again. Without arguments, an editor opens on the current ones: the one that
    /// $TILT_EDITOR or $EDITOR names, else vi.
    #[command(after_help = ARGS_EXAMPLES)]
    Args(Arguments),
    /// Let resources run again that were disabled
    #[command(after_help = ENABLE_EXAMPLES)]
    Enable(Enable),
    /// Stop resources, and leave them alone until they are enabled
    #[command(after_help = DISABLE_EXAMPLES)]
    Disable(Disable),
    /// Delete what the Tiltfile's resources leave behind
    ///
    /// Evaluates the Tiltfile as `tilt up` does, with config.tilt_subcommand == 'down'. Deletes the Kubernetes objects of
    /// its resources, dependents before what they depend on, and waits until they are gone; namespaces only with
    /// --delete-namespaces, and never what is annotated with `tilt.dev/down-policy: keep`. Then runs the delete_cmd of each
    /// k8s_custom_deploy. Commands of local resources end with `tilt up` itself, so for them there is nothing to delete.
    /// Compose services cannot be removed by this version yet: where there are any it names them, and exits with 1.
    #[command(after_help = DOWN_EXAMPLES)]
    Down(Down),
    /// Print the insides of a running tilt, or a document about this program
    Dump {
        #[command(subcommand)]
        command: Dump,
    },
    /// Keep the state of a running tilt in a file
    Snapshot {
        #[command(subcommand)]
        command: Snapshot,
    },
    /// Show what tilt finds on this machine, for bug reports and for you
    ///
    /// Looks at the system, Docker, Kubernetes, limits that large projects run into, folders, and running instances. Every
    /// probe has a short time limit, and what fails is part of the report: the exit code is always 0.
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Doctor),
    /// Run the docker command against the engine that tilt builds with
    ///
    /// Prints the command with what tilt adds to its environment on standard error, then becomes it: output and exit code
    /// are those of docker.
    #[command(after_help = DOCKER_EXAMPLES)]
    Docker(Docker),
    /// Throw away what builds of tilt left behind in Docker, once
    ///
    /// Evaluates the Tiltfile for its docker_prune_settings(), as if it said nothing of disable. Removes old images with the
    /// label dev.tilt.gc=true, but the newest of each name and those that a container uses; stopped containers with that
    /// label; and old pieces of the build cache. A running tilt does the same by itself, now and then.
    #[command(after_help = DOCKER_PRUNE_EXAMPLES)]
    DockerPrune(DockerPrune),
    /// Explain why a resource was last built, or why it waits
    #[command(after_help = EXPLAIN_BUILD_EXAMPLES)]
    ExplainBuild(ExplainBuild),
    /// Show or set whether you would want your use of tilt to be counted
    ///
    /// This program sends nothing, whatever you choose. The choice is kept in a file of the settings folder, where other
    /// versions of tilt that do send something look for it.
    #[command(after_help = ANALYTICS_EXAMPLES)]
    Analytics(Analytics),
}

const TRIGGER_EXAMPLES: &str = "Examples:
  tilt trigger web                 update the resource `web`
  tilt trigger '(Tiltfile)'        evaluate the Tiltfile again
  tilt trigger web --port 10360    in another instance";
const LOGS_EXAMPLES: &str = "Examples:
  tilt logs                                  everything, then end
  tilt logs -f web api                       two resources, and go on
  tilt logs web --since 5m --level error     errors of the last five minutes
  tilt logs --search '/time.?out/'            lines that match an expression
  tilt logs --tail 20 -f                     the last 20 lines, and go on
  tilt logs --source build                   builds and update commands, without what runs
  tilt logs --json | jq 'select(.level==\"error\") | .message'";
const ARGS_EXAMPLES: &str = "Examples:
  tilt args -- --env=staging web    evaluate the Tiltfile with these arguments
  tilt args                         change the current ones in an editor
  tilt args --clear                 none at all";
const ENABLE_EXAMPLES: &str = "Examples:
  tilt enable web api        these two, beside what runs already
  tilt enable --only web     this one, and disable all others
  tilt enable -l backend     all with the label `backend`
  tilt enable --all";
const DISABLE_EXAMPLES: &str = "Examples:
  tilt disable web api
  tilt disable -l frontend,docs    all with one of these labels
  tilt disable --all";
const DOWN_EXAMPLES: &str = "Examples:
  tilt down                  what ./Tiltfile declares
  tilt down -- --env=ci      with the arguments that `tilt up` was given";
const DOCTOR_EXAMPLES: &str = "Examples:
  tilt doctor
  tilt doctor --context kind-dev    look at another Kubernetes context";
const DOCKER_EXAMPLES: &str = "Examples:
  tilt docker -- ps                    containers
  tilt docker -- build -t web:dev .    a build with the same engine and builder";
const DOCKER_PRUNE_EXAMPLES: &str = "Examples:
  tilt docker-prune --dry-run       what would go
  tilt docker-prune                 as ./Tiltfile has it
  tilt docker-prune -f a/Tiltfile   as another Tiltfile has it";
const EXPLAIN_BUILD_EXAMPLES: &str = "Examples:
  tilt explain-build web";
const ANALYTICS_EXAMPLES: &str = "Examples:
  tilt analytics               what is chosen
  tilt analytics opt out       choose not to be counted
  tilt analytics opt default   forget the choice";

#[derive(Args, Debug)]
pub struct Trigger {
    /// Resource to update
    pub resource: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Logs {
    /// Resources whose lines are wanted; all, if none is named
    #[arg(value_name = "RESOURCE")]
    pub resources: Vec<String>,
    /// Go on with every new line
    #[arg(short, long)]
    pub follow: bool,
    /// A JSON object for each line: time, resource, level, message, spanID, progressID, buildEvent, source
    #[arg(long)]
    pub json: bool,
    /// Only lines of this level
    #[arg(long, value_enum)]
    pub level: Option<LogLevel>,
    /// Only lines of this source
    #[arg(long, value_enum, default_value_t = LogSource::All, hide_default_value = true)]
    pub source: LogSource,
    /// Nothing older than this: 30s, 5m, 1h
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Only lines that contain this text, in capitals or not; or that match it as an expression: /time.?out/
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only so many of the lines that are there already, the newest ones; -1 for all
    #[arg(
        long,
        value_name = "N",
        default_value_t = -1,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub tail: i64,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Arguments {
    /// The new arguments; those that begin with a dash stand after `--`
    #[arg(value_name = "TILTFILE ARGS")]
    pub args: Vec<String>,
    /// Give the Tiltfile no arguments
    #[arg(long)]
    pub clear: bool,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Enable {
    #[command(flatten)]
    pub which: WhichResources,
    /// Disable all others
    #[arg(long)]
    pub only: bool,
}

#[derive(Args, Debug)]
pub struct Disable {
    #[command(flatten)]
    pub which: WhichResources,
}

#[derive(Args, Debug)]
pub struct WhichResources {
    /// Resources by name
    #[arg(value_name = "RESOURCE")]
    pub names: Vec<String>,
    /// All resources
    #[arg(long)]
    pub all: bool,
    /// Resources with one of these labels
    #[arg(short, long, value_name = "LABEL", value_delimiter = ',')]
    pub labels: Vec<String>,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Down {
    #[command(flatten)]
    pub tiltfile: TiltfileArgs,
    /// Delete Kubernetes namespaces as well
    #[arg(long)]
    pub delete_namespaces: bool,
    /// Delete volumes of Compose services as well
    #[arg(long)]
    pub delete_volumes: bool,
}

#[derive(Subcommand, Debug)]
pub enum Dump {
    /// Print the state of the engine as JSON
    ///
    /// It may hold secrets: look before you share it.
    Engine(Connection),
    /// Print what the web page is shown as JSON
    Webview(Connection),
    /// Print the log as the web page gets it, as JSON
    Logstore(Connection),
    /// Print the OpenAPI description (version 2) of the API server
    Openapi,
    /// Give a local image the tag that a deploy would give it, and print it
    ///
    /// The tag comes from the image's content. Prints no line break, so that scripts of custom_build can use it as it is.
    #[command(after_help = "Examples:
  tilt dump image-deploy-ref web:dev    prints web:tilt-0123456789abcdef, which the image is called now, too")]
    ImageDeployRef(ImageDeployRef),
    /// Write the functions of the Tiltfile language as Python stubs, for editors and for reading
    ApiDocs(Folder),
    /// Write a page of Markdown for each command
    CliDocs(Folder),
}

#[derive(Args, Debug)]
pub struct ImageDeployRef {
    /// Image in Docker, by its name
    #[arg(value_name = "REF")]
    pub image: String,
}

#[derive(Args, Debug)]
pub struct Folder {
    /// Folder to write to; it is made if it is missing
    #[arg(long, value_name = "FOLDER")]
    pub dir: PathBuf,
}

#[derive(Subcommand, Debug)]
pub enum Snapshot {
    /// Write the state of a running tilt as JSON, to standard output if no file is named
    #[command(after_help = "Examples:
  tilt snapshot create                  to standard output
  tilt snapshot create snapshot.json    to a file")]
    Create(SnapshotCreate),
}

#[derive(Args, Debug)]
pub struct SnapshotCreate {
    /// File to write
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Doctor {
    /// Kubernetes context to look at instead of the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

#[derive(Args, Debug)]
pub struct Docker {
    /// Arguments of docker
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
}

#[derive(Args, Debug)]
pub struct DockerPrune {
    #[command(flatten)]
    pub tiltfile: TiltfileArgs,
    /// Remove nothing, print what would be removed
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Debug)]
pub struct ExplainBuild {
    /// Resource to explain
    pub resource: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct TreeView {
    /// Only resources that are not ready, and what they wait for
    #[arg(long)]
    pub blockers: bool,
    /// Show a resource that several depend on only once
    #[arg(long)]
    pub dedupe: bool,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Analytics {
    #[command(subcommand)]
    pub command: Option<AnalyticsCommand>,
}

#[derive(Subcommand, Debug)]
pub enum AnalyticsCommand {
    /// Set the choice
    Opt {
        #[arg(value_enum)]
        choice: Choice,
    },
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    In,
    Out,
    /// No choice
    Default,
}

pub fn run(command: Instance) -> Result<(), Exit> {
    let here = Surroundings::ours()?;
    match command {
        Instance::Trigger(args) => online(trigger::run(&args, &here)),
        Instance::Logs(args) => online(logs::run(&args, &here)),
        Instance::Args(args) => online(arguments::run(&args, &here)),
        Instance::Enable(args) => online(switches::enable(&args, &here)),
        Instance::Disable(args) => online(switches::disable(&args, &here)),
        Instance::Down(args) => down::run(&args, &here),
        Instance::Dump { command } => dump::run(&command, &here),
        Instance::Snapshot {
            command: Snapshot::Create(args),
        } => online(snapshot::create(&args, &here)),
        Instance::Doctor(args) => doctor::run(&args, &here),
        Instance::Docker(args) => docker::run(&args, &here),
        Instance::DockerPrune(args) => docker_prune::run(&args, &here),
        Instance::ExplainBuild(args) => online(explain_build::run(&args, &here)),
        Instance::Analytics(args) => analytics::run(&args, &here),
    }
}

pub fn tree_view(args: &TreeView) -> Result<(), Exit> {
    online(tree_view::run(args, &Surroundings::ours()?))
}
