//! What a folder holds, name by name, without following links: the step of which every walk of a tree consists.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

/// Names with what the file system tells about them, in the order of names. What vanishes while it is listed is left out.
pub fn list(folder: &Path) -> io::Result<Vec<(OsString, Metadata)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) => found.push((entry.file_name(), metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
