//! Quoting, links.

use starlark::values::Value;

use crate::model::link::Link;
use crate::model::shell;
use crate::tiltfile::call::{Call, Mismatch};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::tiltfile::values::record::Struct;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "shlex.quote",
        params: &[Param::required("name", "str").or("s")],
        rest: Rest::Refused,
        returns: "str",
        doc: "The text as one word of a shell command, quoted where it has to be.",
        body: quote,
    },
    Builtin {
        name: "link",
        params: &[Param::required("url", "str"), Param::optional("name", "str", "''")],
        rest: Rest::Refused,
        returns: "struct",
        doc: "A link for a resource's page, shown under `name` where one is given. Without a scheme it is one of `http`.",
        body: link,
    },
];

/// What `link()` returns is a struct that prints under this name.
const LINK: &str = "link";

fn quote<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let text = call.string("name")?.unwrap_or_default();
    Ok(call.alloc(&*shell::quote(&text)))
}

fn link<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let (url, name) = (call.string_or("url", "")?, call.string_or("name", "")?);
    let link = Link::parse(&url, &name).map_err(Fault::said)?;
    let fields = vec![
        ("url".to_owned(), call.alloc(link.url.to_string())),
        ("name".to_owned(), call.alloc(name)),
    ];
    Ok(call.alloc(Struct::new(LINK, fields)))
}

/// The links of a parameter that takes a string, a `link()`, or a list of these.
pub fn links(call: &Call, name: &str) -> Result<Vec<Link>, Fault> {
    let values = call.one_or_many(name).into_iter();
    values
        .map(|value| unpack_link(value).map_err(|mismatch| call.wrong(name, mismatch)))
        .collect()
}

fn unpack_link(value: Value) -> Result<Link, Mismatch> {
    if let Some(text) = value.unpack_str() {
        return Link::parse(text, "").map_err(|error| error.to_string());
    }
    let made = Struct::from_value(value).filter(|record| record.title() == LINK);
    let Some(made) = made else {
        let (shown, of) = (print::display(value), value.get_type());
        return Err(format!(
            "want a string, a link, or a sequence of these; found {shown} (type: {of})"
        ));
    };
    let field = |wanted: &str| {
        let value = made
            .fields()
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, value)| value.unpack_str());
        value.unwrap_or_default().to_owned()
    };
    Link::parse(&field("url"), &field("name")).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
