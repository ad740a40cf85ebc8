//! Extensions that are not bundled: out of folders and git repositories, by the rules for both.

use std::process::Stdio;

use super::{Place, git};

/// A checkout laid out as the published one: a folder an extension, some in folders of their own, with scripts beside them.
fn place_with_repository() -> Place {
    let place = Place::new();
    place.file(
        "extensions/hello/Tiltfile",
        "load('../words/Tiltfile', 'word')\ndef hello(who): print(word, who)\n",
    );
    place.file("extensions/words/Tiltfile", "word = 'hello'\n");
    place.file(
        "extensions/tests/golang/Tiltfile",
        "def test_go(name, package): local_resource(name, ['go', 'test', package])\n",
    );
    place.file(
        "extensions/scripted/Tiltfile",
        "here = os.getcwd()\ndef scripted(): return str(local(['sh', os.path.join(here, 'say.sh')], quiet=True, echo_off=True)).strip()\n",
    );
    place.file("extensions/scripted/say.sh", "echo said\n");
    place.file(
        "extensions/uses/Tiltfile",
        "load('ext://hello', 'hello')\ndef uses(): hello('from another')\n",
    );
    place
}

fn folder(place: &Place) -> String {
    format!("file://{}/extensions", place.dir().display())
}

#[test]
fn a_folder_stands_in_for_the_default_repository() {
    let place = place_with_repository();
    let ran = place
        .load(&format!(
            "v1alpha1.extension_repo(name='default', url='{}')
load('ext://hello', 'hello')
load('ext://tests/golang', 'test_go')
load('ext://scripted', 'scripted')
load('ext://uses', 'uses')
hello('world')
uses()
test_go('unit', './...')
print(scripted())
",
            folder(&place)
        ))
        .succeeded();
    assert_eq!(ran.names(), ["unit"]);
    assert!(
        ran.log.contains("hello world\nhello from another\nsaid\n"),
        "{}",
        ran.log
    );
    let watched = ran.result["ConfigFiles"].to_string();
    for file in ["extensions/hello/Tiltfile", "extensions/words/Tiltfile"] {
        assert!(watched.contains(file), "{file} in {watched}");
    }
    let objects = &ran.result["ObjectSet"]["tilt.dev/v1alpha1, Resource=extensions"];
    let nested = &objects["tests_golang"]["spec"];
    assert_eq!(
        (nested["repoName"].as_str(), nested["repoPath"].as_str()),
        (Some("default"), Some("tests/golang"))
    );
}

#[test]
fn names_lead_to_the_repository_with_the_longest_matching_host() {
    let place = place_with_repository();
    place.file("inner/deep/Tiltfile", "where = 'inner'\n");
    place.file("extensions/deep/Tiltfile", "where = 'outer'\n");
    let ran = place
        .load(&format!(
            "v1alpha1.extension_repo(name='outer', url='{outer}', load_host='example.test')
v1alpha1.extension_repo(name='inner', url='file://{dir}/inner', load_host='example.test/team')
v1alpha1.extension(name='mine', repo_name='outer', repo_path='words')
load('ext://example.test/deep', outer='where')
load('ext://example.test/team/deep', inner='where')
load('ext://mine', 'word')
print(outer, inner, word)
",
            outer = folder(&place),
            dir = place.dir().display()
        ))
        .succeeded();
    assert!(ran.said("outer inner hello"), "{}", ran.log);
}

#[test]
fn what_is_no_extension_is_refused() {
    let place = place_with_repository();
    place.file("secret/Tiltfile", "print('out of bounds')\n");
    place.file("extensions/tilt_modules/x/Tiltfile", "");
    let repository = folder(&place);
    let dir = "$DIR/extensions";
    for (tiltfile, want) in [
        (
            format!("v1alpha1.extension_repo(name='default', url='{repository}')\nload('ext://nothing', 'x')\n"),
            format!("loading extension nothing: no extension tiltfile found at {dir}/nothing/Tiltfile"),
        ),
        (
            format!("v1alpha1.extension_repo(name='default', url='{repository}')\nload('ext://../secret', 'x')\n"),
            "loading extension .._secret: invalid repo path: ../secret".to_owned(),
        ),
        (
            format!(
                "v1alpha1.extension_repo(name='r', url='{repository}')
v1alpha1.extension(name='e', repo_name='r', repo_path='hello/../../secret')\nload('ext://e', 'x')\n"
            ),
            "loading extension e: invalid repo path: hello/../../secret".to_owned(),
        ),
        (
            format!("v1alpha1.extension_repo(name='default', url='{repository}')\nload('ext://tilt_modules/x', 'x')\n"),
            "loading extension tilt_modules_x: invalid repo path: tilt_modules/x".to_owned(),
        ),
        (
            "v1alpha1.extension_repo(name='default', url='file:///no/such/folder')\nload('ext://x', 'x')\n".to_owned(),
            "loading extension repo default: loading: stat /no/such/folder: no such file or directory".to_owned(),
        ),
    ] {
        let failure = place.load(&tiltfile).failure();
        assert!(failure.contains(&want), "{tiltfile}: {failure}");
    }
}

#[test]
fn a_name_that_is_unknown_is_compared_with_those_that_come_along() {
    let place = Place::new();
    // Upstream's repository is out of reach: whatever is not bundled cannot be fetched.
    let load = |name: &str| {
        let mut command = place.tilt(&format!("load('ext://{name}', 'x')\n"));
        place.ran(offline(&mut command)).failure()
    };
    let failure = load("restart_proces");
    assert!(
        failure.contains("did you mean `ext://restart_process`, which comes with tilt?"),
        "{failure}"
    );
    let failure = load("xyz");
    assert!(
        failure.contains("these come with tilt: cancel, configmap, "),
        "{failure}"
    );
}

/// Sends every request of git into a folder that is not there.
fn offline(command: &mut std::process::Command) -> &mut std::process::Command {
    command
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "url.file:///no/such/folder/.insteadOf")
        .env("GIT_CONFIG_VALUE_0", "https://")
}

/// A place where `https://example.test/` is a folder, `origin`, with a repository `team/extensions`.
fn place_with_origin() -> Place {
    let place = Place::new();
    place.file("origin/team/extensions/greet/Tiltfile", "greeting = 'first'\n");
    place.file("origin/team/extensions/below/greet/Tiltfile", "greeting = 'below'\n");
    let origin = place.dir().join("origin/team/extensions");
    git(&origin, "init --quiet --initial-branch trunk");
    git(&origin, "add .");
    git(&origin, "commit --quiet -m first");
    git(&origin, "tag v1");
    change(&place, "second");
    place
}

fn change(place: &Place, greeting: &str) {
    place.file(
        "origin/team/extensions/greet/Tiltfile",
        &format!("greeting = '{greeting}'\n"),
    );
    let origin = place.dir().join("origin/team/extensions");
    git(&origin, "add .");
    git(&origin, &format!("commit --quiet -m {greeting}"));
}

fn with_origin(place: &Place, tiltfile: &str) -> std::process::Command {
    let mut command = place.tilt(tiltfile);
    command
        .env("GIT_CONFIG_COUNT", "1")
        .env(
            "GIT_CONFIG_KEY_0",
            format!("url.file://{}/origin/.insteadOf", place.dir().display()),
        )
        .env("GIT_CONFIG_VALUE_0", "https://example.test/");
    command
}

fn greets(more: &str) -> String {
    format!(
        "v1alpha1.extension_repo(name='default', url='https://example.test/team/extensions'{more})
load('ext://greet', 'greeting')
print(greeting)
"
    )
}

#[test]
fn a_repository_is_cloned_pulled_once_a_session_and_pinned_by_ref() {
    let place = place_with_origin();
    let load = |more: &str| {
        let ran = place.ran(&mut with_origin(&place, &greets(more))).succeeded();
        ran.log.lines().rev().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(load(""), "second");
    change(&place, "third");
    assert_eq!(load(""), "third", "another session");
    assert_eq!(load(", ref='v1'"), "first");
    assert_eq!(load(", git_subpath='below'"), "below");
    assert_eq!(load(""), "third", "a pin moves nobody else");
}

#[test]
fn a_repository_that_is_gone_is_used_as_it_was() {
    let place = place_with_origin();
    place.ran(&mut with_origin(&place, &greets(""))).succeeded();
    std::fs::remove_dir_all(place.dir().join("origin")).unwrap();
    let ran = place.ran(&mut with_origin(&place, &greets(""))).succeeded();
    assert!(ran.said("second"), "{}", ran.log);
    let stale = "extension repo default is not up to date: git fetch: fatal: ";
    assert!(ran.log.contains(stale), "{}", ran.log);
}

#[test]
fn instances_that_start_at_once_share_the_first_clone() {
    let place = place_with_origin();
    let tiltfile = greets("");
    // All are ready before the first one reads the Tiltfile.
    let mut commands = [(); 4].map(|()| with_origin(&place, &tiltfile));
    let start =
        |command: &mut std::process::Command| command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let children = commands.each_mut().map(start);
    for child in children {
        let output = child.wait_with_output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && log.contains("\nsecond\n"), "{log}");
    }
}

#[test]
fn rules_for_repositories_are_upstreams() {
    let place = place_with_origin();
    let folder = format!("file://{}/origin/team/extensions", place.dir().display());
    for (fields, want) in [
        (
            format!("url='{folder}', ref='v1'"),
            "spec.ref not supported on file:// repos",
        ),
        (
            format!("url='{folder}', git_subpath='below'"),
            "cannot use git_subpath for file:// URL extension repositories",
        ),
        (
            "url='file://relative'".to_owned(),
            "file:// URLs must be absolute (e.g., file:///home/user/repo)",
        ),
        (
            "url='https://example.test/team/extensions', git_subpath='../..'".to_owned(),
            "invalid git_subpath: ../..",
        ),
        (
            "url='https://example.test/team/extensions', ref='v9'".to_owned(),
            "sync to ref v9: ",
        ),
    ] {
        let tiltfile = format!("v1alpha1.extension_repo(name='default', {fields})\nload('ext://greet', 'greeting')\n");
        let ran = place.ran(&mut with_origin(&place, &tiltfile));
        assert_eq!(ran.exit, Some(5), "{}", ran.log);
        assert!(ran.log.contains(want), "{fields}: {}", ran.log);
    }
}

#[test]
fn what_published_extensions_are_written_with_is_understood() {
    let place = Place::new();
    place.file(
        "project/web.yaml",
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, labels: {x: why}}\n",
    );
    place.file("extensions/mixed/Tiltfile", MIXED);
    let ran = place
        .load(&format!(
            "v1alpha1.extension_repo(name='default', url='{}')\nload('ext://mixed', 'mixed', 'color')\nmixed()\nprint(color.red('é'))\n",
            folder(&place)
        ))
        .succeeded();
    for line in [
        "up to /",
        "deep: web why",
        "1.20.3 is newer",
        "PORT=80 echo | a=1 b=x",
        "\u{1b}[0;31mé\u{1b}[0m",
    ] {
        assert!(ran.said(line), "{line} in {}", ran.log);
    }
    assert_eq!(ran.names(), ["web", "odd:name & more"]);
    assert_eq!(
        ran.resource("web")["ResourceDependencies"],
        serde_json::json!(["odd:name & more"])
    );
}

/// One of each habit: blocks by tabs below blocks by spaces, `while`, reading globals that come later, nested functions that
/// recur, parameters named like builtins, arguments of every kind in one call.
const MIXED: &str = r#"#!/usr/bin/env python
'''Not only docstrings stand alone — ✨'''

def _top():
    current = os.path.abspath('./')
    while current != '/':
        current = os.path.dirname(current)
    return current

def _versions(v):
  ret, part, number = [], '', v[0].isdigit()
  for c in v.elems():
    if c.isdigit() != number:
      ret.append(int(part) if part.isdigit() else part)
      part, number = '', c.isdigit()
    part += c
  return ret + [int(part) if part.isdigit() else part]

def mixed(set=[], dir='', config = None):
    def walk(tree, name):
        for k, v in tree.items():
            if type(v) == 'dict':
                walk(v, name + k)
            elif k == name:
                tree[k] = later(v)
    print("up to", _top())
    if not dir:
	objects = read_yaml_stream('web.yaml')	# by a tab
	for o in objects:
		walk(o, 'x')

    print('deep: %(name)s %(x)s' % {'name': "web", 'x': objects[0]['metadata']['labels']['x']})
    if _versions('1.20.3') > _versions('1.9'): print('1.20.3 is newer')
    found, _ = filter_yaml(encode_yaml_stream(objects), name='^a$')
    if found:
        k8s_yaml(found)
    (name, slash, rest) = 'web/x'.partition("/")
    resource = {'objects': ['a'], 'labels': tuple(['x'])}
    args = []
    k8s_resource(*args, new_name=name, resource_deps=['odd:name & more'], **resource)
    local_resource('odd:name & more', 'PORT=%d %s' % (80, 'echo') +
                   " | {a} {b}".
                   format(a='a=1', b="b=x",),
                   trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False, labels='y')
    print('PORT=%d %s' % (80, 'echo'), "| a={} b={x}".format(1, x='x'))

later = lambda v: v
RED = '\033[0;31m'

def _paint(c, value):
    return c + value + '\033[0m'

color = struct(red=lambda value: _paint(RED, value), names=['red'])
"#;
