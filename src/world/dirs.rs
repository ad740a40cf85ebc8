//! Where things live on this machine: the settings folder and the XDG folders.
//!
//! The environment comes in as a function, so that a test or a second instance can have its own.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// The name of our folder below each XDG base folder.
const APP: &str = "tilt-dev";

/// Variables that name the settings folder outright; the first one that is set wins.
const SETTINGS_VARIABLES: [&str; 3] = ["TILT_DEV_DIR", "WMDAEMON_HOME", "WINDMILL_DIR"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    pub home: PathBuf,
    /// Settings shared by all instances: the list of running ones, the web token.
    pub settings: PathBuf,
    pub data: PathBuf,
    pub cache: PathBuf,
    pub state: PathBuf,
    /// For files that should not outlive the login session; the state folder where the system has none.
    pub runtime: PathBuf,
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DirsError {
    #[error("no home directory: `HOME` is not set")]
    NoHome,
}

impl Dirs {
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Dirs, DirsError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = set("HOME").ok_or(DirsError::NoHome)?;
        // A relative base folder would depend on where we happen to run; the XDG rules say to ignore it.
        let xdg = |name: &str| set(name).filter(|path| path.is_absolute());
        let below = |name: &str, default: &str| xdg(name).unwrap_or_else(|| home.join(default)).join(APP);
        let state = below("XDG_STATE_HOME", ".local/state");
        Ok(Dirs {
            settings: SETTINGS_VARIABLES
                .iter()
                .find_map(|name| set(name))
                .unwrap_or_else(|| default_settings(&home)),
            data: below("XDG_DATA_HOME", ".local/share"),
            cache: below("XDG_CACHE_HOME", ".cache"),
            runtime: xdg("XDG_RUNTIME_DIR").map_or_else(|| state.clone(), |base| base.join(APP)),
            state,
            home,
        })
    }

    /// Checkouts of extension repositories. Extensions look for a folder of exactly this name above themselves.
    pub fn extension_checkouts(&self) -> PathBuf {
        self.data.join("tilt_modules")
    }

    /// What is learnt of image builds: hashes of files, images of inputs. One for every command, so that they share it.
    pub fn images(&self) -> PathBuf {
        self.cache.join("images")
    }
}

fn default_settings(home: &Path) -> PathBuf {
    let old = home.join(".windmill");
    if old.exists() { old } else { home.join(".tilt-dev") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(variables: &[(&str, &str)]) -> Result<Dirs, DirsError> {
        Dirs::from_env(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn everything_lives_below_home_by_default() {
        let dirs = dirs(&[("HOME", "/h")]).unwrap();
        assert_eq!(dirs.settings, Path::new("/h/.tilt-dev"));
        assert_eq!(dirs.data, Path::new("/h/.local/share/tilt-dev"));
        assert_eq!(dirs.cache, Path::new("/h/.cache/tilt-dev"));
        assert_eq!(dirs.state, Path::new("/h/.local/state/tilt-dev"));
        assert_eq!(dirs.runtime, dirs.state);
        assert_eq!(
            dirs.extension_checkouts(),
            Path::new("/h/.local/share/tilt-dev/tilt_modules")
        );
    }

    #[test]
    fn the_first_settings_variable_that_is_set_wins() {
        let chosen = |variables: &[(&str, &str)]| dirs(variables).unwrap().settings;
        assert_eq!(chosen(&[("HOME", "/h"), ("WINDMILL_DIR", "/c")]), Path::new("/c"));
        assert_eq!(
            chosen(&[("HOME", "/h"), ("WINDMILL_DIR", "/c"), ("WMDAEMON_HOME", "/b")]),
            Path::new("/b")
        );
        assert_eq!(
            chosen(&[("HOME", "/h"), ("WMDAEMON_HOME", "/b"), ("TILT_DEV_DIR", "/a")]),
            Path::new("/a")
        );
        assert_eq!(
            chosen(&[("HOME", "/h"), ("TILT_DEV_DIR", "")]),
            Path::new("/h/.tilt-dev")
        );
    }

    #[test]
    fn an_old_settings_folder_stays_in_use() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".windmill")).unwrap();
        let chosen = dirs(&[("HOME", home.path().to_str().unwrap())]).unwrap().settings;
        assert_eq!(chosen, home.path().join(".windmill"));
    }

    #[test]
    fn xdg_variables_move_their_folder_unless_they_are_relative() {
        let moved = dirs(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d"), ("XDG_RUNTIME_DIR", "/r")]).unwrap();
        assert_eq!(
            (moved.data, moved.runtime),
            (PathBuf::from("/d/tilt-dev"), PathBuf::from("/r/tilt-dev"))
        );
        let relative = dirs(&[("HOME", "/h"), ("XDG_CACHE_HOME", "c")]).unwrap();
        assert_eq!(relative.cache, Path::new("/h/.cache/tilt-dev"));
    }

    #[test]
    fn no_home_is_an_error() {
        assert_eq!(dirs(&[]), Err(DirsError::NoHome));
    }
}
