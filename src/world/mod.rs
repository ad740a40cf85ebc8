//! Everything outside this process: files, programs, the clock.

pub mod apiconfig;
pub mod archive;
pub mod clock;
pub mod coalesce;
pub mod compose;
pub mod credentials;
pub mod dirs;
pub mod docker;
pub mod extensions;
pub mod files;
pub mod git;
pub mod guard;
pub mod http;
pub mod known;
pub mod kubeconfig;
pub mod lock;
pub mod memory;
pub mod probe;
pub mod process;
pub mod registry;
pub mod replace;
pub mod terminal;
pub mod token;
pub mod tree;
pub mod walk;
pub mod watcher;
