//! Pure. From a heap of Kubernetes objects to resources: each workload with what belongs to it.
//!
//! A workload is an object of a kind that the Tiltfile calls one, a job, or anything that names an image. Services that select a
//! workload's pods go with it; `k8s_resource()` renames, adds objects and options; what nobody wants is left over.

use std::collections::HashMap;

use crate::model::image::Reference;
use crate::model::kube::jsonpath::JsonPathError;
use crate::model::kube::{ImageLocator, ImageSearch, Object, ObjectMatcher};
use crate::model::project::{Init, Trigger};
use crate::model::quote::quoted;
use crate::model::report::Failure;
use crate::model::tree::Tree;
use crate::tiltfile::declared::kube::Options;

/// What is known beside the objects themselves.
pub struct Knowledge<'k> {
    /// Kinds that are workloads whatever they name.
    pub workload_kinds: Vec<&'k ObjectMatcher>,
    pub locators: &'k [ImageLocator],
    /// Whether an environment variable's value is an image that we build and look for there.
    pub is_env_image: &'k dyn Fn(&str) -> bool,
}

/// A resource on its way.
#[derive(Default)]
pub struct Group {
    pub name: String,
    pub objects: Vec<Object>,
    /// As the objects name them, each once.
    pub images: Vec<Reference>,
    /// The place of its custom deploy, if a command deploys it.
    pub custom: Option<usize>,
    pub is_manual: bool,
    pub options: Options,
}

/// All groups, and objects that belong to none.
#[derive(Default)]
pub struct Groups {
    groups: Vec<Group>,
    /// Places of groups; where several have the same name, of the first.
    by_name: HashMap<String, usize>,
    pub rest: Vec<Object>,
}

/// Coordinates of a workload, for naming it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Id {
    pub name: String,
    pub kind: String,
    pub namespace: String,
    pub group: String,
}

impl Id {
    pub fn of(object: &Object) -> Id {
        Id {
            name: object.name().to_owned(),
            kind: object.kind().to_owned(),
            namespace: object.namespace().to_owned(),
            group: object.group().to_owned(),
        }
    }

    /// `name:kind:namespace:group`, in lower case.
    pub fn shown(&self) -> String {
        format!("{}:{}:{}:{}", self.name, self.kind, self.namespace, self.group).to_lowercase()
    }
}

/// An object with the images it names.
pub struct Named {
    pub object: Object,
    pub images: Vec<Reference>,
}

/// Takes workloads out of the heap, in their order.
pub fn workloads(objects: Vec<Object>, knowledge: &Knowledge) -> Result<(Vec<Named>, Vec<Object>), Failure> {
    let (mut workloads, mut rest) = (Vec::new(), Vec::new());
    for object in objects {
        let images = images(&object, knowledge)?;
        let is_workload = !images.is_empty() || knowledge.workload_kinds.iter().any(|kind| kind.matches(&object));
        match is_workload {
            true => workloads.push(Named { object, images }),
            false => rest.push(object),
        }
    }
    Ok((workloads, rest))
}

/// The images that an object names, as far as they are references.
pub fn images(object: &Object, knowledge: &Knowledge) -> Result<Vec<Reference>, Failure> {
    let search = ImageSearch {
        locators: knowledge.locators,
        env: Some(knowledge.is_env_image),
    };
    let found = object.images(search).map_err(|error| unreadable(object, &error))?;
    let mut images: Vec<Reference> = Vec::new();
    for image in found {
        let reference = Reference::parse(&image.text).map_err(|error| {
            Failure::whole(format!(
                "finding images in {}: parsing {}: {error}",
                object.name(),
                quoted(&image.text)
            ))
        })?;
        if !images.contains(&reference) {
            images.push(reference);
        }
    }
    Ok(images)
}

fn unreadable(object: &Object, error: &JsonPathError) -> Failure {
    Failure::whole(format!("finding images in {}: {error}", object.name()))
}

/// The shortest names that tell workloads apart: `name`, `name:kind`, `name:kind:namespace`, `name:kind:namespace:group`.
pub fn unique_names(ids: &[Id]) -> Vec<String> {
    let forms: Vec<[String; 4]> = ids.iter().map(name_forms).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for form in forms.iter().flatten() {
        *counts.entry(form.as_str()).or_default() += 1;
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut names = Vec::with_capacity(forms.len());
    for form in &forms {
        let unique = form.iter().find(|name| counts.get(name.as_str()) == Some(&1));
        let name = unique.unwrap_or(&form[3]);
        let again = seen.entry(name).or_default();
        *again += 1;
        // The very same object twice: only `allow_duplicates` gets here.
        names.push(if *again == 1 {
            name.clone()
        } else {
            format!("{name}:{}", *again - 1)
        });
    }
    names
}

fn name_forms(id: &Id) -> [String; 4] {
    let group = if id.group.is_empty() { "core" } else { &id.group };
    let name = id.name.clone();
    let with_kind = format!("{name}:{}", id.kind.to_lowercase());
    let with_namespace = format!("{with_kind}:{}", id.namespace);
    let with_group = format!("{with_namespace}:{}", group.to_lowercase());
    [name, with_kind, with_namespace, with_group]
}

impl Groups {
    pub fn all(&self) -> &[Group] {
        &self.groups
    }

    /// Adds a group and gives its place.
    pub fn push(&mut self, group: Group) -> usize {
        let place = self.groups.len();
        self.by_name.entry(group.name.clone()).or_insert(place);
        self.groups.push(group);
        place
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// A group for each workload under its name, with the services that select its pods.
    pub fn add_workloads(
        &mut self,
        workloads: Vec<Named>,
        names: Vec<String>,
        rest: Vec<Object>,
    ) -> Result<(), Failure> {
        let mut services = Services::new(rest);
        for (workload, name) in workloads.into_iter().zip(names) {
            if self
                .find(&name)
                .is_some_and(|place| self.groups[place].custom.is_some())
            {
                let id = Id::of(&workload.object).shown();
                return Err(Failure::whole(format!(
                    "error making resource for workload {id}: k8s_resource named {} already exists",
                    quoted(&name)
                )));
            }
            let attached = services.take_for(&workload.object);
            let mut objects = vec![workload.object];
            objects.extend(attached);
            self.push(Group {
                name,
                objects,
                images: workload.images,
                ..Group::default()
            });
        }
        self.rest = services.left();
        Ok(())
    }

    /// Objects that make pods are resources of their own even if they name no image.
    pub fn add_pod_makers(&mut self) {
        let (makers, rest): (Vec<Object>, Vec<Object>) = std::mem::take(&mut self.rest)
            .into_iter()
            .partition(|object| object.pod_template().is_some());
        let mut services = Services::new(rest);
        for maker in makers {
            let name = maker.name().to_owned();
            let attached = services.take_for(&maker);
            let index = self.find(&name).unwrap_or_else(|| {
                self.push(Group {
                    name,
                    ..Group::default()
                })
            });
            self.groups[index].objects.push(maker);
            self.groups[index].objects.extend(attached);
        }
        self.rest = services.left();
    }

    /// Applies the calls of `k8s_resource()` in their order. `is_taken` knows names of resources that are none of Kubernetes'.
    pub fn apply(&mut self, calls: &[Options], is_taken: &dyn Fn(&str) -> Option<&'static str>) -> Result<(), Failure> {
        let possible: Vec<String> = self.all_objects().map(full_name).collect();
        for call in calls {
            let index = self.target_of(call, is_taken)?;
            add_options(&mut self.groups[index].options, call);
            self.rename(index, call, is_taken)?;
            for fragment in &call.objects {
                let object = self.take_object(fragment, call, &possible)?;
                self.groups[index].objects.push(object);
            }
        }
        Ok(())
    }

    fn all_objects(&self) -> impl Iterator<Item = &Object> {
        self.groups.iter().flat_map(|group| &group.objects).chain(&self.rest)
    }

    /// The group that a call is about; a new one where it has a new name and no workload.
    fn target_of(&mut self, call: &Options, is_taken: &dyn Fn(&str) -> Option<&'static str>) -> Result<usize, Failure> {
        if !call.workload.is_empty() {
            return self.find(&call.workload).ok_or_else(|| self.unknown(call));
        }
        let known = self.find(&call.new_name);
        if let Some(manual) = known.filter(|place| self.groups[*place].is_manual) {
            return Ok(manual);
        }
        self.check_free(&call.new_name, is_taken)
            .map_err(|taken| Failure::about(&call.frames, taken))?;
        Ok(self.push(Group {
            name: call.new_name.clone(),
            is_manual: true,
            ..Group::default()
        }))
    }

    fn unknown(&self, call: &Options) -> Failure {
        let known: Vec<&str> = self.groups.iter().map(|group| group.name.as_str()).collect();
        let nearest = crate::model::suggest::did_you_mean(&call.workload, known.iter().copied());
        let failure = Failure::about(
            &call.frames,
            format!(
                "k8s_resource specified unknown resource {}. known k8s resources: {}",
                quoted(&call.workload),
                known.join(", ")
            ),
        );
        match nearest.trim() {
            "" => failure,
            nearest => failure.hinting(nearest.trim_start_matches('(').trim_end_matches(')')),
        }
    }

    fn check_free(&self, name: &str, is_taken: &dyn Fn(&str) -> Option<&'static str>) -> Result<(), String> {
        if self.find(name).is_some() {
            return Err(format!("k8s_resource named {} already exists", quoted(name)));
        }
        match is_taken(name) {
            Some(function) => Err(format!("{function} named {} already exists", quoted(name))),
            None => Ok(()),
        }
    }

    fn rename(
        &mut self,
        index: usize,
        call: &Options,
        is_taken: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<(), Failure> {
        let new = &call.new_name;
        if call.workload.is_empty() || new.is_empty() || *new == self.groups[index].name {
            return Ok(());
        }
        self.check_free(new, is_taken).map_err(|taken| {
            let old = quoted(&self.groups[index].name);
            Failure::about(
                &call.frames,
                format!("k8s_resource specified to rename {old} to {}: {taken}", quoted(new)),
            )
        })?;
        self.by_name.remove(&self.groups[index].name);
        self.by_name.insert(new.clone(), index);
        self.groups[index].name.clone_from(new);
        Ok(())
    }

    /// Takes the one object that a fragment names from those that are left.
    fn take_object(&mut self, fragment: &str, call: &Options, possible: &[String]) -> Result<Object, Failure> {
        let about = |message: String| Failure::about(&call.frames, message);
        let matcher = ObjectMatcher::fragment(fragment).map_err(|error| {
            about(format!(
                "Error making selector from string {}: {error}",
                quoted(fragment)
            ))
        })?;
        let matching: Vec<String> = self
            .all_objects()
            .filter(|object| matcher.matches(object))
            .map(full_name)
            .collect();
        if matching.is_empty() {
            return Err(about(format!(
                "No object identified by the fragment {} could be found. Possible objects are: {}",
                quoted(fragment),
                quoted_list(possible)
            )));
        }
        if matching.len() > 1 {
            let fragment = quoted(fragment);
            return Err(about(format!(
                "{fragment} is not a unique fragment. Objects that match {fragment} are {}",
                quoted_list(&matching)
            )));
        }
        let index = self.rest.iter().position(|object| matcher.matches(object));
        let index = index.ok_or_else(|| {
            let remaining: Vec<String> = self.rest.iter().map(full_name).collect();
            about(format!(
                "No object identified by the fragment {} could be found in remaining YAML. Valid remaining fragments are: {}",
                quoted(fragment),
                quoted_list(&remaining)
            ))
        })?;
        Ok(self.rest.remove(index))
    }
}

fn full_name(object: &Object) -> String {
    format!("{}:{}:{}", object.name(), object.kind(), object.namespace())
}

fn quoted_list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quoted(name))
        .collect::<Vec<String>>()
        .join(", ")
}

/// What a call says is added to what earlier calls said; single values replace.
fn add_options(all: &mut Options, call: &Options) {
    all.port_forwards.extend(call.port_forwards.iter().cloned());
    all.extra_selectors.extend(call.extra_selectors.iter().cloned());
    all.deps.extend(call.deps.iter().cloned());
    all.links.extend(call.links.iter().cloned());
    all.labels.extend(call.labels.iter().cloned());
    all.trigger = call.trigger.or(all.trigger);
    all.init = call.init.or(all.init);
    all.readiness = call.readiness.or(all.readiness);
    if call.discovery != crate::model::workload::DiscoveryStrategy::Unset {
        all.discovery = call.discovery;
    }
    if all.frames.is_empty() {
        all.frames.clone_from(&call.frames);
    }
}

impl Group {
    pub fn trigger(&self, default: Trigger) -> (Trigger, Init) {
        (
            self.options.trigger.unwrap_or(default),
            self.options.init.unwrap_or_default(),
        )
    }
}

/// Services by what they select, so that each workload looks only at those that could fit.
struct Services {
    objects: Vec<Option<Object>>,
    by_label: HashMap<(String, String), Vec<usize>>,
    /// They ask for nothing, so any pod will do.
    undemanding: Vec<usize>,
}

impl Services {
    fn new(objects: Vec<Object>) -> Services {
        let mut services = Services {
            objects: Vec::with_capacity(objects.len()),
            by_label: HashMap::new(),
            undemanding: Vec::new(),
        };
        for (index, object) in objects
            .iter()
            .enumerate()
            .filter(|(_, object)| object.kind() == "Service")
        {
            let selector = object.tree().at(&["spec", "selector"]).and_then(Tree::as_map);
            let label =
                selector.and_then(|selector| selector.iter().find_map(|(key, value)| Some((key, value.as_text()?))));
            match label {
                Some((key, value)) => services
                    .by_label
                    .entry((key.to_owned(), value.to_owned()))
                    .or_default()
                    .push(index),
                None => services.undemanding.push(index),
            }
        }
        services.objects = objects.into_iter().map(Some).collect();
        services
    }

    /// Takes the services of the workload's namespace that select its pods, in their order.
    fn take_for(&mut self, workload: &Object) -> Vec<Object> {
        let Some(labels) = workload.pod_labels().cloned() else {
            return Vec::new();
        };
        let candidates = labels.iter().filter_map(|(key, value)| {
            let label = (key.to_owned(), value.as_text()?.to_owned());
            self.by_label.get(&label)
        });
        let mut candidates: Vec<usize> = candidates.flatten().chain(&self.undemanding).copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        let fits = |object: &Object| object.namespace() == workload.namespace() && object.selects(Some(&labels));
        let taken = candidates.into_iter().filter_map(|index| {
            let slot = &mut self.objects[index];
            if slot.as_ref().is_some_and(fits) {
                slot.take()
            } else {
                None
            }
        });
        taken.collect()
    }

    fn left(self) -> Vec<Object> {
        self.objects.into_iter().flatten().collect()
    }
}
