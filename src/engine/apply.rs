//! Pure. What is to be deployed, from a resource's definition or from a KubernetesApply that somebody made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::effect::{Force, KubernetesDeploy, Merging};
use crate::engine::spec;
use crate::engine::state::{ApplyState, Name, ResourceState, State};
use crate::engine::{images, workload};
use crate::model::command::{Command, Echo};
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::duration::Duration as Shown;
use crate::model::object::Stored;
use crate::model::settings::ServerSideApply;
use crate::model::tree::{Map, Tree};
use crate::model::workload::{KubernetesTarget, Locator, ObjectSelector, Source};

/// As long as it may take where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);

pub fn of_resource(state: &State, resource: &ResourceState, target: &KubernetesTarget) -> KubernetesDeploy {
    let name: Name = resource.name().into();
    let known = state.applies.get(&name);
    let images = target.image_maps.iter().filter_map(|map| {
        let (name, image) = state.images.get_key_value(map.as_str())?;
        Some((Arc::clone(name), Arc::clone(&image.target)))
    });
    let left = known.map(|known| Arc::clone(&known.left)).unwrap_or_default();
    KubernetesDeploy {
        source: target.source.clone(),
        images: images.collect(),
        built: BTreeMap::new(),
        locators: target.image_locators.clone(),
        timeout: target.timeout,
        merging: merging(state),
        force: match images::is_forced(resource) {
            true => Force::Replace,
            false => Force::No,
        },
        before: known.and_then(|known| before(known)),
        elsewhere: match left.is_empty() {
            true => Arc::default(),
            false => workload::elsewhere(state, &name),
        },
        left,
        apply: name,
    }
}

/// What the latest apply left. As long as there is more than that to be deleted, it is not done again for nothing.
pub fn before(known: &ApplyState) -> Option<Arc<Deployed>> {
    let mut deployed = known.deployed.clone()?;
    let is_of_it = |left: &ObjectRef| deployed.objects.iter().any(|object| object.is_same_object(left));
    if !known.left.iter().all(is_of_it) {
        Arc::make_mut(&mut deployed).hash = String::new();
    }
    Some(deployed)
}

fn merging(state: &State) -> Merging {
    match state.settings.update.server_side_apply {
        ServerSideApply::Always => Merging::Server,
        ServerSideApply::Auto | ServerSideApply::Never => Merging::Here,
    }
}

/// What an object asks for, and what of it decides whether it has to be done again. Nothing as long as an image that it names
/// is not there.
pub fn of_object(state: &State, object: &Stored) -> Option<(KubernetesDeploy, Map)> {
    let spec = &object.spec;
    let maps = spec::texts(spec, "imageMaps");
    let mut images = Vec::new();
    let mut built = BTreeMap::new();
    for map in &maps {
        let (name, image) = state.images.get_key_value(map.as_str())?;
        images.push((Arc::clone(name), Arc::clone(&image.target)));
        built.insert(Arc::clone(name), image.made.as_ref()?.built.clone());
    }
    let mut ran: Map = spec
        .iter()
        .filter(|(field, _)| DECIDING.contains(field))
        .map(|(field, value)| (Box::from(field), value.clone()))
        .collect();
    for (name, built) in &built {
        ran.push(format!("image {name}"), Tree::text(built.cluster.as_str()));
    }
    let deploy = KubernetesDeploy {
        apply: (*object.name).into(),
        source: source(spec),
        images,
        built,
        locators: locators(spec),
        timeout: timeout(spec),
        merging: match spec.get("serverSideApply") {
            Some(Tree::Bool(true)) => Merging::Server,
            _ => Merging::Here,
        },
        force: Force::No,
        before: None,
        left: Arc::default(),
        elsewhere: Arc::default(),
    };
    Some((deploy, ran))
}

const DECIDING: [&str; 6] = ["yaml", "applyCmd", "deleteCmd", "imageMaps", "imageLocators", "cluster"];

fn timeout(spec: &Map) -> Duration {
    let given = Shown::parse(spec::text(spec, "timeout")).ok();
    given
        .and_then(Shown::to_std)
        .filter(|given| !given.is_zero())
        .unwrap_or(TIMEOUT)
}

fn source(spec: &Map) -> Source {
    let command = |field: &str| spec::map(spec, field).map(command).unwrap_or_default();
    match spec.get("applyCmd") {
        Some(Tree::Map(_)) => Source::Custom {
            apply: command("applyCmd"),
            delete: command("deleteCmd"),
            deps: Vec::new(),
        },
        _ => Source::Yaml(spec::text(spec, "yaml").to_owned()),
    }
}

fn command(map: &Map) -> Command {
    Command {
        argv: spec::texts(map, "args"),
        dir: PathBuf::from(spec::text(map, "dir")),
        env: spec::texts(map, "env"),
        echo: Echo::On,
    }
}

fn locators(spec: &Map) -> Vec<Locator> {
    let list = spec.get("imageLocators").and_then(Tree::as_list).unwrap_or_default();
    let maps = list.iter().filter_map(Tree::as_map);
    maps.map(|locator| {
        let empty = Map::new();
        let selector = spec::map(locator, "objectSelector").unwrap_or(&empty);
        let object = spec::map(locator, "object");
        Locator {
            selector: ObjectSelector {
                api_version: spec::text(selector, "apiVersionRegexp").to_owned(),
                kind: spec::text(selector, "kindRegexp").to_owned(),
                name: spec::text(selector, "nameRegexp").to_owned(),
                namespace: spec::text(selector, "namespaceRegexp").to_owned(),
            },
            path: spec::text(locator, "path").to_owned(),
            object: object.map(|object| {
                let field = |name: &str| spec::text(object, name).to_owned();
                (field("repoField"), field("tagField"))
            }),
        }
    })
    .collect()
}
