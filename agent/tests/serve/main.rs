//! The resident agent as the host meets it: the real program, over its standard input and output.

#![allow(clippy::disallowed_methods, reason = "tests start the program that they are about")]

mod batches;
mod commands;
mod hostile;
mod limits;
mod pulls;
mod speed;
mod support;
mod trees;
