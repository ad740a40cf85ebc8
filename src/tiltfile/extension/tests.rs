//! Where `ext://` leads, and what is recorded of it.

use std::path::Path;

use super::*;
use crate::model::command::Command;
use crate::model::yaml::json::compact;
use crate::tiltfile::testing::{Evaluated, Tiltfile};
use crate::world::process::{self, Invocation};

/// A Tiltfile beside a folder `repo` that holds extensions; `$DIR` in the text is the folder of both.
fn beside_repo(text: &str) -> Tiltfile {
    let tiltfile = Tiltfile::new("").file(
        "repo/hello/Tiltfile",
        "def hi():\n  print('hi from', v1alpha1.ignore_def('.')['base_path'])",
    );
    let tiltfile = tiltfile.file("repo/nested/deep/Tiltfile", "load('ext://hello', 'hi')\nhi()\nx = 1");
    let text = text.replace("$DIR", &tiltfile.dir().display().to_string());
    tiltfile.file("Tiltfile", text)
}

fn object(evaluated: &Evaluated, plural: &str, name: &str) -> String {
    let object = evaluated.project().objects.get(plural, name).map(Object::to_json_tree);
    let json = object.map(|object| compact(&object)).unwrap_or_default();
    json.replace(&evaluated.dir().display().to_string(), "$DIR")
}

#[test]
fn a_bundled_extension_needs_no_network() {
    let evaluated = Tiltfile::new("load('ext://global_vars', 'get_global')\nprint(type(get_global))")
        .env("PATH", "/nowhere")
        .eval();
    assert_eq!(evaluated.said(), "function\n");
    assert_eq!(
        object(&evaluated, "extensions", "global_vars"),
        r#"{"metadata":{"annotations":{"tilt.dev/managed-by":"tiltfile.loader"},"name":"global_vars"},"spec":{"repoName":"default","repoPath":"global_vars"},"status":{}}"#
    );
    assert_eq!(
        object(&evaluated, "extensionrepos", "default"),
        r#"{"metadata":{"name":"default"},"spec":{"url":"https://github.com/tilt-dev/tilt-extensions"},"status":{"lastFetchedAt":null}}"#
    );
    let watched = evaluated.watched();
    assert!(
        watched.iter().any(|path| path.ends_with("/global_vars/Tiltfile")),
        "{watched:?}"
    );
}

#[test]
fn a_registered_repository_goes_before_what_is_bundled() {
    let text = "v1alpha1.extension_repo(name='default', url='file://$DIR/repo')\nload('ext://dotenv', 'dotenv')\nprint(dotenv)";
    let evaluated = beside_repo(text).file("repo/dotenv/Tiltfile", "dotenv = 'ours'").eval();
    assert_eq!(evaluated.said(), "ours\n");
}

#[test]
fn extensions_load_extensions_and_run_where_they_are() {
    let text = "v1alpha1.extension_repo(name='default', url='file://$DIR/repo')\nload('ext://nested/deep', 'x')\nload('ext://hello', 'hi')\nhi()";
    let evaluated = beside_repo(text).eval();
    assert_eq!(evaluated.said(), "hi from $DIR/repo/nested/deep\nhi from $DIR\n");
    assert_eq!(
        evaluated.watched(),
        ["Tiltfile", "repo/hello/Tiltfile", "repo/nested/deep/Tiltfile"]
    );
    assert!(object(&evaluated, "extensions", "nested_deep").contains(r#""repoPath":"nested/deep""#));
}

#[test]
fn an_extension_is_found_by_its_registered_name() {
    let text = "v1alpha1.extension_repo(name='ours', url='file://$DIR/repo')\n\
                v1alpha1.extension(name='greeting', repo_name='ours', repo_path='hello')\n\
                load('ext://greeting', 'hi')\nhi()";
    let evaluated = beside_repo(text).eval();
    assert_eq!(evaluated.said(), "hi from $DIR\n");
    assert!(object(&evaluated, "extensions", "greeting").contains(r#""tilt.dev/managed-by":"tiltfile.loader""#));
}

#[test]
fn a_repository_can_answer_for_names_that_begin_with_its_host() {
    let text = "v1alpha1.extension_repo(name='short', url='file:///nowhere', load_host='example.com')\n\
                v1alpha1.extension_repo(name='ours', url='file://$DIR/repo', load_host='example.com/team')\n\
                load('ext://example.com/team/hello', 'hi')\nhi()";
    let evaluated = beside_repo(text).eval();
    assert_eq!(evaluated.said(), "hi from $DIR\n");
    assert!(
        object(&evaluated, "extensions", "example.com_team_hello")
            .contains(r#""spec":{"repoName":"ours","repoPath":"hello"}"#)
    );
}

#[test]
fn what_was_loaded_may_be_declared_again() {
    let text = "v1alpha1.extension_repo(name='default', url='file://$DIR/repo')\nload('ext://hello', 'hi')\n\
                v1alpha1.extension(name='hello', repo_name='default', repo_path='hello')";
    let evaluated = beside_repo(text).eval();
    assert!(!object(&evaluated, "extensions", "hello").contains("managed-by"));
    let text = "v1alpha1.extension_repo(name='default', url='file://$DIR/repo')\nload('ext://hello', 'hi')\n\
                v1alpha1.extension(name='hello', repo_name='other')";
    assert_eq!(
        beside_repo(text).eval().message(),
        "extensions \"hello\" already registered"
    );
}

#[test]
fn two_tiltfiles_may_load_the_same_extension() {
    let one = "v1alpha1.extension_repo(name='ours', url='file://$DIR/repo')\n\
               v1alpha1.extension(name='greeting', repo_name='ours', repo_path='hello')\n\
               load('ext://greeting', 'hi')\nhi()";
    let tiltfile = beside_repo("include('Tiltfile.a')\ninclude('Tiltfile.b')");
    let one = one.replace("$DIR", &tiltfile.dir().display().to_string());
    let evaluated = tiltfile.file("Tiltfile.a", &one).file("Tiltfile.b", &one).eval();
    assert_eq!(evaluated.said(), "hi from $DIR\nhi from $DIR\n");
}

#[test]
fn what_leads_nowhere_says_why() {
    let repo = "v1alpha1.extension_repo(name='default', url='file://$DIR/repo')\n";
    for (text, expected) in [
        (
            format!("{repo}load('ext://missing', 'x')"),
            "cannot load ext://missing: loading extension missing: no extension tiltfile found at $DIR/repo/missing/Tiltfile",
        ),
        (
            format!("{repo}load('ext://../x', 'x')"),
            "cannot load ext://../x: loading extension .._x: invalid repo path: ../x",
        ),
        (
            "v1alpha1.extension_repo(name='default', url='file://$DIR/none')\nload('ext://x', 'x')".to_owned(),
            "cannot load ext://x: loading extension repo default: loading: stat $DIR/none: no such file or directory",
        ),
        (
            format!(
                "{repo}v1alpha1.extension(name='x', repo_name='default', repo_path='tilt_modules/a')\nload('ext://x', 'x')"
            ),
            "cannot load ext://x: loading extension x: invalid repo path: tilt_modules/a",
        ),
    ] {
        assert_eq!(beside_repo(&text).eval().message(), expected, "{text}");
    }
}

#[test]
fn an_unknown_name_brings_the_bundled_one_to_mind() {
    let message = Tiltfile::new("load('ext://restart_proces', 'x')")
        .env("PATH", "/nowhere")
        .eval()
        .message();
    assert_eq!(
        message,
        "cannot load ext://restart_proces: loading extension repo default: download error: git is not installed or not on $PATH \
         (did you mean `ext://restart_process`, which comes with tilt?)"
    );
    let message = Tiltfile::new("load('ext://zzz', 'x')")
        .env("PATH", "/nowhere")
        .eval()
        .message();
    assert!(
        message.contains(" (these come with tilt: cancel, configmap, "),
        "{message}"
    );
}

/// Makes a repository of a folder: a first commit with the tag `v1`, then one that overwrites `file`.
fn commit_twice(folder: &Path, file: &str, content: &str) {
    let commit = "git -c user.name=a -c user.email=a@example.test commit -qam";
    let script = format!(
        "git init -q . && git add . && {commit} one && git tag v1 && echo \"{content}\" > {file} && {commit} two"
    );
    let env = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ];
    let invocation = Invocation {
        argv: Command::shell(&script),
        dir: folder.to_owned(),
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Invocation::default()
    };
    process::capture(&invocation).expect("git works");
}

#[test]
fn a_repository_is_checked_out_at_its_ref() {
    let origin = Tiltfile::new("").file("team/ext/sub/greet/Tiltfile", "x = 'first'");
    commit_twice(&origin.dir().join("team/ext"), "sub/greet/Tiltfile", "x = 'second'");
    let loaded = |extra: &str| {
        let text = format!(
            "v1alpha1.extension_repo(name='r', url='https://example.com/team/ext', load_host='t', git_subpath='sub'{extra})\n\
             load('ext://t/greet', 'x')\nprint(x)"
        );
        // Git is told that the host is the folder.
        let tiltfile = Tiltfile::new(&text)
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_VALUE_0", "https://example.com/");
        let key = format!("url.file://{}/.insteadOf", origin.dir().display());
        tiltfile
            .env("GIT_CONFIG_KEY_0", &key)
            .eval()
            .said()
            .lines()
            .last()
            .map(str::to_owned)
    };
    assert_eq!(loaded(", ref='v1'").as_deref(), Some("first"));
    assert_eq!(loaded("").as_deref(), Some("second"));
}

#[test]
fn names_of_objects_have_no_slashes() {
    assert_eq!(object_name("a/b%c"), "a_b_c");
}

#[test]
fn only_the_unpinned_upstream_repository_is_bundled() {
    let place = |url: &str, reference: &str| Place {
        extension: "x".to_owned(),
        repo_name: "default".to_owned(),
        repo: Repo {
            url: url.to_owned(),
            reference: reference.to_owned(),
            subpath: String::new(),
        },
        path: "x".to_owned(),
    };
    assert!(place(DEFAULT_URL, "").is_upstream());
    assert!(place("https://github.com/tilt-dev/tilt-extensions.git/", "").is_upstream());
    assert!(!place(DEFAULT_URL, "v1").is_upstream());
    assert!(!place("file:///tilt-extensions", "").is_upstream());
}

#[test]
fn a_builtin_can_be_loaded_under_another_name() {
    let evaluated =
        Tiltfile::new("load('builtin://config.parse', _parse='parse')\nparse = _parse\nprint(parse, parse())").eval();
    assert_eq!(evaluated.said(), "<built-in function config.parse> {}\n");
    let message = Tiltfile::new("load('builtin://pak', 'pak')").eval().message();
    assert_eq!(message, "cannot load builtin://pak: there is no such builtin");
}
