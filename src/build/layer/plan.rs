//! Pure. What is put on top of an image for live updates, as a Dockerfile.

use crate::model::build::AgentLayer;
use crate::model::live::supervisor::{self, AGENT};

/// Which agent an image has, for those who look at it next.
pub const LABEL: &str = "dev.tilt.agent";
/// The agent in the layer's context.
pub const FILE: &str = "tilt-agent";

/// What matters of an image that was built.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found<'a> {
    /// The agent that it has already.
    pub agent: Option<&'a str>,
    pub entrypoint: &'a [String],
    pub command: &'a [String],
    /// Whether an agent could be brought into a container of it.
    pub tools: Tools,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tools {
    Absent,
    #[default]
    Present,
}

/// The layer on top of `base`, if one is needed, with the agent that `agent` names.
pub fn dockerfile(wanted: AgentLayer, base: &str, agent: &str, found: Found<'_>) -> Option<String> {
    let supervises = wanted == AgentLayer::Supervisor && !supervisor::is_supervised(found.entrypoint);
    let brings = match wanted {
        AgentLayer::None => false,
        AgentLayer::IfBare => found.tools == Tools::Absent,
        AgentLayer::Supervisor => true,
    };
    let has_it = found.agent == Some(agent);
    if !supervises && (!brings || has_it) {
        return None;
    }
    let mut text = format!("FROM {base}\n");
    if !has_it {
        text.push_str(&format!("COPY {FILE} {AGENT}\nLABEL {LABEL}={agent}\n"));
    }
    if supervises {
        let entrypoint = json(&supervisor::supervised(found.entrypoint));
        text.push_str(&format!("ENTRYPOINT {entrypoint}\n"));
        if !found.command.is_empty() {
            // A new entrypoint forgets the arguments that were meant for the old one.
            text.push_str(&format!("CMD {}\n", json(found.command)));
        }
    }
    Some(text)
}

fn json(words: &[String]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| crate::model::yaml::json::quoted(word))
        .collect();
    format!("[{}]", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn an_image_that_restarts_is_supervised_and_keeps_its_command() {
        let (entrypoint, command) = (words(&["/srv", "say \"é\""]), words(&["--port", "80"]));
        let found = Found {
            entrypoint: &entrypoint,
            command: &command,
            ..Found::default()
        };
        assert_eq!(
            dockerfile(AgentLayer::Supervisor, "app:x", "abc", found).unwrap(),
            "FROM app:x
COPY tilt-agent /.tilt/agent
LABEL dev.tilt.agent=abc
ENTRYPOINT [\"/.tilt/agent\", \"supervise\", \"--\", \"/srv\", \"say \\\"é\\\"\"]
CMD [\"--port\", \"80\"]
"
        );
    }

    #[test]
    fn what_an_image_has_is_not_put_there_again() {
        let supervised = words(&["/.tilt/agent", "supervise", "--", "/srv"]);
        let same = Found {
            agent: Some("abc"),
            entrypoint: &supervised,
            ..Found::default()
        };
        assert_eq!(dockerfile(AgentLayer::Supervisor, "a", "abc", same), None);
        assert_eq!(
            dockerfile(AgentLayer::Supervisor, "a", "new", same).unwrap(),
            "FROM a\nCOPY tilt-agent /.tilt/agent\nLABEL dev.tilt.agent=new\n"
        );
        // A child of such an image that has an entrypoint of its own.
        let child = Found {
            entrypoint: &[],
            ..same
        };
        assert_eq!(
            dockerfile(AgentLayer::Supervisor, "a", "abc", child).unwrap(),
            "FROM a\nENTRYPOINT [\"/.tilt/agent\", \"supervise\", \"--\"]\n"
        );
    }

    #[test]
    fn an_image_that_does_not_restart_gets_the_agent_only_where_nothing_else_can_bring_it() {
        let bare = Found {
            tools: Tools::Absent,
            ..Found::default()
        };
        assert_eq!(dockerfile(AgentLayer::IfBare, "a", "abc", Found::default()), None);
        assert_eq!(dockerfile(AgentLayer::None, "a", "abc", bare), None);
        assert_eq!(
            dockerfile(AgentLayer::IfBare, "a", "abc", bare).unwrap(),
            "FROM a\nCOPY tilt-agent /.tilt/agent\nLABEL dev.tilt.agent=abc\n"
        );
    }
}
