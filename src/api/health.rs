//! Pure. `/healthz`, `/livez` and `/readyz`: plain text, with a line for each check where one asks for it.

use crate::api::route::Health;

/// One thing that may be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// Why it is wrong.
    pub fault: Option<&'static str>,
}

/// What is true of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Serving,
    Stopping,
}

pub fn checks(of: Health, life: Life) -> Vec<Check> {
    let mut checks = vec![
        Check {
            name: "ping",
            fault: None,
        },
        Check {
            name: "log",
            fault: None,
        },
    ];
    if of == Health::Ready {
        checks.push(Check {
            name: "shutdown",
            fault: (life == Life::Stopping).then_some("the server is shutting down"),
        });
    }
    checks
}

/// Code and text; nothing for a check that does not exist.
pub fn report(of: Health, only: Option<&str>, verbose: Verbosity, life: Life) -> Option<(u16, String)> {
    let name = match of {
        Health::Healthy => "healthz",
        Health::Live => "livez",
        Health::Ready => "readyz",
    };
    let all = checks(of, life);
    let checked: Vec<&Check> = all
        .iter()
        .filter(|check| only.is_none_or(|only| only == check.name))
        .collect();
    if checked.is_empty() {
        return None;
    }
    let is_well = checked.iter().all(|check| check.fault.is_none());
    if is_well && verbose == Verbosity::Brief {
        return Some((200, "ok".to_owned()));
    }
    let mut text = String::new();
    for check in checked {
        match check.fault {
            None => text.push_str(&format!("[+]{} ok\n", check.name)),
            Some(fault) => text.push_str(&format!("[-]{} failed: {fault}\n", check.name)),
        }
    }
    text.push_str(&format!("{name} check {}\n", if is_well { "passed" } else { "failed" }));
    Some((if is_well { 200 } else { 500 }, text))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    Brief,
    Verbose,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_stops_is_alive_but_not_ready() {
        let brief = |of, life| report(of, None, Verbosity::Brief, life).unwrap();
        assert_eq!(brief(Health::Ready, Life::Serving), (200, "ok".into()));
        assert_eq!(brief(Health::Live, Life::Stopping), (200, "ok".into()));
        let (code, text) = brief(Health::Ready, Life::Stopping);
        assert_eq!(code, 500);
        assert_eq!(
            text,
            "[+]ping ok\n[+]log ok\n[-]shutdown failed: the server is shutting down\nreadyz check failed\n"
        );
    }

    #[test]
    fn a_single_check_can_be_asked_for() {
        let report = |only| report(Health::Healthy, Some(only), Verbosity::Verbose, Life::Serving);
        assert_eq!(report("ping"), Some((200, "[+]ping ok\nhealthz check passed\n".into())));
        assert_eq!(report("etcd"), None);
    }
}
