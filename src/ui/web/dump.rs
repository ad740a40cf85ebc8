//! Pure. The engine's state as JSON, for people who want to know what it thinks. Log lines and secrets are not in it.

use std::fmt::Debug;
use std::path::Path;

use base64::Engine;

use crate::engine::state::{
    Cause, CmdState, Hold, Name, Record, ResourceState, RuntimeStatus, Serve, State, TiltfileState, Update,
    UpdateStatus, WatchState,
};
use crate::model::object::kinds::KINDS;
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};
use crate::ui::view::standing;

/// A shorter value would blot out what is no secret.
const SHORTEST: usize = 5;

pub fn state(state: &State) -> Tree {
    let dump = tree([
        ("seq", count(state.seq.0)),
        ("now", time(state.now)),
        ("session", session(state)),
        ("tiltfiles", by_name(state.tiltfiles.iter(), tiltfile)),
        (
            "resources",
            by_name(state.resources.iter(), |it| resource(it, state.now)),
        ),
        // Entries are sorted by name when they are printed.
        ("definitionOrder", list(state.resources.keys(), |name| text(name))),
        ("queue", names(&state.queue)),
        ("cmds", by_name(state.cmds.iter(), cmd)),
        ("watches", by_name(state.watches.iter(), watch)),
        ("clicks", by_name(state.clicks.iter(), |click| text(&click.clicked_at))),
        ("repos", by_name(state.repos.iter(), |repo| count(repo.generation))),
        (
            "extensions",
            by_name(state.extensions.iter(), |it| count(it.generation)),
        ),
        ("counters", debug(&state.counters)),
        ("settings", settings(state)),
        ("objectsVersion", count(state.table.version())),
        ("objects", objects(state)),
    ]);
    redacted(dump, &secrets(state))
}

fn session(state: &State) -> Tree {
    let session = &state.session;
    tree([
        ("mode", debug(&session.mode)),
        ("pid", Tree::Int(session.pid)),
        ("started", time(session.started)),
        ("tiltfile", path(&session.tiltfile)),
        ("args", texts(&session.args)),
        ("version", text(&session.build.version)),
        (
            "web",
            session
                .web
                .as_ref()
                .map_or(Tree::Null, |web| text(&format!("{}:{}", web.host, web.port))),
        ),
        ("timeout", maybe_debug(session.timeout.as_ref())),
        (
            "ending",
            maybe_debug(session.ending.as_ref().map(|ending| &ending.reason)),
        ),
        ("outcome", maybe_debug(session.outcome.as_ref())),
        ("fatal", session.fatal.as_deref().map_or(Tree::Null, text)),
    ])
}

fn settings(state: &State) -> Tree {
    let settings = &state.settings;
    let features = settings.features.iter();
    tree([
        ("maxParallelUpdates", count(settings.update.max_parallel_updates.into())),
        (
            "features",
            Tree::Map(
                features
                    .map(|(name, on)| (name.as_str().into(), Tree::Bool(*on)))
                    .collect(),
            ),
        ),
        ("scrubSecrets", debug(&settings.scrub_secrets)),
    ])
}

fn tiltfile(tiltfile: &std::sync::Arc<TiltfileState>) -> Tree {
    let running = tiltfile.running.as_ref();
    tree([
        ("path", path(&tiltfile.path)),
        ("args", texts(&tiltfile.args)),
        (
            "due",
            tiltfile.due.as_ref().map_or(Tree::Null, |(causes, ..)| shown(causes)),
        ),
        (
            "runningSince",
            running.map_or(Tree::Null, |running| time(running.started)),
        ),
        ("history", list(&tiltfile.history, record)),
        ("configFiles", list(&tiltfile.config_files, path)),
        ("warnings", count(tiltfile.warnings as u64)),
        ("error", tiltfile.error().map_or(Tree::Null, text)),
    ])
}

fn resource(resource: &std::sync::Arc<ResourceState>, now: Time) -> Tree {
    tree([
        ("standing", debug(&standing(resource, now).0)),
        ("tiltfile", text(&resource.tiltfile)),
        ("triggerMode", debug(&resource.trigger_mode)),
        ("enabled", Tree::Bool(resource.enabled)),
        ("updateStatus", debug::<UpdateStatus>(&resource.update_status())),
        ("runtimeStatus", debug::<RuntimeStatus>(&resource.runtime_status())),
        ("deps", texts(&resource.declared.deps)),
        ("pendingFiles", list(resource.pending.files.keys(), path)),
        ("pendingSince", resource.pending.since.map_or(Tree::Null, time)),
        ("due", resource.due.as_ref().map_or(Tree::Null, cause)),
        (
            "requested",
            resource.requested.as_ref().map_or(Tree::Null, |it| debug(&it.source)),
        ),
        ("hold", resource.hold.as_ref().map_or(Tree::Null, hold)),
        ("running", resource.running.as_ref().map_or(Tree::Null, update)),
        ("serve", resource.serve.as_ref().map_or(Tree::Null, serve)),
        ("everReady", Tree::Bool(resource.ever_ready)),
        ("lastDeploy", resource.last_deploy.map_or(Tree::Null, time)),
        ("usual", maybe_debug(resource.usual.as_ref())),
        ("history", list(&resource.history, record)),
    ])
}

fn update(update: &Update) -> Tree {
    tree([
        ("id", count(update.id)),
        ("span", text(&update.span)),
        ("started", time(update.started)),
        ("causes", shown(&update.causes)),
        ("files", list(&update.files, path)),
        ("inputsAsOf", count(update.inputs_as_of.0)),
    ])
}

fn serve(serve: &Serve) -> Tree {
    tree([
        ("cmd", text(&serve.cmd)),
        ("phase", debug(&serve.process.phase)),
        ("readiness", debug(&serve.process.readiness)),
    ])
}

fn record(record: &Record) -> Tree {
    tree([
        ("started", time(record.started)),
        ("finished", time(record.finished)),
        ("span", text(&record.span)),
        ("causes", shown(&record.causes)),
        ("error", record.error.as_deref().map_or(Tree::Null, text)),
        ("class", maybe_debug(record.class.as_ref())),
        ("warnings", texts(&record.warnings)),
    ])
}

pub(super) fn hold(hold: &Hold) -> Tree {
    tree([
        ("reason", text(hold.reason())),
        ("on", names(hold.on())),
        ("text", text(&hold.to_string())),
    ])
}

fn cmd(cmd: &std::sync::Arc<CmdState>) -> Tree {
    let process = cmd.process.as_ref();
    tree([
        ("phase", maybe_debug(process.map(|process| &process.phase))),
        ("readiness", maybe_debug(process.map(|process| &process.readiness))),
    ])
}

fn watch(watch: &std::sync::Arc<WatchState>) -> Tree {
    tree([
        ("started", watch.started.map_or(Tree::Null, time)),
        ("batches", count(watch.batches.len() as u64)),
        ("error", watch.error.as_deref().map_or(Tree::Null, text)),
    ])
}

fn objects(state: &State) -> Tree {
    let all = |kind| state.table.list(kind).map(|object| object.to_json_tree()).collect();
    let lists = KINDS.iter().map(|kind| (Box::from(kind.plural), Tree::List(all(kind))));
    Tree::Map(lists.collect())
}

// ---- leaves ---------------------------------------------------------------------------------------------------------

fn tree<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    let entries = entries.map(|(key, value)| (Box::from(key), value));
    Tree::Map(Map::from_entries(entries.into()))
}

fn by_name<'a, V: 'a>(entries: impl Iterator<Item = (&'a Name, &'a V)>, shown: impl Fn(&V) -> Tree) -> Tree {
    let entries = entries.map(|(name, value)| (Box::from(&**name), shown(value)));
    Tree::Map(entries.collect())
}

fn list<'a, V: 'a>(items: impl IntoIterator<Item = &'a V>, shown: impl Fn(&V) -> Tree) -> Tree {
    Tree::List(items.into_iter().map(shown).collect())
}

fn text(value: &str) -> Tree {
    Tree::text(value)
}

fn texts(values: &[String]) -> Tree {
    list(values, |value| text(value))
}

fn names(values: &[Name]) -> Tree {
    list(values, |value| text(value))
}

fn cause(value: &Cause) -> Tree {
    text(&value.to_string())
}

fn shown(causes: &[Cause]) -> Tree {
    list(causes, cause)
}

fn time(value: Time) -> Tree {
    Tree::text(value.to_micros_text())
}

fn path(value: &(impl AsRef<Path> + ?Sized)) -> Tree {
    Tree::text(value.as_ref().display().to_string())
}

fn count(value: u64) -> Tree {
    Tree::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// For words that only we use, and that nobody should rely on.
fn debug<V: Debug>(value: &V) -> Tree {
    Tree::text(format!("{value:?}"))
}

fn maybe_debug<V: Debug>(value: Option<&V>) -> Tree {
    value.map_or(Tree::Null, debug)
}

// ---- secrets --------------------------------------------------------------------------------------------------------

/// What must not be shown, and what stands in its place.
struct Blot {
    value: String,
    label: String,
}

/// Every value of a Secret that some Tiltfile declares, plain and in Base64, the longest first.
fn secrets(state: &State) -> Vec<Blot> {
    let projects = state
        .tiltfiles
        .values()
        .filter_map(|tiltfile| tiltfile.project.as_ref());
    let mut blots = Vec::new();
    for secret in projects.flat_map(|project| &project.secrets) {
        let label = format!("[redacted secret {}:{}]", secret.name, secret.key);
        let encoded = base64::engine::general_purpose::STANDARD.encode(&secret.value);
        let plain = String::from_utf8(secret.value.clone()).ok();
        let values = plain
            .into_iter()
            .chain([encoded])
            .filter(|value| value.len() >= SHORTEST);
        blots.extend(values.map(|value| Blot {
            value,
            label: label.clone(),
        }));
    }
    blots.sort_by_key(|blot| std::cmp::Reverse(blot.value.len()));
    blots
}

fn redacted(tree: Tree, blots: &[Blot]) -> Tree {
    match tree {
        Tree::Text(text) => Tree::Text(covered(text, blots)),
        Tree::List(items) => Tree::List(items.into_iter().map(|item| redacted(item, blots)).collect()),
        Tree::Map(map) => {
            let entries = map.into_entries().into_iter();
            Tree::Map(Map::from_entries(
                entries.map(|(key, value)| (key, redacted(value, blots))).collect(),
            ))
        }
        other => other,
    }
}

fn covered(text: Box<str>, blots: &[Blot]) -> Box<str> {
    let mut text = text;
    for blot in blots.iter().filter(|blot| !blot.value.is_empty()) {
        if text.contains(&blot.value) {
            text = text.replace(&blot.value, &blot.label).into();
        }
    }
    text
}
