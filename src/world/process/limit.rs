//! How many files this process may have open: a served command takes three.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Plenty for us, and few enough for programs that close every number up to the limit they inherit.
const WANTED: u64 = 1 << 16;

/// Raises the limit as far as it may be raised and makes sense; returns what it is now, or nothing if there is none.
pub fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    let now = limit.current?;
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    // A sandbox may refuse; then it stays as it is.
    if most > now && setrlimit(Resource::Nofile, raised).is_ok() {
        return Some(most);
    }
    Some(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_then_left_alone() {
        let before = getrlimit(Resource::Nofile).current;
        let raised = raise_open_files();
        assert_eq!(raised, getrlimit(Resource::Nofile).current);
        assert!(raised >= before || before.is_none());
        assert_eq!(raise_open_files(), raised);
    }
}
