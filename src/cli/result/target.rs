//! What a resource deploys or runs.

use serde::Serialize;

use crate::cli::result::or_null;
use crate::model::command::{Command, Echo};
use crate::model::compose::ComposeTarget;
use crate::model::duration::Duration;
use crate::model::filter::Ignore;
use crate::model::link::Link;
use crate::model::local::{LocalTarget, Probe, ProbeAction};
use crate::model::pod::MESH;
use crate::model::project::{Resource, Target};
use crate::model::workload::{DiscoveryStrategy, KubernetesTarget, Locator, PodReadiness, Source};

#[derive(Serialize)]
#[serde(untagged)]
pub enum TargetJson<'p> {
    Kubernetes(Box<KubernetesJson<'p>>),
    Compose(Box<ComposeJson<'p>>),
    Local(Box<LocalJson<'p>>),
}

pub fn target<'p>(resource: &'p Resource, now: &'p str) -> TargetJson<'p> {
    match &resource.target {
        Target::Kubernetes(target) => TargetJson::Kubernetes(Box::new(kubernetes(target, &resource.name, now))),
        Target::Compose(target) => TargetJson::Compose(Box::new(compose(target))),
        Target::Local(target) => TargetJson::Local(Box::new(local(target, &resource.name))),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommandJson<'p> {
    argv: Option<&'p [String]>,
    dir: String,
    env: Option<&'p [String]>,
    echo_off: bool,
}

pub fn command(command: &Command) -> CommandJson<'_> {
    CommandJson {
        argv: or_null(&command.argv),
        dir: match command.is_empty() {
            true => String::new(),
            false => command.dir.display().to_string(),
        },
        env: or_null(&command.env),
        echo_off: command.echo == Echo::Off,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IgnoreJson<'p> {
    base_path: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    patterns: &'p [String],
}

pub fn ignores(ignores: &[Ignore]) -> Option<Vec<IgnoreJson<'_>>> {
    or_null(ignores).map(|ignores| ignores.iter().map(ignore).collect())
}

fn ignore(ignore: &Ignore) -> IgnoreJson<'_> {
    IgnoreJson {
        base_path: ignore.base.display().to_string(),
        patterns: &ignore.patterns,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LinkJson<'p> {
    #[serde(rename = "URL")]
    url: UrlJson<'p>,
    name: &'p str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UrlJson<'p> {
    scheme: &'p str,
    opaque: &'p str,
    user: Option<UserJson>,
    host: &'p str,
    path: &'p str,
    fragment: &'p str,
    raw_query: &'p str,
    raw_path: &'p str,
    raw_fragment: &'p str,
    force_query: bool,
    omit_host: bool,
}

/// Go prints nothing of a user's private fields.
#[derive(Serialize)]
struct UserJson {}

fn links(links: &[Link]) -> Option<Vec<LinkJson<'_>>> {
    or_null(links).map(|links| links.iter().map(link).collect())
}

fn link(link: &Link) -> LinkJson<'_> {
    let url = &link.url;
    LinkJson {
        name: &link.name,
        url: UrlJson {
            scheme: &url.scheme,
            opaque: &url.opaque,
            user: url.user.as_ref().map(|_| UserJson {}),
            host: &url.host,
            path: &url.path,
            fragment: &url.fragment,
            raw_query: &url.raw_query,
            raw_path: &url.raw_path,
            raw_fragment: &url.raw_fragment,
            force_query: url.force_query,
            omit_host: url.omit_host,
        },
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocalJson<'p> {
    update_cmd_spec: Option<UpdateJson<'p>>,
    name: &'p str,
    serve_cmd: CommandJson<'p>,
    links: Option<Vec<LinkJson<'p>>>,
    deps: Option<Vec<String>>,
    file_watch_ignores: Option<Vec<IgnoreJson<'p>>>,
    allow_parallel: bool,
    readiness_probe: Option<ProbeJson<'p>>,
    serve_cmd_disable_source: Option<()>,
}

#[derive(Serialize)]
struct UpdateJson<'p> {
    args: &'p [String],
    dir: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    env: &'p [String],
}

fn local<'p>(target: &'p LocalTarget, name: &'p str) -> LocalJson<'p> {
    LocalJson {
        update_cmd_spec: target.update.as_ref().map(|update| UpdateJson {
            args: &update.argv,
            dir: update.dir.display().to_string(),
            env: &update.env,
        }),
        name,
        serve_cmd: command(&target.serve),
        links: links(&target.links),
        deps: or_null(&target.deps).map(|deps| deps.iter().map(|dep| dep.display().to_string()).collect()),
        file_watch_ignores: ignores(&target.watch_ignores),
        allow_parallel: target.allow_parallel,
        readiness_probe: target.readiness_probe.as_ref().map(probe),
        serve_cmd_disable_source: None,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProbeJson<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    exec: Option<ExecJson<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_get: Option<HttpGetJson<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_socket: Option<TcpSocketJson<'p>>,
    #[serde(skip_serializing_if = "is_zero")]
    initial_delay_seconds: i32,
    #[serde(skip_serializing_if = "is_zero")]
    timeout_seconds: i32,
    #[serde(skip_serializing_if = "is_zero")]
    period_seconds: i32,
    #[serde(skip_serializing_if = "is_zero")]
    success_threshold: i32,
    #[serde(skip_serializing_if = "is_zero")]
    failure_threshold: i32,
}

#[derive(Serialize)]
struct ExecJson<'p> {
    command: &'p [String],
}

#[derive(Serialize)]
struct HttpGetJson<'p> {
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'p str,
    port: i32,
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scheme: &'p str,
}

#[derive(Serialize)]
struct TcpSocketJson<'p> {
    port: i32,
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'p str,
}

fn probe(probe: &Probe) -> ProbeJson<'_> {
    let mut json = ProbeJson {
        exec: None,
        http_get: None,
        tcp_socket: None,
        initial_delay_seconds: probe.initial_delay_secs,
        timeout_seconds: probe.timeout_secs,
        period_seconds: probe.period_secs,
        success_threshold: probe.success_threshold,
        failure_threshold: probe.failure_threshold,
    };
    match &probe.action {
        ProbeAction::Exec(command) => json.exec = Some(ExecJson { command }),
        ProbeAction::HttpGet {
            host,
            port,
            scheme,
            path,
            ..
        } => {
            json.http_get = Some(HttpGetJson {
                path,
                port: *port,
                host,
                scheme,
            });
        }
        ProbeAction::TcpSocket { host, port } => json.tcp_socket = Some(TcpSocketJson { port: *port, host }),
    }
    json
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ComposeJson<'p> {
    spec: ServiceSpecJson<'p>,
    name: &'p str,
    #[serde(rename = "ServiceYAML")]
    service_yaml: &'p str,
    links: Option<Vec<LinkJson<'p>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceSpecJson<'p> {
    service: &'p str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    image_maps: &'p [String],
    project: ProjectJson<'p>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProjectJson<'p> {
    config_paths: Vec<String>,
    project_path: String,
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_file: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    profiles: &'p [String],
    #[serde(skip_serializing_if = "is_false")]
    wait: bool,
}

fn compose(target: &ComposeTarget) -> ComposeJson<'_> {
    let project = &target.project;
    ComposeJson {
        spec: ServiceSpecJson {
            service: &target.service,
            image_maps: &target.image_maps,
            project: ProjectJson {
                config_paths: project
                    .config_paths
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect(),
                project_path: project.path.display().to_string(),
                name: &project.name,
                env_file: project.env_file.as_ref().map(|path| path.display().to_string()),
                profiles: &project.profiles,
                wait: project.wait,
            },
        },
        name: &target.name,
        service_yaml: &target.service_yaml,
        links: links(&target.links),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesJson<'p> {
    #[serde(skip_serializing_if = "str::is_empty")]
    yaml: &'p str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    image_maps: &'p [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    image_locators: Vec<LocatorJson<'p>>,
    timeout: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes_discovery_template_spec: Option<DiscoveryTemplateJson<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_forward_template_spec: Option<PortForwardsJson<'p>>,
    pod_log_stream_template_spec: LogStreamJson<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovery_strategy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply_cmd: Option<ApplyJson<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_on: Option<RestartOnJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_cmd: Option<ApplyJson<'p>>,
    cluster: &'static str,
    #[serde(rename = "Name")]
    name: &'p str,
    #[serde(rename = "PodReadinessMode")]
    readiness: &'static str,
    #[serde(rename = "Links")]
    links: Option<Vec<LinkJson<'p>>>,
    #[serde(rename = "FileWatchIgnores")]
    file_watch_ignores: Option<Vec<IgnoreJson<'p>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocatorJson<'p> {
    object_selector: SelectorJson<'p>,
    path: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<LocatorObjectJson<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SelectorJson<'p> {
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version_regexp: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind_regexp: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name_regexp: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace_regexp: &'p str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocatorObjectJson<'p> {
    repo_field: &'p str,
    tag_field: &'p str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiscoveryTemplateJson<'p> {
    extra_selectors: Vec<LabelsJson<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LabelsJson<'p> {
    match_labels: std::collections::BTreeMap<&'p str, &'p str>,
}

#[derive(Serialize)]
struct PortForwardsJson<'p> {
    forwards: Vec<ForwardJson<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForwardJson<'p> {
    #[serde(skip_serializing_if = "is_no_port")]
    local_port: u16,
    container_port: u16,
    host: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'p str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogStreamJson<'p> {
    since_time: &'p str,
    ignore_containers: [&'static str; 4],
}

#[derive(Serialize)]
struct ApplyJson<'p> {
    args: &'p [String],
    dir: String,
    env: Option<&'p [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RestartOnJson {
    file_watches: [String; 1],
}

fn kubernetes<'p>(target: &'p KubernetesTarget, name: &'p str, now: &'p str) -> KubernetesJson<'p> {
    let (yaml, apply, delete) = match &target.source {
        Source::Yaml(yaml) => (yaml.as_str(), None, None),
        Source::Custom { apply, delete, .. } => ("", Some(apply_command(apply)), Some(apply_command(delete))),
    };
    KubernetesJson {
        yaml,
        image_maps: &target.image_maps,
        image_locators: target.image_locators.iter().map(locator).collect(),
        timeout: Duration::from_std(target.timeout).to_string(),
        kubernetes_discovery_template_spec: or_null(&target.extra_selectors).map(selectors),
        port_forward_template_spec: (!target.port_forwards.is_empty()).then(|| forwards(target)),
        pod_log_stream_template_spec: LogStreamJson {
            since_time: now,
            ignore_containers: MESH,
        },
        discovery_strategy: match target.discovery {
            DiscoveryStrategy::Unset => None,
            DiscoveryStrategy::Default => Some("default"),
            DiscoveryStrategy::SelectorsOnly => Some("selectors-only"),
        },
        restart_on: apply.as_ref().map(|_| RestartOnJson {
            file_watches: [format!("{name}:apply")],
        }),
        apply_cmd: apply,
        delete_cmd: delete,
        cluster: "default",
        name,
        readiness: match target.readiness {
            PodReadiness::Wait => "wait",
            PodReadiness::Ignore => "ignore",
            PodReadiness::Succeeded => "succeeded",
        },
        links: links(&target.links),
        file_watch_ignores: ignores(&target.watch_ignores),
    }
}

fn apply_command(command: &Command) -> ApplyJson<'_> {
    ApplyJson {
        args: &command.argv,
        dir: command.dir.display().to_string(),
        env: or_null(&command.env),
    }
}

fn locator(locator: &Locator) -> LocatorJson<'_> {
    LocatorJson {
        object_selector: SelectorJson {
            api_version_regexp: &locator.selector.api_version,
            kind_regexp: &locator.selector.kind,
            name_regexp: &locator.selector.name,
            namespace_regexp: &locator.selector.namespace,
        },
        path: &locator.path,
        object: locator
            .object
            .as_ref()
            .map(|(repo_field, tag_field)| LocatorObjectJson { repo_field, tag_field }),
    }
}

fn selectors(selectors: &[Vec<(String, String)>]) -> DiscoveryTemplateJson<'_> {
    DiscoveryTemplateJson {
        extra_selectors: selectors
            .iter()
            .map(|selector| LabelsJson {
                match_labels: selector
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str()))
                    .collect(),
            })
            .collect(),
    }
}

fn forwards(target: &KubernetesTarget) -> PortForwardsJson<'_> {
    PortForwardsJson {
        forwards: target
            .port_forwards
            .iter()
            .map(|forward| ForwardJson {
                local_port: forward.local,
                container_port: forward.container,
                host: if forward.host.is_empty() {
                    "localhost"
                } else {
                    &forward.host
                },
                name: &forward.name,
                path: &forward.path,
            })
            .collect(),
    }
}

fn is_zero(number: &i32) -> bool {
    *number == 0
}

fn is_no_port(port: &u16) -> bool {
    *port == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}
