//! Pure. Which of the things that a cluster tells of its objects are told to people, and how.

use crate::model::time::Time;

/// What decides whether an event is told, and how.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    pub kind: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
    pub created: Option<Time>,
    pub object_kind: &'a str,
    pub object_namespace: &'a str,
    pub object_name: &'a str,
}

/// Nobody is told what went as it should, but that an image is pulled: it takes time.
pub fn is_of_interest(event: Told) -> bool {
    event.kind != "Normal" || matches!(event.reason, "Pulling" | "Pulled")
}

/// The cluster counts in seconds: what happened in the second of `since` may have happened after it.
pub fn is_recent(event: Told, since: Time) -> bool {
    let second = |time: Time| time.micros().div_euclid(1_000_000);
    event.created.is_some_and(|created| second(created) >= second(since))
}

/// `[event: pod ns/name] message`
pub fn line(event: Told) -> String {
    let kind = event.object_kind.to_lowercase();
    let namespace = match event.object_namespace {
        "" | "default" => String::new(),
        namespace => format!("{namespace}/"),
    };
    format!(
        "[event: {kind} {namespace}{}] {}",
        event.object_name,
        event.message.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Told = Told {
        kind: "Warning",
        reason: "BackOff",
        message: "Back-off restarting failed container\n",
        created: Some(Time::from_micros(10_000_000)),
        object_kind: "Pod",
        object_namespace: "default",
        object_name: "web-1",
    };

    #[test]
    fn warnings_and_pulls_are_told() {
        let table = [
            ("Warning", "BackOff", true),
            ("Warning", "Pulling", true),
            ("Normal", "Pulling", true),
            ("Normal", "Pulled", true),
            ("Normal", "Scheduled", false),
            ("Normal", "Created", false),
            ("", "", true),
        ];
        for (kind, reason, expected) in table {
            assert_eq!(
                is_of_interest(Told { kind, reason, ..TOLD }),
                expected,
                "{kind} {reason}"
            );
        }
    }

    #[test]
    fn what_happened_before_is_old_to_the_second() {
        let table = [
            (9_999_999, true),
            (10_000_000, true),
            (10_999_999, true),
            (11_000_000, false),
        ];
        for (since, expected) in table {
            assert_eq!(is_recent(TOLD, Time::from_micros(since)), expected, "{since}");
        }
        assert!(!is_recent(Told { created: None, ..TOLD }, Time::from_micros(0)));
    }

    #[test]
    fn the_default_namespace_is_not_named() {
        assert_eq!(line(TOLD), "[event: pod web-1] Back-off restarting failed container");
        let elsewhere = Told {
            object_kind: "ReplicaSet",
            object_namespace: "shop",
            ..TOLD
        };
        assert_eq!(
            line(elsewhere),
            "[event: replicaset shop/web-1] Back-off restarting failed container"
        );
    }
}
