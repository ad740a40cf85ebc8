//! Functions that a Tiltfile can call: one table entry each, read by the evaluator, by the language server and by the docs alike.
//!
//! The evaluator binds arguments here, by upstream's rules and with upstream's words, so that a family of builtins holds nothing but
//! what each function does.

use std::fmt;
use std::sync::LazyLock;

use starlark::eval::{Arguments, Evaluator};
use starlark::starlark_simple_value;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue, Value, starlark_value};

use crate::model::suggest;
use crate::tiltfile::call::Call;
use crate::tiltfile::run::Run;

/// One function of the Tiltfile language.
pub struct Builtin {
    /// With its module: `os.path.join`.
    pub name: &'static str,
    pub params: &'static [Param],
    pub rest: Rest,
    pub returns: &'static str,
    /// One or more sentences for the editor.
    pub doc: &'static str,
    pub body: Body,
}

pub type Body = for<'v, 'c, 'a, 'e> fn(&mut Call<'v, 'c, 'a, 'e>) -> Outcome<'v>;
pub type Outcome<'v> = Result<Value<'v>, Fault>;

/// One named parameter.
pub struct Param {
    pub name: &'static str,
    /// A name that published documentation uses for it; accepted as well.
    pub alias: Option<&'static str>,
    /// As shown in an editor: `str | list[str]`.
    pub accepts: &'static str,
    pub need: Need,
}

/// Whether a parameter has to be given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Required,
    /// The default, as shown in an editor. `None` given is a value like any other.
    Optional(&'static str),
    /// Like `Optional`, and `None` means "not given".
    Nullable(&'static str),
}

/// What happens to arguments that no parameter names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    Refused,
    Positional,
    Named,
    Both,
    /// Only the first so many parameters may be given by position.
    PositionalAtMost(usize),
}

impl Param {
    pub const fn required(name: &'static str, accepts: &'static str) -> Param {
        Param {
            name,
            alias: None,
            accepts,
            need: Need::Required,
        }
    }

    pub const fn optional(name: &'static str, accepts: &'static str, default: &'static str) -> Param {
        Param {
            name,
            alias: None,
            accepts,
            need: Need::Optional(default),
        }
    }

    pub const fn nullable(name: &'static str, accepts: &'static str, default: &'static str) -> Param {
        Param {
            name,
            alias: None,
            accepts,
            need: Need::Nullable(default),
        }
    }

    pub const fn or(mut self, alias: &'static str) -> Param {
        self.alias = Some(alias);
        self
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }
}

impl Builtin {
    /// The name without its module.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// `docker_build(ref, context, build_args={}, …)`.
    pub fn signature(&self) -> String {
        let mut params: Vec<String> = Vec::new();
        if matches!(self.rest, Rest::Positional | Rest::Both) {
            params.push("*args".to_owned());
        }
        for param in self.params {
            params.push(match param.need {
                Need::Required => param.name.to_owned(),
                Need::Optional(default) | Need::Nullable(default) => {
                    format!("{}={default}", param.name)
                }
            });
        }
        if matches!(self.rest, Rest::Named | Rest::Both) {
            params.push("**kwargs".to_owned());
        }
        format!("{}({})", self.name, params.join(", "))
    }
}

/// Why a builtin refused or failed.
#[derive(Debug)]
pub enum Fault {
    /// The builtin's own words.
    Said(String),
    /// Raised by the language, or by a function of the user's that the builtin called.
    Raised(Box<starlark::Error>),
}

impl Fault {
    pub fn said(message: impl fmt::Display) -> Fault {
        Fault::Said(message.to_string())
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Fault {
        Fault::Said(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Fault {
        Fault::Said(message.to_owned())
    }
}

impl From<starlark::Error> for Fault {
    fn from(error: starlark::Error) -> Fault {
        Fault::Raised(Box::new(error))
    }
}

/// A builtin's failure on its way through the interpreter, recognised again by the diagnostics.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuiltinError {
    pub builtin: &'static str,
    pub message: String,
}

/// The load ends here, successfully: what `exit()` raises.
#[derive(Debug, thiserror::Error)]
#[error("exit")]
pub struct Exit;

/// All functions, in the order of their families.
pub static TABLE: LazyLock<Vec<&'static Builtin>> = LazyLock::new(crate::tiltfile::builtins::all);

/// The builtin of a full name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    TABLE.iter().copied().find(|b| b.name == name)
}

/// A builtin as a Starlark value: its place in the table.
#[derive(ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
pub struct Function {
    index: usize,
}

starlark_simple_value!(Function);

impl Function {
    pub fn new(index: usize) -> Function {
        Function { index }
    }

    pub fn builtin(&self) -> &'static Builtin {
        TABLE[self.index]
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.builtin().name)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<built-in function {}>", self.builtin().name)
    }
}

#[starlark_value(type = "builtin_function_or_method")]
impl<'v> StarlarkValue<'v> for Function {
    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        invoke(self.builtin(), args, eval)
    }

    fn name_for_call_stack(&self, _me: Value<'v>) -> String {
        self.builtin().name.to_owned()
    }
}

fn invoke<'v>(
    builtin: &'static Builtin,
    args: &Arguments<'v, '_>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    let run: &Run = eval
        .extra
        .and_then(|extra| extra.downcast_ref::<Run>())
        .expect("every evaluator is made by the loader, which sets the run");
    let bound = bind(builtin, args, eval);
    let outcome = bound.and_then(|(bound, args, kwargs)| {
        let started = run.timings.start();
        let mut call = Call::new(builtin, bound, args, kwargs, eval, run);
        let outcome = (builtin.body)(&mut call);
        run.timings.finish(started, &call);
        outcome
    });
    outcome.map_err(|fault| match fault {
        Fault::Raised(error) => *error,
        Fault::Said(message) => starlark::Error::new_native(BuiltinError {
            builtin: builtin.name,
            message,
        }),
    })
}

type Bound<'v> = (Vec<Option<Value<'v>>>, Vec<Value<'v>>, Vec<(String, Value<'v>)>);

/// Puts arguments to parameters; what is left over goes to `*args` and `**kwargs` where the function has them.
fn bind<'v>(
    builtin: &'static Builtin,
    args: &Arguments<'v, '_>,
    eval: &Evaluator<'v, '_, '_>,
) -> Result<Bound<'v>, Fault> {
    let params = builtin.params;
    let mut bound: Vec<Option<Value<'v>>> = vec![None; params.len()];
    let positional: Vec<Value<'v>> = args.positions(eval.heap())?.collect();
    let named = args.names_map()?;
    let mut rest = Vec::new();
    if matches!(builtin.rest, Rest::Positional | Rest::Both) {
        rest = positional;
    } else {
        let most = match builtin.rest {
            Rest::PositionalAtMost(most) => most,
            _ => params.len(),
        };
        if positional.len() > most {
            return Err(Fault::Said(too_many(builtin, positional.len(), most)));
        }
        for (slot, value) in bound.iter_mut().zip(positional) {
            *slot = Some(value);
        }
    }
    let mut extra = Vec::new();
    for (name, value) in named.iter() {
        match params.iter().position(|p| p.is_called(name.as_str())) {
            Some(index) if bound[index].is_some() => {
                return Err(Fault::Said(format!(
                    "{}: got multiple values for keyword argument \"{}\"",
                    builtin.short_name_for_errors(),
                    name.as_str()
                )));
            }
            Some(index) => bound[index] = Some(*value),
            None if matches!(builtin.rest, Rest::Named | Rest::Both) => extra.push((name.as_str().to_owned(), *value)),
            None => return Err(Fault::Said(unexpected(builtin, name.as_str()))),
        }
    }
    for (param, slot) in params.iter().zip(&mut bound) {
        if matches!(param.need, Need::Nullable(_)) && slot.is_some_and(|v| v.is_none()) {
            *slot = None;
        }
        if param.need == Need::Required && slot.is_none() {
            return Err(Fault::Said(missing(builtin, param.name)));
        }
    }
    Ok((bound, rest, extra))
}

impl Builtin {
    /// Upstream names a function with its module in these messages.
    fn short_name_for_errors(&self) -> &'static str {
        self.name
    }
}

/// The words for an argument that has to be given and is not.
pub fn missing(builtin: &Builtin, param: &str) -> String {
    format!("{}: missing argument for {param}", builtin.short_name_for_errors())
}

/// The words for more arguments by position than a function takes.
pub fn too_many(builtin: &Builtin, got: usize, most: usize) -> String {
    let name = builtin.short_name_for_errors();
    if builtin.params.is_empty() {
        return format!("{name}: got {got} arguments, want 0");
    }
    let exactly = builtin.params.iter().all(|p| p.need == Need::Required);
    let least = builtin.params.iter().filter(|p| p.need == Need::Required).count();
    if exactly && least == most {
        return format!("{name}: got {got} arguments, want {most}");
    }
    format!("{name}: got {got} arguments, want at most {most}")
}

/// The words for an argument of a name that a function does not know.
pub fn unexpected(builtin: &Builtin, name: &str) -> String {
    let mut message = format!(
        "{}: unexpected keyword argument \"{name}\"",
        builtin.short_name_for_errors()
    );
    if let Some(nearest) = suggest::nearest(name, builtin.params.iter().map(|p| p.name)) {
        message.push_str(&format!(" (did you mean {nearest}?)"));
    }
    message
}
