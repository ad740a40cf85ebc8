//! Kubernetes objects, and what the Tiltfile says of them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use crate::model::command::Command;
use crate::model::image::Reference;
use crate::model::kube::{ImageLocator, Key, Object, ObjectMatcher};
use crate::model::link::Link;
use crate::model::live::LiveUpdate;
use crate::model::port::PortForward;
use crate::model::project::{Init, Trigger};
use crate::model::report::Frame;
use crate::model::workload::{DiscoveryStrategy, Locator, ObjectSelector, PodReadiness};

#[derive(Default)]
pub struct Kube {
    /// In order of registration.
    pub objects: Vec<Object>,
    registered: HashMap<Key, Rc<[Frame]>>,
    pub kinds: Vec<Kind>,
    /// One for each call of `k8s_resource()`, in order.
    pub options: Vec<Options>,
    pub custom_deploys: Vec<CustomDeploy>,
    pub naming: Option<Naming>,
}

/// The first registration of an object that came again.
pub struct Duplicate {
    pub name: String,
    pub frames: Rc<[Frame]>,
}

impl Kube {
    /// Adds objects registered by the call in `frames`.
    pub fn register(&mut self, objects: Vec<Object>, frames: Vec<Frame>) {
        let frames: Rc<[Frame]> = frames.into();
        for object in objects {
            self.registered.insert(object.key(), Rc::clone(&frames));
            self.objects.push(object);
        }
    }

    /// The first of these objects that is registered already, or comes twice among them.
    pub fn duplicate(&self, objects: &[Object], frames: &[Frame]) -> Option<Duplicate> {
        let mut new: HashMap<Key, ()> = HashMap::with_capacity(objects.len());
        objects.iter().find_map(|object| {
            let key = object.key();
            let known = self.registered.get(&key).cloned();
            let twice = new.insert(key, ()).is_some();
            let frames = known.or_else(|| twice.then(|| frames.into()))?;
            Some(Duplicate {
                name: shown(object),
                frames,
            })
        })
    }

    /// The entry for a selector, which several calls may add to.
    pub fn kind_mut(&mut self, selector: ObjectSelector, matcher: ObjectMatcher) -> &mut Kind {
        let known = self.kinds.iter().position(|kind| kind.selector == selector);
        let index = known.unwrap_or_else(|| {
            self.kinds.push(Kind {
                selector,
                matcher,
                locators: Vec::new(),
                readiness: None,
            });
            self.kinds.len() - 1
        });
        &mut self.kinds[index]
    }
}

fn shown(object: &Object) -> String {
    match object.given_namespace() {
        Some(namespace) => format!("{} {} (Namespace: {namespace})", object.kind(), object.name()),
        None => format!("{} {}", object.kind(), object.name()),
    }
}

/// Objects that are workloads whatever images they name, and places in them that hold images.
pub struct Kind {
    pub selector: ObjectSelector,
    pub matcher: ObjectMatcher,
    pub locators: Vec<(Locator, ImageLocator)>,
    pub readiness: Option<PodReadiness>,
}

/// What one call of `k8s_resource()` says; several for one resource add up.
#[derive(Clone, Default)]
pub struct Options {
    /// Name of the resource so far; empty where `new_name` makes a group of objects.
    pub workload: String,
    pub new_name: String,
    pub port_forwards: Vec<PortForward>,
    pub extra_selectors: Vec<Vec<(String, String)>>,
    pub trigger: Option<Trigger>,
    pub init: Option<Init>,
    pub deps: Vec<String>,
    pub objects: Vec<String>,
    pub readiness: Option<PodReadiness>,
    pub links: Vec<Link>,
    pub labels: Vec<String>,
    pub discovery: DiscoveryStrategy,
    pub frames: Vec<Frame>,
}

/// A deploy that a command does.
pub struct CustomDeploy {
    pub name: String,
    pub apply: Command,
    pub delete: Command,
    pub deps: Vec<PathBuf>,
    pub live_update: LiveUpdate,
    /// The image that only names what live updates reach.
    pub live_update_image: Option<Reference>,
    pub image_deps: Vec<Reference>,
    /// The file that declares it.
    pub tiltfile: PathBuf,
    pub frames: Vec<Frame>,
}

/// A function of the Tiltfile that names resources, kept by the module in which it was given.
pub struct Naming {
    pub file: PathBuf,
    /// Where it was given.
    pub position: String,
    pub function: String,
}
