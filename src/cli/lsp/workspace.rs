//! The documents that a client has open, and the files around them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsp_types::{TextDocumentContentChangeEvent, Uri};

use crate::cli::lsp::place::{Encoding, Lines};
use crate::cli::lsp::{Extensions, uri};
use crate::tiltfile::analysis::{Document, FolderEntry, Surroundings};
use crate::tiltfile::bundled;
use crate::world::{extensions, files};

pub struct Workspace {
    open: HashMap<String, Open>,
    extensions: Extensions,
}

/// A document as the client has it.
pub struct Open {
    pub uri: Uri,
    pub version: i32,
    pub document: Document,
    path: Option<PathBuf>,
}

impl Workspace {
    pub fn new(extensions: Extensions) -> Workspace {
        Workspace {
            open: HashMap::new(),
            extensions,
        }
    }

    pub fn put(&mut self, uri: Uri, version: i32, text: String) {
        let path = uri::to_path(&uri);
        let document = Document::new(path.clone(), text);
        self.open.insert(
            uri.as_str().to_owned(),
            Open {
                uri,
                version,
                document,
                path,
            },
        );
    }

    /// Applies changes to an open document, each to the outcome of the one before.
    pub fn change(&mut self, uri: Uri, version: i32, changes: Vec<TextDocumentContentChangeEvent>, encoding: Encoding) {
        let mut text = self
            .get(&uri)
            .map(|open| open.document.text().to_owned())
            .unwrap_or_default();
        for change in changes {
            match change.range {
                None => text = change.text,
                Some(range) => {
                    let lines = Lines::new(&text, encoding);
                    let (start, end) = (lines.offset(range.start), lines.offset(range.end));
                    text.replace_range(start.min(end)..end, &change.text);
                }
            }
        }
        self.put(uri, version, text);
    }

    pub fn close(&mut self, uri: &Uri) {
        self.open.remove(uri.as_str());
    }

    pub fn get(&self, uri: &Uri) -> Option<&Open> {
        self.open.get(uri.as_str())
    }

    pub fn all(&self) -> impl Iterator<Item = &Open> {
        self.open.values()
    }
}

impl Surroundings for Workspace {
    fn text(&self, file: &Path) -> Option<String> {
        let open = self.open.values().find(|open| open.path.as_deref() == Some(file));
        match open {
            Some(open) => Some(open.document.text().to_owned()),
            None => files::read(file)
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        files::exists(path) || self.open.values().any(|open| open.path.as_deref() == Some(path))
    }

    fn entries(&self, folder: &Path) -> Vec<FolderEntry> {
        // A folder that cannot be read has nothing to offer; that is no mistake of the document's.
        let paths = files::children(folder).unwrap_or_default().into_iter();
        let entry = |path: PathBuf| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some(FolderEntry {
                name,
                is_folder: files::is_folder(&path),
            })
        };
        paths.filter_map(entry).collect()
    }

    fn extensions(&self) -> Vec<String> {
        let fetched = self.checkout().map(|folder| self.entries(&folder)).unwrap_or_default();
        let has_tiltfile = |name: &String| self.fetched(name).is_some();
        let fetched = fetched.into_iter().map(|entry| entry.name).filter(has_tiltfile);
        let mut names: Vec<String> = bundled::names().map(str::to_owned).chain(fetched).collect();
        names.sort();
        names.dedup();
        names
    }

    fn extension(&self, name: &str) -> Option<PathBuf> {
        let Some(content) = bundled::contents(name) else {
            return self.fetched(name);
        };
        // As for a load: an editor can open only what is a file.
        let unpacked = extensions::materialise(name, &content, self.extensions.folder.as_deref()?);
        unpacked.map(|folder| folder.join("Tiltfile")).ok()
    }
}

impl Workspace {
    /// Upstream's extensions, where an evaluation has fetched them.
    fn checkout(&self) -> Option<PathBuf> {
        Some(
            self.extensions
                .folder
                .as_ref()?
                .join("github.com/tilt-dev/tilt-extensions"),
        )
    }

    fn fetched(&self, name: &str) -> Option<PathBuf> {
        let file = self.checkout()?.join(name).join("Tiltfile");
        files::is_regular(&file).then_some(file)
    }
}
