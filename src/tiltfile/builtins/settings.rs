//! Settings for the whole session. Those with a list accumulate; the others keep what a later call does not name.

mod features;
#[cfg(test)]
mod tests;

use std::time::Duration;

use starlark::values::Value;

use crate::model::duration::Duration as GoDuration;
use crate::model::filter::Ignore;
use crate::model::project::IgnoreFile;
use crate::model::quote::quoted;
use crate::model::registry::Registry;
use crate::model::settings::{ScrubSecrets, ServerSideApply, Telemetry};
use crate::model::version::{Constraint, Version};
use crate::tiltfile::call::{Call, Flag, Mismatch, unpack_bool, unpack_string};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::values::token::TriggerModeValue;

pub use features::all as all_features;

/// What `version_settings(constraint=…)` is compared with.
const VERSION: &str = env!("CARGO_PKG_VERSION");

const MINUTE: i64 = 60;
const HOUR: u64 = 3600;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "update_settings",
        params: &[
            Param::nullable("max_parallel_updates", "int", "3"),
            Param::nullable("k8s_upsert_timeout_secs", "int", "30"),
            Param::nullable("suppress_unused_image_warnings", "str | list[str]", "None"),
            Param::nullable("k8s_server_side_apply", "str", "'auto'"),
            Param::nullable("wait_for_current_deps", "bool", "False"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "How updates run: how many at a time, how long an apply to Kubernetes may take, and whether the server merges what is \
              applied (`true`, `false`, or `auto`: where the objects are too large for anything else). Images that are named in \
              `suppress_unused_image_warnings` may stay unused; `*` means all. With `wait_for_current_deps`, a resource waits before \
              every update until what it depends on is up to date, and not only before its first one.",
        body: update_settings,
    },
    Builtin {
        name: "ci_settings",
        params: &[
            Param::nullable("k8s_grace_period", "str", "''"),
            Param::nullable("timeout", "str", "'30m'"),
            Param::nullable("readiness_timeout", "str", "'5m'"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "How long `tilt ci` waits: for failing pods to recover, for everything together, and for started resources to become \
              ready. Durations such as `90s` or `1h30m`.",
        body: ci_settings,
    },
    Builtin {
        name: "docker_prune_settings",
        params: &[
            Param::nullable("disable", "bool", "False"),
            Param::nullable("max_age_mins", "int", "360"),
            Param::nullable("num_builds", "int", "0"),
            Param::nullable("interval_hrs", "int", "1"),
            Param::nullable("keep_recent", "int", "2"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "When old images and containers of Tilt's own are removed: those older than `max_age_mins`, except the `keep_recent` \
              newest of each image, every `interval_hrs` hours or after every `num_builds` builds.",
        body: docker_prune_settings,
    },
    Builtin {
        name: "watch_settings",
        params: &[Param::nullable("ignore", "str | list[str]", "[]")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Paths whose changes never update anything, in the syntax of .dockerignore, relative to this Tiltfile. Several calls add up.",
        body: watch_settings,
    },
    Builtin {
        name: "version_settings",
        params: &[
            Param::nullable("check_updates", "bool", "True"),
            Param::nullable("constraint", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "Whether to look for newer versions of Tilt, and which versions this Tiltfile works with: `>=0.30.0 <1.0.0`.",
        body: version_settings,
    },
    Builtin {
        name: "secret_settings",
        params: &[Param::required("disable_scrub", "bool")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Whether the values of Kubernetes Secrets may show in logs; they are blanked otherwise.",
        body: secret_settings,
    },
    Builtin {
        name: "analytics_settings",
        params: &[Param::required("enable", "bool")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Whether usage may be reported. This Tilt reports nothing in any case.",
        body: analytics_settings,
    },
    Builtin {
        name: "set_team",
        params: &[Param::required("team_id", "str")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Names the team that this project belongs to.",
        body: set_team,
    },
    Builtin {
        name: "default_registry",
        params: &[
            Param::required("host", "str"),
            Param::nullable("host_from_cluster", "str", "''"),
            Param::nullable("single_name", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "The registry that images are pushed to during development, perhaps with the beginning of a path. \
              `host_from_cluster` is its name inside the cluster; with `single_name` all images share one repository.",
        body: default_registry,
    },
    Builtin {
        name: "trigger_mode",
        params: &[Param::required("trigger_mode", "TriggerMode")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Whether changes update resources at once (`TRIGGER_MODE_AUTO`) or when somebody asks for it \
              (`TRIGGER_MODE_MANUAL`), for resources that say nothing themselves.",
        body: trigger_mode,
    },
    Builtin {
        name: "enable_feature",
        params: &[Param::required("msg", "str").or("feature_name")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Switches a feature on that is off by default.",
        body: |call| {
            let name = call.string_or("msg", "")?;
            features::set(call.run, &name, true)?;
            call.none()
        },
    },
    Builtin {
        name: "disable_feature",
        params: &[Param::required("msg", "str").or("feature_name")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Switches a feature off that is on by default.",
        body: |call| {
            let name = call.string_or("msg", "")?;
            features::set(call.run, &name, false)?;
            call.none()
        },
    },
    Builtin {
        name: "disable_snapshots",
        params: &[],
        rest: Rest::Refused,
        returns: "None",
        doc: "Takes the button that makes snapshots away from the web UI.",
        body: |call| {
            features::set(call.run, "snapshots", false)?;
            call.none()
        },
    },
    Builtin {
        name: "experimental_analytics_report",
        params: &[Param::required("tags", "dict[str, str]")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Tags for usage reports. This Tilt reports nothing, so it only checks them.",
        body: |call| {
            call.string_map("tags")?;
            call.none()
        },
    },
    Builtin {
        name: "experimental_metrics_settings",
        params: &[],
        rest: Rest::Both,
        returns: "None",
        doc: "Does nothing any more.",
        body: |call| {
            call.run.warn("experimental_metrics_settings() is deprecated");
            call.none()
        },
    },
    Builtin {
        name: "experimental_telemetry_cmd",
        params: &[
            Param::required("cmd", "str | list[str]"),
            Param::nullable("cmd_bat", "str | list[str]", "''"),
            Param::nullable("period", "str", "'1m'"),
            Param::nullable("dir", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "A command that is given traces of what Tilt did, as JSON on its standard input, once every `period`.",
        body: telemetry_cmd,
    },
];

fn update_settings<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let parallel = call.int("max_parallel_updates")?;
    let timeout = call.int("k8s_upsert_timeout_secs")?;
    let current = call.maybe_flag("wait_for_current_deps")?;
    let suppressed = call.strings("suppress_unused_image_warnings")?;
    let apply = match call.string_or("k8s_server_side_apply", "")?.as_str() {
        "" => None,
        "auto" => Some(ServerSideApply::Auto),
        "true" => Some(ServerSideApply::Always),
        "false" => Some(ServerSideApply::Never),
        other => {
            let text = "update_settings: k8s_server_side_apply must be \"true\", \"false\", or \"auto\"";
            return Err(Fault::Said(format!("{text}; got {}", quoted(other))));
        }
    };
    if let Some(count) = parallel.filter(|count| *count < 1) {
        return Err(Fault::Said(format!(
            "max number of parallel updates must be >= 1(got: {count})"
        )));
    }
    if let Some(seconds) = timeout.filter(|seconds| *seconds < 1) {
        return Err(Fault::Said(format!("minimum k8s upsert timeout is 1s; got {seconds}s")));
    }
    let parallel = parallel
        .map(|count| in_range(call, "max_parallel_updates", count))
        .transpose()?;
    let settings = &mut call.run.declared.borrow_mut().settings.update;
    settings.max_parallel_updates = parallel.unwrap_or(settings.max_parallel_updates);
    if let Some(seconds) = timeout {
        settings.k8s_upsert_timeout = Duration::from_secs(seconds.unsigned_abs());
    }
    settings.suppress_unused_image_warnings.extend(suppressed);
    settings.wait_for_current_deps = current.unwrap_or(settings.wait_for_current_deps);
    settings.server_side_apply = apply.unwrap_or(settings.server_side_apply);
    call.none()
}

fn ci_settings<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let grace = call.read("k8s_grace_period", unpack_duration)?.flatten();
    let timeout = call.read("timeout", unpack_duration)?.flatten();
    let readiness = call.read("readiness_timeout", unpack_duration)?.flatten();
    let settings = &mut call.run.declared.borrow_mut().settings.ci;
    settings.k8s_grace_period = grace.or(settings.k8s_grace_period);
    settings.timeout = timeout.unwrap_or(settings.timeout);
    settings.readiness_timeout = readiness.unwrap_or(settings.readiness_timeout);
    call.none()
}

fn docker_prune_settings<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let disable = call.flag("disable", Flag::Off)?;
    let max_age = call.int("max_age_mins")?.unwrap_or(0);
    let builds = call.int("num_builds")?.unwrap_or(0);
    let interval = call.int("interval_hrs")?.unwrap_or(0);
    let keep = call.int("keep_recent")?;
    if builds != 0 && interval != 0 {
        return Err("can't specify both 'prune every X builds' and 'prune every Y hours'; please pass only one of `num_builds` and \
                    `interval_hrs`"
            .into());
    }
    let builds = in_range(call, "num_builds", builds)?;
    let interval = in_range(call, "interval_hrs", interval)?;
    let keep = keep.map(|count| in_range(call, "keep_recent", count)).transpose()?;
    let settings = &mut call.run.declared.borrow_mut().settings.docker_prune;
    settings.enabled = !disable;
    settings.num_builds = builds;
    settings.keep_recent = keep.unwrap_or(settings.keep_recent);
    // Zero stands for "not given". A negative age reaches into the future: everything is old.
    if max_age != 0 {
        settings.max_age = GoDuration::from_secs(max_age.saturating_mul(MINUTE));
    }
    if interval != 0 {
        settings.interval = Duration::from_secs(u64::from(interval) * HOUR);
    }
    call.none()
}

fn watch_settings<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let patterns = call.strings("ignore")?;
    if !patterns.is_empty() {
        call.run.declared.borrow_mut().settings.watch_ignores.push(IgnoreFile {
            ignore: Ignore::patterns(call.run.directory(), patterns),
            source: "watch_settings()".to_owned(),
        });
    }
    call.none()
}

fn version_settings<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let check = call.read("check_updates", unpack_bool)?;
    let constraint = call.string_or("constraint", "")?;
    if !constraint.is_empty() {
        let ours = Version::parse(VERSION)
            .map_err(|error| format!("internal error parsing tilt version '{VERSION}': {error}"))?;
        let allowed =
            Constraint::parse(&constraint).map_err(|error| format!("error parsing version constraint: {error}"))?;
        if !allowed.allows(&ours) {
            return Err(Fault::Said(format!(
                "you are running Tilt version {VERSION}, which doesn't match the version constraint specified in your Tiltfile: '{constraint}'"
            )));
        }
    }
    if let Some(check) = check {
        call.run.declared.borrow_mut().settings.version.check_updates = check;
    }
    call.none()
}

fn secret_settings<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let scrub = match call.flag("disable_scrub", Flag::Off)? {
        true => ScrubSecrets::Off,
        false => ScrubSecrets::On,
    };
    call.run.declared.borrow_mut().settings.scrub_secrets = scrub;
    call.none()
}

fn analytics_settings<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let enable = call.flag("enable", Flag::Off)?;
    call.run.declared.borrow_mut().settings.analytics = Some(enable);
    call.none()
}

fn set_team<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let team = call.string_or("team_id", "")?;
    if team.is_empty() {
        return Err("team_id cannot be empty".into());
    }
    let known = &mut call.run.declared.borrow_mut().settings.team;
    if !known.is_empty() {
        return Err(Fault::Said(format!(
            "team_id set multiple times (to '{known}' and '{team}')"
        )));
    }
    *known = team;
    call.none()
}

fn default_registry<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    if call.run.declared.borrow().settings.default_registry.is_some() {
        return Err("default registry already defined".into());
    }
    let registry = Registry {
        host: call.string_or("host", "")?,
        host_from_cluster: call.string_or("host_from_cluster", "")?,
        single_name: call.string_or("single_name", "")?,
    };
    registry
        .validate()
        .map_err(|error| format!("validating defaultRegistry: {error}"))?;
    call.run.declared.borrow_mut().settings.default_registry = Some(registry);
    call.none()
}

fn trigger_mode<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let mode = call.read("trigger_mode", |value| match TriggerModeValue::from_value(value) {
        Some(mode) => Ok(mode.0),
        None => Err(format!("got {}, want TriggerMode", value.get_type())),
    })?;
    let position = call.position();
    let known = &mut call.run.declared.borrow_mut().trigger;
    if let Some((_, before)) = known {
        return Err(Fault::Said(format!(
            "trigger_mode can only be called once. It was already called at {before}"
        )));
    }
    *known = mode.map(|mode| (mode, position));
    call.none()
}

fn telemetry_cmd<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let argv = call.argv("cmd")?;
    let period = call.read("period", unpack_duration)?.flatten();
    let dir = match call.path("dir")? {
        Some(dir) => dir,
        None => call.run.directory(),
    };
    if argv.is_empty() {
        return Err("cmd cannot be empty".into());
    }
    let settings = &mut call.run.declared.borrow_mut().settings.telemetry;
    if !settings.command.is_empty() {
        let known = crate::model::command::Command::display(&settings.command.argv);
        return Err(Fault::Said(format!(
            "experimental_telemetry_cmd called multiple times; already set to {known}"
        )));
    }
    let command = crate::model::command::Command {
        argv,
        dir,
        ..Default::default()
    };
    *settings = Telemetry {
        command,
        period: period.filter(|period| !period.is_zero()).unwrap_or(settings.period),
    };
    call.none()
}

fn in_range(call: &Call, name: &str, value: i64) -> Result<u32, Fault> {
    u32::try_from(value).map_err(|_| call.wrong(name, format!("{value} is out of range, want 0 to {}", u32::MAX)))
}

/// An empty text is no duration.
fn unpack_duration(value: Value) -> Result<Option<Duration>, Mismatch> {
    let text = unpack_string(value).map_err(|_| format!("Expected string. Got: {}", value.get_type()))?;
    if text.is_empty() {
        return Ok(None);
    }
    let duration = GoDuration::parse(&text).map_err(|error| error.to_string())?;
    duration.to_std().map(Some).ok_or_else(|| format!("{text} is negative"))
}
