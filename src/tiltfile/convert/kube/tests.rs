//! Kubernetes objects become resources: how they are found, named, joined and refused.

use crate::model::project::{Target, TriggerMode};
use crate::model::workload::{DiscoveryStrategy, KubernetesTarget, PodReadiness, Source};
use crate::tiltfile::testing::{Evaluated, Tiltfile};

/// A deployment, of `namespace` where that is not empty.
fn deployment(name: &str, namespace: &str, image: &str) -> String {
    let namespace = if namespace.is_empty() {
        String::new()
    } else {
        format!(", namespace: {namespace}")
    };
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}{namespace}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}, tier: t}}}}\n    spec: {{containers: [{{name: c, image: '{image}'}}]}}\n"
    )
}

fn object(kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
}

fn service(name: &str, selector: &str) -> String {
    object(
        "Service",
        name,
        &format!("spec: {{selector: {{{selector}}}, ports: [{{port: 80}}]}}"),
    )
}

#[track_caller]
fn target<'e>(evaluated: &'e Evaluated, name: &str) -> &'e KubernetesTarget {
    match &evaluated.resource(name).target {
        Target::Kubernetes(target) => target,
        other => panic!("{other:?}"),
    }
}

/// Kind and name of each object, in the order in which they are deployed.
fn objects(evaluated: &Evaluated, name: &str) -> Vec<String> {
    match &target(evaluated, name).source {
        Source::Yaml(yaml) => {
            let objects = crate::model::kube::parse(yaml).unwrap();
            objects
                .iter()
                .map(|object| format!("{} {}", object.kind(), object.name()))
                .collect()
        }
        Source::Custom { .. } => Vec::new(),
    }
}

fn with(yaml: &str, statements: &str) -> Evaluated {
    Tiltfile::new(&format!("k8s_yaml('all.yaml')\n{statements}"))
        .file("all.yaml", yaml)
        .eval()
}

#[test]
fn workloads_take_the_shortest_name_that_tells_them_apart() {
    let yaml = deployment("a", "", "i")
        + &deployment("b", "", "i")
        + &deployment("b", "other", "i")
        + &object("Pod", "a", "spec: {containers: [{name: c, image: i}]}");
    assert_eq!(
        with(&yaml, "").names(),
        ["a:deployment", "b:deployment:default", "b:deployment:other", "a:pod"]
    );
}

#[test]
fn services_join_the_workload_of_their_namespace_whose_pods_they_select() {
    let yaml = service("for-a", "app: a")
        + &deployment("a", "", "i")
        + &service("for-both", "tier: t")
        + &deployment("b", "", "i")
        + &service("for-nobody", "app: z")
        + &object("ConfigMap", "c", "data: {k: v}");
    let evaluated = with(&yaml, "");
    assert_eq!(evaluated.names(), ["a", "b", "uncategorized"]);
    assert_eq!(
        objects(&evaluated, "a"),
        ["Service for-a", "Service for-both", "Deployment a"]
    );
    assert_eq!(objects(&evaluated, "b"), ["Deployment b"]);
    assert_eq!(
        objects(&evaluated, "uncategorized"),
        ["ConfigMap c", "Service for-nobody"]
    );
    assert_eq!(target(&evaluated, "uncategorized").readiness, PodReadiness::Ignore);
}

#[test]
fn options_of_several_calls_add_up_also_under_a_new_name() {
    let evaluated = with(
        &deployment("a", "", "i"),
        "k8s_resource('a', new_name='b', port_forwards=8000, labels='x', resource_deps=['l'])\n\
         k8s_resource('b', port_forwards='9000:90', labels=['y'], resource_deps=['l'], auto_init=False, pod_readiness='ignore',\n\
           discovery_strategy='selectors-only', extra_pod_selectors={'k': 'v'})\n\
         local_resource('l', 'true')\n",
    );
    let b = evaluated.resource("b");
    assert_eq!(b.labels.iter().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(b.deps, ["l"]);
    assert_eq!(b.trigger, TriggerMode::AutoWithManualInit);
    let target = target(&evaluated, "b");
    let forwards: Vec<(u16, u16)> = target.port_forwards.iter().map(|f| (f.local, f.container)).collect();
    assert_eq!(forwards, [(8000, 0), (9000, 90)]);
    assert_eq!(target.readiness, PodReadiness::Ignore);
    assert_eq!(target.discovery, DiscoveryStrategy::SelectorsOnly);
    assert_eq!(target.extra_selectors, [[("k".to_owned(), "v".to_owned())]]);
}

#[test]
fn objects_are_moved_by_fragments_and_can_be_a_resource_of_their_own() {
    let yaml = deployment("a", "", "i")
        + &object("ConfigMap", "c", "")
        + &object("Secret", "c", "")
        + &object("ConfigMap", "d", "");
    let evaluated = with(
        &yaml,
        "k8s_resource('a', objects=['C:configmap'])\nk8s_resource(new_name='rest', objects=['c:secret:default', 'd'])\n",
    );
    assert_eq!(evaluated.names(), ["a", "rest"]);
    assert_eq!(objects(&evaluated, "a"), ["ConfigMap c", "Deployment a"]);
    assert_eq!(objects(&evaluated, "rest"), ["ConfigMap d", "Secret c"]);
    assert_eq!(target(&evaluated, "rest").readiness, PodReadiness::Ignore);
}

#[test]
fn mistakes_name_their_place_and_what_there_is() {
    let yaml = deployment("a", "", "i")
        + &deployment("b", "", "i")
        + &object("ConfigMap", "c", "")
        + &object("Secret", "c", "");
    let table = [
        (
            "k8s_resource('aa')",
            "$DIR/Tiltfile:2:13: k8s_resource specified unknown resource \"aa\". known k8s resources: a, b",
        ),
        (
            "k8s_resource('a', new_name='b')",
            "$DIR/Tiltfile:2:13: k8s_resource specified to rename \"a\" to \"b\": k8s_resource named \"b\" already exists",
        ),
        (
            "k8s_resource('a', objects=['zzz'])",
            "$DIR/Tiltfile:2:13: No object identified by the fragment \"zzz\" could be found. Possible objects are: \
             \"a:Deployment:default\", \"b:Deployment:default\", \"c:ConfigMap:default\", \"c:Secret:default\"",
        ),
        (
            "k8s_resource('a', objects=['c'])",
            "$DIR/Tiltfile:2:13: \"c\" is not a unique fragment. Objects that match \"c\" are \"c:ConfigMap:default\", \"c:Secret:default\"",
        ),
        (
            "k8s_resource('a', objects=['b:deployment'])",
            "$DIR/Tiltfile:2:13: No object identified by the fragment \"b:deployment\" could be found in remaining YAML. \
             Valid remaining fragments are: \"c:ConfigMap:default\", \"c:Secret:default\"",
        ),
        (
            "k8s_resource()",
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:13: in <toplevel>\nError in k8s_resource: Resource name missing. \
             Must give a name for an existing resource or a new_name to create a new resource.",
        ),
        (
            "k8s_resource('a', discovery_strategy='x')",
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:13: in <toplevel>\nError in k8s_resource: k8s_resource: for parameter \
             \"discovery_strategy\": Invalid. Must be one of: \"default\", \"selectors-only\"",
        ),
        (
            "port_forward(70000)",
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:13: in <toplevel>\nError in port_forward: portForward port value 70000 \
             is not in the valid range [0-65535]",
        ),
        (
            "k8s_yaml(blob(''))",
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:9: in <toplevel>\nError in k8s_yaml: Empty YAML passed to k8s_yaml",
        ),
        (
            "k8s_kind('A', 'B')",
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:9: in <toplevel>\nError in k8s_kind: k8s_kind: got 2 arguments, want at most 1",
        ),
        (
            "k8s_kind('A', image_json_path='{.a}', image_object={'json_path': '{.a}', 'repo_field': 'r', 'tag_field': 't'})",
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:9: in <toplevel>\nError in k8s_kind: Cannot specify both \
             image_json_path and image_object",
        ),
        (
            "k8s_image_json_path('{.a}')",
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:20: in <toplevel>\nError in k8s_image_json_path: at least one of kind, \
             name, or namespace must be specified",
        ),
    ];
    for (statement, expected) in table {
        assert_eq!(with(&yaml, &format!("{statement}\n")).error(), expected, "{statement}");
    }
}

#[test]
fn a_function_names_workloads_wherever_it_was_written() {
    let yaml = deployment("a", "", "i") + &deployment("b", "", "i");
    let renamed = with(
        &yaml,
        "def f(id): return id.kind.lower() + '-' + id.name + id.group\nworkload_to_resource_function(f)\n",
    );
    assert_eq!(renamed.names(), ["deployment-aapps", "deployment-bapps"]);
    let from_file = Tiltfile::new("k8s_yaml('all.yaml')\nload('./lib/Tiltfile', 'x')\n")
        .file("all.yaml", &yaml)
        .file(
            "lib/Tiltfile",
            "workload_to_resource_function(lambda id: 'w-' + id.name)\nx = 1\n",
        )
        .eval();
    assert_eq!(from_file.names(), ["w-a", "w-b"]);
    let table = [
        (
            "lambda id: 'x'",
            "both 'b:deployment:default:apps' and 'a:deployment:default:apps' mapped to resource name 'x'",
        ),
        (
            "lambda id: 1",
            "error determining resource name for 'a:deployment:default:apps': lambda: invalid return value. wanted: string. got: int",
        ),
        (
            "lambda id: id.nope",
            "error determining resource name for 'a:deployment:default:apps': ",
        ),
    ];
    for (function, expected) in table {
        let message = with(&yaml, &format!("workload_to_resource_function({function})\n")).message();
        let prefix = "error applying workload_to_resource_function $DIR/Tiltfile:2:30: ";
        assert!(message.starts_with(&format!("{prefix}{expected}")), "{message}");
    }
    assert_eq!(
        with(&yaml, "workload_to_resource_function(lambda a, b: a)\n").message(),
        "workload_to_resource_function arg must take 1 argument. lambda takes 2"
    );
}

#[test]
fn images_are_found_in_containers_environment_and_pointed_out_places() {
    let yaml = deployment("a", "", "gcr.io/x/one:v1")
        + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: other, env: [{name: I, value: two}]}]}\n"
        + "---\napiVersion: x/v1\nkind: Thing\nmetadata: {name: t}\nspec: {image: three, also: {repo: one, tag: v}}\n";
    let evaluated = with(
        &yaml,
        "docker_build('gcr.io/x/one', '.', dockerfile_contents='FROM scratch')\n\
         docker_build('two', '.', dockerfile_contents='FROM scratch', match_in_env_vars=True)\n\
         docker_build('three', '.', dockerfile_contents='FROM two')\n\
         k8s_kind('Thing', image_json_path=['{.spec.image}', '{.spec.nothing}'])\n",
    );
    assert_eq!(evaluated.names(), ["a", "p", "t"]);
    let images = |name: &str| -> Vec<String> {
        evaluated
            .resource(name)
            .images
            .iter()
            .map(|i| i.selector.to_string())
            .collect()
    };
    assert_eq!(images("a"), ["gcr.io/x/one"]);
    assert_eq!(images("p"), ["two"]);
    assert_eq!(images("t"), ["two", "three"]);
    assert_eq!(target(&evaluated, "t").image_maps, ["three"]);
    assert_eq!(target(&evaluated, "t").image_locators.len(), 2);
    assert!(target(&evaluated, "a").image_locators.is_empty());
    assert_eq!(evaluated.warnings(), [] as [&str; 0]);
}

#[test]
fn jobs_are_waited_for_until_they_are_done_and_cron_jobs_not_at_all() {
    let job = |api: &str, kind: &str, name: &str| {
        format!("---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n")
    };
    let yaml = job("batch/v1", "Job", "j") + &job("batch/v1", "CronJob", "c") + &job("x/v1", "Thing", "t");
    let evaluated = with(&yaml, "k8s_kind('Thing', pod_readiness='succeeded')\n");
    assert_eq!(target(&evaluated, "j").readiness, PodReadiness::Succeeded);
    assert_eq!(target(&evaluated, "c").readiness, PodReadiness::Ignore);
    assert_eq!(target(&evaluated, "t").readiness, PodReadiness::Succeeded);
}

#[test]
fn duplicates_are_refused_unless_allowed_and_then_named_apart() {
    let refused = with(&deployment("a", "ns", "i"), "k8s_yaml('all.yaml')\n").error();
    assert!(
        refused.contains("Error in k8s_yaml: Duplicate YAML: Deployment a (Namespace: ns)\nIgnore this error"),
        "{refused}"
    );
    let allowed = with(
        &deployment("a", "", "i"),
        "k8s_yaml('all.yaml', allow_duplicates=True)\n",
    );
    assert_eq!(allowed.names().len(), 2);
}

#[test]
fn yaml_is_filtered_by_patterns_and_labels() {
    let more = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c1, labels: {l: x}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c2}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: c3, labels: {l: x}}\n";
    let said = Tiltfile::new(
        "yes, no = filter_yaml(read_file('more.yaml'), kind='config', name='^c', labels={'l': 'x'})\n\
         print(len(decode_yaml_stream(yes)), len(decode_yaml_stream(no)), type(yes))\n\
         print(len(decode_yaml_stream(filter_yaml('more.yaml', kind='secret')[0])))\n",
    )
    .file("more.yaml", more)
    .eval()
    .said();
    assert_eq!(said, "1 2 blob\n1\n");
}

#[test]
fn secrets_are_known_unless_nobody_wants_them_scrubbed() {
    let yaml = object("Secret", "s", "data: {a: aGVsbG8=}\nstringData: {b: world}");
    let secrets = |statements: &str| -> Vec<(String, Vec<u8>)> {
        let evaluated = with(&yaml, statements);
        evaluated
            .project()
            .secrets
            .iter()
            .map(|secret| (secret.key.clone(), secret.value.clone()))
            .collect()
    };
    assert_eq!(
        secrets(""),
        [("a".to_owned(), b"hello".to_vec()), ("b".to_owned(), b"world".to_vec())]
    );
    assert_eq!(secrets("secret_settings(disable_scrub=True)\n"), []);
}

#[test]
fn a_command_deploys_with_its_images_and_its_live_update() {
    let evaluated = Tiltfile::new(
        "docker_build('one', '.', dockerfile_contents='FROM scratch')\n\
         k8s_custom_deploy('c', 'apply', ['delete', 'it'], ['src'], image_deps=['one'], apply_env={'A': 'b'}, delete_dir='src',\n\
           live_update=[sync('src', '/src')], container_selector='main')\n\
         k8s_resource('c', port_forwards=1)\n",
    )
    .file("src/a", "")
    .eval();
    let target = target(&evaluated, "c");
    let Source::Custom { apply, delete, deps } = &target.source else {
        panic!("{:?}", target.source);
    };
    assert_eq!(
        (&apply.argv[2], &apply.env),
        (&"apply".to_owned(), &vec!["A=b".to_owned()])
    );
    assert!(delete.dir.ends_with("src") && deps[0].ends_with("src"));
    assert_eq!(target.image_maps, ["one"]);
    let images = &evaluated.resource("c").images;
    assert_eq!(images[1].live_update.container.as_deref(), Some("main"));
    let table = [
        ("'', ['d'], []", "k8s_custom_deploy: apply_cmd cannot be empty"),
        ("'a', '', []", "k8s_custom_deploy: delete_cmd cannot be empty"),
        (
            "'a', 'd', ['.'], live_update=[sync('.', '/a')]",
            "k8s_custom_deploy: no Live Update selector specified",
        ),
        (
            "'a', 'd', ['.'], live_update=[sync('.', '/a')], image_selector='i', container_selector='c'",
            "k8s_custom_deploy: cannot specify more than one Live Update selector",
        ),
        (
            "'a', 'd', ['.'], live_update=[sync('.', '/a')], image_selector='I'",
            "can't parse \"I\": ",
        ),
    ];
    for (arguments, expected) in table {
        let message = Tiltfile::new(&format!("k8s_custom_deploy('c', {arguments})\n"))
            .eval()
            .message();
        assert!(message.starts_with(expected), "{arguments}: {message}");
    }
}

#[test]
fn what_might_be_production_is_not_deployed_to() {
    let tiltfile = |statements: &str| {
        Tiltfile::new(&format!("{statements}k8s_yaml('all.yaml')\n"))
            .file("all.yaml", deployment("a", "", "i"))
            .context("prod", "gke_x")
            .eval()
    };
    assert_eq!(
        tiltfile("").message(),
        "Stop! prod might be production.\nIf you're sure you want to deploy there, add:\nallow_k8s_contexts('prod')\n\
         to your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
    );
    assert_eq!(tiltfile("allow_k8s_contexts('prod')\n").names(), ["a"]);
}

#[test]
fn trigger_modes_and_port_forwards_print_as_upstreams() {
    let said = Tiltfile::new("print(TRIGGER_MODE_AUTO, [TRIGGER_MODE_MANUAL], port_forward(8000, 80, name='x'))\n")
        .eval()
        .said();
    assert_eq!(
        said,
        "TRIGGER_MODE_AUTO [TRIGGER_MODE_MANUAL] port_forward(local_port=8000, container_port=80, name=\"x\")\n"
    );
}
