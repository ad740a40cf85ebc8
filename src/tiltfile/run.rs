//! One evaluation while it runs: what was asked, what has been loaded, what has been declared so far.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use starlark::codemap::FileSpan;
use starlark::environment::{FrozenModule, Globals};
use starlark::values::ProvidesStaticType;

use crate::model::path;
use crate::tiltfile::Request;
use crate::tiltfile::builtins::context::Cluster;
use crate::tiltfile::builtins::helm::HelmVersion;
use crate::tiltfile::declared::Declared;
use crate::tiltfile::host::{Host, Level};
use crate::tiltfile::source::Source;
use crate::tiltfile::timing::Timings;

/// Found by builtins through the evaluator that calls them.
#[derive(ProvidesStaticType)]
pub struct Run {
    pub request: Request,
    pub host: Host,
    pub globals: Globals,
    pub declared: RefCell<Declared>,
    pub timings: Timings,
    pub modules: RefCell<HashMap<PathBuf, ModuleState>>,
    /// Files in the order in which their execution began, with their text, for the hashes.
    pub executed: RefCell<Vec<(PathBuf, Rc<[u8]>)>>,
    pub steps_left: Cell<u64>,
    pub warnings: Cell<usize>,
    /// Found out when first asked for.
    pub cluster: OnceCell<Result<Cluster, String>>,
    pub helm_version: OnceCell<HelmVersion>,
    sources: RefCell<HashMap<PathBuf, Rc<Source>>>,
    executing: RefCell<Vec<PathBuf>>,
    statement: Rc<RefCell<Option<FileSpan>>>,
    beside_heap: Rc<Cell<usize>>,
}

/// How far a file has come.
#[derive(Clone)]
pub enum ModuleState {
    Running,
    Done(FrozenModule),
}

impl Run {
    pub fn new(request: Request, host: Host, globals: Globals) -> Run {
        Run {
            steps_left: Cell::new(request.limits.steps),
            timings: Timings::new(request.timings),
            declared: RefCell::new(Declared::default()),
            request,
            host,
            globals,
            modules: RefCell::default(),
            executed: RefCell::default(),
            warnings: Cell::new(0),
            cluster: OnceCell::new(),
            helm_version: OnceCell::new(),
            sources: RefCell::default(),
            executing: RefCell::default(),
            statement: Rc::default(),
            beside_heap: Rc::default(),
        }
    }

    pub fn main_file(&self) -> &Path {
        &self.request.tiltfile
    }

    /// Directory of the start Tiltfile.
    pub fn main_directory(&self) -> &Path {
        self.main_file().parent().unwrap_or(Path::new("/"))
    }

    /// The file whose top level is running now.
    pub fn current_file(&self) -> PathBuf {
        self.executing
            .borrow()
            .last()
            .cloned()
            .unwrap_or_else(|| self.main_file().to_owned())
    }

    /// What relative paths are relative to: the directory of the file whose top level is running, whoever wrote the function.
    pub fn directory(&self) -> PathBuf {
        self.current_file().parent().unwrap_or(Path::new("/")).to_owned()
    }

    pub fn absolute(&self, relative: &str) -> PathBuf {
        path::join(self.directory(), relative)
    }

    /// Files that have begun and not ended.
    pub fn files_running(&self) -> usize {
        self.executing.borrow().len()
    }

    /// Bytes of text that values hold outside the interpreter's heap.
    pub fn beside_heap(&self) -> Rc<Cell<usize>> {
        Rc::clone(&self.beside_heap)
    }

    /// Runs `body` with `file` as the current one.
    pub fn executing<T>(&self, file: &Path, body: impl FnOnce() -> T) -> T {
        self.executing.borrow_mut().push(file.to_owned());
        let outcome = body();
        self.executing.borrow_mut().pop();
        outcome
    }

    pub fn source(&self, file: &Path) -> Option<Rc<Source>> {
        self.sources.borrow().get(file).cloned()
    }

    pub fn remember_source(&self, file: &Path, source: Source) -> Rc<Source> {
        let source = Rc::new(source);
        self.sources.borrow_mut().insert(file.to_owned(), Rc::clone(&source));
        source
    }

    /// The statement that runs, or ran last.
    pub fn statement(&self) -> Rc<RefCell<Option<FileSpan>>> {
        Rc::clone(&self.statement)
    }

    pub fn warn(&self, text: impl Into<String>) {
        self.warnings.set(self.warnings.get() + 1);
        self.host.log(Level::Warn, text);
    }
}
