//! What the Tiltfile has declared so far, as it was written, a family a file; `convert` makes a project of it at the end.

pub mod compose;
pub mod config;
pub mod images;
pub mod kube;
pub mod locals;

use std::collections::BTreeSet;

use crate::model::object::ObjectSet;
use crate::model::project::Trigger;
use crate::model::settings::Settings;

/// Filled by builtins.
#[derive(Default)]
pub struct Declared {
    pub images: images::Images,
    pub kube: kube::Kube,
    pub compose: compose::Compose,
    pub locals: locals::Locals,
    pub config: config::Config,
    pub settings: Settings,
    pub objects: ObjectSet,
    /// What `trigger_mode()` said, and where it did.
    pub trigger: Option<(Trigger, String)>,
    /// Contexts that `allow_k8s_contexts()` named.
    pub allowed_contexts: BTreeSet<String>,
}

impl Declared {
    /// The function that declared a resource of this name, if one did.
    pub fn owner_of(&self, name: &str) -> Option<&'static str> {
        let custom = self.kube.custom_deploys.iter().any(|deploy| deploy.name == name);
        let local = self.locals.has(name).then_some("local_resource");
        let service = self.compose.has(name).then_some(compose::FUNCTION);
        local.or(custom.then_some("k8s_resource")).or(service)
    }

    /// The trigger mode of a resource that names none itself.
    pub fn default_trigger(&self) -> Trigger {
        self.trigger.as_ref().map(|(mode, _)| *mode).unwrap_or_default()
    }
}

impl Declared {
    /// Notes a deploy by command, with the image that only its live updates know.
    pub fn declare_custom_deploy(&mut self, deploy: kube::CustomDeploy) -> Result<(), images::AlreadyDefined> {
        if let Some(reference) = &deploy.live_update_image {
            let mut image = images::Definition::live_update_only(
                reference.clone(),
                deploy.live_update.clone(),
                deploy.deps.clone(),
            );
            image.watch.tiltfile = Some(deploy.tiltfile.clone());
            self.images.add(image)?;
        }
        self.kube.custom_deploys.push(deploy);
        Ok(())
    }
}
