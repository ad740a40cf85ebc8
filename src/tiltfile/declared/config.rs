//! Settings that the Tiltfile defines for its user, and which resources it enables.

use std::path::PathBuf;

#[derive(Default)]
pub struct Config {
    /// In the order of their definition.
    pub settings: Vec<Setting>,
    /// The directory of the Tiltfile that called `config.parse()`, once one has.
    pub parsed_in: Option<PathBuf>,
    pub enabled: Enabled,
}

/// One setting that a Tiltfile defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub kind: Kind,
    pub usage: String,
    pub given_as: GivenAs,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Texts,
    Text,
    Flag,
    /// Any JSON value.
    Document,
}

/// How a setting is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenAs {
    /// `--name value`.
    Flag,
    /// Whatever no flag names.
    Positional,
}

/// Which resources start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Enabled {
    /// The Tiltfile has not said: those that the arguments name, or all.
    #[default]
    Unsaid,
    /// `config.set_enabled_resources()`.
    These(Vec<String>),
    /// `config.clear_enabled_resources()`.
    None,
}
