//! Directories that a batch works in: those that are there, opened beneath their root, and those that it makes.
//!
//! What is new is built under a temporary name beside the place where the first missing directory will be, so that one
//! rename makes all of it visible.

use super::op::{Old, Op, Step};
use super::remove::remove;
use super::system::{DIRECTORY, Fault, System, kind, look, set_mode};
use crate::wire::{Absolute, Beneath, ModeRule, Owner, is_temporary, temporary_name};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, Result};
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

/// Directories kept open for the case that the next file is in them too.
const MOST_KNOWN: usize = 512;

/// How overlayfs calls itself.
const OVERLAY: u32 = 0x794c_7630;

/// What staging comes to.
pub type Staged<T> = std::result::Result<T, Fault>;

/// Device and inode.
pub type Identity = (u64, u64);

#[derive(Debug)]
pub struct Dir {
    pub fd: OwnedFd,
    pub id: Identity,
    pub owner: (u32, u32),
    /// New files take the directory's group.
    pub gives_group: bool,
    /// Part of what this batch builds: nobody sees it yet.
    pub staged: bool,
    /// Files here may be of a layer below.
    pub is_overlay: bool,
}

impl Dir {
    /// By its path, as anyone would.
    pub fn open(path: &[u8]) -> Result<Arc<Self>> {
        Self::new(rustix::fs::open(path, DIRECTORY, Mode::empty())?, false)
    }

    fn new(fd: OwnedFd, staged: bool) -> Result<Arc<Self>> {
        let stat = rustix::fs::fstat(&fd)?;
        let is_overlay = rustix::fs::fstatfs(&fd).is_ok_and(|found| found.f_type as u32 == OVERLAY);
        Ok(Arc::new(Self {
            fd,
            is_overlay,
            id: (stat.st_dev, stat.st_ino),
            owner: (stat.st_uid, stat.st_gid),
            gives_group: stat.st_mode & 0o2000 != 0,
            staged,
        }))
    }
}

/// Names that open batches stage something for, and which batch that is.
pub type Claims = Rc<RefCell<HashMap<(Identity, Vec<u8>), u32>>>;

/// A directory that entries are relative to.
pub struct Root {
    number: u16,
    pub path: Absolute,
    pub owner: Owner,
    pub mode: ModeRule,
    /// The deepest directory on the way that is there.
    base: Arc<Dir>,
    base_path: Absolute,
    /// The rest of the way.
    missing: Vec<u8>,
}

impl Root {
    pub fn open(number: u16, path: Absolute, owner: Owner, mode: ModeRule) -> Staged<Self> {
        let mut there = path.as_bytes().to_vec();
        let mut missing: Vec<&[u8]> = Vec::new();
        let mut rest = path.components();
        let base = loop {
            match Dir::open(&there) {
                Ok(found) => break found,
                Err(Errno::NOENT) => {}
                // A file where the root is to be is replaced; one on the way there is not.
                Err(Errno::NOTDIR) if missing.is_empty() => {}
                Err(errno) => return Err(errno.into()),
            }
            let name = rest.next_back().ok_or(Errno::NOENT)?;
            missing.insert(0, name);
            there.truncate(there.len() - name.len());
            if there.len() > 1 {
                there.pop();
            }
        };
        if let Some(first) = missing.first()
            && let Some(stat) = look(&base.fd, first)?
            && (kind(&stat) == FileType::Symlink || missing.len() > 1)
        {
            return Err(Fault::LeadsOut(format!(
                "`{}`: a symbolic link on the way leads nowhere",
                path.join(&Beneath::root())
            )));
        }
        let missing = missing.join(&b'/');
        drop(rest);
        let base_path = Absolute::new(&there).map_err(|fault| Fault::Misuse(fault.to_string()))?;
        Ok(Self {
            number,
            base_path,
            path,
            owner,
            mode,
            base,
            missing,
        })
    }

    /// The way from the base.
    fn way(&self, path: &[u8]) -> Vec<u8> {
        match (self.missing.is_empty(), path.is_empty()) {
            (true, _) => path.to_vec(),
            (_, true) => self.missing.clone(),
            _ => [&self.missing, path].join(&b'/'),
        }
    }

    /// For people: where the way leads to.
    fn full(&self, way: &[u8]) -> String {
        let way = Beneath::new(way).unwrap_or_else(|_| Beneath::root());
        self.base_path.join(&way)
    }
}

/// Whether directories on the way are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Made,
    AsItIs,
}

pub struct Tree {
    pub system: System,
    pub roots: HashMap<u16, Arc<Root>>,
    pub ops: Vec<Op>,
    /// Which entry is being staged.
    pub at: (u16, Beneath),
    batch: u32,
    claims: Claims,
    known: HashMap<(u16, Vec<u8>), Arc<Dir>>,
    /// The topmost directories that are new, by where they will be.
    staged: HashMap<(Identity, Vec<u8>), Arc<Dir>>,
    /// Bits that would keep this batch itself out.
    late_modes: Vec<(Arc<Dir>, Vec<u8>, u32)>,
}

impl Tree {
    pub fn new(system: System, batch: u32, claims: Claims) -> Self {
        Self {
            system,
            roots: HashMap::new(),
            ops: Vec::new(),
            at: (0, Beneath::root()),
            batch,
            claims,
            known: HashMap::new(),
            staged: HashMap::new(),
            late_modes: Vec::new(),
        }
    }

    pub fn root(&self, number: u16) -> Staged<Arc<Root>> {
        let root = self.roots.get(&number).cloned();
        root.ok_or_else(|| Fault::Misuse(format!("there is no root {number}")))
    }

    /// The directory that `path` is in, and its name there.
    pub fn place<'a>(&mut self, root: u16, path: &'a Beneath, way: Way) -> Staged<Option<(Arc<Dir>, &'a [u8])>> {
        let (parent, name) = path
            .split()
            .ok_or_else(|| Fault::Misuse("the root itself is no file".to_owned()))?;
        if is_temporary(name) {
            return Err(Fault::Misuse("names like this are the agent's own".to_owned()));
        }
        let dir = self.dir(root, parent, way)?;
        Ok(dir.map(|dir| (dir, name)))
    }

    /// The directory at `path` beneath a root.
    pub fn dir(&mut self, root: u16, path: &[u8], way: Way) -> Staged<Option<Arc<Dir>>> {
        let there = self.root(root)?;
        self.walk(&there, &there.way(path), way)
    }

    /// Marks a name in a directory as this batch's.
    pub fn claim(&mut self, dir: &Dir, name: &[u8]) -> Staged<()> {
        let key = (dir.id, name.to_vec());
        match self.claims.borrow_mut().entry(key) {
            Entry::Vacant(free) => {
                free.insert(self.batch);
                Ok(())
            }
            Entry::Occupied(taken) if *taken.get() == self.batch => {
                Err(Fault::Misuse("it is in the batch twice".to_owned()))
            }
            Entry::Occupied(taken) => Err(Fault::Misuse(format!("batch {} is changing it", taken.get()))),
        }
    }

    pub fn disclaim(&mut self, dir: &Dir, name: &[u8]) {
        self.claims.borrow_mut().remove(&(dir.id, name.to_vec()));
    }

    pub fn has_claimed(&self, dir: &Dir, name: &[u8]) -> bool {
        self.claims.borrow().get(&(dir.id, name.to_vec())) == Some(&self.batch)
    }

    /// An operation of the entry that is being staged.
    pub fn push(&mut self, dir: &Arc<Dir>, name: &[u8], step: Step) {
        self.ops.push(Op {
            root: self.at.0,
            path: self.at.1.clone(),
            dir: Arc::clone(dir),
            name: name.to_vec(),
            step,
        });
    }

    /// The directory that is to be made new at `path`, or is to be found there.
    pub fn directory(&mut self, root: u16, path: &Beneath) -> Staged<Found> {
        let there = self.root(root)?;
        let way = there.way(path.as_bytes());
        let Some((parent, name)) = split(&way) else {
            return Ok(Found::Base);
        };
        let dir = self.walk_made(&there, parent)?;
        if dir.staged || self.staged.contains_key(&(dir.id, name.to_vec())) {
            self.child(&there, &dir, name)?;
            return Ok(Found::New(dir, name.to_vec()));
        }
        match look(&dir.fd, name)? {
            Some(stat) if kind(&stat) == FileType::Directory => Ok(Found::There(dir, name.to_vec(), Box::new(stat))),
            other => {
                self.stage(&there, &dir, name, other.is_some())?;
                Ok(Found::New(dir, name.to_vec()))
            }
        }
    }

    /// Sets the bits of a new directory: at once, or when all that is in it is there.
    pub fn dress(&mut self, dir: &Arc<Dir>, name: &[u8], mode: u32) -> Result<()> {
        let staged = self.staged_name(dir, name);
        self.late_modes
            .retain(|(other, known, _)| other.id != dir.id || *known != staged);
        if mode & 0o700 == 0o700 {
            return set_mode(&dir.fd, &staged, mode);
        }
        self.late_modes.push((Arc::clone(dir), staged, mode));
        Ok(())
    }

    /// The bits that had to wait, the innermost directory's first.
    pub fn dress_late(&mut self) -> Result<()> {
        for (dir, name, mode) in self.late_modes.drain(..).rev() {
            set_mode(&dir.fd, &name, mode)?;
        }
        Ok(())
    }

    /// The name that a thing has until the commit.
    pub fn staged_name(&self, dir: &Dir, name: &[u8]) -> Vec<u8> {
        if dir.staged {
            name.to_vec()
        } else {
            temporary_name(name)
        }
    }

    /// Nothing is looked up any more.
    pub fn forget(&mut self) {
        self.known = HashMap::new();
        self.staged = HashMap::new();
    }

    /// Others may change these names again.
    pub fn release(&mut self) {
        self.ops = Vec::new();
        self.claims.borrow_mut().retain(|_, batch| *batch != self.batch);
    }

    fn walk_made(&mut self, there: &Arc<Root>, path: &[u8]) -> Staged<Arc<Dir>> {
        let found = self.walk(there, path, Way::Made)?;
        found.ok_or(Fault::System(Errno::NOENT))
    }

    /// `path` is the way from the root's base.
    fn walk(&mut self, there: &Arc<Root>, path: &[u8], way: Way) -> Staged<Option<Arc<Dir>>> {
        let Some((parent, name)) = split(path) else {
            return Ok(Some(Arc::clone(&there.base)));
        };
        let key = (there.number, path.to_vec());
        if let Some(dir) = self.known.get(&key) {
            return Ok(Some(Arc::clone(dir)));
        }
        let Some(parent) = self.walk(there, parent, way)? else {
            return Ok(None);
        };
        let found = match (parent.staged, way) {
            (true, Way::Made) => Some(self.child(there, &parent, name)?),
            (true, Way::AsItIs) => self.child_as_it_is(&parent, name)?,
            (false, _) => match self.staged.get(&(parent.id, name.to_vec())) {
                Some(dir) => Some(Arc::clone(dir)),
                None => match self.existing(there, &parent, path, name)? {
                    Ok(dir) => Some(dir),
                    Err(_) if way == Way::AsItIs => None,
                    Err(is_there) => Some(self.stage(there, &parent, name, is_there)?),
                },
            },
        };
        if let Some(dir) = &found {
            if self.known.len() >= MOST_KNOWN {
                self.known.clear();
            }
            self.known.insert(key, Arc::clone(dir));
        }
        Ok(found)
    }

    /// What is there by that name: the directory, or whether anything else is.
    fn existing(
        &self,
        there: &Root,
        parent: &Dir,
        path: &[u8],
        name: &[u8],
    ) -> Staged<std::result::Result<Arc<Dir>, bool>> {
        let opened = if self.system.openat2 {
            let opened = self.system.open_beneath(&there.base.fd, path, DIRECTORY);
            let leads_out = matches!(opened, Err(Errno::XDEV));
            match leads_out.then(|| inward(there, parent, name)).flatten() {
                Some(inner) => self.system.open_beneath(&there.base.fd, &inner, DIRECTORY),
                None => opened,
            }
        } else {
            rustix::fs::openat(&parent.fd, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
        };
        let is_link = || Ok::<_, Errno>(look(&parent.fd, name)?.map(|stat| kind(&stat) == FileType::Symlink));
        let link = || there.full(path);
        match opened {
            Ok(fd) => Ok(Ok(Dir::new(fd, false)?)),
            Err(Errno::XDEV) => Err(Fault::LeadsOut(format!(
                "`{}` is a symbolic link that leads out of `{}`",
                link(),
                there.path.join(&Beneath::root())
            ))),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => match is_link()? {
                Some(true) if !self.system.openat2 => Err(Fault::LeadsOut(format!(
                    "`{}` is a symbolic link, and this system cannot say whether it leads out of `{}`",
                    link(),
                    there.path.join(&Beneath::root())
                ))),
                found => Ok(Err(found.is_some())),
            },
            Err(errno) => Err(errno.into()),
        }
    }

    /// A directory in one that is new itself; made if it is not there yet.
    fn child(&mut self, there: &Root, parent: &Arc<Dir>, name: &[u8]) -> Staged<Arc<Dir>> {
        if !parent.staged {
            let staged = self.staged.get(&(parent.id, name.to_vec()));
            return staged.cloned().ok_or(Fault::System(Errno::NOENT));
        }
        match rustix::fs::mkdirat(&parent.fd, name, Mode::RWXU) {
            Ok(()) => self.adopt(there, parent, name, None),
            Err(Errno::EXIST) => self
                .child_as_it_is(parent, name)?
                .ok_or_else(|| Fault::Misuse("it is both a file and a directory".to_owned())),
            Err(errno) => Err(errno.into()),
        }
    }

    fn child_as_it_is(&self, parent: &Dir, name: &[u8]) -> Result<Option<Arc<Dir>>> {
        match rustix::fs::openat(&parent.fd, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(fd) => Dir::new(fd, true).map(Some),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Begins a new directory beside the place where it will be.
    fn stage(&mut self, there: &Root, parent: &Arc<Dir>, name: &[u8], is_there: bool) -> Staged<Arc<Dir>> {
        let temporary = temporary_name(name);
        self.claim(parent, name)?;
        let make = || rustix::fs::mkdirat(&parent.fd, &*temporary, Mode::RWXU);
        let mut made = make();
        if made == Err(Errno::EXIST) {
            made = remove(&parent.fd, &temporary).and_then(|()| make());
        }
        if let Err(errno) = made {
            self.disclaim(parent, name);
            return Err(errno.into());
        }
        self.push(parent, name, Step::Put(Old::Waiting { is_there }));
        let existing = if is_there { look(&parent.fd, name)? } else { None };
        let dir = self.adopt(there, parent, &temporary, existing.as_ref())?;
        self.staged.insert((parent.id, name.to_vec()), Arc::clone(&dir));
        Ok(dir)
    }

    /// Owner and usual bits for a directory that was just made.
    fn adopt(&self, there: &Root, parent: &Arc<Dir>, name: &[u8], existing: Option<&Stat>) -> Staged<Arc<Dir>> {
        let owner = self.system.owner(there.owner, existing, parent.owner);
        if owner != (self.system.uid, self.system.gid) || parent.gives_group {
            self.system.give(&parent.fd, name, owner)?;
        }
        set_mode(&parent.fd, name, directory_mode(there.mode, 0o755))?;
        let fd = rustix::fs::openat(&parent.fd, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Dir::new(fd, true)?)
    }
}

/// Where an absolute link leads to beneath the root, which for the kernel is always outside.
fn inward(there: &Root, parent: &Dir, name: &[u8]) -> Option<Vec<u8>> {
    let target = rustix::fs::readlinkat(&parent.fd, name, Vec::new()).ok()?;
    let rest = target.as_bytes().strip_prefix(there.base_path.as_bytes())?;
    let inner = rest.strip_prefix(b"/")?;
    Beneath::new(inner).ok().map(|inner| inner.as_bytes().to_vec())
}

/// What [`Tree::directory`] came upon.
pub enum Found {
    /// The root itself.
    Base,
    New(Arc<Dir>, Vec<u8>),
    There(Arc<Dir>, Vec<u8>, Box<Stat>),
}

/// Who may read a directory may search it.
pub fn directory_mode(rule: ModeRule, sent: u32) -> u32 {
    match rule {
        ModeRule::Fixed(mode) => mode & 0o7777 | 0o700 | (mode & 0o444) >> 2,
        ModeRule::Host | ModeRule::LikeExisting => sent & 0o7777,
    }
}

fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.is_empty() {
        return None;
    }
    Some(match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    })
}
