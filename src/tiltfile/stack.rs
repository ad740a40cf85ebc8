//! Where calls stand in what the user wrote.
//!
//! The interpreter knows spans of whole expressions; a traceback names the place where something happens in them: the bracket of a
//! call, the operator of a calculation.

use std::path::PathBuf;

use starlark_syntax::codemap::{FileSpan, Span};
use starlark_syntax::frame::Frame as CallFrame;
use starlark_syntax::syntax::AstModule;
use starlark_syntax::syntax::ast::{AstExpr, AstStmt, ExprP, StmtP};

use crate::model::report::Frame;
use crate::tiltfile::loader::{DIALECT, OPERATOR_PREFIX};
use crate::tiltfile::run::Run;
use crate::tiltfile::source::Anchors;

pub const TOPLEVEL: &str = "<toplevel>";

/// The callers in a stack, outermost first: each frame's function with the place of the call that it makes.
pub fn frames(stack: Vec<CallFrame>, run: &Run) -> Vec<Frame> {
    let mut function = TOPLEVEL.to_owned();
    let mut frames = Vec::with_capacity(stack.len());
    for call in stack {
        match &call.location {
            Some(span) => frames.push(frame(span, function, run)),
            // What stands in no file called it.
            None => frames.push(builtin(function)),
        }
        function = call.name;
    }
    frames
}

/// One place, in the text that the user wrote.
pub fn frame(span: &FileSpan, function: String, run: &Run) -> Frame {
    let path = PathBuf::from(span.filename());
    let Some(source) = run.source(&path) else {
        let begin = span.resolve_span().begin;
        return Frame {
            path,
            line: begin.line + 1,
            column: begin.column + 1,
            function,
            source: String::new(),
        };
    };
    let begin = span.span.begin().get();
    let offset = source.anchor(begin, span.span.end().get()).unwrap_or(begin as usize);
    let (line, column) = source.position(offset);
    Frame {
        path,
        line,
        column,
        function,
        source: source.line(line).to_owned(),
    }
}

/// A function of the language's own among the callers.
pub fn builtin(function: String) -> Frame {
    Frame {
        path: "<builtin>".into(),
        line: 0,
        column: 0,
        function,
        source: String::new(),
    }
}

/// The sign of a calculation that stands at a place.
pub fn sign(place: &Frame) -> &str {
    let start = place.source.char_indices().nth(place.column.saturating_sub(1));
    let rest = start.map(|(at, _)| &place.source[at..]).unwrap_or_default();
    let end = rest.find(|c| !"<>=!/%".contains(c)).unwrap_or(rest.len());
    &rest[..end]
}

/// The file that the load statement around a place names, and where that statement begins.
pub fn load_statement(within: &FileSpan, run: &Run) -> Option<(String, Frame)> {
    let source = run.source(&PathBuf::from(within.filename()))?;
    let ast = AstModule::parse(within.filename(), source.rewritten.clone(), &DIALECT).ok()?;
    let (module, span) = load_around(ast.statement(), within.span)?;
    let mut place = within.clone();
    place.span = span;
    Some((module, statement(&place, run)))
}

fn load_around(stmt: &AstStmt, within: Span) -> Option<(String, Span)> {
    match &stmt.node {
        StmtP::Statements(statements) => statements.iter().find_map(|stmt| load_around(stmt, within)),
        StmtP::Load(load) if stmt.span.begin() <= within.begin() && within.end() <= stmt.span.end() => {
            Some((load.module.node.clone(), stmt.span))
        }
        _ => None,
    }
}

/// Where a statement begins.
pub fn statement(span: &FileSpan, run: &Run) -> Frame {
    let mut span = span.clone();
    span.span = Span::new(span.span.begin(), span.span.begin());
    frame(&span, TOPLEVEL.to_owned(), run)
}

/// Whether a frame is one that a rewritten operator added.
pub fn is_operator(name: &str) -> bool {
    name.starts_with(OPERATOR_PREFIX)
}

/// Of every expression that does something: where the sign for it stands, behind its first operand.
pub fn anchors(statement: &AstStmt, text: &str) -> Anchors {
    let mut found = Anchors::new();
    statement.visit_expr(|expr| collect(expr, text, &mut found));
    found
}

fn collect(expr: &AstExpr, text: &str, found: &mut Anchors) {
    let operand = match &expr.node {
        ExprP::Call(callee, _) => Some(callee.span),
        ExprP::Op(left, _, _) => Some(left.span),
        ExprP::Dot(object, _) | ExprP::Slice(object, _, _, _) => Some(object.span),
        ExprP::Index(both) => Some(both.0.span),
        _ => None,
    };
    if let Some(operand) = operand {
        let end = operand.end().get() as usize;
        let sign = text[end..].find(|c: char| !c.is_whitespace() && c != '\\');
        // Expressions of the same extent nest; the outer one is seen first and is the one that is meant.
        let extent = (expr.span.begin().get(), expr.span.end().get());
        found.entry(extent).or_insert(end + sign.unwrap_or(0));
    }
    expr.visit_expr(|inner| collect(inner, text, found));
}
