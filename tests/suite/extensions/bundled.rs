//! What comes with the program: each extension's functions, with what they declare.

mod builds;
mod buttons;
mod helm;
mod objects;
mod restart_process;
mod values;

use super::Place;

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: acme/web}]}
";

fn place_with_web() -> Place {
    let place = Place::new();
    place.file("project/web.yaml", WEB);
    place.file("project/web/Dockerfile", "FROM scratch\nCOPY . /\n");
    place
}
