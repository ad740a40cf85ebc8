//! Pure. Why images cannot be brought into objects.

use thiserror::Error;

use crate::deploy::Class;
use crate::model::image::{Reference, ReferenceError};
use crate::model::kube;
use crate::model::kube::SelectorError;
use crate::model::kube::jsonpath::JsonPathError;
use crate::model::suggest;

#[derive(Clone, Debug, Error)]
pub enum InjectError {
    #[error("cannot read the YAML to deploy: {0}")]
    Yaml(kube::Error),
    #[error("image locator `{path}`: {source}")]
    Selector { path: Box<str>, source: SelectorError },
    #[error("image locator: {0}")]
    Path(JsonPathError),
    #[error("finding images in {object}: {source}; fix the path that `k8s_kind` or `k8s_image_json_path` gives for it")]
    Locate { object: Box<str>, source: JsonPathError },
    #[error("Docker image missing from yaml: {image}{}", advice(image, named))]
    Missing {
        image: Box<str>,
        /// What the YAML names instead, each once.
        named: Vec<Box<str>>,
    },
    #[error(
        "cannot replace the {what} for image `{image}` in {object}: no container of it uses the image, it is only named in \
         {place}; leave out `{option}` and state the command there, or take it out of the image's definition"
    )]
    Override {
        object: Box<str>,
        image: Box<str>,
        what: &'static str,
        option: &'static str,
        place: Box<str>,
    },
    #[error("image `{map}` is to be deployed, and was not built")]
    NotBuilt { map: Box<str> },
    #[error("the build of image `{map}` gave `{reference}`, which names no image: {source}")]
    Reference {
        map: Box<str>,
        reference: Box<str>,
        source: ReferenceError,
    },
}

impl InjectError {
    pub fn class(&self) -> Class {
        match self {
            InjectError::Yaml(_)
            | InjectError::Selector { .. }
            | InjectError::Path(_)
            | InjectError::Locate { .. }
            | InjectError::Missing { .. }
            | InjectError::Override { .. } => Class::User,
            InjectError::NotBuilt { .. } | InjectError::Reference { .. } => Class::Internal,
        }
    }
}

/// How many of the images that the YAML names are listed.
const MOST_NAMED: usize = 5;

fn advice(image: &str, named: &[Box<str>]) -> String {
    if named.is_empty() {
        return "; no object of the resource names an image; name it in a container, or tell where it is with `k8s_kind` or \
                `k8s_image_json_path`"
            .to_owned();
    }
    let wanted = name_of(image);
    if let Some(other_tag) = named.iter().find(|text| name_of(text) == wanted) {
        return format!(
            "; the YAML names `{other_tag}`, and only the tag that a definition states is replaced: give both the same tag"
        );
    }
    let names: Vec<String> = named.iter().map(|text| name_of(text)).collect();
    match suggest::nearest(&wanted, names.iter().map(String::as_str)) {
        Some(nearest) => format!(" (did you mean {nearest}?); {WHERE_ELSE}"),
        None => format!("; the YAML names {}; {WHERE_ELSE}", listed(named)),
    }
}

fn name_of(text: &str) -> String {
    Reference::parse(text).map_or_else(|_| text.to_owned(), |reference| reference.familiar_name())
}

const WHERE_ELSE: &str = "for environment variables its definition needs `match_in_env_vars=True`, for other objects use `k8s_kind` or \
                          `k8s_image_json_path`";

fn listed(named: &[Box<str>]) -> String {
    let shown: Vec<String> = named.iter().take(MOST_NAMED).map(|name| format!("`{name}`")).collect();
    match named.len().saturating_sub(MOST_NAMED) {
        0 => suggest::list_of(&shown),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
