//! Showing who we are: user and password as they are, or a token that is fetched for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Access, Answer, Ask, Content};
use crate::model::tree::Tree;
use crate::model::yaml;
use crate::world::docker::RegistryAuth;
use crate::world::registry::challenge::Challenge;
use crate::world::registry::tries::Failure;

const FORM: &str = "application/x-www-form-urlencoded";

impl Access<'_> {
    /// Tokens are good for what they were asked for.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.auth.who(), self.scopes().join(" "))
    }

    fn scopes(&self) -> Vec<String> {
        let own = format!("repository:{}:{}", self.repository, self.actions);
        let others = self.sources.iter().map(|source| format!("repository:{source}:pull"));
        std::iter::once(own).chain(others).collect()
    }

    /// What to put into `Authorization`. Nothing where we are nobody and have to be somebody.
    pub(super) async fn new_pass(&self, challenge: &Challenge) -> Result<Option<String>, Failure> {
        let Challenge::Bearer { realm, service } = challenge else {
            return Ok(self.basic());
        };
        let answer = match self.auth.identity_token.is_empty() {
            true => self.token_for_password(realm, service).await?,
            false => self.token_for_identity(realm, service).await?,
        };
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST) {
            return Err(self.denied(answer.message()).into());
        }
        let answer = self.judge(answer)?;
        if !answer.status.is_success() {
            return Err(self.unexpected("asking for a token", &answer).into());
        }
        let text = String::from_utf8_lossy(&answer.body);
        let tree = yaml::parse_one(&text).unwrap_or(Tree::Null);
        let token = |key: &str| tree.get(key).and_then(Tree::as_text).filter(|text| !text.is_empty());
        match token("token").or_else(|| token("access_token")) {
            Some(token) => Ok(Some(format!("Bearer {token}"))),
            None => Err(self.unexpected("asking for a token", &answer).into()),
        }
    }

    fn basic(&self) -> Option<String> {
        let RegistryAuth { username, password, .. } = self.auth;
        let packed = STANDARD.encode(format!("{username}:{password}"));
        (!username.is_empty()).then(|| format!("Basic {packed}"))
    }

    async fn token_for_password(&self, realm: &str, service: &str) -> Result<Answer, Failure> {
        let mut query = vec![("service", service.to_owned())];
        query.extend(self.scopes().into_iter().map(|scope| ("scope", scope)));
        let joint = if realm.contains('?') { '&' } else { '?' };
        let ask = Ask::new(Method::GET, format!("{realm}{joint}{}", form(&query)));
        self.site.exchange(&ask, self.basic().as_deref()).await
    }

    async fn token_for_identity(&self, realm: &str, service: &str) -> Result<Answer, Failure> {
        let fields = [
            ("grant_type", "refresh_token".to_owned()),
            ("service", service.to_owned()),
            ("scope", self.scopes().join(" ")),
            ("client_id", "tilt".to_owned()),
            ("refresh_token", self.auth.identity_token.clone()),
        ];
        let mut ask = Ask::new(Method::POST, realm);
        ask.headers.push((CONTENT_TYPE, FORM));
        ask.content = Content::Bytes(form(&fields).into());
        self.site.exchange(&ask, None).await
    }
}

fn form(fields: &[(&str, String)]) -> String {
    let encoded = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    encoded.collect::<Vec<_>>().join("&")
}
