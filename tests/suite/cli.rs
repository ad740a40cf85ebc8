//! The command line as a person, a script and a shell meet it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{is_skipped_without, root, stderr, stdout, testdata, tilt};

fn run(dir: &Path, words: &[&str]) -> Output {
    tilt(dir).args(words).output().unwrap()
}

/// Runs in a folder with the given Tiltfile.
fn run_on(tiltfile: &str, words: &[&str]) -> Output {
    let dir = folder_with(tiltfile);
    run(dir.path(), words)
}

fn folder_with(tiltfile: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Tiltfile"), tiltfile).unwrap();
    dir
}

#[test]
fn help_is_a_result_not_an_error() {
    for (words, shown) in [
        (&[][..], "Usage: tilt [OPTIONS] [COMMAND]"),
        (&["help"], "Usage: tilt [OPTIONS] [COMMAND]"),
        (&["-v"], "Usage: tilt [OPTIONS] [COMMAND]"),
        (&["help", "version"], "Usage: tilt version [OPTIONS]"),
        (&["alpha"], "Usage: tilt alpha [OPTIONS] <COMMAND>"),
        (&["lsp"], "Usage: tilt lsp [OPTIONS] <COMMAND>"),
        (
            &["alpha", "graph", "--help"],
            "Usage: tilt alpha graph [OPTIONS] [TILTFILE ARGS]...",
        ),
        (&["lsp", "start", "-h"], "Usage: tilt lsp start [OPTIONS]"),
    ] {
        let output = run(root(), words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(stdout(&output).contains(shown), "{words:?}: {}", stdout(&output));
        assert_eq!(stderr(&output), "", "{words:?}");
    }
}

#[test]
fn the_version_is_the_same_line_wherever_it_is_asked_for() {
    let version = stdout(&run(root(), &["version"]));
    let (number, built) = version.trim_end().split_once(", built ").unwrap();
    assert!(
        number.starts_with('v') && number[1..].starts_with(env!("CARGO_PKG_VERSION")),
        "{version}"
    );
    assert_eq!(
        built.split('-').map(str::len).collect::<Vec<_>>(),
        [4, 2, 2],
        "{version}"
    );
    for words in [
        &["--version"][..],
        &["-V"],
        &["version", "-d", "-v"],
        &["--klog", "9", "version"],
    ] {
        assert_eq!(stdout(&run(root(), words)), version, "{words:?}");
    }
}

#[test]
fn a_command_line_that_means_nothing_is_an_error_with_usage() {
    for (words, error, usage) in [
        (
            &["versoin"][..],
            "Error: unknown command \"versoin\" for \"tilt\"\n\nDid you mean this?\n\tversion\n",
            "Usage: tilt [OPTIONS] [COMMAND]\n\nRun `tilt --help` for more.\n",
        ),
        (
            &["qqqqqq"],
            "Error: unknown command \"qqqqqq\" for \"tilt\"\n",
            "Usage: tilt [OPTIONS] [COMMAND]\n\nRun `tilt --help` for more.\n",
        ),
        (
            &["alpha", "grap"],
            "Error: unknown command \"grap\" for \"tilt alpha\"\n\nDid you mean this?\n\tgraph\n",
            "Usage: tilt alpha [OPTIONS] <COMMAND>\n\nRun `tilt alpha --help` for more.\n",
        ),
        (
            &["--verison"],
            "Error: unknown flag: --verison\n\nDid you mean this?\n\t--version\n",
            "Usage: tilt [OPTIONS] [COMMAND]\n\nRun `tilt --help` for more.\n",
        ),
        (
            &["version", "-x"],
            "Error: unknown flag: -x\n",
            "Usage: tilt version [OPTIONS]\n\nRun `tilt version --help` for more.\n",
        ),
        (
            &["version", "now"],
            "Error: unexpected argument \"now\" for \"tilt version\"\n",
            "Usage: tilt version [OPTIONS]\n\nRun `tilt version --help` for more.\n",
        ),
        (
            &["alpha", "tiltfile-result", "--dur-treshold=1s"],
            "Error: unknown flag: --dur-treshold\n\nDid you mean this?\n\t--dur-threshold\n\n\
             Arguments for the Tiltfile stand after `--`: tilt alpha tiltfile-result -- --dur-treshold\n",
            "Usage: tilt alpha tiltfile-result [OPTIONS] [TILTFILE ARGS]...\n\nRun `tilt alpha tiltfile-result --help` for more.\n",
        ),
        (
            &["completion"],
            "Error: the following required arguments were not provided:\n  <SHELL>\n",
            "Usage: tilt completion [OPTIONS] <SHELL>\n\nRun `tilt completion --help` for more.\n",
        ),
        (
            &["--klog", "x", "version"],
            "Error: invalid value 'x' for '--klog <N>': invalid digit found in string\n",
            "Usage: tilt version [OPTIONS]\n\nRun `tilt version --help` for more.\n",
        ),
        (
            &["help", "me"],
            "Error: unknown command \"me\" for \"tilt\"\n",
            "Usage: tilt [OPTIONS] [COMMAND]\n\nRun `tilt --help` for more.\n",
        ),
    ] {
        let output = run(root(), words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert_eq!(
            (stderr(&output).as_str(), stdout(&output).as_str()),
            (error, usage),
            "{words:?}"
        );
    }
}

#[test]
fn an_unknown_shell_is_told_which_ones_there_are() {
    let output = run(root(), &["completion", "tcsh"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("Error: invalid value 'tcsh' for '<SHELL>'"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("bash, zsh, fish, powershell"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn completion_scripts_are_scripts_of_their_shell() {
    for (shell, check) in [
        ("bash", &["bash", "-n"][..]),
        ("zsh", &["zsh", "-n"]),
        ("fish", &["fish", "-n"]),
        ("powershell", &["pwsh", "-NoProfile", "-Command", "-"]),
    ] {
        for flags in [&[][..], &["--no-descriptions"]] {
            let dir = tempfile::tempdir().unwrap();
            let output = tilt(dir.path())
                .args(["completion", shell])
                .args(flags)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            let script = stdout(&output);
            assert!(
                script.contains("tiltfile-result") && script.contains("verify-install"),
                "{script}"
            );
            let describes = script.contains("Evaluate the Tiltfile");
            // Bash shows no descriptions in any case.
            assert_eq!(describes, flags.is_empty() && shell != "bash", "{shell} {flags:?}");
            if shell != "bash" && is_skipped_unless_installed(check[0]) {
                continue;
            }
            let path = dir.path().join("script");
            fs::write(&path, &script).unwrap();
            let checked = Command::new(check[0]).args(&check[1..]).arg(&path).output().unwrap();
            assert!(checked.status.success(), "{shell}: {}", stderr(&checked));
        }
    }
}

/// The other shells are rarely installed; their scripts are looked at nevertheless.
fn is_skipped_unless_installed(shell: &str) -> bool {
    Command::new(shell).arg("--version").output().is_err()
}

#[test]
fn bash_completes_commands_and_flags() {
    let script = stdout(&run(root(), &["completion", "bash"]));
    let ask = "COMP_WORDS=(tilt alpha gr); COMP_CWORD=2; _tilt tilt gr alpha; echo \"${COMPREPLY[@]}\"; \
               COMP_WORDS=(tilt version --verb); COMP_CWORD=2; _tilt tilt --verb version; echo \"${COMPREPLY[@]}\"";
    // As one argument it would be longer than the system allows.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("source \"$0\"\n{ask}")])
        .arg(file.path())
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "graph\n--verbose\n", "{}", stderr(&output));
}

#[test]
fn verify_install_says_that_tilt_runs() {
    let output = run(root(), &["verify-install"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout(&output).contains("is installed and runs. Thank you"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn exit_codes_tell_a_failed_tiltfile_from_other_failures() {
    let result = ["alpha", "tiltfile-result"];
    let with = |more: &[&'static str]| [&result[..], more].concat();
    for (tiltfile, words, code, error) in [
        ("", with(&[]), 0, ""),
        ("exit()", with(&[]), 0, ""),
        ("fail('no')", with(&[]), 5, "Error in fail: no"),
        ("x = = 1", with(&[]), 5, "got '=', want expression"),
        (
            "",
            with(&["-f", "absent/Tiltfile"]),
            5,
            "No Tiltfile found at paths '$DIR/absent/Tiltfile'. Check out https://docs.tilt.dev/tutorial.html",
        ),
        ("", with(&["--file=."]), 5, "read $DIR: is a directory"),
        (
            "",
            with(&["-f", "Tiltfile/x"]),
            5,
            "open $DIR/Tiltfile/x: not a directory",
        ),
        (
            "",
            with(&["--dur-threshold", "1"]),
            1,
            "Error: invalid argument for --dur-threshold: ",
        ),
        (
            "",
            with(&["-f", ""]),
            1,
            "Error: a value is required for '--file <PATH>' but none was supplied",
        ),
        ("", vec!["alpha", "graph"], 0, ""),
        ("fail('no')", vec!["alpha", "graph"], 1, "Error in fail: no"),
    ] {
        let dir = folder_with(tiltfile);
        let output = run(dir.path(), &words);
        let said = stderr(&output).replace(&dir.path().canonicalize().unwrap().display().to_string(), "$DIR");
        assert_eq!(output.status.code(), Some(code), "{words:?} on {tiltfile:?}: {said}");
        assert!(said.contains(error), "{words:?} on {tiltfile:?}: {said}");
        assert!(!said.contains("Usage:"), "{said}");
        assert_eq!(
            stdout(&output).starts_with('{'),
            code == 0 && words[1] == "tiltfile-result",
            "{words:?}"
        );
    }
}

#[test]
fn a_file_that_does_not_run_at_all_has_a_place_and_no_traceback() {
    for (tiltfile, want) in [
        ("x = 1,", "1:5: unparenthesized tuple with trailing comma"),
        ("f(**a, x=1)", "1:8: keyword argument may not follow **kwargs"),
        ("f(x=1, 2)", "1:8: positional argument may not follow named"),
        ("f(a=1, a=2)", "1:8: keyword argument is repeated"),
        ("load('x')", "1:6: load statement must import at least 1 symbol"),
        (
            "1 = 2",
            "1:1: left-hand-side of assignment must take the form `a`, `a.b` or `a[b]`",
        ),
        ("return 1", "1:1: `return` cannot be used outside of a `def` function"),
        ("x = 'abc", "1:5: unfinished string literal"),
        ("import os", "1:1: cannot use reserved keyword `import`"),
        ("pritn(1)", "1:1: undefined: pritn (did you mean `print`?)"),
    ] {
        let dir = folder_with(tiltfile);
        let output = run(dir.path(), &["alpha", "tiltfile-result"]);
        let tiltfile = dir.path().canonicalize().unwrap().join("Tiltfile");
        assert_eq!(stderr(&output), format!("{}:{want}\n", tiltfile.display()));
        assert_eq!(output.status.code(), Some(5));
    }
}

#[test]
fn a_tiltfile_that_may_not_be_read_fails_as_a_tiltfile() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder_with("print('read')");
    let path = dir.path().join("Tiltfile");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let output = run(dir.path(), &["alpha", "tiltfile-result"]);
    // The superuser may read it all the same.
    if fs::read(&path).is_err() {
        assert_eq!(output.status.code(), Some(5));
        assert!(stderr(&output).ends_with("permission denied\n"), "{}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_single_call_that_takes_all_memory_ends_the_command() {
    let text = "s = 'a' * 1000000\nx = ''.join([s] * 100000)\nprint(len(x))\n";
    let folder = folder_with(text);
    for (command, code) in [("tiltfile-result", 5), ("graph", 1)] {
        let output = run(folder.path(), &["alpha", command]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert_eq!(output.stdout, b"");
        let expected = format!(
            "Error: {}: a call takes more memory than a Tiltfile may use (2 GiB).\n",
            folder.path().join("Tiltfile").display()
        );
        assert!(stderr.starts_with(&expected), "{stderr}");
    }
}

#[test]
fn arguments_for_the_tiltfile_stand_behind_flags_or_two_dashes() {
    let tiltfile = "\
config.define_string_list('names', args=True)
config.define_bool('loud')
print(config.parse())
";
    for (words, want) in [
        (&["-v", "a", "b"][..], "{\"names\": [\"a\", \"b\"]}"),
        (&["-v", "--", "--loud", "a"], "{\"names\": [\"a\"], \"loud\": True}"),
        (
            &["a", "-v", "--", "--loud=false"],
            "{\"names\": [\"a\"], \"loud\": False}",
        ),
        (&["-v"], "{}"),
    ] {
        let output = run_on(tiltfile, &[&["alpha", "tiltfile-result"], words].concat());
        assert!(
            stderr(&output).contains(&format!("\n{want}\n")),
            "{words:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn the_log_is_shown_only_when_asked_for() {
    let tiltfile = "print('hello')\nwarn('careful')\nlocal('echo out')\n";
    let quiet = run_on(tiltfile, &["alpha", "tiltfile-result", "--klog=9"]);
    assert_eq!(stderr(&quiet), "");
    for flag in ["-v", "--verbose", "-d", "--debug"] {
        let output = run_on(tiltfile, &["alpha", "tiltfile-result", flag]);
        let said = stderr(&output);
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with("Loading Tiltfile at: /"), "{said}");
        assert_eq!(lines[1..5], ["hello", "careful", "local: echo out", " → out"]);
        assert!(lines[5].starts_with("Successfully loaded Tiltfile ("), "{said}");
        // The result is the same with and without.
        assert_eq!(stdout(&output).len(), stdout(&quiet).len());
    }
    let graph = run_on(tiltfile, &["alpha", "graph"]);
    assert_eq!(stderr(&graph), "warning: careful\n");
}

#[test]
fn builtin_timings_leave_out_what_was_quick() {
    let tiltfile = "print('hello')\nlocal('echo out')\n";
    let output = run_on(tiltfile, &["alpha", "tiltfile-result", "-b"]);
    let timings = stderr(&output);
    assert!(
        timings.contains(":1:6  print(hello)\n") && timings.contains(":2:6  local(echo out)\n"),
        "{timings}"
    );
    let words = ["alpha", "tiltfile-result", "--builtin-timings", "--dur-threshold", "1h"];
    assert_eq!(stderr(&run_on(tiltfile, &words)), "");
}

#[test]
fn the_graph_shows_what_waits_for_what() {
    let shop = testdata("projects/shop/Tiltfile");
    let output = run(root(), &["alpha", "graph", "-f", shop.to_str().unwrap()]);
    let want = fs::read_to_string(testdata("graph/shop.txt")).unwrap();
    assert_eq!(stdout(&output), want, "{}", stderr(&output));
    let output = run(root(), &["alpha", "graph", "-f", shop.to_str().unwrap(), "catalog"]);
    let shown = stdout(&output);
    let names: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with(char::is_alphanumeric))
        .collect();
    assert_eq!(
        names,
        [
            "database  #data",
            "migrate  #data",
            "catalog  #backend",
            "web  #frontend  disabled",
            "check  #tools  disabled",
            "site  #frontend  disabled",
            "6 resources, 3 enabled, 3 images",
        ]
    );
}

#[test]
fn the_graph_shows_modes_shared_images_and_many_objects() {
    let output = run_on(
        "\
docker_build('base', '.', dockerfile_contents='FROM scratch')
docker_build('left', '.', dockerfile_contents='FROM base')
docker_build('right', '.', dockerfile_contents='FROM base')
k8s_yaml(encode_yaml_stream([{'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'pair'}, 'spec': {'containers': [
    {'name': 'l', 'image': 'left'}, {'name': 'r', 'image': 'right'}]}}] +
    [{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'c%s' % i}} for i in range(3)]))
k8s_resource('pair', objects=['c0', 'c1', 'c2'], port_forwards=[8000, 'example.test:8001:80'], trigger_mode=TRIGGER_MODE_MANUAL)
k8s_custom_deploy('custom', 'make deploy\\nmake wait', 'make down', deps=[])
local_resource('first', 'true', resource_deps=['second'], auto_init=False)
local_resource('second', serve_cmd=['serve', 'a b'], resource_deps=['custom'], links=['example.test'])
",
        &["alpha", "graph"],
    );
    let want = fs::read_to_string(testdata("graph/mixed.txt")).unwrap();
    assert_eq!(stdout(&output), want, "{}", stderr(&output));
    let none = run_on("", &["alpha", "graph"]);
    assert!(stdout(&none).starts_with("no resources: "), "{}", stdout(&none));
}

#[test]
fn a_context_is_chosen_by_flag() {
    let output = run_on(
        "print(k8s_context(), k8s_namespace())",
        &[
            "alpha",
            "tiltfile-result",
            "-v",
            "--context=docker-desktop",
            "--namespace",
            "apps",
        ],
    );
    assert!(
        stderr(&output).contains("\ndocker-desktop apps\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let tiltfile = "[local_resource('r%s' % i, 'true') for i in range(2000)]\nfor i in range(20000): print('line')\n";
    let dir = folder_with(tiltfile);
    for words in [
        &["alpha", "tiltfile-result", "-v"][..],
        &["alpha", "graph"],
        &["completion", "bash"],
        &["help"],
        &["version"],
    ] {
        let mut child = tilt(dir.path())
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{words:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    for words in [
        &["alpha", "tiltfile-result"][..],
        &["alpha", "graph"],
        &["version"],
        &["completion", "fish"],
        &["help"],
    ] {
        let dir = folder_with("local_resource('a', 'true')");
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = tilt(dir.path()).args(words).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let said = stderr(&output);
        assert_eq!(
            said, "Error: cannot write the result: No space left on device (os error 28)\n",
            "{words:?}"
        );
    }
}

/// Runs with a terminal at standard error; everything that is shown on it.
fn on_terminal(dir: &Path, words: &str, variables: &[(&str, &str)]) -> String {
    let command = format!("{} {words}", env!("CARGO_BIN_EXE_tilt"));
    let mut script = Command::new("script");
    let ours = tilt(dir);
    script.current_dir(dir).env_clear();
    script.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.envs(variables.iter().copied());
    let output = script
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let dir = dir.canonicalize().unwrap().display().to_string();
    stdout(&output).replace('\r', "").replace(&dir, "$DIR")
}

#[test]
fn a_person_gets_the_line_and_a_caret_and_a_log_gets_a_traceback() {
    let name = "a_person_gets_the_line_and_a_caret_and_a_log_gets_a_traceback";
    let dir = folder_with("def f():\n\tk8s_resource('x', labls='a')\nf()\n");
    let output = run(dir.path(), &["alpha", "tiltfile-result"]);
    let place = dir.path().canonicalize().unwrap().display().to_string();
    assert_eq!(
        stderr(&output).replace(&place, "$DIR"),
        "Traceback (most recent call last):
  $DIR/Tiltfile:3:2: in <toplevel>
  $DIR/Tiltfile:2:14: in f
Error in k8s_resource: k8s_resource: unexpected keyword argument \"labls\" (did you mean labels?)
"
    );
    if is_skipped_without("script", name) {
        return;
    }
    let shown = "error: k8s_resource: unexpected keyword argument \"labls\" (did you mean labels?)
 --> $DIR/Tiltfile:2:14
  |
2 |     k8s_resource('x', labls='a')
  |                 ^
  = called from $DIR/Tiltfile:3:2 in <toplevel>
";
    for words in ["alpha tiltfile-result", "alpha graph"] {
        assert_eq!(on_terminal(dir.path(), words, &[("NO_COLOR", "1")]), shown);
        let coloured = on_terminal(dir.path(), words, &[]);
        assert!(
            coloured.starts_with("\u{1b}[1;31merror:\u{1b}[0m k8s_resource: "),
            "{coloured}"
        );
    }
}
