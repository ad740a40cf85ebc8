//! A build by the builder that engines had before BuildKit, and still have: the whole context as one archive.

use std::collections::HashMap;
use std::sync::Arc;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::BuildImageOptionsBuilder;
use futures_util::StreamExt;

use crate::world::archive;
use crate::world::docker::session::Source;
use crate::world::docker::{DockerError, Engine, RegistryAuth};

/// What is built.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicBuild {
    /// The name of the Dockerfile in the archive.
    pub dockerfile: String,
    pub args: HashMap<String, String>,
    pub labels: HashMap<String, String>,
    pub target: String,
    pub platform: String,
    pub network: String,
    /// `host:address`.
    pub extra_hosts: Vec<String>,
    pub cache_from: Vec<String>,
    pub pull: bool,
    pub no_cache: bool,
}

/// News of a classic build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassicNews {
    /// A piece of what it prints, cut anywhere.
    Text(String),
    /// How far a layer is that is pulled: its name, bytes so far, bytes in all.
    Pull(String, u64, u64),
}

impl Engine {
    /// Builds an image from folders that lie one over the other. Gives its id.
    pub async fn classic_build(
        &self,
        build: &ClassicBuild,
        folders: Vec<Arc<dyn Source>>,
        credentials: HashMap<String, RegistryAuth>,
        on_news: &mut (dyn FnMut(ClassicNews) + Send),
    ) -> Result<String, DockerError> {
        let mut options = BuildImageOptionsBuilder::new()
            .dockerfile(&build.dockerfile)
            .buildargs(&build.args)
            .labels(&build.labels)
            .target(&build.target)
            .platform(&build.platform)
            .networkmode(&build.network)
            .nocache(build.no_cache)
            .rm(true)
            .forcerm(true)
            .cachefrom(&build.cache_from);
        if build.pull {
            options = options.pull("1");
        }
        if !build.extra_hosts.is_empty() {
            options = options.extrahosts(&build.extra_hosts.join(","));
        }
        let credentials: HashMap<String, DockerCredentials> = credentials
            .into_iter()
            .map(|(host, auth)| (host, auth.to_header()))
            .collect();
        let body = bollard::body_try_stream(archive::stream(folders));
        let mut news = self
            .0
            .docker
            .build_image(options.build(), Some(credentials), Some(body));
        let mut image = None;
        while let Some(item) = news.next().await {
            let item = item.map_err(|error| self.error("building an image", &error))?;
            if let Some(text) = item.stream {
                on_news(ClassicNews::Text(text));
            }
            if let (Some(layer), Some(detail)) = (item.id, item.progress_detail) {
                let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or_default();
                on_news(ClassicNews::Pull(layer, number(detail.current), number(detail.total)));
            }
            image = item.aux.and_then(|aux| aux.id).or(image);
        }
        image.ok_or_else(|| DockerError::Broken {
            doing: "building an image",
            reason: "the answer names no image".to_owned(),
        })
    }
}
