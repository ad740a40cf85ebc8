//! Pure. Where an object names images: its containers, image volumes, environment, and places a Tiltfile pointed out.

use super::jsonpath::{JsonPath, JsonPathError, Place};
use super::{Object, ObjectMatcher};
use crate::model::tree::{Map, Tree};

/// A place in objects of some kind that holds an image reference.
#[derive(Clone, Debug)]
pub struct ImageLocator {
    pub objects: ObjectMatcher,
    pub path: JsonPath,
    /// If the place holds a map with repository and tag rather than one text.
    pub fields: Option<ImageFields>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFields {
    pub repo: Box<str>,
    pub tag: Box<str>,
}

/// Which places to look into beyond containers and image volumes.
#[derive(Clone, Copy, Default)]
pub struct ImageSearch<'a> {
    pub locators: &'a [ImageLocator],
    /// What counts as an image among the values of environment variables; without it none does.
    pub env: Option<&'a dyn Fn(&str) -> bool>,
}

/// An image reference as the object spells it, not parsed and not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage {
    pub text: Box<str>,
    pub source: ImageSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    Container,
    Volume,
    Env,
    Locator { path: Box<str>, place: Place },
}

impl ImageLocator {
    /// The references in an object that the locator is about; none in any other, and none where the path leads nowhere.
    pub fn images(&self, object: &Object) -> Result<Vec<FoundImage>, JsonPathError> {
        if !self.objects.matches(object) {
            return Ok(Vec::new());
        }
        let found: Vec<(Place, Box<str>)> = match &self.fields {
            None => self
                .path
                .texts(object.tree())?
                .into_iter()
                .map(|(place, text)| (place, text.into()))
                .collect(),
            Some(fields) => self
                .path
                .maps(object.tree())?
                .into_iter()
                .map(|(place, map)| (place, fields.join(map)))
                .collect(),
        };
        let images = found
            .into_iter()
            .filter(|found| !found.1.is_empty())
            .map(|(place, text)| FoundImage {
                text,
                source: ImageSource::Locator {
                    path: self.path.text().into(),
                    place,
                },
            });
        Ok(images.collect())
    }
}

impl ImageFields {
    fn join(&self, map: &Map) -> Box<str> {
        let text = |key: &str| map.get(key).and_then(Tree::as_text).unwrap_or_default();
        match (text(&self.repo), text(&self.tag)) {
            (repo, "") => repo.into(),
            (repo, tag) => format!("{repo}:{tag}").into(),
        }
    }
}

impl Object {
    /// Every image the object names: containers (init containers first), volumes, environment, locators, in this order.
    /// The same reference may come several times.
    pub fn images(&self, search: ImageSearch) -> Result<Vec<FoundImage>, JsonPathError> {
        let containers = self
            .containers()
            .filter_map(|container| found(container.get("image"), ImageSource::Container));
        let volumes = self
            .volumes()
            .filter_map(|volume| found(volume.at(&["image", "reference"]), ImageSource::Volume));
        let mut images: Vec<FoundImage> = containers.chain(volumes).collect();
        if let Some(is_image) = search.env {
            let env = self
                .env_values()
                .filter_map(|value| found(Some(value), ImageSource::Env));
            images.extend(env.filter(|image| is_image(&image.text)));
        }
        for locator in search.locators {
            images.extend(locator.images(self)?);
        }
        Ok(images)
    }

    fn volumes(&self) -> impl Iterator<Item = &Tree> {
        self.pod_spec()
            .and_then(|spec| spec.get("volumes")?.as_list())
            .unwrap_or_default()
            .iter()
    }

    fn env_values(&self) -> impl Iterator<Item = &Tree> {
        let lists = self
            .containers()
            .filter_map(|container| container.get("env")?.as_list());
        lists.flatten().filter_map(|variable| variable.get("value"))
    }
}

fn found(tree: Option<&Tree>, source: ImageSource) -> Option<FoundImage> {
    let text = tree?.as_text().filter(|text| !text.is_empty())?;
    Some(FoundImage {
        text: text.into(),
        source,
    })
}
