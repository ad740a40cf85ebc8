//! `tilt down`: what it runs, in which order, and what it says about what it cannot delete.

use crate::support::session::Home;
use crate::support::{stderr, stdout};

#[test]
fn delete_commands_run_with_dependents_first() {
    let home = Home::with(
        "
print('subcommand', config.tilt_subcommand)
k8s_custom_deploy('base', apply_cmd='true', delete_cmd='echo deleting base', deps=[])
k8s_custom_deploy('other', apply_cmd='true', delete_cmd='echo deleting other', deps=[])
k8s_custom_deploy('user', apply_cmd='true', delete_cmd='echo deleting user with $OWN', deps=[], delete_env={'OWN': 'its own'})
k8s_resource('base', resource_deps=['user'])
local_resource('here', 'echo never')
",
    );
    let output = home.run(&["down"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("Loading Tiltfile at: ") && lines[0].ends_with("/Tiltfile"));
    assert_eq!(lines[1], "subcommand down");
    assert!(lines[2].starts_with("Successfully loaded Tiltfile ("), "{printed}");
    let deleted: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| line.starts_with("deleting"))
        .collect();
    assert_eq!(
        deleted,
        ["deleting base", "deleting user with its own", "deleting other"]
    );
    assert!(!printed.contains("never"));
}

#[test]
fn one_that_fails_does_not_keep_the_others() {
    let home = Home::with(
        "
k8s_custom_deploy('first', apply_cmd='true', delete_cmd='echo deleting first', deps=[])
k8s_custom_deploy('last', apply_cmd='true', delete_cmd='exit 4', deps=[])
",
    );
    let output = home.run(&["down"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("deleting first"));
    assert!(
        stderr(&output).contains("\"exit 4\" failed: exit status 4"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("Error: 1 delete command failed"));
}

#[test]
fn what_it_cannot_delete_is_named() {
    let home = Home::with("k8s_yaml('pod.yaml')");
    home.write(
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: busybox}]}\n",
    );
    let output = home.run(&["down", "--delete-namespaces", "--delete-volumes"]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(
        error.contains("the Kubernetes objects of web are still there"),
        "{error}"
    );
    assert!(error.contains("not part of this version yet"), "{error}");
}

#[test]
fn resources_of_this_machine_leave_nothing_behind() {
    let home = Home::with("local_resource('here', 'echo never')");
    let output = home.run(&["down"]);
    assert!(output.status.success() && stderr(&output).is_empty(), "{output:?}");
    home.write("Tiltfile", "fail('no')");
    let output = home.run(&["down"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no"));
}
