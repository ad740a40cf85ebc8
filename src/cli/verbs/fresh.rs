//! `tilt wait --for=fresh`: until everything that was saved before runs.

use std::cell::RefCell;
use std::io::IsTerminal;

use hyper::Method;

use super::condition::State;
use super::report::text_at;
use super::select::Named;
use super::targets::kind_of;
use crate::cli::client::{Client, ClientError};
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::object::kinds::UI_RESOURCE;
use crate::model::tree::Tree;

/// A saved Tiltfile may declare everything differently.
const TILTFILE: &str = "(Tiltfile)";

/// Names without a kind are resources.
pub fn words(what: &[String], selects: bool) -> Vec<String> {
    let has_kind =
        |word: &String| word.contains('/') || kind_of(word).is_ok_and(|kind| std::ptr::eq(kind, &UI_RESOURCE));
    match what.first() {
        None if selects => vec![UI_RESOURCE.plural.to_owned()],
        Some(first) if !has_kind(first) => what
            .iter()
            .map(|name| format!("{}/{name}", UI_RESOURCE.plural))
            .collect(),
        None | Some(_) => what.to_vec(),
    }
}

/// Ends once the session knows of everything that was saved before.
pub async fn settled(client: &Client) -> Result<(), Exit> {
    match client.raw(Method::GET, "/tilt/v1/settled").await {
        Ok(_) => Ok(()),
        Err(ClientError::Status(status)) if status.code == 404 => Err(Exit::verbatim(
            "error: this session cannot tell what was saved: it is of another version of tilt",
        )),
        Err(error) => Err(error.into()),
    }
}

pub fn tiltfile() -> Named {
    Named {
        kind: &UI_RESOURCE,
        name: TILTFILE.to_owned(),
        object: None,
        source: None,
    }
}

/// Whether somebody has to start it, so that `--all` does not mean it.
pub fn rests(named: &Named) -> bool {
    let reason = named
        .object
        .as_ref()
        .and_then(condition)
        .map(|it| text_at(it, &["reason"]));
    matches!(reason, Some("Disabled" | "NotStarted"))
}

fn condition(object: &Tree) -> Option<&Tree> {
    let conditions = object.at(&["status", "conditions"])?.as_list()?;
    conditions
        .iter()
        .find(|condition| text_at(condition, &["type"]) == "Fresh")
}

/// What is waited for, said on a terminal whenever it is something else.
pub struct Told<'a> {
    state: &'a State,
    last: RefCell<Option<String>>,
}

impl<'a> Told<'a> {
    pub fn new(state: &'a State) -> Told<'a> {
        Told {
            state,
            last: RefCell::default(),
        }
    }

    /// The object is not in the state.
    pub fn look(&self, named: &Named, object: &Tree) {
        let condition = condition(object).filter(|_| matches!(self.state, State::Fresh));
        let Some(condition) = condition else { return };
        let why = match text_at(condition, &["message"]) {
            "" => text_at(condition, &["reason"]),
            message => message,
        };
        let is_news = self.last.borrow().as_deref() != Some(why);
        if is_news && std::io::stderr().is_terminal() {
            output::say(format_args!("waiting for {}: {why}", named.name));
        }
        self.last.replace(Some(why.to_owned()));
    }

    /// For the end of an error.
    pub fn why(&self) -> String {
        let last = self.last.borrow();
        last.as_ref().map(|why| format!(": {why}")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_kind_are_resources() {
        let table: [(&[&str], bool, &[&str]); 6] = [
            (&["web", "api"], false, &["uiresources/web", "uiresources/api"]),
            (&["uiresource/web"], false, &["uiresource/web"]),
            (&["uiresource", "web"], false, &["uiresource", "web"]),
            (&["cmd", "web"], false, &["uiresources/cmd", "uiresources/web"]),
            (&[], true, &["uiresources"]),
            (&[], false, &[]),
        ];
        for (what, selects, expected) in table {
            let what: Vec<String> = what.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(words(&what, selects), expected, "{what:?}");
        }
    }
}
