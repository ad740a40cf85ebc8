//! The commands and their flags.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::cli::build::BuildArgs;
use crate::cli::exit::Exit;
use crate::cli::instance::{ExplainBuild, Instance, TreeView};
use crate::cli::session::args::{CiArgs, UpArgs, UpdogArgs};
use crate::cli::shell::Shell as PodShell;
use crate::cli::verbs::args::{AlphaVerb, Verb};
use crate::cli::{output, usage, version};

/// Tilt is the inner loop for people who develop services in containers
///
/// It reads a Tiltfile, builds images, deploys to Kubernetes, Docker Compose or this machine, and keeps everything up to date while
/// you edit.
#[derive(Parser, Debug)]
#[command(name = "tilt", version = version::stamp(), disable_help_subcommand = false, subcommand_required = false)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Args, Debug, Clone)]
pub struct Global {
    /// Log what happens inside, for bug reports
    #[arg(short, long, global = true)]
    pub debug: bool,
    /// Log more
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Log level of the Kubernetes client: 0-4 for debugging, 5-9 to trace requests
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub klog: u8,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start the session: run what the Tiltfile declares, and follow changes
    ///
    /// Evaluates the Tiltfile, brings every resource up, and updates what a saved file touches, until you end it with ctrl-c.
    Up(Box<UpArgs>),
    /// Run everything once, and end when all of it is healthy or something fails
    ///
    /// Exit code 0 if every resource came up, 1 if one failed or the time ran out. Files are not watched.
    Ci(Box<CiArgs>),
    /// Build the images of the Tiltfile, and deploy nothing
    ///
    /// Evaluates the Tiltfile with config.tilt_subcommand == 'build' and builds the named images, or all of them, also those that
    /// nothing deploys: bases first, independent ones at the same time, each once. An image whose inputs were built before is
    /// taken as it is. Needs Docker and no cluster. Exit code 0 if every image is there, 1 if one failed; a failed image stops
    /// only what is made from it.
    Build(Box<BuildArgs>),
    /// Print the version and the date of this build
    Version,
    /// Print a script that completes tilt's commands in a shell
    Completion(Completion),
    /// Check that this installation of tilt works
    VerifyInstall,
    /// Editor support for Tiltfiles
    Lsp {
        #[command(subcommand)]
        command: Lsp,
    },
    #[command(flatten)]
    Instance(Instance),
    #[command(flatten)]
    Verb(Verb),
    /// Commands that may still change
    Alpha {
        #[command(subcommand)]
        command: Alpha,
    },
}

#[derive(Args, Debug)]
pub struct Completion {
    /// Shell to write for
    #[arg(value_enum)]
    pub shell: Shell,
    /// Leave out the descriptions of commands
    #[arg(long)]
    pub no_descriptions: bool,
}

#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

#[derive(Subcommand, Debug)]
pub enum Lsp {
    /// Start the language server on standard input and output
    ///
    /// Completion, hover, signatures, definitions and diagnostics for Tiltfiles. Editors start this themselves once they know the
    /// command `tilt lsp start`.
    Start(LspStart),
}

#[derive(Args, Debug)]
pub struct LspStart {
    /// Listen on this TCP address (host:port) rather than on standard input
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
}

#[derive(Subcommand, Debug)]
pub enum Alpha {
    /// Evaluate the Tiltfile and print what it declares as JSON
    ///
    /// Nothing is built or deployed. Exit code 5 says that the Tiltfile failed, 1 that something else did.
    TiltfileResult(TiltfileResult),
    /// Serve the API without a Tiltfile: apply objects from files, then act on them
    Updog(UpdogArgs),
    /// Evaluate the Tiltfile and print its resources as a tree
    Graph(TiltfileArgs),
    /// Print the resources of a running tilt as a tree of what waits for what
    ///
    /// Below each resource stands what it depends on; the last line counts.
    TreeView(TreeView),
    /// Open a shell in a pod of a resource, or one that speaks to the session's cluster
    ///
    /// bash where the image has it, else sh. Without a resource: $SHELL here, with KUBECONFIG of the running session.
    Shell(PodShell),
    /// The same as `tilt explain-build`
    #[command(hide = true)]
    ExplainBuild(ExplainBuild),
    #[command(flatten)]
    Verb(AlphaVerb),
}

#[derive(Args, Debug, Clone, Default)]
pub struct TiltfileArgs {
    /// Tiltfile to evaluate
    #[arg(short, long, value_name = "PATH", default_value = "Tiltfile")]
    pub file: PathBuf,
    /// Kubernetes context to use instead of the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Kubernetes namespace to use instead of the context's own
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Arguments for the Tiltfile: resource names, or what it defines with config.define_…
    ///
    /// Those that begin with a dash stand after `--`.
    #[arg(value_name = "TILTFILE ARGS")]
    pub args: Vec<String>,
}

#[derive(Args, Debug)]
pub struct TiltfileResult {
    /// Print how long each builtin call took, on standard error
    #[arg(short, long)]
    pub builtin_timings: bool,
    /// With --builtin-timings: leave out calls that were quicker than this
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub dur_threshold: String,
    #[command(flatten)]
    pub tiltfile: TiltfileArgs,
}

/// The command line, or how to end if it asks for nothing that can be run.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Exit> {
    let words: Vec<OsString> = words.into_iter().collect();
    Cli::try_parse_from(&words).map_err(|error| usage::explain(&error, &words))
}

pub fn print_help() -> Result<(), Exit> {
    output::result(&Cli::command().render_long_help().to_string())
}

/// How a command is used, as it stands above what is wrong with a command line.
pub fn print_usage(name: &str) -> Result<(), Exit> {
    let mut command = Cli::command();
    command.build();
    let usage = command
        .find_subcommand_mut(name)
        .map(|command| command.render_usage().to_string());
    output::result(&format!(
        "{}\n\nRun `tilt {name} --help` for more.\n",
        usage.unwrap_or_default()
    ))
}
