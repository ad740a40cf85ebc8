//! Extensions for charts: `helm_remote`, `helm_resource`.

use serde_json::json;

use super::place_with_web;
use crate::extensions::Place;

/// A Helm that knows one repository with one chart.
const HELM: &str = r#"
echo "$@" >>"$CALLS"
destination() { while [ $# -gt 0 ]; do [ "$1" = --destination ] && echo "$2"; shift; done; }
case "$1 $2" in
'repo list') cat "$CALLS.repos" 2>/dev/null || exit 1 ;;
'repo add') printf -- '- name: %s\n  url: %s\n' "$3" "$4" >>"$CALLS.repos" ;;
'repo update') ;;
'search repo') printf -- '- name: acme/shop\n  version: 1.2.3\n' ;;
version*) echo v3.14.0+g1 ;;
pull*)
    chart=$(destination "$@")/shop
    mkdir -p "$chart/templates" "$chart/crds"
    printf 'apiVersion: v2\nname: shop\nversion: 1.2.3\n' >"$chart/Chart.yaml"
    printf 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: carts.acme.test}\nspec: {}\n' >"$chart/crds/cart.yaml" ;;
template*) printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n' ;;
*) exit 1 ;;
esac
"#;

#[test]
fn helm_remote_fetches_a_chart_once() {
    let place = Place::new();
    place.program("helm", HELM);
    let tiltfile = "load('ext://helm_remote', 'helm_remote')
helm_remote('shop', repo_url='https://charts.example.test', repo_name='acme', namespace='apps', create_namespace=True, set=['a=b'])
";
    let run = || {
        let mut command = place.tilt(tiltfile);
        place.ran(command.env("CALLS", place.dir().join("calls"))).succeeded()
    };
    let calls = || {
        let calls = std::fs::read_to_string(place.dir().join("calls")).unwrap();
        std::fs::remove_file(place.dir().join("calls")).unwrap();
        calls
    };
    let ran = run();
    assert_eq!(ran.names(), ["shop-crds-install", "shop-crds-ready", "uncategorized"]);
    let yaml = ran.yaml("uncategorized");
    for object in ["kind: Namespace", "kind: CustomResourceDefinition", "kind: ConfigMap"] {
        assert!(yaml.contains(object), "{object} in {yaml}");
    }
    let first = calls();
    assert!(first.contains("repo add acme https://charts.example.test"), "{first}");
    assert!(first.contains("pull acme/shop --untar"), "{first}");
    assert!(
        first.contains("--namespace apps") && first.contains("--set a=b"),
        "{first}"
    );
    // Charts are kept outside of the project.
    let ignored = ran.result["WatchSettings"].to_string();
    assert!(ignored.contains("$DIR/data/tilt-dev/.helm"), "{ignored}");

    let names: Vec<String> = run().names().into_iter().map(str::to_owned).collect();
    assert_eq!(names, ran.names());
    let second = calls();
    assert!(
        second.contains("search repo acme/shop") && !second.contains("pull "),
        "{second}"
    );
}

#[test]
fn helm_remote_leaves_resource_definitions_out_where_they_are_not_wanted() {
    let place = Place::new();
    place.program("helm", HELM);
    for call in [
        "helm_remote('shop', install_crds=False)",
        "k8s_yaml(helm_remote_yaml('shop'))",
    ] {
        let tiltfile = format!("load('ext://helm_remote', 'helm_remote', 'helm_remote_yaml')\n{call}\n");
        let mut command = place.tilt(&tiltfile);
        let ran = place.ran(command.env("CALLS", place.dir().join("calls"))).succeeded();
        assert_eq!(ran.names(), ["uncategorized"]);
        assert!(
            !ran.yaml("uncategorized").contains("CustomResourceDefinition"),
            "{call}"
        );
    }
}

#[test]
fn helm_remote_refuses_names_that_leave_its_folder() {
    let place = Place::new();
    place.program("helm", "exit 1");
    for (arguments, want) in [
        ("'../shop'", "Error in fail: Chart name is not valid"),
        ("'shop', repo_name='a/b'", "Error in fail: Repo name is not valid"),
        (
            "'shop', version='1/2'",
            "Error in fail: Version cannot contain a forward slash",
        ),
    ] {
        let tiltfile = format!("load('ext://helm_remote', 'helm_remote')\nhelm_remote({arguments})\n");
        assert_eq!(place.load(&tiltfile).failure(), want);
    }
}

#[test]
fn helm_resource_deploys_a_chart_with_images_in_its_values() {
    let place = place_with_web();
    let ran = place
        .load(
            "load('ext://helm_resource', 'helm_resource', 'helm_repo')
helm_repo('acme', 'https://charts.example.test', labels=['charts'], username='u')
docker_build('acme/web', 'web')
docker_build('acme/api', 'web')
helm_resource('shop', 'acme/shop', namespace='apps', image_deps=['acme/web', 'acme/api'],
    image_keys=[('web.repo', 'web.tag'), ['api.image', ('api.registry', 'api.repo', 'api.tag')]],
    flags=['--set', 'a=b'], resource_deps=['acme'], port_forwards=[8000], labels=['shop'], pod_readiness='ignore')
helm_resource('bare', './chart', deps=['web'])
",
        )
        .succeeded();
    assert_eq!(ran.names(), ["shop", "bare", "acme"]);
    let command = &ran.resource("acme")["DeployTarget"]["UpdateCmdSpec"]["args"];
    let want = [
        "helm",
        "repo",
        "add",
        "acme",
        "https://charts.example.test",
        "--force-update",
        "--username",
        "u",
    ];
    assert_eq!(*command, json!(want));
    let shop = ran.resource("shop");
    assert_eq!(shop["ResourceDependencies"], json!(["acme"]));
    let apply = &shop["DeployTarget"]["applyCmd"];
    assert_eq!(apply["args"].as_array().unwrap()[2..], [json!("--set"), json!("a=b")]);
    let env = apply["env"].to_string();
    for variable in [
        "CHART=acme/shop",
        "RELEASE_NAME=shop",
        "NAMESPACE=apps",
        "TILT_IMAGE_COUNT=2",
        "TILT_IMAGE_KEY_COUNT_1=2",
        "TILT_IMAGE_KEY_REPO_0_0=web.repo",
        "TILT_IMAGE_KEY_TAG_0_0=web.tag",
        "TILT_IMAGE_KEY_1_0=api.image",
        "TILT_IMAGE_KEY_REGISTRY_1_1=api.registry",
    ] {
        assert!(env.contains(variable), "{variable} in {env}");
    }
    let failure = place.load(
        "load('ext://helm_resource', 'helm_resource')\nhelm_resource('x', 'y', image_deps=['a'], image_keys=[])\n",
    );
    assert_eq!(
        failure.failure(),
        "Error in fail: image_deps and image_keys must have the same length, \
         so that we know how to inject images into the helm chart;"
    );
}
