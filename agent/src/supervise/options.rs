//! What `supervise` is told on its command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::policy::ExitPolicy;

/// How long the command may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub policy: ExitPolicy,
    pub restart_file: Option<PathBuf>,
    pub grace: Duration,
    /// An abstract socket instead of the one that belongs to this container.
    pub socket: Option<String>,
    pub command: OsString,
    pub args: Vec<OsString>,
}

pub fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Options, String> {
    let mut options = Options {
        policy: ExitPolicy::Adaptive,
        restart_file: None,
        grace: GRACE,
        socket: None,
        command: OsString::new(),
        args: Vec::new(),
    };
    while let Some(word) = words.next() {
        if word == "--" {
            options.command = words.next().ok_or("no command after `--`")?;
            options.args = words.collect();
            return Ok(options);
        }
        let name = word.to_string_lossy().into_owned();
        let mut value = || words.next().ok_or_else(|| format!("`{name}` needs a value"));
        match name.as_str() {
            "--exit-policy" => options.policy = policy(&value()?)?,
            "--restart-file" => options.restart_file = Some(PathBuf::from(value()?)),
            "--grace" => options.grace = seconds(&value()?)?,
            "--socket" => options.socket = Some(value()?.to_string_lossy().into_owned()),
            _ => return Err(format!("unknown option `{name}`: the command stands after `--`")),
        }
    }
    Err("no command: it stands after `--`".to_owned())
}

fn policy(word: &OsString) -> Result<ExitPolicy, String> {
    match word.to_str() {
        Some("adaptive") => Ok(ExitPolicy::Adaptive),
        Some("restart") => Ok(ExitPolicy::Restart),
        Some("continue") => Ok(ExitPolicy::Continue),
        _ => Err(format!("unknown exit policy `{}`", word.to_string_lossy())),
    }
}

fn seconds(word: &OsString) -> Result<Duration, String> {
    let seconds = word.to_str().and_then(|text| text.parse::<f64>().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{}` is no number of seconds", word.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn everything_after_the_dashes_is_the_command() {
        let options = parsed("--exit-policy continue --restart-file /r --grace 0.5 -- app --exit-policy -- x").unwrap();
        assert_eq!(options.policy, ExitPolicy::Continue);
        assert_eq!(options.restart_file, Some(PathBuf::from("/r")));
        assert_eq!(options.grace, Duration::from_millis(500));
        assert_eq!(options.command, "app");
        assert_eq!(options.args, ["--exit-policy", "--", "x"]);
        assert_eq!(parsed("-- app").unwrap().policy, ExitPolicy::Adaptive);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, reason) in [
            ("", "no command"),
            ("--", "no command"),
            ("app", "unknown option `app`"),
            ("--exit-policy never -- app", "unknown exit policy `never`"),
            ("--restart-file", "`--restart-file` needs a value"),
            ("--grace -1 -- app", "`-1` is no number of seconds"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.starts_with(reason), "{line}: {error}");
        }
    }
}
