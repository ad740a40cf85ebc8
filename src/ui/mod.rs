//! What people see: failures, warnings and pictures of the project, as lines of text.
//!
//! Nothing here decides anything; it is handed values and shows them.

pub mod build;
pub mod explain;
#[cfg(test)]
mod fake_terminal;
pub mod graph;
pub mod hud;
pub mod plain;
pub mod print;
pub mod report;
#[cfg(test)]
mod scene;
pub mod style;
pub mod summary;
pub mod text;
pub mod tree;
pub mod view;
pub mod web;
