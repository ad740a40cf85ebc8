//! Pure. What follows from deploys: what is deleted because nobody wants it any more, which pods are looked for, whose logs are
//! read, which ports are forwarded. The objects that say so can be made by anybody; those of resources are made here.

use std::sync::Arc;

use crate::deploy::ports::container_port;
use crate::engine::effect::{Deploy, Effect, ImageWork, RemoveWork, Span, UpdateOrder, Work};
use crate::engine::objects::status::{is_disabled, log_span};
use crate::engine::objects::{LOG_SPAN, MANAGED_BY, RESOURCE, map, object, set, tree};
use crate::engine::reduce::deploy::begins;
use crate::engine::spec;
use crate::engine::state::{DiscoveryState, Mode, Name, Removal, Seq, State, next};
use crate::engine::touched::{Names, owner};
use crate::engine::{apply, say, workload};
use crate::model::deployed::Deployed;
use crate::model::object::kinds::{KUBERNETES_APPLY, KUBERNETES_DISCOVERY, POD_LOG_STREAM, PORT_FORWARD};
use crate::model::object::{Kind, Owner, Stored};
use crate::model::pod::Pod;
use crate::model::port::PortForward;
use crate::model::tree::{Map, Tree};

/// Who deploys on behalf of a resource's updates.
pub const BUILD_CONTROL: &str = "buildcontrol";

/// `touched`: those that may differ from what follows from them.
pub fn settle(state: &mut State, touched: &Names, effects: &mut Vec<Effect>) {
    if state.session.ending.is_some() {
        return;
    }
    asked_by_objects(state, effects);
    remove(state, touched, effects);
    discoveries(state, touched);
    follow(state, touched);
    streams(state, touched);
    forwards(state, touched);
}

/// Objects that somebody made by hand, or that a Tiltfile declares as such: they are applied whenever they change.
fn asked_by_objects(state: &mut State, effects: &mut Vec<Effect>) {
    if state.cluster.connected().is_none() {
        return;
    }
    let is_own = |object: &&Arc<Stored>| object.annotation(MANAGED_BY) != Some(BUILD_CONTROL);
    let objects: Vec<Arc<Stored>> = state.table.list(&KUBERNETES_APPLY).filter(is_own).cloned().collect();
    for object in objects {
        if !is_disabled(&state.table, &object.spec) {
            by_object(state, &object, effects);
        }
    }
}

fn by_object(state: &mut State, object: &Stored, effects: &mut Vec<Effect>) {
    let name: Name = (*object.name).into();
    let known = state.applies.get(&name).map(Arc::as_ref);
    if known.is_some_and(|known| known.is_busy()) {
        return;
    }
    let Some((mut deploy, ran)) = apply::of_object(state, object) else {
        return;
    };
    let event = newest_event(state, object);
    let is_new = known.is_none_or(|known| known.ran.as_ref() != Some(&ran) || event > known.handled);
    if !is_new {
        return;
    }
    if let Some(known) = known {
        deploy.before = apply::before(known);
        deploy.left = Arc::clone(&known.left);
    }
    if !deploy.left.is_empty() {
        deploy.elsewhere = workload::elsewhere(state, &name);
    }
    let run = next(&mut state.counters.updates);
    let span = span_of(object);
    begins(state, &deploy, run, &span);
    if let Some(apply) = state.apply_mut(&name) {
        apply.ran = Some(ran);
        apply.handled = event;
        apply.removal = Removal::None;
    }
    let work = ImageWork {
        span: span.clone(),
        steps: Vec::new(),
        deploy: Deploy::Kubernetes(Box::new(deploy)),
    };
    effects.push(Effect::StartUpdate(Box::new(UpdateOrder {
        update: run,
        resource: span.resource,
        work: Work::Images(Box::new(work)),
    })));
}

/// The latest change of files, or click, that deploys again.
fn newest_event(state: &State, object: &Stored) -> Seq {
    let Some(on) = spec::map(&object.spec, "restartOn") else {
        return Seq::default();
    };
    let watches = spec::texts(on, "fileWatches");
    let files = watches
        .iter()
        .filter_map(|watch| state.watches.get(watch.as_str())?.last);
    let buttons = spec::texts(on, "uiButtons");
    let clicks = buttons
        .iter()
        .filter_map(|button| Some(state.clicks.get(button.as_str())?.seq));
    files.chain(clicks).max().unwrap_or_default()
}

fn span_of(object: &Stored) -> Span {
    match object.annotation(LOG_SPAN) {
        Some(_) => log_span(object),
        None => Span {
            id: format!("kubernetesapply:{}", object.name).into(),
            ..log_span(object)
        },
    }
}

/// What is disabled, or not declared any more, is deleted.
fn remove(state: &mut State, touched: &Names, effects: &mut Vec<Effect>) {
    let known = touched.iter().filter_map(|name| state.applies.get_key_value(&**name));
    let names = known.map(|(name, _)| Arc::clone(name));
    let (wanted, unwanted): (Vec<Name>, Vec<Name>) = names.partition(|name| workload::is_wanted(state, name));
    for name in wanted {
        // Whoever wants it again may have it deleted again.
        if state.applies[&name].removal == Removal::Failed
            && let Some(apply) = state.apply_mut(&name)
        {
            apply.removal = Removal::None;
        }
    }
    for name in unwanted {
        let apply = &state.applies[&name];
        // A cluster that cannot be reached is asked once it can be.
        let is_reached = state.cluster.connected().is_some();
        if apply.running.is_some() || apply.removal != Removal::None {
            continue;
        }
        if apply.has_left_something() {
            if is_reached {
                start_removal(state, &name, effects);
            }
        } else if state.table.get(&KUBERNETES_APPLY, &name).is_none() {
            state.applies.remove(&name);
        }
    }
}

fn start_removal(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    let elsewhere = workload::elsewhere(state, name);
    let run = next(&mut state.counters.updates);
    let Some(apply) = state.apply_mut(name) else { return };
    apply.removal = Removal::Running(run);
    apply.spared = Arc::clone(&elsewhere);
    let span = say::span(format!("disabletoggle-{name}"), &apply.span.resource);
    let work = RemoveWork {
        apply: Arc::clone(name),
        span: span.clone(),
        objects: Arc::clone(&apply.left),
        elsewhere,
        delete: apply.delete.clone(),
        timeout: apply.timeout,
    };
    effects.push(Effect::StartUpdate(Box::new(UpdateOrder {
        update: run,
        resource: span.resource,
        work: Work::Remove(Box::new(work)),
    })));
}

/// Each deploy has its pods looked for.
fn discoveries(state: &mut State, touched: &Names) {
    let mut wanted: Vec<Stored> = Vec::new();
    let objects = touched
        .iter()
        .filter_map(|name| state.table.get(&KUBERNETES_APPLY, name));
    for object in objects {
        let deployed = state
            .applies
            .get(&*object.name)
            .and_then(|apply| apply.deployed.as_ref());
        if let Some(deployed) = deployed.filter(|_| !is_disabled(&state.table, &object.spec)) {
            wanted.push(discovery(state, object, deployed));
        }
    }
    replace(state, &KUBERNETES_DISCOVERY, touched, wanted);
}

fn discovery(state: &State, apply: &Stored, deployed: &Deployed) -> Stored {
    let is_by_owner = spec::text(&apply.spec, "discoveryStrategy") != "selectors-only";
    let namespace = state.cluster.connected().map(|connected| connected.namespace.as_str());
    let watches = deployed.objects.iter().map(|object| {
        let namespace = match &*object.namespace {
            "" => namespace.unwrap_or_default(),
            given => given,
        };
        let mut watch = map([
            ("name", Tree::text(&*object.name)),
            ("namespace", Tree::text(namespace)),
        ]);
        if is_by_owner {
            watch.push("uid", Tree::text(&*object.uid));
        }
        Tree::Map(watch)
    });
    let mut watches: Vec<Tree> = watches.collect();
    if !is_by_owner {
        for watch in &mut watches {
            if let Tree::Map(map) = watch {
                map.remove("name");
            }
        }
        watches.dedup();
    }
    let mut spec = map([("cluster", Tree::text(spec::text(&apply.spec, "cluster")))]);
    let template = spec::map(&apply.spec, "kubernetesDiscoveryTemplateSpec");
    set(
        &mut spec,
        "extraSelectors",
        template.and_then(|template| template.get("extraSelectors").cloned()),
    );
    for field in ["podLogStreamTemplateSpec", "portForwardTemplateSpec"] {
        set(&mut spec, field, apply.spec.get(field).cloned());
    }
    spec.push("watches", Tree::List(watches));
    let span = span_of(apply);
    let mut object = object(&KUBERNETES_DISCOVERY, &apply.name, spec, []);
    object.meta.annotations.push(LOG_SPAN, Tree::text(&*span.id));
    object.meta.annotations.push(RESOURCE, Tree::text(&*span.resource));
    object.meta.owners = vec![Owner::controller(apply)];
    object
}

/// The objects of one kind that belong to what was touched are these from now on. What they said of themselves stays.
fn replace(state: &mut State, kind: &'static Kind, touched: &Names, wanted: Vec<Stored>) {
    let names: Names = wanted.iter().map(|object| object.name.clone()).collect();
    let is_of_them = |object: &Stored| owner(object).is_some_and(|owner| touched.contains(owner));
    let gone: Vec<Box<str>> = state
        .table
        .list(kind)
        .filter(|object| is_of_them(object) && !names.contains(&object.name))
        .map(|object| object.name.clone())
        .collect();
    for name in gone {
        state.table.remove(kind, &name);
    }
    let now = state.now;
    for mut object in wanted {
        if let Some(known) = state.table.get(kind, &object.name) {
            // One that somebody made by hand is theirs.
            if owner(known).is_none() {
                continue;
            }
            object.status = known.status.clone();
            object.meta.labels = known.meta.labels.clone();
            object.meta.finalizers = known.meta.finalizers.clone();
        }
        state.table.put(object, now);
    }
}

/// What is seen of pods is seen for one question; another question is answered anew.
fn follow(state: &mut State, touched: &Names) {
    for name in touched {
        let Some(object) = state.table.get(&KUBERNETES_DISCOVERY, name).map(Arc::clone) else {
            if state.discoveries.contains_key(&**name) {
                state.discoveries.remove(&**name);
            }
            continue;
        };
        let asked = asked(state, &object);
        let name: Name = (*object.name).into();
        let known = state.discoveries.get(&name);
        if known.is_some_and(|known| known.asked == asked) {
            continue;
        }
        let generation = next(&mut state.counters.generations);
        let known = known.map(|known| known.as_ref().clone()).unwrap_or_default();
        let begun = DiscoveryState {
            generation,
            asked,
            begun: Some(state.now),
            ..known
        };
        state.discoveries.insert(name, Arc::new(begun));
    }
}

/// The part of a discovery that decides which pods are found.
fn asked(state: &State, object: &Stored) -> Map {
    let mut asked = Map::new();
    for field in ["watches", "extraSelectors"] {
        set(&mut asked, field, object.spec.get(field).cloned());
    }
    let deployed = state
        .applies
        .get(&*object.name)
        .and_then(|apply| apply.deployed.as_ref());
    let hashes = deployed
        .map(|deployed| workload::template_hashes(deployed))
        .unwrap_or_default();
    if !hashes.is_empty() {
        asked.push("hashes", Tree::List(hashes.into_iter().map(Tree::Text).collect()));
    }
    asked
}

/// The logs of every pod that is found are read.
fn streams(state: &mut State, touched: &Names) {
    let mut wanted = Vec::new();
    for discovery in touched_discoveries(state, touched) {
        let Some(known) = state.discoveries.get(&*discovery.name) else {
            continue;
        };
        wanted.extend(known.pods.iter().map(|pod| stream(discovery, pod)));
    }
    replace(state, &POD_LOG_STREAM, touched, wanted);
    let table = &state.table;
    let known = state.streams.keys().map(|name| &**name);
    if known.eq(table.list(&POD_LOG_STREAM).map(|stream| &*stream.name)) {
        return;
    }
    state
        .streams
        .retain(|name, _| table.get(&POD_LOG_STREAM, name).is_some());
    for stream in table.list(&POD_LOG_STREAM) {
        if !state.streams.contains_key(&*stream.name) {
            state.streams.insert((*stream.name).into(), Arc::default());
        }
    }
}

fn touched_discoveries<'a>(state: &'a State, touched: &'a Names) -> impl Iterator<Item = &'a Arc<Stored>> {
    let found = touched.iter().map(|name| state.table.get(&KUBERNETES_DISCOVERY, name));
    found.flatten()
}

/// Of what reads the logs of a pod.
pub fn stream_name(discovery: &str, pod: &Pod) -> String {
    format!("{discovery}-{}-{}", pod.namespace, pod.name)
}

fn stream(discovery: &Stored, pod: &Pod) -> Stored {
    let mut spec = spec::map(&discovery.spec, "podLogStreamTemplateSpec")
        .cloned()
        .unwrap_or_default();
    spec.insert("cluster", Tree::text(spec::text(&discovery.spec, "cluster")));
    spec.insert("namespace", Tree::text(&*pod.namespace));
    spec.insert("pod", Tree::text(&*pod.name));
    let resource = log_span(discovery).resource;
    let name = stream_name(&discovery.name, pod);
    let span = format!("pod:{resource}:{}", pod.name);
    let about = [(LOG_SPAN, span.as_str()), (RESOURCE, &*resource)];
    let mut stream = object(&POD_LOG_STREAM, &name, spec, about);
    stream.meta.owners = vec![Owner::controller(discovery)];
    stream
}

/// The ports of the pod that counts are forwarded, as long as anybody wants that.
fn forwards(state: &mut State, touched: &Names) {
    let mut wanted = Vec::new();
    if state.session.forwards_ports && state.session.mode != Mode::Ci {
        for discovery in touched_discoveries(state, touched) {
            let pods = state
                .discoveries
                .get(&*discovery.name)
                .map(|known| known.pods.as_slice());
            let pod = pods.and_then(workload::forwarded);
            wanted.extend(pod.and_then(|pod| forward(discovery, pod)));
        }
    }
    replace(state, &PORT_FORWARD, touched, wanted);
    forget_ports(state, touched);
}

/// Of ports that nobody keeps open nothing is known.
fn forget_ports(state: &mut State, touched: &Names) {
    let table = &state.table;
    let is_kept = |name: &str| {
        let discovery = table.get(&KUBERNETES_DISCOVERY, name);
        discovery.is_some_and(|discovery| discovery.spec.get("portForwardTemplateSpec").is_some())
            || table.get(&PORT_FORWARD, name).is_some()
    };
    let known = touched.iter().filter_map(|name| state.forwards.get_key_value(&**name));
    let gone = known.map(|(name, _)| name).filter(|name| !is_kept(name));
    let gone: Vec<Name> = gone.cloned().collect();
    for name in gone {
        state.forwards.remove(&name);
        workload::relink(state, &name);
    }
}

fn forward(discovery: &Stored, pod: &Pod) -> Option<Stored> {
    let template = spec::map(&discovery.spec, "portForwardTemplateSpec")?;
    let forwards = template.get("forwards")?.as_list()?;
    let forwards: Vec<Tree> = forwards.iter().map(|forward| resolved(forward, pod)).collect();
    let mut spec = map([
        ("cluster", Tree::text(spec::text(&discovery.spec, "cluster"))),
        ("forwards", Tree::List(forwards)),
        ("namespace", Tree::text(&*pod.namespace)),
        ("podName", Tree::text(&*pod.name)),
    ]);
    spec.sort();
    let about = log_span(discovery);
    let name = format!("{}-{}", discovery.name, pod.name);
    let mut forward = object(
        &PORT_FORWARD,
        &name,
        spec,
        [(LOG_SPAN, &*about.id), (RESOURCE, &*about.resource)],
    );
    forward.meta.owners = vec![Owner::controller(discovery)];
    Some(forward)
}

/// A container port that was left open is the one that the pod's containers suggest.
fn resolved(forward: &Tree, pod: &Pod) -> Tree {
    let Tree::Map(forward) = forward else { return tree([]) };
    let mut forward = forward.clone();
    if spec::int(&forward, "containerPort") == 0 {
        let open = PortForward {
            local: u16::try_from(spec::int(&forward, "localPort")).unwrap_or_default(),
            ..PortForward::default()
        };
        let exposed: Vec<u16> = pod
            .containers
            .iter()
            .flat_map(|container| container.ports.clone())
            .collect();
        if let Some(choice) = container_port(&open, &exposed) {
            forward.insert("containerPort", Tree::Int(choice.container.into()));
        }
    }
    Tree::Map(forward)
}
