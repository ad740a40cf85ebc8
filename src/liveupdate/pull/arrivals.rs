//! What came here from containers, which one each came from, and whether it still is as it came.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::liveupdate::plan::Copied;
use crate::liveupdate::pull::course::{Hash, hash};
use crate::world::files;

/// What came here from containers, as it came: bringing it to other containers is nobody's edit.
#[derive(Debug, Default)]
pub struct Arrivals {
    known: Mutex<HashMap<PathBuf, Arrival>>,
    /// Whoever holds it is the only one who writes here what comes from containers.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Arrival {
    /// Nothing for a folder that was made for what is in it.
    content: Option<Hash>,
    mode: u32,
    /// The id of the container.
    from: Arc<str>,
}

impl Arrival {
    /// As it is now, if there is anything.
    fn now(local: &Path, content: Option<Hash>, from: Arc<str>) -> Option<Arrival> {
        let found = std::fs::symlink_metadata(local).ok()?;
        (found.is_dir() == content.is_none()).then(|| Arrival {
            content,
            mode: found.permissions().mode(),
            from,
        })
    }

    fn is_still(&self, local: &Path) -> bool {
        Arrival::now(local, self.content, Arc::clone(&self.from)).as_ref() == Some(self)
            && self.content.is_none_or(|content| hash(local) == Ok(Some(content)))
    }
}

impl Arrivals {
    /// Two containers must not write the same file at the same time.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// To be told in one's turn. Blocks.
    pub(super) fn came(&self, from: &str, local: &Path, content: Hash, folders: &[PathBuf]) {
        let from: Arc<str> = from.into();
        let file = (local, Some(content));
        let folders = folders.iter().map(|folder| (folder.as_path(), None));
        for (local, content) in folders.chain([file]) {
            if let Some(arrival) = Arrival::now(local, content, Arc::clone(&from)) {
                self.known().insert(local.to_owned(), arrival);
            }
        }
    }

    /// Which container each of these came from, for those that came from one and are as they came. Once one is not, it is what
    /// somebody made of it, whatever becomes of it.
    pub async fn origins(&self, copies: &[Copied]) -> Vec<Option<Arc<str>>> {
        let _turn = self.turn().await;
        let known: Vec<Option<(PathBuf, Arrival)>> = {
            let known = self.known();
            let of = |copied: &Copied| Some((copied.local.clone(), known.get(&copied.local)?.clone()));
            copies.iter().map(of).collect()
        };
        if known.iter().all(Option::is_none) {
            return vec![None; copies.len()];
        }
        let look = move || {
            let look = |(local, arrival): (PathBuf, Arrival)| match arrival.is_still(&local) {
                true => Ok(arrival.from),
                false => Err(local),
            };
            known.into_iter().map(|known| known.map(look)).collect::<Vec<_>>()
        };
        let looked = tokio::task::spawn_blocking(look).await.expect("looking does not panic");
        let mut known = self.known();
        let origin = |looked: Option<Result<Arc<str>, PathBuf>>| match looked? {
            Ok(from) => Some(from),
            Err(local) => {
                known.remove(&local);
                None
            }
        };
        looked.into_iter().map(origin).collect()
    }

    pub(super) fn forget(&self, local: &Path) {
        self.known().remove(local);
    }

    /// A container gets all that is here, whatever it had.
    pub fn forget_from(&self, container: &str) {
        self.known().retain(|_, arrival| *arrival.from != *container);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, Arrival>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folders between the two that are not there yet.
pub(super) fn missing(folder: &Path, local: &Path) -> Vec<PathBuf> {
    let between = local.ancestors().skip(1).take_while(|parent| *parent != folder);
    between
        .take_while(|parent| !files::exists(parent))
        .map(Path::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::liveupdate::pull::course::of;

    /// Files that came from container `one`.
    struct Scene {
        folder: tempfile::TempDir,
        arrivals: Arrivals,
    }

    impl Scene {
        fn new() -> Scene {
            Scene {
                folder: tempfile::tempdir().unwrap(),
                arrivals: Arrivals::default(),
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.path(name), text).unwrap();
        }

        fn came(&self, name: &str) {
            let local = self.path(name);
            let folders = missing(self.folder.path(), &local);
            std::fs::create_dir_all(local.parent().unwrap()).unwrap();
            self.write(name, "came");
            self.arrivals.came("one", &local, of(b"came"), &folders);
        }

        /// For each whether it came from a container.
        async fn came_as(&self, names: &[&str]) -> Vec<bool> {
            let copied = |name: &&str| Copied {
                local: self.path(name),
                ..Copied::default()
            };
            let copies: Vec<Copied> = names.iter().map(copied).collect();
            let origins = self.arrivals.origins(&copies).await;
            origins.into_iter().map(|from| from.as_deref() == Some("one")).collect()
        }
    }

    #[tokio::test]
    async fn what_came_from_a_container_is_known_until_somebody_edits_it() {
        let scene = Scene::new();
        scene.came("a.lock");
        scene.write("other", "came");
        assert_eq!(scene.came_as(&["a.lock", "other"]).await, [true, false]);
        // From then on it is theirs, whatever it is.
        scene.write("a.lock", "edited");
        assert_eq!(scene.came_as(&["a.lock"]).await, [false]);
        scene.write("a.lock", "came");
        assert_eq!(scene.came_as(&["a.lock"]).await, [false]);
        scene.came("a.lock");
        assert_eq!(scene.came_as(&["a.lock"]).await, [true]);
        std::fs::set_permissions(scene.path("a.lock"), PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(scene.came_as(&["a.lock"]).await, [false]);
        scene.came("b.lock");
        std::fs::remove_file(scene.path("b.lock")).unwrap();
        assert_eq!(scene.came_as(&["b.lock"]).await, [false]);
        scene.came("c.lock");
        scene.arrivals.forget_from("one");
        assert_eq!(scene.came_as(&["c.lock"]).await, [false]);
    }

    #[tokio::test]
    async fn folders_that_are_made_for_a_file_came_with_it() {
        let scene = Scene::new();
        std::fs::create_dir(scene.path("mine")).unwrap();
        scene.came("one/two/deep");
        scene.came("mine/deep");
        let names = ["one", "one/two", "one/two/deep", "mine", "mine/deep"];
        assert_eq!(scene.came_as(&names).await, [true, true, true, false, true]);
    }
}
