//! Everything outside this process: files, programs, the clock.

pub mod apiconfig;
pub mod clock;
pub mod compose;
pub mod dirs;
pub mod extensions;
pub mod files;
pub mod git;
pub mod kubeconfig;
pub mod lock;
pub mod memory;
pub mod process;
pub mod token;
