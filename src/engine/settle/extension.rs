//! Pure. Extension repositories and extensions: what is to be fetched and found, and the Tiltfile that each extension runs.

use std::path::Path;
use std::sync::Arc;

use crate::engine::effect::{Effect, RepoSource, Task};
use crate::engine::objects::{MANAGED_BY, map, object, owned_by, set, texts};
use crate::engine::spec::{text, texts as texts_of};
use crate::engine::state::{Counters, Name, RepoState, Sought, State, next};
use crate::model::label;
use crate::model::object::kinds::{EXTENSION, EXTENSION_REPO, TILTFILE};
use crate::model::object::{Kind, Owner, Stored};
use crate::model::tree::{Map, Tree};

/// The value of `MANAGED_BY` for an extension that is only loaded by a Tiltfile: it runs nothing of its own.
const LOADER: &str = "tiltfile.loader";

/// Whether there is something to try again, or to show, though no object changed.
pub fn is_waiting(state: &State) -> bool {
    let waits = |sought: &Arc<RepoState>| !sought.shown || sought.retry_at.is_some_and(|at| at <= state.now);
    state.repos.values().any(waits) || state.extensions.values().any(waits)
}

pub fn settle(state: &mut State, _effects: &mut Vec<Effect>) {
    repos(state);
    extensions(state);
    tiltfiles(state);
}

/// Where a repository comes from, as its object says it.
pub fn source(repo: &Stored) -> RepoSource {
    RepoSource {
        url: text(&repo.spec, "url").to_owned(),
        reference: text(&repo.spec, "ref").to_owned(),
        subpath: text(&repo.spec, "gitSubpath").to_owned(),
    }
}

fn repos(state: &mut State) {
    let objects: Vec<Arc<Stored>> = state.table.list(&EXTENSION_REPO).cloned().collect();
    let is_there = |name: &Name| objects.iter().any(|object| *object.name == **name);
    state.repos.retain(|name, _| is_there(name));
    for object in &objects {
        let name: Name = (*object.name).into();
        let repo = source(object);
        let known = state.repos.get(&name).cloned();
        let wanted = |generation| Task::Repo {
            generation,
            repo: repo.clone(),
        };
        let known = sought(known, &mut state.counters, state.now, wanted);
        let status = repo_status(&known);
        show(state, &EXTENSION_REPO, &name, status);
        state.repos.insert(name, shown(known));
    }
}

fn extensions(state: &mut State) {
    let objects: Vec<Arc<Stored>> = state.table.list(&EXTENSION).cloned().collect();
    let is_there = |name: &Name| objects.iter().any(|object| *object.name == **name);
    state.extensions.retain(|name, _| is_there(name));
    for object in &objects {
        let name: Name = (*object.name).into();
        let repo_name = text(&object.spec, "repoName");
        let path = text(&object.spec, "repoPath").to_owned();
        let Some(repo) = state.table.get(&EXTENSION_REPO, repo_name) else {
            let status = map([("error", Tree::text(format!("extension repo not found: {repo_name}")))]);
            state.extensions.remove(&name);
            show(state, &EXTENSION, &name, status);
            continue;
        };
        let repo = source(repo);
        let known = state.extensions.get(&name).cloned();
        let wanted = |generation| Task::Extension {
            generation,
            repo: repo.clone(),
            path: path.clone(),
        };
        let known = sought(known, &mut state.counters, state.now, wanted);
        let status = extension_status(&known);
        show(state, &EXTENSION, &name, status);
        state.extensions.insert(name, shown(known));
    }
}

/// What is looked for now: something else than before, or once more what was not found.
fn sought(
    known: Option<Arc<RepoState>>,
    counters: &mut Counters,
    now: crate::model::time::Time,
    wanted: impl Fn(u64) -> Task,
) -> Arc<RepoState> {
    match known {
        Some(known) if known.asked.as_ref() == Some(&wanted(known.generation)) => {
            if known.retry_at.is_none_or(|at| at > now) {
                return known;
            }
            let mut again = known.as_ref().clone();
            again.generation = next(&mut counters.generations);
            again.asked = Some(wanted(again.generation));
            again.retry_at = None;
            Arc::new(again)
        }
        _ => {
            let generation = next(&mut counters.generations);
            Arc::new(RepoState {
                generation,
                asked: Some(wanted(generation)),
                ..RepoState::default()
            })
        }
    }
}

fn shown(mut known: Arc<RepoState>) -> Arc<RepoState> {
    if !known.shown {
        Arc::make_mut(&mut known).shown = true;
    }
    known
}

fn show(state: &mut State, kind: &'static Kind, name: &str, status: Map) {
    crate::engine::objects::status::put_status(state, kind, name, |_| status);
}

fn repo_status(repo: &RepoState) -> Map {
    let mut status = Map::new();
    match &repo.found {
        Sought::Nothing => {}
        Sought::Missing(error) => status.push("error", Tree::text(error.as_str())),
        Sought::Repo {
            path,
            checkout,
            stale,
            at,
        } => {
            status.push("lastFetchedAt", Tree::text(at.to_seconds_text()));
            status.push("path", Tree::text(path.to_string_lossy().as_ref()));
            set(&mut status, "checkoutRef", checkout.as_deref().map(Tree::text));
            set(&mut status, "staleReason", stale.as_deref().map(Tree::text));
        }
        Sought::Extension(_) => {}
    }
    status
}

fn extension_status(extension: &RepoState) -> Map {
    match &extension.found {
        Sought::Missing(error) => map([("error", Tree::text(error.as_str()))]),
        Sought::Extension(path) => map([("path", Tree::text(path.to_string_lossy().as_ref()))]),
        Sought::Nothing | Sought::Repo { .. } => Map::new(),
    }
}

/// Every extension that was found runs its Tiltfile, as an object of the same name.
fn tiltfiles(state: &mut State) {
    let objects: Vec<Arc<Stored>> = state.table.list(&EXTENSION).cloned().collect();
    let runs = |extension: &Stored| extension.annotation(MANAGED_BY) != Some(LOADER);
    for extension in objects.iter().filter(|extension| runs(extension)) {
        let found = state.extensions.get(&*extension.name).map(|known| known.found.clone());
        if let Some(Sought::Extension(path)) = found {
            run(state, extension, &path);
        }
    }
    let is_running = |name: &str| {
        objects
            .iter()
            .any(|extension| *extension.name == *name && runs(extension))
    };
    let orphans: Vec<Box<str>> = state
        .table
        .list(&TILTFILE)
        .filter(|tiltfile| tiltfile.meta.owners.iter().any(|owner| &*owner.kind == EXTENSION.name))
        .map(|tiltfile| tiltfile.name.clone())
        .filter(|name| !is_running(name))
        .collect();
    for orphan in orphans {
        state.table.remove(&TILTFILE, &orphan);
    }
}

fn run(state: &mut State, extension: &Stored, path: &Path) {
    let name = &*extension.name;
    let tag = label_of(name);
    let mut spec = map([("path", Tree::text(path.to_string_lossy().as_ref()))]);
    let mut labels = Map::new();
    labels.push(tag.as_str(), Tree::text(tag.as_str()));
    spec.push("labels", Tree::Map(labels));
    spec.push(
        "restartOn",
        Tree::Map(map([("fileWatches", texts([format!("configs:{name}")]))])),
    );
    let args = texts_of(&extension.spec, "args");
    if !args.is_empty() {
        spec.push("args", texts(args));
    }
    let wanted = owned_by(object(&TILTFILE, name, spec, []), Some(Owner::controller(extension)));
    match state.table.get(&TILTFILE, name) {
        Some(known) if known.is_owned_by(&EXTENSION, name) => {
            let mut next = known.as_ref().clone();
            next.spec = wanted.spec;
            state.table.put(next, state.now);
        }
        Some(_) => {
            let text = format!("a Tiltfile object {name:?} that is not the extension's exists already");
            show(state, &EXTENSION, name, map([("error", Tree::text(text))]));
        }
        None => {
            state.table.put(wanted, state.now);
        }
    }
}

fn label_of(name: &str) -> String {
    let text = format!("extension.{name}");
    match label::check_label(&text) {
        Ok(()) => text,
        Err(_) => crate::model::digest::label_value(&text),
    }
}
