//! Images as objects, compared with those of upstream for the same Tiltfile.

use std::fs;
use std::path::Path;

use super::images::{deploying, image};
use super::*;
use crate::engine::action::ImageFact;
use crate::model::build::{CustomRecipe, OutputMode, Recipe};
use crate::model::built::{Built, Stage};
use crate::model::object::kinds::{CMD_IMAGE, DOCKER_IMAGE, FILE_WATCH, IMAGE_MAP};
use crate::model::tree::Map;
use crate::model::yaml::json;
use crate::tiltfile::testing::Tiltfile;

const TILTFILE: &str = "\
allow_k8s_contexts('demo')
docker_build('demo-web', '.', only=['web'])
k8s_yaml('k8s.yaml')
";

const DOCKERFILE: &str =
    "FROM bb\nWORKDIR /srv\nCOPY web /srv\nCMD [\"/bin/httpd\",\"-f\",\"-p\",\"8000\",\"-h\",\"/srv\"]\n";

const YAML: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: demo}
spec:
  selector: {matchLabels: {app: demo}}
  template:
    metadata: {labels: {app: demo}}
    spec:
      containers: [{name: web, image: demo-web}]
";

/// Upstream's object of a kind and name, as it answered.
pub fn golden(plural: &str, name: &str) -> Tree {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/api/objects/{plural}.json"));
    let list = json::parse(&fs::read_to_string(path).unwrap()).unwrap();
    let items = list.get("items").and_then(Tree::as_list).unwrap();
    let is_it = |item: &&Tree| item.get("metadata").and_then(|meta| meta.get("name")) == Some(&Tree::text(name));
    items.iter().find(is_it).unwrap_or_else(|| panic!("no {name}")).clone()
}

pub fn sorted(tree: &Tree) -> Tree {
    match tree {
        Tree::Map(map) => {
            let mut entries: Vec<(String, Tree)> = Vec::new();
            map.iter()
                .for_each(|(key, value)| entries.push((key.to_string(), sorted(value))));
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            let mut sorted = Map::new();
            entries.into_iter().for_each(|(key, value)| sorted.push(key, value));
            Tree::Map(sorted)
        }
        Tree::List(items) => Tree::List(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn printed(tree: &Tree, dir: &str) -> String {
    json::pretty(&sorted(tree)).replace(dir, "$DIR")
}

#[track_caller]
fn same(ours: &Stored, upstream: &Tree, dir: &str) {
    let spec = upstream.get("spec").unwrap();
    assert_eq!(printed(&Tree::Map(ours.spec.clone()), dir), printed(spec, dir));
    let annotations = upstream
        .get("metadata")
        .and_then(|meta| meta.get("annotations"))
        .unwrap();
    let own = Tree::Map(ours.meta.annotations.clone());
    assert_eq!(printed(&own, dir), printed(annotations, dir));
}

#[test]
fn the_objects_of_an_image_are_upstreams() {
    let tiltfile = Tiltfile::new(TILTFILE)
        .context("demo", "demo")
        .file("Dockerfile", DOCKERFILE)
        .file("k8s.yaml", YAML)
        .file("web/index.html", "hi");
    let evaluated = tiltfile.eval();
    let dir = evaluated.dir().display().to_string();
    let mut rig = Rig::new(Mode::Up);
    rig.evaluated(MAIN, Ok(evaluated.project().clone()));
    let watch = rig.object(&FILE_WATCH, "image:demo-web");
    same(watch, &golden("filewatches", "image:demo-web"), &dir);
    same(
        rig.object(&IMAGE_MAP, "demo-web"),
        &golden("imagemaps", "demo-web"),
        &dir,
    );
    let builder = golden("dockerimages", "demo:demo-web");
    same(rig.object(&DOCKER_IMAGE, "demo:demo-web"), &builder, &dir);
}

#[test]
fn the_status_of_an_image_has_the_shape_of_upstreams() {
    let mut rig = Rig::with(vec![deploying("demo", vec![image("demo-web", &[])])]);
    let update = rig.resource("demo").running.as_ref().unwrap().id;
    let told = |fact| Action::Image {
        image: "demo-web".into(),
        update,
        fact,
    };
    rig.tell(vec![told(ImageFact::Started)]);
    let building = rig.status(&DOCKER_IMAGE, "demo:demo-web", "building");
    assert!(building.and_then(|building| building.get("startedAt")).is_some());
    let golden_status = golden("dockerimages", "demo:demo-web").get("status").cloned().unwrap();
    let stages = golden_status.get("stageStatuses").and_then(Tree::as_list).unwrap();
    let stages = stages.iter().map(|stage| Stage {
        name: stage.get("name").and_then(Tree::as_text).unwrap().to_owned(),
        cached: stage.get("cached").is_some(),
        error: String::new(),
        started: Some(rig.now),
        finished: Some(rig.now),
    });
    let stages = stages.collect();
    let reference = "demo-web:tilt-dbe4627a687584bb";
    let built = Built {
        local: reference.to_owned(),
        cluster: reference.to_owned(),
        ..Built::default()
    };
    let bases = Default::default();
    rig.tell(vec![
        told(ImageFact::Stages(stages)),
        told(ImageFact::Built { built, bases }),
    ]);
    let status = Tree::Map(rig.object(&DOCKER_IMAGE, "demo:demo-web").status.clone());
    assert_eq!(without_times(&status), without_times(&golden_status));
    let map = Tree::Map(rig.object(&IMAGE_MAP, "demo-web").status.clone());
    let golden_map = golden("imagemaps", "demo-web").get("status").cloned().unwrap();
    assert_eq!(without_times(&map), without_times(&golden_map));
}

pub fn without_times(tree: &Tree) -> String {
    fn cut(tree: &Tree) -> Tree {
        match tree {
            Tree::Map(map) => {
                let mut without = Map::new();
                map.iter().for_each(|(key, value)| {
                    let value = match ["At", "Time", "Timestamp"].iter().any(|end| key.ends_with(end)) {
                        true => Tree::text("a time"),
                        false => cut(value),
                    };
                    without.push(key.to_string(), value);
                });
                Tree::Map(without)
            }
            Tree::List(items) => Tree::List(items.iter().map(cut).collect()),
            other => other.clone(),
        }
    }
    json::pretty(&sorted(&cut(tree)))
}

#[test]
fn a_failed_image_says_why_and_one_that_waits_says_for_what() {
    let one = |name: &str| deploying(name, vec![image("app", &[])]);
    let mut rig = Rig::with(vec![one("a"), one("b")]);
    let reason = |rig: &Rig, field: &str, name: &str| {
        let part = rig.status(&DOCKER_IMAGE, name, field).cloned();
        let word = if field == "waiting" { "reason" } else { "error" };
        part.and_then(|part| part.get(word).and_then(Tree::as_text).map(str::to_owned))
    };
    assert_eq!(reason(&rig, "waiting", "b:app").as_deref(), Some("building-component"));
    let update = rig.resource("a").running.as_ref().unwrap().id;
    let message = "exit code: 1".to_owned();
    let class = Class::User;
    for fact in [ImageFact::Started, ImageFact::Failed { message, class }] {
        let image = "app".into();
        rig.tell(vec![Action::Image { image, update, fact }]);
    }
    assert_eq!(reason(&rig, "completed", "a:app").as_deref(), Some("exit code: 1"));
    assert_eq!(rig.status(&DOCKER_IMAGE, "a:app", "ref"), None);
}

#[test]
fn images_of_commands_and_bases_are_objects_too() {
    let mut base = image("gcr.io/x/base:dev", &[]);
    base.recipe = Recipe::Custom(CustomRecipe {
        command: command("make base"),
        deps: vec!["/p/base".into()],
        output_mode: OutputMode::Remote,
        output_tag: "dev".to_owned(),
        ..CustomRecipe::default()
    });
    base.container_args = Some(Vec::new());
    base.match_in_env_vars = true;
    let top = image("top", &["gcr.io_x_base:dev"]);
    let resources = vec![
        deploying("a", vec![base.clone(), top.clone()]),
        deploying("b", vec![base, top]),
    ];
    let rig = Rig::with(resources);
    let text = |tree: &Map| json::compact(&sorted(&Tree::Map(tree.clone())));
    let spec = text(&rig.object(&CMD_IMAGE, "b:gcr.io_x_base:dev").spec);
    let expected = r#"{"args":["make","base"],"cluster":"default","clusterNeeds":"base-image","dir":"/p","outputMode":"remote","outputTag":"dev","ref":"gcr.io/x/base:dev"}"#;
    assert_eq!(spec, expected);
    let spec = text(&rig.object(&IMAGE_MAP, "gcr.io_x_base:dev").spec);
    let expected =
        r#"{"matchExact":true,"matchInEnvVars":true,"overrideArgs":{"args":[]},"selector":"gcr.io/x/base:dev"}"#;
    assert_eq!(spec, expected);
    let top = rig.object(&DOCKER_IMAGE, "a:top").spec.get("imageMaps").cloned();
    assert_eq!(top, Some(texts(&["gcr.io_x_base:dev"])));
    let watch = text(&rig.object(&FILE_WATCH, "image:gcr.io_x_base:dev").spec);
    let expected = r#"{"disableSource":{"everyConfigMap":[{"key":"isDisabled","name":"a-disable"},{"key":"isDisabled","name":"b-disable"}]},"watchedPaths":["/p/base"]}"#;
    assert_eq!(watch, expected);
}
