//! Reading files and listing folders, with errors worded as published Tiltfiles and their tests expect them:
//! `open PATH: no such file or directory`, `read PATH: is a directory`.
//!
//! Never watches, never caches: whoever wants a file once per evaluation keeps what it read.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::time::Time;

/// A file operation that failed. The text is complete: operation, path and reason. It can be copied because whoever
/// reads a file once keeps the failure as well as the content.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{operation} {}: {reason}", path.display())]
pub struct FileError {
    pub operation: &'static str,
    pub path: PathBuf,
    pub kind: io::ErrorKind,
    pub reason: String,
}

impl FileError {
    pub fn new(operation: &'static str, path: &Path, source: io::Error) -> FileError {
        FileError {
            operation,
            path: path.to_owned(),
            kind: source.kind(),
            reason: reason(&source),
        }
    }

    /// Nothing is there; callers with a default value use it then, and only then.
    pub fn is_missing(&self) -> bool {
        self.kind == io::ErrorKind::NotFound
    }
}

/// Larger files are not what anybody configures something with.
const MAX_BYTES: u64 = 128 << 20;
/// The one device that holds no surprise.
const NOTHING: &str = "/dev/null";

/// How far a listing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The folder's own files.
    Folder,
    /// The files of the folder and of every folder below it.
    Tree,
}

/// The operating system's words for an error, in lower case and without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

/// Reads a file. A pipe, a terminal or another device is refused: reading one may wait for ever, or never come to an end.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = |operation, source| FileError::new(operation, path, source);
    let kind = fs::metadata(path).map_err(|source| failed("open", source))?.file_type();
    if !kind.is_file() && !kind.is_dir() && path != Path::new(NOTHING) {
        return Err(failed(
            "open",
            io::Error::new(io::ErrorKind::Unsupported, "not a regular file"),
        ));
    }
    let file = fs::File::open(path).map_err(|source| failed("open", source))?;
    let mut content = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(|source| failed("read", source))?;
    if content.len() as u64 > MAX_BYTES {
        let why = format!("file is larger than {} MiB", MAX_BYTES >> 20);
        return Err(failed("read", io::Error::new(io::ErrorKind::FileTooLarge, why)));
    }
    Ok(content)
}

/// Reads text; bytes that are not UTF-8 are an error naming the place of the first one, never silently replaced.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read(path)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let source = io::Error::new(io::ErrorKind::InvalidData, format!("not UTF-8 at byte {place}"));
        FileError::new("read", path, source)
    })
}

/// Removes a file, or a link.
pub fn remove(path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(|source| FileError::new("remove", path, source))
}

/// Whether something is there. A dangling link is nothing.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// When a file's content or its attributes changed last; nothing if that cannot be known.
pub fn written(path: &Path) -> Option<Time> {
    let found = fs::symlink_metadata(path).ok()?;
    let micros = found
        .ctime()
        .checked_mul(1_000_000)?
        .checked_add(found.ctime_nsec() / 1000)?;
    Some(Time::from_micros(micros))
}

/// What tells a file or folder from another one that takes its place; nothing if there is none.
pub fn identity(path: &Path) -> Option<u64> {
    Some(fs::symlink_metadata(path).ok()?.ino())
}

pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Whether a path is a symbolic link, wherever it leads.
pub fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

pub fn is_regular(path: &Path) -> bool {
    path.is_file()
}

/// The path with every symbolic link resolved.
pub fn canonical(path: &Path) -> Result<PathBuf, FileError> {
    fs::canonicalize(path).map_err(|source| FileError::new("lstat", path, source))
}

/// The files in a folder, walked in the order of their names: a sub-folder's files stand where its name stands. A link
/// to a folder counts as a file and is not followed, so a cycle of links cannot trap the walk.
pub fn list(folder: &Path, depth: Depth) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    walk(folder, depth, &mut found)?;
    Ok(found)
}

/// Everything that is right in a folder, folders too, in the order of names.
pub fn children(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    Ok(entries(folder)?.into_iter().map(|(path, _)| path).collect())
}

fn walk(folder: &Path, depth: Depth, found: &mut Vec<PathBuf>) -> Result<(), FileError> {
    for (path, kind) in entries(folder)? {
        match (kind.is_dir(), depth) {
            (false, _) => found.push(path),
            (true, Depth::Tree) => walk(&path, depth, found)?,
            (true, Depth::Folder) => {}
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, FileError> {
    let refused = |source| FileError::new("open", folder, source);
    let mut entries = fs::read_dir(folder)
        .map_err(refused)?
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|source| FileError::new("readdir", folder, source))?;
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn message<T>(result: Result<T, FileError>) -> String {
        result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_else(|| "no error".to_owned())
    }

    #[test]
    fn a_missing_file_is_named_with_the_operation_that_failed() {
        let error = read(Path::new("/no/such/file")).unwrap_err();
        assert_eq!(error.to_string(), "open /no/such/file: no such file or directory");
        assert!(error.is_missing());
    }

    #[test]
    fn what_never_ends_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("f");
        fs::File::create(&file).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let socket = root.path().join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let table = [
            (
                file.as_path(),
                format!("read {}: file is larger than 128 MiB", file.display()),
            ),
            (
                socket.as_path(),
                format!("open {}: not a regular file", socket.display()),
            ),
            (Path::new("/dev/zero"), "open /dev/zero: not a regular file".to_owned()),
        ];
        for (path, expected) in table {
            assert_eq!(message(read(path)), expected);
        }
        assert_eq!(read(Path::new(NOTHING)), Ok(Vec::new()));
    }

    #[test]
    fn a_folder_opens_but_does_not_read() {
        let root = tempfile::tempdir().unwrap();
        let error = read(root.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("read {}: is a directory", root.path().display())
        );
        assert!(!error.is_missing());
    }

    #[test]
    fn a_file_used_as_a_folder_is_said_to_be_one() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("f"), "x").unwrap();
        assert!(message(read(&root.path().join("f/g"))).ends_with("/f/g: not a directory"));
        assert!(message(list(&root.path().join("f"), Depth::Folder)).ends_with("/f: not a directory"));
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused_with_its_place() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("f");
        fs::write(&file, b"ab\xff").unwrap();
        assert_eq!(
            message(read_text(&file)),
            format!("read {}: not UTF-8 at byte 2", file.display())
        );
    }

    #[test]
    fn a_listing_walks_by_name_and_does_not_follow_links() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a", "a/deep", "empty"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        for file in ["a.txt", "a/2", "a/10", "a/deep/x", "Z"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        symlink(root.path(), root.path().join("loop")).unwrap();
        let names = |depth| -> Vec<String> {
            let strip = |path: PathBuf| path.strip_prefix(root.path()).unwrap().display().to_string();
            list(root.path(), depth).unwrap().into_iter().map(strip).collect()
        };
        assert_eq!(names(Depth::Folder), ["Z", "a.txt", "loop"]);
        assert_eq!(names(Depth::Tree), ["Z", "a/10", "a/2", "a/deep/x", "a.txt", "loop"]);
    }

    #[test]
    fn a_dangling_link_does_not_exist() {
        let root = tempfile::tempdir().unwrap();
        symlink("/no/such/file", root.path().join("l")).unwrap();
        assert!(!exists(&root.path().join("l")));
        assert!(message(canonical(&root.path().join("l"))).starts_with("lstat "));
    }
}
