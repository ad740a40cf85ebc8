//! Cases of `testdata/deploy/inject/`: objects and images in, objects or an error out. And what they cannot show.

use std::path::{Path, PathBuf};

use expect_test::expect_file;

use super::*;
use crate::deploy::{Class, DeployError};
use crate::model::build::{CustomRecipe, Recipe};
use crate::model::image::Selector;
use crate::model::live::{LiveUpdate, Restart};
use crate::model::settings::ServerSideApply;
use crate::model::tree::Tree;
use crate::model::workload::{KubernetesTarget, ObjectSelector};
use crate::model::yaml;

const HERE: Destination = Destination {
    cluster: "test",
    mode: ServerSideApply::Auto,
};

/// Images with what was built of them, and locators, as a case states them.
struct Case {
    images: Vec<(ImageTarget, String)>,
    target: KubernetesTarget,
}

impl Case {
    fn read(text: &str) -> Case {
        let tree = yaml::parse_one(text).unwrap();
        let list = |key: &str| tree.get(key).and_then(Tree::as_list).unwrap_or_default();
        let images: Vec<_> = list("images").iter().map(built_image).collect();
        let assigned = list("assigned").iter().map(|name| name.as_text().unwrap().to_owned());
        let mut image_maps: Vec<String> = assigned.collect();
        if tree.get("assigned").is_none() {
            image_maps = images.iter().map(|(image, _)| image.image_map()).collect();
        }
        let image_locators = list("locators").iter().map(declared_locator).collect();
        Case {
            images,
            target: KubernetesTarget {
                image_maps,
                image_locators,
                ..KubernetesTarget::default()
            },
        }
    }

    fn prepare(&self, yaml: &str) -> Result<Prepared, InjectError> {
        let assigned = |map: &String| {
            let built = self.images.iter().find(|(image, _)| image.image_map() == *map);
            let map = map.as_str().into();
            built
                .map(|(target, reference)| Injected { target, reference })
                .ok_or(InjectError::NotBuilt { map })
        };
        let injected: Result<Vec<Injected>, InjectError> = self.target.image_maps.iter().map(assigned).collect();
        prepare(yaml, &self.target.image_locators, &injected?, &HERE)
    }
}

fn built_image(tree: &Tree) -> (ImageTarget, String) {
    let text = |key: &str| tree.get(key).and_then(Tree::as_text).unwrap_or_default();
    let words = |key: &str| {
        let list = tree.get(key)?.as_list()?;
        Some(list.iter().map(|word| word.as_text().unwrap().to_owned()).collect())
    };
    let target = ImageTarget {
        selector: Selector::parse(text("name")).unwrap(),
        match_in_env_vars: tree.get("env").is_some(),
        entrypoint: words("entrypoint"),
        container_args: words("args"),
        live_update: LiveUpdate {
            restart: match tree.get("restarts") {
                Some(_) => Restart::Always,
                None => Restart::Never,
            },
            ..LiveUpdate::default()
        },
        recipe: Recipe::Custom(CustomRecipe::default()),
        image_deps: Vec::new(),
        watch_ignores: Vec::new(),
    };
    (target, text("built").to_owned())
}

fn declared_locator(tree: &Tree) -> Locator {
    let text = |key: &str| tree.get(key).and_then(Tree::as_text).unwrap_or_default().to_owned();
    let object = tree.get("repo").map(|_| (text("repo"), text("tag")));
    Locator {
        selector: ObjectSelector {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: text("objectName"),
            namespace: text("namespace"),
        },
        path: text("path"),
        object,
    }
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/deploy/inject")
}

fn check(folder: &Path) {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let got = match Case::read(&text("target.yaml")).prepare(&text("objects.yaml")) {
        Ok(prepared) => prepared.yaml(),
        Err(error) => format!("{:?}: {error}\n", error.class()),
    };
    expect_file![folder.join("want.txt")].assert_eq(&got);
}

#[test]
fn objects_come_out_with_images_and_labels() {
    let folders = std::fs::read_dir(cases()).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() > 25);
    folders.iter().for_each(|folder| check(folder));
}

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
";

fn prepared(target: &str, yaml: &str) -> Result<Prepared, InjectError> {
    Case::read(target).prepare(yaml)
}

#[test]
fn the_template_hash_is_that_of_the_template_as_it_is_sent() {
    let web = |built: &str| prepared(&format!("images: [{{name: web, built: '{built}'}}]"), WEB).unwrap();
    let hash = |prepared: &Prepared| template_hash(&prepared.objects[0]).unwrap().to_owned();
    let json = r#"{"metadata":{"labels":{"app":"web","app.kubernetes.io/managed-by":"tilt"}},"spec":{"containers":[{"image":"web:tilt-1","imagePullPolicy":"IfNotPresent","name":"web","resources":{}}]}}"#;
    let expected = crate::model::digest::sha1(json.as_bytes());
    let one = web("web:tilt-1");
    assert_eq!(hash(&one), crate::model::digest::hex(&expected[..10]));
    assert_eq!(hash(&web("web:tilt-1")), hash(&one));
    assert_ne!(hash(&web("web:tilt-2")), hash(&one));
}

#[test]
fn a_command_in_the_yaml_is_supervised_like_that_of_the_image() {
    let command = |image: &str, container: &str| {
        let yaml = WEB.replace("image: web", &format!("image: web{container}"));
        let case = Case::read(&format!("images: [{{name: web, built: 'web:tilt-1'{image}}}]"));
        let once = case.prepare(&yaml).unwrap();
        assert_eq!(
            case.prepare(&once.yaml()).unwrap(),
            once,
            "the supervisor is put there once"
        );
        let mut objects = once.objects;
        let container = objects[0].containers_mut().next().unwrap().clone();
        let words = |key: &str| container.get(key).map(yaml::json::compact).unwrap_or_default();
        format!("{} {}", words("command"), words("args"))
    };
    let supervised = r#""/.tilt/agent","supervise","--""#;
    for (image, container, expected) in [
        (", restarts: y", "", " ".to_owned()),
        (", restarts: y", ", args: [-x]", r#" ["-x"]"#.to_owned()),
        (
            ", restarts: y",
            ", command: [/a, b], args: [-x]",
            format!(r#"[{supervised},"/a","b"] ["-x"]"#),
        ),
        (", restarts: y", ", command: []", " ".to_owned()),
        (
            ", restarts: y, entrypoint: [/e]",
            ", command: [/a], args: [b]",
            format!(r#"[{supervised},"/e"] "#),
        ),
        (
            ", restarts: y, entrypoint: [/.tilt/agent, supervise, --exit-policy, continue, --, /e]",
            "",
            r#"["/.tilt/agent","supervise","--exit-policy","continue","--","/e"] "#.to_owned(),
        ),
        ("", ", command: [/a]", r#"["/a"] "#.to_owned()),
    ] {
        assert_eq!(command(image, container), expected, "{image}{container}");
    }
}

#[test]
fn preparing_twice_changes_nothing_more() {
    let case = Case::read("images: [{name: web, built: 'localhost:5000/web:tilt-1'}]");
    let once = case.prepare(WEB).unwrap();
    assert_eq!(case.prepare(WEB).unwrap(), once);
    let nothing = Case::read("{}");
    assert_eq!(nothing.prepare(&once.yaml()).unwrap(), once);
}

#[test]
fn another_image_is_another_input_and_the_same_one_is_not() {
    let hash = |built: &str| {
        prepared(&format!("images: [{{name: web, built: '{built}'}}]"), WEB)
            .unwrap()
            .hash
    };
    assert_eq!(hash("web:tilt-1"), hash("web:tilt-1"));
    assert_ne!(hash("web:tilt-1"), hash("web:tilt-2"));
}

#[test]
fn mistakes_are_the_users_and_say_what_to_do() {
    let class = |target: &str, yaml: &str| DeployError::from(prepared(target, yaml).unwrap_err()).class();
    let image = "images: [{name: web, built: 'web:tilt-1'}]";
    assert_eq!(class(image, "a: ["), Class::User);
    assert_eq!(class(image, "kind: A\n"), Class::User);
    assert_eq!(class(image, ""), Class::User);
    assert_eq!(class("locators: [{kind: '(', path: '{.a}'}]", WEB), Class::User);
    assert_eq!(class("locators: [{kind: A, path: '{.a'}]", WEB), Class::User);
    // These cannot come of anything that a Tiltfile says.
    assert_eq!(class("images: [{name: web, built: 'W:'}]", WEB), Class::Internal);
    assert_eq!(class("assigned: [web]", WEB), Class::Internal);
}
