//! Objects of any kind in a cluster: found, read, written, deleted, and waited for until they are gone.
//!
//! Whole objects are trees. Nothing here knows what is in them, or what to do about a refusal; it tells refusals apart.

mod error;
mod gone;
mod kinds;
mod request;

use std::collections::BTreeSet;

use hyper::Method;

pub use error::{Cause, ObjectError, Refusal};
pub use kinds::{Kind, Kinds};
use request::{Call, escaped};

use super::{Cluster, ClusterError};
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// Who fields of objects belong to that we set.
pub const FIELD_MANAGER: &str = "tilt";

/// Where one object is, whether or not it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub kind: Kind,
    /// Empty for what is in no namespace.
    pub namespace: Box<str>,
    pub name: Box<str>,
}

/// How a patch is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch {
    Merge,
    Strategic,
    /// Server-side apply, taking over whatever others have set.
    Apply,
}

/// Which object is meant to be deleted, and what of what it owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deletion<'a> {
    /// Only this incarnation; any where it is empty.
    pub uid: &'a str,
    pub propagation: Propagation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// What it owns goes after it.
    #[default]
    Background,
    /// What it owns goes before it.
    Foreground,
    Orphan,
}

impl Address {
    fn collection(&self) -> String {
        let root = kinds::root(&self.kind.api_version);
        match self.namespace.is_empty() {
            true => format!("{root}/{}", self.kind.plural),
            false => format!("{root}/namespaces/{}/{}", escaped(&self.namespace), self.kind.plural),
        }
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), escaped(&self.name))
    }

    /// Empty for the core group.
    pub fn group(&self) -> &str {
        self.kind.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// `deployment.apps "web"`, as kubectl says it.
    pub fn told(&self) -> String {
        let kind = self.kind.kind.to_lowercase();
        match self.group() {
            "" => format!("{kind} \"{}\"", self.name),
            group => format!("{kind}.{group} \"{}\"", self.name),
        }
    }
}

impl Cluster {
    /// Where objects go that name no namespace.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// What tells this cluster from any other, even one that took its address; nothing where we may not see it.
    pub async fn uid(&self) -> Result<Option<String>, ClusterError> {
        match self.0.tree(Call::get("/api/v1/namespaces/kube-system")).await {
            Ok(tree) => Ok(tree.at(&["metadata", "uid"]).and_then(Tree::as_text).map(str::to_owned)),
            Err(error) if error.is_forbidden() || error.is_not_found() => Ok(None),
            Err(ObjectError::Cluster(error)) => Err(error),
            Err(error) => Err(ClusterError::Refused {
                server: self.0.identity.server.clone(),
                status: error.refusal().map_or(0, |refusal| refusal.status),
                reason: error.to_string(),
            }),
        }
    }

    /// Learns what there is in these versions of groups, all at once; later questions about their kinds cost nothing.
    pub async fn learn_kinds<'a>(&self, api_versions: impl IntoIterator<Item = &'a str>) -> Result<(), ObjectError> {
        self.0
            .learn_kinds(api_versions.into_iter().collect::<BTreeSet<_>>())
            .await
    }

    /// Forgets what there is in a version of a group, because it has changed.
    pub fn forget_kinds(&self, api_version: &str) {
        self.0.kinds.forget(api_version);
    }

    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, ObjectError> {
        self.0.kind(api_version, kind).await
    }

    /// Where an object of this kind is; `namespace` may be empty for that of the context, and counts only where the kind
    /// has namespaces.
    pub async fn address(
        &self,
        (api_version, kind): (&str, &str),
        (namespace, name): (&str, &str),
    ) -> Result<Address, ObjectError> {
        if name.is_empty() {
            return Err(ObjectError::Nameless);
        }
        let kind = self.kind(api_version, kind).await?;
        let namespace = match (kind.is_namespaced, namespace) {
            (false, _) => "",
            (true, "") => self.namespace(),
            (true, given) => given,
        };
        Ok(Address {
            namespace: namespace.into(),
            name: name.into(),
            kind,
        })
    }

    pub async fn get(&self, address: &Address) -> Result<Tree, ObjectError> {
        self.0.tree(Call::get(&address.path())).await
    }

    pub async fn create(&self, address: &Address, object: &Tree) -> Result<Tree, ObjectError> {
        let target = format!("{}?fieldManager={FIELD_MANAGER}", address.collection());
        self.0.tree(with_body(Method::POST, &target, JSON, object)).await
    }

    /// Puts the object in the place of the one that is there, whose resource version it should name.
    pub async fn replace(&self, address: &Address, object: &Tree) -> Result<Tree, ObjectError> {
        let target = format!("{}?fieldManager={FIELD_MANAGER}", address.path());
        self.0.tree(with_body(Method::PUT, &target, JSON, object)).await
    }

    pub async fn patch(&self, address: &Address, (patch, body): (Patch, &Tree)) -> Result<Tree, ObjectError> {
        let force = match patch {
            Patch::Apply => "&force=true",
            Patch::Merge | Patch::Strategic => "",
        };
        let target = format!("{}?fieldManager={FIELD_MANAGER}{force}", address.path());
        let content = match patch {
            Patch::Merge => "application/merge-patch+json",
            Patch::Strategic => "application/strategic-merge-patch+json",
            // JSON is YAML, too.
            Patch::Apply => "application/apply-patch+yaml",
        };
        self.0.tree(with_body(Method::PATCH, &target, content, body)).await
    }

    /// Asks for its deletion; it may take its time, see [`Cluster::gone`].
    pub async fn delete(&self, address: &Address, deletion: Deletion<'_>) -> Result<Tree, ObjectError> {
        let body = options(deletion);
        self.0
            .tree(with_body(Method::DELETE, &address.path(), JSON, &body))
            .await
    }
}

const JSON: &str = "application/json";

fn with_body<'a>(method: Method, target: &'a str, content: &'static str, body: &Tree) -> Call<'a> {
    Call {
        method,
        target,
        body: Some((content, json::compact(body))),
    }
}

fn options(deletion: Deletion<'_>) -> Tree {
    let policy = match deletion.propagation {
        Propagation::Background => "Background",
        Propagation::Foreground => "Foreground",
        Propagation::Orphan => "Orphan",
    };
    let mut options = Map::new();
    options.push("kind", Tree::text("DeleteOptions"));
    options.push("apiVersion", Tree::text("v1"));
    options.push("propagationPolicy", Tree::text(policy));
    if !deletion.uid.is_empty() {
        let uid = ("uid".into(), Tree::text(deletion.uid));
        options.push("preconditions", Tree::Map(Map::from_entries(vec![uid])));
    }
    Tree::Map(options)
}
