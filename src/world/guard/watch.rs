//! The guard's own process: listens until nobody speaks any more, then ends what is left.
//!
//! A line is `+GROUP SESSION STARTED` for a group that has begun (zeros where nothing is known of its leader) and `-GROUP`
//! for one that is gone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead};
use std::time::Duration;

use rustix::event::{Timespec, poll};
use rustix::process::{Pid, Signal, setsid};
use tokio::signal::unix::{SignalKind, signal};

use crate::world::clock;
use crate::world::process::group::{self, Stat};

/// What the groups have between the polite signal and the final one.
const GRACE: Duration = Duration::from_secs(2);
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// What `ps` and `top` call the guard: `killall tilt` and `pkill tilt` are to leave it alone.
const NAME: &str = "childguard";

pub fn begun(group: i32, leader: Option<Stat>) -> String {
    let (session, started) = leader.map_or((0, 0), |leader| (leader.session, leader.started));
    format!("+{group} {session} {started}\n")
}

pub fn ended(group: i32) -> String {
    format!("-{group}\n")
}

/// Listens on standard input to its end, then ends the groups that have not ended. This is all that the process does.
pub fn run() -> io::Result<()> {
    hide()?;
    let mut groups = BTreeMap::new();
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        note(&mut groups, &String::from_utf8_lossy(&line));
        line.clear();
    }
    end(groups);
    Ok(())
}

/// Leaves the terminal, and has the signals that would end us do nothing.
fn hide() -> io::Result<()> {
    // Only fails for the leader of a group, who does not get the terminal's signals for other groups either.
    let _ = setsid();
    // Only a name: without it the guard guards as well.
    let _ = fs::write("/proc/self/comm", NAME);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ] {
        // The handler stays when this is dropped.
        drop(signal(kind)?);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leader {
    session: i32,
    started: u64,
}

fn note(groups: &mut BTreeMap<i32, Leader>, line: &str) {
    let line = line.trim_end();
    if let Some(group) = line.strip_prefix('-').and_then(|group| group.parse().ok()) {
        groups.remove(&group);
    } else if let Some((group, leader)) = line.strip_prefix('+').and_then(parse) {
        groups.insert(group, leader);
    }
}

fn parse(line: &str) -> Option<(i32, Leader)> {
    let mut numbers = line.split(' ');
    let group = numbers.next()?.parse().ok().filter(|group| *group > 1)?;
    let session = numbers.next()?.parse().ok()?;
    let started = numbers.next()?.parse().ok()?;
    Some((group, Leader { session, started }))
}

fn end(groups: BTreeMap<i32, Leader>) {
    let mut groups: Vec<Pid> = groups
        .into_iter()
        .filter_map(|(group, leader)| Some((Pid::from_raw(group)?, leader)))
        .filter(|(group, leader)| is_still_ours(*group, *leader))
        .map(|(group, _)| group)
        .collect();
    for group in &groups {
        group::signal(*group, Signal::TERM);
        // One that is stopped does not hear the other signal.
        group::signal(*group, Signal::CONT);
    }
    let last = clock::now() + GRACE;
    while !groups.is_empty() && clock::now() < last {
        let _ = poll(&mut [], Some(&PAUSE));
        groups = still_alive(groups);
    }
    for group in groups {
        group::signal(group, Signal::KILL);
    }
}

/// With hundreds of groups, asking about each alone would take longer than they have.
fn still_alive(groups: Vec<Pid>) -> Vec<Pid> {
    if !group::has_proc() {
        return groups.into_iter().filter(|group| group::is_alive(*group)).collect();
    }
    let living = group::living();
    groups
        .into_iter()
        .filter(|group| living.contains(&group.as_raw_pid()))
        .collect()
}

/// Whether a number still means the group that was registered, and not a stranger's that got it later.
///
/// An id is not given out again while a process or a group has it. So if the leader lives, its start time decides. If it
/// has gone and its group has not, the group is the registered one, unless all of it had gone, the number went to a
/// stranger who made a group of it, and that stranger has gone as well. The session tells those apart but for what we
/// started ourselves: commands stay in ours, strangers' are in others.
fn is_still_ours(group: Pid, leader: Leader) -> bool {
    if leader.started == 0 {
        return !group::has_proc();
    }
    match Stat::of(group.as_raw_pid()) {
        Some(found) => found.started == leader.started && found.group == group.as_raw_pid(),
        None => group::members(group).all(|member| member.session == leader.session),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A group of its own that ends with its input.
    #[allow(clippy::disallowed_methods, reason = "the test needs the bare process")]
    fn group() -> (Pid, Child) {
        let mut command = Command::new("cat");
        let child = command.process_group(0).stdin(Stdio::piped()).spawn().unwrap();
        (Pid::from_child(&child), child)
    }

    #[test]
    fn lines_are_understood_and_nonsense_is_not() {
        let mut groups = BTreeMap::new();
        for line in [
            "+12 3 99\n",
            "+13 3 98\n",
            "-12\n",
            "+14 3",
            "+x 1 2",
            "+0 1 2",
            "+1 1 2",
            "+-5 1 2",
            "-",
            "",
            "?",
        ] {
            note(&mut groups, line);
        }
        let leader = Leader {
            session: 3,
            started: 98,
        };
        assert_eq!(groups, BTreeMap::from([(13, leader)]));
    }

    #[test]
    fn a_line_says_who_the_leader_is() {
        let (pid, mut child) = group();
        let stat = Stat::of(pid.as_raw_pid()).unwrap();
        let mut groups = BTreeMap::new();
        note(&mut groups, &begun(pid.as_raw_pid(), Some(stat)));
        assert!(is_still_ours(pid, groups[&pid.as_raw_pid()]));
        note(&mut groups, &ended(pid.as_raw_pid()));
        assert!(groups.is_empty());
        child.kill().and_then(|()| child.wait()).unwrap();
    }

    #[test]
    fn a_group_is_ended_but_a_stranger_with_its_number_is_not() {
        let (own, mut own_child) = group();
        let (other, mut other_child) = group();
        let leader = |pid: Pid, later| {
            let stat = Stat::of(pid.as_raw_pid()).unwrap();
            Leader {
                session: stat.session,
                started: stat.started + later,
            }
        };
        end(BTreeMap::from([
            (own.as_raw_pid(), leader(own, 0)),
            (other.as_raw_pid(), leader(other, 1)),
        ]));
        assert!(!own_child.wait().unwrap().success());
        // It still lives, so it ends well once its input does.
        drop(other_child.stdin.take());
        assert!(other_child.wait().unwrap().success());
    }
}
