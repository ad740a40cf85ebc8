//! Settings of the session, and what is refused.

use std::time::Duration;

use crate::model::duration::Duration as GoDuration;
use crate::model::filter::Ignore;
use crate::model::settings::{ScrubSecrets, ServerSideApply, Settings};
use crate::tiltfile::testing::{Evaluated, Tiltfile};

fn settings(text: &str) -> Settings {
    Tiltfile::new(text).eval().project().settings.clone()
}

fn message(text: &str) -> String {
    Tiltfile::new(text).eval().message()
}

#[test]
fn updates_run_as_they_are_told() {
    let update = settings("").update;
    assert_eq!(
        (update.max_parallel_updates, update.k8s_upsert_timeout),
        (3, Duration::from_secs(30))
    );
    let text = "update_settings(max_parallel_updates=10, suppress_unused_image_warnings='x')\n\
                update_settings(k8s_upsert_timeout_secs=60, suppress_unused_image_warnings=['y'], k8s_server_side_apply='true')\n\
                update_settings(None, None, None, None)";
    let update = settings(text).update;
    assert_eq!(
        (update.max_parallel_updates, update.k8s_upsert_timeout),
        (10, Duration::from_secs(60))
    );
    assert_eq!(update.suppress_unused_image_warnings, ["x", "y"]);
    assert_eq!(update.server_side_apply, ServerSideApply::Always);
    assert_eq!(
        settings("update_settings(k8s_server_side_apply='false')")
            .update
            .server_side_apply,
        ServerSideApply::Never
    );
}

#[test]
fn ci_waits_as_long_as_it_is_told() {
    let ci = settings(
        "ci_settings(k8s_grace_period='10s', timeout='45m')\nci_settings(readiness_timeout='1h30m', timeout='')",
    )
    .ci;
    assert_eq!(ci.k8s_grace_period, Some(Duration::from_secs(10)));
    assert_eq!(ci.timeout, Duration::from_secs(45 * 60));
    assert_eq!(ci.readiness_timeout, Duration::from_secs(90 * 60));
    assert_eq!(settings("ci_settings()").ci.k8s_grace_period, None);
}

#[test]
fn old_images_are_pruned_as_told() {
    let prune = settings("docker_prune_settings(max_age_mins=60, num_builds=3, keep_recent=4)").docker_prune;
    assert!(prune.enabled);
    assert_eq!(
        (prune.max_age, prune.num_builds, prune.keep_recent),
        (GoDuration::from_mins(60), 3, 4)
    );
    assert_eq!(prune.interval, Duration::from_secs(3600));
    let prune =
        settings("docker_prune_settings(disable=True, interval_hrs=5, max_age_mins=-1, keep_recent=0)").docker_prune;
    assert!(!prune.enabled);
    assert_eq!(
        (prune.max_age, prune.num_builds, prune.keep_recent),
        (GoDuration::from_mins(-1), 0, 0)
    );
    assert_eq!(prune.interval, Duration::from_secs(5 * 3600));
    let unsaid = settings("docker_prune_settings()").docker_prune;
    assert_eq!(unsaid, settings("").docker_prune);
}

#[test]
fn ignored_paths_add_up_and_are_relative_to_their_tiltfile() {
    let evaluated =
        Tiltfile::new("watch_settings(ignore=['**/*_test.go', 'docs/**'])\nwatch_settings()\ninclude('in/Tiltfile')")
            .file("in/Tiltfile", "watch_settings('x')")
            .eval();
    let dir = evaluated.dir();
    let ignores = &evaluated.project().settings.watch_ignores;
    let found: Vec<(Ignore, &str)> = ignores
        .iter()
        .map(|file| (file.ignore.clone(), file.source.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Ignore::patterns(&dir, ["**/*_test.go", "docs/**"]), "watch_settings()"),
            (Ignore::patterns(dir.join("in"), ["x"]), "watch_settings()")
        ]
    );
}

#[test]
fn tiltignore_is_read_next_to_the_start_tiltfile() {
    let evaluated = Tiltfile::new("")
        .file(".tiltignore", "# all\n*.md\n\ndocs/\n!/a\n")
        .eval();
    let (dir, ignore) = (evaluated.dir(), &evaluated.project().tiltignore);
    assert_eq!(ignore.ignore, Ignore::patterns(&dir, ["*.md", "docs", "!a"]));
    assert_eq!(ignore.source, dir.join(".tiltignore").display().to_string());
    let none = Tiltfile::new("").eval();
    assert_eq!(none.project().tiltignore.source, "");
    let is_watched = |evaluated: &Evaluated| {
        evaluated
            .evaluation
            .config_files
            .iter()
            .any(|file| file.ends_with(".tiltignore"))
    };
    assert!(is_watched(&none));
    let failing = Tiltfile::new("fail('x')").eval();
    assert!(is_watched(&failing));
    let folder = Tiltfile::new("").file(".tiltignore/x", "").eval();
    assert_eq!(folder.message(), "read $DIR/.tiltignore: is a directory");
}

#[test]
fn a_tiltfile_names_the_versions_that_it_works_with() {
    assert!(
        settings("version_settings(constraint='>=0.23.4')")
            .version
            .check_updates
    );
    assert!(
        !settings("version_settings(check_updates=False, constraint='>=0.20.0 <1.0.0')\nversion_settings()")
            .version
            .check_updates
    );
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        message("version_settings(constraint='<0.20.0')"),
        format!(
            "you are running Tilt version {version}, which doesn't match the version constraint specified in your Tiltfile: '<0.20.0'"
        )
    );
    assert!(message("version_settings(constraint='>=9.0')").starts_with("error parsing version constraint: "));
}

#[test]
fn one_value_settings_are_kept() {
    assert_eq!(
        settings("secret_settings(disable_scrub=True)").scrub_secrets,
        ScrubSecrets::Off
    );
    assert_eq!(settings("secret_settings(False)").scrub_secrets, ScrubSecrets::On);
    assert_eq!(settings("analytics_settings(False)").analytics, Some(false));
    assert_eq!(settings("analytics_settings(enable=True)").analytics, Some(true));
    assert_eq!(settings("").analytics, None);
    assert_eq!(settings("set_team('t')").team, "t");
}

#[test]
fn images_go_to_the_default_registry() {
    let registry = settings("default_registry('localhost:5005', host_from_cluster='registry:5000', single_name='s')")
        .default_registry;
    let registry = registry.expect("a registry");
    assert_eq!(
        (&*registry.host, &*registry.host_from_cluster, &*registry.single_name),
        ("localhost:5005", "registry:5000", "s")
    );
}

#[test]
fn features_are_known_by_name() {
    let defaults = settings("").features;
    let on: Vec<&str> = defaults
        .iter()
        .filter(|(_, on)| **on)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        on,
        [
            "disable_resources",
            "events",
            "facets",
            "labels",
            "live_update_v2",
            "multiple_containers_per_pod",
            "offline_snapshot_creation",
            "snapshots"
        ]
    );
    assert_eq!(defaults.len(), 11);
    let changed = settings("enable_feature('cluster_refresh')\ndisable_snapshots()").features;
    assert!(changed["cluster_refresh"] && !changed["snapshots"]);
    assert!(settings("disable_snapshots()\nenable_feature(feature_name='snapshots')").features["snapshots"]);
}

#[test]
fn obsolete_features_only_warn() {
    let evaluated = Tiltfile::new("disable_feature('events')").eval();
    assert!(evaluated.project().settings.features["events"]);
    assert_eq!(evaluated.warnings(), ["Obsolete feature flag: events"]);
    assert_eq!(evaluated.evaluation.warnings, 1);
}

#[test]
fn the_environment_sets_features_unless_the_tiltfile_does() {
    let features = |text: &str| {
        let tiltfile = Tiltfile::new(text)
            .env("TILT_FLAG_SNAPSHOTS", "0")
            .env("TILT_FLAG_CLUSTER_REFRESH", "1");
        tiltfile
            .env("TILT_FLAG_LABELS", "no")
            .eval()
            .project()
            .settings
            .features
            .clone()
    };
    let from_environment = features("");
    assert!(!from_environment["snapshots"] && from_environment["cluster_refresh"] && from_environment["labels"]);
    assert!(features("enable_feature('snapshots')")["snapshots"]);
}

#[test]
fn experiments_are_taken_and_forgotten() {
    let evaluated: Evaluated =
        Tiltfile::new("experimental_metrics_settings(1, address='x')\nexperimental_analytics_report({'a': '1'})")
            .eval();
    evaluated.project();
    assert_eq!(evaluated.warnings(), ["experimental_metrics_settings() is deprecated"]);
}

#[test]
fn traces_go_to_a_command() {
    let evaluated = Tiltfile::new("experimental_telemetry_cmd('send it', period='5s', dir='sub')").eval();
    let telemetry = &evaluated.project().settings.telemetry;
    assert_eq!(telemetry.command.argv, ["sh", "-c", "send it"]);
    assert_eq!(telemetry.command.dir, evaluated.dir().join("sub"));
    assert_eq!(telemetry.period, Duration::from_secs(5));
    let evaluated = Tiltfile::new("experimental_telemetry_cmd(['a', 'b'])").eval();
    let telemetry = &evaluated.project().settings.telemetry;
    assert_eq!(
        (telemetry.command.dir.clone(), telemetry.period),
        (evaluated.dir(), Duration::from_secs(60))
    );
}

#[test]
fn mistakes_are_refused() {
    for (text, expected) in [
        (
            "update_settings(max_parallel_updates=0)",
            "max number of parallel updates must be >= 1(got: 0)",
        ),
        (
            "update_settings(k8s_upsert_timeout_secs=0)",
            "minimum k8s upsert timeout is 1s; got 0s",
        ),
        (
            "update_settings(max_parallel_updates='1')",
            "update_settings: for parameter \"max_parallel_updates\": got string, want int",
        ),
        (
            "update_settings(k8s_server_side_apply='maybe')",
            "update_settings: k8s_server_side_apply must be \"true\", \"false\", or \"auto\"; got \"maybe\"",
        ),
        (
            "update_settings(suppress_unused_image_warnings=[1])",
            "update_settings: for parameter \"suppress_unused_image_warnings\": value should be a string or List or Tuple of strings, \
             but contains an element 1 of type int",
        ),
        (
            "docker_prune_settings(num_builds=3, interval_hrs=2)",
            "can't specify both 'prune every X builds' and 'prune every Y hours'; please pass only one of `num_builds` and `interval_hrs`",
        ),
        (
            "docker_prune_settings(keep_recent=-1)",
            "docker_prune_settings: for parameter \"keep_recent\": -1 is out of range, want 0 to 4294967295",
        ),
        (
            "ci_settings(timeout='soon')",
            "ci_settings: for parameter \"timeout\": time: invalid duration \"soon\"",
        ),
        (
            "ci_settings(timeout='5')",
            "ci_settings: for parameter \"timeout\": time: missing unit in duration \"5\"",
        ),
        (
            "ci_settings(timeout=5)",
            "ci_settings: for parameter \"timeout\": Expected string. Got: int",
        ),
        (
            "ci_settings(timeout='-5m')",
            "ci_settings: for parameter \"timeout\": -5m is negative",
        ),
        (
            "secret_settings()",
            "secret_settings: missing argument for disable_scrub",
        ),
        ("set_team('')", "team_id cannot be empty"),
        (
            "set_team('a')\nset_team('b')",
            "team_id set multiple times (to 'a' and 'b')",
        ),
        (
            "default_registry('a.io')\ndefault_registry('b.io')",
            "default registry already defined",
        ),
        (
            "default_registry('')",
            "validating defaultRegistry: host: Required value",
        ),
        (
            "trigger_mode(1)",
            "trigger_mode: for parameter \"trigger_mode\": got int, want TriggerMode",
        ),
        (
            "trigger_mode(TRIGGER_MODE_MANUAL)\ntrigger_mode(TRIGGER_MODE_AUTO)",
            "trigger_mode can only be called once. It was already called at $DIR/Tiltfile:1:13",
        ),
        ("enable_feature('x')", "Unknown feature flag: x"),
        (
            "disable_feature('snapshot')",
            "Unknown feature flag: snapshot (did you mean snapshots?)",
        ),
        ("experimental_telemetry_cmd('')", "cmd cannot be empty"),
        (
            "experimental_telemetry_cmd('a b')\nexperimental_telemetry_cmd('c')",
            "experimental_telemetry_cmd called multiple times; already set to a b",
        ),
        (
            "experimental_analytics_report({'a': 1})",
            "experimental_analytics_report: for parameter \"tags\": value for key \"a\" is not a string: 1 (a int)",
        ),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
    let registry = message("default_registry('foo bar')");
    assert!(
        registry.starts_with("validating defaultRegistry: host: Invalid value: \"foo bar\": "),
        "{registry}"
    );
}
