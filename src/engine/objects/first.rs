//! Pure. The objects that are there from the beginning.

use std::sync::Arc;

use crate::engine::objects::{RESOURCE, map, object, session, stop_button, texts};
use crate::engine::state::{MAIN, Mode, State};
use crate::model::object::kinds::{CONFIG_MAP, SESSION, TILTFILE, UI_SESSION};
use crate::model::object::{Owner, Stored};
use crate::model::tree::{Map, Tree};

/// Puts them into the table: the session and, unless there are only objects, the Tiltfile that it is about.
pub fn put(state: &mut State) {
    let now = state.now;
    state.table.put(Stored::new(&UI_SESSION, session::NAME), now);
    state.table.put(Stored::new(&CONFIG_MAP, "tilt-trigger-queue"), now);
    if state.session.mode == Mode::Objects {
        return;
    }
    let about = Arc::clone(&state.session);
    let mut spec = map([("path", Tree::text(about.tiltfile.to_string_lossy().as_ref()))]);
    let watch = format!("configs:{MAIN}");
    spec.push("restartOn", Tree::Map(map([("fileWatches", texts([watch]))])));
    if !about.args.is_empty() {
        spec.push("args", texts(&about.args));
    }
    spec.push("stopOn", Tree::Map(map([("uiButtons", texts([stop_button(MAIN)]))])));
    let tiltfile = state.table.put(object(&TILTFILE, MAIN, spec, []), now);
    let mut shown = object(&SESSION, session::NAME, Map::new(), [(RESOURCE, MAIN)]);
    shown.spec = session::spec(&about);
    shown.meta.owners = vec![Owner::controller(&tiltfile)];
    state.table.put(shown, now);
}
