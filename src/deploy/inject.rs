//! Pure. From the YAML of a resource and the images that were built for it to the objects that are sent to the cluster.
//!
//! Every place that names one of the images gets the name under which the cluster has it; objects get our labels. All places
//! are found before any is changed, so what one image left behind is never taken for another one.

mod error;
mod images;
mod labels;

use crate::deploy::hash::{self, Destination};
use crate::model::build::ImageTarget;
use crate::model::kube::jsonpath::JsonPath;
use crate::model::kube::{self, ImageFields, ImageLocator, Object, ObjectMatcher, Patterns};
use crate::model::workload::Locator;

pub use error::InjectError;
pub use labels::{MANAGED_BY, template_hash};

use images::Images;

/// An image of the project, and how the cluster names what was built of it.
#[derive(Clone, Copy, Debug)]
pub struct Injected<'a> {
    pub target: &'a ImageTarget,
    pub reference: &'a str,
}

/// What is to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// In the order in which they are to be created.
    pub objects: Vec<Object>,
    /// An equal one says that nothing has to be applied.
    pub hash: String,
}

impl Prepared {
    /// The objects as one YAML stream.
    pub fn yaml(&self) -> String {
        kube::emit(&self.objects)
    }
}

/// The objects of a target's YAML with images and labels. All of the images must be found in it.
pub fn prepare(
    yaml: &str,
    declared: &[Locator],
    images: &[Injected],
    destination: &Destination,
) -> Result<Prepared, InjectError> {
    let mut objects = kube::parse(yaml).map_err(InjectError::Yaml)?;
    let locators = locators(declared)?;
    let mut images = Images::new(images)?;
    for object in &mut objects {
        images.inject(object, &locators)?;
        labels::label(object);
    }
    // Looked for again, because nobody wants to pay for a hint that is not needed.
    images.check_all_used(|| kube::parse(yaml).unwrap_or_default(), &locators)?;
    objects.sort_by_key(Object::rank);
    Ok(Prepared {
        hash: hash::of_objects(&objects, destination),
        objects,
    })
}

fn locators(declared: &[Locator]) -> Result<Vec<ImageLocator>, InjectError> {
    declared.iter().map(locator).collect()
}

fn locator(declared: &Locator) -> Result<ImageLocator, InjectError> {
    let selector = &declared.selector;
    let objects = ObjectMatcher::partial(Patterns {
        api_version: &selector.api_version,
        kind: &selector.kind,
        name: &selector.name,
        namespace: &selector.namespace,
    });
    let objects = objects.map_err(|source| InjectError::Selector {
        path: declared.path.as_str().into(),
        source,
    })?;
    let fields = declared.object.as_ref().map(|(repo, tag)| ImageFields {
        repo: repo.as_str().into(),
        tag: tag.as_str().into(),
    });
    Ok(ImageLocator {
        objects,
        path: JsonPath::parse(&declared.path).map_err(InjectError::Path)?,
        fields,
    })
}

/// `Deployment/web`, as messages name it.
fn shown(object: &Object) -> Box<str> {
    format!("{}/{}", object.kind(), object.name()).into()
}

#[cfg(test)]
mod tests;
