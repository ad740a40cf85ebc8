//! Entries of a batch, each staged beside its target.

mod large;

use super::content::{Incoming, hash, nameless, open_regular};
use super::op::{Old, Step};
use super::remove::remove;
use super::system::{CAREFULLY, Fault, System, bits, kind, look};
use super::tree::{Dir, Found, Root, Staged, Tree, Way, directory_mode};
use crate::wire::{Beneath, ModeRule, Sha256, temporary_name};
use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A file as the host knows it.
pub struct Announced {
    pub root: u16,
    pub path: Beneath,
    pub mode: u32,
    pub size: u64,
    pub sha256: Sha256,
}

/// What becomes of a file's content once all of it is there.
pub enum Goal {
    /// It lies where it will be renamed from.
    Beside { mode: u32 },
    /// It is written over the one that cannot be replaced; says whether that one can be put back.
    InPlace {
        dir: Arc<Dir>,
        name: Vec<u8>,
        target: OwnedFd,
        mode: u32,
        before: u32,
    },
}

impl Tree {
    /// Begins a file. A note says what cannot be undone.
    pub fn file(&mut self, file: &Announced) -> Staged<(Incoming, Goal, Option<String>)> {
        let there = self.root(file.root)?;
        let (dir, name) = self.made(file.root, &file.path)?;
        let existing = if dir.staged { None } else { look(&dir.fd, name)? };
        let mode = file_mode(there.mode, file.mode, existing.as_ref());
        let fresh = match self.create(&dir, name, existing.is_some()) {
            Ok(fresh) => fresh,
            Err(fault) => {
                let (goal, note) = self.in_place(&dir, name, existing.as_ref(), mode, fault)?;
                let content = nameless(file.size)?;
                return Ok((Incoming::new(content, file.size, file.sha256), goal, note));
            }
        };
        self.own(&there, &dir, name, existing.as_ref())?;
        Ok((
            Incoming::new(fresh, file.size, file.sha256),
            Goal::Beside { mode },
            None,
        ))
    }

    /// The content is there, and right.
    pub fn finish(&mut self, content: Incoming, goal: Goal) -> Staged<()> {
        let file = content.finish()?;
        match goal {
            Goal::Beside { mode } => rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?,
            Goal::InPlace {
                dir,
                name,
                target,
                mode,
                before,
            } => {
                let step = Step::Write {
                    target: target.into(),
                    new: file,
                    old: None,
                    mode: Some(mode),
                    before,
                };
                self.push(&dir, &name, step);
            }
        }
        Ok(())
    }

    /// Only owner and bits of a file whose content is there.
    pub fn same(&mut self, file: &Announced) -> Staged<()> {
        let there = self.root(file.root)?;
        let missing = || Fault::Missing("there is no file with that content".to_owned());
        let (dir, name) = self
            .place(file.root, &file.path, Way::AsItIs)?
            .filter(|(dir, _)| !dir.staged)
            .ok_or_else(missing)?;
        let name = name.to_vec();
        let stat = has_content(&dir, &name, file)?.ok_or_else(missing)?;
        let mode = file_mode(there.mode, file.mode, Some(&stat));
        self.meta(&there, (&dir, &name), mode, stat);
        Ok(())
    }

    pub fn directory_entry(&mut self, root: u16, path: &Beneath, mode: u32) -> Staged<()> {
        let there = self.root(root)?;
        let mode = directory_mode(there.mode, mode);
        match self.directory(root, path)? {
            Found::Base => {}
            Found::New(dir, name) => self.dress(&dir, &name, mode)?,
            Found::There(_, _, stat) if there.mode == ModeRule::LikeExisting && bits(&stat) != mode => {}
            // Those of a root are whose image it is.
            Found::There(..) if path.is_root() => {}
            Found::There(dir, name, stat) => self.meta(&there, (&dir, &name), mode, *stat),
        }
        Ok(())
    }

    pub fn symlink(&mut self, root: u16, path: &Beneath, target: &[u8]) -> Staged<()> {
        let there = self.root(root)?;
        let (dir, name) = self.made(root, path)?;
        let existing = if dir.staged { None } else { look(&dir.fd, name)? };
        self.begin(&dir, name, existing.is_some(), |at| {
            rustix::fs::symlinkat(target, &dir.fd, at)
        })?;
        self.own(&there, &dir, name, existing.as_ref())
    }

    /// A second name for a file that is there or is staged.
    pub fn hard_link(&mut self, root: u16, path: &Beneath, to: (u16, &Beneath)) -> Staged<()> {
        let there = self.root(root)?;
        let missing = || Fault::Missing("what it is to be a second name of is not there".to_owned());
        let (from_dir, from) = self.place(to.0, to.1, Way::AsItIs)?.ok_or_else(missing)?;
        let from = match self.has_claimed(&from_dir, from) {
            true => self.staged_name(&from_dir, from),
            false => from.to_vec(),
        };
        let stat = look(&from_dir.fd, &from)?.ok_or_else(missing)?;
        let (dir, name) = self.made(root, path)?;
        let existing = if dir.staged { None } else { look(&dir.fd, name)? };
        let linked = self.begin(&dir, name, existing.is_some(), |at| {
            rustix::fs::linkat(&from_dir.fd, &*from, &dir.fd, at, AtFlags::empty())
        });
        match linked {
            // Another file system, or the files of others may not be linked to: a copy has the same content.
            Err(Fault::System(Errno::XDEV | Errno::PERM | Errno::MLINK)) if kind(&stat) == FileType::RegularFile => {
                let (mut source, stat) = open_regular(&from_dir.fd, &from)?.ok_or_else(missing)?;
                let mut copy = File::from(self.create(&dir, name, existing.is_some())?);
                std::io::copy(&mut source, &mut copy)?;
                self.own(&there, &dir, name, existing.as_ref())?;
                Ok(rustix::fs::fchmod(&copy, Mode::from_raw_mode(bits(&stat)))?)
            }
            other => other,
        }
    }

    pub fn delete(&mut self, root: u16, path: &Beneath) -> Staged<()> {
        let there = self.root(root)?;
        let (dir, name) = match path.is_root() {
            true => match root_place(&there)? {
                Some((dir, name)) => (dir, name),
                None => return Ok(()),
            },
            false => match self.place(root, path, Way::AsItIs)? {
                Some((dir, name)) => (dir, name.to_vec()),
                None => return Ok(()),
            },
        };
        if dir.staged || look(&dir.fd, &name)?.is_none() {
            return Ok(());
        }
        let access = rustix::fs::accessat(&dir.fd, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
        if let Err(errno @ (Errno::ACCESS | Errno::ROFS)) = access {
            return Err(errno.into());
        }
        self.claim(&dir, &name)?;
        remove(&dir.fd, &temporary_name(&name))?;
        self.push(&dir, &name, Step::Take { is_gone: false });
        Ok(())
    }

    fn made<'a>(&mut self, root: u16, path: &'a Beneath) -> Staged<(Arc<Dir>, &'a [u8])> {
        let place = self.place(root, path, Way::Made)?;
        place.ok_or(Fault::System(Errno::NOENT))
    }

    fn create(&mut self, dir: &Arc<Dir>, name: &[u8], is_there: bool) -> Staged<OwnedFd> {
        let mut fresh = None;
        self.begin(dir, name, is_there, |at| {
            fresh = Some(new_file(dir, at)?);
            Ok(())
        })?;
        fresh.ok_or(Fault::System(Errno::NOENT))
    }

    /// Makes a thing under its temporary name; what an agent before this one left there goes.
    fn begin(
        &mut self,
        dir: &Arc<Dir>,
        name: &[u8],
        is_there: bool,
        mut make: impl FnMut(&[u8]) -> rustix::io::Result<()>,
    ) -> Staged<()> {
        if dir.staged {
            return make(name).map_err(|errno| match errno {
                Errno::EXIST => Fault::Misuse("it is in the batch twice".to_owned()),
                errno => errno.into(),
            });
        }
        self.claim(dir, name)?;
        let temporary = temporary_name(name);
        let mut made = make(&temporary);
        if made == Err(Errno::EXIST) {
            made = remove(&dir.fd, &temporary).and_then(|()| make(&temporary));
        }
        match made {
            Ok(()) => {
                self.push(dir, name, Step::Put(Old::Waiting { is_there }));
                Ok(())
            }
            Err(errno) => {
                self.disclaim(dir, name);
                Err(errno.into())
            }
        }
    }

    /// Where nothing can be put beside a file, it may still be written.
    fn in_place(
        &mut self,
        dir: &Arc<Dir>,
        name: &[u8],
        existing: Option<&Stat>,
        mode: u32,
        fault: Fault,
    ) -> Staged<(Goal, Option<String>)> {
        let is_closed = matches!(fault, Fault::System(Errno::ACCESS | Errno::ROFS | Errno::PERM));
        let is_file = |stat: &&Stat| kind(stat) == FileType::RegularFile;
        let Some(existing) = existing.filter(|stat| is_closed && is_file(stat)) else {
            return Err(fault);
        };
        let open = |flags: OFlags| rustix::fs::openat(&dir.fd, name, flags | CAREFULLY, Mode::empty());
        let (target, note) = match open(OFlags::RDWR) {
            Ok(target) => (target, None),
            Err(Errno::ACCESS) => {
                let target = open(OFlags::WRONLY).map_err(|_| fault)?;
                (
                    target,
                    Some("it can be written but not read, so it could not be put back".to_owned()),
                )
            }
            Err(Errno::TXTBSY) => return Err(Errno::TXTBSY.into()),
            Err(_) => return Err(fault),
        };
        if kind(&rustix::fs::fstat(&target)?) != FileType::RegularFile {
            return Err(fault_of_kind());
        }
        self.claim(dir, name)?;
        let goal = Goal::InPlace {
            dir: Arc::clone(dir),
            name: name.to_vec(),
            target,
            mode,
            before: bits(existing),
        };
        Ok((goal, note))
    }

    /// Gives a staged thing to whom it shall belong.
    fn own(&self, there: &Root, dir: &Dir, name: &[u8], existing: Option<&Stat>) -> Staged<()> {
        let owner = self.system.owner(there.owner, existing, dir.owner);
        Ok(give_to(&self.system, dir, &self.staged_name(dir, name), owner)?)
    }

    fn meta(&mut self, there: &Root, at: (&Arc<Dir>, &[u8]), mode: u32, before: Stat) {
        let (dir, name) = at;
        let owner = self.system.owner(there.owner, Some(&before), dir.owner);
        let owner = (owner != (before.st_uid, before.st_gid)).then_some(owner);
        // A new owner clears the special bits.
        let mode = (mode != bits(&before) || owner.is_some()).then_some(mode);
        if mode.is_some() {
            let before = Box::new(before);
            self.push(dir, name, Step::Meta { mode, owner, before });
        }
    }
}

fn fault_of_kind() -> Fault {
    Fault::Missing("it is no regular file any more".to_owned())
}

/// What we make is ours already, but where the directory gives its group.
pub fn give_to(system: &System, dir: &Dir, name: &[u8], owner: (u32, u32)) -> rustix::io::Result<()> {
    if owner != (system.uid, system.gid) || dir.gives_group {
        system.give(&dir.fd, name, owner)?;
    }
    Ok(())
}

pub fn new_file(dir: &Dir, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(&dir.fd, name, flags, Mode::RUSR | Mode::WUSR)
}

pub fn file_mode(rule: ModeRule, sent: u32, existing: Option<&Stat>) -> u32 {
    match (rule, existing) {
        (ModeRule::Fixed(mode), _) => mode & 0o7777,
        (ModeRule::LikeExisting, Some(stat)) if kind(stat) == FileType::RegularFile => bits(stat),
        _ => sent & 0o7777,
    }
}

fn has_content(dir: &Dir, name: &[u8], file: &Announced) -> Staged<Option<Stat>> {
    // Most that differ, differ in size.
    let is_likely = |stat: &Stat| kind(stat) == FileType::RegularFile && stat.st_size as u64 == file.size;
    if !look(&dir.fd, name)?.as_ref().is_some_and(is_likely) {
        return Ok(None);
    }
    let opened = match open_regular(&dir.fd, name) {
        Err(Errno::ACCESS | Errno::PERM) => None,
        other => other?,
    };
    let Some((mut content, stat)) = opened.filter(|(_, stat)| stat.st_size as u64 == file.size) else {
        return Ok(None);
    };
    let (found, size) = hash(&mut content, file.size, |_| Ok(()))?;
    Ok((found == file.sha256 && size == file.size).then_some(stat))
}

/// Where the root itself is, if it is there.
fn root_place(there: &Root) -> Staged<Option<(Arc<Dir>, Vec<u8>)>> {
    let mut parent = there.path.as_bytes().to_vec();
    let Some(name) = there.path.components().next_back() else {
        return Err(Fault::Misuse("the root of all is not to be removed".to_owned()));
    };
    parent.truncate((parent.len() - name.len()).max(1));
    match Dir::open(&parent) {
        Ok(dir) => Ok(Some((dir, name.to_vec()))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}
