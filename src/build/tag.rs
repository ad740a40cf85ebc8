//! Pure. The names of images: those that are deployed come from their content, those that a command builds under from the
//! time.

use crate::build::BuildError;
use crate::model::build::ImageTarget;
use crate::model::image::Reference;
use crate::model::registry::Registry;

#[cfg(test)]
mod tests;

/// How much of an image's id stands in its tag.
const DIGITS: usize = 16;

/// The two names of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// As this machine knows it: what is tagged and pushed.
    pub local: Reference,
    /// As the cluster pulls it.
    pub cluster: Reference,
}

/// The tag of an image's content: the same id has the same tag, so that nothing restarts for an image that is the same.
pub fn of_content(id: &str) -> String {
    let hex = id.split_once(':').map_or(id, |(_, hex)| hex);
    format!("tilt-{}", hex.get(..DIGITS).unwrap_or(hex))
}

/// The tag that a command builds under until the content is known. `nth` tells those of one second apart.
pub fn of_moment(seconds: i64, nth: u32) -> String {
    match nth {
        0 => format!("tilt-build-{seconds}"),
        _ => format!("tilt-build-{seconds}-{nth}"),
    }
}

/// The names of an image of this id, whatever built it.
pub fn names(target: &ImageTarget, registry: &Registry, id: &str) -> Result<Names, BuildError> {
    under(target, registry, &of_content(id))
}

/// The names of an image in its registry under a tag of ours.
pub fn under(target: &ImageTarget, registry: &Registry, tag: &str) -> Result<Names, BuildError> {
    let selector = &target.selector;
    let tag = registry.tag(selector, tag);
    let tagged = |name: Reference| name.with_tag(&tag).map_err(BuildError::Tag);
    Ok(Names {
        local: tagged(registry.local_name(selector).map_err(BuildError::Name)?)?,
        cluster: tagged(registry.cluster_name(selector).map_err(BuildError::Name)?)?,
    })
}

/// The names of an image that got its name elsewhere. Where the cluster knows our registry by another name, that one
/// takes the place of ours.
pub fn stated(local: Reference, registry: &Registry) -> Result<Names, BuildError> {
    let host = Some(registry.host.as_str()).filter(|host| !host.is_empty());
    let other = Some(registry.host_from_cluster.as_str()).filter(|host| !host.is_empty());
    let text = local.familiar();
    let swapped = host.zip(other).and_then(|(host, other)| {
        let rest = text.strip_prefix(host).filter(|rest| rest.starts_with('/'))?;
        Some(format!("{other}{rest}"))
    });
    let cluster = match swapped {
        Some(text) => Reference::parse(&text).map_err(BuildError::Tag)?,
        None => local.clone(),
    };
    Ok(Names { local, cluster })
}
