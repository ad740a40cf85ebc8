//! The language's own functions, where Tiltfiles expect other forms or checks than the interpreter's.

use std::cmp::Ordering;

use num_bigint::BigInt;
use starlark::environment::{FrozenModule, Module as StarlarkModule};
use starlark::values::dict::AllocDict;
use starlark::values::{OwnedFrozenValue, UnpackValue, Value};

use crate::tiltfile::call::{Call, unpack_int};
use crate::tiltfile::function::{Body, Builtin, Exit, Fault, Outcome, Param, Rest};
use crate::tiltfile::globals;
use crate::tiltfile::host::Level;
use crate::tiltfile::loader::{self, OPERATORS};
use crate::tiltfile::print;
use crate::tiltfile::values::record::{Module, Struct};

/// Longer ranges are a mistake: whoever makes a list of one fills the memory.
const MAX_COUNTED: i64 = 20_000_000;
/// Larger results of `*` are a mistake.
const MAX_ELEMENTS: i64 = 16_000_000;
/// Numbers of more binary digits are a mistake.
const MAX_BITS: u64 = 100_000;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "print",
        params: &[Param::optional("sep", "str", "' '")],
        rest: Rest::Positional,
        returns: "None",
        doc: "Writes its arguments to the log, separated by `sep`.",
        body: write_line,
    },
    Builtin {
        name: "warn",
        params: &[Param::required("msg", "str")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Logs a warning, which also shows on the Tiltfile's own resource.",
        body: warn,
    },
    Builtin {
        name: "fail",
        params: &[Param::optional("sep", "str", "' '")],
        rest: Rest::Positional,
        returns: "never",
        doc: "Ends the evaluation with an error. Resources of the last good evaluation stay as they are.",
        body: fail,
    },
    Builtin {
        name: "exit",
        params: &[Param::nullable("code", "any", "None")],
        rest: Rest::Refused,
        returns: "never",
        doc: "Ends the evaluation here, successfully: what was declared so far counts. `code` is only logged.",
        body: exit,
    },
    Builtin {
        name: "str",
        params: &[Param::required("x", "any")],
        rest: Rest::Refused,
        returns: "str",
        doc: "The value as text; a string is itself.",
        body: |call| Ok(call.alloc(print::whole_display(call.required("x"))?)),
    },
    Builtin {
        name: "repr",
        params: &[Param::required("x", "any")],
        rest: Rest::Refused,
        returns: "str",
        doc: "The value as it could be written in a Tiltfile.",
        body: |call| Ok(call.alloc(print::whole_repr(call.required("x"))?)),
    },
    Builtin {
        name: "len",
        params: &[Param::required("x", "str | list | dict | …")],
        rest: Rest::Refused,
        returns: "int",
        doc: "The number of elements; of a string, its bytes in UTF-8.",
        body: len,
    },
    Builtin {
        name: "range",
        params: &[
            Param::required("start_or_stop", "int"),
            Param::optional("stop", "int", "…"),
            Param::optional("step", "int", "1"),
        ],
        rest: Rest::Refused,
        returns: "range",
        doc: "Whole numbers from start (or 0) up to, not including, stop.",
        body: range,
    },
    Builtin {
        name: "struct",
        params: &[],
        rest: Rest::Named,
        returns: "struct",
        doc: "A value with the given names as attributes.",
        body: make_struct,
    },
    Builtin {
        name: "module",
        params: &[Param::required("name", "str")],
        rest: Rest::Named,
        returns: "module",
        doc: "A named value with the given names as attributes.",
        body: make_module,
    },
    Builtin {
        name: "include",
        params: &[Param::required("path", "str")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Runs another Tiltfile for its effect; relative paths in it are relative to that file.",
        body: include,
    },
    Builtin {
        name: "load_dynamic",
        params: &[Param::required("path", "str")],
        rest: Rest::Refused,
        returns: "dict",
        doc: "Runs another Tiltfile and returns what it defines, by name. Unlike `load`, the path may be computed.",
        body: load_dynamic,
    },
    Builtin {
        name: "__tilt_forever",
        params: &[],
        rest: Rest::Refused,
        returns: "range",
        doc: "",
        body: forever,
    },
    operator(OPERATORS[0].1, percent),
    operator(OPERATORS[1].1, times),
    operator(OPERATORS[2].1, less),
    operator(OPERATORS[3].1, at_most),
    operator(OPERATORS[4].1, greater),
    operator(OPERATORS[5].1, at_least),
    operator(OPERATORS[6].1, shift),
];

const OPERANDS: &[Param] = &[Param::required("left", "any"), Param::required("right", "any")];

/// What a sign in the text does.
const fn operator(name: &'static str, body: Body) -> Builtin {
    Builtin {
        name,
        params: OPERANDS,
        rest: Rest::Refused,
        returns: "any",
        doc: "",
        body,
    }
}

fn joined(call: &Call) -> Result<String, Fault> {
    let separator = call.string_or("sep", " ")?;
    let words = call.rest.iter().map(|value| print::whole_display(*value));
    Ok(words.collect::<Result<Vec<String>, String>>()?.join(&separator))
}

fn write_line<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    call.run.host.log(Level::Info, joined(call)?);
    call.none()
}

fn warn<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let message = call.text("msg")?.unwrap_or_default();
    call.run.warn(message);
    call.none()
}

fn fail<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    Err(Fault::Said(joined(call)?))
}

fn exit<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    if let Some(code) = call.value("code") {
        call.run.host.log(Level::Info, print::display(code));
    }
    Err(starlark::Error::new_native(Exit).into())
}

fn len<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let value = call.required("x");
    let length = match value.unpack_str() {
        Some(text) => i32::try_from(text.len()).unwrap_or(i32::MAX),
        None => value
            .length()
            .map_err(|_| Fault::Said(format!("len: value of type {} has no len", value.get_type())))?,
    };
    Ok(call.alloc(length))
}

fn range<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let given = |name| call.read(name, unpack_int);
    let first = given("start_or_stop")?.unwrap_or(0);
    let (start, stop) = match given("stop")? {
        Some(stop) => (first, stop),
        None => (0, first),
    };
    let step = given("step")?.unwrap_or(1);
    if step == 0 {
        return Err("range: step argument must not be zero".into());
    }
    let count = (stop.saturating_sub(start)).saturating_div(step);
    if count > MAX_COUNTED {
        return Err(Fault::Said(format!(
            "range: {count} elements are more than a Tiltfile may count"
        )));
    }
    let bounds = [start, stop, step].map(|n| call.alloc(n));
    counted(call, &bounds)
}

/// The body of a rewritten `while` ends it long before this range does; the limit on steps ends one that never would.
fn forever<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let bounds = [call.alloc(i32::MAX)];
    counted(call, &bounds)
}

/// The interpreter's own `range`.
fn counted<'v>(call: &mut Call<'v, '_, '_, '_>, bounds: &[Value<'v>]) -> Outcome<'v> {
    let range = globals::interpreter_range(&call.run.globals).ok_or("the interpreter has no range")?;
    Ok(call.eval.eval_function(range, bounds, &[])?)
}

fn make_struct<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let fields = std::mem::take(&mut call.named);
    Ok(call.alloc(Struct::new("struct", fields)))
}

fn make_module<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let fields = std::mem::take(&mut call.named);
    let name = call.string_or("name", "")?;
    Ok(call.alloc(Module::new(name, fields)))
}

fn include<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    loader::load(call.run, &call.string_or("path", "")?).map_err(starlark::Error::from)?;
    call.none()
}

fn load_dynamic<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let loaded = loader::load(call.run, &call.string_or("path", "")?).map_err(starlark::Error::from)?;
    let exports = exports(&loaded).map_err(Fault::said)?;
    Ok(call.heap().access_owned_frozen_value(&exports))
}

/// What a file defines for others, by name: a dict that nobody can change.
fn exports(loaded: &FrozenModule) -> Result<OwnedFrozenValue, String> {
    const NAME: &str = "exports";
    let frozen = StarlarkModule::with_temp_heap(|module| {
        let entries = loader::public_names(loaded).into_iter().map(|name| {
            let value = loaded.get(&name).map_err(|error| error.to_string())?;
            Ok((name, module.heap().access_owned_frozen_value(&value)))
        });
        let entries: Vec<(String, Value)> = entries.collect::<Result<_, String>>()?;
        module.set(NAME, module.heap().alloc(AllocDict(entries)));
        module.freeze().map_err(|error| format!("{error:?}"))
    })?;
    frozen.get(NAME).map_err(|error| error.to_string())
}

fn percent<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let (format, value) = (call.required("left"), call.required("right"));
    match format.unpack_str() {
        Some(text) => Ok(call.alloc(print::percent(text, value)?)),
        None => Ok(format.percent(value, call.heap())?),
    }
}

fn times<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let (left, right) = (call.required("left"), call.required("right"));
    let repeated = |value: Value, count: Value| -> Option<i64> {
        let is_sequence = matches!(value.get_type(), "string" | "list" | "tuple" | "bytes");
        let count = unpack_int(count).ok()?;
        is_sequence.then(|| i64::from(value.length().unwrap_or(0)).saturating_mul(count))
    };
    let elements = repeated(left, right).or_else(|| repeated(right, left)).unwrap_or(0);
    if elements > MAX_ELEMENTS {
        return Err(Fault::Said(format!(
            "repetition would make {elements} elements, more than a Tiltfile may hold"
        )));
    }
    let product_bits = bits(left).saturating_add(bits(right));
    check_bits(product_bits)?;
    let product = left.mul(right, call.heap())?;
    count_number(call, product_bits);
    Ok(product)
}

fn shift<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let (left, right) = (call.required("left"), call.required("right"));
    let by = right.unpack_i32().and_then(|by| u64::try_from(by).ok()).unwrap_or(0);
    let shifted_bits = bits(left).saturating_add(by);
    if left.get_type() == "int" {
        check_bits(shifted_bits)?;
    }
    let shifted = left.left_shift(right, call.heap())?;
    count_number(call, shifted_bits);
    Ok(shifted)
}

fn check_bits(bits: u64) -> Result<(), Fault> {
    if bits > MAX_BITS {
        return Err("the result has more digits than a number in a Tiltfile may have".into());
    }
    Ok(())
}

/// The interpreter keeps the digits of large numbers outside its heap.
fn count_number(call: &Call, bits: u64) {
    let beside_heap = call.run.beside_heap();
    beside_heap.set(beside_heap.get() + bits as usize / 8);
}

/// Binary digits of a large number; 0 for small ones and all else.
fn bits(value: Value) -> u64 {
    if value.get_type() != "int" || value.unpack_i32().is_some() {
        return 0;
    }
    BigInt::unpack_value(value)
        .ok()
        .flatten()
        .map_or(0, |number| number.bits())
}

fn less<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    compared(call, Ordering::is_lt)
}

fn at_most<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    compared(call, Ordering::is_le)
}

fn greater<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    compared(call, Ordering::is_gt)
}

fn at_least<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    compared(call, Ordering::is_ge)
}

fn compared<'v>(call: &mut Call<'v, '_, '_, '_>, holds: fn(Ordering) -> bool) -> Outcome<'v> {
    let (left, right) = (call.required("left"), call.required("right"));
    if left.get_type() != "set" || right.get_type() != "set" {
        return Ok(Value::new_bool(holds(left.compare(right)?)));
    }
    let heap = call.heap();
    let holds_all = |outer: Value<'v>, inner: Value<'v>| -> starlark::Result<bool> {
        for element in inner.iterate(heap)? {
            if !outer.is_in(element)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    // Sets of which neither holds all of the other are in no order at all.
    let order = match (holds_all(right, left)?, holds_all(left, right)?) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    };
    Ok(Value::new_bool(order.is_some_and(holds)))
}

#[cfg(test)]
mod tests;
