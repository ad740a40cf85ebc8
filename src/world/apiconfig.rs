//! The file that says where running servers are: a kubeconfig with an entry for each, which `kubectl` reads as well.
//!
//! Whatever else the file holds stays. It is replaced as a whole, so a reader sees the old file or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::model::tree::{Map, Tree};
use crate::model::yaml;
use crate::world::clock;
use crate::world::files::{self, FileError};

#[cfg(test)]
mod tests;

/// How to reach one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of its cluster, its user and its context.
    pub name: String,
    pub server: String,
    /// PEM of the authority to trust.
    pub authority: String,
    pub token: String,
}

#[derive(Debug, Error)]
pub enum ApiConfigError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{} is not a kubeconfig: {reason}; mend or remove it", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("{} is still there after {}s; remove it if nothing uses it", path.display(), PATIENCE.as_secs())]
    Locked { path: PathBuf },
}

/// Clients hold the lock for milliseconds: one that is older than this was left behind by a process that died.
const STALE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// `TILT_CONFIG`, else the file in the settings folder.
pub fn place(variable: Option<&str>, settings: &Path) -> PathBuf {
    match variable {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => settings.join("config"),
    }
}

/// The name of the server that belongs to a web port.
pub fn server_name(port: u16) -> String {
    match port {
        10350 => "tilt-default".to_owned(),
        port => format!("tilt-{port}"),
    }
}

/// Adds a server, or replaces the one of its name.
pub async fn add(path: &Path, entry: &Entry) -> Result<(), ApiConfigError> {
    let _lock = Lock::take(path).await?;
    let mut config = read(path)?;
    add_to(&mut config, entry);
    write(path, &config)
}

/// Takes a server out, unless another one has taken its name meanwhile.
pub async fn remove(path: &Path, entry: &Entry) -> Result<(), ApiConfigError> {
    let _lock = Lock::take(path).await?;
    let mut config = read(path)?;
    if find(&config, &entry.name).as_ref() != Some(entry) {
        return Ok(());
    }
    remove_from(&mut config, &entry.name);
    write(path, &config)
}

/// The server of a name, if there is one.
pub fn lookup(path: &Path, name: &str) -> Result<Option<Entry>, ApiConfigError> {
    read(path).map(|config| find(&config, name))
}

// ---- the document ----

/// The lists of a kubeconfig, and what each calls its content.
const LISTS: [(&str, &str); 3] = [("clusters", "cluster"), ("contexts", "context"), ("users", "user")];

fn add_to(config: &mut Map, entry: &Entry) {
    for (key, value) in [("apiVersion", "v1"), ("kind", "Config")] {
        if !config.contains(key) {
            config.insert(key, Tree::text(value));
        }
    }
    let map = |entries: &[(&str, &str)]| {
        let pairs = entries.iter().map(|(key, value)| ((*key).into(), Tree::text(*value)));
        Tree::Map(pairs.collect())
    };
    let authority = STANDARD.encode(&entry.authority);
    let cluster = map(&[("certificate-authority-data", &authority), ("server", &entry.server)]);
    let context = map(&[("cluster", &entry.name), ("user", &entry.name)]);
    let user = map(&[("token", &entry.token)]);
    for ((list, content), value) in LISTS.into_iter().zip([cluster, context, user]) {
        let mut item = Map::new();
        item.push(content, value);
        item.push("name", Tree::text(entry.name.as_str()));
        edit(config, list, |items| {
            items.retain(|item| !is_named(item, &entry.name));
            items.push(Tree::Map(item));
        });
    }
    // Somebody's choice stays, unless it points nowhere.
    let current = config
        .get("current-context")
        .and_then(Tree::as_text)
        .unwrap_or_default();
    let is_known = named(config, "contexts", current).is_some();
    if !is_known {
        config.insert("current-context", Tree::text(entry.name.as_str()));
    }
}

fn remove_from(config: &mut Map, name: &str) {
    for (list, _) in LISTS {
        edit(config, list, |items| items.retain(|item| !is_named(item, name)));
    }
    if config.get("current-context").and_then(Tree::as_text) == Some(name) {
        config.insert("current-context", Tree::text(""));
    }
}

fn find(config: &Map, name: &str) -> Option<Entry> {
    let context = named(config, "contexts", name)?;
    let text = |tree: &Tree, path: &[&str]| tree.at(path).and_then(Tree::as_text).map(str::to_owned);
    let cluster = named(config, "clusters", &text(context, &["context", "cluster"])?)?;
    let user = named(config, "users", &text(context, &["context", "user"])?)?;
    let authority = STANDARD
        .decode(text(cluster, &["cluster", "certificate-authority-data"])?)
        .ok()?;
    Some(Entry {
        name: name.to_owned(),
        server: text(cluster, &["cluster", "server"])?,
        authority: String::from_utf8(authority).ok()?,
        token: text(user, &["user", "token"])?,
    })
}

/// Changes a list of the document, which is there from now on.
fn edit(config: &mut Map, list: &str, change: impl FnOnce(&mut Vec<Tree>)) {
    let mut items = match config.get_mut(list).map(std::mem::take) {
        Some(Tree::List(items)) => items,
        _ => Vec::new(),
    };
    change(&mut items);
    config.insert(list, Tree::List(items));
}

fn named<'a>(config: &'a Map, list: &str, name: &str) -> Option<&'a Tree> {
    let items = config.get(list).and_then(Tree::as_list)?;
    items.iter().find(|item| is_named(item, name))
}

fn is_named(item: &Tree, name: &str) -> bool {
    item.get("name").and_then(Tree::as_text) == Some(name)
}

// ---- the file ----

fn read(path: &Path) -> Result<Map, ApiConfigError> {
    let text = match files::read_text(path) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(Map::new()),
        Err(error) => return Err(error.into()),
    };
    let broken = |reason: String| ApiConfigError::Broken {
        path: path.to_owned(),
        reason,
    };
    match yaml::parse_one(&text).map_err(|error| broken(error.to_string()))? {
        Tree::Map(map) => Ok(map),
        Tree::Null => Ok(Map::new()),
        other => Err(broken(format!("it holds a {}", other.type_name()))),
    }
}

fn write(path: &Path, config: &Map) -> Result<(), ApiConfigError> {
    // A link stays one: what it points at is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("/"));
    let failed = |source| FileError::new("write", &path, source);
    // Only its owner can read such a file.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let text = yaml::emit(&Tree::Map(config.clone()));
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Held until dropped. Kubernetes' clients, upstream's program among them, take the file's being there for the lock; so it
/// must not stay, as the lock files of [`crate::world::lock`] do.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
}

impl Lock {
    async fn take(config: &Path) -> Result<Lock, ApiConfigError> {
        let mut path = config.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(|source| FileError::new("mkdir", folder, source))?;
        let begun = clock::now();
        while clock::now().duration_since(begun) < PATIENCE {
            match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => return Ok(Lock { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(FileError::new("lock", &path, source).into()),
            }
            if is_stale(&path) {
                // Whoever else finds it gone already has done the same.
                let _ = fs::remove_file(&path);
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Err(ApiConfigError::Locked { path })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be removed is stale soon.
        let _ = fs::remove_file(&self.path);
    }
}

fn is_stale(lock: &Path) -> bool {
    let made = fs::metadata(lock).and_then(|metadata| metadata.modified()).ok();
    let age = made.and_then(|made| clock::today().duration_since(made).ok());
    age.is_some_and(|age| age > STALE)
}
