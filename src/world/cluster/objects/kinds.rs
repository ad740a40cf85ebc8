//! Which resource a kind is: asked of the cluster once for each group and version that is needed, never for all there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::ObjectError;
use super::request::Call;
use crate::model::tree::Tree;
use crate::world::cluster::Inner;

/// A kind, and where its objects are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    pub api_version: Box<str>,
    pub kind: Box<str>,
    /// As paths name it: `deployments`.
    pub plural: Box<str>,
    pub is_namespaced: bool,
}

/// What is known so far. The lock is for copies of one `Cluster` and held for look-ups only, never while asking.
#[derive(Default)]
pub struct Kinds(Mutex<BTreeMap<Box<str>, Arc<Vec<Kind>>>>);

impl Kinds {
    fn known(&self, api_version: &str) -> Option<Arc<Vec<Kind>>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(api_version).cloned()
    }

    fn learn(&self, api_version: &str, kinds: Vec<Kind>) -> Arc<Vec<Kind>> {
        let kinds = Arc::new(kinds);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(api_version.into(), kinds.clone());
        kinds
    }

    pub fn forget(&self, api_version: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(api_version);
    }
}

impl Inner {
    /// Asks for all of these that are not known, at once. That there is no such group is an answer, too.
    pub(super) async fn learn_kinds(&self, api_versions: BTreeSet<&str>) -> Result<(), ObjectError> {
        let unknown = api_versions
            .into_iter()
            .filter(|version| self.kinds.known(version).is_none());
        let asked = unknown.map(|version| self.ask_kinds(version));
        let answers = futures_util::future::join_all(asked).await;
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }

    /// A kind that is not known may just have come, so it is asked for once more.
    pub(super) async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, ObjectError> {
        let find = |kinds: Arc<Vec<Kind>>| kinds.iter().find(|known| *known.kind == *kind).cloned();
        if let Some(found) = self.kinds.known(api_version).and_then(find) {
            return Ok(found);
        }
        find(self.ask_kinds(api_version).await?).ok_or_else(|| ObjectError::UnknownKind {
            api_version: api_version.into(),
            kind: kind.into(),
        })
    }

    async fn ask_kinds(&self, api_version: &str) -> Result<Arc<Vec<Kind>>, ObjectError> {
        let answer = self.tree(Call::get(&root(api_version))).await;
        let kinds = match answer {
            Ok(tree) => read(api_version, &tree),
            Err(error) if error.is_not_found() => return Ok(Arc::default()),
            Err(error) => return Err(error),
        };
        Ok(self.kinds.learn(api_version, kinds))
    }
}

pub fn root(api_version: &str) -> String {
    match api_version.contains('/') {
        true => format!("/apis/{api_version}"),
        false => format!("/api/{api_version}"),
    }
}

fn read(api_version: &str, tree: &Tree) -> Vec<Kind> {
    let resources = tree.get("resources").and_then(Tree::as_list).unwrap_or_default();
    let kind = |resource: &Tree| {
        let plural = resource.get("name")?.as_text()?;
        // What has a slash is a part of another resource: `deployments/scale`.
        (!plural.contains('/')).then_some(())?;
        Some(Kind {
            api_version: api_version.into(),
            kind: resource.get("kind")?.as_text()?.into(),
            plural: plural.into(),
            is_namespaced: resource.get("namespaced") == Some(&Tree::Bool(true)),
        })
    };
    resources.iter().filter_map(kind).collect()
}
