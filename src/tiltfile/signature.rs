//! What the user's own functions accept, read from their text once a call of theirs has been refused.

use std::path::PathBuf;

use starlark_syntax::syntax::AstModule;
use starlark_syntax::syntax::ast::{AstExpr, AstParameter, AstStmt, ExprP, ParameterP, StmtP};

use crate::tiltfile::loader::DIALECT;
use crate::tiltfile::run::Run;

/// How many arguments a function takes by position, and whether it does without some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positional {
    pub most: usize,
    pub has_defaults: bool,
    pub has_others: bool,
}

/// Of a function as the interpreter names it: `/path/Tiltfile.name`. `None` where several have that name.
pub fn positional(callee: &str, run: &Run) -> Option<Positional> {
    let (file, name) = callee.rsplit_once('.')?;
    let source = run.source(&PathBuf::from(file))?;
    let ast = AstModule::parse(file, source.rewritten.clone(), &DIALECT).ok()?;
    let mut found = Vec::new();
    match name {
        "lambda" => ast.statement().visit_expr(|expr| in_expression(expr, &mut found)),
        _ => in_statement(ast.statement(), name, &mut found),
    }
    match found.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

fn in_statement(statement: &AstStmt, name: &str, found: &mut Vec<Positional>) {
    if let StmtP::Def(def) = &statement.node
        && def.name.node.ident == name
    {
        found.push(of(&def.params));
    }
    statement.node.visit_stmt(|inner| in_statement(inner, name, found));
}

fn in_expression(expr: &AstExpr, found: &mut Vec<Positional>) {
    if let ExprP::Lambda(lambda) = &expr.node {
        found.push(of(&lambda.params));
    }
    expr.node.visit_expr(|inner| in_expression(inner, found));
}

fn of(params: &[AstParameter]) -> Positional {
    let by_position = params
        .iter()
        .take_while(|param| matches!(param.node, ParameterP::Normal(..)));
    let is_optional = |param: &AstParameter| matches!(&param.node, ParameterP::Normal(_, _, Some(_)));
    Positional {
        most: by_position.clone().count(),
        has_defaults: params.iter().any(is_optional),
        has_others: by_position.count() < params.len(),
    }
}
