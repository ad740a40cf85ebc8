//! Pure. Which port of a container a forward leads to, and what failures say.

use crate::model::port::PortForward;

/// Where a forward leads, and why where nobody said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub container: u16,
    pub note: Option<String>,
}

/// The container's port: the one that was given, else the local one if the container exposes it, else the first that it exposes,
/// else the local one. Nothing where even that is open.
pub fn container_port(forward: &PortForward, exposed: &[u16]) -> Option<Choice> {
    let told = |container| Choice { container, note: None };
    if forward.container != 0 {
        return Some(told(forward.container));
    }
    if forward.local != 0 && exposed.contains(&forward.local) {
        return Some(told(forward.local));
    }
    let local = forward.local;
    if let Some(first) = exposed.first() {
        let note = match local {
            0 => format!("Port forward: leads to port {first}, the first one that the container exposes"),
            _ => format!(
                "Port forward {local}: leads to port {first}, the first one that the container exposes; write \
                 `{local}:{first}` to say so"
            ),
        };
        return Some(Choice {
            container: *first,
            note: Some(note),
        });
    }
    (local != 0).then(|| Choice {
        container: local,
        note: Some(format!(
            "Port forward {local}: leads to port {local} of the container, which exposes none"
        )),
    })
}

/// Whether a failure means that the container never saw what was sent, so that it can be sent again.
pub fn is_unseen(failure: &str) -> bool {
    const SAYS_SO: [&str; 7] = [
        "connection refused",
        "not running",
        "no such container",
        "container not found",
        "sandbox",
        "closed network namespace",
        "network namespace for",
    ];
    let failure = failure.to_lowercase();
    SAYS_SO.iter().any(|words| failure.contains(words))
}

/// A failure in few words.
pub fn explain(failure: &str, pod: &str, port: u16) -> String {
    if failure.to_lowercase().contains("connection refused") {
        return format!("nothing listens on port {port} of pod `{pod}`");
    }
    let text: Vec<&str> = failure.split_whitespace().collect();
    text.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, exposed: &[u16]) -> (u16, bool) {
        let choice = container_port(&PortForward::parse(text).unwrap(), exposed).unwrap();
        (choice.container, choice.note.is_some())
    }

    #[test]
    fn the_containers_port_is_given_the_same_the_first_or_the_same_anyhow() {
        for (text, exposed, expected) in [
            ("8000:80", &[8000, 9000][..], (80, false)),
            ("8000", &[9000, 8000], (8000, false)),
            ("8000", &[9000, 7000], (9000, true)),
            ("8000", &[], (8000, true)),
            ("0", &[9000], (9000, true)),
            ("0:80", &[], (80, false)),
        ] {
            assert_eq!(chosen(text, exposed), expected, "{text} {exposed:?}");
        }
        assert_eq!(container_port(&PortForward::default(), &[]), None);
    }

    #[test]
    fn failures_tell_whether_the_container_saw_anything() {
        let docker = "error forwarding port 80 to pod x, uid : exit status 1: 2026/01/01 socat[7] E connect(5, AF=2 \
                      127.0.0.1:80, 16): Connection refused";
        let containerd = "failed to execute portforward in network namespace \"/var/run/netns/cni-1\": failed to connect to \
                          localhost:80 inside namespace: dial tcp4 127.0.0.1:80: connect: connection refused";
        assert!(is_unseen(docker) && is_unseen(containerd));
        assert!(is_unseen("container not running (abc)"));
        assert!(!is_unseen("unable to do port forwarding: socat not found"));
        assert!(!is_unseen("write: broken pipe"));
        assert_eq!(explain(docker, "web", 80), "nothing listens on port 80 of pod `web`");
        assert_eq!(explain("a\n  b", "web", 80), "a b");
    }
}
