//! Pure. Port forwards: which port here leads to which port of a container.

use crate::model::quote::quoted;
use regex::Regex;
use std::sync::LazyLock;
use thiserror::Error;

/// One port forward. Port 0 leaves the choice open: of a free port here, of the container's only sensible port there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortForward {
    pub local: u16,
    pub container: u16,
    /// Where to listen; empty for the default.
    pub host: String,
    pub name: String,
    /// The path of the link that is shown for this forward, without its leading slash.
    pub path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PortError {
    /// `value` is as the user wrote it: digits of a number, or text in quotes.
    #[error("portForward port value {value} is not in the valid range [0-65535]")]
    OutOfRange { value: String },
    #[error("portForward host value {} is not a valid hostname or IP address", quoted(host))]
    BadHost { host: String },
}

impl PortForward {
    /// A forward from a port here, given as a number.
    pub fn from_number(local: i64) -> Result<PortForward, PortError> {
        let local = checked(local)?;
        Ok(PortForward {
            local,
            ..PortForward::default()
        })
    }

    /// A forward from `local`, `local:container` or `host:local:container`.
    pub fn parse(text: &str) -> Result<PortForward, PortError> {
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let (host, local, container) = match parts.as_slice() {
            [host, local, container] => (checked_host(host)?, *local, port(container)?),
            [local, container] => (String::new(), *local, port(container)?),
            _ => (String::new(), text, 0),
        };
        Ok(PortForward {
            local: port(local)?,
            container,
            host,
            ..PortForward::default()
        })
    }
}

/// The number as a port, if it is one.
pub fn checked(number: i64) -> Result<u16, PortError> {
    u16::try_from(number).map_err(|_| PortError::OutOfRange {
        value: number.to_string(),
    })
}

fn port(text: &str) -> Result<u16, PortError> {
    let number = text.parse::<i64>().ok();
    number
        .and_then(|number| u16::try_from(number).ok())
        .ok_or_else(|| PortError::OutOfRange { value: quoted(text) })
}

/// Host names as RFC 1123 has them; every IPv4 address is one as well.
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    let label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
    Regex::new(&format!(r"^{label}(?:\.{label})*$")).expect("a constant pattern")
});

fn checked_host(host: &str) -> Result<String, PortError> {
    if HOST.is_match(host) {
        return Ok(host.to_owned());
    }
    Err(PortError::BadHost { host: host.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match PortForward::parse(text) {
            Ok(it) => format!("{}|{}|{}", it.host, it.local, it.container),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn text_reads_as_a_port_forward_or_says_which_part_is_wrong() {
        let range = |value: &str| format!("portForward port value {value} is not in the valid range [0-65535]");
        let host = |value: &str| format!("portForward host value {value} is not a valid hostname or IP address");
        let table = [
            ("8000", "|8000|0".to_owned()),
            ("8000:80", "|8000|80".to_owned()),
            ("0.0.0.0:8000:80", "0.0.0.0|8000|80".to_owned()),
            ("my-host.local:1:2", "my-host.local|1|2".to_owned()),
            ("0", "|0|0".to_owned()),
            ("65535", "|65535|0".to_owned()),
            ("99999", range("\"99999\"")),
            ("-1", range("\"-1\"")),
            ("", range("\"\"")),
            ("80:", range("\"\"")),
            ("80:x", range("\"x\"")),
            ("a:b:c:d", range("\"c:d\"")),
            ("bad_host!:1:2", host("\"bad_host!\"")),
            (":1:2", host("\"\"")),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_checked_too() {
        let forward = PortForward::from_number(8000).expect("a port");
        assert_eq!((forward.local, forward.container), (8000, 0));
        let error = PortForward::from_number(70000).expect_err("too large");
        let expected = "portForward port value 70000 is not in the valid range [0-65535]";
        assert_eq!(error.to_string(), expected);
    }
}
