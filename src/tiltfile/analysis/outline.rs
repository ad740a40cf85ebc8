//! Pure. What a document defines and uses: names by scope, calls, loads. All offsets are the document's own.

use std::ops::Range;

use crate::tiltfile::analysis::callable::Callable;

/// The scope of the file itself.
pub const MODULE: ScopeId = ScopeId(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeId(pub usize);

#[derive(Debug, Default)]
pub struct Outline {
    pub scopes: Vec<Scope>,
    pub bindings: Vec<Binding>,
    pub references: Vec<Reference>,
    pub calls: Vec<Call>,
    pub loads: Vec<Load>,
}

/// A stretch of text with names of its own.
#[derive(Debug)]
pub struct Scope {
    pub parent: Option<ScopeId>,
    pub range: Range<usize>,
    pub block: Option<Block>,
}

/// A function's lines, to which those behind its last statement belong too if they are indented deeper than its `def`.
#[derive(Debug)]
pub struct Block {
    pub column: usize,
    pub end: usize,
}

/// A place where a name gets a value.
#[derive(Clone, Debug)]
pub struct Binding {
    pub name: String,
    pub scope: ScopeId,
    pub span: Range<usize>,
    /// The whole statement.
    pub extent: Range<usize>,
    pub value: Value,
}

/// What is known of a name's value without running anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Function(Callable),
    /// From another file, where it is called so.
    Loaded {
        module: String,
        name: String,
    },
    Parameter {
        default: Option<String>,
    },
    /// Of a type that is built in.
    Of(&'static str),
    /// A struct with these fields.
    Fields(Vec<String>),
    /// Whatever this function returns.
    Returned(String),
    /// The same as that name.
    Same(String),
    Unknown,
}

#[derive(Debug)]
pub struct Reference {
    pub name: String,
    pub scope: ScopeId,
    pub span: Range<usize>,
}

#[derive(Debug)]
pub struct Call {
    /// `os.path.join`
    pub callee: String,
    pub scope: ScopeId,
    pub callee_span: Range<usize>,
    pub arguments: Vec<Argument>,
}

#[derive(Debug)]
pub struct Argument {
    pub shape: Shape,
    pub span: Range<usize>,
    /// What a string literal says.
    pub text: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    Positional,
    Named {
        name: String,
        span: Range<usize>,
    },
    /// `*args` or `**kwargs`: nobody knows what it brings.
    Spread,
}

#[derive(Debug)]
pub struct Load {
    pub path: String,
    pub path_span: Range<usize>,
    pub symbols: Vec<LoadedName>,
}

#[derive(Debug)]
pub struct LoadedName {
    pub theirs: String,
    /// With its quotes.
    pub span: Range<usize>,
}

impl Outline {
    /// The innermost scope of a place in a line that is indented so far.
    pub fn scope_at(&self, offset: usize, column: usize) -> ScopeId {
        let holds = |scope: &Scope| {
            let is_behind = scope
                .block
                .as_ref()
                .is_some_and(|block| column > block.column && offset < block.end);
            offset >= scope.range.start && (offset <= scope.range.end || is_behind)
        };
        let scopes = self.scopes.iter().enumerate().filter(|(_, scope)| holds(scope));
        scopes
            .max_by_key(|(_, scope)| scope.range.start)
            .map_or(MODULE, |(index, _)| ScopeId(index))
    }

    /// A scope and those around it, from the inside out.
    pub fn chain(&self, scope: ScopeId) -> impl Iterator<Item = ScopeId> {
        std::iter::successors(Some(scope), |scope| self.scopes.get(scope.0).and_then(|s| s.parent))
    }

    /// The bindings of a name that a place sees: all those of the innermost scope that has one.
    pub fn lookup(&self, name: &str, scope: ScopeId) -> Vec<&Binding> {
        for scope in self.chain(scope) {
            let found: Vec<&Binding> = self
                .bindings
                .iter()
                .filter(|b| b.scope == scope && b.name == name)
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// The binding that most likely gave a name its value at a place: the last one before it.
    pub fn binding(&self, name: &str, scope: ScopeId, offset: usize) -> Option<&Binding> {
        let found = self.lookup(name, scope);
        let before = found.iter().rfind(|binding| binding.span.start <= offset);
        before.or(found.first()).copied()
    }

    /// What other files can load.
    pub fn exported(&self) -> impl Iterator<Item = &Binding> {
        let own = |b: &&Binding| b.scope == MODULE && !matches!(b.value, Value::Loaded { .. });
        self.bindings.iter().filter(own).filter(|b| !b.name.starts_with('_'))
    }
}
