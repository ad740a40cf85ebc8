//! Pure. From a recipe to what a builder is told: the Dockerfile with its bases named, options, arguments, secrets.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use crate::build::{Order, Reuse};
use crate::model::build::DockerRecipe;
use crate::model::dockerfile::{self, ImageUse};
use crate::model::image::Reference;

#[cfg(test)]
mod tests;

/// Every image that we build has this label; the pruner looks for it.
pub const LABEL: &str = "dev.tilt.gc";
pub const LABEL_VALUE: &str = "true";

/// What a builder is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub dockerfile: String,
    /// Values of build arguments. Those that were to be taken from the environment and are not there are not here.
    pub args: BTreeMap<String, String>,
    pub target: String,
    pub platform: String,
    /// The one that the recipe asks for, if it does.
    pub stated_platform: String,
    pub network: String,
    /// `host` and address.
    pub extra_hosts: Vec<(String, String)>,
    pub secrets: BTreeMap<String, SecretPlace>,
    pub ssh: Vec<String>,
    pub cache_from: Vec<String>,
    pub pull: Pull,
    pub reuse: Reuse,
    /// The images of the project that it stands on: as the Dockerfile names them, and their ids.
    pub own_bases: Vec<(String, String)>,
    /// Other images that the Dockerfile names.
    pub other_bases: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pull {
    /// Bases are asked for where the engine does not have them.
    #[default]
    IfMissing,
    /// Bases are asked for at each build.
    Always,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    File(PathBuf),
    Variable(String),
}

/// What a recipe says that no builder can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("secret `{text}`: {reason}")]
    Secret { text: String, reason: &'static str },
    #[error("network `{0}` is not one that a build can have: `host`, `none` or `default`")]
    Network(String),
    #[error("extra host `{0}` is not of the form `host:address`")]
    ExtraHost(String),
}

/// Works out what the builder is told. `env` is what arguments and secrets may be taken from.
pub fn plan(order: &Order, recipe: &DockerRecipe, env: &BTreeMap<String, String>) -> Result<Plan, PlanError> {
    let args = args(recipe, env);
    let listed: Vec<(String, String)> = args.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let uses = dockerfile::base_images(&recipe.dockerfile, &listed);
    let (own, other): (Vec<&ImageUse>, Vec<&ImageUse>) = uses.iter().partition(|used| own_base(order, used).is_some());
    let named = dockerfile::with_images(&recipe.dockerfile, &uses, |used| {
        own_base(order, used).map(|(local, _)| local.to_owned())
    });
    let own_bases = own
        .iter()
        .filter_map(|used| Some((used.text.clone(), own_base(order, used)?.1.to_owned())));
    let mut plan = Plan {
        dockerfile: named.unwrap_or_else(|| recipe.dockerfile.clone()),
        own_bases: own_bases.collect(),
        other_bases: other.iter().map(|used| used.text.clone()).collect(),
        args,
        target: recipe.target.clone(),
        platform: match recipe.platform.is_empty() {
            true => order.platform.clone(),
            false => recipe.platform.clone(),
        },
        stated_platform: recipe.platform.clone(),
        network: network(&recipe.network)?,
        extra_hosts: recipe
            .extra_hosts
            .iter()
            .map(|text| extra_host(text))
            .collect::<Result<_, _>>()?,
        secrets: recipe
            .secrets
            .iter()
            .map(|text| secret(text, env))
            .collect::<Result<_, _>>()?,
        ssh: recipe.ssh.clone(),
        cache_from: recipe.cache_from.clone(),
        pull: if recipe.pull { Pull::Always } else { Pull::IfMissing },
        reuse: order.reuse,
    };
    plan.other_bases.sort();
    plan.other_bases.dedup();
    plan.own_bases.sort();
    plan.own_bases.dedup();
    Ok(plan)
}

impl Plan {
    /// The options of BuildKit's Dockerfile frontend.
    pub fn frontend(&self) -> HashMap<String, String> {
        let mut options: HashMap<String, String> = HashMap::new();
        let mut put = |name: &str, value: &str| options.insert(name.to_owned(), value.to_owned());
        put("filename", "Dockerfile");
        put(&format!("label:{LABEL}"), LABEL_VALUE);
        for (name, value) in &self.args {
            put(&format!("build-arg:{name}"), value);
        }
        for (name, value) in [("target", &self.target), ("platform", &self.platform)] {
            if !value.is_empty() {
                put(name, value);
            }
        }
        if !self.network.is_empty() {
            put("force-network-mode", &self.network);
        }
        if self.pull == Pull::Always {
            put("image-resolve-mode", "pull");
        }
        if self.reuse == Reuse::Nothing {
            put("no-cache", "");
        }
        let hosts: Vec<String> = self
            .extra_hosts
            .iter()
            .map(|(host, address)| format!("{host}={address}"))
            .collect();
        if !hosts.is_empty() {
            put("add-hosts", &hosts.join(","));
        }
        options
    }

    /// Rights that the builder gives only if asked.
    pub fn entitlements(&self) -> Vec<String> {
        match self.network.as_str() {
            "host" => vec!["network.host".to_owned()],
            _ => Vec::new(),
        }
    }

    pub fn wants_inline_cache(&self) -> bool {
        let asked = self.args.get("BUILDKIT_INLINE_CACHE").map(String::as_str);
        matches!(asked, Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
    }
}

/// The local name and the id of the project's image that is meant.
fn own_base<'a>(order: &'a Order, used: &ImageUse) -> Option<(&'a str, &'a str)> {
    let reference = Reference::parse(&used.text).ok()?;
    let mut bases = order.bases.values();
    let (_, built) = bases.find(|(target, _)| target.selector.matches(&reference))?;
    Some((&built.local, built.id.as_deref().unwrap_or(&built.local)))
}

fn args(recipe: &DockerRecipe, env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let value = |text: &String| match text.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => Some((text.clone(), env.get(text)?.clone())),
    };
    recipe.args.iter().filter_map(value).collect()
}

fn network(text: &str) -> Result<String, PlanError> {
    match text {
        "" | "default" => Ok(String::new()),
        "host" | "none" => Ok(text.to_owned()),
        other => Err(PlanError::Network(other.to_owned())),
    }
}

fn extra_host(text: &str) -> Result<(String, String), PlanError> {
    let halves = text.split_once('=').or_else(|| text.split_once(':'));
    let halves = halves.filter(|(host, address)| !host.is_empty() && !address.is_empty());
    let (host, address) = halves.ok_or_else(|| PlanError::ExtraHost(text.to_owned()))?;
    Ok((host.to_owned(), address.trim_matches(['[', ']']).to_owned()))
}

/// `id=NAME[,src=FILE][,env=VARIABLE][,type=file|env]`, as `docker build --secret` takes it.
fn secret(text: &str, env: &BTreeMap<String, String>) -> Result<(String, SecretPlace), PlanError> {
    let wrong = |reason| PlanError::Secret {
        text: text.to_owned(),
        reason,
    };
    let (mut id, mut file, mut variable, mut kind) = ("", "", "", "");
    for field in text.split(',') {
        let (name, value) = field.split_once('=').ok_or_else(|| wrong("a part of it has no `=`"))?;
        match name.trim().to_lowercase().as_str() {
            "id" => id = value,
            "src" | "source" => file = value,
            "env" => variable = value,
            "type" => kind = value,
            _ => return Err(wrong("only `id`, `src`, `env` and `type` are known")),
        }
    }
    if id.is_empty() {
        return Err(wrong("it has no `id`"));
    }
    let place = match kind {
        "env" if variable.is_empty() => SecretPlace::Variable(if file.is_empty() { id } else { file }.to_owned()),
        "" | "file" | "env" if !variable.is_empty() => SecretPlace::Variable(variable.to_owned()),
        "" if file.is_empty() && env.contains_key(id) => SecretPlace::Variable(id.to_owned()),
        "" | "file" => SecretPlace::File(PathBuf::from(if file.is_empty() { id } else { file })),
        _ => return Err(wrong("its `type` is neither `file` nor `env`")),
    };
    Ok((id.to_owned(), place))
}
