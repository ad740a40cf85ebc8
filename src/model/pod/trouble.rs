//! Pure. What is wrong with a pod, in words for people who may not know the cluster's.

use crate::model::pod::{Container, ContainerState, Pod};

/// Reasons to wait that do not pass by themselves, or hardly.
const STUCK: [&str; 13] = [
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "RunContainerError",
    "StartError",
    "Error",
    "CreateContainerError",
    "CreateContainerConfigError",
    "ContainerCannotRun",
];

/// Those of them that make a resource fail rather than wait.
const FATAL: [&str; 9] = [
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "RunContainerError",
    "StartError",
    "Error",
    "CreateContainerConfigError",
];

/// Everything that is wrong, the pod's own troubles first. `message` is `status.message`.
pub fn of(pod: &Pod, reason: &str, message: &str) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(unscheduled(pod));
    if &*pod.phase == "Failed" && !reason.is_empty() {
        let reason = reason.to_lowercase();
        words.push(with_cause(&format!("the pod was {reason}"), message));
    }
    words.extend(pod.all_containers().filter_map(of_container));
    words
}

/// Why no node takes it.
pub fn unscheduled(pod: &Pod) -> Option<String> {
    let mut scheduled = pod
        .conditions
        .iter()
        .filter(|condition| &*condition.kind == "PodScheduled");
    let refused = scheduled.find(|condition| &*condition.status == "False" && &*condition.reason == "Unschedulable")?;
    Some(with_cause("no node takes the pod", &refused.message))
}

/// The reason for which a container makes its pod a failed one.
pub fn fatal_reason(container: &Container) -> Option<&str> {
    match &container.state {
        ContainerState::Waiting { reason, .. } => Some(&**reason).filter(|reason| FATAL.contains(reason)),
        ContainerState::Terminated { reason, exit_code, .. } if *exit_code != 0 => {
            Some(if reason.is_empty() { "Error" } else { reason })
        }
        _ => None,
    }
}

pub fn of_container(container: &Container) -> Option<String> {
    let name = &container.name;
    match &container.state {
        ContainerState::Waiting { reason, message } if STUCK.contains(&&**reason) => {
            let words = waiting(container, reason);
            Some(match (&**reason, &container.last) {
                // The server's message only repeats when it starts again.
                ("CrashLoopBackOff", Some(last)) => with_cause(&words, &last.message),
                _ => with_cause(&words, message),
            })
        }
        ContainerState::Terminated {
            reason,
            message,
            exit_code,
            ..
        } if *exit_code != 0 => Some(with_cause(
            &format!("container {name} {}", exit(reason, *exit_code)),
            message,
        )),
        _ => None,
    }
}

fn waiting(container: &Container, reason: &str) -> String {
    let (name, image) = (&container.name, &container.image);
    match reason {
        "CrashLoopBackOff" => match &container.last {
            Some(last) => format!(
                "container {name} keeps ending: it {}",
                exit(&last.reason, last.exit_code)
            ),
            None => format!("container {name} keeps ending"),
        },
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => {
            format!("the image {image} of container {name} cannot be pulled")
        }
        "ErrImageNeverPull" => {
            format!("the image {image} of container {name} is not on the node and may not be pulled")
        }
        "InvalidImageName" => format!("{image} of container {name} is no name of an image"),
        "ImageInspectError" => format!("the image {image} of container {name} cannot be read"),
        "CreateContainerConfigError" => format!("container {name} is not configured as it should be"),
        "CreateContainerError" => format!("container {name} cannot be created"),
        _ => format!("container {name} cannot be started"),
    }
}

fn exit(reason: &str, exit_code: i32) -> String {
    match reason {
        "OOMKilled" => "used more memory than it may and was killed (OOMKilled)".to_owned(),
        "ContainerCannotRun" | "StartError" => "could not be started".to_owned(),
        "DeadlineExceeded" => "took too long".to_owned(),
        // 128 + SIGKILL and SIGTERM.
        _ if exit_code == 137 => "was killed (exit code 137)".to_owned(),
        _ if exit_code == 143 => "was told to end (exit code 143)".to_owned(),
        _ => format!("ended with exit code {exit_code}"),
    }
}

fn with_cause(words: &str, cause: &str) -> String {
    match cause.trim() {
        "" => words.to_owned(),
        cause => format!("{words}: {cause}"),
    }
}
