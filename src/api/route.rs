//! Pure. Which paths there are.

use percent_encoding::percent_decode_str;

use crate::model::object::{KINDS, Kind};

/// What a path names.
#[derive(Clone, Debug)]
pub enum Route {
    Root,
    Groups,
    Group,
    Resources,
    OpenApi2,
    OpenApi3,
    OpenApi3Group,
    ServerVersion,
    Health {
        of: Health,
        check: Option<String>,
    },
    Metrics,
    Collection(&'static Kind),
    Object(&'static Kind, String),
    Status(&'static Kind, String),
    WatchCollection(&'static Kind),
    WatchObject(&'static Kind, String),
    /// Why a resource was built, or is not.
    Explain(String),
    /// Answers once everything that was saved before is known.
    Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Healthy,
    Live,
    Ready,
}

/// The paths of `/`, as it lists them.
pub const PATHS: [&str; 15] = [
    "/apis",
    "/apis/tilt.dev",
    "/apis/tilt.dev/v1alpha1",
    "/healthz",
    "/healthz/log",
    "/healthz/ping",
    "/livez",
    "/livez/ping",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/apis/tilt.dev/v1alpha1",
    "/readyz",
    "/readyz/ping",
    "/version",
];

/// What an undecoded path names; nothing if there is no such thing.
pub fn route(path: &str) -> Option<Route> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => Some(Route::Root),
        ["apis"] => Some(Route::Groups),
        ["apis", "tilt.dev"] => Some(Route::Group),
        ["apis", "tilt.dev", "v1alpha1", rest @ ..] => resource(rest),
        ["openapi", "v2"] => Some(Route::OpenApi2),
        ["openapi", "v3"] => Some(Route::OpenApi3),
        ["openapi", "v3", "apis", "tilt.dev", "v1alpha1"] => Some(Route::OpenApi3Group),
        ["version"] => Some(Route::ServerVersion),
        ["metrics"] => Some(Route::Metrics),
        ["healthz", rest @ ..] => health(Health::Healthy, rest),
        ["livez", rest @ ..] => health(Health::Live, rest),
        ["readyz", rest @ ..] => health(Health::Ready, rest),
        ["tilt", "v1", "settled"] => Some(Route::Settled),
        ["tilt", "v1", "explain", resource] => Some(Route::Explain((*resource).to_owned())),
        _ => None,
    }
}

fn health(of: Health, rest: &[&str]) -> Option<Route> {
    match rest {
        [] => Some(Route::Health { of, check: None }),
        [check] => Some(Route::Health {
            of,
            check: Some((*check).to_owned()),
        }),
        _ => None,
    }
}

fn resource(rest: &[&str]) -> Option<Route> {
    match rest {
        [] => Some(Route::Resources),
        ["watch", plural] => Some(Route::WatchCollection(kind(plural)?)),
        ["watch", plural, name] => Some(Route::WatchObject(kind(plural)?, (*name).to_owned())),
        [plural] => Some(Route::Collection(kind(plural)?)),
        [plural, name] => Some(Route::Object(kind(plural)?, (*name).to_owned())),
        [plural, name, "status"] => {
            let kind = kind(plural)?;
            kind.status().is_some().then(|| Route::Status(kind, (*name).to_owned()))
        }
        _ => None,
    }
}

fn kind(plural: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.plural == plural)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> String {
        match route(path) {
            None => "none".into(),
            Some(Route::Collection(kind)) => format!("list {}", kind.name),
            Some(Route::Object(kind, name)) => format!("{} {name}", kind.name),
            Some(Route::Status(kind, name)) => format!("status of {} {name}", kind.name),
            Some(Route::WatchCollection(kind)) => format!("watch {}", kind.name),
            Some(Route::WatchObject(kind, name)) => format!("watch {} {name}", kind.name),
            Some(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn paths_name_things() {
        let table = [
            ("/", "Root"),
            ("/apis/", "Groups"),
            ("/api", "none"),
            ("/apis/tilt.dev/v1alpha1", "Resources"),
            ("/apis/tilt.dev/v1alpha1/uibuttons", "list UIButton"),
            (
                "/apis/tilt.dev/v1alpha1/tiltfiles/%28Tiltfile%29",
                "Tiltfile (Tiltfile)",
            ),
            ("/apis/tilt.dev/v1alpha1/cmds/a:b/status", "status of Cmd a:b"),
            ("/apis/tilt.dev/v1alpha1/configmaps/a/status", "none"),
            ("/apis/tilt.dev/v1alpha1/watch/cmds", "watch Cmd"),
            ("/apis/tilt.dev/v1alpha1/watch/cmds/a", "watch Cmd a"),
            ("/apis/tilt.dev/v1beta1/cmds", "none"),
            ("/apis/tilt.dev/v1alpha1/pods", "none"),
            ("/tilt/v1/explain/web", "Explain(\"web\")"),
            ("/tilt/v1/settled", "Settled"),
            ("/healthz/ping", "Health { of: Healthy, check: Some(\"ping\") }"),
        ];
        for (path, expected) in table {
            assert_eq!(shown(path), expected, "{path}");
        }
    }
}
