//! Pure. What an image is made from, as one key: equal keys, equal image; no two machines need to differ in it.
//!
//! In the key: every file, folder and link of the context with path, permissions and content (no times, owners or inodes), the
//! Dockerfile as it is sent, arguments, target, platform, network, extra hosts, labels, the content of secrets, ids of ssh
//! agents, `pull`, the settings of the builder, and which image each name stands for, also that of a `# syntax=` line.
//!
//! Not in it: where layers may be taken from (`cache_from`), and what commands fetch while they run, be it over
//! `RUN --mount=type=ssh`: the builder's own cache does not ask for that either. `ADD` of something on the network is asked for by
//! the builder each time, so there is no key for it at all.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::model::context::{Entry, Kind};
use crate::model::digest::Hasher;
use crate::model::dockerfile::{self, Hazard, Syntax};
use crate::model::image::Reference;

/// Changes whenever a key comes to stand for something else.
const FORMAT: &str = "tilt inputs 1";

/// All that an image is made from.
#[derive(Clone, Debug, Default)]
pub struct Inputs<'a> {
    /// With hashes.
    pub context: &'a [Entry],
    /// What could not be read in it, if anything.
    pub fault: Option<&'a str>,
    /// As it is sent.
    pub dockerfile: &'a str,
    /// With the values of those that are passed through, see [`arguments`].
    pub args: &'a [(String, String)],
    pub target: &'a str,
    /// Empty for the builder's own.
    pub platform: &'a str,
    /// The builder's own, `linux/amd64`.
    pub native: &'a str,
    pub network: &'a str,
    pub extra_hosts: &'a [String],
    /// Those that are not told by the Dockerfile.
    pub labels: &'a [(String, String)],
    /// Digests of secrets by their ids.
    pub secrets: &'a [(String, String)],
    pub ssh: &'a [String],
    pub pulls: bool,
    /// What else decides how it is built: which builder, its options.
    pub settings: &'a [(String, String)],
    /// What the names of [`needed`] stand for.
    pub images: BTreeMap<Needed, Image>,
}

/// An image that has to be looked up before there is a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needed {
    pub name: String,
    /// An image in the engine that is for another one is not the one that the build would use.
    pub platform: String,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The digest of its manifest where one is known, so that machines agree; else the engine's id of it.
    pub identity: String,
    pub told_by: Source,
    /// Its `ONBUILD` instructions, where they are known.
    pub triggers: Vec<String>,
}

/// Who said what a name stands for, just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The engine has it, and uses it unless it is told to pull.
    Engine,
    Registry,
}

/// Why there is no key that could stand for the image, so that the builder has to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unknowable {
    #[error("line {line} of the Dockerfile adds `{what}`, which may have changed")]
    Download { line: usize, what: String },
    #[error("line {line} of the Dockerfile adds `{what}`, which may be a URL")]
    Variable { line: usize, what: String },
    #[error("line {line} of the Dockerfile: what `{what}` stands for is known to the builder only")]
    Expansion { line: usize, what: String },
    #[error("line {line} of the Dockerfile: what `ONBUILD` uses is known to the builder only")]
    Trigger { line: usize },
    #[error("the image `{name}` runs `ONBUILD {trigger}`")]
    BaseTrigger { name: String, trigger: String },
    #[error("the Dockerfile is in a syntax that only the builder knows")]
    Syntax,
    #[error("which image `{name}` is now is not known")]
    Image { name: String },
    #[error("the registry was not asked which image `{name}` is now, and `pull` demands it")]
    NotPulled { name: String },
    #[error("{0}")]
    Fault(String),
}

impl From<Hazard> for Unknowable {
    fn from(hazard: Hazard) -> Unknowable {
        match hazard {
            Hazard::Download { line, what } => Unknowable::Download { line, what },
            Hazard::Variable { line, what } => Unknowable::Variable { line, what },
            Hazard::Expansion { line, what } => Unknowable::Expansion { line, what },
            Hazard::Trigger { line } => Unknowable::Trigger { line },
        }
    }
}

/// `NAME=value` as it is, `NAME` with its value in the environment; left out if it has none, as `docker build` does.
pub fn arguments(args: &[String], env: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let value = |arg: &String| match arg.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => env.get(arg).map(|value| (arg.clone(), value.clone())),
    };
    // Of equal names the last one counts.
    let last: BTreeMap<_, _> = args.iter().filter_map(value).collect();
    last.into_iter().collect()
}

/// The images that have to be looked up, each once. Those that are named by their digest cannot change.
pub fn needed(inputs: &Inputs<'_>) -> Result<Vec<Needed>, Unknowable> {
    if let Some(hazard) = dockerfile::hazards(inputs.dockerfile).into_iter().next() {
        return Err(hazard.into());
    }
    let native = inputs.native.to_owned();
    let mut all: Vec<Needed> = Vec::new();
    let frontend = inputs.args.iter().find(|(name, _)| name == "BUILDKIT_SYNTAX");
    match frontend.map_or_else(
        || dockerfile::syntax(inputs.dockerfile),
        |(_, it)| Syntax::Image(it.clone()),
    ) {
        Syntax::BuiltIn => {}
        Syntax::Image(name) => all.push(Needed { name, platform: native }),
        Syntax::Strange => return Err(Unknowable::Syntax),
    }
    let builtin = builtin_arguments(inputs);
    for image in dockerfile::base_images_with(inputs.dockerfile, inputs.args, &builtin) {
        let stated = Some(image.platform).filter(|platform| !platform.is_empty());
        all.push(Needed {
            platform: stated.unwrap_or_else(|| inputs.platform().to_owned()),
            name: image.text,
        });
    }
    all.sort();
    all.dedup();
    all.retain(|image| !is_pinned(&image.name));
    Ok(all)
}

fn is_pinned(name: &str) -> bool {
    Reference::parse(name).is_ok_and(|name| name.digest().is_some())
}

/// What `FROM` may use without declaring it.
fn builtin_arguments(inputs: &Inputs<'_>) -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    for (prefix, platform) in [("BUILD", inputs.native), ("TARGET", inputs.platform())] {
        let mut parts = platform.splitn(3, '/');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        all.insert(format!("{prefix}PLATFORM"), platform.to_owned());
        all.insert(format!("{prefix}OS"), part());
        all.insert(format!("{prefix}ARCH"), part());
        all.insert(format!("{prefix}VARIANT"), part());
    }
    all.insert("TARGETSTAGE".to_owned(), inputs.target.to_owned());
    for (name, value) in inputs.args {
        all.entry(name.clone()).and_modify(|known| known.clone_from(value));
    }
    all.into_iter().collect()
}

impl Inputs<'_> {
    fn platform(&self) -> &str {
        if self.platform.is_empty() {
            self.native
        } else {
            self.platform
        }
    }

    /// The key; or why there can be none, and the builder has to be asked.
    pub fn key(&self) -> Result<String, Unknowable> {
        if let Some(fault) = self.fault {
            return Err(Unknowable::Fault(fault.to_owned()));
        }
        let mut key = Key::new();
        for text in [
            FORMAT,
            self.dockerfile,
            self.target,
            self.platform(),
            self.native,
            self.network,
        ] {
            key.text(text);
        }
        key.text(if self.pulls { "pull" } else { "" });
        for pairs in [self.args, self.labels, self.secrets, self.settings] {
            key.pairs(pairs);
        }
        key.texts(self.extra_hosts);
        let mut agents = self.ssh.to_vec();
        agents.sort();
        key.texts(&agents);
        self.add_images(&mut key)?;
        self.add_context(&mut key)?;
        Ok(key.0.finish())
    }

    fn add_images(&self, key: &mut Key) -> Result<(), Unknowable> {
        let needed = needed(self)?;
        key.number(needed.len());
        for wanted in needed {
            let name = wanted.name.clone();
            let Some(image) = self.images.get(&wanted) else {
                return Err(Unknowable::Image { name });
            };
            if self.pulls && image.told_by != Source::Registry {
                return Err(Unknowable::NotPulled { name });
            }
            let is_hazard = |trigger: &&String| dockerfile::triggered_hazard(trigger).is_some();
            if let Some(trigger) = image.triggers.iter().find(is_hazard).cloned() {
                return Err(Unknowable::BaseTrigger { name, trigger });
            }
            for text in [&wanted.name, &wanted.platform, &image.identity] {
                key.text(text);
            }
        }
        Ok(())
    }

    fn add_context(&self, key: &mut Key) -> Result<(), Unknowable> {
        key.number(self.context.len());
        for entry in self.context {
            key.text(&entry.path);
            key.number(entry.mode as usize);
            match (&entry.kind, &entry.hash) {
                (Kind::Folder, _) => key.text("folder"),
                (Kind::Link { target }, _) => {
                    key.text("link");
                    key.text(target);
                }
                (Kind::File { .. }, Some(hash)) => {
                    key.text("file");
                    key.0.update_field(hash);
                }
                (Kind::File { .. }, None) => {
                    return Err(Unknowable::Fault(format!("`{}` was not read", entry.path)));
                }
            }
        }
        Ok(())
    }
}

/// Fields one after another, none of which runs into the next.
struct Key(Hasher);

impl Key {
    fn new() -> Key {
        Key(Hasher::new())
    }

    fn text(&mut self, text: &str) {
        self.0.update_field(text.as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.0.update_field(&(number as u64).to_le_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len());
        texts.iter().for_each(|text| self.text(text));
    }

    /// In whatever order they come.
    fn pairs(&mut self, pairs: &[(String, String)]) {
        let mut pairs: Vec<_> = pairs.iter().collect();
        pairs.sort();
        self.number(pairs.len());
        for (name, value) in pairs {
            self.text(name);
            self.text(value);
        }
    }
}

#[cfg(test)]
mod tests;
