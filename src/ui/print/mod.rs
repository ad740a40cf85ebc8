//! Pure. Objects of the API server as a person or a script wants them: `-o json`, `yaml`, `name`, templates, paths, columns.
//!
//! Formats and their wording are those of `kubectl`, so that what reads its output reads ours.

mod columns;
mod describe;
mod kyaml;
mod output;
mod table;
mod tabwriter;
#[cfg(test)]
mod tests;

pub use columns::relaxed as relaxed_path;
pub use describe::{describe, describe_all};
pub use output::{Format, Printer, Setup, object_name, without_managed_fields};
pub use table::{TablePrinter, TableStyle, rows as table_rows};
pub use tabwriter::TabWriter;

use thiserror::Error;

use crate::model::gotemplate::go_value;

/// Why something cannot be printed as it was asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PrintError {
    /// The format itself makes no sense.
    #[error("{0}")]
    Spec(String),
    /// It makes no sense for this object.
    #[error("{0}")]
    Object(String),
}
