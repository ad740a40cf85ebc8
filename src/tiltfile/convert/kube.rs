//! From Kubernetes objects and what was said of them to resources.

use starlark::eval::Evaluator;
use starlark::values::{OwnedFrozenValue, Value};

use crate::model::build::ImageTarget;
use crate::model::deployed::ObjectRef;
use crate::model::filter::Ignore;
use crate::model::image::Reference;
use crate::model::kube::{self, ImageLocator, Object};
use crate::model::live::LiveUpdate;
use crate::model::project::{Resource, Target, TriggerMode};
use crate::model::quote::quoted;
use crate::model::report::Failure;
use crate::model::secret::Secret;
use crate::model::settings::ScrubSecrets;
use crate::model::workload::{KubernetesTarget, Locator, PodReadiness, Source};
use crate::tiltfile::builtins::k8s_resource::NAMING_FUNCTION;
use crate::tiltfile::convert::grouping::{self, Group, Groups, Id, Knowledge, Named};
use crate::tiltfile::convert::images::Resolver;
use crate::tiltfile::convert::kinds;
use crate::tiltfile::declared::Declared;
use crate::tiltfile::declared::compose;
use crate::tiltfile::declared::kube::{CustomDeploy, Kind, Kube};
use crate::tiltfile::diagnostic;
use crate::tiltfile::run::{ModuleState, Run};
use crate::tiltfile::values::record::Struct;

/// Objects that belong to no workload are one resource, of this name.
pub const UNCATEGORIZED: &str = "uncategorized";

/// Workloads and groups of objects, and what is left over.
pub struct Assembled {
    pub resources: Vec<Resource>,
    pub uncategorized: Option<Resource>,
    /// Objects in it.
    pub unassigned: usize,
}

/// Groups objects; resolves images; makes resources.
pub fn resources(run: &Run, eval: &mut Evaluator, resolver: &Resolver) -> Result<Assembled, Failure> {
    let groups = groups(run, eval)?;
    let mut resources = Vec::with_capacity(groups.all().len());
    for group in groups.all() {
        resources.push(resource(run, resolver, group)?);
    }
    let unassigned = groups.rest.len();
    let uncategorized = (!groups.rest.is_empty()).then(|| left_over(run, groups.rest));
    Ok(Assembled {
        resources,
        uncategorized,
        unassigned,
    })
}

fn groups(run: &Run, eval: &mut Evaluator) -> Result<Groups, Failure> {
    let objects = std::mem::take(&mut run.declared.borrow_mut().kube.objects);
    let (workloads, rest) = {
        let declared = run.declared.borrow();
        let locators = search_locators(&declared.kube);
        let is_env_image = |text: &str| is_env_image(&declared, text);
        let builtin_kinds = kinds::builtin();
        let knowledge = Knowledge {
            workload_kinds: declared
                .kube
                .kinds
                .iter()
                .chain(builtin_kinds)
                .map(|kind| &kind.matcher)
                .collect(),
            locators: &locators,
            is_env_image: &is_env_image,
        };
        grouping::workloads(objects, &knowledge)?
    };
    let names = names(run, eval, &workloads)?;
    let mut groups = Groups::default();
    let declared = run.declared.borrow();
    for (index, deploy) in declared.kube.custom_deploys.iter().enumerate() {
        groups.push(Group {
            name: deploy.name.clone(),
            custom: Some(index),
            ..Group::default()
        });
    }
    check_names(&declared, &workloads, &names)?;
    groups.add_workloads(workloads, names, rest)?;
    groups.add_pod_makers();
    groups.apply(&declared.kube.options, &|name| declared.owner_of(name))?;
    Ok(groups)
}

/// Refuses names that resources of another world have already; those of custom deploys are the groups' own matter.
fn check_names(declared: &Declared, workloads: &[Named], names: &[String]) -> Result<(), Failure> {
    for (workload, name) in workloads.iter().zip(names) {
        let taken = declared.compose.has(name).then_some(compose::FUNCTION);
        if let Some(function) = taken.or(declared.locals.has(name).then_some("local_resource")) {
            let id = Id::of(&workload.object).shown();
            return Err(Failure::whole(format!(
                "error making resource for workload {id}: {function} named {} already exists",
                quoted(name)
            )));
        }
    }
    Ok(())
}

fn search_locators(kube: &Kube) -> Vec<ImageLocator> {
    kube.kinds
        .iter()
        .flat_map(|kind| &kind.locators)
        .map(|(_, search)| search.clone())
        .collect()
}

fn is_env_image(declared: &Declared, text: &str) -> bool {
    let images = declared.images.definitions();
    images.iter().any(|image| image.target.match_in_env_vars)
        && Reference::parse(text).is_ok_and(|reference| {
            images
                .iter()
                .any(|image| image.target.match_in_env_vars && image.target.selector.matches(&reference))
        })
}

fn names(run: &Run, eval: &mut Evaluator, workloads: &[Named]) -> Result<Vec<String>, Failure> {
    let ids: Vec<Id> = workloads.iter().map(|workload| Id::of(&workload.object)).collect();
    let naming = run.declared.borrow_mut().kube.naming.take();
    let Some(naming) = naming else {
        return Ok(grouping::unique_names(&ids));
    };
    let failed = |why: String| {
        Failure::whole(format!(
            "error applying workload_to_resource_function {}: {why}",
            naming.position
        ))
    };
    let kept = kept_function(run, &naming.file);
    let function = match &kept {
        Some(owned) => Some(eval.heap().access_owned_frozen_value(owned)),
        None => eval.module().get(NAMING_FUNCTION),
    };
    let function = function.ok_or_else(|| failed("the function is gone".to_owned()))?;
    let mut names: Vec<String> = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let name = call_naming(eval, function, id, &naming.function, run)
            .map_err(|why| failed(format!("error determining resource name for '{}': {why}", id.shown())))?;
        if let Some(other) = names.iter().position(|known| *known == name) {
            let (this, other) = (ids[index].shown(), ids[other].shown());
            return Err(failed(format!(
                "both '{this}' and '{other}' mapped to resource name '{name}'"
            )));
        }
        names.push(name);
    }
    Ok(names)
}

/// The function as a loaded file kept it; `None` if the start file did.
fn kept_function(run: &Run, file: &std::path::Path) -> Option<OwnedFrozenValue> {
    match run.modules.borrow().get(file) {
        Some(ModuleState::Done(module)) => module.get(NAMING_FUNCTION).ok(),
        _ => None,
    }
}

fn call_naming<'v>(
    eval: &mut Evaluator<'v, '_, '_>,
    function: Value<'v>,
    id: &Id,
    name: &str,
    run: &Run,
) -> Result<String, String> {
    let heap = eval.heap();
    let fields = [
        ("name", &id.name),
        ("kind", &id.kind),
        ("namespace", &id.namespace),
        ("group", &id.group),
    ];
    let fields = fields.map(|(field, text)| (field.to_owned(), heap.alloc(text.as_str())));
    let id = heap.alloc(Struct::new("K8sObjectID", fields.to_vec()));
    let answer = eval
        .eval_function(function, &[id], &[])
        .map_err(|error| diagnostic::failure(&error, run).message)?;
    answer.unpack_str().map(str::to_owned).ok_or_else(|| {
        format!(
            "{name}: invalid return value. wanted: string. got: {}",
            answer.get_type()
        )
    })
}

fn resource(run: &Run, resolver: &Resolver, group: &Group) -> Result<Resource, Failure> {
    let image_places = consume_images(run, group);
    let images = resolver.target_set(&image_places)?;
    let declared = run.declared.borrow();
    let custom = group.custom.map(|index| &declared.kube.custom_deploys[index]);
    if group.objects.is_empty() && custom.is_none() && !group.is_manual {
        return Err(Failure::whole(format!(
            "resource \"{}\": could not associate any k8s YAML with this resource",
            group.name
        )));
    }
    let (trigger, init) = group.trigger(declared.default_trigger());
    let deployed = image_places
        .iter()
        .map(|index| &declared.images.definitions()[*index].target);
    let target = KubernetesTarget {
        source: source(group, custom),
        objects: refs(&group.objects),
        image_maps: deployed
            .filter(|image| !image.is_live_update_only())
            .map(ImageTarget::image_map)
            .collect(),
        image_locators: locators_of(&declared.kube, &group.objects),
        timeout: declared.settings.update.k8s_upsert_timeout,
        port_forwards: group.options.port_forwards.clone(),
        extra_selectors: group.options.extra_selectors.clone(),
        discovery: group.options.discovery,
        readiness: readiness(&declared.kube, group),
        links: group.options.links.clone(),
        watch_ignores: custom
            .map(|custom| deploy_ignores(&custom.live_update))
            .unwrap_or_default(),
    };
    Ok(Resource {
        name: group.name.clone(),
        images,
        target: Target::Kubernetes(Box::new(target)),
        trigger: TriggerMode::new(trigger, init),
        deps: each_once(&group.options.deps),
        labels: group.options.labels.iter().cloned().collect(),
        source: String::new(),
    })
}

fn each_once(names: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !once.contains(name) {
            once.push(name.clone());
        }
    }
    once
}

/// The definitions that build what the group's objects name, in order of definition.
fn consume_images(run: &Run, group: &Group) -> Vec<usize> {
    let mut declared = run.declared.borrow_mut();
    let declared = &mut *declared;
    let custom = group.custom.map(|index| &declared.kube.custom_deploys[index]);
    let extra = custom
        .into_iter()
        .flat_map(|custom| custom.image_deps.iter().chain(&custom.live_update_image));
    let references: Vec<&Reference> = group.images.iter().chain(extra).collect();
    let mut places: Vec<usize> = references
        .into_iter()
        .filter_map(|reference| declared.images.consume(reference))
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn source(group: &Group, custom: Option<&CustomDeploy>) -> Source {
    match custom {
        Some(custom) => Source::Custom {
            apply: custom.apply.clone(),
            delete: custom.delete.clone(),
            deps: custom.deps.clone(),
        },
        None => Source::Yaml(kube::emit(sorted(&group.objects))),
    }
}

/// In the order in which they are created.
fn sorted(objects: &[Object]) -> Vec<&Object> {
    let mut sorted: Vec<&Object> = objects.iter().collect();
    sorted.sort_by_key(|object| object.rank());
    sorted
}

/// Locators that are about any of these objects.
fn locators_of(kube: &Kube, objects: &[Object]) -> Vec<Locator> {
    let about = |kind: &&Kind| objects.iter().any(|object| kind.matcher.matches(object));
    kube.kinds
        .iter()
        .filter(about)
        .flat_map(|kind| &kind.locators)
        .map(|(shown, _)| shown.clone())
        .collect()
}

fn refs(objects: &[Object]) -> Vec<ObjectRef> {
    sorted(objects).into_iter().map(ObjectRef::of).collect()
}

/// Said for the resource; else for a kind of its objects, waiting before all else; else nothing to wait for where there are no pods.
fn readiness(kube: &Kube, group: &Group) -> PodReadiness {
    if let Some(said) = group.options.readiness {
        return said;
    }
    let of_kinds: Vec<PodReadiness> = kube
        .kinds
        .iter()
        .chain(kinds::builtin())
        .filter(|kind| group.objects.iter().any(|object| kind.matcher.matches(object)))
        .filter_map(|kind| kind.readiness)
        .collect();
    let by_weight = [PodReadiness::Wait, PodReadiness::Ignore, PodReadiness::Succeeded];
    if let Some(heaviest) = by_weight.into_iter().find(|mode| of_kinds.contains(mode)) {
        return heaviest;
    }
    match group.is_manual && group.options.extra_selectors.is_empty() && group.images.is_empty() {
        true => PodReadiness::Ignore,
        false => PodReadiness::Wait,
    }
}

/// What a live update brings in does not deploy again.
fn deploy_ignores(live_update: &LiveUpdate) -> Vec<Ignore> {
    let synced = live_update.syncs.iter().map(|sync| &sync.local);
    let patterns: Vec<String> = synced.chain(&live_update.stop_paths).cloned().collect();
    match patterns.is_empty() {
        true => Vec::new(),
        false => vec![Ignore {
            base: live_update.base.clone(),
            patterns,
        }],
    }
}

fn left_over(run: &Run, objects: Vec<Object>) -> Resource {
    let declared = run.declared.borrow();
    let target = KubernetesTarget {
        source: Source::Yaml(kube::emit(sorted(&objects))),
        objects: refs(&objects),
        image_maps: Vec::new(),
        image_locators: locators_of(&declared.kube, &objects),
        timeout: declared.settings.update.k8s_upsert_timeout,
        port_forwards: Vec::new(),
        extra_selectors: Vec::new(),
        discovery: Default::default(),
        readiness: PodReadiness::Ignore,
        links: Vec::new(),
        watch_ignores: Vec::new(),
    };
    Resource {
        name: UNCATEGORIZED.to_owned(),
        images: Vec::new(),
        target: Target::Kubernetes(Box::new(target)),
        trigger: TriggerMode::Auto,
        deps: Vec::new(),
        labels: Default::default(),
        source: String::new(),
    }
}

/// Values that logs must not show, of all Secrets that were registered.
pub fn secrets(run: &Run) -> Vec<Secret> {
    let declared = run.declared.borrow();
    if declared.settings.scrub_secrets == ScrubSecrets::Off {
        return Vec::new();
    }
    let entries = declared.kube.objects.iter().flat_map(Object::secrets);
    let secrets = entries.map(|entry| Secret {
        name: entry.name.into(),
        key: entry.key.into(),
        value: entry.value,
    });
    secrets.collect()
}

#[cfg(test)]
mod tests;
