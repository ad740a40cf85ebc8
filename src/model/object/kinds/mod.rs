//! Pure. The table of all kinds of `tilt.dev/v1alpha1`: one file a family, every struct and field declared once.
//!
//! Fields stand in the order in which they are printed, which is also the order of a creator's parameters.

mod button;
mod cluster;
mod command;
mod compose;
mod image;
mod kubernetes;
mod live_update;
mod pod;
mod resource;
mod session;
mod shared;
mod source;
#[cfg(test)]
mod tests;

use super::schema::{Kind, Struct};

pub use button::{TOGGLE_BUTTON, UI_BUTTON};
pub use cluster::CLUSTER;
pub use command::CMD;
pub use compose::{DOCKER_COMPOSE_LOG_STREAM, DOCKER_COMPOSE_SERVICE};
pub use image::{CMD_IMAGE, DOCKER_IMAGE, IMAGE_MAP};
pub use kubernetes::{KUBERNETES_APPLY, KUBERNETES_DISCOVERY};
pub use live_update::LIVE_UPDATE;
pub use pod::{POD_LOG_STREAM, PORT_FORWARD};
pub use resource::{UI_RESOURCE, UI_SESSION};
pub use session::{SESSION, TILTFILE};
pub use source::{CONFIG_MAP, EXTENSION, EXTENSION_REPO, FILE_WATCH};

/// Every kind, by name.
pub static KINDS: [&Kind; 22] = [
    &CLUSTER,
    &CMD,
    &CMD_IMAGE,
    &CONFIG_MAP,
    &DOCKER_COMPOSE_LOG_STREAM,
    &DOCKER_COMPOSE_SERVICE,
    &DOCKER_IMAGE,
    &EXTENSION,
    &EXTENSION_REPO,
    &FILE_WATCH,
    &IMAGE_MAP,
    &KUBERNETES_APPLY,
    &KUBERNETES_DISCOVERY,
    &LIVE_UPDATE,
    &POD_LOG_STREAM,
    &PORT_FORWARD,
    &SESSION,
    &TILTFILE,
    &TOGGLE_BUTTON,
    &UI_BUTTON,
    &UI_RESOURCE,
    &UI_SESSION,
];

/// The structs that a Tiltfile can make with a function of their name.
pub static STARLARK_STRUCTS: [&Struct; 28] = [
    &shared::CONFIG_MAP_DISABLE_SOURCE,
    &shared::DISABLE_SOURCE,
    &command::EXEC_ACTION,
    &pod::FORWARD,
    &command::HTTP_GET_ACTION,
    &command::HTTP_HEADER,
    &command::HANDLER,
    &shared::IGNORE_DEF,
    &kubernetes::KUBERNETES_APPLY_CMD,
    &kubernetes::KUBERNETES_DISCOVERY_TEMPLATE_SPEC,
    &kubernetes::KUBERNETES_IMAGE_LOCATOR,
    &kubernetes::KUBERNETES_IMAGE_OBJECT_DESCRIPTOR,
    &kubernetes::KUBERNETES_WATCH_REF,
    &shared::LABEL_SELECTOR,
    &shared::LABEL_SELECTOR_REQUIREMENT,
    &shared::OBJECT_SELECTOR,
    &pod::POD_LOG_STREAM_TEMPLATE_SPEC,
    &pod::PORT_FORWARD_TEMPLATE_SPEC,
    &command::PROBE,
    &shared::RESTART_ON_SPEC,
    &shared::START_ON_SPEC,
    &command::TCP_SOCKET_ACTION,
    &button::UI_BOOL_INPUT_SPEC,
    &button::UI_CHOICE_INPUT_SPEC,
    &shared::UI_COMPONENT_LOCATION,
    &button::UI_HIDDEN_INPUT_SPEC,
    &button::UI_INPUT_SPEC,
    &button::UI_TEXT_INPUT_SPEC,
];

/// The kind that a person means: by kind, plural, singular or short name, in any case.
pub fn kind_called(name: &str) -> Option<&'static Kind> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    KINDS
        .iter()
        .copied()
        .find(|kind| is(kind.name) || is(kind.plural) || kind.short.iter().any(|short| is(short)))
}
