//! Kubeconfig files: one, several, missing, broken.

use super::*;
use std::fs;

const TWO: &str = "\
apiVersion: v1
current-context: dev
contexts:
- {name: dev, context: {cluster: kind-dev, user: me, namespace: mine}}
- {name: prod, context: {cluster: gke_x, user: you}}
clusters:
- {name: kind-dev, cluster: {server: 'https://127.0.0.1:1', certificate-authority: certs/../ca.crt}}
- {name: gke_x, cluster: {server: 'https://1.2.3.4', certificate-authority-data: QQ==}}
users:
- {name: me, user: {token: secret}}
";

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Place {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Place(root)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sources(&self) -> Sources {
        Sources {
            home: self.0.path().to_owned(),
            ..Sources::default()
        }
    }

    fn listing(&self, names: &[&str]) -> Sources {
        let paths: Vec<String> = names.iter().map(|name| self.path(name).display().to_string()).collect();
        Sources {
            variable: Some(paths.join(":")),
            ..self.sources()
        }
    }
}

#[test]
fn the_current_context_comes_with_everything_about_its_cluster() {
    let place = Place::new(&[(".kube/config", TWO)]);
    let context = active(&place.sources()).unwrap().unwrap();
    let expected = Context {
        name: "dev".into(),
        namespace: "mine".into(),
        cluster: "kind-dev".into(),
        user: "me".into(),
        server: "https://127.0.0.1:1".into(),
        authority: place.path(".kube/ca.crt").display().to_string(),
        origin: place.path(".kube/config"),
    };
    assert_eq!(context, expected);
    assert_eq!(context.product(place.0.path()), Product::Kind);
}

#[test]
fn the_command_line_overrides_context_and_namespace() {
    let place = Place::new(&[(".kube/config", TWO)]);
    let sources = Sources {
        context: Some("prod".into()),
        namespace: Some("other".into()),
        ..place.sources()
    };
    let context = active(&sources).unwrap().unwrap();
    assert_eq!((context.name.as_str(), context.namespace.as_str()), ("prod", "other"));
    assert_eq!(
        (context.authority.as_str(), context.product(place.0.path())),
        ("", Product::Gke)
    );
    let plain = active(&Sources {
        context: Some("prod".into()),
        ..place.sources()
    })
    .unwrap()
    .unwrap();
    assert_eq!(plain.namespace, "default");
}

#[test]
fn an_override_that_no_file_defines_is_an_error_that_knows_the_others() {
    let place = Place::new(&[(".kube/config", TWO)]);
    let error = active(&Sources {
        context: Some("prd".into()),
        ..place.sources()
    })
    .unwrap_err();
    assert_eq!(error.to_string(), "context \"prd\" does not exist");
    assert!(matches!(error, KubeconfigError::UnknownContext { known, .. } if known == ["dev", "prod"]));
}

#[test]
fn no_kubeconfig_or_an_empty_one_means_no_context() {
    assert_eq!(active(&Place::new(&[]).sources()).unwrap(), None);
    assert_eq!(active(&Place::new(&[(".kube/config", "")]).sources()).unwrap(), None);
    assert_eq!(
        active(&Place::new(&[(".kube/config", "apiVersion: v1\n")]).sources()).unwrap(),
        None
    );
    let place = Place::new(&[(".kube/config", TWO)]);
    assert_eq!(
        active(&place.listing(&["absent"])).unwrap(),
        None,
        "the list replaces the default file"
    );
}

#[test]
fn a_current_context_that_is_defined_nowhere_has_no_cluster() {
    let place = Place::new(&[(".kube/config", "current-context: gone\n")]);
    let context = active(&place.sources()).unwrap().unwrap();
    assert_eq!((context.name.as_str(), context.cluster.as_str()), ("gone", ""));
    assert_eq!(context.product(place.0.path()), Product::None);
}

#[test]
fn files_are_merged_and_the_first_to_name_something_wins() {
    let first = "current-context: prod\ncontexts:\n- {name: prod, context: {cluster: gke_x, namespace: first}}\n";
    let place = Place::new(&[("a", first), ("b", TWO), (".kube/config", TWO)]);
    let context = active(&place.listing(&["a", "absent", "b"])).unwrap().unwrap();
    assert_eq!((context.name.as_str(), context.namespace.as_str()), ("prod", "first"));
    assert_eq!(
        context.server, "https://1.2.3.4",
        "the cluster is found in the second file"
    );
    assert_eq!(context.origin, place.path("a"));
    assert_eq!(active(&place.listing(&["b", "a"])).unwrap().unwrap().name, "dev");
}

#[test]
fn a_broken_file_is_an_error_that_names_it() {
    for content in ["a: [", "- a\n", "text"] {
        let place = Place::new(&[(".kube/config", content)]);
        let error = active(&place.sources()).unwrap_err().to_string();
        let start = format!(
            "error loading config file \"{}\": ",
            place.path(".kube/config").display()
        );
        assert!(error.starts_with(&start), "{content:?} gave {error}");
    }
    let place = Place::new(&[(".kube/config/x", "")]);
    assert!(
        active(&place.sources())
            .unwrap_err()
            .to_string()
            .ends_with(".kube/config: is a directory")
    );
}
