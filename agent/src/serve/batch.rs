//! One transaction: everything is staged, then made visible in one burst, then kept or taken back.

mod files;

use super::content::Incoming;
use super::hands::{self, Crew, each};
use super::op::Op;
use super::replaced::{self, Replaced, Which};
use super::stage::{Announced, Goal};
use super::system::{Fault, System};
use super::tree::{Claims, Root, Tree};
use crate::wire::{Absolute, Beneath, FromAgent, FromHost, Offered, Problem};
use rustix::io::Errno;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// More would say nothing new.
const MOST_PROBLEMS: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Staging,
    Prepared,
    Committed,
    /// Told once; whatever else belongs to it is passed over.
    Refused,
}

struct Open {
    root: u16,
    path: Beneath,
    content: Incoming,
    goal: Goal,
}

/// What is to be said, and whether the batch is over.
pub struct Step {
    pub answer: Option<FromAgent>,
    pub is_over: bool,
}

impl Step {
    const NOTHING: Self = Self {
        answer: None,
        is_over: false,
    };

    fn say(answer: FromAgent) -> Self {
        Self {
            answer: Some(answer),
            is_over: false,
        }
    }
}

pub struct Batch {
    number: u32,
    tree: Tree,
    /// What they are called, also those that cannot be opened.
    roots: HashMap<u16, Absolute>,
    phase: Phase,
    open: HashMap<u32, Open>,
    /// In large batches: those who write small files, and the files whose content they wait for.
    crew: Option<Crew>,
    awaited: HashMap<u32, Announced>,
    problems: Vec<Problem>,
    notes: Vec<Problem>,
    /// Nothing more is tried: everything else would fail as well.
    is_hopeless: bool,
}

impl Batch {
    pub fn new(number: u32, system: System, claims: Claims) -> Self {
        Self {
            number,
            tree: Tree::new(system, number, claims),
            roots: HashMap::new(),
            phase: Phase::Staging,
            open: HashMap::new(),
            crew: None,
            awaited: HashMap::new(),
            problems: Vec::new(),
            notes: Vec::new(),
            is_hopeless: false,
        }
    }

    pub fn hear(&mut self, word: FromHost) -> Step {
        let batch = self.number;
        match (word, self.phase) {
            (FromHost::Undo { .. }, _) => {
                let problems = self.undo();
                Step {
                    answer: Some(FromAgent::Undone { batch, problems }),
                    is_over: true,
                }
            }
            (FromHost::Keep { .. }, Phase::Committed | Phase::Refused) => {
                self.end();
                Step {
                    answer: None,
                    is_over: true,
                }
            }
            (_, Phase::Refused) => Step::NOTHING,
            (FromHost::Prepare { .. }, Phase::Staging) => self.prepare(),
            (FromHost::Commit { .. }, Phase::Prepared) => self.commit(),
            (FromHost::Offer { entries, .. }, Phase::Staging) => Step::say(self.wanted(entries)),
            (FromHost::Keep { .. }, Phase::Staging | Phase::Prepared) => Step {
                is_over: true,
                ..self.misuse("nothing was committed that could be kept")
            },
            (
                word @ (FromHost::Prepare { .. } | FromHost::Commit { .. }),
                Phase::Staging | Phase::Prepared | Phase::Committed,
            ) => self.misuse(&format!("this is no time for {word:?}")),
            (word, Phase::Staging) => {
                self.entry(word);
                Step::NOTHING
            }
            (_, Phase::Prepared | Phase::Committed) => self.misuse("an entry after the batch was prepared"),
        }
    }

    /// The stream has ended: what is visible stays, what is not goes.
    pub fn end(&mut self) {
        if self.phase != Phase::Committed {
            self.undo();
            return;
        }
        let held: Vec<Replaced> = self.tree.ops.iter_mut().filter_map(Op::held).collect();
        if held.len() >= hands::MANY {
            replaced::let_go(held);
        }
        // What cannot be removed now has a name by which the next agent finds it.
        let _ = each(&mut self.tree.ops, |op| {
            let _ = op.keep();
            Ok::<_, Infallible>(())
        });
        self.tree.release();
    }

    fn misuse(&mut self, text: &str) -> Step {
        let problem = Problem::misuse(0, Beneath::root(), text);
        self.problems.insert(0, problem);
        self.refuse()
    }

    fn refuse(&mut self) -> Step {
        let mut problems = std::mem::take(&mut self.problems);
        problems.extend(self.undo());
        problems.truncate(MOST_PROBLEMS);
        self.phase = Phase::Refused;
        Step::say(FromAgent::Refused {
            batch: self.number,
            problems,
        })
    }

    fn wanted(&mut self, entries: Vec<Offered>) -> FromAgent {
        if self.crew.is_none() {
            self.crew = Crew::hire(self.tree.system);
        }
        let announced = |offered: Offered| Announced {
            root: offered.root,
            path: offered.path,
            mode: 0,
            size: offered.size,
            sha256: offered.sha256,
        };
        let files: Vec<Announced> = entries.into_iter().map(announced).collect();
        let mut bitmap = vec![0_u8; files.len().div_ceil(8)];
        for (index, is_there) in self.tree.have(&files).into_iter().enumerate() {
            if !is_there {
                bitmap[index / 8] |= 1 << (index % 8);
            }
        }
        FromAgent::Wanted {
            batch: self.number,
            bitmap,
        }
    }

    fn entry(&mut self, word: FromHost) {
        if self.is_hopeless || self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        if let FromHost::Data { entry, .. } | FromHost::Zeros { entry, .. } = word {
            self.content(entry, word);
            return;
        }
        let Some(at) = place(&word) else {
            return;
        };
        self.tree.at = at;
        if let Err(fault) = self.stage(word) {
            let (root, path) = self.tree.at.clone();
            self.blame(fault, root, path);
        }
    }

    fn stage(&mut self, word: FromHost) -> Result<(), Fault> {
        match word {
            FromHost::Root {
                root,
                path,
                owner,
                mode,
                ..
            } => {
                self.roots.insert(root, path.clone());
                // Without its root no entry makes sense.
                self.is_hopeless = true;
                self.tree
                    .roots
                    .insert(root, Arc::new(Root::open(root, path, owner, mode)?));
                self.is_hopeless = false;
                Ok(())
            }
            FromHost::File {
                entry,
                root,
                path,
                mode,
                size,
                sha256,
                ..
            } => {
                let file = Announced {
                    root,
                    path,
                    mode,
                    size,
                    sha256,
                };
                self.begin(entry, file)
            }
            FromHost::Same {
                root,
                path,
                mode,
                size,
                sha256,
                ..
            } => self.tree.same(&Announced {
                root,
                path,
                mode,
                size,
                sha256,
            }),
            FromHost::Dir { root, path, mode, .. } => self.tree.directory_entry(root, &path, mode),
            FromHost::Symlink { root, path, target, .. } => self.tree.symlink(root, &path, &target),
            FromHost::HardLink {
                root,
                path,
                to_root,
                to_path,
                ..
            } => {
                let at = self.tree.at.clone();
                self.gather();
                self.tree.at = at;
                self.tree.hard_link(root, &path, (to_root, &to_path))
            }
            FromHost::Delete { root, path, .. } => self.tree.delete(root, &path),
            other => Err(Fault::Misuse(format!("{other:?} is no entry"))),
        }
    }

    fn prepare(&mut self) -> Step {
        self.gather();
        let awaited: Vec<Announced> = self.awaited.drain().map(|(_, file)| file).collect();
        for file in awaited {
            self.blame(Fault::missing(file.size, file.size), file.root, file.path);
        }
        let left: Vec<Open> = self.open.drain().map(|(_, open)| open).collect();
        for open in left {
            if let Err(fault) = open.content.finish() {
                self.blame(fault, open.root, open.path);
            }
        }
        if let Err(errno) = self.tree.dress_late() {
            self.blame(errno.into(), 0, Beneath::root());
        }
        if !self.problems.is_empty() {
            return self.refuse();
        }
        self.tree.forget();
        self.phase = Phase::Prepared;
        let notes = std::mem::take(&mut self.notes);
        Step::say(FromAgent::Prepared {
            batch: self.number,
            notes,
        })
    }

    fn commit(&mut self) -> Step {
        self.tree.ops.sort_by_key(Op::rank);
        let system = self.tree.system;
        let puts = self
            .tree
            .ops
            .partition_point(|op| matches!(op.step, super::op::Step::Put(_)));
        let (puts, others) = self.tree.ops.split_at_mut(puts);
        let which = match puts.len() {
            ..hands::MANY => Which::OfImage,
            _ => Which::All,
        };
        let failed = each(puts, |op| op.commit(&system, which)).or_else(|| {
            others.iter_mut().enumerate().find_map(|(index, op)| {
                let fault = op.commit(&system, Which::OfImage).err()?;
                Some((puts.len() + index, fault))
            })
        });
        match failed {
            None => {
                self.phase = Phase::Committed;
                Step::say(FromAgent::Committed { batch: self.number })
            }
            Some((index, fault)) => {
                let op = &self.tree.ops[index];
                let (root, path) = (op.root, op.path.clone());
                self.blame(fault, root, path);
                self.refuse()
            }
        }
    }

    /// Everything as it was, the last step first.
    fn undo(&mut self) -> Vec<Problem> {
        self.open = HashMap::new();
        self.awaited = HashMap::new();
        // Nothing of what is undone may come into being after that.
        let _ = self.crew.take().map(Crew::finish);
        let mut problems = Vec::new();
        let mut ops = std::mem::take(&mut self.tree.ops);
        let mut again = Vec::new();
        for op in ops.iter_mut().rev() {
            match op.undo() {
                // Once the others are back there may be room for it.
                Err(Errno::NOSPC | Errno::DQUOT) => again.push(op),
                Err(errno) => problems.push(self.problem(op, errno)),
                Ok(()) => {}
            }
        }
        for op in again {
            if let Err(errno) = op.undo() {
                problems.push(self.problem(op, errno));
            }
        }
        problems.truncate(MOST_PROBLEMS);
        self.tree.forget();
        self.tree.release();
        problems
    }

    fn problem(&self, op: &Op, errno: Errno) -> Problem {
        let full = self.full(op.root, &op.path);
        Fault::System(errno).problem(op.root, &op.path, &full)
    }

    fn blame(&mut self, fault: Fault, root: u16, path: Beneath) {
        self.is_hopeless |= fault.is_about_all();
        let full = self.full(root, &path);
        self.problems.push(fault.problem(root, &path, &full));
    }

    fn full(&self, root: u16, path: &Beneath) -> String {
        let root = self.roots.get(&root);
        root.map_or_else(|| format!("{path:?}"), |root| root.join(path))
    }
}

/// Of which root and path a word speaks.
fn place(word: &FromHost) -> Option<(u16, Beneath)> {
    match word {
        FromHost::Root { root, .. } => Some((*root, Beneath::root())),
        FromHost::File { root, path, .. }
        | FromHost::Same { root, path, .. }
        | FromHost::Dir { root, path, .. }
        | FromHost::Symlink { root, path, .. }
        | FromHost::HardLink { root, path, .. }
        | FromHost::Delete { root, path, .. } => Some((*root, path.clone())),
        _ => None,
    }
}
