//! The way into containers is cut, or says nothing for a while.

use super::scene::{Project, Scene, inside};
use crate::cluster::session::faults::behind_a_wall;
use crate::cluster::session::wall::Way;

/// One save may be brought in twice: its lines in the log do not say that nothing is left to do.
fn until_fresh(scene: &Scene) {
    scene.session.said(&["wait", "--for=fresh", "--timeout=60s", "web"]);
}

#[test]
fn what_is_saved_while_the_way_is_cut_arrives() {
    let test = "what_is_saved_while_the_way_is_cut_arrives";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www')])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "cuts", tiltfile) else {
        return;
    };
    let wall = behind_a_wall(&project.stage, &project.home);
    let mut scene = project.up(&["--update-mode=exec"]);
    let container = scene.container("web");
    // The first time the way may just be being made.
    for round in 0..4 {
        // Just before a save, and just after it.
        let (before, after) = (format!("before {round}"), format!("after {round}"));
        wall.cut();
        scene.session.write("www/index.html", &before);
        until_fresh(&scene);
        assert_eq!(inside(&container, "/www/index.html"), before);
        scene.session.write("www/index.html", &after);
        wall.cut();
        until_fresh(&scene);
        assert_eq!(inside(&container, "/www/index.html"), after);
    }
    // It says nothing, then all connections are gone.
    wall.be(Way::Frozen);
    scene.session.write("www/frozen.html", "frozen");
    scene.session.line_with("/www/frozen.html'");
    wall.cut();
    wall.be(Way::Open);
    until_fresh(&scene);
    assert_eq!(inside(&container, "/www/frozen.html"), "frozen");
    assert_eq!((scene.container("web"), scene.builds()), (container, 1));
    scene.session.wait("Ready", "web");
}
