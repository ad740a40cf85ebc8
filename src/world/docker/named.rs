//! What an engine has under a name, whatever the tag.

use std::collections::HashMap;

use bollard::query_parameters::ListImagesOptionsBuilder;

use crate::model::image::Reference;
use crate::model::time::Time;
use crate::world::docker::{DockerError, Engine};

/// Whoever has more tags of one name than this gets to know about the newest images only.
const MOST_LOOKS: usize = 20;
const MICROS: i64 = 1_000_000;

impl Engine {
    /// The tag of this name that was given last, if that was not before `since`, in seconds. The name's own tag does not
    /// count.
    pub async fn last_tagged(&self, name: &Reference, since: i64) -> Result<Option<String>, DockerError> {
        let repository = name.familiar_name();
        let filters = HashMap::from([("reference", vec![repository.as_str()])]);
        let options = ListImagesOptionsBuilder::new().all(false).filters(&filters).build();
        let listed = self.0.docker.list_images(Some(options)).await;
        let mut listed = listed.map_err(|error| self.error("listing images", &error))?;
        listed.sort_by_key(|image| std::cmp::Reverse(image.created));
        let mut last: Option<(i64, String)> = None;
        for image in listed.into_iter().take(MOST_LOOKS) {
            let is_meant = |tag: &&String| tag.rsplit_once(':').is_some_and(|(name, _)| name == repository);
            let Some(tag) = image.repo_tags.iter().find(is_meant) else {
                continue;
            };
            let at = self.tagged_at(&image.id).await?.unwrap_or(image.created);
            if at >= since && last.as_ref().is_none_or(|(then, _)| *then < at) {
                last = Some((at, tag.clone()));
            }
        }
        Ok(last.map(|(_, tag)| tag))
    }

    async fn tagged_at(&self, id: &str) -> Result<Option<i64>, DockerError> {
        let found = self.0.docker.inspect_image(id).await;
        let found = found.map_err(|error| self.error("looking an image up", &error))?;
        let at = found.metadata.and_then(|metadata| metadata.last_tag_time);
        Ok(at.and_then(|text| Time::parse(&text)).map(|at| at.micros() / MICROS))
    }
}
