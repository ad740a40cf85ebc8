//! The command line.

pub mod lsp;
