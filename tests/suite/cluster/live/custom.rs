//! Containers whose image is not ours to build: found by what they run, or by what they are called.

use super::scene::{DOCKERFILE, Project, Scene, UPDATED, deployment, inside};
use crate::cluster::session::stage::{Stage, until_shown};
use crate::support::engine::docker_ok;

const OBJECT: &str = "{name: web, image: 'NS/web:dev'}";

/// The image is there already.
fn built(project: Project) -> Project {
    let tag = format!("{}/web:dev", project.stage.namespace);
    let project = project
        .file("web.yaml", &deployment("web", 1, OBJECT))
        .file("Dockerfile", DOCKERFILE);
    let folder = project.home.path("").display().to_string();
    docker_ok(&["build", "-q", "-t", &tag, &folder]);
    project
}

fn deployed(test: &str, topic: &str, selector: &str) -> Option<Scene> {
    let tiltfile = format!(
        "k8s_custom_deploy('web', apply_cmd='kubectl apply -o yaml -f web.yaml', \
         delete_cmd='kubectl delete --ignore-not-found -f web.yaml', deps=['web.yaml', 'www'], {selector}, \
         live_update=[sync('www', '/www')])\n"
    );
    Some(built(Project::new(test, topic, &tiltfile)?).up(&[]))
}

fn is_changed_in_place(scene: &mut Scene) {
    let container = scene.container("web");
    for edit in ["edit 1", "edit 2"] {
        scene.save("www/index.html", edit);
        assert_eq!(inside(&container, "/www/index.html"), edit);
    }
    assert_eq!(scene.container("web"), container);
}

/// The image does not have the edits: only we know them.
fn has_edits_after_a_replacement(scene: &mut Scene) {
    let pod = scene.stage.pod("web");
    let mut ready = scene.stage.watch("pods", ".status.containerStatuses[0].ready");
    scene
        .stage
        .kubectl(&["delete", "pod", &pod, "--grace-period=0", "--force"]);
    while ready.line_with("=true=").contains(&pod) {}
    let next = scene.stage.pod("web");
    assert_ne!(next, pod);
    // What the log says of an update may be of the pod before, until the session knows of the next one.
    let path = ".status.k8sResourceInfo.podName";
    until_shown(&scene.session, ("uiresource", "web"), path, &next);
    scene.session.line_with(UPDATED);
    scene.until_fresh();
    assert_eq!(inside(&scene.container("web"), "/www/index.html"), "edit 2");
}

fn applied(stage: &Stage) -> String {
    stage.field("deploy", "web", ".metadata.generation")
}

#[test]
fn a_custom_deployment_is_changed_where_its_image_runs() {
    let test = "a_custom_deployment_is_changed_where_its_image_runs";
    let Some(mut scene) = deployed(test, "image", "image_selector='NS/web'") else {
        return;
    };
    is_changed_in_place(&mut scene);
    has_edits_after_a_replacement(&mut scene);
    assert_eq!(applied(&scene.stage), "1");
    // What no sync has is for the command.
    let yaml = std::fs::read_to_string(scene.session.path("web.yaml")).unwrap();
    let edited = yaml.replace("replicas: 1", "replicas: 1\n  minReadySeconds: 1");
    scene.session.write("web.yaml", &edited);
    scene.stage.until("deploy", "web", (".spec.minReadySeconds", "1"));
    scene.save("www/index.html", "edit 3");
    assert_eq!(inside(&scene.container("web"), "/www/index.html"), "edit 3");
}

#[test]
fn a_custom_deployment_is_changed_in_the_container_that_is_named() {
    let test = "a_custom_deployment_is_changed_in_the_container_that_is_named";
    let Some(mut scene) = deployed(test, "named", "container_selector='web'") else {
        return;
    };
    is_changed_in_place(&mut scene);
    has_edits_after_a_replacement(&mut scene);
}

#[test]
fn an_image_that_no_command_builds_is_changed_in_place() {
    let test = "an_image_that_no_command_builds_is_changed_in_place";
    let tiltfile = "custom_build('NS/web', ':', deps=['www'], skips_local_docker=True, live_update=[sync('www', '/www')])\n\
                    k8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "colon", tiltfile) else {
        return;
    };
    let mut scene = built(project).up(&[]);
    is_changed_in_place(&mut scene);
    has_edits_after_a_replacement(&mut scene);
    assert_eq!(applied(&scene.stage), "1");
}
