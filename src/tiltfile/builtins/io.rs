//! Files and folders.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::run::Run;
use crate::world::files::{self, Depth, FileError};

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "read_file",
        params: &[
            Param::required("paths", "str").or("file_path"),
            Param::nullable("default", "str", "None"),
        ],
        rest: Rest::Refused,
        returns: "Blob",
        doc: "A file's text, or `default` where there is no such file. A change of the file evaluates the Tiltfile again.",
        body: read_file,
    },
    Builtin {
        name: "watch_file",
        params: &[Param::required("paths", "str").or("file_path")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Evaluates the Tiltfile again whenever this file, or anything in this folder, changes.",
        body: watch_file,
    },
    Builtin {
        name: "listdir",
        params: &[
            Param::required("dir", "str").or("directory"),
            Param::optional("recursive", "bool", "False"),
        ],
        rest: Rest::Refused,
        returns: "list[str]",
        doc: "The absolute paths of the files in a folder, sorted. With `recursive`, also those in the folders below it, and a change in any of them evaluates the Tiltfile again.",
        body: listdir,
    },
    Builtin {
        name: "blob",
        params: &[Param::required("input", "str").or("contents")],
        rest: Rest::Refused,
        returns: "Blob",
        doc: "Text that stands for a file's content: where a string would be taken for a path, such as in `k8s_yaml`, a Blob is the content itself.",
        body: blob,
    },
];

fn read_file<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let path = call.path("paths")?.unwrap_or_default();
    let default = call.string("default")?;
    let text = match (call.run.host.read(&path), default) {
        (Err(error), Some(default)) if error.is_missing() => default,
        (bytes, _) => text_of(call.run, &bytes.map_err(Fault::said)?, &path.display().to_string()),
    };
    Ok(call.blob(text, format!("file: {}", path.display())))
}

/// Bytes as text. Tiltfiles know no other strings than Unicode, so what is none is replaced, and that is said.
pub fn text_of(run: &Run, bytes: &[u8], source: &str) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let place = error.valid_up_to();
            run.warn(format!(
                "{source} is not UTF-8 text (byte {place}): what cannot be read is replaced by \u{fffd}"
            ));
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

fn watch_file<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let path = call.path("paths")?.unwrap_or_default();
    call.run.host.watch(&path);
    call.none()
}

fn listdir<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let folder = call.path("dir")?.unwrap_or_default();
    let mut depth = Depth::Folder;
    if call.flag("recursive", Flag::Off)? {
        depth = Depth::Tree;
        // A folder is always watched with everything below it, which is more than a plain listing depends on.
        call.run.host.watch(&folder);
    }
    let files = list(&folder, depth).map_err(Fault::said)?;
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Ok(call.alloc(names))
}

/// What is no folder holds no files, as published Tiltfiles expect.
fn list(folder: &Path, depth: Depth) -> Result<Vec<PathBuf>, FileError> {
    match files::list(folder, depth) {
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        listed => listed,
    }
}

fn blob<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let text = call.string("input")?.unwrap_or_default();
    Ok(call.blob(text, "Tiltfile blob() call"))
}

#[cfg(test)]
mod tests;
