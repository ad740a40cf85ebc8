//! Who wants to know about which path. Ignores are shared between watches, and each decides once about a path, so that
//! hundreds of watches of one repository cost little more than one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::WatchSpec;
use crate::model::filter::{self, Filter, Ignore};

#[derive(Debug, Default)]
pub struct Interest {
    watches: BTreeMap<String, Kept>,
    rules: HashMap<Ignore, Arc<Rule>>,
    next_rule: usize,
    /// Watched paths as they were written.
    roots: BTreeMap<PathBuf, Root>,
    /// Where roots lead, and the roots that lead there.
    places: HashMap<PathBuf, BTreeSet<PathBuf>>,
    /// Names on the way to roots, and the roots that depend on them.
    hinges: HashMap<PathBuf, BTreeSet<PathBuf>>,
}

#[derive(Debug)]
struct Kept {
    spec: WatchSpec,
    rules: Vec<Arc<Rule>>,
    is_started: bool,
    failure: Option<String>,
}

#[derive(Debug)]
struct Rule {
    id: usize,
    filter: Filter,
}

#[derive(Debug, Default)]
struct Root {
    place: Option<PathBuf>,
    hinges: Vec<PathBuf>,
    users: BTreeSet<String>,
}

/// What is asked about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    Path,
    /// Whether something below the folder may be wanted.
    Below,
}

/// A watch that began or ended to fail.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    Failed(String, String),
    Recovered(String),
}

impl Interest {
    /// Whether anything changed by it.
    pub fn keep(&mut self, name: String, spec: WatchSpec) -> bool {
        if self.watches.get(&name).is_some_and(|kept| kept.spec == spec) {
            return false;
        }
        self.release(&name);
        for path in &spec.paths {
            let root = self.roots.entry(path.clone()).or_default();
            root.users.insert(name.clone());
        }
        let kept = Kept {
            rules: spec.ignores.iter().map(|ignore| self.rule(ignore)).collect(),
            spec,
            is_started: false,
            failure: None,
        };
        self.watches.insert(name, kept);
        true
    }

    pub fn release(&mut self, name: &str) -> bool {
        let Some(kept) = self.watches.remove(name) else {
            return false;
        };
        for path in &kept.spec.paths {
            if let Some(root) = self.roots.get_mut(path) {
                root.users.remove(name);
            }
        }
        true
    }

    /// Drops what only released watches needed.
    pub fn tidy(&mut self) {
        let unused: Vec<PathBuf> = self
            .roots
            .iter()
            .filter(|(_, root)| root.users.is_empty())
            .map(|it| it.0.clone())
            .collect();
        for path in unused {
            self.unplace(&path);
            self.roots.remove(&path);
        }
        self.rules.retain(|_, rule| Arc::strong_count(rule) > 1);
    }

    fn rule(&mut self, ignore: &Ignore) -> Arc<Rule> {
        let next = &mut self.next_rule;
        let rule = self.rules.entry(ignore.clone()).or_insert_with(|| {
            *next += 1;
            // Malformed ones were refused at the front door.
            let (filter, _faults) = Filter::of_well_formed(std::slice::from_ref(ignore));
            Arc::new(Rule { id: *next, filter })
        });
        Arc::clone(rule)
    }

    /// Tells where a root leads; returns where it led before.
    pub fn place(&mut self, path: &Path, place: PathBuf, hinges: Vec<PathBuf>) -> Option<PathBuf> {
        let before = self.unplace(path);
        let root = self.roots.get_mut(path)?;
        for hinge in &hinges {
            self.hinges.entry(hinge.clone()).or_default().insert(path.to_owned());
        }
        self.places.entry(place.clone()).or_default().insert(path.to_owned());
        root.place = Some(place);
        root.hinges = hinges;
        before
    }

    fn unplace(&mut self, path: &Path) -> Option<PathBuf> {
        let root = self.roots.get_mut(path)?;
        for hinge in std::mem::take(&mut root.hinges) {
            drop_from(&mut self.hinges, &hinge, path);
        }
        let place = root.place.take()?;
        drop_from(&mut self.places, &place, path);
        Some(place)
    }

    pub fn unplaced(&self) -> Vec<PathBuf> {
        let roots = self.roots.iter().filter(|(_, root)| root.place.is_none());
        roots.map(|(path, _)| path.clone()).collect()
    }

    pub fn roots(&self) -> Vec<PathBuf> {
        self.roots.keys().cloned().collect()
    }

    /// Whether the path is above or below something that is watched.
    pub fn is_near(&self, path: &Path) -> bool {
        let mut places = self.places.keys();
        places.any(|place| place.starts_with(path) || path.starts_with(place))
    }

    pub fn roots_on(&self, hinge: &Path) -> impl Iterator<Item = &PathBuf> {
        self.hinges.get(hinge).into_iter().flatten()
    }

    /// Where a root leads: at most one place.
    pub fn places_of(&self, root: &Path) -> Vec<PathBuf> {
        let root = self.roots.get(root);
        root.and_then(|root| root.place.clone()).into_iter().collect()
    }

    pub fn is_place(&self, path: &Path) -> bool {
        self.places.contains_key(path)
    }

    /// Folders whose names decide where roots lead.
    pub fn hinge_folders(&self) -> BTreeSet<PathBuf> {
        let folders = self.hinges.keys().filter_map(|hinge| hinge.parent());
        folders.map(Path::to_owned).collect()
    }

    /// Roots that the path is, or is below of, with the path as they spell it.
    fn views<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a Root, PathBuf)> {
        path.ancestors().flat_map(move |place| {
            let roots = self.places.get(place).into_iter().flatten();
            roots.filter_map(move |root| Some((self.roots.get(root)?, spelled(root, place, path))))
        })
    }

    pub fn wants(&self, path: &Path, question: Question) -> bool {
        self.views(path).any(|(root, path)| {
            let mut verdicts = Verdicts::new(&path, question);
            let mut users = root.users.iter().filter_map(|user| self.watches.get(user));
            !verdicts.is_ephemeral() && users.any(|kept| kept.wants(&mut verdicts))
        })
    }

    /// The watches that want to know about the path, each with the path as it spells it.
    fn wanting(&self, path: &Path) -> Vec<(String, PathBuf)> {
        let mut found = Vec::new();
        for (root, path) in self.views(path) {
            let mut verdicts = Verdicts::new(&path, Question::Path);
            if verdicts.is_ephemeral() {
                continue;
            }
            let wants = |user: &&String| self.watches.get(*user).is_some_and(|kept| kept.wants(&mut verdicts));
            found.extend(root.users.iter().filter(wants).map(|user| (user.clone(), path.clone())));
        }
        found
    }

    pub fn share_out(&self, paths: &BTreeSet<PathBuf>) -> Vec<(String, Vec<PathBuf>)> {
        let mut shares: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
        for (name, path) in paths.iter().flat_map(|path| self.wanting(path)) {
            shares.entry(name).or_default().insert(path);
        }
        shares
            .into_iter()
            .map(|(name, paths)| (name, paths.into_iter().collect()))
            .collect()
    }

    /// Watches that were not there before, once.
    pub fn newly_started(&mut self) -> Vec<String> {
        let new = self.watches.iter_mut().filter(|(_, kept)| !kept.is_started);
        new.map(|(name, kept)| {
            kept.is_started = true;
            name.clone()
        })
        .collect()
    }

    /// What changes for each watch, now that these folders cannot be watched and all others can.
    pub fn turns(&mut self, faults: &BTreeMap<PathBuf, String>) -> Vec<Turn> {
        let mut turns = Vec::new();
        for (name, kept) in &mut self.watches {
            let places = kept
                .spec
                .paths
                .iter()
                .filter_map(|path| self.roots.get(path)?.place.as_ref());
            let places: Vec<&PathBuf> = places.collect();
            let concerns = |folder: &PathBuf| places.iter().any(|it| folder.starts_with(it) || it.starts_with(folder));
            let now = faults
                .iter()
                .find(|(folder, _)| concerns(folder))
                .map(|(_, error)| error.clone());
            match (&kept.failure, &now) {
                (Some(_), None) => turns.push(Turn::Recovered(name.clone())),
                (before, Some(error)) if before.as_ref() != Some(error) => {
                    turns.push(Turn::Failed(name.clone(), error.clone()));
                }
                _ => {}
            }
            kept.failure = now;
        }
        turns
    }
}

impl Kept {
    fn wants(&self, verdicts: &mut Verdicts) -> bool {
        !self.rules.iter().any(|rule| verdicts.of(rule))
    }
}

/// What rules say about one path, each asked once.
struct Verdicts<'a> {
    path: &'a Path,
    question: Question,
    known: HashMap<usize, bool>,
}

impl<'a> Verdicts<'a> {
    fn new(path: &'a Path, question: Question) -> Verdicts<'a> {
        Verdicts {
            path,
            question,
            known: HashMap::new(),
        }
    }

    fn ask(&self, filter: &Filter) -> bool {
        match self.question {
            Question::Path => filter.matches(self.path),
            Question::Below => filter.matches_entire_dir(self.path),
        }
    }

    fn is_ephemeral(&self) -> bool {
        self.ask(filter::ephemeral())
    }

    fn of(&mut self, rule: &Rule) -> bool {
        if let Some(known) = self.known.get(&rule.id) {
            return *known;
        }
        let verdict = self.ask(&rule.filter);
        self.known.insert(rule.id, verdict);
        verdict
    }
}

fn spelled(root: &Path, place: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix(place) {
        Ok(rest) if !rest.as_os_str().is_empty() => root.join(rest),
        _ => root.to_owned(),
    }
}

fn drop_from(index: &mut HashMap<PathBuf, BTreeSet<PathBuf>>, key: &Path, value: &Path) {
    if let Some(values) = index.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}
