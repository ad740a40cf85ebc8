//! Pure. Which images, containers and pieces of the cache are old news, and how what was freed is told.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::duration::Duration;
use crate::model::image::Reference;
use crate::model::settings::DockerPrune;

#[cfg(test)]
mod tests;

/// A day of saving leaves this many images of a name behind, however young they are.
const MOST_RECENT: usize = 5;

/// What lost its name may be about to get another one: a build names its image when it is whole.
const NAMELESS_GRACE: Duration = Duration::from_mins(10);

/// What may go, and what may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A negative one makes everything old.
    pub max_age: Duration,
    /// So many of each name stay however old they are.
    pub keep_recent: usize,
    /// More than this of each name do not stay however young they are.
    pub keep_at_most: usize,
}

impl Policy {
    pub fn of(settings: &DockerPrune) -> Policy {
        let keep_recent = usize::try_from(settings.keep_recent).unwrap_or(usize::MAX);
        Policy {
            max_age: settings.max_age,
            keep_recent,
            keep_at_most: keep_recent.max(MOST_RECENT),
        }
    }

    /// The age from which on something is old.
    pub fn limit(&self) -> Duration {
        self.max_age.max(Duration::ZERO)
    }
}

/// An image, or a container, with the label of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    pub id: String,
    /// None for an image that lost its names.
    pub names: Vec<String>,
    /// Seconds since 1970.
    pub created: i64,
    pub bytes: u64,
}

/// What is in use, as whoever uses it names it: by id or by reference.
#[derive(Clone, Debug, Default)]
pub struct Live(BTreeSet<String>);

impl Live {
    pub fn new(names: impl IntoIterator<Item = String>) -> Live {
        Live(names.into_iter().flat_map(|name| [familiar(&name), name]).collect())
    }

    pub fn add(&mut self, name: String) {
        self.0.insert(familiar(&name));
        self.0.insert(name);
    }

    fn has(&self, image: &Candidate) -> bool {
        let names = image.names.iter().map(|name| familiar(name));
        self.0.contains(&image.id) || names.into_iter().any(|name| self.0.contains(&name))
    }
}

/// `docker.io/library/web:1` and `web:1` are one.
fn familiar(name: &str) -> String {
    Reference::parse(name).map_or_else(|_| name.to_owned(), |name| name.familiar())
}

/// The images that go, oldest first: an image goes when none of its names has a use for it any more.
pub fn images(all: &[Candidate], live: &Live, policy: &Policy, now: i64) -> Vec<Candidate> {
    let mut by_age: Vec<&Candidate> = all.iter().collect();
    // Of one second, the order of ids decides, so that it is the same order every time.
    by_age.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut going = Vec::new();
    for image in by_age {
        let age = Duration::from_secs(now.saturating_sub(image.created));
        let is_over = match image.names.is_empty() {
            true => age > policy.limit().min(NAMELESS_GRACE) || policy.max_age < Duration::ZERO,
            false => {
                let ranks = repositories(image).into_iter().map(|name| rank(&mut seen, name));
                // Every name counts it, also when an earlier one keeps it.
                let over: Vec<bool> = ranks.map(|rank| policy.is_over(rank, age)).collect();
                over.into_iter().all(|is_over| is_over)
            }
        };
        if is_over && !live.has(image) {
            going.push(image.clone());
        }
    }
    going.reverse();
    going
}

impl Policy {
    /// Whether the image of this rank, the newest being 0, has had its time.
    fn is_over(&self, rank: usize, age: Duration) -> bool {
        let is_old = self.max_age < Duration::ZERO || age > self.max_age;
        rank >= self.keep_at_most || (is_old && rank >= self.keep_recent)
    }
}

fn rank(seen: &mut BTreeMap<String, usize>, name: String) -> usize {
    let count = seen.entry(name).or_default();
    *count += 1;
    *count - 1
}

/// Its names without their tags, each once. Under a name that all images of a project share, the tag tells the image.
fn repositories(image: &Candidate) -> BTreeSet<String> {
    let names = image.names.iter().map(|name| {
        let (repository, tag) = match Reference::parse(name) {
            Ok(reference) => (
                reference.familiar_name(),
                reference.tag().unwrap_or_default().to_owned(),
            ),
            Err(_) => (name.clone(), String::new()),
        };
        match tag.rsplit_once("-tilt-") {
            Some((image, _)) => format!("{repository}:{image}"),
            None => repository,
        }
    });
    names.collect()
}

/// The containers that go: all that stopped and are old.
pub fn containers(stopped: Vec<Candidate>, policy: &Policy, now: i64) -> Vec<Candidate> {
    let is_old = |created: i64| {
        policy.max_age < Duration::ZERO || Duration::from_secs(now.saturating_sub(created)) > policy.max_age
    };
    stopped.into_iter().filter(|one| is_old(one.created)).collect()
}

/// The pieces of the cache that would go, `(id, bytes, last used)`, as the engine decides it: the oldest first, until
/// only what is to be kept is left.
pub fn caches(mut pieces: Vec<(String, u64, i64)>, limit: Duration, keep_bytes: u64, now: i64) -> Vec<(String, u64)> {
    pieces.sort_by_key(|(_, _, used)| *used);
    let mut left: u64 = pieces.iter().map(|(_, bytes, _)| bytes).sum();
    let mut going = Vec::new();
    for (id, bytes, used) in pieces {
        if left <= keep_bytes || Duration::from_secs(now.saturating_sub(used)) < limit {
            break;
        }
        left -= bytes;
        going.push((id, bytes));
    }
    going
}

/// What was thrown away of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    pub names: Vec<String>,
    pub bytes: u64,
}

impl Freed {
    pub fn add(&mut self, name: String, bytes: u64) {
        self.names.push(name);
        self.bytes += bytes;
    }
}

/// Bytes for people: in thousands, with four digits at most.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = match value {
        value if value >= 100.0 => 1,
        value if value >= 10.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // What is smaller than a unit has no digits behind a point, and zero is one digit.
    let text = if bytes < 1000 {
        bytes.to_string()
    } else {
        text.to_owned()
    };
    format!("{text}{}", UNITS[unit])
}
