//! One request about objects: a tree in, a tree out.

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Request, Response};
use kube::client::Body;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ObjectError, Refusal};
use crate::model::tree::Tree;
use crate::model::yaml::json;
use crate::world::cluster::{ClusterError, Inner};

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a path or a query, as it may stand there.
pub fn escaped(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, PLAIN)
}

pub struct Call<'a> {
    pub method: Method,
    pub target: &'a str,
    /// Content type and text.
    pub body: Option<(&'static str, String)>,
}

impl<'a> Call<'a> {
    pub fn get(target: &'a str) -> Call<'a> {
        Call {
            method: Method::GET,
            target,
            body: None,
        }
    }
}

impl Inner {
    /// The whole answer, which has to come within our patience.
    pub(super) async fn tree(&self, call: Call<'_>) -> Result<Tree, ObjectError> {
        let answer = async {
            let body = self.open(call).await?.into_body();
            let bytes = body.collect_bytes().await.map_err(|error| self.failed(&error))?;
            json::parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| {
                ObjectError::Cluster(ClusterError::Nonsense {
                    server: self.identity.server.clone(),
                    reason: "the answer is no JSON".to_owned(),
                })
            })
        };
        match tokio::time::timeout(REQUEST.max(self.patience), answer).await {
            Ok(answer) => answer,
            Err(_) => {
                let late = ClusterError::late(&self.identity.server, REQUEST.max(self.patience));
                Err(ObjectError::Cluster(late))
            }
        }
    }

    /// The answer as it begins to come, if it is a success.
    pub(super) async fn open(&self, call: Call<'_>) -> Result<Response<Body>, ObjectError> {
        let mut request = Request::builder().method(call.method).uri(call.target);
        let body = call.body.map(|(content, text)| {
            request = std::mem::take(&mut request).header(CONTENT_TYPE, content);
            text
        });
        let request = request
            .body(Body::from(body.unwrap_or_default().into_bytes()))
            .map_err(|error| self.failed(&kube::Error::HttpError(error)))?;
        let response = self.client.send(request).await.map_err(|error| self.failed(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let wait = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.into_body();
        let bytes = body.collect_bytes().await.map_err(|error| self.failed(&error))?;
        let refusal = Refusal::read(status, wait.map(Duration::from_secs), &String::from_utf8_lossy(&bytes));
        Err(match status {
            401 => ObjectError::Cluster(ClusterError::Unauthorized {
                server: self.identity.server.clone(),
                user: self.user.clone(),
                reason: refusal.message,
            }),
            _ => ObjectError::Refused(Box::new(refusal)),
        })
    }

    pub(super) fn failed(&self, error: &kube::Error) -> ObjectError {
        ObjectError::Cluster(ClusterError::of(&self.identity.server, &self.user, error))
    }
}

/// Until one request about an object is answered: admission webhooks have up to 30 s, and slow clusters are slow.
const REQUEST: Duration = Duration::from_secs(40);
