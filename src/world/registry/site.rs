//! One registry: how it is reached, who we are there, and one request with its answer.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::world::docker::RegistryAuth;
use crate::world::files;
use crate::world::http::Trust;
use crate::world::registry::RegistryError;
use crate::world::registry::challenge;
use crate::world::registry::tries::{Again, Failure, Patience, Tries};

mod message;
mod token;

use message::Body;
pub use message::{Answer, Ask, Content};

const AGENT: &str = concat!("tilt/", env!("CARGO_PKG_VERSION"));
const CONNECTING: Duration = Duration::from_secs(15);
/// Without a byte sent or an answer. A registry that checks a blob of some gigabytes is quiet for a while.
const STALLED: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(100);
/// Manifests and messages; blobs are never read.
const LARGEST_ANSWER: usize = 8 << 20;

type Http = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// A registry.
pub struct Site {
    /// As the names of images have it.
    pub host: String,
    authority: String,
    is_insecure: bool,
    pub patience: Patience,
    http: Http,
    base: OnceCell<String>,
    /// What goes into `Authorization`, by who asks for what. A mutex, because uploads run side by side; held for a look-up.
    passes: Mutex<HashMap<String, String>>,
}

impl Site {
    pub fn new(host: &str, is_insecure: bool, patience: Patience) -> Result<Site, RegistryError> {
        let untrusted = |reason: String| RegistryError::Untrusted {
            host: host.to_owned(),
            reason,
        };
        let trust = match is_insecure {
            true => Trust::Anybody,
            false => Trust::system(&engine_certificates(host)?).map_err(|error| untrusted(error.to_string()))?,
        };
        let tls = trust.config().map_err(|error| untrusted(error.to_string()))?;
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(CONNECTING));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config((*tls).clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain);
        Ok(Site {
            host: host.to_owned(),
            authority: match host {
                "docker.io" => "registry-1.docker.io".to_owned(),
                other => other.to_owned(),
            },
            is_insecure,
            patience,
            http: legacy::Client::builder(TokioExecutor::new()).build(connector),
            base: OnceCell::new(),
            passes: Mutex::default(),
        })
    }

    /// `https://HOST`, or `http://HOST` where that is allowed and spoken.
    async fn base(&self) -> Result<&str, Failure> {
        let base = self.base.get_or_try_init(|| async {
            let secure = format!("https://{}", self.authority);
            if !self.is_insecure {
                return Ok(secure);
            }
            let plain = format!("http://{}", self.authority);
            match self
                .exchange(&Ask::new(Method::GET, format!("{plain}/v2/")), None)
                .await
            {
                Ok(answer) if speaks_tls(&answer) => Ok(secure),
                Ok(_) => Ok(plain),
                // What came back is no HTTP: TLS, perhaps.
                Err(Failure { error, again }) if matches!(error, RegistryError::CutOff { .. }) => {
                    let asked = self
                        .exchange(&Ask::new(Method::GET, format!("{secure}/v2/")), None)
                        .await;
                    asked.map(|_| secure).map_err(|_| Failure { error, again })
                }
                Err(failure) => Err(failure),
            }
        });
        base.await.map(String::as_str)
    }

    /// One exchange, without credentials or another try.
    async fn exchange(&self, ask: &Ask<'_>, pass: Option<&str>) -> Result<Answer, Failure> {
        let moved = Arc::new(AtomicU64::new(0));
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.url)
            .header(USER_AGENT, AGENT);
        if ask.method != Method::GET && ask.method != Method::HEAD {
            request = request.header(CONTENT_LENGTH, ask.content.size());
        }
        for (name, value) in &ask.headers {
            request = request.header(name, *value);
        }
        if let Some(pass) = pass {
            request = request.header(AUTHORIZATION, pass);
        }
        let body = ask.content.body(&moved).await.map_err(RegistryError::File)?;
        let request = request.body(body).map_err(|error| self.cut(error.to_string()))?;
        let talk = async {
            let answer = self.http.request(request).await.map_err(|error| self.broken(&error))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await;
            let body = body.map_err(|error| self.cut(error.to_string()))?;
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
            })
        };
        self.watched(talk, &moved, ask.on_sent).await
    }

    /// Ends an exchange in which nothing moves any more.
    async fn watched(
        &self,
        talk: impl Future<Output = Result<Answer, Failure>>,
        moved: &AtomicU64,
        on_sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Answer, Failure> {
        let mut talk = pin!(talk);
        let (mut before, mut quiet) = (0, Duration::ZERO);
        loop {
            let ended = timeout(TICK, &mut talk).await;
            let now = moved.load(Ordering::Relaxed);
            if now != before {
                (before, quiet) = (now, Duration::ZERO);
                on_sent(now);
            }
            match ended {
                Ok(outcome) => return outcome,
                Err(_) if quiet >= STALLED => return Err(self.cut("no answer".to_owned())),
                Err(_) => quiet += TICK,
            }
        }
    }

    fn cut(&self, reason: String) -> Failure {
        let host = self.host.clone();
        Failure {
            error: RegistryError::CutOff { host, reason },
            again: Again::Soon,
        }
    }

    fn broken(&self, error: &legacy::Error) -> Failure {
        let host = self.host.clone();
        let reason = chain(error);
        let never = |error| Failure {
            error,
            again: Again::Never,
        };
        if reason.contains("InvalidContentType") {
            return never(RegistryError::Plain { host });
        }
        if reason.contains("certificate") {
            return never(RegistryError::Untrusted { host, reason });
        }
        match error.is_connect() {
            true => never(RegistryError::Unreachable { host, reason }),
            false => self.cut(reason),
        }
    }

    fn pass(&self, key: &str) -> Option<String> {
        let passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        passes.get(key).cloned()
    }

    fn keep_pass(&self, key: &str, pass: &str) {
        let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        passes.insert(key.to_owned(), pass.to_owned());
    }
}

/// A repository of a registry, as somebody.
pub struct Access<'a> {
    pub site: &'a Site,
    pub repository: &'a str,
    pub auth: &'a RegistryAuth,
    /// `pull` or `pull,push`.
    pub actions: &'static str,
    /// Others of the same registry that blobs are taken from.
    pub sources: Vec<String>,
}

impl Access<'_> {
    /// Asks until there is an answer that says something about what was asked.
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        let mut tries = Tries::new(self.site.patience);
        loop {
            match self.once(ask).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => tries.again(failure).await?,
            }
        }
    }

    /// Asks once; credentials are shown if they are wanted.
    pub async fn once(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let base = self.site.base().await?;
        let ask = &Ask {
            method: ask.method.clone(),
            url: absolute(base, &ask.url),
            headers: ask.headers.clone(),
            content: ask.content.clone(),
            on_sent: ask.on_sent,
        };
        // A location may lead to a store elsewhere, which our credentials are none of the business of.
        let is_here = ask.url.starts_with(&format!("{base}/"));
        let pass = self.site.pass(&self.key()).filter(|_| is_here);
        let answer = self.site.exchange(ask, pass.as_deref()).await?;
        if answer.status != StatusCode::UNAUTHORIZED || !is_here {
            return self.judge(answer);
        }
        let offers = answer.headers.get_all(WWW_AUTHENTICATE);
        let offers = offers.iter().filter_map(|value| value.to_str().ok());
        let Some(challenge) = challenge::best(offers) else {
            return self.judge(answer);
        };
        let Some(pass) = self.new_pass(&challenge).await? else {
            return self.judge(answer);
        };
        self.site.keep_pass(&self.key(), &pass);
        let answer = self.site.exchange(ask, Some(&pass)).await?;
        self.judge(answer)
    }

    fn judge(&self, answer: Answer) -> Result<Answer, Failure> {
        let host = self.site.host.clone();
        let message = answer.message();
        let failure = match answer.status.as_u16() {
            401 | 403 => Failure::from(self.denied(message)),
            429 => {
                let stated = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let retry_after = stated
                    .and_then(|text| text.trim().parse().ok())
                    .map(Duration::from_secs);
                Failure {
                    error: RegistryError::Throttled {
                        host,
                        retry_after,
                        message,
                    },
                    again: retry_after.map_or(Again::Soon, Again::After),
                }
            }
            status @ (500 | 502..=504) => Failure {
                error: RegistryError::Unwell { host, status, message },
                again: Again::Soon,
            },
            _ => return Ok(answer),
        };
        Err(failure)
    }

    pub fn denied(&self, message: String) -> RegistryError {
        RegistryError::Denied {
            host: self.site.host.clone(),
            name: self.repository.to_owned(),
            who: self.auth.who(),
            message,
        }
    }

    pub fn unexpected(&self, doing: &'static str, answer: &Answer) -> RegistryError {
        let (host, message) = (self.site.host.clone(), answer.message());
        match answer.status {
            StatusCode::NOT_FOUND => RegistryError::Missing {
                host,
                name: self.repository.to_owned(),
                message,
            },
            status => RegistryError::Unexpected {
                host,
                doing,
                status: status.as_u16(),
                message,
            },
        }
    }
}

/// A location that a registry gives may be relative.
fn absolute(base: &str, url: &str) -> String {
    match url.parse::<Uri>().ok().and_then(|uri| uri.scheme().cloned()) {
        Some(_) => url.to_owned(),
        None => format!("{base}{url}"),
    }
}

/// How servers that speak TLS answer to plain HTTP.
fn speaks_tls(answer: &Answer) -> bool {
    answer.status == StatusCode::BAD_REQUEST && String::from_utf8_lossy(&answer.body).contains("HTTPS")
}

/// Certificates that Docker Engine on this machine trusts for a registry.
fn engine_certificates(host: &str) -> Result<Vec<PathBuf>, RegistryError> {
    let folder = PathBuf::from("/etc/docker/certs.d").join(host);
    let found = match files::children(&folder) {
        Err(error) if error.is_missing() => Vec::new(),
        other => other?,
    };
    let is_authority = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "crt");
    Ok(found.into_iter().filter(is_authority).collect())
}

/// An error with its causes, each once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = match error.downcast_ref::<io::Error>() {
            Some(io) => files::reason(io),
            None => error.to_string(),
        };
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    match texts.is_empty() {
        true => error.to_string(),
        false => texts.join(": "),
    }
}
