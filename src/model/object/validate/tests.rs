//! Every rule with an object that breaks it, and objects that keep them all.

use super::super::super::tree::Map;
use super::super::kind_called;
use super::*;

fn text(value: &str) -> Tree {
    Tree::text(value)
}

fn list<const N: usize>(items: [Tree; N]) -> Tree {
    Tree::List(items.into())
}

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

#[track_caller]
fn check(kind: &str, spec: Tree, expected: &[&str]) {
    let mut object = Object::new(kind_called(kind).unwrap(), "n");
    let Tree::Map(spec) = spec else {
        panic!("a spec is a map")
    };
    object.spec = spec;
    let messages: Vec<_> = validate(&object).iter().map(FieldError::to_string).collect();
    assert_eq!(messages, expected);
}

fn button<const N: usize>(fields: [(&str, Tree); N]) -> Tree {
    let location = map([("componentID", text("r")), ("componentType", text("Resource"))]);
    let Tree::Map(mut spec) = map([("text", text("Go")), ("location", location)]) else {
        unreachable!()
    };
    fields.into_iter().for_each(|(name, value)| spec.insert(name, value));
    Tree::Map(spec)
}

#[test]
fn a_button_needs_a_text_and_a_place() {
    check(
        "UIButton",
        map([]),
        &[
            "spec.text: Required value: Button text cannot be empty",
            "spec.location.componentID: Required value: Parent component ID is required",
            "spec.location.componentType: Required value: Parent component type is required",
        ],
    );
    check("UIButton", button([]), &[]);
}

#[test]
fn the_icon_of_a_button_is_an_svg_element() {
    let message = r#"spec.iconSVG: Invalid value: "<path d=\"M0\">": Invalid <svg> element"#;
    check("UIButton", button([("iconSVG", text("<path d=\"M0\">"))]), &[message]);
    check("UIButton", button([("iconSVG", text("<svg></svg>"))]), &[]);
}

#[test]
fn an_input_has_exactly_one_type_and_a_name_of_its_own() {
    let input = |name: &str, types: &[&str]| {
        let fields = types.iter().map(|field| ((*field).into(), map([])));
        Tree::Map([("name".into(), text(name))].into_iter().chain(fields).collect())
    };
    let inputs = list([input("A", &["text"]), input("B", &[]), input("A", &["text", "bool"])]);
    check(
        "UIButton",
        button([("inputs", inputs)]),
        &[
            r#"spec.inputs[1]: Invalid value: "B": must specify exactly one input type"#,
            r#"spec.inputs[2].name: Duplicate value: "A""#,
            r#"spec.inputs[2]: Invalid value: "A": must specify exactly one input type"#,
        ],
    );
    check(
        "UIButton",
        button([("inputs", list([input("A", &["hidden"]), input("B", &["bool"])]))]),
        &[],
    );
}

#[test]
fn a_choice_needs_something_to_choose_from() {
    let input = |choices| map([("name", text("C")), ("choice", map([("choices", choices)]))]);
    let message = r#"spec.inputs[0]: Invalid value: "C": must specify choices if input type is choice"#;
    check("UIButton", button([("inputs", list([input(list([]))]))]), &[message]);
    check("UIButton", button([("inputs", list([input(list([text("x")]))]))]), &[]);
}

#[test]
fn a_toggle_button_needs_a_source_with_two_values() {
    let source = |on, off| {
        map([(
            "stateSource",
            map([("configMap", map([("onValue", text(on)), ("offValue", text(off))]))]),
        )])
    };
    check(
        "ToggleButton",
        map([]),
        &["spec.stateSource: Invalid value: {}: must specify exactly one kind of StateSource"],
    );
    let message = r#"spec.stateSource.configMap: Invalid value: "x": OnValue and OffValue must differ"#;
    check("ToggleButton", source("x", "x"), &[message]);
    check("ToggleButton", source("true", "false"), &[]);
}

#[test]
fn a_file_watch_needs_a_path() {
    let message = "spec.watchedPaths: Required value: cannot be an empty list";
    check("FileWatch", map([]), &[message]);
    check("FileWatch", map([("watchedPaths", list([]))]), &[message]);
    check("FileWatch", map([("watchedPaths", list([text("/a")]))]), &[]);
}

#[test]
fn a_repository_of_extensions_is_on_the_web_or_in_an_absolute_directory() {
    let url = |url| map([("url", text(url))]);
    for wrong in ["", "git@example.com:x", "ftp://x"] {
        let message = format!(r#"spec.url: Invalid value: "{wrong}": URLs must start with http(s):// or file://"#);
        check("ExtensionRepo", url(wrong), &[&message]);
    }
    let message =
        r#"spec.url: Invalid value: "file://a/b": file:// URLs must be absolute (e.g., file:///home/user/repo)"#;
    check("ExtensionRepo", url("file://a/b"), &[message]);
    let subpath = |url| map([("url", text(url)), ("gitSubpath", text("x"))]);
    let message =
        r#"spec.git_subpath: Invalid value: "x": cannot use git_subpath for file:// URL extension repositories"#;
    check("ExtensionRepo", subpath("file:///a"), &[message]);
    check("ExtensionRepo", subpath("https://x"), &[]);
    check("ExtensionRepo", url("file:///a"), &[]);
    check("ExtensionRepo", url("http://x"), &[]);
}

#[test]
fn a_deployment_has_yaml_or_a_command() {
    const ONE: &str = "must specify exactly ONE of .spec.yaml or .spec.applyCmd";
    let command = || map([("args", list([text("x")]))]);
    check("ka", map([]), &[&format!("spec.yaml: Required value: {ONE}")]);
    let both = map([("yaml", text("a: 1")), ("applyCmd", command())]);
    check(
        "ka",
        both,
        &[&format!(r#"spec.applyCmd: Invalid value: {{"args":["x"]}}: {ONE}"#)],
    );
    check("ka", map([("yaml", text("a: 1"))]), &[]);
    check("ka", map([("applyCmd", command()), ("deleteCmd", command())]), &[]);
}

#[test]
fn a_command_that_deploys_or_deletes_has_arguments() {
    check(
        "ka",
        map([("applyCmd", map([])), ("deleteCmd", map([("args", list([]))]))]),
        &[
            "spec.applyCmd.args: Required value: cannot be empty",
            "spec.deleteCmd.args: Required value: cannot be empty",
        ],
    );
}

#[test]
fn pods_are_discovered_by_a_known_strategy() {
    let with = |strategy| map([("yaml", text("a: 1")), ("discoveryStrategy", text(strategy))]);
    let message =
        r#"spec.discoveryStrategy: Unsupported value: "owner": supported values: "default", "selectors-only""#;
    check("ka", with("owner"), &[message]);
    check("ka", with("selectors-only"), &[]);
    check("ka", with("default"), &[]);
}

#[test]
fn a_discovery_needs_something_to_look_for() {
    check(
        "kd",
        map([]),
        &["spec.watches: Required value: at least one watch or extra selector is required"],
    );
    check("kd", map([("extraSelectors", list([map([])]))]), &[]);
    let watches = list([map([("namespace", text("ns"))]), map([("uid", text("u"))])]);
    check(
        "kd",
        map([("watches", watches)]),
        &["spec.watches[1]: Required value: Namespace must be provided"],
    );
}

fn live_update<const N: usize>(selector: [(&str, Tree); N]) -> Tree {
    let syncs = list([map([("localPath", text("a")), ("containerPath", text("/a"))])]);
    map([("syncs", syncs), ("selector", map(selector))])
}

#[test]
fn a_live_update_does_something_and_copies_to_absolute_paths() {
    let message = "spec.syncs: Invalid value: null: must contain at least 1 sync or 1 exec to run on live update";
    check("LiveUpdate", map([]), &[message]);
    check("LiveUpdate", map([("execs", list([map([])]))]), &[]);
    let syncs = list([map([("containerPath", text("srv"))])]);
    let message = r#"spec.syncs[0]: Invalid value: "srv": sync destination is not absolute"#;
    check("LiveUpdate", map([("syncs", syncs)]), &[message]);
}

#[test]
fn a_live_update_selects_containers_in_exactly_one_way() {
    check(
        "LiveUpdate",
        live_update([("kubernetes", map([]))]),
        &[
            "spec.selector.kubernetes.discoveryName: Required value: KubernetesDiscovery name is required",
            "spec.selector.kubernetes: Required value: exactly one of image, imageMapName, or containerName is required",
        ],
    );
    let both = [
        ("discoveryName", text("d")),
        ("image", text("i")),
        ("imageMapName", text("m")),
    ];
    let forbidden = |field: &str| {
        format!(
            "spec.selector.kubernetes.{field}: Forbidden: \
             cannot specify more than one of image, imageMapName, or containerName"
        )
    };
    check(
        "LiveUpdate",
        live_update([("kubernetes", map(both))]),
        &[&forbidden("image"), &forbidden("imageMapName")],
    );
    let one = [("discoveryName", text("d")), ("containerName", text("c"))];
    check("LiveUpdate", live_update([("kubernetes", map(one))]), &[]);
    let message = "spec.selector.dockerCompose.service: Required value: DockerCompose service name is required";
    check("LiveUpdate", live_update([("dockerCompose", map([]))]), &[message]);
    check(
        "LiveUpdate",
        live_update([("dockerCompose", map([("service", text("s"))]))]),
        &[],
    );
}

#[test]
fn a_port_forward_has_a_pod_and_ports_in_range() {
    check(
        "pf",
        map([]),
        &[
            "spec.podName: Required value: PodName cannot be empty",
            "spec.forwards: Required value: At least one Forward is required",
        ],
    );
    let forward = |local, container| map([("localPort", Tree::Int(local)), ("containerPort", Tree::Int(container))]);
    let with = |forwards| map([("podName", text("p")), ("forwards", forwards)]);
    check(
        "pf",
        with(list([forward(8000, 80), forward(8000, 0), forward(-1, 65536)])),
        &[
            "spec.forwards[1].localPort: Duplicate value: 8000: Cannot bind more than one forward to same LocalPort",
            "spec.forwards[1].containerPort: Invalid value: 0: ContainerPort must be in the range (0, 65535]",
            "spec.forwards[2].localPort: Invalid value: -1: LocalPort must be in the range [0, 65535]",
            "spec.forwards[2].containerPort: Invalid value: 65536: ContainerPort must be in the range (0, 65535]",
        ],
    );
    check(
        "pf",
        with(list([forward(0, 80), forward(0, 80), forward(65535, 65535)])),
        &[],
    );
}

#[test]
fn a_session_has_a_tiltfile_and_knows_when_to_end() {
    check(
        "Session",
        map([]),
        &[
            "spec.tiltfilePath: Required value: cannot be empty",
            r#"spec.exitCondition: Invalid value: "": valid values: manual, ci"#,
        ],
    );
    check(
        "Session",
        map([("tiltfilePath", text("/Tiltfile")), ("exitCondition", text("ci"))]),
        &[],
    );
}

#[test]
fn the_registry_of_a_cluster_has_usable_hosts() {
    let registry = |host: &str, runtime: &str| {
        map([(
            "defaultRegistry",
            map([("host", text(host)), ("hostFromContainerRuntime", text(runtime))]),
        )])
    };
    check("Cluster", map([]), &[]);
    check(
        "Cluster",
        registry("", ""),
        &["spec.defaultRegistry.host: Required value"],
    );
    for (host, problem) in [
        ("https://x", "invalid reference format"),
        ("localhost:port", "invalid reference format"),
        ("gcr.io/", "invalid reference format"),
        ("gcr.io/Upper", "invalid reference format"),
        ("registry", "repository name must be canonical"),
        ("docker.io", "repository name must be canonical"),
    ] {
        let message = format!(r#"spec.defaultRegistry.host: Invalid value: "{host}": {problem}"#);
        check("Cluster", registry(host, ""), &[&message]);
    }
    let message = r#"spec.defaultRegistry.hostFromContainerRuntime: Invalid value: "a b": invalid reference format"#;
    check("Cluster", registry("localhost:5000", "a b"), &[message]);
    for host in [
        "localhost",
        "localhost:5000",
        "gcr.io/my-project",
        "docker.io/me",
        "[::1]:5000",
        "registry:5000",
    ] {
        check("Cluster", registry(host, host), &[]);
    }
}

#[test]
fn kinds_without_rules_accept_anything() {
    for kind in [
        "Cmd",
        "ConfigMap",
        "Extension",
        "CmdImage",
        "DockerImage",
        "ImageMap",
        "pls",
        "Tiltfile",
        "UISession",
    ] {
        check(kind, map([]), &[]);
    }
}

#[test]
fn a_name_can_stand_in_a_path() {
    let messages = |name| {
        validate_name(name)
            .iter()
            .map(FieldError::to_string)
            .collect::<Vec<_>>()
    };
    for name in ["(Tiltfile)", "a:b", "Some Name", "x.y"] {
        assert!(messages(name).is_empty(), "{name}");
    }
    assert_eq!(
        messages(""),
        ["metadata.name: Required value: name or generateName is required"]
    );
    assert_eq!(
        messages(".."),
        [r#"metadata.name: Invalid value: "..": may not be '..'"#]
    );
    assert_eq!(
        messages("a/%"),
        [
            r#"metadata.name: Invalid value: "a/%": may not contain '/'"#,
            r#"metadata.name: Invalid value: "a/%": may not contain '%'"#
        ]
    );
}

#[test]
fn several_errors_are_joined_and_each_is_said_once() {
    let error = |path: &str| FieldError::required(path, "x");
    assert_eq!(aggregate(&[]), None);
    assert_eq!(aggregate(&[error("a")]).as_deref(), Some("a: Required value: x"));
    assert_eq!(
        aggregate(&[error("a"), error("a")]).as_deref(),
        Some("a: Required value: x")
    );
    let two = aggregate(&[error("a"), error("b"), error("a")]);
    assert_eq!(two.as_deref(), Some("[a: Required value: x, b: Required value: x]"));
    let empty = Object::new(kind_called("UIButton").unwrap(), "b");
    assert_eq!(empty.spec, Map::new());
    assert!(
        aggregate(&validate(&empty))
            .unwrap()
            .starts_with("[spec.text: Required value: Button text")
    );
}
