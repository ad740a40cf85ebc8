//! Pure. The syncs that follow from what a Dockerfile copies from its context.
//!
//! A file may be synced if the image has it exactly as the context does: nothing ran after it was copied, and there is one place
//! only where it goes. All else is left out, with the reason; a change of it builds the image anew.

use std::path::Path;

use crate::model::dockerfile::{Copying, Step, StepKind, Traced, trace};
use crate::model::live::{ModeRule, Ownership, Sync};
use crate::model::path;

#[cfg(test)]
mod tests;

/// What a path of the context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Absent,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// Local paths are relative to the context.
    pub syncs: Vec<Sync>,
    /// What is in a synced folder but may not be synced.
    pub stops: Vec<String>,
    pub left_out: Vec<LeftOut>,
}

/// A line of the Dockerfile that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub line: usize,
    pub reason: String,
}

/// What `target`, or the last stage, has of the context.
pub fn derive(text: &str, build_args: &[(String, String)], target: &str, kind: &dyn Fn(&str) -> Kind) -> Derived {
    let stages = trace(text, build_args);
    let mut tracer = Tracer {
        stages: &stages,
        kind,
        done: Vec::new(),
    };
    for index in 0..stages.len() {
        let traced = tracer.stage(index);
        tracer.done.push(traced);
    }
    let wanted = match target {
        "" => stages.len().checked_sub(1),
        name => tracer.find(name, stages.len()),
    };
    wanted
        .and_then(|index| tracer.done.get(index))
        .map(chosen)
        .unwrap_or_default()
}

/// A path of the context, and where it is in the image.
#[derive(Clone, Debug)]
struct Entry {
    line: usize,
    local: String,
    container: String,
    kind: Kind,
    owner: Ownership,
    mode: ModeRule,
    /// The line of a command that ran after it was copied.
    changed_by: Option<usize>,
}

/// What has become of a stage so far.
#[derive(Clone, Debug, Default)]
struct Files {
    entries: Vec<Entry>,
    /// Locals that go into the image in a way that cannot be followed.
    lost: Vec<String>,
    left_out: Vec<LeftOut>,
    /// Nothing while only the base image knows.
    workdir: Option<String>,
    /// Folders that must be there.
    folders: Vec<String>,
}

struct Tracer<'a> {
    stages: &'a [Traced],
    kind: &'a dyn Fn(&str) -> Kind,
    done: Vec<Files>,
}

impl Tracer<'_> {
    /// A stage before `below` by its name or number.
    fn find(&self, name: &str, below: usize) -> Option<usize> {
        let named = |stage: &Traced| stage.name.eq_ignore_ascii_case(name) && !name.is_empty();
        let found = self.stages[..below].iter().rposition(named);
        found.or_else(|| name.parse().ok().filter(|index| *index < below))
    }

    fn stage(&self, index: usize) -> Files {
        let stage = &self.stages[index];
        let named = |other: &Traced| other.name.eq_ignore_ascii_case(&stage.base) && !stage.base.is_empty();
        let base = self.stages[..index].iter().rposition(named);
        let mut files = base.and_then(|base| self.done.get(base)).cloned().unwrap_or_default();
        if stage.base == "scratch" {
            files.workdir = Some("/".to_owned());
        }
        for step in &stage.steps {
            self.step(index, step, &mut files);
        }
        files
    }

    fn step(&self, index: usize, step: &Step, files: &mut Files) {
        match &step.kind {
            StepKind::Run => {
                for entry in &mut files.entries {
                    entry.changed_by.get_or_insert(step.line);
                }
            }
            StepKind::Workdir(to) => {
                files.workdir = match (&files.workdir, to.starts_with('/')) {
                    (_, true) => Some(joined("/", to)),
                    (Some(from), false) => Some(joined(from, to)),
                    (None, false) => None,
                };
                files.folders.extend(files.workdir.clone());
            }
            StepKind::Copy(copying) => match self.copied(index, copying, files) {
                Ok(entries) => {
                    let folders = entries.iter().filter(|entry| entry.kind == Kind::Folder);
                    files.folders.extend(folders.map(|entry| entry.container.clone()));
                    files.entries.extend(entries.into_iter().map(|entry| Entry {
                        line: step.line,
                        ..entry
                    }));
                }
                Err(reason) => {
                    if copying.from.is_none() && copying.unknown.is_none() {
                        files.lost.extend(copying.sources.iter().map(|source| fixed(source)));
                    }
                    files.left_out.push(LeftOut {
                        line: step.line,
                        reason,
                    });
                }
            },
        }
    }

    fn copied(&self, index: usize, copying: &Copying, files: &Files) -> Result<Vec<Entry>, String> {
        if let Some(variable) = &copying.unknown {
            return Err(format!("`${variable}` has no value that the Dockerfile says"));
        }
        if let Some(flag) = copying.other_flags.first() {
            return Err(format!("`{flag}` cannot be followed"));
        }
        let sources = match &copying.from {
            Some(from) => self.of_stage(index, from, copying)?,
            None => self.of_context(copying)?,
        };
        let many = copying.sources.len() > 1;
        let (owner, mode) = rules(copying);
        let place = |(local, kind, rest): (String, Kind, String)| {
            let to = destination(copying, files, many)?;
            let container = match (kind, rest.as_str()) {
                (Kind::Folder, "") => to.path,
                (_, "") if to.is_folder => joined(&to.path, path::base_name(&local)),
                (_, "") => to.path,
                (_, rest) => joined(&to.path, rest),
            };
            Ok(Entry {
                line: 0,
                local,
                container,
                kind,
                owner,
                mode,
                changed_by: None,
            })
        };
        sources.into_iter().map(place).collect()
    }

    /// The sources with what they are; a place below the destination for none of them.
    fn of_context(&self, copying: &Copying) -> Result<Vec<(String, Kind, String)>, String> {
        let source = |text: &String| {
            check(text, copying.is_add)?;
            let local = relative(text);
            match (self.kind)(&local) {
                Kind::Absent => Err(format!("`{text}` is not in the context")),
                Kind::File if copying.is_add && is_archive(&local) => {
                    Err(format!("`{text}` is an archive, which `ADD` unpacks"))
                }
                kind => Ok((local, kind, String::new())),
            }
        };
        copying.sources.iter().map(source).collect()
    }

    /// What an earlier stage copied from the context, and left as it is.
    fn of_stage(&self, index: usize, from: &str, copying: &Copying) -> Result<Vec<(String, Kind, String)>, String> {
        let stage = self.find(from, index);
        let files = stage.and_then(|stage| self.done.get(stage));
        let files = files.ok_or_else(|| format!("it copies from the image `{from}`"))?;
        let mut found = Vec::new();
        for source in &copying.sources {
            check(source, false)?;
            let wanted = joined("/", source);
            let matching = traced(files, &wanted);
            if matching.is_empty() {
                return Err(format!(
                    "`{source}` is made by the stage `{from}`, not copied from the context"
                ));
            }
            for (entry, local, rest) in matching {
                if let Some(line) = entry.changed_by {
                    return Err(format!("the command in line {line} may make `{source}` of it"));
                }
                let kind = (self.kind)(&local);
                if kind == Kind::Absent {
                    return Err(format!(
                        "`{source}` is made by the stage `{from}`, not copied from the context"
                    ));
                }
                found.push((local, kind, rest));
            }
        }
        Ok(found)
    }
}

/// The entries that are at a path of a stage, or below it: each with its local path and with its place below that path.
fn traced<'f>(files: &'f Files, wanted: &str) -> Vec<(&'f Entry, String, String)> {
    let above = files.entries.iter().rev().find_map(|entry| {
        let rest = path::relative(&entry.container, wanted).ok()?;
        let is_there =
            path::is_within(&entry.container, wanted) && (entry.kind == Kind::Folder || rest == Path::new("."));
        is_there.then(|| (entry, joined_local(&entry.local, &rest), String::new()))
    });
    let below = files
        .entries
        .iter()
        .filter(|entry| path::is_within(wanted, &entry.container) && entry.container != wanted);
    let below = below.filter_map(|entry| {
        let rest = path::relative(wanted, &entry.container).ok()?;
        Some((entry, entry.local.clone(), rest.display().to_string()))
    });
    above.into_iter().chain(below).collect()
}

struct Place {
    path: String,
    is_folder: bool,
}

fn destination(copying: &Copying, files: &Files, many: bool) -> Result<Place, String> {
    let text = copying.destination.as_str();
    let path = match (text.starts_with('/'), &files.workdir) {
        (true, _) => joined("/", text),
        (false, Some(workdir)) => joined(workdir, text),
        (false, None) => {
            return Err(format!(
                "`{text}` is relative to the working directory of the base image, which the Dockerfile does not say"
            ));
        }
    };
    let is_folder = many
        || text.ends_with('/')
        || text == "."
        || text.ends_with("/.")
        || files.folders.iter().any(|folder| path::is_within(&path, folder));
    Ok(Place { path, is_folder })
}

/// Names of users are known in the image only: with those a file stays whose it is.
fn rules(copying: &Copying) -> (Ownership, ModeRule) {
    let owner = copying.owner.as_deref().and_then(|owner| {
        let (uid, gid) = owner.split_once(':').unwrap_or((owner, owner));
        Some(Ownership::Ids {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    });
    let mode = copying.mode.as_deref().map(|mode| match u32::from_str_radix(mode, 8) {
        Ok(mode) => ModeRule::Fixed(mode),
        Err(_) => ModeRule::LikeExisting,
    });
    (owner.unwrap_or_default(), mode.unwrap_or_default())
}

fn check(source: &str, is_add: bool) -> Result<(), String> {
    if source.starts_with("<<") {
        return Err("its content is in the Dockerfile".to_owned());
    }
    if is_add && (source.contains("://") || source.starts_with("git@")) {
        return Err(format!("`{source}` comes from the network"));
    }
    match source.contains(['*', '?', '[']) {
        true => Err(format!("`{source}` is a pattern")),
        false => Ok(()),
    }
}

fn is_archive(file: &str) -> bool {
    let ends = [
        ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst",
    ];
    ends.iter().any(|end| file.ends_with(end))
}

/// What of a source is no pattern: the folder in which all is that it can name.
fn fixed(source: &str) -> String {
    let is_plain = |part: &&str| !part.contains(['*', '?', '[']);
    relative(&source.split('/').take_while(is_plain).collect::<Vec<_>>().join("/"))
}

/// A source as a path of the context, out of which none leads.
fn relative(source: &str) -> String {
    let whole = joined("/", source);
    match whole.trim_start_matches('/') {
        "" => ".".to_owned(),
        local => local.to_owned(),
    }
}

fn joined(base: &str, text: &str) -> String {
    path::clean(format!("{base}/{text}")).display().to_string()
}

fn joined_local(local: &str, rest: &Path) -> String {
    path::clean(Path::new(local).join(rest)).display().to_string()
}

/// Of all that the image has, what may be synced, folders without what is in them already.
fn chosen(files: &Files) -> Derived {
    let mut out = Derived {
        left_out: files.left_out.clone(),
        ..Derived::default()
    };
    let mut lost = files.lost.clone();
    let mut clean: Vec<&Entry> = Vec::new();
    for entry in &files.entries {
        match entry.changed_by {
            Some(line) => {
                lost.push(entry.local.clone());
                let reason = format!("the command in line {line} may need `{}`", entry.local);
                out.left_out.push(LeftOut {
                    line: entry.line,
                    reason,
                });
            }
            None => clean.push(entry),
        }
    }
    for entry in &clean {
        match elsewhere(entry, &clean) {
            Some(other) => {
                lost.push(entry.local.clone());
                let reason = format!("`{}` also goes to `{other}`", entry.local);
                out.left_out.push(LeftOut {
                    line: entry.line,
                    reason,
                });
            }
            None if is_covered(entry, &clean) => {}
            None => out.syncs.push(Sync {
                local: entry.local.clone(),
                container: entry.container.clone(),
                owner: entry.owner,
                mode: entry.mode,
            }),
        }
    }
    let in_a_sync = |lost: &&String| {
        let strictly = |sync: &Sync| sync.local != **lost && is_local_within(&sync.local, lost);
        out.syncs.iter().any(strictly)
    };
    out.stops = lost.iter().filter(in_a_sync).cloned().collect();
    out.stops.sort();
    out.stops.dedup();
    out.syncs.dedup();
    // The first that covers a file counts.
    out.syncs.sort_by_key(|sync| std::cmp::Reverse(depth(&sync.local)));
    out.left_out.sort_by_key(|left| left.line);
    out.left_out.dedup_by_key(|left| left.line);
    out
}

/// The other place to which a copy of a folder above takes the same files.
fn elsewhere(entry: &Entry, all: &[&Entry]) -> Option<String> {
    all.iter().find_map(|other| {
        let place = through(other, entry)?;
        (place != entry.container).then_some(place)
    })
}

/// Whether another entry has it at the same place anyhow; of two that are the same the first counts.
fn is_covered(entry: &Entry, all: &[&Entry]) -> bool {
    let same = all
        .iter()
        .take_while(|other| !std::ptr::eq(**other, entry))
        .any(|other| other.local == entry.local && other.container == entry.container);
    let above = |other: &&Entry| other.local != entry.local && through(other, entry).as_ref() == Some(&entry.container);
    let differs = |other: &&Entry| (other.owner, other.mode) != (entry.owner, entry.mode);
    same || all.iter().any(|other| above(other) && !differs(other))
}

/// Where `other` takes what `entry` names, if it does.
fn through(other: &Entry, entry: &Entry) -> Option<String> {
    if !is_local_within(&other.local, &entry.local) {
        return None;
    }
    let rest = path::relative(&other.local, &entry.local).ok()?;
    Some(joined(&other.container, &rest.display().to_string()))
}

fn depth(local: &str) -> usize {
    local.split('/').filter(|part| *part != ".").count()
}

fn is_local_within(folder: &str, local: &str) -> bool {
    path::is_within(joined("/", folder), joined("/", local))
}
