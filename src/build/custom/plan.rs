//! Pure. What a command is told about the image that it is to build, and what its answer means.

use crate::build::error::OutputFault;
use crate::build::tag::{self, Names};
use crate::build::{BuildError, Order};
use crate::model::build::CustomRecipe;
use crate::model::image::Reference;

#[cfg(test)]
mod tests;

/// Which image a command is to leave behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Under a name that we made up for this one build.
    Ours(Names),
    /// Under the tag that the definition states. It knows nothing of a registry.
    Theirs(Names),
    /// The command decides, and writes the name into a file.
    InFile,
}

impl Expected {
    pub fn of(order: &Order, recipe: &CustomRecipe, moment: &str) -> Result<Expected, BuildError> {
        if recipe.outputs_image_ref_to.is_some() {
            return Ok(Expected::InFile);
        }
        if recipe.output_tag.is_empty() {
            return tag::under(&order.target, &order.registry, moment).map(Expected::Ours);
        }
        let name = order.target.selector.reference.without_tag();
        let name = name.with_tag(&recipe.output_tag).map_err(BuildError::Tag)?;
        Ok(Expected::Theirs(Names {
            local: name.clone(),
            cluster: name,
        }))
    }

    pub fn names(&self) -> Option<&Names> {
        match self {
            Expected::Ours(names) | Expected::Theirs(names) => Some(names),
            Expected::InFile => None,
        }
    }
}

/// The variables that are said in the log, too.
pub fn variables(order: &Order, expected: &Expected, docker: Vec<(String, String)>) -> Vec<(String, String)> {
    let stated = expected.names().map(|names| {
        let name = &names.local;
        [
            ("EXPECTED_REF", name.familiar()),
            ("EXPECTED_REGISTRY", name.domain().to_owned()),
            ("EXPECTED_IMAGE", name.path().to_owned()),
            ("EXPECTED_TAG", name.tag().unwrap_or_default().to_owned()),
        ]
    });
    let host = Some(&order.registry.host).filter(|host| !host.is_empty());
    let host = host.map(|host| ("REGISTRY_HOST", host.clone()));
    let ours = stated.into_iter().flatten().chain(host);
    ours.map(|(name, value)| (name.to_owned(), value))
        .chain(docker)
        .collect()
}

/// The variables that tell which images this one stands on, in the order in which its definition names them.
pub fn bases(order: &Order) -> Vec<(String, String)> {
    let deps = order.target.image_deps.iter().enumerate();
    deps.filter_map(|(index, name)| Some((index, name, &order.bases.get(name)?.1)))
        .flat_map(|(index, name, built)| {
            [
                (format!("TILT_IMAGE_MAP_{index}"), name.clone()),
                (format!("TILT_IMAGE_{index}"), built.local.clone()),
            ]
        })
        .collect()
}

/// The image that a command named in its file.
pub fn reference(text: &str) -> Result<Reference, OutputFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(OutputFault::Empty);
    }
    let name = Reference::parse(text).map_err(|source| OutputFault::NotAReference {
        // All of a log may have ended up there.
        text: text.lines().next().unwrap_or_default().chars().take(200).collect(),
        source,
    })?;
    match name.tag().or(name.digest()) {
        Some(_) => Ok(name),
        None => Err(OutputFault::NoTag(text.to_owned())),
    }
}
