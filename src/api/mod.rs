//! The API server: objects of `tilt.dev/v1alpha1` over HTTPS, by the conventions of Kubernetes, so that `kubectl` works.
//!
//! There is no second store. What is read comes from the engine's newest snapshot, what is changed is asked of the engine, and
//! an answer is given once a snapshot shows the change. Only [`serve`] and what it calls touch the network; how requests
//! are read, patched, selected and answered is pure.

mod accept;
mod certs;
mod context;
mod decode;
mod delete;
mod discovery;
mod encode;
mod health;
mod json;
mod meta;
mod metrics;
mod names;
pub mod openapi;
mod params;
mod patch;
mod patching;
mod read;
mod reply;
mod route;
mod selector;
mod server;
mod service;
mod status;
mod watch;
mod write;

pub use certs::CertificateError;
pub use context::Explain;
pub use server::{Options, Running, ServeError, serve};
