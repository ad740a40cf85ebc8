//! Signals as something that can be waited for, beside everything else.

#![allow(
    unsafe_code,
    reason = "neither the standard library nor rustix can hold signals back or read them from a descriptor"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::Signal;

/// Those that are about this process itself: held back they would only hide its own faults.
const OWN: &[i32] = &[
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// All signals that this process was sent since it began to hold them back.
pub struct Signals {
    descriptor: OwnedFd,
    /// What was held back before.
    before: libc::sigset_t,
}

impl Signals {
    /// Holds back all signals of this thread from now on. What is held back is not lost, and reaches even the first process
    /// of a container, for which the kernel drops every signal that would have its default effect.
    pub fn hold() -> io::Result<Signals> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigfillset` initialises the set that it is given, and `pthread_sigmask` its last argument; all other calls
        // read or change these sets, which live until the end of the block; the descriptor is new and owned by nobody else.
        unsafe {
            libc::sigfillset(set.as_mut_ptr());
            for signal in OWN {
                libc::sigdelset(set.as_mut_ptr(), *signal);
            }
            let failed = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
            if failed != 0 {
                return Err(io::Error::from_raw_os_error(failed));
            }
            match libc::signalfd(-1, set.as_ptr(), libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
                -1 => Err(io::Error::last_os_error()),
                descriptor => Ok(Signals {
                    descriptor: OwnedFd::from_raw_fd(descriptor),
                    before: before.assume_init(),
                }),
            }
        }
    }

    /// A command inherits what is held back, and would then never hear of anything; it is to begin as if we were not there.
    pub fn give_back(&self, command: &mut Command) {
        let before = self.before;
        let restore = move || {
            // SAFETY: the set is a copy that the closure owns; the call changes this thread's mask and nothing else.
            match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) } {
                0 => Ok(()),
                failed => Err(io::Error::from_raw_os_error(failed)),
            }
        };
        // SAFETY: between fork and exec only what is safe in a signal handler may be called, and `pthread_sigmask` is.
        unsafe { command.pre_exec(restore) };
    }

    /// The same for a command that is nobody's once we are gone, also when we are killed and cannot end it any more. What it has started
    /// itself goes on.
    /// Whoever starts it has to be a thread that stays.
    pub fn give_back_until_we_end(&self, command: &mut Command) {
        self.give_back(command);
        let ours = rustix::process::getpid();
        let tie = move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // It may have happened before we asked.
            match rustix::process::getppid() == Some(ours) {
                true => Ok(()),
                false => Err(rustix::io::Errno::SRCH.into()),
            }
        };
        // SAFETY: between fork and exec only what is safe in a signal handler may be called, and these are plain system calls.
        unsafe { command.pre_exec(tie) };
    }

    /// The next one that came; of those without a name, the realtime ones, none.
    pub fn next(&self) -> io::Result<Option<Signal>> {
        let mut record = [0; size_of::<libc::signalfd_siginfo>()];
        loop {
            match rustix::io::read(&self.descriptor, &mut record) {
                Ok(_) => {
                    // The record begins with the signal's number.
                    let number = i32::from_ne_bytes([record[0], record[1], record[2], record[3]]);
                    if let Some(signal) = Signal::from_named_raw(number) {
                        return Ok(Some(signal));
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(None),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
