//! Pure. A build with Cloud Native Buildpacks, and how its options are written.

mod error;

use std::path::PathBuf;

use crate::model::duration::Duration;

pub use error::OptionError;

/// What `pack()` was asked for. Paths are absolute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackRecipe {
    pub path: PathBuf,
    pub builder: String,
    /// Ids, references, or absolute paths of directories and archives.
    pub buildpacks: Vec<String>,
    pub pre_buildpacks: Vec<String>,
    pub post_buildpacks: Vec<String>,
    pub buildpack_registry: String,
    pub extensions: Vec<String>,
    /// For the buildpacks: `NAME=value`, or `NAME` alone to pass the caller's value through.
    pub env: Vec<String>,
    pub env_files: Vec<PathBuf>,
    /// Added to the caller's environment, from which names without a value are filled: `NAME=value`.
    pub caller_env: Vec<String>,
    pub pull_policy: PullPolicy,
    pub run_image: String,
    pub run_image_mirrors: Vec<String>,
    pub target: PackTarget,
    pub caches: Vec<Cache>,
    pub descriptor: Option<PathBuf>,
    pub default_process: String,
    pub tags: Vec<String>,
    pub network: String,
    pub volumes: Vec<Volume>,
    pub workspace: String,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub user_namespace: UserNamespace,
    pub previous_image: String,
    pub creation_time: CreationTime,
    pub sbom_output_dir: Option<PathBuf>,
    pub report_output_dir: Option<PathBuf>,
    pub platform: String,
    pub exec_env: String,
    pub system_buildpacks: SystemBuildpacks,
    pub deps: Vec<PathBuf>,
    pub output_mode: super::build::OutputMode,
    pub output_tag: String,
    /// The built reference is written there.
    pub outputs_image_ref_to: Option<PathBuf>,
}

/// When builder and run images are fetched again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PullPolicy {
    Always,
    Never,
    #[default]
    IfNotPresent,
    /// When the last look is so many seconds ago.
    Every(u64),
}

/// Where the image goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PackTarget {
    /// As the cluster needs it.
    #[default]
    Auto,
    Daemon,
    Registry,
    Cluster,
}

/// The time that the image says it was made at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreationTime {
    /// The same for every build, so that equal content gives an equal image.
    #[default]
    Fixed,
    Now,
    /// Seconds since 1970.
    At(i64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserNamespace {
    #[default]
    Daemon,
    Host,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemBuildpacks {
    #[default]
    Used,
    Disabled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    pub kind: CacheKind,
    pub place: CachePlace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    Build,
    Launch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CachePlace {
    Volume(String),
    /// A directory of this machine, as written.
    Bind(String),
    Image(String),
}

/// A directory or volume that buildpacks see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// A path, or the name of a volume.
    pub source: String,
    pub target: String,
    pub access: Access,
    /// Other options of a mount, as the engine knows them.
    pub options: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    ReadOnly,
    ReadWrite,
}

/// Checks `NAME=value` or `NAME`.
pub fn check_env(text: &str) -> Result<(), OptionError> {
    let name = text.split('=').next().unwrap_or_default();
    if name.is_empty() {
        return Err(OptionError::Env(text.to_owned()));
    }
    // Buildpacks read variables from files that are named after them.
    let unfit = |c: char| c == '/' || c.is_whitespace() || c.is_control();
    if name.contains(unfit) || name == "." || name == ".." {
        return Err(OptionError::EnvName(name.to_owned()));
    }
    Ok(())
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

impl PullPolicy {
    pub fn parse(text: &str) -> Result<PullPolicy, OptionError> {
        let unknown = || OptionError::PullPolicy(text.to_owned());
        Ok(match text {
            "" | "if-not-present" => PullPolicy::IfNotPresent,
            "always" => PullPolicy::Always,
            "never" => PullPolicy::Never,
            "hourly" => PullPolicy::Every(HOUR),
            "daily" => PullPolicy::Every(DAY),
            "weekly" => PullPolicy::Every(7 * DAY),
            _ => {
                let interval = text.strip_prefix("interval=").ok_or_else(unknown)?;
                PullPolicy::Every(seconds(interval).filter(|seconds| *seconds > 0).ok_or_else(unknown)?)
            }
        })
    }
}

/// `2d`, `5h30m`, `1d12h`.
fn seconds(interval: &str) -> Option<u64> {
    let (days, rest) = match interval.split_once('d') {
        Some((days, rest)) => (days.parse::<u64>().ok()?, rest),
        None => (0, interval),
    };
    let rest = match rest {
        "" if days > 0 => 0,
        rest => Duration::parse(rest).ok()?.to_std()?.as_secs(),
    };
    days.checked_mul(DAY)?.checked_add(rest)
}

impl PackTarget {
    pub fn parse(text: &str) -> Result<PackTarget, OptionError> {
        match text {
            "" | "auto" => Ok(PackTarget::Auto),
            "daemon" => Ok(PackTarget::Daemon),
            "registry" => Ok(PackTarget::Registry),
            "cluster" => Ok(PackTarget::Cluster),
            _ => Err(OptionError::Target(text.to_owned())),
        }
    }
}

impl CreationTime {
    pub fn parse(text: &str) -> Result<CreationTime, OptionError> {
        match text {
            "" => Ok(CreationTime::Fixed),
            "now" => Ok(CreationTime::Now),
            _ => {
                let seconds = text.parse().ok().filter(|seconds| *seconds >= 0);
                let seconds = seconds.ok_or_else(|| OptionError::CreationTime(text.to_owned()))?;
                Ok(CreationTime::At(seconds))
            }
        }
    }
}

/// What a mount may be besides readable or writable.
const MOUNT_OPTIONS: &[&str] = &[
    "z",
    "Z",
    "nocopy",
    "consistent",
    "cached",
    "delegated",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "private",
    "rprivate",
];

/// Directories of the build itself; what is mounted over them may break it.
const DIRECTORIES_OF_THE_BUILD: &[&str] = &["/cnb", "/layers", "/workspace"];

impl Volume {
    pub fn parse(text: &str) -> Result<Volume, OptionError> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts.as_slice() {
            [source, target] => (*source, *target, ""),
            [source, target, options] => (*source, *target, *options),
            _ => return Err(OptionError::Volume(text.to_owned())),
        };
        if source.is_empty() || target.is_empty() {
            return Err(OptionError::Volume(text.to_owned()));
        }
        if !target.starts_with('/') {
            let (volume, target) = (text.to_owned(), target.to_owned());
            return Err(OptionError::VolumeTarget { volume, target });
        }
        let mut volume = Volume {
            source: source.to_owned(),
            target: target.to_owned(),
            access: Access::default(),
            options: Vec::new(),
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => volume.access = Access::ReadOnly,
                "rw" => volume.access = Access::ReadWrite,
                other if MOUNT_OPTIONS.contains(&other) => volume.options.push(other.to_owned()),
                other => {
                    let (volume, option) = (text.to_owned(), other.to_owned());
                    return Err(OptionError::VolumeOption { volume, option });
                }
            }
        }
        Ok(volume)
    }

    /// The directory of the build that this mount hides, if it does.
    pub fn hides(&self) -> Option<&'static str> {
        let within = |dir: &&&str| super::path::is_within(**dir, &self.target);
        DIRECTORIES_OF_THE_BUILD.iter().find(within).copied()
    }
}

impl Cache {
    /// A cache from its kind and its parts: `format`, and `name` or `source`.
    pub fn parse(kind: &str, parts: &[(String, String)]) -> Result<Cache, OptionError> {
        let cache = || kind.to_owned();
        let unknown = parts
            .iter()
            .find(|(part, _)| !["format", "name", "source"].contains(&part.as_str()));
        if let Some((part, _)) = unknown {
            let (cache, part) = (cache(), part.clone());
            return Err(OptionError::CachePart { cache, part });
        }
        let find = |name: &str| {
            parts
                .iter()
                .find(|(part, _)| part == name)
                .map(|(_, value)| value.clone())
        };
        let need = |format, part| {
            let value = find(part).filter(|value| !value.is_empty());
            value.ok_or_else(|| OptionError::CacheNeeds {
                cache: cache(),
                format,
                part,
            })
        };
        let place = match find("format").as_deref() {
            None | Some("volume") => CachePlace::Volume(need("volume", "name")?),
            Some("bind") => CachePlace::Bind(need("bind", "source")?),
            Some("image") => CachePlace::Image(need("image", "name")?),
            Some(format) => {
                let (cache, format) = (cache(), format.to_owned());
                return Err(OptionError::CacheFormat { cache, format });
            }
        };
        Ok(Cache {
            kind: CacheKind::parse(kind)?,
            place,
        })
    }

    /// The parts of a cache as the `pack` command line has them: `format=volume;name=x`.
    pub fn parts(text: &str) -> Vec<(String, String)> {
        let fields = text.split(';').map(str::trim).filter(|field| !field.is_empty());
        fields
            .map(|field| {
                let (part, value) = field.split_once('=').unwrap_or((field, ""));
                (part.trim().to_owned(), value.trim().to_owned())
            })
            .collect()
    }
}

impl CacheKind {
    fn parse(text: &str) -> Result<CacheKind, OptionError> {
        match text {
            "build" => Ok(CacheKind::Build),
            "launch" => Ok(CacheKind::Launch),
            _ => Err(OptionError::CacheKind(text.to_owned())),
        }
    }
}

/// Checks `os/architecture[/variant]`.
pub fn check_platform(text: &str) -> Result<(), OptionError> {
    let parts: Vec<&str> = text.split('/').collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    match (2..=3).contains(&parts.len()) && parts.iter().all(is_word) {
        true => Ok(()),
        false => Err(OptionError::Platform(text.to_owned())),
    }
}

pub fn check_exec_env(text: &str) -> Result<(), OptionError> {
    let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
    if fits {
        Ok(())
    } else {
        Err(OptionError::ExecEnv(text.to_owned()))
    }
}

/// A user's or group's number.
pub fn id(number: i64) -> Result<u32, OptionError> {
    u32::try_from(number).map_err(|_| OptionError::Id(number))
}

#[cfg(test)]
mod tests;
