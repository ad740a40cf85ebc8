//! Commands: their output, their end, and that none outlives the stream.

use crate::support::*;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::OwnedFd;
use std::path::Path;
use tilt_agent::wire::{Ending, FromAgent, FromHost, Stream};

fn run(id: u32, argv: &[&str]) -> FromHost {
    FromHost::Run {
        id,
        argv: argv.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
        env: vec![(b"GREETING".to_vec(), b"hello".to_vec())],
        dir: Some(absolute(Path::new("/"))),
    }
}

/// Output and ending of one command.
fn outcome(agent: &mut Agent, id: u32) -> (String, String, Ending) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        match agent.next() {
            FromAgent::Output {
                stream: Stream::Stdout,
                bytes,
                id: same,
            } if same == id => out.extend(bytes),
            FromAgent::Output {
                stream: Stream::Stderr,
                bytes,
                id: same,
            } if same == id => err.extend(bytes),
            FromAgent::Exited { id: same, ending } if same == id => {
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
                return (text(out), text(err), ending);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_command_says_what_it_says_and_how_it_ended() {
    let mut agent = Agent::start();
    agent.say(&[run(
        1,
        &["sh", "-c", "echo $GREETING from $PWD; echo oh >&2; cat; exit 7"],
    )]);
    let (out, err, ending) = outcome(&mut agent, 1);
    assert_eq!((&*out, &*err, ending), ("hello from /\n", "oh\n", Ending::Code(7)));
    agent.say(&[run(2, &["sh", "-c", "kill -TERM $$"])]);
    assert_eq!(outcome(&mut agent, 2).2, Ending::Signal(15));
    agent.say(&[run(3, &["sh", "-c", "seq 1 200000; ulimit -n"])]);
    let (out, _, ending) = outcome(&mut agent, 3);
    assert_eq!((out.lines().count(), ending), (200_001, Ending::Code(0)));
    for argv in [&["no-such-program-anywhere"][..], &[], &[""]] {
        agent.say(&[run(4, argv)]);
        assert!(matches!(agent.next(), FromAgent::CannotRun { id: 4, .. }));
    }
    let mut lost = run(5, &["true"]);
    if let FromHost::Run { dir, .. } = &mut lost {
        *dir = Some(absolute(Path::new("/no/such/place")));
    }
    agent.say(&[lost]);
    let FromAgent::CannotRun { errno: 2, text, .. } = agent.next() else {
        panic!("there is no such place");
    };
    assert!(text.contains("`/no/such/place`"), "{text}");
}

#[test]
fn batches_go_on_beside_commands_and_a_kill_ends_the_whole_group() {
    let root = folder();
    let mut agent = Agent::start();
    agent.say(&[run(1, &["sh", "-c", "echo begun; sleep 1000 & sleep 1000"])]);
    assert!(matches!(agent.next(), FromAgent::Output { id: 1, .. }));
    agent.apply(1, root.path(), &file(1, 0, "a", 0o644, b"a")).unwrap();
    agent.say(&[run(1, &["true"])]);
    assert!(matches!(agent.next(), FromAgent::CannotRun { id: 1, .. }));
    agent.say(&[FromHost::Kill { id: 1 }, FromHost::Kill { id: 99 }]);
    assert_eq!(
        agent.next(),
        FromAgent::Exited {
            id: 1,
            ending: Ending::Signal(9)
        }
    );
}

#[test]
fn what_a_command_leaves_in_the_background_does_not_hold_up_its_end() {
    let mut agent = Agent::start();
    agent.say(&[run(1, &["sh", "-c", "sleep 1000 & echo $!"])]);
    let (out, _, ending) = outcome(&mut agent, 1);
    assert_eq!(ending, Ending::Code(0));
    let left = rustix::process::Pid::from_raw(out.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
}

/// The process whose number a command says.
fn said_process(agent: &mut Agent) -> OwnedFd {
    let FromAgent::Output { bytes, .. } = agent.next() else {
        panic!("it says its process");
    };
    let pid = String::from_utf8(bytes).unwrap().trim().parse().unwrap();
    pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap()
}

fn has_ended(process: &OwnedFd) -> bool {
    // It is readable once the process has ended.
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    rustix::event::poll(&mut ended, Some(&patience)) == Ok(1)
}

#[test]
fn a_command_ends_with_an_agent_that_is_killed() {
    let mut agent = Agent::start();
    agent.say(&[run(1, &["sh", "-c", "echo $$; exec sleep 1000"])]);
    let process = said_process(&mut agent);
    let pid = Pid::from_raw(agent.pid() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(!agent.wait().success());
    assert!(has_ended(&process));
}

#[test]
fn no_command_and_no_temporary_outlives_the_stream_or_the_agent() {
    for is_terminated in [false, true] {
        let root = folder();
        let mut agent = Agent::start();
        agent.say(&[run(1, &["sh", "-c", "echo $$; sleep 1000"])]);
        let process = said_process(&mut agent);
        agent.say(&[root_word(1, root.path())]);
        agent.say(&file(1, 0, "a/b", 0o644, b"a"));
        agent.settle();
        assert_eq!(snapshot(root.path()).len(), 2);
        if is_terminated {
            let pid = rustix::process::Pid::from_raw(agent.pid() as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            assert!(agent.wait().success());
        } else {
            assert!(agent.hang_up().success());
        }
        assert_eq!(snapshot(root.path()).len(), 0);
        assert!(has_ended(&process));
    }
}

#[test]
fn without_a_supervisor_nothing_is_restarted() {
    let mut agent = Agent::start();
    agent.say(&[FromHost::Restart { id: 3 }]);
    let FromAgent::NotRestarted {
        id: 3,
        tried: false,
        text,
    } = agent.next()
    else {
        panic!("nothing to restart");
    };
    assert!(!text.is_empty());
}
