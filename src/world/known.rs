//! Which images an engine has for which inputs: a file an image and key, below a folder for each engine and name of an image.
//!
//! A record is written whole or not at all, so any number of processes may use the folder at once. What is not exactly a record
//! is none. That an image is named here does not say that the engine still has it: whoever asks looks.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::model::digest;
use crate::world::clock::{self, SystemTime};
use crate::world::files::FileError;
use crate::world::replace;

const TITLE: &str = "tilt image 1";
/// Somebody who goes back and forth between branches finds this many states of an image.
const MOST_KEYS: usize = 20;

/// What came of these inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The engine's id of the image.
    pub id: String,
    /// The images that it was made from as they were, by name: ids, or digests in their registry.
    pub bases: Vec<(String, String)>,
    /// Seconds since 1970; set when it is remembered.
    pub when: u64,
}

/// The records below one folder, which need not exist yet.
#[derive(Clone, Debug)]
pub struct KnownImages {
    folder: PathBuf,
}

impl KnownImages {
    pub fn open(folder: impl Into<PathBuf>) -> KnownImages {
        KnownImages { folder: folder.into() }
    }

    pub fn look(&self, engine: &str, image: &str, key: &str) -> Option<Record> {
        let text = fs::read_to_string(self.file(engine, image, key)).ok()?;
        parse(&text, &[engine, image, key])
    }

    pub fn remember(&self, engine: &str, image: &str, key: &str, record: &Record) -> Result<(), FileError> {
        let folder = self.folder(engine, image);
        fs::create_dir_all(&folder).map_err(|source| FileError::new("mkdir", &folder, source))?;
        let age = clock::today().duration_since(SystemTime::UNIX_EPOCH);
        let record = Record {
            when: age.map_or(0, |age| age.as_secs()),
            ..record.clone()
        };
        let text = print(&record, &[engine, image, key]);
        replace::replace(&self.file(engine, image, key), text.as_bytes())?;
        replace::keep_newest(&folder, MOST_KEYS)
    }

    /// To be called where the engine turns out not to have the image any more.
    pub fn forget(&self, engine: &str, image: &str, key: &str) -> Result<(), FileError> {
        let file = self.file(engine, image, key);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::new("remove", &file, error)),
            _ => Ok(()),
        }
    }

    fn folder(&self, engine: &str, image: &str) -> PathBuf {
        self.folder.join(short(&[engine, image]))
    }

    fn file(&self, engine: &str, image: &str, key: &str) -> PathBuf {
        Path::new(&self.folder(engine, image)).join(short(&[key]))
    }
}

/// A name for a file that no text can lead astray.
fn short(texts: &[&str]) -> String {
    let mut name = sum(texts);
    name.truncate(32);
    name
}

fn sum(texts: &[&str]) -> String {
    let mut hasher = digest::Hasher::new();
    texts.iter().for_each(|text| hasher.update_field(text.as_bytes()));
    hasher.finish()
}

/// Lines that begin with what they tell; the last one is a checksum of the others and of what the record is about.
fn print(record: &Record, about: &[&str]) -> String {
    let mut text = format!("{TITLE}\nid {}\nwhen {}\n", record.id, record.when);
    for (name, identity) in &record.bases {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "base {identity} {name}");
    }
    let sum = sum(&[&[text.as_str()], about].concat());
    let _ = writeln!(text, "sum {sum}");
    text
}

fn parse(text: &str, about: &[&str]) -> Option<Record> {
    let (body, last) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let body = format!("{body}\n");
    if last.strip_prefix("sum ")? != sum(&[&[body.as_str()], about].concat()) {
        return None;
    }
    let mut lines = body.lines();
    if lines.next()? != TITLE {
        return None;
    }
    let id = lines.next()?.strip_prefix("id ")?.to_owned();
    let when = lines.next()?.strip_prefix("when ")?.parse().ok()?;
    let base = |line: &str| {
        let (identity, name) = line.strip_prefix("base ")?.split_once(' ')?;
        Some((name.to_owned(), identity.to_owned()))
    };
    let bases = lines.map(base).collect::<Option<_>>()?;
    Some(Record { id, bases, when })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> Record {
        Record {
            id: id.to_owned(),
            bases: vec![("alpine:3".to_owned(), "sha256:aa".to_owned())],
            when: 0,
        }
    }

    fn file(folder: &Path) -> PathBuf {
        let only = |folder: &Path| fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        only(&only(folder))
    }

    #[test]
    fn an_image_is_known_by_engine_name_and_key_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownImages::open(folder.path().join("below/images"));
        assert_eq!(known.look("E", "web", "k1"), None);
        known.remember("E", "web", "k1", &record("sha256:1")).unwrap();
        let again = KnownImages::open(folder.path().join("below/images"));
        let found = again.look("E", "web", "k1").expect("known after a restart");
        assert!(found.when > 1_700_000_000);
        assert_eq!((found.id, found.bases), ("sha256:1".to_owned(), record("").bases));
        for (engine, image, key) in [
            ("F", "web", "k1"),
            ("E", "web2", "k1"),
            ("E", "web", "k2"),
            ("Ew", "eb", "k1"),
        ] {
            assert_eq!(known.look(engine, image, key), None, "{engine} {image} {key}");
        }
        known.forget("E", "web", "k1").unwrap();
        known.forget("E", "web", "k1").expect("nothing to forget");
        assert_eq!(known.look("E", "web", "k1"), None);
    }

    #[test]
    fn a_key_that_is_built_again_stands_for_the_newer_image() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownImages::open(folder.path());
        known.remember("E", "web", "k", &record("sha256:1")).unwrap();
        known.remember("E", "web", "k", &record("sha256:2")).unwrap();
        assert_eq!(known.look("E", "web", "k").unwrap().id, "sha256:2");
    }

    #[test]
    fn a_record_that_is_cut_off_or_altered_anywhere_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownImages::open(folder.path());
        known.remember("E", "web", "k", &record("sha256:1")).unwrap();
        let file = file(folder.path());
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert_eq!(known.look("E", "web", "k"), None, "the first {length} bytes");
            let mut altered = whole.clone();
            altered[length] ^= 1;
            fs::write(&file, altered).unwrap();
            assert_eq!(known.look("E", "web", "k"), None, "byte {length} altered");
        }
    }

    #[test]
    fn a_record_that_lies_under_another_key_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownImages::open(folder.path());
        known.remember("E", "web", "k1", &record("sha256:1")).unwrap();
        let first = file(folder.path());
        fs::copy(&first, first.parent().unwrap().join(short(&["k2"]))).unwrap();
        assert_eq!(known.look("E", "web", "k2"), None);
    }

    #[test]
    fn of_each_image_only_the_newest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownImages::open(folder.path());
        known.remember("E", "other", "k", &record("sha256:1")).unwrap();
        for key in 0..MOST_KEYS + 5 {
            known
                .remember("E", "web", &key.to_string(), &record("sha256:2"))
                .unwrap();
            // Files that are written at once may have the same time.
            let file = known.file("E", "web", &key.to_string());
            let time = SystemTime::UNIX_EPOCH + clock::Duration::from_secs(key as u64);
            fs::File::options()
                .write(true)
                .open(file)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        known.remember("E", "web", "last", &record("sha256:3")).unwrap();
        let has = |key: &str| known.look("E", "web", key).is_some();
        let kept: Vec<usize> = (0..MOST_KEYS + 5).filter(|key| has(&key.to_string())).collect();
        assert!(has("last"));
        assert_eq!(kept, (6..MOST_KEYS + 5).collect::<Vec<_>>());
        assert!(known.look("E", "other", "k").is_some());
    }

    #[test]
    fn two_processes_that_remember_and_look_at_once_never_meet_half_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownImages::open(folder.path());
        known.remember("E", "web", "k", &record("sha256:0")).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let known = &known;
                scope.spawn(move || {
                    for round in 0..50 {
                        let id = format!("sha256:{}", "1".repeat(writer * 40 + round));
                        known.remember("E", "web", "k", &record(&id)).unwrap();
                        assert!(known.look("E", "web", "k").is_some());
                    }
                });
            }
        });
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::write(&taken, "").unwrap();
        let error = KnownImages::open(&taken)
            .remember("E", "web", "k", &record("i"))
            .unwrap_err();
        assert!(error.to_string().starts_with("mkdir "), "{error}");
        assert!(error.to_string().ends_with("not a directory"), "{error}");
    }
}
