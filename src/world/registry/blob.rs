//! One blob: found, taken over from another repository, or sent.

use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, StatusCode};

use crate::world::registry::RegistryError;
use crate::world::registry::known::Descriptor;
use crate::world::registry::site::{Access, Ask, Content};
use crate::world::registry::tries::{Again, Failure, Tries};

impl Access<'_> {
    /// Whether the repository has the blob.
    pub(super) async fn has(&self, digest: &str) -> Result<bool, RegistryError> {
        let answer = self.send(&Ask::new(Method::HEAD, self.blob(digest))).await?;
        match answer.status {
            // A redirect leads to the store that has it.
            StatusCode::OK | StatusCode::TEMPORARY_REDIRECT | StatusCode::FOUND => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.unexpected("looking for a blob", &answer)),
        }
    }

    /// Has the registry take the blob over from one of the other repositories. False where it will not.
    pub(super) async fn mount(&self, digest: &str, from: &str) -> Result<bool, RegistryError> {
        let url = format!("{}?mount={digest}&from={from}", self.uploads());
        let answer = match self.send(&Ask::new(Method::POST, url)).await {
            // Being allowed to push here does not mean being allowed to read there.
            Err(RegistryError::Denied { .. }) => return Ok(false),
            other => other?,
        };
        if answer.status == StatusCode::ACCEPTED
            && let Some(begun) = answer.header(LOCATION.as_str())
        {
            // An upload was begun instead, which nobody will go on with. The registry forgets it in time if this fails.
            let _ = self.once(&Ask::new(Method::DELETE, begun)).await;
        }
        Ok(answer.status == StatusCode::CREATED)
    }

    /// Sends a blob in one piece; once more from its beginning if that is cut short.
    pub(super) async fn upload(
        &self,
        blob: &Descriptor,
        content: &Content,
        on_sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), RegistryError> {
        let mut tries = Tries::new(self.site.patience);
        loop {
            match self.upload_once(blob, content, on_sent).await {
                Ok(()) => return Ok(()),
                Err(failure) => tries.again(failure).await?,
            }
        }
    }

    async fn upload_once(
        &self,
        blob: &Descriptor,
        content: &Content,
        on_sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), Failure> {
        let begun = self.once(&Ask::new(Method::POST, self.uploads())).await?;
        let location = match begun.header(LOCATION.as_str()) {
            Some(location) if begun.status == StatusCode::ACCEPTED => location,
            _ => return Err(self.unexpected("beginning an upload", &begun).into()),
        };
        let joint = if location.contains('?') { '&' } else { '?' };
        let mut ask = Ask::new(Method::PUT, format!("{location}{joint}digest={}", blob.digest));
        ask.headers.push((CONTENT_TYPE, "application/octet-stream"));
        ask.content = content.clone();
        ask.on_sent = on_sent;
        let answer = self.once(&ask).await?;
        let message = answer.message();
        match answer.status {
            StatusCode::CREATED => Ok(()),
            StatusCode::BAD_REQUEST if is_about(&answer.body, "DIGEST_INVALID") => Err(Failure {
                error: RegistryError::Damaged {
                    host: self.site.host.clone(),
                    digest: blob.digest.clone(),
                    message,
                },
                again: Again::Soon,
            }),
            // The registry was started again in between, or cleans up too eagerly.
            StatusCode::NOT_FOUND => Err(Failure {
                error: self.unexpected("sending a blob", &answer),
                again: Again::Soon,
            }),
            _ => Err(self.unexpected("sending a blob", &answer).into()),
        }
    }

    fn blob(&self, digest: &str) -> String {
        format!("/v2/{}/blobs/{digest}", self.repository)
    }

    fn uploads(&self) -> String {
        format!("/v2/{}/blobs/uploads/", self.repository)
    }
}

/// Whether an answer has this code among its errors.
pub(super) fn is_about(body: &[u8], code: &str) -> bool {
    String::from_utf8_lossy(body).contains(code)
}
