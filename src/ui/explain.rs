//! Pure. `tilt explain-build`: why a resource last ran, why it waits, what would start it, and what to do next.

mod wait;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::action::Class;
use crate::engine::fresh;
use crate::engine::state::{Cancelled, Cause, Hold, MAIN, Record, ResourceState, State, TiltfileState};
use crate::model::project::{Target, TriggerMode};
use crate::model::suggest::counted;
use crate::model::time::Time;
use crate::model::workload::Source;
use crate::ui::summary::kind;
use crate::ui::text::{first_line, short};
use crate::ui::view::{Sign, standing};

/// More paths than this are counted rather than named.
const MOST_PATHS: usize = 10;

/// A text for a person; nothing if there is no such resource.
pub fn explain(state: &State, resource: &str) -> Option<String> {
    if let Some(tiltfile) = state.tiltfiles.get(resource) {
        return Some(of_tiltfile(tiltfile, state.now));
    }
    let resource = state.resource(resource)?;
    let mut page = Page::default();
    heading(resource, state.now, &mut page);
    page.section("Last update", last_updates(resource, state.now));
    page.section("Now", present(state, resource));
    page.section("Which edit runs", edits(resource, state.now));
    page.section("Changed since", pending(state, resource));
    page.section("What starts it", starts(resource));
    page.section("Changes its own inputs", echo(resource));
    page.section("Next", next_step(state, resource).into_iter().collect());
    Some(page.0)
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn section(&mut self, title: &str, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        self.line("");
        self.line(title);
        lines.iter().for_each(|line| self.line(&format!("  {line}")));
    }
}

fn heading(resource: &ResourceState, now: Time, page: &mut Page) {
    let name = resource.name();
    let (kind, source) = (kind(resource), &resource.tiltfile);
    page.line(&format!("{name}: a {kind} resource of {source}"));
    let (sign, what) = standing(resource, now);
    page.line(&match sign {
        Sign::Ready => "It is up to date.".to_owned(),
        Sign::Failing => format!("It is failing: {what}"),
        Sign::Busy => format!("It is busy: {what}"),
        Sign::Waiting => "It is waiting.".to_owned(),
        Sign::Off => format!("It rests: {what}"),
    });
}

fn last_updates(resource: &ResourceState, now: Time) -> Vec<String> {
    let mut lines = match resource.last() {
        None => vec!["it never ran in this session".to_owned()],
        Some(last) => ended(last, now),
    };
    if let Some(usual) = resource.usual {
        lines.push(format!("usual  {}, learned from those that went well", short(usual)));
    }
    if resource.was_superseded {
        lines.push(
            "The one after it was given up because files changed again; the next one runs to its end.".to_owned(),
        );
    }
    if let Some(before) = resource.history.get(1) {
        let took = short(before.finished.since(before.started));
        let how = how(before);
        lines.push(format!("prior  {}; took {took}, ended {how}", causes(&before.causes)));
    }
    lines
}

fn ended(record: &Record, now: Time) -> Vec<String> {
    let ago = short(now.since(record.finished));
    let mut lines = vec![
        format!("why    {}", causes(&record.causes)),
        format!("when   {}, ended {ago} ago", record.started.to_seconds_text()),
        format!("took   {}", short(record.finished.since(record.started))),
        format!("ended  {}", how(record)),
    ];
    lines.extend(
        record
            .warnings
            .iter()
            .map(|warning| format!("warned {}", first_line(warning))),
    );
    lines
}

fn how(record: &Record) -> String {
    let whose = match record.class {
        Some(Class::User) | None => "",
        Some(Class::Environment) => " (the surroundings, not your code: trying again may help)",
        Some(Class::Internal) => " (a fault of tilt itself)",
    };
    match &record.error {
        Some(error) => format!("failed{whose}: {}", first_line(error)),
        None => "well".to_owned(),
    }
}

fn causes(causes: &[Cause]) -> String {
    let said = causes.iter().map(|cause| match cause {
        Cause::Enabled => "Enabled Again".to_owned(),
        Cause::Superseded => "Newer Save (the run before was given up for it)".to_owned(),
        Cause::Dependency => "Dependency Updated (an image that it uses was built by another resource)".to_owned(),
        Cause::Retry => "Trying Again (it failed for what lies outside the project)".to_owned(),
        cause => cause.to_string(),
    });
    let said: Vec<String> = said.collect();
    match said.is_empty() {
        true => "nothing is recorded".to_owned(),
        false => said.join("; "),
    }
}

fn present(state: &State, resource: &ResourceState) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(running) = &resource.running {
        let since = short(state.now.since(running.started));
        lines.push(format!("an update has been running for {since}"));
        lines.push(format!("why    {}", causes(&running.causes)));
        lines.extend(running.cancelled.map(|why| stopping(why).to_owned()));
    }
    if let Some(due) = resource.due.as_ref().filter(|_| resource.is_due()) {
        lines.push(format!("an update is due: {}", causes(std::slice::from_ref(due))));
    }
    if let Some(asked) = &resource.requested {
        let ago = short(state.now.since(asked.at));
        lines.push(format!("it was triggered {ago} ago ({})", asked.source.shown()));
    }
    lines.extend(wait::chain(state, resource));
    if resource.is_due() && resource.hold.is_none() {
        lines.push("nothing is in its way: it starts at once".to_owned());
    }
    lines
}

fn stopping(why: Cancelled) -> &'static str {
    match why {
        Cancelled::Stopped => "it is being stopped: somebody pressed its stop button",
        Cancelled::Disabled => "it is being stopped: the resource was disabled",
        Cancelled::Redefined => "it is being stopped: the Tiltfile declares the resource differently now",
        Cancelled::Superseded => "it is being given up: files changed again, and starting over is sooner done",
        Cancelled::Ending => "it is being stopped: tilt is shutting down",
    }
}

fn pending(state: &State, resource: &ResourceState) -> Vec<String> {
    let files = &resource.pending.files;
    let mut lines: Vec<String> = files
        .keys()
        .take(MOST_PATHS)
        .map(|path| match changed_at(state, path).or(resource.pending.since) {
            Some(at) => format!("{}  {} ago", path.display(), short(state.now.since(at))),
            None => path.display().to_string(),
        })
        .collect();
    lines.extend(rest(files.len()));
    lines
}

fn rest(count: usize) -> Option<String> {
    let more = count.checked_sub(MOST_PATHS).filter(|more| *more > 0)?;
    Some(format!("… and {more} more"))
}

/// Which of the saves of this session runs, and how it got, or did not get, into the containers.
fn edits(resource: &ResourceState, now: Time) -> Vec<String> {
    let freshness = &resource.freshness;
    let mut lines = Vec::new();
    if let (Some((_, since)), Some(runs)) = (freshness.runs, fresh::runs(resource)) {
        lines.push(format!("it {runs}, {} ago", short(now.since(since))));
    }
    if let Some(behind) = fresh::behind(resource) {
        let oldest = freshness.waiting.first();
        let since = oldest.map(|edit| format!("; the oldest was saved {} ago", short(now.since(edit.saved))));
        lines.push(format!("it is {behind}{}", since.unwrap_or_default()));
    }
    let in_place = &resource.in_place;
    if let Some(why) = &in_place.built_because {
        lines.push(format!("the last update is a full build: {}", first_line(why)));
    }
    if let Some(why) = &in_place.fallback {
        lines.push(format!("live updates go by tar, which is slower: {}", first_line(why)));
    }
    lines.extend(fresh::ended(resource));
    lines
}

/// When any watch saw it last.
fn changed_at(state: &State, path: &Path) -> Option<Time> {
    let batches = state.watches.values().flat_map(|watch| &watch.batches);
    batches
        .filter(|batch| batch.paths.iter().any(|it| it == path))
        .map(|batch| batch.at)
        .max()
}

fn starts(resource: &ResourceState) -> Vec<String> {
    let mut lines = vec![mode(resource.trigger_mode).to_owned()];
    let watched = watched(resource);
    if watched.is_empty() {
        lines.push("it watches no files".to_owned());
    }
    lines.extend(
        watched
            .iter()
            .take(MOST_PATHS)
            .map(|path| format!("watches {}", path.display())),
    );
    lines.extend(rest(watched.len()));
    if !resource.declared.deps.is_empty() {
        let deps = resource.declared.deps.join(", ");
        lines.push(format!("its first update waits until these have been ready: {deps}"));
    }
    lines
}

fn mode(mode: TriggerMode) -> &'static str {
    match mode {
        TriggerMode::Auto => "by itself: at the start of the session, and when a watched file changes",
        TriggerMode::ManualWithAutoInit => "by itself at the start of the session; after that only a trigger",
        TriggerMode::Manual => "only a trigger",
        TriggerMode::AutoWithManualInit => "a trigger the first time; after that a changed file as well",
    }
}

fn watched(resource: &ResourceState) -> BTreeSet<PathBuf> {
    let declared = &resource.declared;
    let images = declared.images.iter().flat_map(|image| image.watched_paths());
    let mut paths: BTreeSet<PathBuf> = images.map(Path::to_owned).collect();
    match &declared.target {
        Target::Local(local) => paths.extend(local.deps.iter().cloned()),
        Target::Kubernetes(target) => match &target.source {
            Source::Custom { deps, .. } => paths.extend(deps.iter().cloned()),
            Source::Yaml(_) => {}
        },
        Target::Compose(_) => {}
    }
    paths
}

fn echo(resource: &ResourceState) -> Vec<String> {
    let echo = &resource.echo;
    // Once is chance: somebody saved while it ran.
    if echo.times < 2 {
        return Vec::new();
    }
    let times = counted(echo.times as usize, "update");
    let mut lines = vec![format!(
        "the last {times} in a row had no other cause than files that changed while the one before ran:"
    )];
    let latest = resource.last().into_iter().flat_map(|last| &last.causes);
    let latest: Vec<_> = latest
        .filter_map(|cause| match cause {
            Cause::Files(files) => Some(files),
            _ => None,
        })
        .flatten()
        .collect();
    let files: Vec<_> = match echo.files.is_empty() {
        true => latest,
        false => echo.files.iter().collect(),
    };
    let shown = files.iter().take(MOST_PATHS);
    lines.extend(shown.map(|path| path.display().to_string()));
    lines.extend(rest(files.len()));
    lines
}

fn next_step(state: &State, resource: &ResourceState) -> Option<String> {
    let name = resource.name();
    if resource.running.is_some() {
        return Some(format!("watch it with `tilt logs -f {name}`"));
    }
    match &resource.hold {
        Some(Hold::Disabled) => return Some(format!("`tilt enable {name}` starts it")),
        Some(Hold::Manual { .. } | Hold::ManualInit) => return Some(format!("`tilt trigger {name}` starts it")),
        Some(Hold::Loop { .. }) => {
            let text =
                "leave the files that its command writes out of what it watches (`ignore=`, or narrower `deps=`)";
            return Some(format!("{text}; `tilt trigger {name}` runs it once"));
        }
        Some(_) => return wait::root(state, resource).and_then(|root| wait::remedy(state, &root)),
        None => {}
    }
    match standing(resource, state.now).0 {
        Sign::Failing => Some(format!(
            "`tilt logs {name}` shows what it printed; fix it and save, or run it again with `tilt trigger {name}`"
        )),
        _ => None,
    }
}

fn of_tiltfile(tiltfile: &TiltfileState, now: Time) -> String {
    let mut page = Page::default();
    let name = &tiltfile.name;
    page.line(&format!("{name}: the Tiltfile {}", tiltfile.path.display()));
    let last = tiltfile.history.front().map(|last| ended(last, now));
    let never = || vec!["it was never evaluated in this session".to_owned()];
    page.section("Last evaluation", last.unwrap_or_else(never));
    let mut present = Vec::new();
    if let Some(running) = &tiltfile.running {
        let since = short(now.since(running.started));
        present.push(format!(
            "it has been evaluated for {since}: {}",
            causes(&running.causes)
        ));
    }
    if let Some((due, _, since)) = &tiltfile.due {
        let ago = short(now.since(*since));
        present.push(format!("another evaluation has been due for {ago}: {}", causes(due)));
    }
    page.section("Now", present);
    let files = tiltfile.config_files.iter().take(MOST_PATHS);
    let mut starts: Vec<String> = files.map(|path| format!("a change of {}", path.display())).collect();
    starts.extend(rest(tiltfile.config_files.len()));
    starts.push(format!(
        "`tilt trigger \"{name}\"`, and other arguments with `tilt args`"
    ));
    page.section("What starts it", starts);
    let log = || format!("`tilt logs \"{name}\"` shows the whole error; fix the file and save");
    page.section("Next", tiltfile.error().map(|_| log()).into_iter().collect());
    page.0
}

#[cfg(test)]
mod tests;
