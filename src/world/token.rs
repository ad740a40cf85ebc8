//! The token that all sessions of a user's web pages share: made once, kept in the settings folder.

use std::io::{self, Write};
use std::path::Path;

use crate::world::files::{self, FileError};

/// The token of the settings folder. Made if there is none yet.
pub fn read_or_make(settings: &Path) -> Result<String, FileError> {
    let path = settings.join("token");
    match kept(&path)? {
        Some(token) => Ok(token),
        None => make(&path),
    }
}

/// A text that nobody can guess.
pub fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn kept(path: &Path) -> Result<Option<String>, FileError> {
    match files::read_text(path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn make(path: &Path) -> Result<String, FileError> {
    let failed = |source| FileError::new("write", path, source);
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(|source| FileError::new("mkdir", folder, source))?;
    let token = fresh();
    // Only its owner can read such a file.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(token.as_bytes()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(token),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => match kept(path)? {
            // Another instance was faster.
            Some(token) => Ok(token),
            None => error
                .file
                .persist(path)
                .map(|_| token)
                .map_err(|error| failed(error.error)),
        },
        Err(error) => Err(failed(error.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_made_once_and_only_its_owner_can_read_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("below");
        let token = read_or_make(&folder).unwrap();
        assert_eq!(token.len(), 36);
        assert_eq!(read_or_make(&folder).unwrap(), token);
        let mode = std::fs::metadata(folder.join("token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_empty_token_is_replaced_and_another_programs_is_taken() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("token"), "\n").unwrap();
        assert_eq!(read_or_make(root.path()).unwrap().len(), 36);
        std::fs::write(root.path().join("token"), "theirs\n").unwrap();
        assert_eq!(read_or_make(root.path()).unwrap(), "theirs");
    }
}
