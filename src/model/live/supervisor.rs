//! Pure. The words by which a container's command is put under our supervisor, which can start it again.

/// Where images have the agent.
pub const AGENT: &str = "/.tilt/agent";
const VERB: &str = "supervise";

/// Whether a command starts the supervisor itself.
pub fn is_supervised(command: &[String]) -> bool {
    matches!(command, [program, verb, ..] if program == AGENT && verb == VERB)
}

/// The command with the supervisor in front of it; one that has it stays as it is. Nothing gives what stands in front of any.
pub fn supervised(command: &[String]) -> Vec<String> {
    if is_supervised(command) {
        return command.to_vec();
    }
    let prefix = [AGENT, VERB, "--"].map(str::to_owned);
    prefix.into_iter().chain(command.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_supervised_once() {
        let command = ["/srv".to_owned(), "-x".to_owned()];
        let once = supervised(&command);
        assert_eq!(once, ["/.tilt/agent", "supervise", "--", "/srv", "-x"]);
        assert_eq!(supervised(&once), once);
        assert!(is_supervised(&once) && !is_supervised(&command) && !is_supervised(&[]));
        assert_eq!(supervised(&[]), ["/.tilt/agent", "supervise", "--"]);
    }
}
