//! Process groups: signalling one, and finding out who is in it.
//!
//! `/proc` is where Linux tells; elsewhere nothing is known about a process, and a group is alive as long as it takes signals.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// What is looked at of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub is_zombie: bool,
    pub group: i32,
    pub session: i32,
    /// In clock ticks since the machine started: with the id, this is one process and never another one.
    pub started: u64,
}

impl Stat {
    pub fn of(pid: i32) -> Option<Stat> {
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name stands in parentheses and may hold anything, parentheses and line breaks included.
    fn parse(text: &str) -> Option<Stat> {
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        Some(Stat {
            is_zombie: matches!(fields.next()?, "Z" | "X"),
            group: fields.nth(1)?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
            started: fields.nth(15)?.parse().ok()?,
        })
    }
}

/// Signals every process of a group; a group that is already gone is what we want.
pub fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

/// Whether the group has anybody, be it a zombie.
pub fn exists(group: Pid) -> bool {
    test_kill_process_group(group).is_ok()
}

/// Whether anybody in the group still runs. Zombies do not: where nobody collects orphans, as in many containers, they
/// keep their group for ever.
pub fn is_alive(group: Pid) -> bool {
    exists(group) && (!has_proc() || members(group).any(|member| !member.is_zombie))
}

/// The groups in which somebody still runs, of all of the machine's; one look for as many groups as there are to ask about.
pub fn living() -> BTreeSet<i32> {
    let running = processes().filter(|process| !process.is_zombie);
    running.map(|process| process.group).collect()
}

/// Everybody in a group. Asks after every process of the machine: not for use in a loop without a pause.
pub fn members(group: Pid) -> impl Iterator<Item = Stat> {
    processes().filter(move |stat| stat.group == group.as_raw_pid())
}

fn processes() -> impl Iterator<Item = Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Stat::of)
}

pub fn has_proc() -> bool {
    Path::new("/proc/self/stat").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_holds() {
        let rest = "S 7 42 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9876 100 200";
        let expected = Stat {
            is_zombie: false,
            group: 42,
            session: 9,
            started: 9876,
        };
        for name in ["sh", "a) R (b", "x\ny"] {
            assert_eq!(Stat::parse(&format!("17 ({name}) {rest}")), Some(expected));
        }
        assert!(Stat::parse(&format!("17 (sh) {}", rest.replacen('S', "Z", 1))).is_some_and(|stat| stat.is_zombie));
        assert_eq!(Stat::parse("17 (sh) S 7"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn this_process_is_in_its_own_group() {
        let group = rustix::process::getpgrp();
        assert!(is_alive(group));
        assert!(living().contains(&group.as_raw_pid()));
        let own = Stat::of(rustix::process::getpid().as_raw_pid()).unwrap();
        assert!(members(group).any(|member| member == own));
    }
}
