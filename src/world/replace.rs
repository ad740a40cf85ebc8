//! Writing a file so that nobody ever reads half of it.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::world::files::FileError;

/// What the user's umask lets through of it.
const EVERYBODY: u32 = 0o666;
/// How the names of files begin that are being written.
const FRESH: &str = ".tilt-";

/// Writes beside the file and renames: a reader sees what was there before or all that is there now. What is no regular
/// file, such as a terminal or a pipe, is written to as it is.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let failed = |source| FileError::new("write", path, source);
    // A link leads to the file that is meant.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if target.exists() && !target.is_file() {
        return fs::write(&target, content).map_err(failed);
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut fresh = tempfile::Builder::new()
        .prefix(FRESH)
        .permissions(Permissions::from_mode(EVERYBODY))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    fresh.write_all(content).map_err(failed)?;
    fresh.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Removes all files of a folder but those written last. What somebody else removes meanwhile is gone all the same.
pub fn keep_newest(folder: &Path, count: usize) -> Result<(), FileError> {
    let list = || -> std::io::Result<Vec<_>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // Somebody may be about to rename it.
            let is_fresh = entry.file_name().as_encoded_bytes().starts_with(FRESH.as_bytes());
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() && !is_fresh => found.push((metadata.modified()?, entry.path())),
                _ => {}
            }
        }
        Ok(found)
    };
    let mut found = list().map_err(|source| FileError::new("list", folder, source))?;
    found.sort_unstable_by(|a, b| b.cmp(a));
    for (_, path) in found.into_iter().skip(count) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(FileError::new("remove", &path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("report.json");
        replace(&file, b"a longer text").expect("written");
        replace(&file, b"short").expect("written again");
        assert_eq!(fs::read(&file).expect("read"), b"short");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&file, b"old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        replace(&link, b"new").expect("written");
        assert_eq!(fs::read(&file).expect("read"), b"new");
        assert!(link.is_symlink());
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = replace(&folder.path().join("no/report.xml"), b"").expect_err("no such folder");
        assert!(
            error.to_string().ends_with("no/report.xml: no such file or directory"),
            "{error}"
        );
    }
}
