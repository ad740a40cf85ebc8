//! Pure. Kubernetes objects from text and back, as upstream reads and prints them.

use super::*;
use crate::model::tree::Tree;
use crate::model::yaml::parse_one;

fn printed(text: &str) -> Result<String, String> {
    parse(text)
        .map(|objects| emit(&objects))
        .map_err(|error| error.to_string())
}

fn only(text: &str) -> Object {
    let mut objects = parse(text).unwrap();
    assert_eq!(objects.len(), 1, "{text}");
    objects.remove(0)
}

/// Input and what upstream's `tiltfile-result` shows for it; the first two are from a run of the real thing.
const NORMALIZED: &[(&str, &str)] = &[
    (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web}}\nspec:\n  replicas: 1\n  \
         selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      \
         containers: [{name: main, image: w, ports: [{containerPort: 8000}]}]\n---\napiVersion: v1\nkind: Service\n\
         metadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: 8000}]}\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    app: web\n  name: web\nspec:\n  replicas: 1\n  \
         selector:\n    matchLabels:\n      app: web\n  strategy: {}\n  template:\n    metadata:\n      labels:\n        \
         app: web\n    spec:\n      containers:\n      - image: w\n        name: main\n        ports:\n        - \
         containerPort: 8000\n        resources: {}\n\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n\
         spec:\n  ports:\n  - port: 80\n    targetPort: 8000\n  selector:\n    app: web\n",
    ),
    (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec: {template: {spec: {restartPolicy: Never, \
         containers: [{name: j, image: j}]}}}\n",
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: web\nspec:\n  template:\n    metadata: {}\n    spec:\n      \
         containers:\n      - image: j\n        name: j\n        resources: {}\n      restartPolicy: Never\n",
    ),
    // What nobody said.
    (
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: other\nspec: {}\n",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nspec:\n  selector: null\n  strategy: {}\n  template:\n    \
         metadata: {}\n    spec:\n      containers: null\n",
    ),
    (
        "apiVersion: v1\nkind: Service\nspec: {ports: [{}]}\n",
        "apiVersion: v1\nkind: Service\nmetadata: {}\nspec:\n  ports:\n  - port: 0\n    targetPort: 0\n",
    ),
    (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {}\nrules: null\n",
    ),
    // Unknown, empty and zero fields.
    (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {}, creationTimestamp: null, Name: b}\nspec: {replicas: 0, \
         minReadySeconds: 0, paused: false, bogus: 1, selector: {}, template: {spec: {containers: [], volumes: [], \
         automountServiceAccountToken: false, hostNetwork: false, securityContext: {}}}}\nstatus: {replicas: 7}\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  replicas: 0\n  selector: {}\n  strategy: {}\n  \
         template:\n    metadata: {}\n    spec:\n      automountServiceAccountToken: false\n      containers: []\n      \
         securityContext: {}\n",
    ),
    (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {storageClassName: \"\", volumeName: \"\"}\nstatus: {phase: Bound}\n",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: a\nspec:\n  resources: {}\n  storageClassName: \"\"\n",
    ),
    (
        "apiVersion: apps/v1\nkind: StatefulSet\nspec: {serviceName: s, selector: {}, template: {}, volumeClaimTemplates: [{status: {phase: x}}]}\n",
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {}\nspec:\n  selector: {}\n  serviceName: s\n  template:\n    metadata: {}\n    \
         spec:\n      containers: null\n  updateStrategy: {}\n  volumeClaimTemplates:\n  - metadata: {}\n    spec:\n      resources: {}\n",
    ),
    // Canonical values.
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: '2020-01-01T01:00:00+01:00'}\nspec: {containers: [{name: a, resources: \
         {limits: {memory: 1024Mi, cpu: 0.1}, requests: {cpu: 2}}, env: [{name: B, value: ''}, {name: C, valueFrom: {resourceFieldRef: \
         {resource: limits.cpu}}}], livenessProbe: {httpGet: {port: http}, initialDelaySeconds: 0}}]}\n",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  creationTimestamp: \"2020-01-01T00:00:00Z\"\n  name: a\nspec:\n  containers:\n  - env:\n    \
         - name: B\n    - name: C\n      valueFrom:\n        resourceFieldRef:\n          divisor: \"0\"\n          resource: limits.cpu\n    \
         livenessProbe:\n      httpGet:\n        port: http\n    name: a\n    resources:\n      limits:\n        cpu: 100m\n        \
         memory: 1Gi\n      requests:\n        cpu: \"2\"\n",
    ),
    (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: \"aGVs\\nbG8=\", m: null}\nstringData: {s: plain, m: null}\n",
        "apiVersion: v1\ndata:\n  k: aGVsbG8=\n  m: null\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  m: \"\"\n  s: plain\n",
    ),
    // Kinds that are not Kubernetes' own stay as they are.
    (
        "kind: Thing\napiVersion: example.com/v1\nspec: {b: [], a: {}, nil: null, zero: 0}\nstatus: {ok: true}\n",
        "apiVersion: example.com/v1\nkind: Thing\nspec:\n  a: {}\n  b: []\n  nil: null\n  zero: 0\nstatus:\n  ok: true\n",
    ),
    (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a, creationTimestamp: null}\n",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  creationTimestamp: null\n  name: a\n",
    ),
    // Old versions.
    (
        "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\nspec: {backend: {serviceName: s}, junk: 1}\n",
        "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata:\n  name: a\nspec:\n  backend:\n    serviceName: s\n    servicePort: 0\n",
    ),
    (
        "apiVersion: extensions/v1beta1\nkind: Deployment\nspec: {template: {spec: {containers: []}}}\n",
        "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {}\nspec:\n  strategy: {}\n  template:\n    metadata: {}\n    spec:\n      containers: []\n",
    ),
];

#[test]
fn objects_print_as_upstream_prints_them() {
    for (text, expected) in NORMALIZED {
        assert_eq!(printed(text).as_deref(), Ok(*expected), "{text}");
    }
}

#[test]
fn what_was_printed_prints_the_same_again() {
    for (text, _) in NORMALIZED {
        let once = printed(text).unwrap();
        assert_eq!(printed(&once).as_deref(), Ok(once.as_str()));
    }
}

#[test]
fn lists_are_taken_apart() {
    let names = |text: &str| {
        parse(text).map(|objects| {
            objects
                .iter()
                .map(|o| format!("{} {} {}", o.api_version(), o.kind(), o.name()))
                .collect::<Vec<_>>()
        })
    };
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("---\n# nothing\n---\nnull\n", &[]),
        ("apiVersion: v1\nkind: List\nitems: []\n", &[]),
        ("apiVersion: v1\nkind: List\n", &[]),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- {apiVersion: v1, kind: List, items: \
             [{apiVersion: x/v1, kind: Z, metadata: {name: b}}]}\n",
            &["v1 ConfigMap a", "x/v1 Z b"],
        ),
        (
            "apiVersion: apps/v1\nkind: DeploymentList\nitems: [{metadata: {name: a}}]\n",
            &["apps/v1 Deployment a"],
        ),
        (
            "apiVersion: x/v1\nkind: ZList\nitems: [{metadata: {name: a}}]\n",
            &["x/v1 Z a"],
        ),
        (
            "apiVersion: x/v1\nkind: AllowList\nmetadata: {name: a}\n",
            &["x/v1 AllowList a"],
        ),
        (
            "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\"}}\n{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"b\"}}",
            &["v1 ConfigMap a", "v1 ConfigMap b"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(names(text).unwrap(), *expected, "{text}");
    }
}

#[test]
fn faults_are_upstreams() {
    let deployment =
        |spec: &str| format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {spec}\n");
    let service = |spec: &str| format!("apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {spec}\n");
    let shape = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";
    let table = [
        ("a: [1\n".to_owned(), "error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'".to_owned()),
        ("a: .inf\n".to_owned(), "error converting YAML to JSON: json: unsupported value: +Inf".to_owned()),
        ("just text\n".to_owned(), format!("couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type {shape}")),
        ("- a\n".to_owned(), format!("couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type {shape}")),
        ("apiVersion: 1\nkind: A\n".to_owned(), "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string".to_owned()),
        ("b: <x>\na: 1\n".to_owned(), r#"Object 'Kind' is missing in '{"a":1,"b":"\u003cx\u003e"}'"#.to_owned()),
        ("kind: A\nmetadata: {name: m}\n".to_owned(), r#"decoding A "m": Object 'apiVersion' is missing in '{"kind":"A","metadata":{"name":"m"}}'"#.to_owned()),
        ("apiVersion: a/b/c\nkind: A\n".to_owned(), "decoding A \"\": unexpected GroupVersion string: a/b/c".to_owned()),
        (deployment("{replicas: \"3\"}"), "decoding Deployment \"web\": json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32".to_owned()),
        (deployment("{replicas: 1.5}"), "decoding Deployment \"web\": json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32".to_owned()),
        (deployment("{replicas: 3000000000}"), "decoding Deployment \"web\": json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32".to_owned()),
        (deployment("{template: {spec: {containers: {}}}}"), "decoding Deployment \"web\": json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container".to_owned()),
        (deployment("{template: {spec: {containers: [{env: [{name: A, value: 1}]}]}}}"), "decoding Deployment \"web\": json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string".to_owned()),
        (deployment("{template: {metadata: {labels: {a: true}}}}"), "decoding Deployment \"web\": json: cannot unmarshal bool into Go struct field ObjectMeta.spec.template.metadata.labels of type string".to_owned()),
        (deployment("[]"), "decoding Deployment \"web\": json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec".to_owned()),
        (service("{ports: [{port: http}]}"), "decoding Service \"s\": json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32".to_owned()),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: foo}\ndata: {k: '!!'}\n".to_owned(), "decoding Secret \"foo\": illegal base64 data at input byte 0".to_owned()),
        ("apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: foo}\nspec: {resources: {requests: {storage: big}}}\n".to_owned(), "decoding PersistentVolumeClaim \"foo\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".to_owned()),
    ];
    for (text, expected) in table {
        assert_eq!(printed(&text), Err(expected), "{text}");
    }
}

#[test]
fn objects_know_their_coordinates() {
    let object =
        only("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}, annotations: {c: d}}\n");
    assert_eq!(
        (object.group(), object.version(), object.kind()),
        ("apps", "v1", "Deployment")
    );
    assert_eq!(
        (object.name(), object.namespace(), object.given_namespace()),
        ("web", "default", None)
    );
    assert_eq!(
        (object.labels().collect::<Vec<_>>(), object.annotation("c")),
        (vec![("a", "b")], Some("d"))
    );
    let elsewhere = only("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n");
    assert_eq!(
        (elsewhere.group(), elsewhere.version(), elsewhere.namespace()),
        ("", "v1", "other")
    );
    assert_ne!(object.key(), elsewhere.key());
    assert_eq!(
        elsewhere.key(),
        only("apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: other, name: a}\ndata: {k: v}\n").key()
    );
}

#[test]
fn kinds_are_created_in_kustomizes_order() {
    let mut kinds = [
        "ValidatingWebhookConfiguration",
        "Job",
        "Deployment",
        "Service",
        "Thing",
        "ConfigMap",
        "Namespace",
        "MutatingWebhookConfiguration",
    ];
    kinds.sort_by_key(|kind| kind_rank(kind));
    assert_eq!(
        kinds,
        [
            "Namespace",
            "ConfigMap",
            "Service",
            "Deployment",
            "Job",
            "Thing",
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration"
        ]
    );
}

const PODS: &str = "\
apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec:
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: c, tier: x}}
        spec:
          containers: [{name: main, image: main-image, env: [{name: A, value: env-image}, {name: B, value: not an image}]}]
          initContainers: [{name: init, image: init-image}, {name: none}]
          volumes: [{name: v, image: {reference: volume-image}}, {name: e, emptyDir: {}}]
";

#[test]
fn pods_are_found_wherever_a_kind_keeps_them() {
    let mut cron = only(PODS);
    let names = cron
        .containers()
        .filter_map(|container| container.get("name")?.as_text().map(str::to_owned))
        .collect::<Vec<_>>();
    assert_eq!(names, ["init", "none", "main"]);
    assert_eq!(
        cron.pod_labels().and_then(|labels| labels.get("tier")),
        Some(&Tree::text("x"))
    );
    for container in cron.containers_mut() {
        container.as_map_mut().unwrap().insert("image", Tree::text("changed"));
    }
    assert!(
        cron.containers()
            .all(|container| container.get("image") == Some(&Tree::text("changed")))
    );
    let pod = only("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: b}]}\n");
    assert_eq!((pod.pod_template(), pod.containers().count()), (None, 1));
    let custom =
        only("apiVersion: x/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n");
    assert_eq!((custom.pod_template(), custom.containers().count()), (None, 0));
}

#[test]
fn services_select_pods_by_their_labels() {
    let service = |selector: &str| {
        only(&format!(
            "apiVersion: v1\nkind: Service\nspec: {{selector: {selector}}}\n"
        ))
    };
    let cron = only(PODS);
    let table = [
        ("{app: c}", true),
        ("{app: c, tier: x}", true),
        ("{app: d}", false),
        ("{app: c, more: z}", false),
        ("{}", true),
    ];
    for (selector, selected) in table {
        assert_eq!(service(selector).selects(cron.pod_labels()), selected, "{selector}");
    }
    assert!(!service("{app: c}").selects(None));
    assert!(!cron.selects(cron.pod_labels()));
}

#[test]
fn images_are_found_in_containers_volumes_environment_and_places_pointed_out() {
    let texts = |object: &Object, search: ImageSearch| {
        object
            .images(search)
            .map(|found| found.iter().map(|image| image.text.to_string()).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    let cron = only(PODS);
    assert_eq!(
        texts(&cron, ImageSearch::default()).unwrap(),
        ["init-image", "main-image", "volume-image"]
    );
    let no_spaces = |text: &str| !text.contains(' ');
    let with_env = ImageSearch {
        env: Some(&no_spaces),
        ..ImageSearch::default()
    };
    assert_eq!(
        texts(&cron, with_env).unwrap(),
        ["init-image", "main-image", "volume-image", "env-image"]
    );

    let objects = ObjectMatcher::partial(Patterns {
        kind: "uselessmachine",
        ..Patterns::default()
    })
    .unwrap();
    let path = |path: &str, fields| ImageLocator {
        objects: objects.clone(),
        path: jsonpath::JsonPath::parse(path).unwrap(),
        fields,
    };
    let fields = Some(ImageFields {
        repo: "repo".into(),
        tag: "tag".into(),
    });
    let locators = [
        path("{.spec.image}", None),
        path("{.spec.gone}", None),
        path("{.spec.images[*]}", fields),
    ];
    let search = ImageSearch {
        locators: &locators,
        env: None,
    };
    let machine = only(
        "apiVersion: tilt.dev/v1\nkind: UselessMachine\nspec: {image: a, images: [{repo: b, tag: c}, {repo: d}, {}]}\n",
    );
    assert_eq!(texts(&machine, search).unwrap(), ["a", "b:c", "d"]);
    assert_eq!(
        texts(&cron, search).unwrap(),
        ["init-image", "main-image", "volume-image"]
    );
    let broken = only("apiVersion: tilt.dev/v1\nkind: UselessMachine\nspec: {image: 1}\n");
    assert!(
        texts(&broken, search)
            .unwrap_err()
            .starts_with("May only match strings (json_path=\"{.spec.image}\")")
    );
}

#[test]
fn selectors_match_parts_or_all_of_a_name() {
    let job = only("apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: 'a:b', namespace: ns}\n");
    let partial = |kind: &str, api_version: &str| {
        ObjectMatcher::partial(Patterns {
            kind,
            api_version,
            ..Patterns::default()
        })
        .unwrap()
        .matches(&job)
    };
    assert!(
        partial("job", "")
            && partial("", "BATCH")
            && partial("^cron", "v1$")
            && !partial("^job", "")
            && !partial("", "apps")
    );
    let fragment = |text: &str| {
        ObjectMatcher::fragment(text)
            .map(|matcher| matcher.matches(&job))
            .map_err(|error| error.to_string())
    };
    assert_eq!(fragment(r"A\:b"), Ok(true));
    assert_eq!(fragment(r"a\:b:cronjob:ns"), Ok(true));
    assert_eq!(fragment(r"a\:b:job"), Ok(false));
    assert_eq!(fragment(r"a\:"), Ok(false));
    assert_eq!(fragment(""), Err("selector can't be empty".to_owned()));
    assert_eq!(fragment("a:b:c:d"), Err("Too many parts in selector. Selectors must contain between 1 and 3 parts (colon separated), found 4 parts in a:b:c:d".to_owned()));
    assert!(
        ObjectMatcher::partial(Patterns {
            kind: "(",
            ..Patterns::default()
        })
        .unwrap_err()
        .to_string()
        .starts_with("error parsing kind regexp: ")
    );
}

#[test]
fn secrets_give_away_their_values_to_who_hides_them() {
    let secret = only(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: sec}\ndata: {d: aGVsbG8=}\nstringData: {k: secretvalue}\n",
    );
    let entries = secret.secrets();
    let seen = entries
        .iter()
        .map(|e| (&*e.name, &*e.key, &*e.value, &*e.encoded))
        .collect::<Vec<_>>();
    assert_eq!(
        seen,
        [
            ("sec", "d", &b"hello"[..], "aGVsbG8="),
            ("sec", "k", &b"secretvalue"[..], "c2VjcmV0dmFsdWU=")
        ]
    );
    assert_eq!(format!("{:?}", entries[0]), "SecretEntry(sec:d)");
    assert!(
        only("apiVersion: v1\nkind: ConfigMap\ndata: {d: aGVsbG8=}\n")
            .secrets()
            .is_empty()
    );
}

#[test]
fn trees_that_were_read_already_become_objects_too() {
    let tree = parse_one("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n").unwrap();
    assert_eq!(parse_trees([tree.clone(), Tree::Null]).unwrap()[0].tree(), &tree);
}

/// What upstream was given and what its `tiltfile-result` showed.
macro_rules! golden {
    ($case:literal, $($input:literal),+) => {
        (
            concat!($(include_str!(concat!("../../../testdata/tiltfile-result/", $case, "/input/", $input)), "\n---\n"),+),
            include_str!(concat!("../../../testdata/tiltfile-result/", $case, "/want.json")),
        )
    };
}

const GOLDENS: &[(&str, &str)] = &[
    golden!("grouping-and-naming", "all.yaml"),
    golden!("crd-image-locators", "um.yaml"),
    golden!("custom-build", "one.yaml", "two.yaml", "three.yaml"),
    golden!("docker-build-options", "web.yaml"),
    golden!("settings", "d.yaml"),
];

fn yaml_fields(tree: &Tree) -> Vec<&str> {
    match tree {
        Tree::Map(map) => map
            .iter()
            .flat_map(|(key, value)| match (key, value) {
                ("yaml", Tree::Text(text)) => vec![&**text],
                (_, value) => yaml_fields(value),
            })
            .collect(),
        Tree::List(items) => items.iter().flat_map(yaml_fields).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn real_results_of_upstream_come_out_of_their_input() {
    for (input, want) in GOLDENS {
        let ours: Vec<String> = parse(input).unwrap().iter().map(Object::emit).collect();
        let want = parse_one(want).unwrap();
        let fields = yaml_fields(&want);
        assert!(!fields.is_empty());
        for field in fields {
            assert_eq!(printed(field).as_deref(), Ok(field));
            for document in field
                .split("\n---\n")
                .map(|document| format!("{}\n", document.trim_end()))
            {
                assert!(ours.contains(&document), "{document}\nis not among\n{ours:#?}");
            }
        }
    }
}

#[test]
fn a_large_stream_gives_the_same_objects_and_the_same_first_error_as_a_small_one() {
    let object = |index: usize| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{index}}}\ndata: {{k: '{}'}}\n",
            "x".repeat(100)
        )
    };
    let mut documents: Vec<String> = (0..2000).map(object).collect();
    let names = |documents: &[String]| -> Vec<String> {
        parse(&documents.join("---\n"))
            .unwrap()
            .iter()
            .map(|object| object.name().to_owned())
            .collect()
    };
    assert_eq!(
        names(&documents),
        (0..2000).map(|index| format!("c{index}")).collect::<Vec<_>>()
    );
    documents[10] = "kind: NoVersion\n".to_owned();
    let of_an_object = parse(&documents.join("---\n")).unwrap_err().to_string();
    assert!(of_an_object.contains("apiVersion"), "{of_an_object}");
    documents[1990] = "a: [1\n".to_owned();
    let of_yaml = parse(&documents.join("---\n")).unwrap_err().to_string();
    assert!(of_yaml.contains("did not find expected"), "{of_yaml}");
}
