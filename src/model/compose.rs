//! Pure. Docker Compose: what a project and its services are, read from what `docker compose config` prints.
//!
//! Compose itself resolves files, variables, profiles and `extends`; here its answer becomes values. Two things that answer
//! has lost, the order of definition and the paths of `env_file`, are taken from the compose files as they were written.

use std::path::{Path, PathBuf};

use crate::model::link::Link;
use crate::model::tree::{Map, Tree};

mod service;
mod text;
mod version;

#[cfg(test)]
mod tests;

pub use version::{OLDEST, RECOMMENDED, version_in};

/// What `docker_compose()` names: files and the circumstances under which Compose reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectSpec {
    pub name: String,
    /// Relative paths in the compose files start here.
    pub path: PathBuf,
    pub config_paths: Vec<PathBuf>,
    pub env_file: Option<PathBuf>,
    pub profiles: Vec<String>,
    /// `up` returns once the services are healthy.
    pub wait: bool,
}

/// One service as a resource's deploy target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComposeTarget {
    /// The resource's name.
    pub name: String,
    /// The service's name in the compose file, which a `new_name` leaves as it is.
    pub service: String,
    pub project: ProjectSpec,
    /// Image maps of images that we build for it, in order of definition.
    pub image_maps: Vec<String>,
    /// The service as Compose understands it: a change of it starts the service anew.
    pub service_yaml: String,
    pub links: Vec<Link>,
    /// Published ports become links of their own.
    pub infer_links: bool,
    pub published_ports: Vec<u16>,
}

/// What the compose files of one project declare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    pub name: String,
    /// In order of definition, over all files.
    pub services: Vec<Service>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub name: String,
    pub image: Option<String>,
    pub build: Option<Build>,
    /// In the order in which Compose lists them: by name.
    pub depends_on: Vec<Dependency>,
    pub ports: Vec<Port>,
    pub volumes: Vec<Volume>,
    /// Read by Compose when it starts the service; a change of one is a change of the service.
    pub env_files: Vec<EnvFile>,
    pub labels: Vec<(String, String)>,
    pub profiles: Vec<String>,
    /// The whole service, in block style with four spaces.
    pub yaml: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Build {
    /// A directory, absolute, or a URL.
    pub context: String,
    /// Relative to the context, unless absolute.
    pub dockerfile: String,
    pub dockerfile_inline: Option<String>,
    pub target: String,
    /// `NAME=value`, or `NAME` alone to pass the caller's value through.
    pub args: Vec<String>,
    pub additional_contexts: Vec<(String, String)>,
    pub ssh: Vec<String>,
    pub secrets: Vec<String>,
    pub network: String,
    pub cache_from: Vec<String>,
    pub platforms: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependency {
    pub service: String,
    /// `service_started`, `service_healthy` or `service_completed_successfully`.
    pub condition: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    pub target: u16,
    /// A number, a range such as `80-90`, or nothing where the engine chooses.
    pub published: String,
    pub host_ip: String,
    pub protocol: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// `bind`, `volume`, `tmpfs`, …
    pub kind: String,
    pub source: String,
    pub target: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFile {
    pub path: PathBuf,
    pub required: bool,
}

/// What Compose printed is no project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    #[error("the printed configuration has no map of services")]
    NoServices,
    #[error("service `{service}` is {found}, not a map")]
    NotAMap { service: String, found: &'static str },
    #[error("service `{service}`: `{field}` holds {found}")]
    Field {
        service: String,
        field: &'static str,
        found: String,
    },
}

/// What `docker compose config` printed: the text and the same as a document.
#[derive(Clone, Copy)]
pub struct Printed<'a> {
    pub text: &'a str,
    pub document: &'a Tree,
}

impl ProjectSpec {
    /// Options that stand before a subcommand: which project, from which files.
    pub fn arguments(&self) -> Vec<String> {
        let mut argv = Vec::new();
        let mut option = |name: &str, value: &str| argv.extend([name.to_owned(), value.to_owned()]);
        option("--project-name", &self.name);
        option("--project-directory", &self.path.to_string_lossy());
        if let Some(file) = &self.env_file {
            option("--env-file", &file.to_string_lossy());
        }
        for path in &self.config_paths {
            option("-f", &path.to_string_lossy());
        }
        for profile in &self.profiles {
            option("--profile", profile);
        }
        argv
    }

    /// A further call that names the same project adds its files; its environment file, if given, takes the place of ours.
    pub fn absorb(&mut self, later: ProjectSpec) {
        for path in later.config_paths {
            if !self.config_paths.contains(&path) {
                self.config_paths.push(path);
            }
        }
        if later.env_file.is_some() {
            self.env_file = later.env_file;
        }
    }
}

impl Project {
    /// `sources` are the compose files as written, in the order of their `-f`; `variable` looks up the environment.
    pub fn new(
        spec: &ProjectSpec,
        printed: Printed,
        sources: &[Tree],
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Project, ShapeError> {
        let declared = printed.document.get("services").ok_or(ShapeError::NoServices)?;
        let empty = Map::new();
        let declared = match declared {
            Tree::Null => &empty,
            other => other.as_map().ok_or(ShapeError::NoServices)?,
        };
        let blocks = text::service_blocks(printed.text);
        let mut services = Vec::with_capacity(declared.len());
        for (index, (name, tree)) in declared.iter().enumerate() {
            let mut service = service::read(name, tree)?;
            service.env_files = env_files(name, sources, &spec.path, variable);
            let block = blocks.get(index).map(Vec::as_slice).unwrap_or_default();
            service.yaml = text::service_yaml(block, &service.env_files);
            services.push(service);
        }
        let order = definition_order(sources);
        let place = |name: &str| order.iter().position(|n| *n == name).unwrap_or(order.len());
        services.sort_by_key(|service| place(&service.name));
        let name = printed
            .document
            .get("name")
            .and_then(Tree::as_text)
            .unwrap_or(&spec.name);
        Ok(Project {
            name: name.to_owned(),
            services,
        })
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

impl Service {
    /// What the service's image is called: its own name for it, else one made from project and service.
    pub fn image_name(&self, project: &str) -> String {
        match &self.image {
            Some(image) => image.clone(),
            None => format!("{project}_{}", self.name),
        }
    }

    /// Ports of this machine under which the service is reached. A range stands for none: which of it is taken is not known.
    pub fn published_ports(&self) -> Vec<u16> {
        let fixed = self.ports.iter().filter_map(|port| port.published.parse().ok());
        fixed.filter(|port| *port != 0).collect()
    }

    /// Directories and files of this machine that the service sees as they are.
    pub fn bind_sources(&self) -> impl Iterator<Item = &Path> {
        let binds = self.volumes.iter().filter(|volume| volume.kind == "bind");
        binds.map(|volume| Path::new(&volume.source))
    }
}

impl Build {
    /// Where the Dockerfile is; none if it stands in the compose file itself or the context is elsewhere.
    pub fn dockerfile_path(&self) -> Option<PathBuf> {
        let local = self.dockerfile_inline.is_none() && Path::new(&self.context).is_absolute();
        let name = if self.dockerfile.is_empty() {
            "Dockerfile"
        } else {
            &self.dockerfile
        };
        local.then(|| Path::new(&self.context).join(name))
    }
}

/// The project name that Compose itself would give to files in a directory.
pub fn project_name_of(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    normalized_project_name(&name)
}

/// Keeps lower-case letters, digits, `-` and `_`, and starts with a letter or digit.
pub fn normalized_project_name(name: &str) -> String {
    let kept = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let name: String = name.to_lowercase().chars().filter(kept).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

/// Paths of all environment files that services in these compose files name.
pub fn env_files_of_all(sources: &[Tree], directory: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let of_service = |service: &str| env_files(service, sources, directory, variable);
    definition_order(sources)
        .into_iter()
        .flat_map(of_service)
        .map(|file| file.path)
        .collect()
}

/// Names of services in the order in which the files first mention them.
fn definition_order(sources: &[Tree]) -> Vec<&str> {
    let mut order: Vec<&str> = Vec::new();
    for services in sources.iter().filter_map(|source| source.get("services")?.as_map()) {
        for (name, _) in services.iter() {
            if !order.contains(&name) {
                order.push(name);
            }
        }
    }
    order
}

fn env_files(
    service: &str,
    sources: &[Tree],
    directory: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<EnvFile> {
    let mut files: Vec<EnvFile> = Vec::new();
    for declared in sources
        .iter()
        .filter_map(|source| source.at(&["services", service, "env_file"]))
    {
        let entries = declared.as_list().unwrap_or(std::slice::from_ref(declared));
        for entry in entries {
            let Some(path) = entry.as_text().or_else(|| entry.get("path")?.as_text()) else {
                continue;
            };
            let file = EnvFile {
                path: directory.join(text::expand(path, variable)),
                required: entry.get("required") != Some(&Tree::Bool(false)),
            };
            if !files.iter().any(|known| known.path == file.path) {
                files.push(file);
            }
        }
    }
    files
}
