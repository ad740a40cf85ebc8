//! What an image is made from, as one key: everything is looked up here that the key needs to know.
//!
//! An image that the engine has is asked for there. One that only a registry has is taken for what it was when it was used last:
//! asking costs more than most builds. Whoever finds an image by such a key asks the registry then, before believing it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;

use crate::build::BuildError;
use crate::build::docker::DockerBuild;
use crate::build::docker::plan::{LABEL, LABEL_VALUE, Plan, Pull};
use crate::build::inputs::{self, Image, Inputs, Needed, Source, Unknowable};
use crate::build::layer;
use crate::model::digest;
use crate::model::image::Reference;
use crate::world::tree::Tree;

/// Under which images of registries are remembered.
const REGISTRY: &str = "registry";

/// A key, and what it takes for granted.
pub struct Found {
    pub text: String,
    /// Names, and the digests that their registries gave for them when somebody asked last.
    pub assumed: Vec<(Needed, String)>,
    /// What names stood for in the engine at that moment.
    pub seen: Vec<(Needed, String)>,
}

/// What does not change while one image is built.
pub struct Keys<'a> {
    build: &'a DockerBuild<'a>,
    plan: &'a Plan,
    tree: &'a Arc<Tree>,
    native: String,
    args: Vec<(String, String)>,
    hosts: Vec<String>,
    secrets: Vec<(String, String)>,
    settings: Vec<(String, String)>,
}

impl<'a> Keys<'a> {
    pub async fn new(build: &'a DockerBuild<'a>, plan: &'a Plan, tree: &'a Arc<Tree>) -> Result<Keys<'a>, BuildError> {
        let about = build.builder.about().await?;
        let builder = match build.builder.uses_buildkit() {
            true => "buildkit",
            false => "classic",
        };
        Ok(Keys {
            native: format!("{}/{}", about.os, about.arch),
            args: plan
                .args
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            hosts: plan
                .extra_hosts
                .iter()
                .map(|(host, address)| format!("{host}={address}"))
                .collect(),
            secrets: secrets(build, plan)?,
            settings: [("builder".to_owned(), builder.to_owned())]
                .into_iter()
                .chain(layer::setting(build.order))
                .collect(),
            build,
            plan,
            tree,
        })
    }

    /// What names of registries stood for when they were used last.
    pub fn remembered(&self) -> Vec<(String, String)> {
        let known = |name: &String| {
            let record = self.build.builder.known.look(REGISTRY, name, "")?;
            Some((name.clone(), record.id))
        };
        let frontend = match crate::model::dockerfile::syntax(&self.plan.dockerfile) {
            crate::model::dockerfile::Syntax::Image(name) => Some(name),
            _ => None,
        };
        self.plan
            .other_bases
            .iter()
            .chain(&frontend)
            .filter_map(known)
            .collect()
    }

    /// The key, with `told` for the digests of images that the engine does not have.
    pub async fn key(&self, told: Vec<(String, String)>) -> Result<Result<Found, Unknowable>, BuildError> {
        let mut inputs = self.inputs();
        let needed = match inputs::needed(&inputs) {
            Ok(needed) => needed,
            Err(reason) => return Ok(Err(reason)),
        };
        let looked = try_join_all(needed.iter().map(|needed| self.look(needed, &told))).await?;
        let (mut assumed, mut seen) = (Vec::new(), Vec::new());
        for (needed, image) in needed.into_iter().zip(looked) {
            let Some(image) = image else { continue };
            let told = match image.told_by {
                Source::Registry => &mut assumed,
                Source::Engine => &mut seen,
            };
            told.push((needed.clone(), image.identity.clone()));
            inputs.images.insert(needed, image);
        }
        Ok(inputs.key().map(|text| Found { text, assumed, seen }))
    }

    fn inputs(&self) -> Inputs<'_> {
        static LABELS: std::sync::LazyLock<Vec<(String, String)>> =
            std::sync::LazyLock::new(|| vec![(LABEL.to_owned(), LABEL_VALUE.to_owned())]);
        Inputs {
            context: &self.tree.entries,
            fault: self.tree.faults.first().map(|fault| &*fault.path),
            dockerfile: &self.plan.dockerfile,
            args: &self.args,
            target: &self.plan.target,
            platform: &self.plan.platform,
            native: &self.native,
            network: &self.plan.network,
            extra_hosts: &self.hosts,
            labels: &LABELS,
            secrets: &self.secrets,
            ssh: &self.plan.ssh,
            pulls: self.plan.pull == Pull::Always,
            settings: &self.settings,
            images: BTreeMap::new(),
        }
    }

    /// What a name stands for now, as far as that can be told without asking a registry.
    async fn look(&self, needed: &Needed, told: &[(String, String)]) -> Result<Option<Image>, BuildError> {
        let engine = &self.build.builder.engine;
        if self.plan.pull == Pull::IfMissing {
            let found = engine.image(&needed.name).await.map_err(BuildError::Docker)?;
            let fits = |platform: &str| needed.platform.is_empty() || platform == needed.platform;
            if let Some(found) = found.filter(|found| fits(&found.platform)) {
                let digest = found.digests.iter().find_map(|name| name.split_once('@'));
                return Ok(Some(Image {
                    identity: digest.map_or(found.id.clone(), |(_, digest)| digest.to_owned()),
                    told_by: Source::Engine,
                    triggers: found.on_build,
                }));
            }
        }
        let Ok(name) = Reference::parse(&needed.name) else {
            return Ok(None);
        };
        let same = |text: &str| Reference::parse(text).is_ok_and(|told| tagged(&told) == tagged(&name));
        let digest = told.iter().find(|(text, _)| same(text));
        Ok(digest.map(|(_, digest)| Image {
            identity: digest.clone(),
            told_by: Source::Registry,
            // The whole context is part of the key, so triggers that copy from it are.
            triggers: Vec::new(),
        }))
    }

    /// Whether what a key takes for granted still holds.
    pub async fn holds(&self, found: &Found) -> bool {
        let asked = found.assumed.iter().map(|(needed, digest)| async move {
            let Ok(name) = Reference::parse(&needed.name) else {
                return false;
            };
            let Ok(auth) = self.build.builder.auth(&name).await else {
                return false;
            };
            // A registry that does not answer says nothing; the builder may know more.
            let now = self.build.builder.engine.digest_in_registry(&name, &auth).await;
            now.is_ok_and(|now| now == *digest)
        });
        futures_util::future::join_all(asked)
            .await
            .into_iter()
            .all(|holds| holds)
    }
}

impl DockerBuild<'_> {
    /// Writes down what a name of a registry stands for.
    pub fn note_base(&self, name: &str, digest: &str) -> Result<(), crate::world::files::FileError> {
        let record = crate::world::known::Record {
            id: digest.to_owned(),
            ..Default::default()
        };
        self.builder.known.remember(REGISTRY, name, "", &record)
    }
}

fn tagged(name: &Reference) -> (String, String) {
    (name.name(), name.tag().unwrap_or("latest").to_owned())
}

fn secrets(build: &DockerBuild<'_>, plan: &Plan) -> Result<Vec<(String, String)>, BuildError> {
    let digested = build.secrets(plan).into_iter().map(|(id, source)| {
        let content = source.read(&id).map_err(BuildError::Secret)?;
        Ok((id, digest::sha256_hex(&content)))
    });
    digested.collect()
}
