//! Of large batches: which files need not be sent, and the places of those that others write.

use super::{Announced, has_content};
use crate::serve::hands::{Job, each};
use crate::serve::op::{Old, Step};
use crate::serve::tree::{Dir, Staged, Tree, Way};
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

/// A file that may be there already, and where.
struct Look<'a> {
    file: &'a Announced,
    place: Option<(Arc<Dir>, &'a [u8])>,
    is_there: bool,
}

impl Tree {
    /// Which of these files are there already, with that content.
    pub fn have(&mut self, files: &[Announced]) -> Vec<bool> {
        let mut looks: Vec<Look> = files.iter().map(|file| self.look(file)).collect();
        let look = |look: &mut Look| {
            if let Some((dir, name)) = &look.place {
                look.is_there = matches!(has_content(dir, name, look.file), Ok(Some(_)));
            }
            Ok::<_, Infallible>(())
        };
        let None = each(&mut looks, look);
        looks.into_iter().map(|look| look.is_there).collect()
    }

    fn look<'a>(&mut self, file: &'a Announced) -> Look<'a> {
        let place = self.place(file.root, &file.path, Way::AsItIs).ok().flatten();
        Look {
            file,
            place: place.filter(|(dir, _)| !dir.staged),
            is_there: false,
        }
    }

    /// A small file that somebody else is to write. Its place is taken at once.
    pub fn job(&mut self, entry: u32, file: Announced, content: Vec<u8>) -> Staged<Job> {
        let root = self.root(file.root)?;
        let (dir, name) = self.made(file.root, &file.path)?;
        let name = name.to_vec();
        let staged = self.staged_name(&dir, &name);
        let op = match dir.staged {
            true => None,
            false => {
                self.claim(&dir, &name)?;
                self.push(&dir, &name, Step::Put(Old::Waiting { is_there: true }));
                Some(self.ops.len() - 1)
            }
        };
        Ok(Job {
            entry,
            file,
            content,
            root,
            dir,
            name,
            staged,
            op,
        })
    }

    /// A job was done, and that is what it came upon.
    pub fn guess(&mut self, op: Option<usize>, is_there: bool) {
        if let Some(op) = op.and_then(|op| self.ops.get_mut(op)) {
            op.step = Step::Put(Old::Waiting { is_there });
        }
    }

    /// These were not done; others may take their places.
    pub fn take_back(&mut self, jobs: &[Job]) {
        let gone: HashSet<usize> = jobs.iter().filter_map(|job| job.op).collect();
        let mut places = 0..;
        self.ops
            .retain(|_| places.next().is_none_or(|place| !gone.contains(&place)));
        for job in jobs.iter().filter(|job| job.op.is_some()) {
            self.disclaim(&job.dir, &job.name);
        }
    }
}
