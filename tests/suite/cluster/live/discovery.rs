//! Pods that only their labels tell.

use super::scene::{Project, inside};

#[test]
fn pods_that_only_selectors_find_are_changed_in_place() {
    let test = "pods_that_only_selectors_find_are_changed_in_place";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www')])\nk8s_yaml('web.yaml')\n\
                    k8s_resource('web', discovery_strategy='selectors-only', extra_pod_selectors=[{'app': 'web'}])\n";
    let Some(project) = Project::new(test, "labels", tiltfile) else {
        return;
    };
    let mut scene = project.up(&[]);
    let (first, pod) = (scene.container("web"), scene.stage.pod("web"));
    scene.save("www/index.html", "edit 1");
    assert_eq!(inside(&first, "/www/index.html"), "edit 1");
    // One that somebody else makes of the same image.
    let image = scene.stage.field("pod", &pod, ".spec.containers[0].image");
    scene.stage.apply(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: stranger, labels: {{app: web}}}}\nspec:\n  terminationGracePeriodSeconds: 0\n  \
         automountServiceAccountToken: false\n  containers: [{{name: other, image: '{image}'}}]\n"
    ));
    scene.stage.until_all_ready();
    scene.session.line_with("stranger/other updated!");
    let other = scene.container_of("stranger", "other");
    assert_eq!(inside(&other, "/www/index.html"), "edit 1");
    scene.save("www/index.html", "edit 2");
    for container in [&first, &other] {
        assert_eq!(inside(container, "/www/index.html"), "edit 2");
    }
    assert_eq!(scene.builds(), 1);
}
