//! Cookies: files of our own in a folder that is watched like those of the project. Events keep their order, so whatever was
//! saved before a cookie was written has been told when the watcher tells of the cookie.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::engine::action::{Action, Refusal, Token};
use crate::engine::perform::Context;

/// The name of the watch. No FileWatch can have it.
pub const WATCH: &str = "tilt/cookies";

/// A mutex, since events come on another task; it is held for a look-up only.
#[derive(Clone, Default)]
pub struct Cookies(Arc<Mutex<Jar>>);

#[derive(Default)]
struct Jar {
    /// Goes with everything in it.
    folder: Option<TempDir>,
    baked: u64,
    /// Who waits for which.
    waiting: HashMap<PathBuf, Token>,
    watch: Watch,
}

#[derive(Default)]
enum Watch {
    #[default]
    Never,
    /// Who came before it worked.
    Starting(Vec<Token>),
    Works,
    Fails(String),
}

impl Cookies {
    /// Where they will lie; nothing is answered where there is no such place.
    pub fn open(&self) -> Option<PathBuf> {
        let mut jar = self.jar();
        match tempfile::Builder::new().prefix("tilt-cookies-").tempdir() {
            Ok(folder) => {
                let path = folder.path().to_owned();
                jar.watch = Watch::Starting(Vec::new());
                jar.folder = Some(folder);
                Some(path)
            }
            Err(error) => {
                jar.watch = Watch::Fails(error.to_string());
                None
            }
        }
    }

    /// Somebody wants to hear when all that was saved so far has been told.
    pub fn ask(&self, token: Token, context: &Context) {
        let mut jar = self.jar();
        match &mut jar.watch {
            Watch::Starting(early) => early.push(token),
            Watch::Works => jar.bake(token, self, context),
            Watch::Never => refuse(token, "this session does not follow files", context),
            Watch::Fails(error) => refuse(token, &format!("files cannot be watched: {error}"), context),
        }
    }

    pub fn works(&self, context: &Context) {
        let mut jar = self.jar();
        if let Watch::Starting(early) = std::mem::replace(&mut jar.watch, Watch::Works) {
            early.into_iter().for_each(|token| jar.bake(token, self, context));
        }
    }

    pub fn fails(&self, error: String, context: &Context) {
        let mut jar = self.jar();
        let mut tokens: Vec<Token> = jar.waiting.drain().map(|(_, token)| token).collect();
        if let Watch::Starting(early) = std::mem::replace(&mut jar.watch, Watch::Fails(error.clone())) {
            tokens.extend(early);
        }
        drop(jar);
        for token in tokens {
            refuse(token, &format!("files cannot be watched: {error}"), context);
        }
    }

    /// The watcher told of these, and of all that was saved before them.
    pub fn seen(&self, paths: Vec<PathBuf>, context: &Context) {
        for path in paths {
            // What is told later is that it was taken away.
            let Some(token) = self.jar().waiting.remove(&path) else {
                continue;
            };
            context.tell(Action::Fenced { token, refusal: None });
            context.tracker.spawn(async move {
                // The folder goes at the end with whatever is left in it.
                drop(tokio::fs::remove_file(path).await);
            });
        }
    }

    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jar {
    fn bake(&mut self, token: Token, cookies: &Cookies, context: &Context) {
        let Some(path) = self.next() else {
            return refuse(token, "there is no place for cookies", context);
        };
        self.waiting.insert(path.clone(), token);
        let (cookies, shared) = (cookies.clone(), context.clone());
        context.tracker.spawn(async move {
            if let Err(error) = tokio::fs::write(&path, b"").await
                && cookies.jar().waiting.remove(&path).is_some()
            {
                refuse(token, &format!("cannot write {}: {error}", path.display()), &shared);
            }
        });
    }

    fn next(&mut self) -> Option<PathBuf> {
        self.baked += 1;
        let folder: &Path = self.folder.as_ref()?.path();
        Some(folder.join(format!("cookie-{}", self.baked)))
    }
}

fn refuse(token: Token, why: &str, context: &Context) {
    let refusal = Some(Refusal::Forbidden(format!("nobody can tell what was saved: {why}")));
    context.tell(Action::Fenced { token, refusal });
}
