//! File systems that are mounted or unmounted under our feet. The kernel drops the watches of what is unmounted, and
//! nobody says a word about a folder that another one is mounted over.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;

use super::inbox::Inbox;

const TABLE: &str = "/proc/self/mountinfo";

/// A mount's number, which tells a new one in the same place from the old one, and its place.
type Mount = (String, PathBuf);

/// What is mounted, as far as was looked.
#[derive(Debug, Default)]
pub struct Mounts(BTreeSet<Mount>);

impl Mounts {
    pub fn now() -> Mounts {
        Mounts(parse(&fs::read_to_string(TABLE).unwrap_or_default()))
    }

    /// Where something was mounted or unmounted since, as `later` shows.
    pub fn differing<'a>(&'a self, later: &'a Mounts) -> impl Iterator<Item = &'a Path> {
        self.0.symmetric_difference(&later.0).map(|(_, place)| place.as_path())
    }
}

fn parse(table: &str) -> BTreeSet<Mount> {
    let mounts = table.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let number = fields.next()?.to_owned();
        Some((number, PathBuf::from(unescaped(fields.nth(3)?))))
    });
    mounts.collect()
}

/// The table writes what would end a field in octal.
fn unescaped(field: &str) -> String {
    let pairs = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    pairs
        .iter()
        .fold(field.to_owned(), |text, (code, meant)| text.replace(code, meant))
}

/// A thread that rings when the table of mounts changes. Dropping this ends it.
#[derive(Debug)]
pub struct Bell {
    end: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Bell {
    /// Nothing where the system does not tell (without `/proc`).
    pub fn hang(inbox: Arc<Inbox>) -> Option<Bell> {
        let table = File::open(TABLE).ok()?;
        let end = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).ok()?);
        let ended = Arc::clone(&end);
        let thread = std::thread::Builder::new().name("mounts".to_owned());
        let thread = thread.spawn(move || listen(&table, &ended, &inbox)).ok()?;
        Some(Bell {
            end,
            thread: Some(thread),
        })
    }
}

fn listen(table: &File, end: &OwnedFd, inbox: &Inbox) {
    loop {
        let mut sources = [PollFd::new(end, PollFlags::IN), PollFd::new(table, PollFlags::PRI)];
        match poll(&mut sources, None) {
            Err(Errno::INTR) => {}
            Err(_) => return,
            Ok(_) if !sources[0].revents().is_empty() => return,
            Ok(_) => inbox.remount(),
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // Writing to a counter that was just made cannot fail; if it did, waiting would be for ever.
        let is_told = rustix::io::write(&*self.end, &1_u64.to_ne_bytes()).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| is_told) {
            let _ended = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "21 1 8:1 / / rw - ext4 /dev/a rw\n30 21 0:5 / /a\\040b rw shared:1 - tmpfs none rw\n";

    #[test]
    fn what_is_mounted_anew_or_gone_differs() {
        let after =
            "21 1 8:1 / / rw - ext4 /dev/a rw\n31 21 0:6 / /a\\040b rw - tmpfs none rw\n40 21 0:7 / /c rw - x y rw\n";
        let (before, after) = (Mounts(parse(BEFORE)), Mounts(parse(after)));
        let places: BTreeSet<&Path> = before.differing(&after).collect();
        assert_eq!(places, [Path::new("/a b"), Path::new("/c")].into());
        assert_eq!(before.differing(&Mounts(parse(BEFORE))).count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_table_of_this_machine_is_read_and_its_bell_can_be_taken_down() {
        assert!(Mounts::now().0.iter().any(|(_, place)| place == Path::new("/")));
        drop(Bell::hang(Arc::default()).expect("there is a table"));
    }
}
