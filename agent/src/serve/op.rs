//! One step of a commit, and its way back.

use super::content::{nameless, overwrite};
use super::remove::{remove, shift};
use super::replaced::{Replaced, Which};
use super::system::{CAREFULLY, Fault, System, bits, kind, look, set_mode};
use super::tree::Dir;
use crate::wire::{Beneath, temporary_name};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::{Errno, Result};
use std::fs::File;
use std::sync::Arc;

/// What an entry does once all are staged.
pub struct Op {
    pub root: u16,
    pub path: Beneath,
    pub dir: Arc<Dir>,
    pub name: Vec<u8>,
    pub step: Step,
}

pub enum Step {
    /// What is staged under the temporary name takes its place.
    Put(Old),
    /// A file that cannot be replaced gets new content.
    Write {
        target: File,
        new: File,
        old: Option<File>,
        mode: Option<u32>,
        before: u32,
    },
    /// It goes; under the temporary name it waits for the end of the batch.
    Take { is_gone: bool },
    /// Owner and bits of what stays.
    Meta {
        mode: Option<u32>,
        owner: Option<(u32, u32)>,
        before: Box<Stat>,
    },
}

/// Where that is which a `Put` replaced.
pub enum Old {
    /// Not replaced yet. Whether there is something is a first guess, made when the entry was staged.
    Waiting {
        is_there: bool,
    },
    Nothing,
    Temporary,
    /// Under a second temporary name, where two things cannot change places.
    Second,
    /// Under no name.
    Held(Replaced),
}

impl Op {
    /// Those that put come first, and those that take away a right come last.
    pub fn rank(&self) -> u8 {
        match self.step {
            Step::Put(_) => 0,
            Step::Write { .. } => 1,
            Step::Take { .. } => 2,
            Step::Meta { .. } => 3,
        }
    }

    pub fn commit(&mut self, system: &System, which: Which) -> std::result::Result<(), Fault> {
        match &mut self.step {
            Step::Put(_) => self.put(system, which),
            Step::Write { .. } => self.write(),
            Step::Take { is_gone } => {
                if let Some(replaced) = Replaced::hold(system, which, (&self.dir, &self.name))
                    && replaced.unlink(&self.dir, &self.name).is_ok()
                {
                    self.step = Step::Put(Old::Held(replaced));
                    return Ok(());
                }
                let temporary = temporary_name(&self.name);
                match shift(&self.dir.fd, &self.name, &temporary) {
                    Err(Errno::NOENT) => Ok(()),
                    Err(Errno::EXIST) => {
                        remove(&self.dir.fd, &temporary)?;
                        shift(&self.dir.fd, &self.name, &temporary)?;
                        *is_gone = true;
                        Ok(())
                    }
                    other => {
                        *is_gone = other.is_ok();
                        Ok(other?)
                    }
                }
            }
            Step::Meta { mode, owner, .. } => {
                if let Some((user, group)) = *owner {
                    system.give(&self.dir.fd, &self.name, (user, group))?;
                }
                match *mode {
                    Some(mode) => Ok(set_mode(&self.dir.fd, &self.name, mode)?),
                    None => Ok(()),
                }
            }
        }
    }

    /// Everything as it was before [`Op::commit`], however far that came. The staged thing is removed as well.
    pub fn undo(&mut self) -> Result<()> {
        let dir = &self.dir.fd;
        let temporary = temporary_name(&self.name);
        match &mut self.step {
            Step::Put(old) => {
                match old {
                    Old::Waiting { .. } => {}
                    Old::Nothing => shift(dir, &self.name, &temporary)?,
                    Old::Temporary => {
                        rustix::fs::renameat_with(dir, &*temporary, dir, &*self.name, RenameFlags::EXCHANGE)?;
                    }
                    Old::Second => {
                        shift(dir, &self.name, &temporary)?;
                        shift(dir, &second_name(&self.name), &self.name)?;
                    }
                    Old::Held(replaced) => {
                        if let Err(errno) = replaced.restore(&self.dir, &self.name, &temporary) {
                            remove(dir, &temporary)?;
                            return Err(errno);
                        }
                    }
                }
                *old = Old::Waiting { is_there: false };
                remove(dir, &temporary)
            }
            Step::Write {
                target, old, before, ..
            } => match old.take() {
                Some(mut old) => {
                    overwrite(target, &mut old).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
                    dress(target, *before)
                }
                None => Ok(()),
            },
            Step::Take { is_gone } if *is_gone => {
                *is_gone = false;
                shift(dir, &temporary, &self.name)
            }
            Step::Take { .. } => Ok(()),
            Step::Meta { mode, owner, before } => {
                if owner.is_some() {
                    let (user, group) = (Uid::from_raw(before.st_uid), Gid::from_raw(before.st_gid));
                    let flags = AtFlags::SYMLINK_NOFOLLOW;
                    match rustix::fs::chownat(dir, &*self.name, Some(user), Some(group), flags) {
                        Ok(()) | Err(Errno::PERM) => {}
                        Err(errno) => return Err(errno),
                    }
                }
                if mode.is_some() || owner.is_some() && kind(before) != FileType::Symlink {
                    set_mode(dir, &self.name, bits(before))?;
                }
                Ok(())
            }
        }
    }

    /// The old file, where it is held.
    pub fn held(&mut self) -> Option<Replaced> {
        match &mut self.step {
            Step::Put(old @ Old::Held(_)) => match std::mem::replace(old, Old::Nothing) {
                Old::Held(replaced) => Some(replaced),
                _ => None,
            },
            _ => None,
        }
    }

    /// Removes what was kept for the way back.
    pub fn keep(&mut self) -> Result<()> {
        match &mut self.step {
            Step::Put(Old::Temporary) | Step::Take { is_gone: true } => {
                remove(&self.dir.fd, &temporary_name(&self.name))
            }
            Step::Put(Old::Second) => remove(&self.dir.fd, &second_name(&self.name)),
            _ => Ok(()),
        }
    }

    fn put(&mut self, system: &System, which: Which) -> std::result::Result<(), Fault> {
        match self.rename(system, which) {
            Ok(old) => {
                self.step = Step::Put(old);
                Ok(())
            }
            Err(errno @ (Errno::BUSY | Errno::PERM | Errno::ACCESS)) => self.write_instead(errno),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes the staged thing the one of that name. Says where the old one is.
    fn rename(&self, system: &System, which: Which) -> Result<Old> {
        let dir = &self.dir.fd;
        let temporary = temporary_name(&self.name);
        let mut expects = !matches!(self.step, Step::Put(Old::Waiting { is_there: false }));
        // More than once, because it may have come or gone in between.
        for _ in 0..3 {
            if !expects {
                match shift(dir, &temporary, &self.name) {
                    Err(Errno::EXIST) => {}
                    other => return other.map(|()| Old::Nothing),
                }
            }
            if let Some(replaced) = Replaced::hold(system, which, (&self.dir, &self.name))
                && rustix::fs::renameat(dir, &*temporary, dir, &*self.name).is_ok()
            {
                return Ok(Old::Held(replaced));
            }
            if !system.exchange {
                return self.rename_without_exchange();
            }
            match rustix::fs::renameat_with(dir, &*temporary, dir, &*self.name, RenameFlags::EXCHANGE) {
                Ok(()) => return Ok(Old::Temporary),
                Err(Errno::NOENT) => expects = false,
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::XDEV) => {
                    return self.rename_without_exchange();
                }
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::BUSY)
    }

    fn rename_without_exchange(&self) -> Result<Old> {
        let dir = &self.dir.fd;
        let (temporary, second) = (temporary_name(&self.name), second_name(&self.name));
        remove(dir, &second)?;
        let existing = look(dir, &self.name)?;
        let Some(existing) = existing else {
            return shift(dir, &temporary, &self.name).map(|()| Old::Nothing);
        };
        let staged = look(dir, &temporary)?.ok_or(Errno::NOENT)?;
        let is_file = |stat: &Stat| kind(stat) != FileType::Directory;
        if is_file(&existing)
            && is_file(&staged)
            && rustix::fs::linkat(dir, &*self.name, dir, &*second, AtFlags::empty()).is_ok()
        {
            // The name is never without a file.
            return match rustix::fs::renameat(dir, &*temporary, dir, &*self.name) {
                Ok(()) => Ok(Old::Second),
                Err(errno) => {
                    remove(dir, &second)?;
                    Err(errno)
                }
            };
        }
        shift(dir, &self.name, &second)?;
        match shift(dir, &temporary, &self.name) {
            Ok(()) => Ok(Old::Second),
            Err(errno) => {
                shift(dir, &second, &self.name)?;
                Err(errno)
            }
        }
    }

    /// A file that nothing can take the place of (something is mounted there) gets the staged content.
    fn write_instead(&mut self, errno: Errno) -> std::result::Result<(), Fault> {
        let dir = &self.dir.fd;
        let temporary = temporary_name(&self.name);
        let open = |name: &[u8], flags: OFlags| rustix::fs::openat(dir, name, flags | CAREFULLY, Mode::empty());
        let is_regular = |file: &File| file.metadata().is_ok_and(|found| found.is_file());
        let (Ok(new), Ok(target)) = (open(&temporary, OFlags::RDONLY), open(&self.name, OFlags::RDWR)) else {
            return Err(errno.into());
        };
        let (new, target) = (File::from(new), File::from(target));
        if !is_regular(&new) || !is_regular(&target) {
            return Err(errno.into());
        }
        let mode = bits(&rustix::fs::fstat(&new)?);
        let before = bits(&rustix::fs::fstat(&target)?);
        // It stays open under no name.
        remove(dir, &temporary)?;
        self.step = Step::Write {
            target,
            new,
            old: None,
            mode: Some(mode),
            before,
        };
        self.write()
    }

    fn write(&mut self) -> std::result::Result<(), Fault> {
        let Step::Write {
            target, new, old, mode, ..
        } = &mut self.step
        else {
            return Ok(());
        };
        let size = target.metadata()?.len();
        let mut copy = File::from(nameless(size)?);
        // One that may be written but not read cannot be kept; that was said when it was staged.
        if overwrite(&mut copy, target).is_ok() {
            *old = Some(copy);
        }
        overwrite(target, new)?;
        match *mode {
            Some(mode) => Ok(dress(target, mode)?),
            None => Ok(()),
        }
    }
}

/// Bits of a file that may be somebody else's: then they stay as they are.
fn dress(file: &File, mode: u32) -> Result<()> {
    match rustix::fs::fchmod(file, Mode::from_raw_mode(mode)) {
        Err(Errno::PERM) => Ok(()),
        other => other,
    }
}

fn second_name(name: &[u8]) -> Vec<u8> {
    temporary_name(&[name, b"\x01old"].concat())
}
