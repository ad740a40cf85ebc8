//! Files of Starlark: parsed, run once each, frozen, and handed to whoever loads them.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use starlark::environment::{FrozenModule, Module};
use starlark::eval::{BeforeStmtFunc, BeforeStmtFuncDyn, Evaluator, FileLoader};
use starlark::syntax::{AstModule, Dialect, DialectTypes};
use starlark_syntax::codemap::{FileSpan, FileSpanRef};
use starlark_syntax::syntax::ast::{AssignTargetP, AstAssignTarget, AstStmt, StmtP};

use crate::model::report::{Failure, FailureKind};
use crate::tiltfile::diagnostic::{self, HEAP_LIMIT, LoadedFailure};
use crate::tiltfile::function::{Exit, Function, TABLE};
use crate::tiltfile::run::{ModuleState, Run};
use crate::tiltfile::source::Source;
use crate::tiltfile::{extension, globals, stack};

/// The language of Tiltfiles, as far as the parser goes; `source` and the operators below do the rest.
pub const DIALECT: Dialect = Dialect {
    enable_def: true,
    enable_lambda: true,
    enable_load: true,
    enable_keyword_only_arguments: true,
    enable_positional_only_arguments: false,
    enable_types: DialectTypes::Disable,
    enable_load_reexport: false,
    enable_top_level_stmt: true,
    enable_f_strings: false,
    _non_exhaustive: (),
};

/// Begins the names of functions that stand in for operators.
pub const OPERATOR_PREFIX: &str = "__tilt_operator_";
/// `%` formats as published Tiltfiles expect; `*` and `<<` refuse results that would not fit into memory; the
/// comparisons know sets.
pub const OPERATORS: [(&str, &str); 7] = [
    ("%", "__tilt_operator_percent"),
    ("*", "__tilt_operator_times"),
    ("<", "__tilt_operator_less"),
    ("<=", "__tilt_operator_at_most"),
    (">", "__tilt_operator_greater"),
    (">=", "__tilt_operator_at_least"),
    ("<<", "__tilt_operator_shift"),
];

/// Calls nested deeper than this are a recursion gone wrong.
const MAX_CALLS: usize = 1000;

/// Files that load files that load files: each runs on the native stack of the one that loads it.
const MAX_LOADS: usize = 200;

/// Follows `load` statements for one run.
pub struct Loader<'r>(pub &'r Run);

impl FileLoader for Loader<'_> {
    fn load(&self, path: &str) -> starlark::Result<FrozenModule> {
        load(self.0, path).map_err(|stop| stop.by_statement(path).into())
    }
}

/// Why a file did not come to its end.
pub enum Stop {
    Failed(Box<Failure>),
    /// `exit()` ends the whole evaluation, in whatever file it stands.
    Exited,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(Box::new(failure))
    }
}

impl From<Stop> for starlark::Error {
    fn from(stop: Stop) -> starlark::Error {
        match stop {
            Stop::Failed(failure) => starlark::Error::new_native(LoadedFailure(*failure)),
            Stop::Exited => starlark::Error::new_native(Exit),
        }
    }
}

impl Stop {
    /// A load statement says what it could not load, unless the file had begun to run.
    fn by_statement(self, written: &str) -> Stop {
        let Stop::Failed(mut failure) = self else {
            return self;
        };
        if failure.kind == FailureKind::Static || failure.frames.is_empty() {
            *failure = failed(format!("cannot load {written}: {}", diagnostic::with_place(&failure)));
        }
        Stop::Failed(failure)
    }
}

/// The module that a path in `load()`, `load_dynamic()` or `include()` names.
pub fn load(run: &Run, written: &str) -> Result<FrozenModule, Stop> {
    let cannot = |why: String| Stop::from(failed(why));
    if let Some(name) = written.strip_prefix("builtin://") {
        return builtin(name).ok_or_else(|| cannot("there is no such builtin".to_owned()));
    }
    let file = match written.strip_prefix("ext://") {
        Some(name) => extension::resolve(run, name).map_err(|why| cannot(why.to_string()))?,
        None => run.absolute(written),
    };
    let known = run.modules.borrow().get(&file).cloned();
    match known {
        Some(ModuleState::Done(module)) => Ok(module),
        Some(ModuleState::Running) => Err(cannot(format!("Circular load: {}", file.display()))),
        None if run.files_running() > MAX_LOADS => {
            Err(cannot(format!("more than {MAX_LOADS} files are loading one another")))
        }
        None => {
            let bytes = run
                .host
                .read(&file)
                .map_err(|error| cannot(format!("error reading file {}: {error}", file.display())))?;
            execute(run, &file, bytes)
        }
    }
}

/// A module that holds one builtin by its short name. A file that defines a name cannot read the builtin of that name.
fn builtin(name: &str) -> Option<FrozenModule> {
    let index = TABLE.iter().position(|builtin| builtin.name == name)?;
    let made = Module::with_temp_heap(|module| {
        module.set(TABLE[index].short_name(), module.heap().alloc(Function::new(index)));
        module.freeze()
    });
    made.ok()
}

fn failed(message: String) -> Failure {
    Failure {
        kind: FailureKind::Running { builtin: None },
        message,
        frames: Vec::new(),
        hint: None,
    }
}

/// Runs a file's statements to the end and freezes what they defined.
fn execute(run: &Run, file: &Path, bytes: Rc<[u8]>) -> Result<FrozenModule, Stop> {
    run.modules.borrow_mut().insert(file.to_owned(), ModuleState::Running);
    let outcome = run.executing(file, || {
        Module::with_temp_heap(|module| {
            run_statements(run, file, bytes, &module, |_| Ok(()))?;
            module.freeze().map_err(|error| failed(format!("{error:?}")).into())
        })
    });
    match &outcome {
        Ok(module) => run
            .modules
            .borrow_mut()
            .insert(file.to_owned(), ModuleState::Done(module.clone())),
        Err(_) => run.modules.borrow_mut().remove(file),
    };
    outcome
}

/// Runs the start file; `finish` is called with the evaluator while its values still live.
pub fn run_main(
    run: &Run,
    bytes: Rc<[u8]>,
    finish: impl FnOnce(&mut Evaluator) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let file = run.main_file().to_owned();
    run.modules.borrow_mut().insert(file.clone(), ModuleState::Running);
    let outcome = run.executing(&file, || {
        Module::with_temp_heap(|module| run_statements(run, &file, bytes, &module, finish))
    });
    match outcome {
        Err(Stop::Failed(failure)) => Err(*failure),
        Ok(()) | Err(Stop::Exited) => Ok(()),
    }
}

fn run_statements<'v>(
    run: &Run,
    file: &Path,
    bytes: Rc<[u8]>,
    module: &Module<'v>,
    finish: impl FnOnce(&mut Evaluator) -> Result<(), Failure>,
) -> Result<(), Stop> {
    run.executed.borrow_mut().push((file.to_owned(), Rc::clone(&bytes)));
    let ast = parse(run, file, &bytes)?;
    let name = match file == run.main_file() {
        true => "__main__".to_owned(),
        false => file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    module.set("__file__", module.heap().alloc(file.display().to_string()));
    module.set("__name__", module.heap().alloc(name));
    for name in assigned_names(ast.statement()) {
        if let Some(value) = globals::find(&run.globals, &name) {
            module.set(&name, value);
        }
    }
    let loader = Loader(run);
    let mut eval = Evaluator::new(module);
    eval.extra = Some(run);
    eval.set_loader(&loader);
    limit(&mut eval, run).map_err(|error| failed(error.to_string()))?;
    let outcome = eval.eval_module(ast, &run.globals);
    run.steps_left
        .set(run.steps_left.get().saturating_sub(eval.get_total_tick_count()).max(1));
    match outcome {
        Ok(_) => Ok(finish(&mut eval)?),
        Err(error) if diagnostic::is_exit(&error) && file == run.main_file() => Ok(finish(&mut eval)?),
        Err(error) if diagnostic::is_exit(&error) => Err(Stop::Exited),
        Err(error) => Err(diagnostic::failure(&error, run).into()),
    }
}

fn parse(run: &Run, file: &Path, bytes: &[u8]) -> Result<AstModule, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(&text).map_err(|error| diagnostic::too_much(file, &text, &error))?;
    let source = run.remember_source(file, source);
    let parsed = AstModule::parse(&file.display().to_string(), source.rewritten.clone(), &DIALECT);
    let mut ast = parsed.map_err(|error| diagnostic::static_failure(&error, run))?;
    if let Some((offset, name)) = private_load(ast.statement()) {
        return Err(diagnostic::misplaced(file, &source, offset, not_exported(&name)));
    }
    source.note_anchors(stack::anchors(ast.statement(), &source.rewritten));
    ast.replace_binary_operators(
        &OPERATORS
            .map(|(operator, function)| (operator.to_owned(), function.to_owned()))
            .into(),
    );
    Ok(ast)
}

/// A name beginning with `_` in a load statement, which loads nothing.
pub fn private_load(statement: &AstStmt) -> Option<(usize, String)> {
    match &statement.node {
        StmtP::Statements(statements) => statements.iter().find_map(private_load),
        StmtP::Load(load) => {
            let private = load.args.iter().find(|arg| arg.their.node.starts_with('_'))?;
            // Behind the quote that opens the name.
            Some((
                private.their.span.begin().get() as usize + 1,
                private.their.node.clone(),
            ))
        }
        _ => None,
    }
}

/// Names that a file's statements bind. Until then such a name still means the function or value that every file finds, so that
/// `old = docker_build` works above a `def docker_build` of the file's own.
fn assigned_names(statement: &AstStmt) -> Vec<String> {
    let mut names = Vec::new();
    collect_assigned(statement, &mut names);
    names
}

fn collect_assigned(statement: &AstStmt, names: &mut Vec<String>) {
    match &statement.node {
        StmtP::Def(def) => names.push(def.name.node.ident.clone()),
        StmtP::Assign(assign) => collect_target(&assign.lhs, names),
        StmtP::AssignModify(target, _, _) => collect_target(target, names),
        StmtP::Load(load) => names.extend(load.args.iter().map(|arg| arg.local.node.ident.clone())),
        StmtP::For(looped) => {
            collect_target(&looped.var, names);
            collect_assigned(&looped.body, names);
        }
        _ => statement.node.visit_stmt(|inner| collect_assigned(inner, names)),
    }
}

fn collect_target(target: &AstAssignTarget, names: &mut Vec<String>) {
    match &target.node {
        AssignTargetP::Identifier(ident) => names.push(ident.node.ident.clone()),
        AssignTargetP::Tuple(targets) => targets.iter().for_each(|target| collect_target(target, names)),
        AssignTargetP::Index(_) | AssignTargetP::Dot(..) => {}
    }
}

pub fn not_exported(name: &str) -> String {
    format!("load: names with leading underscores are not exported: {name}")
}

fn limit<'a>(eval: &mut Evaluator<'_, 'a, '_>, run: &'a Run) -> anyhow::Result<()> {
    eval.set_max_callstack_size(MAX_CALLS)?;
    eval.set_max_tick_count(run.steps_left.get())?;
    eval.set_max_heap_size(run.request.limits.heap_bytes)?;
    // The interpreter's own check comes too late for values that double with each statement.
    eval.before_stmt_for_dap(BeforeStmtFunc::from_dyn(Box::new(HeapGuard {
        most: run.request.limits.heap_bytes,
        beside_heap: run.beside_heap(),
        statement: run.statement(),
    })));
    Ok(())
}

struct HeapGuard {
    most: usize,
    beside_heap: Rc<Cell<usize>>,
    /// Where the interpreter is, for limits that it finds exceeded on its own.
    statement: Rc<RefCell<Option<FileSpan>>>,
}

/// A runaway program, found between two statements.
#[derive(Debug, thiserror::Error)]
#[error("{HEAP_LIMIT}")]
struct HeapLimit;

impl<'e> BeforeStmtFuncDyn<'e> for HeapGuard {
    fn call<'v>(
        &mut self,
        span: FileSpanRef,
        _continued: bool,
        eval: &mut Evaluator<'v, '_, 'e>,
    ) -> starlark::Result<()> {
        *self.statement.borrow_mut() = Some(span.to_file_span());
        if eval.heap().allocated_bytes() + self.beside_heap.get() > self.most {
            return Err(starlark::Error::new_native(HeapLimit));
        }
        Ok(())
    }
}

/// Names that a loaded file defines for others.
pub fn public_names(module: &FrozenModule) -> Vec<String> {
    module
        .names()
        .map(|name| name.as_str().to_owned())
        .filter(|name| !name.starts_with('_'))
        .collect()
}
