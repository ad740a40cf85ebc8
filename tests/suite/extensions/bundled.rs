//! What comes with the program: each extension's functions, with what they declare.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tilt::model::object::ObjectSet;
use tilt::tiltfile::{Limits, Request, Timed, evaluate};

use super::{Place, git};
use crate::support::is_skipped_without;

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

#[test]
fn restart_process_builds_a_child_image_whose_last_step_restarts_it() {
    let ran = place_with_web()
        .load(
            "load('ext://restart_process', 'docker_build_with_restart')
k8s_yaml('web.yaml')
docker_build_with_restart('acme/web', 'web', entrypoint='/srv --port=80', build_args={'A': 'b'}, only=['srv'],
    live_update=[sync('web', '/srv')], exit_policy='continue', trigger='web/srv')
",
        )
        .succeeded();
    let images = ran.resource("web")["ImageTargets"].as_array().unwrap().clone();
    assert_eq!(images.len(), 2);
    let (base, child) = (&images[0], &images[1]);
    let base_ref = "acme/web-tilt_docker_build_with_restart_base";
    assert_eq!(base["selector"], base_ref);
    assert_eq!(base["BuildDetails"]["context"], "$DIR/project/web");
    assert_eq!(child["selector"], "acme/web");
    let entrypoint = json!([
        "/tilt-restart-wrapper",
        "--watch_file=/tmp/.restart-proc",
        "--entr_flags=-r",
        "sh",
        "-c",
        "/srv --port=80"
    ]);
    assert_eq!(child["overrideCommand"]["command"], entrypoint);
    let dockerfile = child["BuildDetails"]["dockerfileContents"].as_str().unwrap();
    let lines: Vec<&str> = dockerfile.lines().collect();
    assert_eq!(
        lines[..2],
        [format!("FROM {base_ref}").as_str(), "COPY tilt-restart-wrapper /"]
    );
    // The printed list has to be the JSON that Docker takes for a program with its arguments.
    assert_eq!(
        serde_json::from_str::<Value>(lines[2].strip_prefix("ENTRYPOINT ").unwrap()).unwrap(),
        entrypoint
    );
    assert_eq!(child["BuildDetails"]["args"], json!(["A=b"]));
    assert_eq!(
        child["LiveUpdateSpec"]["execs"],
        json!([{"args": ["sh", "-c", "date > /tmp/.restart-proc"], "triggerPaths": ["web/srv"], "echoOff": false}])
    );
    // What the image copies is there, and may be run.
    let context = child["BuildDetails"]["context"].as_str().unwrap();
    assert!(context.ends_with("/restart_process"), "{context}");
}

#[test]
fn restart_process_takes_custom_builds() {
    let ran = place_with_web()
        .load(
            "load('ext://restart_process', 'custom_build_with_restart')
k8s_yaml('web.yaml')
custom_build_with_restart('acme/web', 'build $EXPECTED_REF', ['web'], entrypoint=['/srv'], live_update=[sync('web', '/srv')],
    restart_file='/run/again', base_suffix='-base')
",
        )
        .succeeded();
    let images = &ran.resource("web")["ImageTargets"];
    assert_eq!(images[0]["selector"], "acme/web-base");
    assert_eq!(
        images[0]["BuildDetails"]["args"],
        json!(["sh", "-c", "build $EXPECTED_REF"])
    );
    assert_eq!(
        images[1]["overrideCommand"]["command"],
        json!(["/tilt-restart-wrapper", "--watch_file=/run/again", "/srv"])
    );
}

#[test]
fn restart_process_refuses_what_cannot_work() {
    for (call, want) in [
        (
            "docker_build_with_restart('i', '.', '/x', [])",
            "Error in fail: `docker_build_with_restart` requires at least one live_update step",
        ),
        (
            "docker_build_with_restart('i', '.', '/x', [restart_container()])",
            "Error in fail: `docker_build_with_restart` is not compatible with live_update step: `restart_container()` \
             (this extension is meant to REPLACE restart_container() )",
        ),
        (
            "docker_build_with_restart('i', 'web', '/x', [sync('web', '/x')], exit_policy='never')",
            "Error in fail: `exit_policy` must be 'restart' or 'continue': got never",
        ),
        (
            "custom_build_with_restart('i', 'x', [], '/x', [sync('web', '/x')], tag='t')",
            "Error in fail: `custom_build_with_restart` renames your base image, so is not compatible with `tag`",
        ),
    ] {
        let tiltfile = format!(
            "load('ext://restart_process', 'docker_build_with_restart', 'custom_build_with_restart')\n{call}\n"
        );
        assert_eq!(place_with_web().load(&tiltfile).failure(), want);
    }
}

#[test]
fn namespace_declares_namespaces_and_moves_objects_into_them() {
    let ran = place_with_web()
        .load(
            "load('ext://namespace', 'namespace_create', 'namespace_inject', 'namespace_yaml')
namespace_create('apps', annotations=['note: new'], labels=['team: a'])
namespace_create('apps', allow_duplicates=True)
k8s_yaml(namespace_inject('web.yaml', 'apps'))
k8s_yaml(namespace_inject(blob('''
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: bind}
subjects: [{kind: ServiceAccount, name: a}, {kind: User, name: b}]
roleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}
'''), 'apps'))
print(namespace_yaml('plain'))
",
        )
        .succeeded();
    assert_eq!(ran.names(), ["web", "uncategorized"]);
    assert_eq!(
        ran.yaml("web").matches("namespace: apps").count(),
        2,
        "of the object and of its template"
    );
    let rest = ran.yaml("uncategorized");
    assert!(rest.contains("note: new") && rest.contains("team: a"), "{rest}");
    assert!(rest.contains("name: a\n  namespace: apps"), "{rest}");
    assert!(
        ran.log
            .contains("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: plain\n"),
        "{}",
        ran.log
    );
}

#[test]
fn secrets_are_made_by_kubectl_and_kept_out_of_the_log() {
    if is_skipped_without("kubectl", "secrets_are_made_by_kubectl_and_kept_out_of_the_log") {
        return;
    }
    let place = Place::new();
    place.file("project/key.txt", "hush-hush\n");
    place.file("project/some.env", "TOKEN=tell-nobody\n");
    let ran = place
        .load(
            "load('ext://secret', 'secret_create_generic', 'secret_from_dict', 'secret_yaml_generic', 'secret_yaml_registry')
load('ext://secret', 'secret_create_docker_registry')
secret_create_generic('file', 'apps', from_file='key=key.txt', secret_type='acme.test/x')
secret_create_generic('env', from_env_file='some.env')
k8s_yaml(secret_from_dict('dict', inputs={'PASSWORD': 'not for you'}))
k8s_yaml(secret_yaml_registry('flags', flags_dict={'docker-server': 's', 'docker-username': 'u', 'docker-password': 'pppp'}))
secret_create_docker_registry('login', 'u', 'pppp')
",
        )
        .succeeded();
    assert_eq!(ran.names(), ["uncategorized"]);
    let yaml = ran.yaml("uncategorized");
    for line in [
        "type: acme.test/x",
        "namespace: apps",
        "key: aHVzaC1odXNoCg==",
        "TOKEN: dGVsbC1ub2JvZHk=",
    ] {
        assert!(yaml.contains(line), "{line} in {yaml}");
    }
    for value in ["hush-hush", "tell-nobody", "not for you"] {
        assert!(!ran.log.contains(value), "{}", ran.log);
    }
    for (call, want) in [
        (
            "secret_yaml_generic('x')",
            "Error in fail: No secret generator specified",
        ),
        (
            "secret_yaml_generic('x', from_file=1)",
            "Error in fail: Bad from_file argument: 1",
        ),
    ] {
        let tiltfile = format!("load('ext://secret', 'secret_yaml_generic')\n{call}\n");
        assert_eq!(place.load(&tiltfile).failure(), want);
    }
}

#[test]
fn a_tls_secret_is_made_of_two_files() {
    let place = Place::new();
    place.program(
        "kubectl",
        "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: tls}\\nstringData: {said: \"%s\"}\\n' \"$*\"",
    );
    let ran =
        place.load("load('ext://secret', 'secret_create_tls')\nsecret_create_tls('tls', 'c.pem', 'k.pem', 'apps')\n");
    let ran = ran.succeeded();
    let said = "create secret tls tls -n apps --cert=c.pem --key=k.pem -o=yaml --dry-run=client";
    assert!(
        ran.yaml("uncategorized").contains(said),
        "{}",
        ran.yaml("uncategorized")
    );
}

#[test]
fn config_maps_are_made_by_kubectl_and_their_files_watched() {
    if is_skipped_without("kubectl", "config_maps_are_made_by_kubectl_and_their_files_watched") {
        return;
    }
    let place = Place::new();
    place.file("project/page.html", "<p>");
    place.file("project/some.env", "A=b\n");
    let ran = place
        .load(
            "load('ext://configmap', 'configmap_create', 'configmap_from_dict', 'configmap_yaml')
configmap_create('page', from_file=['index=page.html'])
configmap_create('env', 'apps', from_env_file='some.env', watch=False)
k8s_yaml(configmap_from_dict('dict', inputs={'K': 'v w'}))
",
        )
        .succeeded();
    let yaml = ran.yaml("uncategorized");
    for line in ["index: <p>", "A: b", "K: v w", "namespace: apps"] {
        assert!(yaml.contains(line), "{line} in {yaml}");
    }
    let watched = ran.result["ConfigFiles"].to_string();
    assert!(
        watched.contains("page.html") && !watched.contains("some.env"),
        "{watched}"
    );
}

#[test]
fn dotenv_sets_variables_for_what_follows() {
    let place = Place::new();
    let env = "# comment\n\nPLAIN=1=2\nQUOTED='a b'\nLONG=\"first\nsecond\"\nOPEN='x\n";
    place.file("project/.env", env);
    let ran = place
        .load(
            "load('ext://dotenv', 'dotenv')
dotenv(verbose=True)
print([os.getenv(name) for name in ['PLAIN', 'QUOTED', 'LONG', 'OPEN']])
local('echo $PLAIN')
dotenv('absent.env')
",
        )
        .succeeded();
    assert!(ran.said(r#"["1=2", "a b", "first\nsecond", "'x"]"#), "{}", ran.log);
    assert!(ran.said(" → 1=2"), "{}", ran.log);
    assert!(ran.said("Loading environment variable: PLAIN"), "{}", ran.log);
    assert!(
        ran.said("Environment variables file not found: 'absent.env'"),
        "{}",
        ran.log
    );
    place.file("project/.env", "A=1\nnot a variable\n");
    let failure = place.load("load('ext://dotenv', 'dotenv')\ndotenv()\n").failure();
    assert_eq!(
        failure,
        "Error in fail: Invalid format for dotenv file: 'not a variable' in '.env:2'"
    );
}

#[test]
fn local_output_is_text_without_its_line_break() {
    let ran = Place::new()
        .load(
            "load('ext://local_output', 'local_output')
print([local_output('echo a; echo b'), local_output(['printf', 'x'], quiet=True), local_output('echo $E', env={'E': 'e'})])
",
        )
        .succeeded();
    assert!(ran.said(r#"["a\nb", "x", "e"]"#), "{}", ran.log);
}

#[test]
fn global_vars_outlive_the_file_that_sets_them() {
    let place = Place::new();
    place.file(
        "project/other/Tiltfile",
        "load('ext://global_vars', 'set_global')\nset_global('shade', 'blue')\n",
    );
    let ran = place
        .load(
            "load('ext://global_vars', 'get_global', 'set_global', 'unset_global')
print(get_global('shade'))
include('other/Tiltfile')
print(get_global('shade'))
unset_global('shade')
print(get_global('shade'))
",
        )
        .succeeded();
    assert!(ran.log.contains("None\nblue\nNone\n"), "{}", ran.log);
}

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

#[test]
fn cancel_adds_the_resource_that_manages_the_buttons() {
    let ran = Place::new().load("load_dynamic('ext://cancel')\n").succeeded();
    assert_eq!(ran.names(), ["operator:cancel"]);
    let serve = &ran.resource("operator:cancel")["DeployTarget"]["ServeCmd"];
    assert_eq!(serve["Argv"], json!(["sh", "./controller.sh"]));
    let dir = serve["Dir"].as_str().unwrap();
    assert!(dir.ends_with("/cancel"), "{dir}");
}

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

/// The objects that a Tiltfile declares when `tilt up` evaluates it: buttons do nothing elsewhere.
fn objects_in_up(place: &Place, tiltfile: &str) -> Result<ObjectSet, String> {
    place.file("project/Tiltfile", tiltfile);
    let home = place.dir().join("data").display().to_string();
    let request = Request {
        tiltfile: place.dir().join("project/Tiltfile"),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        purpose: Default::default(),
        environment: BTreeMap::from([("HOME".to_owned(), home)]),
        command_line: Vec::new(),
        executable: "/bin/tilt".into(),
        kube_context: None,
        kube_namespace: None,
        pinned: None,
        timings: Timed::No,
        limits: Limits::default(),
        cancel: Default::default(),
    };
    let evaluation = evaluate(request, |_| {});
    evaluation
        .project
        .map(|project| project.objects)
        .map_err(|failure| failure.message)
}

fn object(objects: &ObjectSet, plural: &str, name: &str) -> Value {
    let tree = objects.get(plural, name).unwrap().to_json_tree();
    serde_json::from_str(&tilt::model::yaml::json::compact(&tree)).unwrap()
}

#[test]
fn uibutton_adds_a_button_and_the_command_that_it_starts() {
    let place = Place::new();
    let objects = objects_in_up(
        &place,
        "load('ext://uibutton', 'cmd_button', 'text_input', 'bool_input', 'choice_input', 'location')
cmd_button('greet', resource='web', argv=['echo', 'hi'], text='Greet', icon_name='waving_hand', requires_confirmation=True,
    env=['A=b'], inputs=[text_input('NAME', default='you'), bool_input('LOUD'), bool_input('ON', default=True, true_string='yes',
    false_string='no'), choice_input('HOW', choices=['a', 'b'])])
cmd_button('all', argv=['true'], location=location.NAV, icon_svg='<svg/>')
cmd_button('odd', argv=['true'], location='Resource/web')
",
    )
    .unwrap();
    let button = &object(&objects, "uibuttons", "greet")["spec"];
    assert_eq!(
        button["location"],
        json!({"componentID": "web", "componentType": "Resource"})
    );
    assert_eq!(button["text"], "Greet");
    assert_eq!(button["iconName"], "waving_hand");
    assert_eq!(button["requiresConfirmation"], true);
    let inputs = button["inputs"].as_array().unwrap();
    assert_eq!(inputs[0]["text"]["defaultValue"], "you");
    assert_eq!(inputs[1]["name"], "LOUD");
    assert_eq!(
        inputs[2]["bool"],
        json!({"defaultValue": true, "trueString": "yes", "falseString": "no"})
    );
    assert_eq!(inputs[3]["choice"], json!({"choices": ["a", "b"]}));
    let command = object(&objects, "cmds", "btn-greet");
    assert_eq!(command["spec"]["args"], json!(["echo", "hi"]));
    assert_eq!(
        command["spec"]["dir"],
        place.dir().join("project").display().to_string()
    );
    assert_eq!(command["spec"]["startOn"]["uiButtons"], json!(["greet"]));
    let annotations = &command["metadata"]["annotations"];
    assert_eq!(annotations["tilt.dev/resource"], "web");
    assert_eq!(annotations["tilt.dev/log-span-id"], "cmd:greet");
    let nav = &object(&objects, "uibuttons", "all")["spec"];
    assert_eq!(
        nav["location"],
        json!({"componentID": "nav", "componentType": "Global"})
    );
    assert_eq!(nav["iconSVG"], "<svg/>");
}

#[test]
fn uibutton_refuses_buttons_that_belong_nowhere() {
    let place = Place::new();
    for (call, want) in [
        ("cmd_button('b', argv=['x'])", "Must provide a resource name"),
        ("cmd_button('b', resource='r')", "argv cannot be empty"),
        ("cmd_button('b', argv=['x'], location='')", "location is required"),
        (
            "cmd_button('b', argv=['x'], location='moon')",
            "Unsupported location moon",
        ),
    ] {
        let tiltfile = format!("load('ext://uibutton', 'cmd_button')\n{call}\n");
        assert_eq!(objects_in_up(&place, &tiltfile).unwrap_err(), want);
    }
}
