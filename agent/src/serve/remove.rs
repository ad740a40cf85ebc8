//! Removing whole trees and moving them aside, without following anything that leads elsewhere.

use super::system::{CAREFULLY, bits, kind, look};
use crate::wire::is_temporary;
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::{Errno, Result};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Directories in one another: no path is as long, but a tree can be deeper than any path.
const DEEPEST: usize = 4096;

/// Opens a directory to list it.
pub fn open_listing(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    rustix::fs::openat(dir, name, OFlags::RDONLY | OFlags::DIRECTORY | CAREFULLY, Mode::empty())
}

/// Names in a directory, all at once: what is listed while it is changed may be listed twice.
pub fn names(dir: impl AsFd) -> Result<Vec<(Vec<u8>, FileType)>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(names)
}

/// Removes whatever has that name, and all that is in it. What is not there is removed already.
pub fn remove(dir: impl AsFd, name: &[u8]) -> Result<()> {
    remove_at(dir.as_fd(), name, DEEPEST)
}

fn remove_at(dir: BorrowedFd<'_>, name: &[u8], depth: usize) -> Result<()> {
    match remove_as_allowed(dir, name, depth) {
        Err(Errno::ACCESS) => forced(dir, || remove_as_allowed(dir, name, depth)),
        other => other,
    }
}

fn remove_as_allowed(dir: BorrowedFd<'_>, name: &[u8], depth: usize) -> Result<()> {
    let below = depth.checked_sub(1).ok_or(Errno::LOOP)?;
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno),
    }
    let inner = match open_listing(dir, name) {
        // It was no directory: the refusal above was about the file.
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(Errno::PERM),
        Err(Errno::ACCESS) => {
            make_ours(dir, name)?;
            open_listing(dir, name)?
        }
        other => other?,
    };
    for (name, _) in names(&inner)? {
        remove_at(inner.as_fd(), &name, below)?;
    }
    rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)
}

/// A directory that is ours but closed to us, opened.
fn make_ours(dir: impl AsFd, name: &[u8]) -> Result<()> {
    rustix::fs::chmodat(dir, name, Mode::RWXU, AtFlags::empty())
}

/// Tries again with the right to write into the directory, where it is ours to give.
fn forced(dir: BorrowedFd<'_>, again: impl FnOnce() -> Result<()>) -> Result<()> {
    let own = open_listing(dir, b".")?;
    let before = Mode::from_raw_mode(bits(&rustix::fs::fstat(&own)?));
    rustix::fs::fchmod(&own, before | Mode::RWXU).map_err(|_| Errno::ACCESS)?;
    let done = again();
    rustix::fs::fchmod(&own, before)?;
    done
}

/// Gives a thing another name in its directory, a name that nothing has.
pub fn shift(dir: impl AsFd, from: &[u8], to: &[u8]) -> Result<()> {
    let dir = dir.as_fd();
    match rustix::fs::renameat_with(dir, from, dir, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match rename_anyhow(dir, from, to) {
            Err(Errno::XDEV) => carry_whole(dir, from, to),
            other => other,
        },
        // Directories of an image's layers cannot be renamed, what is in them can.
        Err(Errno::XDEV) => carry_whole(dir, from, to),
        other => other,
    }
}

fn rename_anyhow(dir: impl AsFd, from: &[u8], to: &[u8]) -> Result<()> {
    match look(&dir, to)? {
        Some(_) => Err(Errno::EXIST),
        None => rustix::fs::renameat(&dir, from, &dir, to),
    }
}

fn carry_whole(dir: impl AsFd, from: &[u8], to: &[u8]) -> Result<()> {
    let dir = dir.as_fd();
    carry(dir, from, to).or_else(|errno| {
        // Whatever made it already goes back.
        if look(dir, to)?.is_some() {
            carry_back(dir, to, from)?;
        }
        Err(errno)
    })
}

/// Moves a tree file by file. The old directories go last.
fn carry(dir: impl AsFd, from: &[u8], to: &[u8]) -> Result<()> {
    let old = open_listing(&dir, from)?;
    let stat = rustix::fs::fstat(&old)?;
    rustix::fs::mkdirat(&dir, to, Mode::RWXU)?;
    let new = open_listing(&dir, to)?;
    for (name, _) in names(&old)? {
        match rustix::fs::renameat(&old, &*name, &new, &*name) {
            Err(Errno::XDEV) => {
                // A directory below; its place keeps its name.
                carry_between(&old, &new, &name)?;
            }
            other => other?,
        }
    }
    dress(&new, &stat)?;
    rustix::fs::unlinkat(&dir, from, AtFlags::REMOVEDIR)
}

fn carry_between(old: impl AsFd, new: impl AsFd, name: &[u8]) -> Result<()> {
    let from = open_listing(&old, name)?;
    let stat = rustix::fs::fstat(&from)?;
    match rustix::fs::mkdirat(&new, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    let to = open_listing(&new, name)?;
    for (name, _) in names(&from)? {
        match rustix::fs::renameat(&from, &*name, &to, &*name) {
            Err(Errno::XDEV | Errno::EXIST | Errno::NOTEMPTY) => carry_between(&from, &to, &name)?,
            other => other?,
        }
    }
    dress(&to, &stat)?;
    rustix::fs::unlinkat(&old, name, AtFlags::REMOVEDIR)
}

/// Into a directory that may be there still.
fn carry_back(dir: impl AsFd, from: &[u8], to: &[u8]) -> Result<()> {
    let old = open_listing(&dir, from)?;
    let new = open_listing(&dir, to)?;
    for (name, _) in names(&old)? {
        match rustix::fs::renameat(&old, &*name, &new, &*name) {
            Err(Errno::XDEV | Errno::EXIST | Errno::NOTEMPTY) => carry_between(&old, &new, &name)?,
            other => other?,
        }
    }
    rustix::fs::unlinkat(&dir, from, AtFlags::REMOVEDIR)
}

/// Owner and mode of the directory that this one stands for.
fn dress(dir: impl AsFd, like: &rustix::fs::Stat) -> Result<()> {
    let (user, group) = (Uid::from_raw(like.st_uid), Gid::from_raw(like.st_gid));
    match rustix::fs::fchown(&dir, Some(user), Some(group)) {
        Ok(()) | Err(Errno::PERM | Errno::INVAL) => {}
        Err(errno) => return Err(errno),
    }
    rustix::fs::fchmod(&dir, Mode::from_raw_mode(bits(like)))
}

/// Removes everywhere below what an agent before this one left over. Says how many there were.
pub fn clean(dir: impl AsFd) -> Result<u32> {
    clean_at(dir.as_fd(), DEEPEST)
}

fn clean_at(dir: BorrowedFd<'_>, depth: usize) -> Result<u32> {
    let below = depth.checked_sub(1).ok_or(Errno::LOOP)?;
    let mut removed = 0;
    for (name, listed) in names(dir)? {
        if is_temporary(&name) {
            remove(dir, &name)?;
            removed += 1;
            continue;
        }
        let is_directory = match listed {
            FileType::Directory => true,
            FileType::Unknown => look(dir, &name)?.is_some_and(|stat| kind(&stat) == FileType::Directory),
            _ => false,
        };
        if is_directory && let Ok(inner) = open_listing(dir, &name) {
            removed += clean_at(inner.as_fd(), below)?;
        }
    }
    Ok(removed)
}
