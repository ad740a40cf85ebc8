//! Pure. The rules themselves, a function a kind.

use std::sync::LazyLock;

use regex::Regex;

use super::super::super::tree::{Map, Tree};
use super::{FieldError, Problem};

/// A spec, or a struct in it, where what is not set reads as its zero value.
pub struct Spec<'a>(Option<&'a Map>);

impl<'a> Spec<'a> {
    pub fn new(spec: &'a Map) -> Spec<'a> {
        Spec(Some(spec))
    }

    fn get(&self, field: &str) -> Option<&'a Tree> {
        self.0?.get(field).filter(|value| !value.is_null())
    }

    fn text(&self, field: &str) -> &'a str {
        self.get(field).and_then(Tree::as_text).unwrap_or_default()
    }

    fn int(&self, field: &str) -> i64 {
        match self.get(field) {
            Some(Tree::Int(value)) => *value,
            _ => 0,
        }
    }

    fn items(&self, field: &str) -> &'a [Tree] {
        self.get(field).and_then(Tree::as_list).unwrap_or_default()
    }

    fn structs(&self, field: &str) -> impl Iterator<Item = (usize, Spec<'a>)> {
        self.items(field).iter().map(|item| Spec(item.as_map())).enumerate()
    }

    /// `None` if the struct is not set.
    fn maybe(&self, field: &str) -> Option<Spec<'a>> {
        self.get(field).and_then(Tree::as_map).map(Spec::new)
    }

    fn one(&self, field: &str) -> Spec<'a> {
        Spec(self.get(field).and_then(Tree::as_map))
    }
}

pub fn ui_button(spec: &Spec) -> Vec<FieldError> {
    let location = spec.one("location");
    let required = [
        ("spec.text", spec.text("text"), "Button text cannot be empty"),
        (
            "spec.location.componentID",
            location.text("componentID"),
            "Parent component ID is required",
        ),
        (
            "spec.location.componentType",
            location.text("componentType"),
            "Parent component type is required",
        ),
    ];
    let missing = required.into_iter().filter(|(_, value, _)| value.is_empty());
    let mut errors: Vec<_> = missing
        .map(|(path, _, detail)| FieldError::required(path, detail))
        .collect();
    let icon = spec.text("iconSVG");
    if !icon.is_empty() && !icon.contains("<svg") {
        errors.push(FieldError::invalid(
            "spec.iconSVG",
            Tree::text(icon),
            "Invalid <svg> element",
        ));
    }
    errors.extend(ui_inputs(spec));
    errors
}

fn ui_inputs(spec: &Spec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let inputs: Vec<_> = spec.structs("inputs").collect();
    for (i, input) in &inputs {
        let name = input.text("name");
        let path = format!("spec.inputs[{i}]");
        if inputs[..*i].iter().any(|(_, earlier)| earlier.text("name") == name) {
            errors.push(FieldError::new(
                format!("{path}.name"),
                Problem::Duplicate(Tree::text(name)),
                "",
            ));
        }
        errors.extend(ui_input(input, &path));
    }
    errors
}

fn ui_input(input: &Spec, path: &str) -> Vec<FieldError> {
    let invalid = |detail| FieldError::invalid(path, Tree::text(input.text("name")), detail);
    let types = ["text", "bool", "hidden", "choice"]
        .iter()
        .filter(|field| input.maybe(field).is_some())
        .count();
    let lacks_choices = input
        .maybe("choice")
        .is_some_and(|choice| choice.items("choices").is_empty());
    let choices = lacks_choices.then(|| invalid("must specify choices if input type is choice"));
    choices
        .into_iter()
        .chain((types != 1).then(|| invalid("must specify exactly one input type")))
        .collect()
}

pub fn toggle_button(spec: &Spec) -> Vec<FieldError> {
    let source = spec.one("stateSource").maybe("configMap");
    let Some(source) = source else {
        let detail = "must specify exactly one kind of StateSource";
        return vec![FieldError::invalid("spec.stateSource", Tree::Map(Map::new()), detail)];
    };
    let (on, off) = (source.text("onValue"), source.text("offValue"));
    let same = on == off;
    let error = || {
        FieldError::invalid(
            "spec.stateSource.configMap",
            Tree::text(off),
            "OnValue and OffValue must differ",
        )
    };
    same.then(error).into_iter().collect()
}

pub fn file_watch(spec: &Spec) -> Vec<FieldError> {
    let is_empty = spec.items("watchedPaths").is_empty();
    is_empty
        .then(|| FieldError::required("spec.watchedPaths", "cannot be an empty list"))
        .into_iter()
        .collect()
}

pub fn extension_repo(spec: &Spec) -> Vec<FieldError> {
    let (url, subpath) = (spec.text("url"), spec.text("gitSubpath"));
    let invalid_url = |detail| vec![FieldError::invalid("spec.url", Tree::text(url), detail)];
    if url.starts_with("https://") || url.starts_with("http://") {
        return Vec::new();
    }
    match url.strip_prefix("file://") {
        None => invalid_url("URLs must start with http(s):// or file://"),
        Some(path) if !path.starts_with('/') => {
            invalid_url("file:// URLs must be absolute (e.g., file:///home/user/repo)")
        }
        Some(_) if !subpath.is_empty() => {
            let detail = "cannot use git_subpath for file:// URL extension repositories";
            vec![FieldError::invalid("spec.git_subpath", Tree::text(subpath), detail)]
        }
        Some(_) => Vec::new(),
    }
}

pub fn kubernetes_apply(spec: &Spec) -> Vec<FieldError> {
    const ONE: &str = "must specify exactly ONE of .spec.yaml or .spec.applyCmd";
    let mut errors = Vec::new();
    match (spec.text("yaml").is_empty(), spec.get("applyCmd")) {
        (true, None) => errors.push(FieldError::required("spec.yaml", ONE)),
        (false, Some(command)) => errors.push(FieldError::invalid("spec.applyCmd", command.clone(), ONE)),
        _ => {}
    }
    for field in ["applyCmd", "deleteCmd"] {
        if spec
            .maybe(field)
            .is_some_and(|command| command.items("args").is_empty())
        {
            errors.push(FieldError::required(format!("spec.{field}.args"), "cannot be empty"));
        }
    }
    let strategy = spec.text("discoveryStrategy");
    if !["", "default", "selectors-only"].contains(&strategy) {
        let problem = Problem::Unsupported(Tree::text(strategy));
        let detail = r#"supported values: "default", "selectors-only""#;
        errors.push(FieldError::new("spec.discoveryStrategy", problem, detail));
    }
    errors
}

pub fn kubernetes_discovery(spec: &Spec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.items("watches").is_empty() && spec.items("extraSelectors").is_empty() {
        errors.push(FieldError::required(
            "spec.watches",
            "at least one watch or extra selector is required",
        ));
    }
    for (i, watch) in spec.structs("watches") {
        if watch.text("namespace").is_empty() {
            errors.push(FieldError::required(
                format!("spec.watches[{i}]"),
                "Namespace must be provided",
            ));
        }
    }
    errors
}

pub fn live_update(spec: &Spec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.items("syncs").is_empty() && spec.items("execs").is_empty() {
        let detail = "must contain at least 1 sync or 1 exec to run on live update";
        errors.push(FieldError::invalid("spec.syncs", Tree::Null, detail));
    }
    for (i, sync) in spec.structs("syncs") {
        let target = sync.text("containerPath");
        if !target.starts_with('/') {
            let path = format!("spec.syncs[{i}]");
            errors.push(FieldError::invalid(
                path,
                Tree::text(target),
                "sync destination is not absolute",
            ));
        }
    }
    let selector = spec.one("selector");
    if let Some(kubernetes) = selector.maybe("kubernetes") {
        errors.extend(live_update_in_kubernetes(&kubernetes));
    } else if selector
        .maybe("dockerCompose")
        .is_some_and(|compose| compose.text("service").is_empty())
    {
        let path = "spec.selector.dockerCompose.service";
        errors.push(FieldError::required(path, "DockerCompose service name is required"));
    }
    errors
}

fn live_update_in_kubernetes(selector: &Spec) -> Vec<FieldError> {
    const PATH: &str = "spec.selector.kubernetes";
    let mut errors = Vec::new();
    if selector.text("discoveryName").is_empty() {
        errors.push(FieldError::required(
            format!("{PATH}.discoveryName"),
            "KubernetesDiscovery name is required",
        ));
    }
    let fields = ["image", "containerName", "imageMapName"];
    let set: Vec<_> = fields
        .into_iter()
        .filter(|field| !selector.text(field).is_empty())
        .collect();
    match set.len() {
        0 => errors.push(FieldError::required(
            PATH,
            "exactly one of image, imageMapName, or containerName is required",
        )),
        1 => {}
        _ => errors.extend(set.iter().map(|field| {
            let detail = "cannot specify more than one of image, imageMapName, or containerName";
            FieldError::new(format!("{PATH}.{field}"), Problem::Forbidden, detail)
        })),
    }
    errors
}

pub fn port_forward(spec: &Spec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.text("podName").is_empty() {
        errors.push(FieldError::required("spec.podName", "PodName cannot be empty"));
    }
    let forwards: Vec<_> = spec.structs("forwards").map(|(_, forward)| forward).collect();
    if forwards.is_empty() {
        errors.push(FieldError::required(
            "spec.forwards",
            "At least one Forward is required",
        ));
    }
    for (i, forward) in forwards.iter().enumerate() {
        let path = format!("spec.forwards[{i}]");
        let local = forward.int("localPort");
        // Port 0 stands for any free port, so it may be given several times.
        if local != 0 && forwards[..i].iter().any(|earlier| earlier.int("localPort") == local) {
            let detail = "Cannot bind more than one forward to same LocalPort";
            errors.push(FieldError::new(
                format!("{path}.localPort"),
                Problem::Duplicate(Tree::Int(local)),
                detail,
            ));
        }
        errors.extend(ports_out_of_range(forward, &path));
    }
    errors
}

fn ports_out_of_range(forward: &Spec, path: &str) -> Vec<FieldError> {
    let ports = [
        ("localPort", 0..=65535, "LocalPort must be in the range [0, 65535]"),
        (
            "containerPort",
            1..=65535,
            "ContainerPort must be in the range (0, 65535]",
        ),
    ];
    let outside = ports
        .into_iter()
        .filter(|(field, range, _)| !range.contains(&forward.int(field)));
    outside
        .map(|(field, _, detail)| FieldError::invalid(format!("{path}.{field}"), Tree::Int(forward.int(field)), detail))
        .collect()
}

pub fn session(spec: &Spec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.text("tiltfilePath").is_empty() {
        errors.push(FieldError::required("spec.tiltfilePath", "cannot be empty"));
    }
    let condition = spec.text("exitCondition");
    if !["manual", "ci"].contains(&condition) {
        errors.push(FieldError::invalid(
            "spec.exitCondition",
            Tree::text(condition),
            "valid values: manual, ci",
        ));
    }
    errors
}

pub fn cluster(spec: &Spec) -> Vec<FieldError> {
    const PATH: &str = "spec.defaultRegistry";
    let Some(registry) = spec.maybe("defaultRegistry") else {
        return Vec::new();
    };
    let (host, runtime_host) = (registry.text("host"), registry.text("hostFromContainerRuntime"));
    let unusable = |field: &str, host: &str| {
        registry_host_problem(host)
            .map(|problem| FieldError::invalid(format!("{PATH}.{field}"), Tree::text(host), problem))
    };
    let host_error = match host {
        "" => Some(FieldError::required(format!("{PATH}.host"), "")),
        _ => unusable("host", host),
    };
    let runtime_error = (!runtime_host.is_empty()).then(|| unusable("hostFromContainerRuntime", runtime_host));
    host_error.into_iter().chain(runtime_error.flatten()).collect()
}

/// Why an image below this host would not be a full reference to an image, in the words of Docker's reference library.
fn registry_host_problem(host: &str) -> Option<&'static str> {
    static HOST: LazyLock<Regex> = LazyLock::new(|| {
        let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
        let segment = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
        let name = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?");
        Regex::new(&format!("^{name}(?:/{segment})*$")).expect("this pattern is valid")
    });
    let first = host.split('/').next().unwrap_or_default();
    let is_host = first.contains(['.', ':']) || first == "localhost" || first.contains(char::is_uppercase);
    // Docker Hub's own images lie one level deeper than they are written.
    let is_hub = first == "index.docker.io" || host == "docker.io";
    if !HOST.is_match(host) {
        Some("invalid reference format")
    } else if !is_host || is_hub {
        Some("repository name must be canonical")
    } else {
        None
    }
}
