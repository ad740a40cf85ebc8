//! Flags that several verbs share: which server, which files, how it is printed, what is only rehearsed.

use clap::{Arg, ArgAction, Args};

use crate::cli::client;

/// A switch may be given as `--switch=false` too, as Go's flags may.
pub fn switch(arg: Arg) -> Arg {
    match arg.get_action() {
        ArgAction::SetTrue => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .value_name("BOOL")
            .default_value("false")
            .default_missing_value("true")
            .hide_default_value(true)
            .hide_possible_values(true),
        _ => arg,
    }
}

#[derive(Args, Debug, Clone)]
pub struct Connection {
    /// Host of the tilt that is meant
    #[arg(long, env = "TILT_HOST", default_value = "localhost", hide_env = true)]
    pub host: String,
    /// Port of the tilt that is meant
    #[arg(long, env = "TILT_PORT", default_value_t = 10350, hide_env = true)]
    pub port: u16,
}

impl Connection {
    /// Servers list themselves by port; what serves objects is always on this machine.
    pub fn connect(&self) -> client::Connect {
        client::Connect { port: self.port }
    }
}

/// Files that hold objects.
#[derive(Args, Debug, Clone, Default)]
pub struct Files {
    /// File, folder or URL with objects; `-` is standard input
    #[arg(short, long, value_name = "FILE", value_delimiter = ',')]
    pub filename: Vec<String>,
    /// Folder with a kustomization
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "filename")]
    pub kustomize: Option<String>,
    /// Look into folders below folders too
    #[arg(short = 'R', long)]
    pub recursive: bool,
}

impl Files {
    pub fn are_given(&self) -> bool {
        !self.filename.is_empty() || self.kustomize.is_some()
    }
}

/// How objects are printed.
#[derive(Args, Debug, Clone, Default)]
pub struct Print {
    /// Format: json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file; where there are tables: wide, custom-columns, custom-columns-file
    #[arg(short, long, value_name = "FORMAT", default_value = "", hide_default_value = true)]
    pub output: String,
    /// Template for the format; a Go template if no format is given
    #[arg(long, value_name = "TEMPLATE")]
    pub template: Option<String>,
    /// With templates: a key that is not there is no error
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    pub allow_missing_template_keys: bool,
    /// With json and yaml: show who manages which field
    #[arg(long)]
    pub show_managed_fields: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    #[default]
    None,
    Client,
    Server,
}

/// Without a value it is the client's; so are the words that older scripts use.
fn dry_run(text: &str) -> Result<DryRun, String> {
    match text {
        "none" | "false" => Ok(DryRun::None),
        "client" | "true" | "unchanged" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        other => Err(format!(
            "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
        )),
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validate {
    #[default]
    Strict,
    Warn,
    Ignore,
}

fn validate(text: &str) -> Result<Validate, String> {
    match text {
        "strict" | "true" => Ok(Validate::Strict),
        "warn" => Ok(Validate::Warn),
        "ignore" | "false" => Ok(Validate::Ignore),
        other => Err(format!(
            "invalid - validate option {other:?}; must be one of: strict (or true), warn, ignore (or false)"
        )),
    }
}

#[derive(Args, Debug, Clone, Default)]
pub struct Rehearse {
    /// none, client (print what would be sent) or server (send it, keep nothing)
    #[arg(long, value_name = "WHERE", default_value = "none", default_missing_value = "client", num_args = 0..=1, require_equals = true, value_parser = dry_run, hide_default_value = true)]
    pub dry_run: DryRun,
}

#[derive(Args, Debug, Clone, Default)]
pub struct Validation {
    /// What unknown fields mean: strict (an error), warn or ignore
    #[arg(long, value_name = "HOW", default_value = "strict", default_missing_value = "strict", num_args = 0..=1, require_equals = true, value_parser = validate, hide_default_value = true)]
    pub validate: Validate,
}
