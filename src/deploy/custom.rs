//! Deploying with commands of the user's (`k8s_custom_deploy`): told which images there are, asked for the YAML of what they
//! applied.
//!
//! What a command prints to standard output is its answer; standard error goes to the log. A command that takes too long is
//! asked to end like one whose update is cancelled, and killed if it does not: half an upgrade is worse than a late one.

mod error;
mod output;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::deploy::inject::Injected;
use crate::deploy::{DeployError, Line, Say};
use crate::model::command::{Command, Echo};
use crate::model::kube::Object;
use crate::world::guard::Guard;
use crate::world::process::Stream;
use crate::world::process::lines::Lines;
use crate::world::process::serve::{self, Chunk, Event, Exit, GRACE, Spec, Stop};

pub use error::CustomError;

/// Pieces of output on their way to us.
const MOST_CHUNKS: usize = 16;
/// What a command that took too long has to clean up, once asked to end.
const LATE_GRACE: Duration = Duration::from_secs(5);
/// More YAML than any cluster takes is a runaway command.
const MOST_OUTPUT: usize = 256 << 20;

/// What the commands of one resource run in.
#[derive(Clone, Copy)]
pub struct CustomDeploy<'a> {
    /// In the order in which the resource names them.
    pub images: &'a [Injected<'a>],
    /// All that the commands find in their environment, but for their own additions and what they are told of images.
    pub env: &'a BTreeMap<String, String>,
    /// How long each may take.
    pub limit: Duration,
    /// Ends them if we are killed.
    pub guard: Option<&'a Guard>,
    pub say: Say<'a>,
}

impl CustomDeploy<'_> {
    /// Deploys, and returns the objects that the command says it applied. They have a uid if the command printed what the
    /// cluster had answered.
    pub async fn apply(&self, command: &Command, stop: &Stop) -> Result<Vec<Object>, DeployError> {
        let printed = self.run("apply", command, stop).await?;
        let objects = output::objects(&printed).map_err(|source| CustomError::Output {
            command: Command::display(&command.argv).into(),
            source,
        })?;
        if objects.is_empty() {
            (self.say)(Line::warn(
                "The apply command printed no objects, so nothing of what it deployed can be watched. Let it print the YAML \
                 of what it applied, as `kubectl apply -o yaml` and `helm get manifest` do.",
            ));
        }
        Ok(objects)
    }

    /// Takes away what was deployed. What the command prints is for people.
    pub async fn delete(&self, command: &Command, stop: &Stop) -> Result<(), DeployError> {
        let printed = self.run("delete", command, stop).await?;
        self.say_output(&printed);
        Ok(())
    }

    /// Runs a command to its end and returns what it printed to standard output.
    async fn run(&self, what: &'static str, command: &Command, stop: &Stop) -> Result<Vec<u8>, DeployError> {
        let shown = || Box::<str>::from(Command::display(&command.argv));
        if command.echo == Echo::On {
            (self.say)(Line::info(format!("Running cmd: {}", shown())));
        }
        let ran = self.follow(&self.spec(command), stop).await;
        if ran.is_late {
            let (command, limit) = (shown(), self.limit);
            return Err(CustomError::TimedOut { what, command, limit }.into());
        }
        if ran.exit.is_stopped {
            return Err(DeployError::Cancelled);
        }
        if ran.exit.code != 0 {
            // Nobody knows where it says what went wrong.
            self.say_output(&ran.stdout);
            let (command, reason) = (shown(), ran.exit.reason);
            return Err(CustomError::Failed { what, command, reason }.into());
        }
        if ran.stdout.len() > MOST_OUTPUT {
            return Err(CustomError::TooMuch { what, command: shown() }.into());
        }
        Ok(ran.stdout)
    }

    fn spec(&self, command: &Command) -> Spec {
        let mut env = self.env.clone();
        let own = command.env.iter().filter_map(|entry| entry.split_once('='));
        env.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for (index, image) in self.images.iter().enumerate() {
            env.insert(format!("TILT_IMAGE_MAP_{index}"), image.target.image_map());
            env.insert(format!("TILT_IMAGE_{index}"), image.reference.to_owned());
        }
        Spec {
            argv: command.argv.clone(),
            dir: command.dir.clone(),
            env,
            grace: GRACE,
        }
    }

    /// A stop of our own stands between: the caller's may be about more than this command.
    async fn follow(&self, spec: &Spec, stop: &Stop) -> Ran {
        let stop = Stop {
            politely: stop.politely.child_token(),
            at_once: stop.at_once.child_token(),
        };
        let events = |event: Event| match event {
            Event::Started { .. } => {}
            waiting => (self.say)(Line::info(waiting.to_string())),
        };
        let (output, chunks) = mpsc::channel(MOST_CHUNKS);
        let stop_ours = &stop;
        let running = async move {
            let reports = serve::Reports {
                output: &output,
                events,
            };
            let running = std::pin::pin!(serve::run(spec, stop_ours, self.guard, reports));
            within(self.limit, running, stop_ours).await
        };
        let ((exit, is_late), stdout) = tokio::join!(running, self.listen(chunks));
        Ran { exit, is_late, stdout }
    }

    async fn listen(&self, mut chunks: mpsc::Receiver<Chunk>) -> Vec<u8> {
        let say = |text: String| (self.say)(Line::info(text));
        let (mut stdout, mut lines) = (Vec::new(), Lines::default());
        while let Some(chunk) = chunks.recv().await {
            match chunk.stream {
                Stream::Stderr => lines.take(chunk.stream, &chunk.bytes).into_iter().for_each(say),
                Stream::Stdout if stdout.len() <= MOST_OUTPUT => stdout.extend_from_slice(&chunk.bytes),
                Stream::Stdout => {}
            }
        }
        lines.finish().into_iter().for_each(say);
        stdout
    }

    fn say_output(&self, printed: &[u8]) {
        let text = String::from_utf8_lossy(printed);
        let text = text.trim_end();
        if !text.is_empty() {
            (self.say)(Line::info(output::shortened(text)));
        }
    }
}

/// How a command ended, and what it printed.
struct Ran {
    exit: Exit,
    is_late: bool,
    stdout: Vec<u8>,
}

/// The end of a command, and whether its time was up before.
async fn within(limit: Duration, mut running: Pin<&mut impl Future<Output = Exit>>, stop: &Stop) -> (Exit, bool) {
    if let Ok(exit) = timeout(limit, &mut running).await {
        return (exit, false);
    }
    // Somebody has asked already, and said how much time there is.
    if stop.politely.is_cancelled() || stop.at_once.is_cancelled() {
        return (running.await, false);
    }
    stop.politely.cancel();
    let exit = match timeout(LATE_GRACE, &mut running).await {
        Ok(exit) => exit,
        Err(_) => {
            stop.at_once.cancel();
            running.await
        }
    };
    (exit, true)
}

#[cfg(test)]
mod tests;
