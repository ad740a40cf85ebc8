//! Where calls stand in what the user wrote.
//!
//! The interpreter knows spans of whole expressions; a traceback names the place where something happens in them: the bracket of a
//! call, the operator of a calculation. Both are worked out from the text, and only once something has gone wrong.

use starlark_syntax::codemap::{FileSpan, Span};
use starlark_syntax::frame::Frame as CallFrame;
use starlark_syntax::syntax::AstModule;
use starlark_syntax::syntax::ast::{AstExpr, ExprP};

use crate::model::report::Frame;
use crate::tiltfile::loader::{DIALECT, OPERATOR_PREFIX};
use crate::tiltfile::run::Run;

pub const TOPLEVEL: &str = "<toplevel>";

/// The callers in a stack, outermost first: each frame's function with the place of the call that it makes.
pub fn frames(stack: Vec<CallFrame>, run: &Run) -> Vec<Frame> {
    let mut function = TOPLEVEL.to_owned();
    let mut frames = Vec::with_capacity(stack.len());
    for call in stack {
        if let Some(span) = &call.location {
            frames.push(frame(span, function, run));
        }
        function = call.name;
    }
    frames
}

/// One place, in the text that the user wrote.
pub fn frame(span: &FileSpan, function: String, run: &Run) -> Frame {
    let path = std::path::PathBuf::from(span.filename());
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
    let offset = anchor(&source.rewritten, span.span);
    let (line, column) = source.position(offset);
    Frame {
        path,
        line,
        column,
        function,
        source: source.line(line).to_owned(),
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

/// The byte within an expression that stands for what it does.
fn anchor(text: &str, span: Span) -> usize {
    let begin = span.begin().get() as usize;
    let Ok(ast) = AstModule::parse("", text.to_owned(), &DIALECT) else {
        return begin;
    };
    let mut found = None;
    ast.statement().visit_expr(|expr| search(expr, span, &mut found));
    found
        .and_then(|end| {
            text[end..]
                .find(|c: char| !c.is_whitespace() && c != '\\')
                .map(|skip| end + skip)
        })
        .unwrap_or(begin)
}

/// Finds the expression of exactly this span; yields the end of its first operand, behind which its operator stands.
fn search(expr: &AstExpr, span: Span, found: &mut Option<usize>) {
    if found.is_some() || !covers(expr.span, span) {
        return;
    }
    if expr.span == span {
        let operand = match &expr.node {
            ExprP::Call(callee, _) => Some(callee.span),
            ExprP::Op(left, _, _) => Some(left.span),
            ExprP::Dot(object, _) | ExprP::Slice(object, _, _, _) => Some(object.span),
            ExprP::Index(both) => Some(both.0.span),
            _ => None,
        };
        *found = operand.map(|operand| operand.end().get() as usize);
        if found.is_some() {
            return;
        }
    }
    expr.visit_expr(|inner| search(inner, span, found));
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.begin() <= inner.begin() && inner.end() <= outer.end()
}
