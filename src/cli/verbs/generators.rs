//! The words from which `tilt create` makes objects.

use clap::{Args, Subcommand};

use super::flags::{Connection, Print, Rehearse, Validation, switch};

#[derive(Subcommand, Debug)]
pub enum Generator {
    /// Create a Cmd: a process that tilt runs
    #[command(mut_args = switch)]
    Cmd(CreateCmd),
    /// Create a FileWatch: files whose changes are noticed
    #[command(name = "filewatch", visible_alias = "fw", mut_args = switch)]
    FileWatch(CreateFileWatch),
    /// Create an ExtensionRepo: where extensions are found
    #[command(alias = "extensionrepo", alias = "extrepo", mut_args = switch)]
    Repo(CreateRepo),
    /// Create an Extension: one that runs
    #[command(alias = "extension", mut_args = switch)]
    Ext(CreateExt),
}

/// What the generators have in common.
#[derive(Args, Debug, Clone)]
pub struct Made {
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub rehearse: Rehearse,
    #[command(flatten)]
    pub validation: Validation,
    /// Note the object in an annotation, for `tilt apply` later
    #[arg(long)]
    pub save_config: bool,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct CreateCmd {
    /// Name of the Cmd
    pub name: String,
    /// The program and its arguments; flags of ours stand before
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub command: Vec<String>,
    /// Working directory
    #[arg(short, long, value_name = "FOLDER")]
    pub workdir: Option<String>,
    /// Environment variables, as NAME=VALUE
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// FileWatches whose changes start it again
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub filewatch: Vec<String>,
    #[command(flatten)]
    pub made: Made,
}

#[derive(Args, Debug)]
pub struct CreateFileWatch {
    /// Name of the FileWatch
    pub name: String,
    /// Files and folders to watch
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
    /// Pattern of files to ignore, as in a .dockerignore
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    #[command(flatten)]
    pub made: Made,
}

#[derive(Args, Debug)]
pub struct CreateRepo {
    /// Name of the repository
    pub name: String,
    /// Where it is: https://… or file://…
    pub url: String,
    /// Branch, tag or commit
    #[arg(long = "ref", value_name = "REF", default_value = "", hide_default_value = true)]
    pub reference: String,
    #[command(flatten)]
    pub made: Made,
}

#[derive(Args, Debug)]
pub struct CreateExt {
    /// Name of the extension, or REPO/PATH
    pub name: String,
    /// Arguments for the extension, after `--`
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
    /// ExtensionRepo that it is found in
    #[arg(long, value_name = "NAME")]
    pub repo: Option<String>,
    /// Folder within the repository; the name if not given
    #[arg(long, value_name = "FOLDER")]
    pub path: Option<String>,
    #[command(flatten)]
    pub made: Made,
}
