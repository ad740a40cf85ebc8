//! Pure. Which Docker Compose this is, from what `docker compose version` prints.

use crate::model::version::Version;

/// Older ones do not print what we need.
pub const OLDEST: Version = Version::new(1, 28, 3);

/// Older ones work, but are known to resolve paths and names differently.
pub const RECOMMENDED: Version = Version::new(2, 2, 0);

/// Finds the line that names Compose: `docker-compose version 1.29.2, build 5becea4c`, `Docker Compose version v2.26.1`.
pub fn version_in(output: &str) -> Option<Version> {
    output.lines().find_map(|line| {
        let line = line.trim().to_ascii_lowercase();
        let named = line
            .strip_prefix("docker-compose")
            .or_else(|| line.strip_prefix("docker compose"))?
            .trim_start();
        let rest = named.strip_prefix("version").unwrap_or(named);
        release(rest.trim_start_matches([':', ' ']))
    })
}

/// Whatever follows the numbers (`-4`, `+ds1`, `-desktop.1`) says nothing about what a release can do, least of all that it is
/// a preview of one.
fn release(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = numbers.split('.').map(str::parse);
    let major = parts.next()?.ok()?;
    let mut next = || parts.next().and_then(Result::ok).unwrap_or(0);
    Some(Version::new(major, next(), next()))
}
