//! Pure. Which deploys have to be looked at again: those of which anything is another one than it was. A turn touches a few of them,
//! however many there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::state::{ApplyState, ClusterState, DiscoveryState, Entries, ForwardState, State, StreamState};
use crate::model::object::kinds::{CONFIG_MAP, KUBERNETES_APPLY, KUBERNETES_DISCOVERY, POD_LOG_STREAM, PORT_FORWARD};
use crate::model::object::{Event, Kind, Stored, Table};

pub type Names = BTreeSet<Box<str>>;

/// The kinds that deploys are shown as, one by one.
const KINDS: [&Kind; 4] = [&KUBERNETES_APPLY, &KUBERNETES_DISCOVERY, &POD_LOG_STREAM, &PORT_FORWARD];

/// Everything that deploys consist of, as it was when they were looked at.
#[derive(Debug, Default)]
pub struct Seen(Option<Picture>);

#[derive(Debug)]
struct Picture {
    table: Table,
    cluster: Arc<ClusterState>,
    applies: Entries<ApplyState>,
    discoveries: Entries<DiscoveryState>,
    streams: Entries<StreamState>,
    forwards: Entries<ForwardState>,
}

impl Seen {
    pub fn of(state: &State) -> Seen {
        Seen(Some(Picture::of(state)))
    }

    /// The names of what differs: of deploys, and of objects of their kinds.
    pub fn touched(&self, state: &State) -> Names {
        let some = self.0.as_ref().and_then(|before| some(before, state));
        some.unwrap_or_else(|| {
            let now = Picture::of(state);
            let pictures = self.0.iter().chain([&now]);
            pictures.flat_map(Picture::names).map(Box::from).collect()
        })
    }
}

impl Picture {
    fn of(state: &State) -> Picture {
        Picture {
            table: state.table.clone(),
            cluster: Arc::clone(&state.cluster),
            applies: state.applies.clone(),
            discoveries: state.discoveries.clone(),
            streams: state.streams.clone(),
            forwards: state.forwards.clone(),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let objects = KINDS.iter().flat_map(|kind| self.table.list(kind));
        let of_objects = objects.flat_map(|object| owner(object).into_iter().chain([&*object.name]));
        let deploys = self.applies.keys().chain(self.discoveries.keys());
        let known = deploys.chain(self.streams.keys()).chain(self.forwards.keys());
        of_objects.chain(known.map(|name| &**name))
    }
}

/// Nothing if it may be any of them.
fn some(before: &Picture, state: &State) -> Option<Names> {
    let is_for_all =
        !Arc::ptr_eq(&before.cluster, &state.cluster) || !before.table.same_kind(&state.table, &CONFIG_MAP);
    if is_for_all {
        return None;
    }
    let mut names = Names::new();
    for event in state.table.events_since(before.table.version()).ok()? {
        if KINDS.iter().any(|kind| std::ptr::eq(*kind, event.object.kind)) {
            of_event(event, &mut names)?;
        }
    }
    let applies = state.applies.changed(&before.applies);
    let discoveries = state.discoveries.changed(&before.discoveries);
    let streams = state.streams.changed(&before.streams);
    let forwards = state.forwards.changed(&before.forwards);
    let changed = [applies, discoveries, streams, forwards];
    names.extend(changed.into_iter().flatten().map(|name| Box::from(&**name)));
    Some(names)
}

/// A stream or a forward of nobody's may stand where one of a deploy's would.
fn of_event(event: &Event, names: &mut Names) -> Option<()> {
    names.insert(event.object.name.clone());
    let is_of_pods = ![&KUBERNETES_APPLY, &KUBERNETES_DISCOVERY]
        .iter()
        .any(|kind| std::ptr::eq(*kind, event.object.kind));
    for object in [Some(&event.object), event.before.as_ref()].into_iter().flatten() {
        match owner(object) {
            Some(owner) => drop(names.insert(owner.into())),
            None if is_of_pods => return None,
            None => {}
        }
    }
    Some(())
}

/// Whose object it is, if it is one that a deploy consists of.
pub fn owner(object: &Stored) -> Option<&str> {
    let kind = match std::ptr::eq(object.kind, &KUBERNETES_DISCOVERY) {
        true => &KUBERNETES_APPLY,
        false => &KUBERNETES_DISCOVERY,
    };
    let mut owners = object.meta.owners.iter();
    let owner = owners.find(|owner| owner.controller && *owner.kind == *kind.name)?;
    Some(&owner.name)
}
