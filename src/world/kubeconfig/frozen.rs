//! A kubeconfig that holds one context and nothing else, and does not change under those who use it.
//!
//! What a session was started with stays what it uses, and what its commands find in `KUBECONFIG`, whatever `kubectl config
//! use-context` says meanwhile. Certificates and keys are in it; what is refreshed, tokens' files and credential plugins, is
//! named by its whole path. Readable by its owner only, replaced as a whole, gone when dropped.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Context, File, KubeconfigError, Sources, find, load};
use crate::model::path;
use crate::model::tree::{Map, Tree};
use crate::model::yaml;
use crate::world::dirs::Dirs;
use crate::world::files::FileError;

/// Fields that name files, of clusters and users, and those that hold what is in them.
const FILES: [(&str, &str); 3] = [
    ("certificate-authority", "certificate-authority-data"),
    ("client-certificate", "client-certificate-data"),
    ("client-key", "client-key-data"),
];
/// Files that somebody writes again and again.
const REFRESHED: &str = "tokenFile";

/// The file, while it is there.
#[derive(Debug)]
pub struct Frozen {
    path: PathBuf,
    text: String,
    home: PathBuf,
}

impl Dirs {
    /// Where the kubeconfig of a session is frozen: of the object of this name of the API server of this name.
    pub fn frozen_kubeconfig(&self, server: &str, cluster: &str) -> PathBuf {
        self.runtime.join(server).join("cluster").join(format!("{cluster}.yml"))
    }
}

/// Writes what a context says into a file of its own.
pub fn freeze(sources: &Sources, context: &Context, to: &Path) -> Result<Frozen, KubeconfigError> {
    let text = yaml::emit(&alone(&load(sources)?, context));
    write(to, &text).map_err(|source| KubeconfigError::Unwritable {
        path: to.to_owned(),
        source: FileError::new("write", to, source),
    })?;
    Ok(Frozen {
        path: to.to_owned(),
        text,
        home: sources.home.clone(),
    })
}

impl Frozen {
    /// For `KUBECONFIG`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// To connect from it: with the context that it was made of, which remembers what the file no longer shows.
    pub fn sources(&self) -> Sources {
        Sources {
            variable: Some(self.path.to_string_lossy().into_owned()),
            home: self.home.clone(),
            ..Sources::default()
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // Another session may have put its own there.
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn write(to: &Path, text: &str) -> std::io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Files of this kind are their owner's alone.
    let mut fresh = tempfile::Builder::new().prefix(".tilt-").tempfile_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.persist(to).map_err(|error| error.error)?;
    Ok(())
}

fn alone(files: &[File], context: &Context) -> Tree {
    let mut config = map([
        ("apiVersion", Tree::text("v1")),
        ("kind", Tree::text("Config")),
        ("preferences", Tree::Map(Map::new())),
        ("current-context", Tree::text(context.name.as_str())),
    ]);
    let defined = find(files, "contexts", "context", &context.name);
    config.push(
        "contexts",
        entry(
            "context",
            &context.name,
            defined.map(|(_, of)| in_namespace(of, context)),
        ),
    );
    let cluster = find(files, "clusters", "cluster", &context.cluster);
    let cluster = cluster.map(|(file, cluster)| settled(cluster, file));
    config.push("clusters", entry("cluster", &context.cluster, cluster));
    let user = find(files, "users", "user", &context.user);
    let user = user.map(|(file, user)| with_plugin(settled(user, file), file));
    config.push("users", entry("user", &context.user, user));
    Tree::Map(config)
}

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Map {
    let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
    Map::from_entries(entries.collect())
}

/// A list of one, or of nothing.
fn entry(field: &str, name: &str, content: Option<Tree>) -> Tree {
    let item = content.map(|content| Tree::Map(map([("name", Tree::text(name)), (field, content)])));
    Tree::List(item.into_iter().collect())
}

fn in_namespace(defined: &Tree, context: &Context) -> Tree {
    let mut defined = defined.as_map().cloned().unwrap_or_default();
    defined.insert("namespace", Tree::text(context.namespace.as_str()));
    Tree::Map(defined)
}

/// An entry that needs no file beside it but such as change.
fn settled(entry: &Tree, file: &File) -> Tree {
    let mut entry = entry.as_map().cloned().unwrap_or_default();
    for (named, held) in FILES {
        let Some(path) = named_path(&entry, named, file) else {
            continue;
        };
        // What is held wins over what is named.
        let is_held = entry
            .get(held)
            .and_then(Tree::as_text)
            .is_some_and(|held| !held.is_empty());
        match fs::read(&path) {
            _ if is_held => drop(entry.remove(named)),
            Ok(content) => {
                entry.remove(named);
                entry.insert(held, Tree::text(STANDARD.encode(content)));
            }
            // Whoever connects says what is wrong with it.
            Err(_) => entry.insert(named, Tree::text(path.to_string_lossy())),
        }
    }
    if let Some(path) = named_path(&entry, REFRESHED, file) {
        entry.insert(REFRESHED, Tree::text(path.to_string_lossy()));
    }
    Tree::Map(entry)
}

fn named_path(entry: &Map, field: &str, file: &File) -> Option<PathBuf> {
    let named = entry.get(field)?.as_text().filter(|named| !named.is_empty())?;
    Some(beside(file, named))
}

fn beside(file: &File, named: &str) -> PathBuf {
    let folder = file.path.parent().unwrap_or(Path::new(""));
    path::join(folder, named)
}

/// A plugin's command is a name, to be found in `PATH`, or a path, which may be relative to its kubeconfig.
fn with_plugin(mut user: Tree, file: &File) -> Tree {
    let plugin = user.as_map_mut().and_then(|user| user.get_mut("exec"));
    if let Some(plugin) = plugin.and_then(Tree::as_map_mut)
        && let Some(command) = plugin.get("command").and_then(Tree::as_text)
        && command.contains('/')
    {
        let command = beside(file, command);
        plugin.insert("command", Tree::text(command.to_string_lossy()));
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::kubeconfig::active;
    use std::os::unix::fs::PermissionsExt;

    const CONFIG: &str = "\
current-context: other
contexts:
- {name: dev, context: {cluster: c, user: u, namespace: mine}}
- {name: other, context: {cluster: d, user: v}}
clusters:
- {name: c, cluster: {server: 'https://127.0.0.1:1', certificate-authority: certs/ca.crt, tls-server-name: x}}
- {name: d, cluster: {server: 'https://1.2.3.4'}}
users:
- {name: u, user: {tokenFile: token, client-certificate: missing.crt, client-key-data: QQ==, client-key: k,
    exec: {command: bin/login, args: [a], apiVersion: v1}}}
- {name: v, user: {token: secret}}
";

    struct Desk {
        folder: tempfile::TempDir,
        sources: Sources,
    }

    fn desk() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".kube/certs")).unwrap();
        fs::write(folder.path().join(".kube/config"), CONFIG).unwrap();
        fs::write(folder.path().join(".kube/certs/ca.crt"), "certificate").unwrap();
        let sources = Sources {
            home: folder.path().to_owned(),
            context: Some("dev".to_owned()),
            ..Sources::default()
        };
        Desk { folder, sources }
    }

    impl Desk {
        fn freeze(&self) -> Frozen {
            let context = active(&self.sources).unwrap().unwrap();
            freeze(
                &self.sources,
                &context,
                &self.folder.path().join("run/tilt/cluster/default.yml"),
            )
            .unwrap()
        }

        fn in_kube(&self, name: &str) -> String {
            self.folder.path().join(".kube").join(name).display().to_string()
        }
    }

    #[test]
    fn a_frozen_kubeconfig_holds_one_context_and_what_it_needs() {
        let desk = desk();
        let frozen = desk.freeze();
        let text = fs::read_to_string(frozen.path()).unwrap();
        let config = yaml::parse_one(&text).unwrap();
        let at = |list: &str, path: &[&str]| {
            let items = config.get(list).unwrap().as_list().unwrap();
            assert_eq!(items.len(), 1, "{list}");
            items[0].at(path).and_then(Tree::as_text).map(str::to_owned)
        };
        assert_eq!(config.get("current-context").unwrap().as_text(), Some("dev"));
        assert_eq!(at("contexts", &["context", "namespace"]).as_deref(), Some("mine"));
        assert_eq!(
            at("clusters", &["cluster", "certificate-authority-data"]),
            Some(STANDARD.encode("certificate"))
        );
        assert_eq!(at("clusters", &["cluster", "certificate-authority"]), None);
        assert_eq!(at("clusters", &["cluster", "tls-server-name"]).as_deref(), Some("x"));
        assert_eq!(at("users", &["user", "tokenFile"]), Some(desk.in_kube("token")));
        assert_eq!(
            at("users", &["user", "client-certificate"]),
            Some(desk.in_kube("missing.crt"))
        );
        assert_eq!(at("users", &["user", "client-key-data"]).as_deref(), Some("QQ=="));
        assert_eq!(at("users", &["user", "client-key"]), None);
        assert_eq!(
            at("users", &["user", "exec", "command"]),
            Some(desk.in_kube("bin/login"))
        );
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn it_stays_what_it_was_and_belongs_to_its_owner_until_it_goes() {
        let desk = desk();
        let frozen = desk.freeze();
        let mode = fs::metadata(frozen.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(desk.folder.path().join(".kube/config"), "current-context: other").unwrap();
        let context = active(&frozen.sources()).unwrap().unwrap();
        assert_eq!(
            (context.name.as_str(), context.server.as_str()),
            ("dev", "https://127.0.0.1:1")
        );
        let path = frozen.path().to_owned();
        drop(frozen);
        assert!(!path.exists());
    }

    #[test]
    fn the_namespace_of_the_command_line_is_frozen_too_and_a_later_session_keeps_its_file() {
        let mut desk = desk();
        desk.sources.namespace = Some("theirs".to_owned());
        let first = desk.freeze();
        assert_eq!(active(&first.sources()).unwrap().unwrap().namespace, "theirs");
        desk.sources.namespace = None;
        let second = desk.freeze();
        drop(first);
        assert_eq!(active(&second.sources()).unwrap().unwrap().namespace, "mine");
    }

    #[test]
    fn a_command_from_path_stays_a_name() {
        let desk = desk();
        let bare = CONFIG.replace("bin/login", "login");
        fs::write(desk.folder.path().join(".kube/config"), bare).unwrap();
        let text = fs::read_to_string(desk.freeze().path()).unwrap();
        assert!(text.contains("command: login\n"), "{text}");
    }
}
