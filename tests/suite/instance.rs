//! The commands that talk to a running tilt, through the real binary and against a real session.

mod about;
mod changing;
mod down;
mod logs;
