//! Resources that run on this machine.

#[derive(Default)]
pub struct Locals {}
