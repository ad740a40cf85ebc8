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
fn a_cluster_that_is_not_there_is_told_and_delete_commands_run_all_the_same() {
    let home = Home::with(
        "
k8s_yaml('pod.yaml')
k8s_custom_deploy('first', apply_cmd='true', delete_cmd='echo deleting first', deps=[])
",
    );
    home.write(
        "pod.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: mine}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: busybox}]}\n",
    );
    // A port that nobody is given who asks for a free one.
    let server = "http://127.0.0.1:1";
    home.write(
        "config",
        &format!(
            "current-context: docker-desktop\ncontexts: [{{name: docker-desktop, context: {{cluster: docker-desktop}}}}]\n\
             clusters: [{{name: docker-desktop, cluster: {{server: '{server}'}}}}]\n"
        ),
    );
    let output = home
        .tilt(&["down"])
        .env("KUBECONFIG", home.path("config"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (printed, error) = (stdout(&output), stderr(&output));
    assert!(
        error.contains(&format!(
            "Error: deleting Pod/web: cannot reach the cluster at {server}: "
        )),
        "{error}"
    );
    assert!(printed.contains("deleting first"), "{printed}");
    assert!(printed.contains("Not deleting namespaces: mine\n"), "{printed}");
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
