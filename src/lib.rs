//! `tilt`: the inner loop for people who develop services in containers.
//!
//! Modules stand in the order of their layers, which is also the order to read them in: each may use only those above it.
#![deny(unsafe_code)]

pub mod model;
pub mod world;

pub mod tiltfile;

pub mod build;

pub mod deploy;

pub mod liveupdate;

pub mod engine;

pub mod api;

pub mod ui;

pub mod cli;
