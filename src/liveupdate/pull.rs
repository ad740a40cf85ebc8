//! What comes back from containers: files that a live update names, where nobody changed them here meanwhile.

mod arrivals;
mod course;
mod ledger;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::liveupdate::apply::Tell;
use crate::liveupdate::pull::arrivals::missing;
use crate::liveupdate::pull::course::{Course, Hash, Origin, Seen, at_first, course, hash, of, seen, unreadable};
use crate::model::live::LiveUpdate;
use crate::model::path;
use crate::model::time::Time;
use crate::world::agent::{Agent, ApplyError, Kind, Listed};
use crate::world::files::FileError;
use crate::world::{beneath, files};

pub use arrivals::Arrivals;
use ledger::{Done, is_below};
pub use ledger::{Ledger, Open};

/// Nobody keeps larger lock files.
const LARGEST: u64 = 64 << 20;

/// One place in the container, and which of its files come back to which folder here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    pub folder: PathBuf,
    /// The place in the container.
    pub root: String,
    /// Below both.
    pub patterns: Vec<String>,
}

/// Where what a live update pulls is in the container: each pattern below the first sync that has it.
pub fn places(rules: &LiveUpdate) -> Vec<Pulled> {
    let mut places: Vec<Pulled> = Vec::new();
    for pattern in &rules.pulls {
        let Some((folder, root, pattern)) = place(rules, pattern) else {
            continue;
        };
        match places
            .iter_mut()
            .find(|known| known.folder == folder && known.root == root)
        {
            Some(known) => known.patterns.push(pattern),
            None => places.push(Pulled {
                folder,
                root,
                patterns: vec![pattern],
            }),
        }
    }
    places
}

fn place(rules: &LiveUpdate, pattern: &str) -> Option<(PathBuf, String, String)> {
    let wanted = path::join(&rules.base, pattern);
    rules.syncs.iter().find_map(|sync| {
        let local = path::join(&rules.base, &sync.local);
        let below = wanted.strip_prefix(&local).ok()?;
        let root = sync.container.trim_end_matches('/');
        if !below.as_os_str().is_empty() {
            return Some((local, or_all(root), below.to_str()?.to_owned()));
        }
        // A sync of one file: both have the same name, or there is no telling which is meant.
        let name = local.file_name()?.to_str()?.to_owned();
        let folder = local.parent()?.to_owned();
        match root.rsplit_once('/') {
            _ if sync.container.ends_with('/') => Some((folder, or_all(root), name)),
            Some((parent, last)) if last == name => Some((folder, or_all(parent), name)),
            _ => None,
        }
    })
}

fn or_all(path: &str) -> String {
    if path.is_empty() {
        "/".to_owned()
    } else {
        path.to_owned()
    }
}

/// What is pulled of one place of one container.
pub struct Pulling {
    of: Pulled,
    /// When the container began, if that is known.
    since: Option<Time>,
    /// What we bring there is no news from there.
    ledger: Arc<Ledger>,
    /// Nothing before it was looked at.
    seen: Option<BTreeMap<Vec<u8>, Seen>>,
}

/// Whom pulling is told to, and who has to know what came.
pub struct Told<'a> {
    /// What people call it.
    pub container: &'a str,
    pub id: &'a str,
    pub tell: &'a dyn Tell,
    pub arrivals: &'a Arc<Arrivals>,
}

impl Pulling {
    /// `since` is when the container began.
    pub fn new(of: Pulled, since: Option<Time>, ledger: Arc<Ledger>) -> Pulling {
        Pulling {
            of,
            since,
            ledger,
            seen: None,
        }
    }

    pub fn of(&self) -> &Pulled {
        &self.of
    }

    /// Something may have changed there: what is new comes here.
    pub async fn pull(&mut self, agent: &Agent, told: &Told<'_>) -> Result<(), ApplyError> {
        let (listed, done) = self.look(agent).await?;
        let is_first = self.seen.is_none();
        let mut known = self.seen.take().unwrap_or_default();
        for (path, done) in done {
            match done {
                Done::Maybe { brought, before } => {
                    let is_there = |listed: &&Listed| listed.path == path && listed.hash == brought;
                    let both = listed.iter().find(is_there).map(|_| brought).or(before);
                    if let Some(both) = both {
                        known.insert(path, Seen::of_both(both));
                    }
                }
                Done::Brought(content) => drop(known.insert(path, Seen::of_both(content))),
                Done::Unsure => drop(known.insert(path, Seen::unsure())),
                // Neither side has it; whatever is there is new.
                Done::Deleted => known.retain(|below, _| !is_below(below, &path)),
            }
        }
        let mut pulled = Ok(());
        for listed in listed {
            match self.one(agent, &listed, (&mut known, is_first), told).await {
                Ok(()) => {}
                // One file that went away, or is not for us, is no reason to leave the others.
                Err(error) if !error.is_over() => told.failed(&self.local(&listed.path), &error),
                Err(error) => {
                    pulled = Err(error);
                    break;
                }
            }
        }
        // Half a first look would take what the image has for news.
        self.seen = Some(known).filter(|_| pulled.is_ok() || !is_first);
        pulled
    }

    /// What is there, and what we did there before: at a time when nothing of it can be taken back.
    async fn look(&self, agent: &Agent) -> Result<(Vec<Listed>, Vec<(Vec<u8>, Done)>), ApplyError> {
        loop {
            let last = self.ledger.quiet().await;
            let listed = self.list(agent).await?;
            if let Some(done) = self.ledger.take(last) {
                return Ok((listed, done));
            }
        }
    }

    async fn one(
        &self,
        agent: &Agent,
        listed: &Listed,
        (known, is_first): (&mut BTreeMap<Vec<u8>, Seen>, bool),
        told: &Told<'_>,
    ) -> Result<(), ApplyError> {
        let there = listed.hash;
        let here = self.here(&listed.path).await;
        let before = known.get(&listed.path).copied();
        let (course, mut next) = match &here {
            Ok(here) if is_first && before.is_none() => at_first(there, *here, Origin::of(listed.changed, self.since)),
            Ok(here) => (course(before, there, *here), seen(before, there, *here)),
            Err(_) => unreadable(before, there, is_first && before.is_none()),
        };
        match course {
            Course::Leave => {}
            Course::Fetch => {
                if let Some(came) = self.fetch(agent, &listed.path, here.ok().flatten(), told).await? {
                    // It may be something else than what was listed.
                    next = Seen::of_both(came);
                }
            }
            Course::Refuse => told.refused(&self.local(&listed.path), here.err()),
        }
        known.insert(listed.path.clone(), next);
        Ok(())
    }

    async fn list(&self, agent: &Agent) -> Result<Vec<Listed>, ApplyError> {
        let mut listed = agent.list(&self.of.root, &self.of.patterns).await?;
        listed.retain(|listed| listed.kind == Kind::File && listed.size <= LARGEST);
        Ok(listed)
    }

    fn local(&self, below: &[u8]) -> PathBuf {
        self.of.folder.join(OsStr::from_bytes(below))
    }

    async fn here(&self, below: &[u8]) -> Result<Option<Hash>, FileError> {
        let local = self.local(below);
        let hash = move || hash(&local);
        tokio::task::spawn_blocking(hash).await.expect("reading does not panic")
    }

    /// Nothing where it cannot be here, which is told.
    async fn fetch(
        &self,
        agent: &Agent,
        below: &[u8],
        here: Option<Hash>,
        told: &Told<'_>,
    ) -> Result<Option<Hash>, ApplyError> {
        let mut content = Vec::new();
        let fetched = agent
            .read(&self.of.root, below, LARGEST, &mut |piece| {
                content.extend_from_slice(piece);
                Ok(())
            })
            .await?;
        let came = of(&content);
        if here == Some(came) {
            // It was on its way to become what it had been.
            return Ok(here);
        }
        let local = self.local(below);
        let shown = local.display().to_string();
        let (folder, name) = (self.of.folder.clone(), below.to_vec());
        let (arrivals, id) = (Arc::clone(told.arrivals), told.id.to_owned());
        let turn = arrivals.turn().await;
        let put = move || {
            let missing = missing(&folder, &local);
            let put = put_over((&folder, &name), here, (fetched.mode, &content));
            if matches!(put, Ok(true)) {
                arrivals.came(&id, &local, came, &missing);
            }
            (put, turn)
        };
        // Whoever acts on it does so after it was told; and somebody who does not wait any more has had the turn all the same.
        let (put, _turn) = tokio::task::spawn_blocking(put).await.expect("writing does not panic");
        match put {
            Ok(true) => {}
            Ok(false) => {
                told.refused(&self.local(below), None);
                return Ok(None);
            }
            Err(error) => {
                let reason = files::reason(&error);
                told.tell
                    .error(&format!("Cannot write what was pulled: '{shown}': {reason}"));
                return Ok(None);
            }
        }
        let container = told.container;
        told.tell
            .info(&format!("Pulled 1 file from container {container}: '{shown}'"));
        Ok(Some(came))
    }
}

/// Whether it was put there: what was changed in the last moment stays.
fn put_over((folder, below): (&Path, &[u8]), here: Option<Hash>, (mode, content): (u32, &[u8])) -> io::Result<bool> {
    let local = folder.join(OsStr::from_bytes(below));
    let is_as_before = || hash(&local).is_ok_and(|now| now == here);
    if !is_as_before() {
        return Ok(false);
    }
    let mut is_same = true;
    let put = beneath::put(folder, below, mode, |file| {
        file.write_all(content)?;
        is_same = is_as_before();
        match is_same {
            true => Ok(()),
            false => Err(io::ErrorKind::AlreadyExists.into()),
        }
    });
    match put {
        Err(_) if !is_same => Ok(false),
        put => put.map(|()| true),
    }
}

impl Told<'_> {
    fn failed(&self, local: &Path, error: &ApplyError) {
        let (container, shown) = (self.container, local.display());
        self.tell
            .warn(&format!("Not pulled from container {container}: '{shown}': {error}"));
    }

    fn refused(&self, local: &Path, unreadable: Option<FileError>) {
        // What is here is to go there, also once it is again what came from there.
        self.arrivals.forget(local);
        let (container, shown) = (self.container, local.display());
        self.tell.warn(&match unreadable {
            None => format!(
                "Not pulled from container {container}, since it changed here as well: '{shown}'; what is here stays"
            ),
            Some(error) => format!(
                "Not pulled from container {container}, since what is here cannot be read: '{shown}': {}; it stays as it is",
                error.reason
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live::Sync;

    fn rules(syncs: &[(&str, &str)], pulls: &[&str]) -> LiveUpdate {
        LiveUpdate {
            base: "/p".into(),
            syncs: syncs
                .iter()
                .map(|(local, container)| Sync {
                    local: (*local).to_owned(),
                    container: (*container).to_owned(),
                    ..Sync::default()
                })
                .collect(),
            pulls: pulls.iter().map(|pull| (*pull).to_owned()).collect(),
            ..LiveUpdate::default()
        }
    }

    fn pulled(folder: &str, root: &str, patterns: &[&str]) -> Pulled {
        Pulled {
            folder: folder.into(),
            root: root.to_owned(),
            patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        }
    }

    #[test]
    fn patterns_are_looked_for_where_their_sync_puts_them() {
        let rules = rules(
            &[("web", "/srv/web/"), (".", "/app"), ("one.lock", "/etc/one.lock")],
            &["yarn.lock", "db/migrations/**", "web/*.gen"],
        );
        assert_eq!(
            places(&rules),
            [
                pulled("/p", "/app", &["yarn.lock", "db/migrations/**"]),
                pulled("/p/web", "/srv/web", &["*.gen"]),
            ]
        );
    }

    #[test]
    fn a_file_that_is_synced_alone_comes_back_alone() {
        assert_eq!(
            places(&rules(&[("one.lock", "/etc/one.lock")], &["one.lock"])),
            [pulled("/p", "/etc", &["one.lock"])]
        );
        assert_eq!(
            places(&rules(&[("one.lock", "/etc/")], &["one.lock"])),
            [pulled("/p", "/etc", &["one.lock"])]
        );
    }

    #[test]
    fn what_is_edited_in_the_last_moment_stays() {
        let folder = tempfile::tempdir().unwrap();
        let put = |here: Option<&[u8]>| put_over((folder.path(), b"d/f"), here.map(of), (0o644, b"theirs")).unwrap();
        assert!(put(None));
        std::fs::write(folder.path().join("d/f"), "mine").unwrap();
        for here in [None, Some(&b"old"[..])] {
            assert!(!put(here));
        }
        let file = folder.path().join("d/f");
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
        assert!(put(Some(b"mine")));
        assert_eq!(std::fs::read(&file).unwrap(), b"theirs");
        assert_eq!(std::fs::read_dir(folder.path().join("d")).unwrap().count(), 1);
    }
}
