//! Pure. What is wrong with an option of `pack()`, and what would be right.

use thiserror::Error;

use crate::model::quote::quoted;

/// Why an option makes no sense, with what would.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionError {
    #[error("{} is no environment variable: write `NAME=value`, or `NAME` alone to pass on the value that tilt was started with", quoted(.0))]
    Env(String),
    #[error("{} is no name of an environment variable that a buildpack could read: it may hold neither spaces nor `/`", quoted(.0))]
    EnvName(String),
    #[error("unknown pull policy {}: use `always`, `never`, `if-not-present`, `hourly`, `daily`, `weekly` or `interval=` with a time such as `12h` or `2d`", quoted(.0))]
    PullPolicy(String),
    #[error("unknown target {}: use `auto`, `daemon`, `registry` or `cluster`", quoted(.0))]
    Target(String),
    #[error("{} is no volume: write `SOURCE:/path/in/build` or `SOURCE:/path/in/build:rw`", quoted(.0))]
    Volume(String),
    #[error("volume {} is mounted at {}, which is no absolute path", quoted(.volume), quoted(.target))]
    VolumeTarget { volume: String, target: String },
    #[error("unknown option {} of volume {}: use `ro` (the default) or `rw`", quoted(.option), quoted(.volume))]
    VolumeOption { volume: String, option: String },
    #[error("unknown cache {}: there is one for `build` and one for `launch`", quoted(.0))]
    CacheKind(String),
    #[error("unknown part {} of cache {cache}: use `format`, `name` and `source`", quoted(.part))]
    CachePart { cache: String, part: String },
    #[error("unknown format {} of cache {cache}: use `volume`, `bind` or `image`", quoted(.format))]
    CacheFormat { cache: String, format: String },
    #[error("cache {cache} of format `{format}` needs `{part}`")]
    CacheNeeds {
        cache: String,
        format: &'static str,
        part: &'static str,
    },
    #[error("{} is no time: use `now`, or seconds since 1970", quoted(.0))]
    CreationTime(String),
    #[error("{} is no platform: write `os/architecture` or `os/architecture/variant`, such as `linux/arm64`", quoted(.0))]
    Platform(String),
    #[error("{} is no execution environment: use `production`, `test`, `development`, or a name of letters, digits, `.` and `-`", quoted(.0))]
    ExecEnv(String),
    #[error("{0} is no user or group id: it must be between 0 and {max}", max = u32::MAX)]
    Id(i64),
}
