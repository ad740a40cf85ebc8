//! The agent's program for each architecture, as it was built along with us.

use std::sync::LazyLock;

use crate::model::digest;

include!(concat!(env!("OUT_DIR"), "/agents.rs"));

/// A program with a short name of its content.
pub struct Embedded {
    pub arch: &'static str,
    pub hash: String,
    pub program: &'static [u8],
}

/// The static program for an architecture as Docker names it, `amd64`; nothing where none was built.
pub fn program(arch: &str) -> Option<&'static [u8]> {
    let found = AGENTS.iter().find(|(known, _)| *known == arch);
    found.map(|(_, program)| *program)
}

pub fn all() -> &'static [Embedded] {
    static ALL: LazyLock<Vec<Embedded>> = LazyLock::new(|| {
        let embedded = AGENTS.iter().map(|(arch, program)| Embedded {
            arch,
            hash: digest::sha256_hex(program)[..12].to_owned(),
            program,
        });
        embedded.collect()
    });
    &ALL
}

pub fn of(arch: &str) -> Option<&'static Embedded> {
    all().iter().find(|embedded| embedded.arch == arch)
}

/// All programs, each with its architecture.
pub fn programs() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    AGENTS.iter().copied()
}
