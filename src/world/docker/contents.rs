//! What is in an image, found out without running anything.

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptions;
use hyper::Method;

use crate::world::docker::{DockerError, Engine, wire};

impl Engine {
    /// Whether an image has any of these files. A container is made for that, and never started.
    pub async fn has_any(&self, image: &str, files: &[&str]) -> Result<bool, DockerError> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            // An image without a command makes no container.
            cmd: Some(vec!["none".to_owned()]),
            ..ContainerCreateBody::default()
        };
        let made = self
            .0
            .docker
            .create_container(None::<CreateContainerOptions>, body)
            .await;
        let made = made.map_err(|error| self.error("looking into an image", &error))?;
        let found = self.finds_any(&made.id, files).await;
        self.remove_container(&made.id).await?;
        found
    }

    async fn finds_any(&self, container: &str, files: &[&str]) -> Result<bool, DockerError> {
        for file in files {
            let path = format!("/v{}/containers/{container}/archive?path={file}", self.api());
            match wire::ask(&self.0.dialer, Method::HEAD, &path, "looking into an image").await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}
