//! The engine: state, decisions and the store of what everything logged.

pub mod logs;
