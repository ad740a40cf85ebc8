//! Everything outside this process: files, programs, the clock.

pub mod apiconfig;
pub mod clock;
pub mod cluster;
pub mod coalesce;
pub mod compose;
pub mod dirs;
pub mod docker;
pub mod extensions;
pub mod files;
pub mod git;
pub mod guard;
pub mod http;
pub mod kubeconfig;
pub mod lock;
pub mod memory;
pub mod probe;
pub mod process;
pub mod replace;
pub mod terminal;
pub mod token;
pub mod walk;
pub mod watcher;
