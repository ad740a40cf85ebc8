//! The way into containers is cut, or says nothing for a while.

use super::scene::{Project, inside};
use crate::cluster::session::faults::behind_a_wall;
use crate::cluster::session::wall::Way;

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
        scene.until_fresh();
        assert_eq!(inside(&container, "/www/index.html"), before);
        scene.session.write("www/index.html", &after);
        wall.cut();
        scene.until_fresh();
        assert_eq!(inside(&container, "/www/index.html"), after);
    }
    // The last cut may have come when all was done.
    scene.save("www/index.html", "rest");
    // It says nothing, then all connections are gone.
    wall.be(Way::Frozen);
    scene.session.write("www/frozen.html", "frozen");
    scene.session.line_with("/www/frozen.html'");
    wall.cut();
    wall.be(Way::Open);
    scene.until_fresh();
    assert_eq!(inside(&container, "/www/frozen.html"), "frozen");
    assert_eq!((scene.container("web"), scene.builds()), (container, 1));
    scene.session.wait("Ready", "web");
}
