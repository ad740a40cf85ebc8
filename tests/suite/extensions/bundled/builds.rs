//! Extensions that build: `git_resource`, `ko`, `pack`.

use serde_json::json;

use super::place_with_web;
use crate::extensions::{Place, git};

#[test]
fn git_resource_builds_a_checkout_and_keeps_it_up_to_date() {
    let place = Place::new();
    let origin = place.dir().join("origin");
    place.file("origin/Dockerfile", "FROM scratch\n");
    git(&origin, "init --quiet --initial-branch trunk");
    git(&origin, "add .");
    git(&origin, "commit --quiet -m one");
    git(&origin, "checkout --quiet -b side");
    let tiltfile = format!(
        "load('ext://git_resource', 'git_checkout', 'deploy_from_repository', 'git_resource_set_checkout_dir')
git_resource_set_checkout_dir('../checkouts')
deploy_from_repository('app', 'file://{origin}#trunk', port_forwards=8000)
print(listdir(git_checkout('file://{origin}#side', checkout_dir='../side')))
",
        origin = origin.display()
    );
    let ran = place.load(&tiltfile).succeeded();
    assert_eq!(ran.names(), ["app"]);
    let image = &ran.resource("app")["ImageTargets"][0];
    assert_eq!(image["selector"], "app-image");
    assert_eq!(image["BuildDetails"]["context"], "$DIR/checkouts/origin");
    assert_eq!(image["BuildDetails"]["sshAgentConfigs"], json!(["default"]));
    assert!(ran.said(r#"["$DIR/side/Dockerfile"]"#), "{}", ran.log);

    place.file("origin/later", "");
    git(&origin, "add .");
    git(&origin, "commit --quiet -m two");
    let ran = place.load(&tiltfile).succeeded();
    assert!(
        ran.said(r#"["$DIR/side/Dockerfile", "$DIR/side/later"]"#),
        "{}",
        ran.log
    );
    place.file("side/Dockerfile", "FROM mine\n");
    let failure = place.load(&tiltfile).failure();
    let want = "Error in fail: git_checkout() failed: local modifications present and safe_mode is enabled";
    assert_eq!(failure, want);
}

#[test]
fn git_resource_takes_folders_and_callbacks() {
    let place = place_with_web();
    let ran = place
        .load(
            "load('ext://git_resource', 'git_resource')
def build(name, directory, dockerfile):
    docker_build('acme/web', directory)
    return 'acme/web'
git_resource('web', './web', build_callback=build, deployment_callback=lambda name, image, namespace: read_file('web.yaml'))
",
        )
        .succeeded();
    assert_eq!(ran.resource("web")["ImageTargets"][0]["selector"], "acme/web");
}

#[test]
fn ko_builds_with_ko() {
    let ran = place_with_web()
        .load(
            "load('ext://ko', 'ko_build')
k8s_yaml('web.yaml')
ko_build('acme/web', './cmd/web', deps=['web'], live_update=[sync('web', '/srv')])
ko_build('acme/other', 'example.test/tool')
",
        )
        .succeeded();
    let args = &ran.resource("web")["ImageTargets"][0]["BuildDetails"]["args"];
    assert_eq!((&args[0], &args[1]), (&json!("bash"), &json!("-c")));
    let script = args[2].as_str().unwrap();
    assert_eq!(
        script,
        "set -eo pipefail;\nIMAGE=$(ko publish --local ./cmd/web);\ndocker tag $IMAGE $EXPECTED_REF"
    );
}

#[test]
fn pack_is_the_builtin() {
    let ran = place_with_web()
        .load(
            "load('ext://pack', 'pack')
k8s_yaml('web.yaml')
pack('acme/web', path='web', builder='acme/builder')
",
        )
        .succeeded();
    assert_eq!(ran.resource("web")["ImageTargets"][0]["selector"], "acme/web");
}
