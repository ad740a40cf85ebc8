//! What runs beside a program in its container, and the words in which it is spoken to.
//!
//! [`wire`] and [`glob`] are pure and shared with the program on the host; the rest is the agent itself. It trusts the host that started
//! it, and nothing that it finds in the container: every path is resolved beneath the directory that it was given.

pub mod glob;
pub mod serve;
pub mod supervise;
pub mod wire;
