//! A context as it is offered to a builder. What is sent is what was looked at: a file that differs by now ends the sending.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::{OFlags, Stat, fstat};
use rustix::io::Errno;

use super::Tree;
use super::walk::{nanos, size};
use crate::model::context::{self, Entry};
use crate::world::docker::session::{Content, Kind, Meta, Source};

/// What a file that is not what it was is said to do.
pub const CHANGING: &str = "changes while it is sent";

impl Source for Tree {
    fn count(&self) -> usize {
        self.entries.len()
    }

    fn meta(&self, index: usize) -> Meta<'_> {
        let entry = &self.entries[index];
        let kind = match &entry.kind {
            context::Kind::Folder => Kind::Folder,
            context::Kind::Link { target } => Kind::Link { target },
            context::Kind::File { size } => Kind::File {
                size: *size,
                same_as: entry.hard_link.as_deref(),
            },
        };
        Meta {
            path: &entry.path,
            kind,
            mode: entry.mode,
            written: written(entry),
        }
    }

    fn open(&self, index: usize) -> io::Result<Content> {
        let entry = &self.entries[index];
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let path: PathBuf = self.root.join(&*entry.path);
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = opened.map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) => io::Error::other("vanished while it was sent"),
            // By now it is a link or a socket.
            Some(Errno::LOOP | Errno::NXIO) => io::Error::other(CHANGING),
            _ => error,
        })?;
        let announced = State::of_entry(entry);
        if State::of_stat(&fstat(&file)?) != announced {
            return Err(io::Error::other(CHANGING));
        }
        Ok(Box::new(Announced { file, announced }))
    }
}

/// The builder takes a file of the same size and time for the same file. No two contents share a time here: what is below a
/// second comes from the content, and images keep whole seconds only.
fn written(entry: &Entry) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    let Some(hash) = entry.hash else {
        return entry.modified;
    };
    let told = i64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]));
    entry.modified.div_euclid(SECOND) * SECOND + told % SECOND
}

/// By which a file is known to be the one that was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    size: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

impl State {
    fn of_entry(entry: &Entry) -> State {
        let size = match entry.kind {
            context::Kind::File { size } => size,
            context::Kind::Folder | context::Kind::Link { .. } => 0,
        };
        State {
            size,
            modified: entry.modified,
            changed: entry.changed,
            inode: entry.inode,
        }
    }

    fn of_stat(stat: &Stat) -> State {
        State {
            size: size(stat),
            modified: nanos(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec),
            inode: stat.st_ino,
        }
    }
}

/// A file that still has to be the announced one when its end is reached.
struct Announced {
    file: File,
    announced: State,
}

impl Read for Announced {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(into)?;
        let is_over = length == 0 && !into.is_empty();
        if is_over && State::of_stat(&fstat(&self.file)?) != self.announced {
            return Err(io::Error::other(CHANGING));
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::model::filter::Filter;
    use crate::world::tree::Hashes;

    /// What is done to a file, and what is said of it.
    type Damage<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);
    type Change<'a> = (&'a str, &'a dyn Fn(&Path));

    const LENGTH: usize = 1 << 20;

    /// A folder with one large file `a`, as somebody looked at it.
    fn look(root: &Path) -> Tree {
        let stop = CancellationToken::new();
        let mut tree = Tree::walk(root, &Filter::default(), &stop).unwrap();
        let hashes = Hashes::open(root.join("hashes"));
        hashes.hash(&mut tree, &Filter::default(), &stop).unwrap();
        tree
    }

    fn scene() -> (tempfile::TempDir, PathBuf, Tree) {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a");
        std::fs::write(&file, vec![1; LENGTH]).unwrap();
        let tree = look(root.path());
        (root, file, tree)
    }

    fn grow(file: &Path) {
        let mut file = File::options().append(true).open(file).unwrap();
        file.write_all(b"more").unwrap();
    }

    fn shrink(file: &Path) {
        File::options().write(true).open(file).unwrap().set_len(10).unwrap();
    }

    /// Same size and, as far as one can set it, same time.
    fn rewrite(file: &Path) {
        let modified = std::fs::metadata(file).unwrap().modified().unwrap();
        std::fs::write(file, vec![2; LENGTH]).unwrap();
        File::options()
            .write(true)
            .open(file)
            .unwrap()
            .set_modified(modified)
            .unwrap();
    }

    /// The same bytes in another file.
    fn replace(file: &Path) {
        let other = file.with_extension("new");
        std::fs::write(&other, vec![1; LENGTH]).unwrap();
        std::fs::rename(other, file).unwrap();
    }

    fn link(file: &Path) {
        let other = file.with_extension("other");
        std::fs::rename(file, &other).unwrap();
        symlink(other, file).unwrap();
    }

    #[test]
    fn what_was_looked_at_is_what_is_read() {
        let (_root, _file, tree) = scene();
        let mut content = Vec::new();
        tree.open(0).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(content, vec![1; LENGTH]);
    }

    #[test]
    fn a_file_that_is_another_one_by_now_is_not_opened() {
        let vanish = |file: &Path| std::fs::remove_file(file).unwrap();
        let pipe = |file: &Path| {
            std::fs::remove_file(file).unwrap();
            rustix::fs::mknodat(rustix::fs::CWD, file, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        };
        let folder = |file: &Path| {
            std::fs::remove_file(file).unwrap();
            std::fs::create_dir(file).unwrap();
        };
        let changes: [Damage; 8] = [
            ("vanished", &vanish, "vanished while it was sent"),
            ("grown", &grow, CHANGING),
            ("shrunk", &shrink, CHANGING),
            ("rewritten", &rewrite, CHANGING),
            ("replaced", &replace, CHANGING),
            ("a link", &link, CHANGING),
            ("a pipe", &pipe, CHANGING),
            ("a folder", &folder, CHANGING),
        ];
        for (what, change, said) in changes {
            let (_root, file, tree) = scene();
            change(&file);
            let error = tree.open(0).err().unwrap_or_else(|| panic!("{what}: opened"));
            assert_eq!(error.to_string(), said, "{what}");
        }
    }

    #[test]
    fn a_file_whose_folder_is_gone_has_vanished() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("d")).unwrap();
        std::fs::write(root.path().join("d/a"), "one").unwrap();
        let tree = look(root.path());
        std::fs::remove_dir_all(root.path().join("d")).unwrap();
        std::fs::write(root.path().join("d"), "a file in its place").unwrap();
        let error = tree.open(1).err().expect("not opened");
        assert_eq!(error.to_string(), "vanished while it was sent");
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_ends_in_an_error() {
        let changes: [Change; 3] = [("grown", &grow), ("shrunk", &shrink), ("rewritten", &rewrite)];
        for (what, change) in changes {
            let (_root, file, tree) = scene();
            let mut content = tree.open(0).unwrap();
            content.read_exact(&mut [0; 4096]).unwrap();
            change(&file);
            let error = content.read_to_end(&mut Vec::new()).err();
            let error = error.unwrap_or_else(|| panic!("{what}: read to its end"));
            assert_eq!(error.to_string(), CHANGING, "{what}");
        }
    }

    #[test]
    fn what_has_another_content_has_another_time_for_the_builder() {
        let (root, file, tree) = scene();
        rewrite(&file);
        let later = look(root.path());
        let (before, after) = (tree.meta(0), later.meta(0));
        assert_eq!(
            tree.entries[0].modified, later.entries[0].modified,
            "the scene is as meant"
        );
        assert_ne!(before.written, after.written);
        let seconds = |time: i64| time.div_euclid(1_000_000_000);
        assert_eq!(seconds(before.written), seconds(tree.entries[0].modified));
    }
}
