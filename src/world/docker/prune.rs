//! What an engine keeps that can be thrown away: stopped containers, and the cache of builds. Images are in `image`.

use std::collections::HashMap;

use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::model::duration::Duration;
use crate::model::time::Time;
use crate::world::docker::wire;
use crate::world::docker::{DockerError, Engine};

/// The filters of listings by label, and with them pruning, are part of every engine from here on.
const PRUNING_SINCE: (usize, usize) = (1, 30);
const MICROS: i64 = 1_000_000;

/// A container, running or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub image_id: String,
    pub labels: HashMap<String, String>,
    /// Seconds since 1970.
    pub created: i64,
    pub is_stopped: bool,
}

/// One piece of the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cached {
    pub id: String,
    /// The step that it is from.
    pub description: String,
    pub bytes: u64,
    /// Seconds since 1970.
    pub used: i64,
    pub in_use: bool,
}

/// Which pieces of the cache may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheQuery {
    /// Only what was not used for so long.
    pub unused_for: Duration,
    /// So many bytes stay in any case.
    pub keep_bytes: u64,
    /// Filters of the engine's own: `id`, `type`, …
    pub filters: Vec<(String, String)>,
}

/// What the engine has thrown away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    pub ids: Vec<String>,
    pub bytes: u64,
}

impl Engine {
    pub fn can_prune(&self) -> bool {
        self.0.api >= PRUNING_SINCE
    }

    /// The version of the API that is spoken.
    pub fn api(&self) -> String {
        format!("{}.{}", self.0.api.0, self.0.api.1)
    }

    /// All containers, also those that have stopped.
    pub async fn containers(&self) -> Result<Vec<Container>, DockerError> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let listed = self.0.docker.list_containers(Some(options)).await;
        let listed = listed.map_err(|error| self.error("listing containers", &error))?;
        let container = |found: bollard::models::ContainerSummary| {
            let state = found.state.map(|state| state.to_string()).unwrap_or_default();
            let name = found.names.unwrap_or_default().into_iter().next().unwrap_or_default();
            Container {
                id: found.id.unwrap_or_default(),
                name: name.trim_start_matches('/').to_owned(),
                image_id: found.image_id.unwrap_or_default(),
                labels: found.labels.unwrap_or_default(),
                created: found.created.unwrap_or_default(),
                is_stopped: matches!(state.as_str(), "exited" | "dead" | "created"),
            }
        };
        Ok(listed.into_iter().map(container).collect())
    }

    /// Removes a container that does not run.
    pub async fn remove_container(&self, id: &str) -> Result<(), DockerError> {
        let options = RemoveContainerOptionsBuilder::new().build();
        let asked = self.0.docker.remove_container(id, Some(options)).await;
        asked.map_err(|error| self.error("removing a container", &error))
    }

    /// The pieces of the cache. Older engines count everything else that they keep on the way: slow.
    pub async fn build_cache(&self) -> Result<Vec<Cached>, DockerError> {
        const DOING: &str = "listing the build cache";
        let path = format!("/v{}/system/df?type=build-cache", self.api());
        let found = self.json(Method::GET, &path, DOING).await?;
        let pieces = found["BuildCache"]
            .as_array()
            .or(found["BuildCacheUsage"]["Items"].as_array());
        let piece = |piece: &Value| {
            let seconds = |name: &str| piece[name].as_str().and_then(Time::parse);
            Cached {
                id: piece["ID"].as_str().unwrap_or_default().to_owned(),
                description: piece["Description"].as_str().unwrap_or_default().to_owned(),
                bytes: piece["Size"].as_u64().unwrap_or_default(),
                used: seconds("LastUsedAt")
                    .or(seconds("CreatedAt"))
                    .map_or(0, |at| at.micros() / MICROS),
                in_use: piece["InUse"].as_bool().unwrap_or_default(),
            }
        };
        Ok(pieces.into_iter().flatten().map(piece).collect())
    }

    /// Throws pieces of the cache away. The bound is told under both its names: the library knows only the newer one,
    /// which older engines do not.
    pub async fn prune_build(&self, query: &CacheQuery) -> Result<Dropped, DockerError> {
        const DOING: &str = "pruning the build cache";
        let mut filters = serde_json::Map::new();
        let until = ("until".to_owned(), query.unused_for.to_string());
        for (name, value) in std::iter::once(&until).chain(&query.filters) {
            filters.insert(name.clone(), serde_json::json!({ value: true }));
        }
        let filters = Value::Object(filters).to_string();
        let filters = utf8_percent_encode(&filters, NON_ALPHANUMERIC);
        let (api, keep) = (self.api(), query.keep_bytes);
        let path = format!("/v{api}/build/prune?filters={filters}&keep-storage={keep}&reserved-space={keep}");
        let answer = self.json(Method::POST, &path, DOING).await?;
        let ids = answer["CachesDeleted"].as_array().into_iter().flatten();
        Ok(Dropped {
            ids: ids.filter_map(Value::as_str).map(str::to_owned).collect(),
            bytes: answer["SpaceReclaimed"].as_u64().unwrap_or_default(),
        })
    }

    async fn json(&self, method: Method, path: &str, doing: &'static str) -> Result<Value, DockerError> {
        let body = wire::ask(&self.0.dialer, method, path, doing).await?;
        serde_json::from_slice(&body).map_err(|error| DockerError::Broken {
            doing,
            reason: error.to_string(),
        })
    }
}
