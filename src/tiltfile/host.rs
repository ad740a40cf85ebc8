//! The outside, as one evaluation sees it: its environment, the files that it reads and the lines that it logs.
//!
//! Files are read once: a second reader gets the first one's bytes. Every path that was read, or looked for in order to be read, is
//! noted, so that a change of it evaluates again; this holds for evaluations that fail too.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::model::path;
use crate::world::files;

/// A line of the evaluation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub level: Level,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// Environment variables that the Tiltfile sees and may change; children get them, our own process stays as it is.
pub type Environment = BTreeMap<String, String>;

/// A file's bytes, or why there are none.
type Contents = Result<Rc<[u8]>, files::FileError>;

pub struct Host {
    // Behind a mutex only because Starlark demands that its values could be sent; `os.environ` is such a value. Never contended.
    environment: Arc<Mutex<Environment>>,
    contents: RefCell<HashMap<PathBuf, Contents>>,
    watched: RefCell<BTreeSet<PathBuf>>,
    log: Box<dyn Fn(LogLine)>,
}

impl Host {
    pub fn new(environment: Environment, log: Box<dyn Fn(LogLine)>) -> Host {
        Host {
            environment: Arc::new(Mutex::new(environment)),
            contents: RefCell::default(),
            watched: RefCell::default(),
            log,
        }
    }

    /// The variables as they are now.
    pub fn environment(&self) -> MutexGuard<'_, Environment> {
        lock(&self.environment)
    }

    /// A handle for values that outlive a call.
    pub fn shared_environment(&self) -> Arc<Mutex<Environment>> {
        Arc::clone(&self.environment)
    }

    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment().get(name).cloned()
    }

    /// Notes a path whose change evaluates again.
    pub fn watch(&self, file: &Path) {
        self.watched.borrow_mut().insert(path::clean(file));
    }

    /// Everything noted so far, sorted as text.
    pub fn watched(&self) -> Vec<PathBuf> {
        let mut watched: Vec<PathBuf> = self.watched.borrow().iter().cloned().collect();
        watched.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
        watched
    }

    /// Notes a path that is read as a file. A folder is not noted: it would be watched with everything below it.
    pub fn watch_file(&self, file: &Path) {
        if files::is_link(file) || !files::is_folder(file) {
            self.watch(file);
        }
    }

    /// A file's bytes; it is watched whether or not it could be read.
    pub fn read(&self, file: &Path) -> Result<Rc<[u8]>, files::FileError> {
        self.watch_file(file);
        self.read_unwatched(file)
    }

    /// A file's bytes, for what is no configuration of the project.
    pub fn read_unwatched(&self, file: &Path) -> Result<Rc<[u8]>, files::FileError> {
        if let Some(known) = self.contents.borrow().get(file) {
            return known.clone();
        }
        let bytes = files::read(file).map(Rc::from);
        self.contents.borrow_mut().insert(file.to_owned(), bytes.clone());
        bytes
    }

    /// Forgets what was read: a command that ran may have written anything.
    pub fn forget_contents(&self) {
        self.contents.borrow_mut().clear();
    }

    pub fn log(&self, level: Level, text: impl Into<String>) {
        (self.log)(LogLine {
            level,
            text: text.into(),
        });
    }
}

/// The lock cannot be poisoned in a way that matters: a map is whole between any two statements.
pub fn lock(environment: &Mutex<Environment>) -> MutexGuard<'_, Environment> {
    environment.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
