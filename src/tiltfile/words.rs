//! Pure. The interpreter's error texts in the words that Tiltfile authors know, where those are plainer.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::tiltfile::signature::Positional;

/// The user's function that an error text says was called: `/path/Tiltfile.name`.
pub fn callee(message: &str) -> Option<&str> {
    let (_, callee) = message.rsplit_once("for call to ")?;
    Some(callee.trim_matches('`'))
}

/// What an error text leaves out: the function of the language's own that raised it, and the sign that stands where it happened.
#[derive(Clone, Copy, Default)]
pub struct Place<'a> {
    pub native: Option<&'a str>,
    pub sign: &'a str,
    pub function: &'a str,
    /// What the user's function that was called takes by position.
    pub takes: Option<Positional>,
}

/// One text of the interpreter's and how to say it; `None` leaves the text to a later row.
struct Row {
    pattern: Regex,
    say: fn(&Captures, &Place) -> Option<String>,
}

/// The plainer words, or the text as it is.
pub fn plain(message: &str, place: &Place) -> String {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(rows);
    let said = ROWS.iter().find_map(|row| {
        let found = row.pattern.captures(message)?;
        (row.say)(&found, place)
    });
    said.unwrap_or_else(|| message.to_owned())
}

/// Whether a function of the language's own refused its arguments, which the interpreter reports at the caller.
pub fn refuses_arguments(message: &str) -> bool {
    static BOUND: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:Wrong number of positional arguments|(?:Found|Missing) .* for call to `?[a-z]+`?$)")
            .expect("a constant pattern")
    });
    BOUND.is_match(message)
}

/// A name that a load statement wants and the loaded file does not define.
pub struct MissingSymbol {
    name: String,
    nearest: Option<String>,
}

impl MissingSymbol {
    pub fn not_found_in(&self, module: &str) -> String {
        let nearest = self.nearest.as_ref().map(|name| format!(" (did you mean {name}?)"));
        let nearest = nearest.unwrap_or_default();
        format!("load: name {} not found in module {module}{nearest}", self.name)
    }
}

pub fn missing_symbol(message: &str) -> Option<MissingSymbol> {
    static SYMBOL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^Module has no symbol `([^`]+)`(?:, did you mean `([^`]+)`\?)?$").expect("a constant pattern")
    });
    let found = SYMBOL.captures(message)?;
    Some(MissingSymbol {
        name: found[1].to_owned(),
        nearest: found.get(2).map(|name| name.as_str().to_owned()),
    })
}

fn rows() -> Vec<Row> {
    [operators(), elements(), arguments(), natives(), texts()]
        .into_iter()
        .flatten()
        .collect()
}

fn row(pattern: &str, say: fn(&Captures, &Place) -> Option<String>) -> Row {
    Row {
        pattern: Regex::new(pattern).expect("a constant pattern"),
        say,
    }
}

fn operators() -> Vec<Row> {
    vec![
        row(
            r"^Operation `(?:compare|cmp\(\))` not supported for types `([^`]+)` and `([^`]+)`$",
            |found, place| {
                let sign = match place.sign {
                    "" | "(" => "<",
                    sign => sign,
                };
                Some(format!("{} {sign} {} not implemented", &found[1], &found[2]))
            },
        ),
        row(
            r"^Operation `\[\]` not supported for types `([^`]+)` and `([^`]+)`$",
            |found, _| Some(format!("unhandled index operation {}[{}]", &found[1], &found[2])),
        ),
        row(
            r"^Operation `([^`(]+)` not supported for types `([^`]+)` and `([^`]+)`$",
            |found, _| Some(format!("unknown binary op: {} {} {}", &found[2], &found[1], &found[3])),
        ),
        row(r"^Operation `([-+~])` not supported on type `([^`]+)`$", |found, _| {
            Some(format!("unknown unary op: {} {}", &found[1], &found[2]))
        }),
        row(r"^Operation `call\(\)` not supported on type `([^`]+)`$", |found, _| {
            Some(format!("invalid call of non-function ({})", &found[1]))
        }),
        row(
            r"^Type of parameters mismatch, expected `str`, actual `(\w+) ",
            |found, _| {
                Some(format!(
                    "'in <string>' requires string as left operand, not {}",
                    &found[1]
                ))
            },
        ),
        row(r"^Floor division by zero: ", |_, _| {
            Some("floored division by zero".to_owned())
        }),
        row(r"^Modulo by zero: ", |_, _| Some("integer modulo by zero".to_owned())),
        row(r"^float division by zero: ", |_, _| {
            Some("floating-point division by zero".to_owned())
        }),
        row(r"^Cannot divide by zero$", |_, place| {
            let what = if place.sign == "//" {
                "floored division"
            } else {
                "floating-point modulo"
            };
            Some(format!("{what} by zero"))
        }),
        row(r"^Negative (?:left|right) shift$", |_, _| {
            Some("negative shift count".to_owned())
        }),
    ]
}

fn elements() -> Vec<Row> {
    vec![
        row(r"^Key `(.*)` was not found$", |found, place| match place.native {
            Some("format") => Some(format!("format: keyword {} not found", &found[1])),
            _ => Some(format!("key {} not in dict", &found[1])),
        }),
        row(
            r"^Object of type `([^`]+)` has no attribute `([^`]+)`(?:, did you mean `([^`]+)`\?)?$",
            |found, _| {
                let what = match &found[1] {
                    "struct" => "attribute",
                    _ => "field or method",
                };
                let nearest = found.get(3).map(|name| format!(" (did you mean .{}?)", name.as_str()));
                let nearest = nearest.unwrap_or_default();
                Some(format!("{} has no .{} {what}{nearest}", &found[1], &found[2]))
            },
        ),
        row(
            r"^Operation `\.([^`=]+)` not supported on type `([^`]+)`$",
            |found, _| Some(format!("{} has no .{} field or method", &found[2], &found[1])),
        ),
        row(
            r"^Operation `\.([^`=]+)=` not supported on type `([^`]+)`$",
            |found, _| Some(format!("can't assign to .{} field of {}", &found[1], &found[2])),
        ),
        row(r"^Operation `\[\]=` not supported on type `([^`]+)`$", |found, _| {
            Some(format!("{} value does not support item assignment", &found[1]))
        }),
        row(r"^Operation `\[::\]` not supported on type `([^`]+)`$", |found, _| {
            Some(format!("invalid slice operand {}", &found[1]))
        }),
        row(r"^Index `(-?\d+)` is out of bound$", |found, place| {
            match place.native {
                Some("format") => Some("format: tuple index out of range".to_owned()),
                Some(name) => Some(format!("{name}: index {} out of range", &found[1])),
                None => Some(format!("index {} out of range", &found[1])),
            }
        }),
        row(r"^Expected `int`, but got `(\w+) \(repr: .*\)`$", |found, _| {
            Some(format!("got {}, want int", &found[1]))
        }),
        row(r"^Value of type `([^`]+)` is not hashable$", |found, place| {
            Some(by(place, format!("unhashable type: {}", &found[1])))
        }),
        row(r"^Dictionary key repeated for `(.*)`$", |found, _| {
            Some(format!("duplicate key: {}", &found[1]))
        }),
        row(
            r"^Operation `\(iter\)` not supported on type `([^`]+)`$",
            |found, place| Some(not_iterable(&found[1], place)),
        ),
        row(
            r"^Operation `len\(\)` not supported on type `([^`]+)`$",
            |found, place| {
                let plain = format!("got {} in sequence assignment", &found[1]);
                place.native.is_none().then_some(plain)
            },
        ),
        row(r"^Unpacked (\d+) values but expected (\d+)$", |found, _| {
            let (got, want): (u64, u64) = (found[1].parse().ok()?, found[2].parse().ok()?);
            let amount = if got < want { "few" } else { "many" };
            Some(format!("too {amount} values to unpack (got {got}, want {want})"))
        }),
        row(r"^Immutable$", |_, place| {
            Some(match place.native {
                Some(name) => format!("{name}: cannot {} a frozen value", verb(name)),
                None => "cannot assign to an element of a frozen value or tuple".to_owned(),
            })
        }),
        row(r"^This operation mutates an iterable for an iterator", |_, place| {
            Some(match place.native {
                Some(name) => format!("{name}: cannot {} a value during iteration over it", verb(name)),
                None => "cannot insert into or assign to elements of a value during iteration over it".to_owned(),
            })
        }),
        row(
            r"^Local variable `([^`]+)` referenced before assignment$",
            |found, place| {
                let scope = if place.function.starts_with('<') {
                    "global"
                } else {
                    "local"
                };
                Some(format!("{scope} variable {} referenced before assignment", &found[1]))
            },
        ),
    ]
}

fn by(place: &Place, message: String) -> String {
    match place.native {
        Some(name) => format!("{name}: {message}"),
        None => message,
    }
}

fn not_iterable(kind: &str, place: &Place) -> String {
    match place.native {
        None => format!("{kind} value is not iterable"),
        Some(name @ ("min" | "max")) => format!("{name}: {kind} value is not iterable"),
        Some("zip") => format!("zip: argument is not iterable: {kind}"),
        Some(name @ ("sorted" | "reversed")) => format!("{name}: for parameter iterable: got {kind}, want iterable"),
        Some(name @ ("dict" | "update")) => format!("{name}: got {kind}, want iterable"),
        Some(name) => format!("{name}: for parameter 1: got {kind}, want iterable"),
    }
}

/// What a method does to the value that it belongs to.
fn verb(method: &str) -> &'static str {
    match method {
        "append" => "append to",
        "extend" => "extend",
        "insert" | "setdefault" | "update" | "add" => "insert into",
        "remove" | "discard" => "remove from",
        "clear" => "clear",
        "pop" | "popitem" => "pop from",
        _ => "change",
    }
}

fn arguments() -> Vec<Row> {
    const CALLEE: &str = r"`?(?:[^`]*\.)?([^`.]+)`?$";
    vec![
        row(
            &format!(r"^Missing (?:named-only )?parameter `([^`]+)` for call to {CALLEE}"),
            |found, place| match place.native {
                Some(name) => Some(format!("{name}: missing argument for {}", &found[1])),
                None => Some(format!("function {} missing 1 argument ({})", &found[2], &found[1])),
            },
        ),
        row(
            &format!(r"^Missing positional-only parameter `([^`]+)` for call to {CALLEE}"),
            |found, _| Some(format!("{}: missing argument for {}", &found[2], &found[1])),
        ),
        row(
            &format!(r"^Found `([^`]+)`(?: `[^`]+`)* extra named parameter\(s\) for call to {CALLEE}"),
            |found, place| match place.native {
                Some(name) => Some(format!("{name}: unexpected keyword argument \"{}\"", &found[1])),
                None => Some(format!(
                    "function {} got an unexpected keyword argument \"{}\"",
                    &found[2], &found[1]
                )),
            },
        ),
        row(
            &format!(r"^Found (\d+) extra positional argument\(s\) for call to {CALLEE}"),
            |found, place| match place.native {
                Some(name) => Some(format!("{name}: got {} arguments too many", &found[1])),
                None => Some(too_many(&found[2], found[1].parse().ok()?, place.takes)),
            },
        ),
        row(r"^Argument `([^`]+)` occurs more than once$", |found, _| {
            Some(format!("got multiple values for parameter \"{}\"", &found[1]))
        }),
        row(
            r"^Wrong number of positional arguments, expected (?:between \d+ and )?(\d+), got (\d+)$",
            |found, place| {
                let name = place.native?;
                Some(format!(
                    "{name}: got {} arguments, want at most {}",
                    &found[2], &found[1]
                ))
            },
        ),
        row(r"^The argument provided for \*args is not iterable$", |_, _| {
            Some("argument after * must be iterable".to_owned())
        }),
        row(r"^The argument provided for \*\*kwargs is not a dictionary$", |_, _| {
            Some("argument after ** must be a mapping".to_owned())
        }),
        row(r"^The argument provided for \*args is not an identifier$", |_, _| {
            Some("keywords after ** must be strings".to_owned())
        }),
        row(
            r"^Type of parameter `to_join` doesn't match, expected `str`, actual `(\w+) ",
            |found, _| Some(format!("join: in list, want string, got {}", &found[1])),
        ),
        row(
            r"^Type of parameter `([^`]+)` doesn't match, expected `([^`]+)`, actual `(\w+) ",
            |found, place| {
                let wanted = found[2].replace("str", "string").replace(" | ", " or ");
                let wanted = wanted.replace("tuple[string, ...]", "tuple of string");
                let text = format!("for parameter {}: got {}, want {wanted}", &found[1], &found[3]);
                Some(by(place, text))
            },
        ),
    ]
}

fn too_many(function: &str, extra: usize, takes: Option<Positional>) -> String {
    let Some(takes) = takes else {
        return format!("function {function} accepts fewer positional arguments ({extra} too many given)");
    };
    let given = takes.most + extra;
    if takes.most == 0 && !takes.has_others {
        return format!("function {function} accepts no arguments ({given} given)");
    }
    let at_most = if takes.has_defaults { "at most " } else { "" };
    let plural = if takes.most == 1 { "" } else { "s" };
    let most = takes.most;
    format!("function {function} accepts {at_most}{most} positional argument{plural} ({given} given)")
}

fn natives() -> Vec<Row> {
    vec![
        row(r"^Argument is an empty iterable", |_, place| {
            Some(by(place, "argument is an empty sequence".to_owned()))
        }),
        row(r"^Element '.*' not found in ", |_, place| {
            let what = if place.native == Some("remove") {
                "element not found"
            } else {
                "value not in list"
            };
            Some(by(place, what.to_owned()))
        }),
        row(r"^Substring '.*' not found in ", |_, place| {
            Some(by(place, "substring not found".to_owned()))
        }),
        row(r"^Empty separator cannot be used", |_, place| {
            Some(by(place, "empty separator".to_owned()))
        }),
        row(
            r"^Key `.*` not found in dictionary `.*`$|^`.*` not found in `.*`$",
            |_, place| Some(by(place, "missing key".to_owned())),
        ),
        row(r"^Cannot \.popitem\(\) on an empty dictionary$", |_, _| {
            Some("popitem: empty dict".to_owned())
        }),
        row(r"^pop from an empty set$", |_, _| Some("pop: empty set".to_owned())),
        row(
            r"^Found a non-pair element in the positional argument of dict\(\): (.*)$",
            |found, place| {
                Some(by(
                    place,
                    format!(
                        "dictionary update sequence has an element that is no pair: {}",
                        &found[1]
                    ),
                ))
            },
        ),
        row(r"^chr\(\) parameter value negative integer (-\d+)$", |found, _| {
            Some(format!("chr: Unicode code point {} out of range (<0)", &found[1]))
        }),
        row(r"^chr\(\) parameter value is 0x([0-9a-fA-F]+) ", |found, _| {
            Some(format!(
                "chr: Unicode code point U+{} out of range (>0x10FFFF)",
                found[1].to_uppercase()
            ))
        }),
        row(r"^ord\(\): (.*) is not a single character string$", |found, _| {
            Some(format!("ord: want a string of 1 Unicode code point, got {}", &found[1]))
        }),
        row(r"^ord\(\): expected string or bytes, got '(\w+)'$", |found, _| {
            Some(format!("ord: got {}, want string or bytes", &found[1]))
        }),
        row(r#"^"(.*)" is not a valid number"#, |found, _| {
            Some(format!("float: invalid float literal: {}", &found[1]))
        }),
    ]
}

fn texts() -> Vec<Row> {
    vec![
        row(
            r"^Cannot mix manual field specification and automatic field numbering",
            |_, _| {
                Some(
                    "format: cannot switch between automatic field numbering and manual field specification".to_owned(),
                )
            },
        ),
        row(r"^Invalid character '\.' inside replacement field$", |_, _| {
            Some("format: attribute syntax x.y is not supported in replacement fields".to_owned())
        }),
        row(r"^Invalid character '\[' inside replacement field$", |_, _| {
            Some("format: element syntax a[i] is not supported in replacement fields".to_owned())
        }),
        row(r"^Missing conversion character in format string", |_, _| {
            Some("format: unknown conversion \"\"".to_owned())
        }),
        row(r"^Standalone '\}' in format string", |_, _| {
            Some("format: single '}' in format".to_owned())
        }),
        row(r"^Unmatched '\{' in format string", |_, _| {
            Some("format: unmatched '{' in format".to_owned())
        }),
    ]
}

#[cfg(test)]
mod tests;
