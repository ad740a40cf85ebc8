//! This machine: its system, what large projects run into on it, and where things are kept.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::Section;
use crate::world::dirs::Dirs;
use crate::world::files;

/// With less, watching a project of a few repositories ends in errors.
const ENOUGH_WATCHES: u64 = 65_536;
const ENOUGH_INSTANCES: u64 = 128;
const ENOUGH_FILES: u64 = 4_096;

pub fn system() -> String {
    let release = kernel("kernel/osrelease");
    let release = release
        .map(|release| format!(" (kernel {release})"))
        .unwrap_or_default();
    format!("{}-{}{release}", std::env::consts::OS, std::env::consts::ARCH)
}

pub fn limits() -> Section {
    let files = getrlimit(Resource::Nofile);
    let hard = files.maximum;
    let open_files = match (files.current, hard) {
        (None, _) => "unlimited".to_owned(),
        (Some(now), None) => format!("{now}, may be raised without limit"),
        // We raise it ourselves, as far as it may be.
        (Some(now), Some(most)) => format!("{now}, may be raised to {}", judged(most, ENOUGH_FILES, "ulimit -Hn")),
    };
    Section {
        title: "Limits",
        lines: vec![
            ("Open files", open_files),
            ("File watches", inotify("max_user_watches", ENOUGH_WATCHES)),
            ("File watchers", inotify("max_user_instances", ENOUGH_INSTANCES)),
        ],
    }
}

fn inotify(name: &str, enough: u64) -> String {
    let limit = kernel(&format!("fs/inotify/{name}")).and_then(|text| text.parse().ok());
    match limit {
        Some(limit) => judged(limit, enough, &format!("sysctl fs.inotify.{name}")),
        None => "unknown".to_owned(),
    }
}

fn judged(limit: u64, enough: u64, setting: &str) -> String {
    match limit < enough {
        true => format!("{limit} (low: large projects need {enough} or more; see `{setting}`)"),
        false => limit.to_string(),
    }
}

fn kernel(name: &str) -> Option<String> {
    let text = files::read_text(&Path::new("/proc/sys").join(name)).ok()?;
    Some(text.trim().to_owned())
}

pub fn folders(dirs: &Dirs) -> Section {
    let shown = |path: &Path| match path.exists() {
        true => path.display().to_string(),
        false => format!("{} (not there yet)", path.display()),
    };
    Section {
        title: "Folders",
        lines: vec![
            ("Settings", shown(&dirs.settings)),
            ("Data", shown(&dirs.data)),
            ("Cache", shown(&dirs.cache)),
            ("State", shown(&dirs.state)),
        ],
    }
}
