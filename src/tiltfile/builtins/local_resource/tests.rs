//! `local_resource()` and `test()`: what they declare, and what they refuse.

use crate::model::local::{LocalTarget, ProbeAction};
use crate::model::project::{Resource, Target, TriggerMode};
use crate::tiltfile::convert::locals;
use crate::tiltfile::convert::testing::{declared, shown};
use crate::tiltfile::testing::Tiltfile;

fn resources(tiltfile: &Tiltfile) -> Vec<Resource> {
    declared(tiltfile, |run| Ok(locals::resources(run))).expect("resources")
}

fn resource(tiltfile: &Tiltfile) -> Resource {
    resources(tiltfile).remove(0)
}

fn target(resource: &Resource) -> &LocalTarget {
    match &resource.target {
        Target::Local(target) => target,
        other => panic!("not local: {other:?}"),
    }
}

#[test]
fn a_command_with_its_surroundings() {
    let tiltfile = Tiltfile::new(
        "local_resource('build', 'make build', deps=['src', 'Makefile'], ignore=['src/gen'], env={'X': '1'}, dir='src', labels='l', resource_deps=['x', 'y'], links=['localhost:8000', 'https://e.org'])\n",
    );
    let resource = resource(&tiltfile);
    let target = target(&resource);
    let update = target.update.as_ref().expect("a command");
    assert_eq!(update.argv, ["sh", "-c", "make build"]);
    assert_eq!(
        (update.dir.clone(), update.env.join(",")),
        (tiltfile.dir().join("src"), "X=1".to_owned())
    );
    assert!(target.serve.is_empty() && target.serve.dir.as_os_str().is_empty());
    assert_eq!(target.deps, ["src", "Makefile"].map(|dep| tiltfile.dir().join(dep)));
    assert_eq!(shown(&tiltfile, &target.watch_ignores), ["$DIR: src/gen"]);
    assert!(!target.allow_parallel);
    assert_eq!(
        (resource.name.as_str(), resource.deps.join(",")),
        ("build", "x,y".to_owned())
    );
    assert_eq!(resource.labels.iter().collect::<Vec<_>>(), ["l"]);
    let links: Vec<String> = target.links.iter().map(|link| link.url.to_string()).collect();
    assert_eq!(links, ["http://localhost:8000", "https://e.org"]);
}

#[test]
fn what_only_serves_never_waits_for_others() {
    let tiltfile = Tiltfile::new(
        "local_resource('serve', serve_cmd=['./serve', '--port', '8000'], serve_env={'P': '8000'}, serve_dir='src')\n",
    );
    let resource = resource(&tiltfile);
    let target = target(&resource);
    assert_eq!(target.update, None);
    assert_eq!(target.serve.argv, ["./serve", "--port", "8000"]);
    assert_eq!(
        (target.serve.dir.clone(), target.serve.env.join(",")),
        (tiltfile.dir().join("src"), "P=8000".to_owned())
    );
    assert!(target.allow_parallel);
}

#[test]
fn checkouts_among_deps_and_around_the_tiltfile_hide_their_git_folder() {
    let tiltfile = Tiltfile::new("include('nested/Tiltfile')\n")
        .file(
            "nested/Tiltfile",
            "local_resource('n', 'x', deps=['foo/bar', 'repo'], ignore='*.a')\n",
        )
        .file("nested/.git/HEAD", "")
        .file("nested/repo/.git/HEAD", "")
        .file(".git/HEAD", "");
    let resource = resource(&tiltfile);
    let expected = ["$DIR/nested/repo/.git", "$DIR/nested/.git", "$DIR/nested: *.a"];
    assert_eq!(shown(&tiltfile, &target(&resource).watch_ignores), expected);
    assert_eq!(
        target(&resource).update.as_ref().expect("a command").dir,
        tiltfile.dir().join("nested")
    );
}

#[test]
fn modes_combine_changes_and_the_first_start() {
    let table = [
        ("", TriggerMode::Auto),
        (", auto_init=False", TriggerMode::AutoWithManualInit),
        (", trigger_mode=TRIGGER_MODE_MANUAL", TriggerMode::ManualWithAutoInit),
        (
            ", trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False",
            TriggerMode::Manual,
        ),
        (", trigger_mode=TRIGGER_MODE_AUTO, auto_init=True", TriggerMode::Auto),
    ];
    for (options, mode) in table {
        assert_eq!(
            resource(&Tiltfile::new(&format!("local_resource('a', 'x'{options})\n"))).trigger,
            mode,
            "{options}"
        );
    }
}

#[test]
fn the_default_mode_counts_whenever_it_is_set() {
    use crate::model::project::Trigger;
    let tiltfile =
        Tiltfile::new("local_resource('a', 'x')\nlocal_resource('b', 'x', trigger_mode=TRIGGER_MODE_AUTO)\n");
    let modes = declared(&tiltfile, |run| {
        run.declared.borrow_mut().trigger = Some((Trigger::Manual, String::new()));
        Ok(locals::resources(run)
            .iter()
            .map(|resource| resource.trigger)
            .collect::<Vec<_>>())
    });
    assert_eq!(modes.unwrap(), [TriggerMode::ManualWithAutoInit, TriggerMode::Auto]);
}

#[test]
fn a_test_is_a_parallel_resource_that_is_warned_of() {
    let tiltfile = Tiltfile::new("test('t', 'x')\ntest('u', 'x', allow_parallel=False)\n");
    let parallel: Vec<bool> = resources(&tiltfile)
        .iter()
        .map(|resource| target(resource).allow_parallel)
        .collect();
    assert_eq!(parallel, [true, false]);
    let text = "test() is deprecated and will be removed in a future release.\nChange this call to use `local_resource(..., allow_parallel=True)`";
    assert_eq!(tiltfile.eval().warnings(), [text, text]);
}

#[test]
fn a_probe_without_a_server_is_ignored_with_a_warning() {
    let declare = |commands: &str| {
        Tiltfile::new(&format!(
            "local_resource('a', {commands}, readiness_probe=probe(exec=exec_action(['true'])))\n"
        ))
    };
    assert_eq!(target(&resource(&declare("'x'"))).readiness_probe, None);
    assert_eq!(
        declare("'x'").eval().warnings(),
        ["Ignoring readiness probe for local resource \"a\" (no serve_cmd was defined)"]
    );
    let served = resource(&declare("serve_cmd='x'"));
    let action = target(&served)
        .readiness_probe
        .as_ref()
        .map(|probe| probe.action.clone());
    assert_eq!(action, Some(ProbeAction::Exec(vec!["true".to_owned()])));
}

#[test]
fn mistakes_are_refused_in_upstreams_words() {
    let table = [
        (
            "local_resource('a')",
            "local_resource must have a cmd and/or a serve_cmd, but both were empty",
        ),
        (
            "local_resource('a', '')",
            "local_resource must have a cmd and/or a serve_cmd, but both were empty",
        ),
        (
            "local_resource('a', dir='x')",
            "local_resource: 'dir' specified but 'cmd' is empty",
        ),
        (
            "local_resource('a', serve_cmd='x', dir='x')",
            "local_resource: 'dir' only affects 'cmd', not 'serve_cmd'. Did you mean to use 'serve_dir' instead?",
        ),
        (
            "local_resource('a', 'x', serve_dir='x')",
            "local_resource: 'serve_dir' specified but 'serve_cmd' is empty",
        ),
        (
            "local_resource('a', 'x')\nlocal_resource('a', 'y')",
            "local_resource named \"a\" already exists",
        ),
        (
            "local_resource('a/b', 'x')",
            "local_resource: for parameter \"name\": invalid value \"a/b\": may not contain '/'",
        ),
        (
            "local_resource('a', 'x', labels=['a/b'])",
            "local_resource: for parameter \"labels\": Invalid label \"a/b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
        (
            "local_resource('a', 'x', ignore=['a\\n'])",
            "ignore cannot contain newlines; found ignore: \"a\\n\"",
        ),
        (
            "local_resource('a', 'x', trigger_mode='auto')",
            "local_resource: for parameter \"trigger_mode\": got string, want TriggerMode: TRIGGER_MODE_AUTO or TRIGGER_MODE_MANUAL",
        ),
        (
            "local_resource('a', 'x', links=[1])",
            "local_resource: for parameter \"links\": a link must be a string, a link(), or a list of those; found 1 (a int)",
        ),
        (
            "local_resource('a', 'x', links='')",
            "local_resource: for parameter \"links\": validating URL \"\": url empty",
        ),
        (
            "local_resource('a', 'x', readiness_probe=1)",
            "local_resource: for parameter \"readiness_probe\": got int, want probe: use probe()",
        ),
        (
            "local_resource('a', 5)",
            "local_resource: for parameter \"cmd\": a command must be a string or list of strings; found int",
        ),
        (
            "local_resource('a', 'x', env={'A': 1})",
            "local_resource: for parameter \"env\": value for key \"A\" is not a string: 1 (a int)",
        ),
    ];
    for (call, message) in table {
        assert_eq!(Tiltfile::new(&format!("{call}\n")).eval().message(), message, "{call}");
    }
}

#[test]
fn none_is_not_given() {
    let call = "local_resource('a', cmd='x', dir=None, serve_cmd=None, serve_dir=None, deps=None, links=None, labels=None, readiness_probe=None, env=None, trigger_mode=None, resource_deps=None)\n";
    let tiltfile = Tiltfile::new(call);
    assert_eq!(
        target(&resource(&tiltfile)).update.as_ref().expect("a command").dir,
        tiltfile.dir()
    );
}

#[test]
fn links_may_have_names() {
    let resource = resource(&Tiltfile::new(
        "local_resource('a', 'x', links=[struct(url='e.org/x', name='docs')])\n",
    ));
    let link = &target(&resource).links[0];
    assert_eq!(
        (link.url.to_string().as_str(), link.name.as_str()),
        ("http://e.org/x", "docs")
    );
}
