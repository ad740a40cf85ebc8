//! Writing files below a directory and nowhere else, whatever links stand in the way and whatever the names say.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, renameat, unlinkat};
use rustix::io::Errno;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Puts a file below `root`, whole or not at all. Directories on the way are made; links on the way are refused.
pub fn put(root: &Path, below: &[u8], mode: u32, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (folders, name) = parts(below)?;
    let mut folder = openat(CWD, root, DIRECTORY, Mode::empty())?;
    for part in folders {
        folder = enter(&folder, part)?;
    }
    let partial = [b".", name, b".tilt~"].concat();
    let partial = OsStr::from_bytes(&partial);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || openat(&folder, partial, flags, Mode::from_raw_mode(mode & 0o777));
    let file = match open() {
        // What somebody left who was killed.
        Err(Errno::EXIST) => {
            unlinkat(&folder, partial, AtFlags::empty())?;
            open()?
        }
        other => other?,
    };
    let mut file = File::from(file);
    let done = write(&mut file).and_then(|()| Ok(renameat(&folder, partial, &folder, OsStr::from_bytes(name))?));
    if done.is_err() {
        // The first failure is the one that counts.
        let _left = unlinkat(&folder, partial, AtFlags::empty());
    }
    done
}

/// The folders on the way, and the name at its end.
fn parts(below: &[u8]) -> io::Result<(Vec<&[u8]>, &[u8])> {
    let mut parts: Vec<&[u8]> = below.split(|byte| *byte == b'/').collect();
    let is_wrong = |part: &&[u8]| part.is_empty() || **part == *b"." || **part == *b".." || part.contains(&0);
    if parts.iter().any(is_wrong) {
        let shown = String::from_utf8_lossy(below).into_owned();
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{shown:?} is no name of a file"),
        ));
    }
    let name = parts.pop().expect("a split gives at least one part");
    Ok((parts, name))
}

fn enter(folder: &OwnedFd, name: &[u8]) -> io::Result<OwnedFd> {
    let name = OsStr::from_bytes(name);
    match open_folder(folder, name) {
        Err(Errno::NOENT) => {
            match mkdirat(folder, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(open_folder(folder, name)?)
        }
        other => Ok(other?),
    }
}

fn open_folder(folder: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(folder, name, DIRECTORY, Mode::empty(), how) {
        // Kernels before 5.6, and sandboxes that do not know it.
        Err(Errno::NOSYS | Errno::PERM) => openat(folder, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    fn put_text(root: &Path, below: &str) -> io::Result<()> {
        put(root, below.as_bytes(), 0o644, |file| file.write_all(b"new"))
    }

    #[test]
    fn a_file_comes_with_the_folders_on_its_way() {
        let root = tempfile::tempdir().unwrap();
        put_text(root.path(), "db/migrations/1.sql").unwrap();
        put_text(root.path(), "db/migrations/1.sql").unwrap();
        assert_eq!(std::fs::read(root.path().join("db/migrations/1.sql")).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(root.path().join("db/migrations")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_leads_outside() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(other.path().join("canary"), "old").unwrap();
        symlink(other.path(), root.path().join("out")).unwrap();
        symlink(other.path().join("canary"), root.path().join("link")).unwrap();
        symlink(".", root.path().join("here")).unwrap();
        for below in [
            "../x",
            "a/../../x",
            "/etc/x",
            "",
            "a//b",
            "./a",
            "a/.",
            "out/canary",
            "out/new",
            "here/out/new",
            "nul\0",
        ] {
            assert!(put_text(root.path(), below).is_err(), "{below:?}");
        }
        put_text(root.path(), "link").unwrap();
        assert_eq!(
            std::fs::read(other.path().join("canary")).unwrap(),
            b"old",
            "the link was replaced"
        );
        assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("lock"), "old").unwrap();
        let failed = put(root.path(), b"lock", 0o644, |_| Err(io::Error::other("no")));
        assert!(failed.is_err());
        assert_eq!(std::fs::read(root.path().join("lock")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
