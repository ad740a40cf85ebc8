//! Files of a batch and what they hold: written as it arrives, or handed over to those who write the small files of a large batch.

use super::{Batch, MOST_PROBLEMS, Open};
use crate::serve::hands::{Crew, Job};
use crate::serve::stage::Announced;
use crate::serve::system::Fault;
use crate::wire::{Beneath, FromHost};

/// Larger files are written as they arrive.
const SMALL: u64 = 64 * 1024;

impl Batch {
    pub(super) fn begin(&mut self, entry: u32, file: Announced) -> Result<(), Fault> {
        if self.open.contains_key(&entry) || self.awaited.contains_key(&entry) {
            return Err(Fault::Misuse(format!("entry {entry} is not finished yet")));
        }
        match self.crew {
            Some(_) if file.size == 0 => self.hand_over(entry, file, Vec::new()),
            Some(_) if file.size <= SMALL => {
                self.awaited.insert(entry, file);
                Ok(())
            }
            _ => self.begin_alone(entry, file),
        }
    }

    /// Somebody else writes it.
    fn hand_over(&mut self, entry: u32, file: Announced, content: Vec<u8>) -> Result<(), Fault> {
        if self.crew.as_ref().is_some_and(Crew::has_failed) {
            self.gather();
        }
        self.tree.at = (file.root, file.path.clone());
        let job = self.tree.job(entry, file, content)?;
        let unsent = match &self.crew {
            Some(crew) => crew.give(job).err(),
            None => Some(Box::new(job)),
        };
        if let Some(job) = unsent {
            self.tree.take_back(std::slice::from_ref(&job));
            self.again(*job);
        }
        Ok(())
    }

    /// Waits for those who write. What they could not do is done here, as it would be done without them.
    pub(super) fn gather(&mut self) {
        let Some(crew) = self.crew.take() else { return };
        let mut failed = Vec::new();
        for done in crew.finish() {
            match done.written {
                Ok(is_there) => self.tree.guess(done.job.op, is_there),
                Err(_) => failed.push(done.job),
            }
        }
        self.tree.take_back(&failed);
        failed.into_iter().for_each(|job| self.again(job));
    }

    fn again(&mut self, job: Job) {
        if self.is_hopeless || self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        let (batch, entry) = (self.number, job.entry);
        let (root, path) = job.place();
        self.tree.at = (root, path.clone());
        match self.begin_alone(entry, job.file) {
            Err(fault) => self.blame(fault, root, path),
            Ok(()) if job.content.is_empty() => {}
            Ok(()) => self.content(
                entry,
                FromHost::Data {
                    batch,
                    entry,
                    bytes: job.content,
                },
            ),
        }
    }

    fn begin_alone(&mut self, entry: u32, file: Announced) -> Result<(), Fault> {
        let (content, goal, note) = self.tree.file(&file)?;
        if let Some(note) = note {
            let full = self.full(file.root, &file.path);
            self.notes
                .push(Fault::Misuse(note).problem(file.root, &file.path, &full));
        }
        if content.is_complete() {
            return self.tree.finish(content, goal);
        }
        let open = Open {
            root: file.root,
            path: file.path,
            content,
            goal,
        };
        self.open.insert(entry, open);
        Ok(())
    }

    /// Content of an entry that could not be begun is passed over: why is known.
    pub(super) fn content(&mut self, entry: u32, word: FromHost) {
        if let Some(file) = self.awaited.remove(&entry) {
            let (root, path) = (file.root, file.path.clone());
            let begun = match word {
                FromHost::Data { bytes, .. } if bytes.len() as u64 == file.size => {
                    return self
                        .hand_over(entry, file, bytes)
                        .unwrap_or_else(|fault| self.blame(fault, root, path));
                }
                _ => self.begin_alone(entry, file),
            };
            if let Err(fault) = begun {
                return self.blame(fault, root, path);
            }
        }
        let Some(open) = self.open.get_mut(&entry) else {
            if self.problems.is_empty() {
                let fault = Fault::Misuse(format!("content for entry {entry}, which waits for none"));
                self.blame(fault, 0, Beneath::root());
            }
            return;
        };
        let written = match word {
            FromHost::Data { bytes, .. } => open.content.write(&bytes),
            FromHost::Zeros { length, .. } => open.content.skip(length),
            _ => Ok(()),
        };
        if written.is_ok() && !open.content.is_complete() {
            return;
        }
        let Some(open) = self.open.remove(&entry) else {
            return;
        };
        self.tree.at = (open.root, open.path.clone());
        let finished = written.and_then(|()| self.tree.finish(open.content, open.goal));
        if let Err(fault) = finished {
            self.blame(fault, open.root, open.path);
        }
    }
}
