//! Pure. Reads a syntax tree into an outline.

use std::ops::Range;

use starlark_syntax::codemap::Span;
use starlark_syntax::syntax::ast::{
    ArgumentP, AssignTargetP, AstArgument, AstAssignIdent, AstAssignTarget, AstExpr, AstLiteral, AstNoPayload,
    AstParameter, AstStmt, Clause, ClauseP, DefP, ExprP, ForClause, Load as AstLoad, ParameterP, StmtP,
};

use crate::tiltfile::analysis::callable::{Callable, Parameter, Passing};
use crate::tiltfile::analysis::outline::{
    Argument, Binding, Block, Call, Load, LoadedName, MODULE, Outline, Reference, Scope, ScopeId, Shape, Value,
};
use crate::tiltfile::analysis::repair::Parsed;
use crate::tiltfile::analysis::tokens;
use crate::tiltfile::source::Source;

/// The outline of a parsed text; `lines` are the beginnings of its statements with their columns.
pub fn outline(parsed: &Parsed, lines: &[(usize, usize)]) -> Outline {
    let source = &parsed.source;
    let mut survey = Survey {
        source,
        lines,
        outline: Outline::default(),
    };
    survey.scope(None, 0..source.original.len(), None);
    survey.statement(parsed.ast.statement(), MODULE);
    survey.outline
}

struct Survey<'s> {
    source: &'s Source,
    lines: &'s [(usize, usize)],
    outline: Outline,
}

impl Survey<'_> {
    fn span(&self, span: Span) -> Range<usize> {
        let at = |pos: u32| self.source.original_offset(pos as usize);
        at(span.begin().get())..at(span.end().get())
    }

    /// What the user wrote there.
    fn written(&self, span: Span) -> String {
        let range = self.span(span);
        self.source.original.get(range).unwrap_or_default().to_owned()
    }

    fn scope(&mut self, parent: Option<ScopeId>, range: Range<usize>, block: Option<Block>) -> ScopeId {
        self.outline.scopes.push(Scope { parent, range, block });
        ScopeId(self.outline.scopes.len() - 1)
    }

    fn bind(&mut self, name: &AstAssignIdent, scope: ScopeId, extent: Range<usize>, value: Value) {
        if self.is_made_up(&name.node.ident) {
            return;
        }
        let span = self.span(name.span);
        self.outline.bindings.push(Binding {
            name: name.node.ident.clone(),
            scope,
            span,
            extent,
            value,
        });
    }

    fn is_made_up(&self, name: &str) -> bool {
        name.starts_with("__tilt_")
    }

    fn statement(&mut self, stmt: &AstStmt, scope: ScopeId) {
        let extent = self.span(stmt.span);
        match &stmt.node {
            StmtP::Break | StmtP::Continue | StmtP::Pass | StmtP::Return(None) => {}
            StmtP::Return(Some(expr)) | StmtP::Expression(expr) => self.expression(expr, scope),
            StmtP::Assign(assign) => {
                self.expression(&assign.rhs, scope);
                let value = self.value(&assign.rhs);
                self.target(&assign.lhs, scope, extent, value);
            }
            StmtP::AssignModify(target, _, expr) => {
                self.expression(expr, scope);
                if let AssignTargetP::Identifier(name) = &target.node {
                    self.reference(&name.node.ident, name.span, scope);
                }
                self.target(target, scope, extent, Value::Unknown);
            }
            StmtP::Statements(statements) => statements.iter().for_each(|inner| self.statement(inner, scope)),
            StmtP::If(condition, body) => {
                self.expression(condition, scope);
                self.statement(body, scope);
            }
            StmtP::IfElse(condition, branches) => {
                self.expression(condition, scope);
                self.statement(&branches.0, scope);
                self.statement(&branches.1, scope);
            }
            StmtP::For(each) => {
                self.expression(&each.over, scope);
                self.target(&each.var, scope, extent, Value::Unknown);
                self.statement(&each.body, scope);
            }
            StmtP::Def(def) => self.def(def, scope, extent),
            StmtP::Load(load) => self.load(load, extent),
        }
    }

    fn target(&mut self, target: &AstAssignTarget, scope: ScopeId, extent: Range<usize>, value: Value) {
        match &target.node {
            AssignTargetP::Tuple(targets) => {
                for inner in targets {
                    self.target(inner, scope, extent.clone(), Value::Unknown);
                }
            }
            AssignTargetP::Index(both) => {
                self.expression(&both.0, scope);
                self.expression(&both.1, scope);
            }
            AssignTargetP::Dot(object, _) => self.expression(object, scope),
            AssignTargetP::Identifier(name) => self.bind(name, scope, extent, value),
        }
    }

    fn def(&mut self, def: &DefP<AstNoPayload>, scope: ScopeId, extent: Range<usize>) {
        self.defaults(&def.params, scope);
        let callable = Callable {
            name: def.name.node.ident.clone(),
            params: self.parameters(&def.params),
            returns: None,
            doc: docstring(&def.body).unwrap_or_default(),
        };
        self.bind(&def.name, scope, extent.clone(), Value::Function(callable));
        let block = self.block(&extent);
        let inner = self.scope(Some(scope), extent, Some(block));
        self.bind_parameters(&def.params, inner);
        self.statement(&def.body, inner);
    }

    fn block(&self, def: &Range<usize>) -> Block {
        let text = &self.source.original;
        let column = tokens::column(text, def.start);
        let ends = |line: &&(usize, usize)| line.0 > def.start && line.1 <= column;
        let end = self.lines.iter().find(ends).map_or(text.len() + 1, |line| line.0);
        Block { column, end }
    }

    fn defaults(&mut self, params: &[AstParameter], scope: ScopeId) {
        for param in params {
            if let ParameterP::Normal(_, _, Some(default)) = &param.node {
                self.expression(default, scope);
            }
        }
    }

    fn parameters(&self, params: &[AstParameter]) -> Vec<Parameter> {
        let mut passing = Passing::Any;
        let mut found = Vec::new();
        for param in params {
            let (name, how, default) = match &param.node {
                ParameterP::Slash => continue,
                ParameterP::NoArgs => {
                    passing = Passing::ByName;
                    continue;
                }
                ParameterP::Normal(name, _, default) => (name, passing, default.as_ref().map(|d| self.written(d.span))),
                ParameterP::Args(name, _) => {
                    passing = Passing::ByName;
                    (name, Passing::Rest, None)
                }
                ParameterP::KwArgs(name, _) => (name, Passing::NamedRest, None),
            };
            found.push(Parameter {
                default,
                ..Parameter::new(name.node.ident.clone(), how)
            });
        }
        found
    }

    fn bind_parameters(&mut self, params: &[AstParameter], scope: ScopeId) {
        for param in params {
            let Some(name) = param.node.ident() else {
                continue;
            };
            let value = match &param.node {
                ParameterP::Normal(_, _, default) => Value::Parameter {
                    default: default.as_ref().map(|d| self.written(d.span)),
                },
                ParameterP::Args(..) => Value::Of("tuple"),
                ParameterP::KwArgs(..) => Value::Of("dict"),
                _ => Value::Unknown,
            };
            let extent = self.span(param.span);
            self.bind(name, scope, extent, value);
        }
    }

    fn load(&mut self, load: &AstLoad, extent: Range<usize>) {
        let module = &load.module.node;
        let mut symbols = Vec::new();
        for arg in &load.args {
            let value = Value::Loaded {
                module: module.clone(),
                name: arg.their.node.clone(),
            };
            self.bind(&arg.local, MODULE, extent.clone(), value);
            symbols.push(LoadedName {
                theirs: arg.their.node.clone(),
                span: self.span(arg.their.span),
            });
        }
        let path_span = self.span(load.module.span);
        self.outline.loads.push(Load {
            path: module.clone(),
            path_span,
            symbols,
        });
    }

    fn reference(&mut self, name: &str, span: Span, scope: ScopeId) {
        if !self.is_made_up(name) {
            let span = self.span(span);
            self.outline.references.push(Reference {
                name: name.to_owned(),
                scope,
                span,
            });
        }
    }

    fn expression(&mut self, expr: &AstExpr, scope: ScopeId) {
        match &expr.node {
            ExprP::Identifier(name) => self.reference(&name.node.ident, name.span, scope),
            ExprP::Call(callee, args) => {
                self.call(callee, &args.args, scope);
                expr.visit_expr(|inner| self.expression(inner, scope));
            }
            ExprP::Lambda(lambda) => {
                self.defaults(&lambda.params, scope);
                let range = self.span(expr.span);
                let inner = self.scope(Some(scope), range, None);
                self.bind_parameters(&lambda.params, inner);
                self.expression(&lambda.body, inner);
            }
            ExprP::ListComprehension(element, first, clauses) => {
                let inner = self.comprehension(expr, first, clauses, scope);
                self.expression(element, inner);
            }
            ExprP::DictComprehension(entry, first, clauses) => {
                let inner = self.comprehension(expr, first, clauses, scope);
                self.expression(&entry.0, inner);
                self.expression(&entry.1, inner);
            }
            _ => expr.visit_expr(|inner| self.expression(inner, scope)),
        }
    }

    /// The first iterable is evaluated outside, everything else inside.
    fn comprehension(&mut self, expr: &AstExpr, first: &ForClause, clauses: &[Clause], scope: ScopeId) -> ScopeId {
        self.expression(&first.over, scope);
        let range = self.span(expr.span);
        let inner = self.scope(Some(scope), range.clone(), None);
        self.target(&first.var, inner, range.clone(), Value::Unknown);
        for clause in clauses {
            match clause {
                ClauseP::For(each) => {
                    self.expression(&each.over, inner);
                    self.target(&each.var, inner, range.clone(), Value::Unknown);
                }
                ClauseP::If(condition) => self.expression(condition, inner),
            }
        }
        inner
    }

    fn call(&mut self, callee: &AstExpr, args: &[AstArgument], scope: ScopeId) {
        let Some(name) = dotted(callee).filter(|name| !self.is_made_up(name)) else {
            return;
        };
        let arguments = args.iter().map(|arg| Argument {
            shape: match &arg.node {
                ArgumentP::Positional(_) => Shape::Positional,
                ArgumentP::Named(name, _) => Shape::Named {
                    name: name.node.clone(),
                    span: self.span(name.span),
                },
                ArgumentP::Args(_) | ArgumentP::KwArgs(_) => Shape::Spread,
            },
            span: self.span(arg.span),
            text: literal(arg.node.expr()).map(str::to_owned),
        });
        let call = Call {
            callee: name,
            scope,
            callee_span: self.span(callee.span),
            arguments: arguments.collect(),
        };
        self.outline.calls.push(call);
    }

    fn value(&self, expr: &AstExpr) -> Value {
        match &expr.node {
            ExprP::Literal(AstLiteral::String(_)) => Value::Of("str"),
            ExprP::List(_) | ExprP::ListComprehension(..) => Value::Of("list"),
            ExprP::Dict(_) | ExprP::DictComprehension(..) => Value::Of("dict"),
            ExprP::Call(callee, args) => match dotted(callee) {
                Some(name) if name == "struct" => Value::Fields(
                    args.args
                        .iter()
                        .filter_map(|arg| arg.node.name().map(str::to_owned))
                        .collect(),
                ),
                Some(name) => Value::Returned(name),
                None => Value::Unknown,
            },
            ExprP::Lambda(lambda) => Value::Function(Callable {
                name: "lambda".to_owned(),
                params: self.parameters(&lambda.params),
                ..Callable::default()
            }),
            _ => dotted(expr).map_or(Value::Unknown, Value::Same),
        }
    }
}

/// `a.b.c` of an expression that is nothing but names and dots.
fn dotted(expr: &AstExpr) -> Option<String> {
    match &expr.node {
        ExprP::Identifier(name) => Some(name.node.ident.clone()),
        ExprP::Dot(object, name) => Some(format!("{}.{}", dotted(object)?, name.node)),
        _ => None,
    }
}

fn literal(expr: &AstExpr) -> Option<&str> {
    match &expr.node {
        ExprP::Literal(AstLiteral::String(text)) => Some(&text.node),
        _ => None,
    }
}

/// The string that a function's body begins with, without the indentation of its lines.
fn docstring(body: &AstStmt) -> Option<String> {
    match &body.node {
        StmtP::Statements(statements) => docstring(statements.first()?),
        StmtP::Expression(expr) => literal(expr).map(unindented),
        _ => None,
    }
}

fn unindented(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let least = text
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(indent)
        .min()
        .unwrap_or(0);
    let lines = text.lines().enumerate().map(|(index, line)| match index {
        0 => line.trim(),
        _ => line.get(least..).unwrap_or_default().trim_end(),
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}
