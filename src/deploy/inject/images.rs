//! Pure. Images brought into one object: wherever it names one, and what comes with it.

use crate::deploy::inject::{InjectError, Injected, shown};
use crate::model::build::{AgentLayer, ImageTarget};
use crate::model::image::Reference;
use crate::model::kube::jsonpath::Place;
use crate::model::kube::{ImageFields, ImageLocator, ImageSearch, ImageSource, Object};
use crate::model::live::supervisor;
use crate::model::tree::{Map, Tree};

/// The cluster's nodes ask a registry only for what they do not have: every build has a name of its own.
const PULL_POLICY: &str = "IfNotPresent";

/// The images of one resource, and which of them were found so far.
pub struct Images<'a> {
    all: Vec<Image<'a>>,
}

struct Image<'a> {
    target: &'a ImageTarget,
    reference: Reference,
    is_used: bool,
}

/// Where one object names an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Container,
    Volume,
    Env,
    Locator,
}

/// A place that a locator led to, and the image for it.
struct Located<'l> {
    place: Place,
    fields: Option<&'l ImageFields>,
    image: usize,
}

impl<'a> Images<'a> {
    pub fn new(given: &[Injected<'a>]) -> Result<Images<'a>, InjectError> {
        let image = |image: &Injected<'a>| {
            let reference = Reference::parse(image.reference).map_err(|source| InjectError::Reference {
                map: image.target.image_map().into(),
                reference: image.reference.into(),
                source,
            })?;
            Ok(Image {
                target: image.target,
                reference,
                is_used: false,
            })
        };
        let all: Result<Vec<Image>, InjectError> = given.iter().map(image).collect();
        Ok(Images { all: all? })
    }

    /// Replaces every image that the object names, and sees to it that the cluster uses them.
    pub fn inject(&mut self, object: &mut Object, locators: &[ImageLocator]) -> Result<(), InjectError> {
        if self.all.is_empty() {
            return Ok(());
        }
        let located = self.locate(object, locators)?;
        let mut found: Vec<(usize, Site)> = Vec::new();
        for container in object.containers_mut() {
            self.fill_env(container, &mut found);
            self.fill_container(container, &mut found);
        }
        self.fill_volumes(object, &mut found);
        for hit in &located {
            self.fill_place(object, hit);
            found.push((hit.image, Site::Locator));
        }
        self.check_overrides(object, &found)?;
        if !found.is_empty() {
            settle(object);
        }
        found.iter().for_each(|(image, _)| self.all[*image].is_used = true);
        Ok(())
    }

    /// Whether each image was found in some object; `objects` are those before any change.
    pub fn check_all_used(
        &self,
        objects: impl FnOnce() -> Vec<Object>,
        locators: &[ImageLocator],
    ) -> Result<(), InjectError> {
        let Some(missing) = self.all.iter().find(|image| !image.is_used) else {
            return Ok(());
        };
        let search = ImageSearch { locators, env: None };
        let mut named: Vec<Box<str>> = Vec::new();
        for image in objects()
            .iter()
            .flat_map(|object| object.images(search).unwrap_or_default())
        {
            if !named.contains(&image.text) {
                named.push(image.text);
            }
        }
        Err(InjectError::Missing {
            image: missing.target.selector.to_string().into(),
            named,
        })
    }

    /// The image that a text names.
    fn named(&self, text: &str) -> Option<usize> {
        let reference = Reference::parse(text).ok()?;
        self.all
            .iter()
            .position(|image| image.target.selector.matches(&reference))
    }

    fn locate<'l>(&self, object: &Object, locators: &'l [ImageLocator]) -> Result<Vec<Located<'l>>, InjectError> {
        let mut located = Vec::new();
        for locator in locators {
            let images = locator.images(object).map_err(|source| InjectError::Locate {
                object: shown(object),
                source,
            })?;
            for image in images {
                if let (ImageSource::Locator { place, .. }, Some(index)) = (image.source, self.named(&image.text)) {
                    located.push(Located {
                        place,
                        fields: locator.fields.as_ref(),
                        image: index,
                    });
                }
            }
        }
        Ok(located)
    }

    fn fill_container(&self, container: &mut Tree, found: &mut Vec<(usize, Site)>) {
        let Some(container) = container.as_map_mut() else {
            return;
        };
        let Some(index) = self.named_by(container.get("image")) else {
            return;
        };
        let Image { target, reference, .. } = &self.all[index];
        container.insert("image", Tree::text(reference.familiar()));
        let supervise = |command: Vec<String>| match target.agent_layer() {
            AgentLayer::Supervisor => supervisor::supervised(&command),
            AgentLayer::None | AgentLayer::IfBare => command,
        };
        if let Some(entrypoint) = &target.entrypoint {
            container.insert("command", list(&supervise(entrypoint.clone())));
            // They were meant for another command.
            container.remove("args");
        } else if let Some(command) = container.get("command").and_then(words) {
            // It takes the place of the image's own, which has the supervisor in front.
            container.insert("command", list(&supervise(command)));
        }
        match target.container_args.as_deref() {
            None => {}
            Some([]) => drop(container.remove("args")),
            Some(args) => container.insert("args", list(args)),
        }
        found.push((index, Site::Container));
    }

    fn fill_env(&self, container: &mut Tree, found: &mut Vec<(usize, Site)>) {
        for variable in list_mut(container, "env") {
            let Some(value) = variable.as_map_mut().and_then(|map| map.get_mut("value")) else {
                continue;
            };
            let index = self.named_by(Some(value));
            if let Some(index) = index.filter(|index| self.all[*index].target.match_in_env_vars) {
                *value = Tree::text(self.all[index].reference.familiar());
                found.push((index, Site::Env));
            }
        }
    }

    fn fill_volumes(&self, object: &mut Object, found: &mut Vec<(usize, Site)>) {
        let Some(spec) = object.pod_spec_mut() else {
            return;
        };
        for volume in list_mut(spec, "volumes") {
            let Some(source) = map_mut(volume, "image") else {
                continue;
            };
            let Some(index) = self.named_by(source.get("reference")) else {
                continue;
            };
            source.insert("reference", Tree::text(self.all[index].reference.familiar()));
            if source.contains("pullPolicy") {
                source.insert("pullPolicy", Tree::text(PULL_POLICY));
            }
            found.push((index, Site::Volume));
        }
    }

    fn fill_place(&self, object: &mut Object, hit: &Located) {
        let reference = &self.all[hit.image].reference;
        let Some(value) = hit.place.get_mut(object.tree_mut()) else {
            return;
        };
        match (hit.fields, value) {
            (None, value) => *value = Tree::text(reference.familiar()),
            (Some(fields), Tree::Map(map)) => {
                let (repo, tag) = repo_and_tag(reference);
                map.insert(fields.repo.clone(), Tree::text(repo));
                map.insert(fields.tag.clone(), Tree::text(tag));
            }
            (Some(_), _) => {}
        }
        // Only where there is one: who knows what else an object of this kind may hold.
        let policy = hit.place.sibling("imagePullPolicy");
        if let Some(policy @ Tree::Text(_)) = policy.and_then(|place| place.get_mut(object.tree_mut())) {
            *policy = Tree::text(PULL_POLICY);
        }
    }

    fn named_by(&self, value: Option<&Tree>) -> Option<usize> {
        self.named(value?.as_text().filter(|text| !text.is_empty())?)
    }

    /// A command can only be replaced where there is a container to do it in.
    fn check_overrides(&self, object: &Object, found: &[(usize, Site)]) -> Result<(), InjectError> {
        for (index, site) in found {
            let target = self.all[*index].target;
            let (what, option) = match (&target.entrypoint, &target.container_args) {
                (Some(_), _) => ("command", "entrypoint"),
                (None, Some(_)) => ("arguments", "container_args"),
                (None, None) => continue,
            };
            if !found.contains(&(*index, Site::Container)) {
                return Err(InjectError::Override {
                    object: shown(object),
                    image: target.selector.to_string().into(),
                    what,
                    option,
                    place: site.shown().into(),
                });
            }
        }
        Ok(())
    }
}

impl Site {
    fn shown(self) -> &'static str {
        match self {
            Site::Container => "a container",
            Site::Volume => "an image volume",
            Site::Env => "an environment variable",
            Site::Locator => "a place that `k8s_kind` or `k8s_image_json_path` tells of",
        }
    }
}

/// What an object needs that got an image of ours, beyond the image.
fn settle(object: &mut Object) {
    for container in object.containers_mut() {
        if let Some(container) = container.as_map_mut() {
            container.insert("imagePullPolicy", Tree::text(PULL_POLICY));
        }
    }
    if object.is_builtin()
        && object.kind() == "StatefulSet"
        && let Some(spec) = map_mut(object.tree_mut(), "spec")
    {
        // One pod after the other, each waiting for the one before it, takes too long while somebody watches; and a broken
        // first one would keep its own repair waiting.
        spec.insert("podManagementPolicy", Tree::text("Parallel"));
    }
}

/// In two fields that somebody will join with a colon. A digest without a tag is cut at its own colon, so that joining
/// them makes the reference again.
fn repo_and_tag(reference: &Reference) -> (String, String) {
    let name = reference.familiar_name();
    match (reference.tag(), reference.digest()) {
        (Some(tag), None) => (name, tag.to_owned()),
        (Some(tag), Some(digest)) => (name, format!("{tag}@{digest}")),
        (None, Some(digest)) => {
            let (algorithm, hex) = digest.split_once(':').unwrap_or((digest, ""));
            (format!("{name}@{algorithm}"), hex.to_owned())
        }
        (None, None) => (name, "latest".to_owned()),
    }
}

/// A command that is not empty; what is none is for the cluster to refuse.
fn words(tree: &Tree) -> Option<Vec<String>> {
    let Tree::List(items) = tree else { return None };
    let words: Option<Vec<String>> = items.iter().map(|item| item.as_text().map(str::to_owned)).collect();
    words.filter(|words| !words.is_empty())
}

fn list(words: &[String]) -> Tree {
    Tree::List(words.iter().map(|word| Tree::text(word.as_str())).collect())
}

fn map_mut<'t>(tree: &'t mut Tree, key: &str) -> Option<&'t mut Map> {
    tree.as_map_mut()?.get_mut(key)?.as_map_mut()
}

fn list_mut<'t>(tree: &'t mut Tree, key: &str) -> &'t mut [Tree] {
    match tree.as_map_mut().and_then(|map| map.get_mut(key)) {
        Some(Tree::List(items)) => items,
        _ => &mut [],
    }
}
