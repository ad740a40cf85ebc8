//! Docker Compose projects and options of their services.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::model::compose::{ProjectSpec, Service};
use crate::model::image::Reference;
use crate::model::link::Link;
use crate::model::project::{Init, Trigger};
use crate::model::quote::quoted;
use crate::model::report::Frame;
use crate::model::suggest;
use crate::tiltfile::declared::Declared;
use crate::world::compose::Compose as Command;

#[derive(Default)]
pub struct Compose {
    /// In the order in which they were first named.
    projects: Vec<ComposeProject>,
    /// How Compose is called on this machine, once that is known.
    pub command: Option<Command>,
    warned: BTreeSet<String>,
}

/// All calls of `docker_compose()` for one project.
pub struct ComposeProject {
    pub spec: ProjectSpec,
    /// In the order of definition.
    pub services: Vec<ComposeService>,
    /// Where it was named last.
    pub frames: Vec<Frame>,
}

/// One service, and what was said about it.
pub struct ComposeService {
    /// Its resource's name, which is its own until somebody renames it.
    pub name: String,
    pub definition: Service,
    /// What Compose calls its image.
    pub image: Reference,
    pub options: Options,
}

/// What all calls of `dc_resource()` for one service come to. What none of them said is not set.
#[derive(Default)]
pub struct Options {
    pub image: Option<Reference>,
    pub trigger: Option<Trigger>,
    pub init: Option<Init>,
    pub infer_links: Option<bool>,
    pub links: Vec<Link>,
    pub labels: BTreeSet<String>,
    pub deps: Vec<String>,
}

/// Which service of which project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    project: usize,
    service: usize,
}

#[derive(Debug, PartialEq, Eq, Error)]
#[error("{function} named {} already exists", quoted(name))]
pub struct NameTaken {
    pub function: &'static str,
    pub name: String,
}

#[derive(Debug, PartialEq, Eq, Error)]
pub enum FindError {
    #[error(
        "found multiple resources named {}, please specify which one with project_name= argument",
        quoted(name)
    )]
    Ambiguous { name: String },
    #[error("no Docker Compose service found with name {}. {instead}", quoted(name))]
    Unknown { name: String, instead: String },
}

impl Compose {
    pub fn projects(&self) -> &[ComposeProject] {
        &self.projects
    }

    pub fn has(&self, name: &str) -> bool {
        self.services().any(|service| service.name == name)
    }

    pub fn services(&self) -> impl Iterator<Item = &ComposeService> {
        self.projects.iter().flat_map(|project| &project.services)
    }

    pub fn service_mut(&mut self, place: Place) -> &mut ComposeService {
        &mut self.projects[place.project].services[place.service]
    }

    /// The whole of a project once a further call has added to it.
    pub fn with(&self, later: ProjectSpec) -> ProjectSpec {
        match self.projects.iter().find(|project| project.spec.name == later.name) {
            Some(known) => {
                let mut spec = known.spec.clone();
                spec.absorb(later);
                spec
            }
            None => later,
        }
    }

    /// Whether a warning is new: each call asks Compose about the whole project again.
    pub fn is_news(&mut self, warning: &str) -> bool {
        self.warned.insert(warning.to_owned())
    }

    /// The service whose resource has a name; in any project unless one is given.
    pub fn find(&self, name: &str, project: &str) -> Result<Place, FindError> {
        let mut found = Vec::new();
        for (index, candidate) in self.projects.iter().enumerate() {
            let position = candidate.services.iter().position(|service| service.name == name);
            if (project.is_empty() || candidate.spec.name == project)
                && let Some(service) = position
            {
                found.push(Place {
                    project: index,
                    service,
                });
            }
        }
        let name = name.to_owned();
        match found[..] {
            [only] => Ok(only),
            [] => Err(FindError::Unknown {
                instead: self.instead_of(&name, project),
                name,
            }),
            _ => Err(FindError::Ambiguous { name }),
        }
    }

    fn instead_of(&self, name: &str, project: &str) -> String {
        let projects: Vec<&str> = self.projects.iter().map(|project| project.spec.name.as_str()).collect();
        if projects.is_empty() {
            return "Call docker_compose() first: it declares the services".to_owned();
        }
        if !project.is_empty() && !projects.contains(&project) {
            let nearest = suggest::did_you_mean(project, projects.iter().copied());
            return format!(
                "There is no project {}{nearest}. Projects are:\n\t{}",
                quoted(project),
                projects.join("; ")
            );
        }
        let eligible = self
            .projects
            .iter()
            .filter(|candidate| project.is_empty() || candidate.spec.name == project);
        let names: Vec<&str> = eligible
            .flat_map(|project| &project.services)
            .map(|service| service.name.as_str())
            .collect();
        let nearest = suggest::did_you_mean(name, names.iter().copied());
        format!("Found these instead:\n\t{}{nearest}", names.join("; "))
    }
}

impl ComposeProject {
    /// Names of the resources that a service depends on. One that is not among the services is switched off by its profile.
    pub fn dependencies(&self, service: &ComposeService) -> Vec<String> {
        let named = service.definition.depends_on.iter().filter_map(|dependency| {
            let of_name = |other: &&ComposeService| other.definition.name == dependency.service;
            self.services.iter().find(of_name)
        });
        let mut all: Vec<String> = named
            .map(|other| other.name.clone())
            .chain(service.options.deps.iter().cloned())
            .collect();
        all.sort();
        all.dedup();
        all
    }
}

impl ComposeService {
    pub fn new(definition: Service, image: Reference) -> ComposeService {
        ComposeService {
            name: definition.name.clone(),
            definition,
            image,
            options: Options::default(),
        }
    }

    /// The image that it runs.
    pub fn image(&self) -> &Reference {
        self.options.image.as_ref().unwrap_or(&self.image)
    }
}

impl Options {
    /// A further call replaces what it says again; lists grow.
    pub fn add(&mut self, later: Options) {
        self.image = later.image.or(self.image.take());
        self.trigger = later.trigger.or(self.trigger);
        self.init = later.init.or(self.init);
        self.infer_links = later.infer_links.or(self.infer_links);
        self.links.extend(later.links);
        self.labels.extend(later.labels);
        self.deps.extend(later.deps);
    }
}

impl Declared {
    /// Notes a project, in place of what was known of it before. New names and options of services stay.
    pub fn declare_compose(&mut self, mut project: ComposeProject) -> Result<(), NameTaken> {
        let projects = &mut self.compose.projects;
        let known = projects.iter().position(|known| known.spec.name == project.spec.name);
        let place = known.unwrap_or(projects.len());
        let mut earlier = known.map(|place| projects.remove(place).services).unwrap_or_default();
        let mut names = BTreeSet::new();
        for service in &mut project.services {
            if let Some(index) = earlier
                .iter()
                .position(|known| known.definition.name == service.definition.name)
            {
                let known = earlier.swap_remove(index);
                service.name = known.name;
                service.options = known.options;
            }
            let again = !names.insert(service.name.clone());
            if let Some(function) = self.owner_of(&service.name).or(again.then_some(FUNCTION)) {
                let name = service.name.clone();
                return Err(NameTaken { function, name });
            }
        }
        self.compose.projects.insert(place, project);
        Ok(())
    }

    /// Gives a service's resource another name, also where others depend on it.
    pub fn rename_service(&mut self, place: Place, new: &str) -> Result<(), NameTaken> {
        let old = std::mem::take(&mut self.compose.service_mut(place).name);
        if let Some(function) = (old != new).then(|| self.owner_of(new)).flatten() {
            let name = new.to_owned();
            return Err(NameTaken { function, name });
        }
        self.compose.service_mut(place).name = new.to_owned();
        let services = self
            .compose
            .projects
            .iter_mut()
            .flat_map(|project| &mut project.services);
        let deps = services.flat_map(|service| &mut service.options.deps);
        deps.filter(|dep| **dep == old).for_each(|dep| new.clone_into(dep));
        Ok(())
    }
}

/// The function that messages name as the owner of a service's resource.
pub const FUNCTION: &str = "dc_resource";

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str, services: &[&str]) -> ComposeProject {
        let service = |name: &&str| {
            let definition = Service {
                name: (*name).to_owned(),
                ..Service::default()
            };
            ComposeService::new(definition, Reference::parse("i").unwrap())
        };
        ComposeProject {
            spec: ProjectSpec {
                name: name.to_owned(),
                ..ProjectSpec::default()
            },
            services: services.iter().map(service).collect(),
            frames: Vec::new(),
        }
    }

    fn compose(projects: Vec<ComposeProject>) -> Compose {
        Compose {
            projects,
            ..Compose::default()
        }
    }

    fn said(compose: &Compose, name: &str, project: &str) -> String {
        compose.find(name, project).map_or_else(
            |error| error.to_string(),
            |place| format!("{}.{}", place.project, place.service),
        )
    }

    #[test]
    fn a_service_is_found_by_name_and_told_apart_by_project() {
        let compose = compose(vec![project("a", &["db", "api"]), project("b", &["web", "db"])]);
        let unknown = "no Docker Compose service found with name";
        let table = [
            ("api", "", "0.1".to_owned()),
            ("db", "b", "1.1".to_owned()),
            (
                "db",
                "",
                "found multiple resources named \"db\", please specify which one with project_name= argument"
                    .to_owned(),
            ),
            (
                "apu",
                "",
                format!("{unknown} \"apu\". Found these instead:\n\tdb; api; web; db (did you mean api?)"),
            ),
            (
                "api",
                "b",
                format!("{unknown} \"api\". Found these instead:\n\tweb; db"),
            ),
            (
                "api",
                "c",
                format!("{unknown} \"api\". There is no project \"c\". Projects are:\n\ta; b"),
            ),
        ];
        for (name, project, expected) in table {
            assert_eq!(said(&compose, name, project), expected, "{name} of {project}");
        }
        let none = format!("{unknown} \"x\". Call docker_compose() first: it declares the services");
        assert_eq!(said(&Compose::default(), "x", ""), none);
    }
}
