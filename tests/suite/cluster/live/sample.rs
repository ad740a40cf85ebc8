//! The project of `testdata/projects/live`, edited in every way.

use super::scene::{Scene, inside};
use crate::cluster::session::stage::{Stage, fetched, port};
use crate::support::session::{Home, Session};
use crate::support::{copy_of, testdata};

fn files(stage: &Stage) -> Home {
    let folder = copy_of(&testdata("projects/live"));
    for name in [
        "Tiltfile",
        "web.yaml",
        "worker.yaml",
        "web/Dockerfile",
        "worker/Dockerfile",
    ] {
        let file = folder.path().join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        let mut own = text.replace("demo/", &format!("{}/", stage.namespace));
        if name == "Tiltfile" {
            own = format!("allow_k8s_contexts(k8s_context())\n{own}");
        }
        std::fs::write(&file, own).unwrap();
    }
    stage.furnished(Home::of(folder))
}

#[test]
fn every_edit_of_a_project_takes_its_shortest_way() {
    let test = "every_edit_of_a_project_takes_its_shortest_way";
    let Some(stage) = Stage::new(test, "live-sample") else {
        return;
    };
    let port = port();
    let session = Session::start(files(&stage), &["up", "--", "--port", &port.to_string()]);
    session.wait("Ready", "web");
    session.wait("Ready", "worker");
    let mut scene = Scene { session, stage };
    let web = scene.container("web");
    let built = scene.builds();
    scene.save("web/www/index.html", "come in");
    fetched(port, "come in");
    // The base's file goes into both.
    scene.save("base/lib/greeting", "good morning,");
    scene.save("web/www/name", "everybody");
    assert_eq!(inside(&web, "/www/greeting.html"), "good morning, everybody");
    scene
        .session
        .write("worker/work.sh", "echo \"harder at work\"\nexec sleep 100000\n");
    scene.session.line_with("harder at work");
    assert_eq!((scene.container("web"), scene.builds()), (web.clone(), built));
    // And what is for a build has everything in it, the base's file included.
    scene.session.write("web/packages", "some");
    scene.session.line_with("Detected change to stop file");
    scene.stage.until("deploy", "web", (".status.observedGeneration", "2"));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    let next = scene.container("web");
    assert_ne!(next, web);
    assert_eq!(inside(&next, "/packages"), "some");
    assert_eq!(inside(&next, "/www/index.html"), "come in");
    assert_eq!(inside(&next, "/lib/greeting"), "good morning,");
}
