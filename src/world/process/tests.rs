//! Real programs: output, input, environment, endings.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

fn shell(script: &str) -> Invocation {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    Invocation {
        argv,
        dir: PathBuf::from("/"),
        env,
        ..Invocation::default()
    }
}

fn lines(invocation: &Invocation) -> (Vec<(Stream, String)>, Result<Output, ProcessError>) {
    let mut seen = Vec::new();
    let result = run(invocation, &mut |stream, line| seen.push((stream, line.to_owned())));
    (seen, result)
}

#[test]
fn lines_arrive_and_the_output_is_kept_byte_for_byte() {
    let (seen, result) = lines(&shell(r"printf 'a\n\nb'; printf 'x\377\n' >&2"));
    let output = result.unwrap();
    assert_eq!(
        output,
        Output {
            stdout: b"a\n\nb".to_vec(),
            stderr: b"x\xff\n".to_vec()
        }
    );
    let of = |wanted| {
        seen.iter()
            .filter(|(s, _)| *s == wanted)
            .map(|(_, line)| line.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Stdout), ["a", "", "b"]);
    assert_eq!(of(Stream::Stderr), ["x\u{fffd}"]);
}

#[test]
fn only_the_given_environment_folder_and_input_are_seen() {
    let root = tempfile::tempdir().unwrap();
    let mut invocation = shell("pwd; env | grep -v -e PWD -e SHLVL -e '^_=' | sort; cat");
    invocation.dir = root.path().canonicalize().unwrap();
    invocation.env.insert("ONLY".to_owned(), "this".to_owned());
    invocation.stdin = b"fed".to_vec();
    let expected = format!("{}\nONLY=this\nPATH=/usr/bin:/bin\nfed", invocation.dir.display());
    assert_eq!(
        String::from_utf8(capture(&invocation).unwrap().stdout).unwrap(),
        expected
    );
}

#[test]
fn megabytes_pass_in_all_directions_at_once() {
    let mut invocation = shell("tee /dev/stderr");
    invocation.stdin = b"0123456789abcde\n".repeat(1 << 18);
    let output = capture(&invocation).unwrap();
    assert!(output.stdout == invocation.stdin && output.stderr == invocation.stdin);
}

#[test]
fn input_that_nobody_reads_is_no_error() {
    let mut invocation = shell("exit 0");
    invocation.stdin = vec![b'x'; 1 << 20];
    assert_eq!(capture(&invocation).unwrap(), Output::default());
}

#[test]
fn a_failing_command_reports_its_status_and_what_it_said() {
    let error = capture(&shell("echo out; echo err >&2; exit 3")).unwrap_err();
    assert_eq!(error.to_string(), "exit status 3");
    assert_eq!(
        error.output(),
        Some(&Output {
            stdout: b"out\n".to_vec(),
            stderr: b"err\n".to_vec()
        })
    );
}

#[test]
fn a_command_ended_by_a_signal_says_which() {
    assert_eq!(capture(&shell("kill -9 $$")).unwrap_err().to_string(), "signal: killed");
    assert_eq!(
        capture(&shell("kill -TERM $$")).unwrap_err().to_string(),
        "signal: terminated"
    );
}

#[test]
fn a_program_that_is_nowhere_says_where_it_was_looked_for() {
    let mut invocation = shell("");
    invocation.argv = vec!["no-such-program".to_owned()];
    invocation
        .env
        .insert("PATH".to_owned(), "/usr/bin:relative:/bin".to_owned());
    match capture(&invocation).unwrap_err() {
        ProcessError::NotFound { program, searched } => {
            assert_eq!(program, "no-such-program");
            assert_eq!(searched, [PathBuf::from("/usr/bin"), PathBuf::from("/bin")]);
        }
        other => panic!("{other}"),
    }
    let text = capture(&invocation).unwrap_err().to_string();
    assert_eq!(text, "exec: \"no-such-program\": executable file not found in $PATH");
}

#[test]
fn what_keeps_a_command_from_starting_is_named() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("plain"), "not a program").unwrap();
    let mut invocation = shell("");
    invocation.dir = root.path().to_owned();
    invocation.argv = vec!["./plain".to_owned()];
    assert_eq!(
        capture(&invocation).unwrap_err().to_string(),
        "fork/exec ./plain: permission denied"
    );
    invocation.argv = vec!["./absent".to_owned()];
    assert_eq!(
        capture(&invocation).unwrap_err().to_string(),
        "fork/exec ./absent: no such file or directory"
    );
    invocation.dir = PathBuf::from("/no/such/dir");
    assert_eq!(
        capture(&invocation).unwrap_err().to_string(),
        "chdir /no/such/dir: no such file or directory"
    );
    invocation.dir = root.path().join("plain");
    assert!(
        capture(&invocation)
            .unwrap_err()
            .to_string()
            .ends_with("/plain: not a directory")
    );
    invocation.argv.clear();
    assert_eq!(capture(&invocation).unwrap_err().to_string(), "empty command");
}

#[test]
fn a_program_with_a_slash_is_relative_to_the_folder_of_the_command() {
    let root = tempfile::tempdir().unwrap();
    let script = root.path().join("it.sh");
    std::fs::write(&script, "#!/bin/sh\necho \"$0 $1\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut invocation = shell("");
    invocation.dir = root.path().to_owned();
    invocation.argv = vec!["./it.sh".to_owned(), "a b".to_owned()];
    assert!(
        String::from_utf8(capture(&invocation).unwrap().stdout)
            .unwrap()
            .ends_with("/it.sh a b\n")
    );
}

/// As it is while a child of another thread, about to become another program, has what was just written open.
#[test]
fn a_program_that_is_still_open_somewhere_is_started_once_it_is_not() {
    let root = tempfile::tempdir().unwrap();
    let script = root.path().join("it.sh");
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut writer = std::fs::OpenOptions::new().append(true).open(&script).ok();
    let argv = [script.display().to_string()];
    let mut command = start::command(&argv, root.path(), &BTreeMap::new()).unwrap();
    let mut attempts = 0;
    let mut child = start::once_free(|| {
        attempts += 1;
        writer.take_if(|_| attempts == 3);
        command.spawn()
    })
    .unwrap();
    assert_eq!(attempts, 3);
    assert!(child.wait().unwrap().success());
    let _writer = std::fs::OpenOptions::new().append(true).open(&script).unwrap();
    let error = start::once_free(|| command.spawn()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ExecutableFileBusy);
}

/// A command whose grandchild holds a named pipe open and would do so for ever; reading that pipe to its end returns
/// when the grandchild is gone. Until the returned file is dropped the pipe has a writer, so that the reader does not wait
/// for one that never came.
fn endless(root: &Path) -> (Invocation, std::fs::File, thread::JoinHandle<usize>) {
    let pipe = root.join("held");
    capture(&Invocation {
        dir: root.to_owned(),
        ..shell("mkfifo held")
    })
    .unwrap();
    let opened = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let reader = thread::spawn(move || std::fs::read(pipe).unwrap().len());
    (
        Invocation {
            dir: root.to_owned(),
            ..shell("(exec 3>held; echo ready; exec sleep 1000000) & wait")
        },
        opened,
        reader,
    )
}

#[test]
fn cancelling_ends_the_whole_group() {
    let root = tempfile::tempdir().unwrap();
    let (invocation, opened, gone) = endless(root.path());
    let cancel = invocation.cancel.clone();
    let result = run(&invocation, &mut |_, _| cancel.request());
    assert_eq!(result.unwrap_err().to_string(), "cancelled");
    drop(opened);
    assert_eq!(gone.join().unwrap(), 0);
}

#[test]
fn a_command_that_ignores_the_polite_signal_is_killed() {
    let invocation = shell("trap '' TERM; echo ready; while :; do sleep 1000000; done");
    let cancel = invocation.cancel.clone();
    let result = run(&invocation, &mut |_, _| cancel.request());
    assert_eq!(result.unwrap_err().to_string(), "cancelled");
}

#[test]
fn a_limit_ends_a_command_and_keeps_what_it_said() {
    let mut invocation = shell("sleep 1000000 & wait");
    invocation.limit = Some(Duration::ZERO);
    let error = capture(&invocation).unwrap_err();
    assert_eq!(error.to_string(), "timed out after 0ns");
    assert!(error.output().is_some());
}

#[test]
fn a_panic_in_the_caller_ends_the_whole_group() {
    let root = tempfile::tempdir().unwrap();
    let (invocation, opened, gone) = endless(root.path());
    let caller = thread::spawn(move || run(&invocation, &mut |_, _| panic!("the caller gives up")).map(drop));
    assert!(caller.join().is_err());
    drop(opened);
    assert_eq!(gone.join().unwrap(), 0);
}
