//! Commands that are really run.

use std::sync::Mutex;

use super::*;
use crate::deploy::Class;
use crate::model::build::{CustomRecipe, ImageTarget, Recipe};
use crate::model::image::Selector;
use crate::model::live::LiveUpdate;

/// Lines that were said so far, and whoever waits for one.
#[derive(Default)]
struct Said {
    lines: Mutex<Vec<Line>>,
}

impl Said {
    fn text(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|line| format!("{}\n", line.text)).collect()
    }
}

fn image(name: &str) -> ImageTarget {
    ImageTarget {
        selector: Selector::parse(name).unwrap(),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Custom(CustomRecipe::default()),
        image_deps: Vec::new(),
        watch_ignores: Vec::new(),
    }
}

fn shell(script: &str) -> Command {
    Command {
        argv: Command::shell(script),
        dir: "/".into(),
        env: vec!["OWN=mine".to_owned()],
        echo: Echo::Off,
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Applies with a time limit; what was said comes with the outcome. A line that says `stop` asks the command to end.
async fn apply_within(command: &Command, limit: Duration) -> (Result<Vec<Object>, DeployError>, Said) {
    let (said, stop) = (Said::default(), Stop::default());
    let targets = [image("web"), image("example.com/team/db")];
    let images = [("localhost:5000/web:tilt-1", 0), ("db:tilt-2", 1)].map(|(reference, index)| Injected {
        target: &targets[index],
        reference,
    });
    let env = [("PATH", "/usr/bin:/bin"), ("KUBECONFIG", "/frozen"), ("OWN", "base")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let say = |line: Line| {
        if line.text == "stop" {
            stop.politely.cancel();
        }
        said.lines.lock().unwrap().push(line);
    };
    let deploy = CustomDeploy {
        images: &images,
        env: &env,
        limit,
        guard: None,
        say: &say,
    };
    let outcome = deploy.apply(command, &stop).await;
    (outcome, said)
}

async fn apply(script: &str) -> (Result<Vec<Object>, DeployError>, Said) {
    apply_within(&shell(script), PATIENCE).await
}

async fn failure(script: &str) -> String {
    let error = apply(script).await.0.unwrap_err();
    assert_eq!(error.class(), Class::User);
    error.to_string()
}

#[tokio::test]
async fn a_command_is_told_of_images_and_cluster_and_says_what_it_applied() {
    let script = r#"
        echo "$TILT_IMAGE_0 $TILT_IMAGE_MAP_0 $TILT_IMAGE_1 $TILT_IMAGE_MAP_1 $KUBECONFIG $OWN" >&2
        printf 'and no line break' >&2
        echo '{"apiVersion": "v1", "kind": "List", "items": ['
        echo '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "1-2"}},'
        echo '{"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "b"}}]}'
    "#;
    let (outcome, said) = apply(script).await;
    let objects = outcome.unwrap();
    let found: Vec<_> = objects.iter().map(|object| (object.kind(), object.name())).collect();
    assert_eq!(found, [("ConfigMap", "a"), ("X", "b")]);
    let uid = objects[0].tree().at(&["metadata", "uid"]);
    assert_eq!(uid.and_then(crate::model::tree::Tree::as_text), Some("1-2"));
    let expected = "localhost:5000/web:tilt-1 web db:tilt-2 example.com_team_db /frozen mine\nand no line break\n";
    assert_eq!(said.text(), expected);
}

#[tokio::test]
async fn yaml_documents_are_objects_too_and_an_answer_may_be_large() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo '---'; echo 'apiVersion: v1'; echo 'kind: ConfigMap'; \
                  echo \"metadata: {name: map-$i}\"; i=$((i+1)); done";
    let objects = apply(script).await.0.unwrap();
    assert_eq!((objects.len(), objects[2999].name()), (3000, "map-2999"));
}

#[tokio::test]
async fn a_command_that_prints_nothing_is_warned_about() {
    let (outcome, said) = apply("true").await;
    assert_eq!(outcome.unwrap(), []);
    let lines = said.lines.lock().unwrap();
    assert_eq!(lines[0].level, crate::deploy::Level::Warn);
    assert!(lines[0].text.contains("nothing of what it deployed can be watched"));
}

#[tokio::test]
async fn the_command_line_is_logged_unless_it_is_to_be_quiet() {
    let loud = Command {
        echo: Echo::On,
        ..shell("true")
    };
    let (_, said) = apply_within(&loud, PATIENCE).await;
    assert!(said.text().starts_with("Running cmd: true\n"));
}

#[tokio::test]
async fn other_output_is_shown_with_what_was_expected() {
    let helm = "echo 'Release \"web\" has been upgraded. Happy Helming!'; echo 'NAME: web'; echo; echo 'STATUS: deployed'; echo x";
    let message = failure(helm).await;
    let expected = "; it begins with\n  Release \"web\" has been upgraded. Happy Helming!\n  NAME: web\n  STATUS: deployed\nIts standard output has to be";
    assert!(message.contains(expected), "{message}");
    assert!(
        message.contains("`kubectl apply -o yaml` or `helm get manifest NAME`"),
        "{message}"
    );
    let kubectl = failure("echo deployment.apps/web created").await;
    assert!(kubectl.contains("\n  deployment.apps/web created\n"), "{kubectl}");
    let nameless = failure("echo '{apiVersion: v1, kind: Pod}'").await;
    assert!(
        nameless.contains("what it printed has a Pod without a name"),
        "{nameless}"
    );
}

#[tokio::test]
async fn a_command_that_fails_is_named_and_its_output_is_logged() {
    let (outcome, said) = apply("echo out; echo err >&2; exit 3").await;
    let message = outcome.unwrap_err().to_string();
    assert_eq!(
        message,
        "apply command `echo out; echo err >&2; exit 3` failed: exit status 3"
    );
    assert_eq!(said.text(), "err\nout\n");
    let missing = Command {
        argv: vec!["no-such-program".to_owned()],
        ..shell("")
    };
    let message = apply_within(&missing, PATIENCE).await.0.unwrap_err().to_string();
    assert!(
        message.starts_with("apply command `no-such-program` failed: ") && message.len() > 50,
        "{message}"
    );
}

#[tokio::test]
async fn a_command_that_takes_too_long_may_clean_up_and_is_ended() {
    let script = "trap 'echo cleaned >&2; exit 0' TERM; sleep 600 & wait";
    let (outcome, said) = apply_within(&shell(script), Duration::from_secs(5)).await;
    let error = outcome.unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("Killed `trap"), "{message}");
    assert!(message.contains("Hit timeout of 5s for the apply command"), "{message}");
    assert_eq!((error.class(), said.text().as_str()), (Class::User, "cleaned\n"));
}

#[tokio::test]
async fn a_cancelled_command_is_asked_to_end() {
    let script = "trap 'echo cleaned >&2; exit 0' TERM; sleep 600 & echo stop >&2; wait";
    let (outcome, said) = apply(script).await;
    assert!(matches!(outcome, Err(DeployError::Cancelled)));
    assert_eq!(said.text(), "stop\ncleaned\n");
}

#[tokio::test]
async fn a_delete_command_may_print_what_it_likes() {
    let said = Said::default();
    let say = |line: Line| said.lines.lock().unwrap().push(line);
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let deploy = CustomDeploy {
        images: &[],
        env: &env,
        limit: PATIENCE,
        guard: None,
        say: &say,
    };
    let stop = Stop::default();
    deploy.delete(&shell("echo release uninstalled"), &stop).await.unwrap();
    assert_eq!(said.text(), "release uninstalled\n");
    let error = deploy.delete(&shell("exit 1"), &stop).await.unwrap_err();
    assert_eq!(error.to_string(), "delete command `exit 1` failed: exit status 1");
}
