//! What a build starts over after, how often, and what is said then. Everything else is for the engine room above to try again.

use tokio::time::timeout;

use crate::build::docker::DockerBuild;
use crate::build::docker::plan::Plan;
use crate::build::failure::Cure;
use crate::build::{BuildError, Level, Reuse};
use crate::world::clock::{self, Duration, Instant};
use crate::world::docker::DockerError;

/// In all, because files of the context changed while they were sent.
const CHANGES: u32 = 3;
/// In all, because the engine went away. One that a build kills is not to be killed for ever.
const RESTARTS: u32 = 3;
/// Between two looks whether the engine is back. One that is being stopped answers for a moment yet.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a build may be begun once more.
#[derive(Debug, PartialEq, Eq)]
enum Why {
    ContextChanged,
    EngineGone,
    CacheDamaged,
    ImageRemoved,
}

/// What happened to one build so far.
#[derive(Default)]
pub struct Tries {
    changes: u32,
    restarts: u32,
    /// When the engine has to be back, once it went away.
    deadline: Option<Instant>,
    damages: u32,
    removals: u32,
}

impl Tries {
    /// Returns when the build is to begin once more, and gives the error back where it is not.
    pub async fn again(
        &mut self,
        build: &DockerBuild<'_>,
        plan: &mut Plan,
        error: BuildError,
    ) -> Result<(), BuildError> {
        match why(&error) {
            Some(Why::ContextChanged) if self.changes + 1 < CHANGES => {
                self.changes += 1;
                build.say(Level::Info, format!("Starting over: {error}"));
                Ok(())
            }
            Some(Why::EngineGone) if self.restarts + 1 < RESTARTS => {
                self.restarts += 1;
                build.say(
                    Level::Warn,
                    format!("Docker went away; trying again when it answers ({error})"),
                );
                let patience = build.builder.patience;
                let deadline = *self.deadline.get_or_insert_with(|| clock::now() + patience);
                back(build, deadline, error).await
            }
            Some(Why::CacheDamaged) if self.damages == 0 => {
                self.damages += 1;
                plan.reuse = Reuse::Nothing;
                build.say(Level::Warn, format!("Trying again without the cache: {error}"));
                Ok(())
            }
            Some(Why::ImageRemoved) if self.removals == 0 => {
                self.removals += 1;
                build.say(
                    Level::Info,
                    format!("Starting over: somebody removed the image meanwhile ({error})"),
                );
                Ok(())
            }
            _ => Err(error),
        }
    }
}

fn why(error: &BuildError) -> Option<Why> {
    match error {
        BuildError::ContextChanged { .. } => Some(Why::ContextChanged),
        // What was built has no name until it is done, and whoever cleans up may take it for left over.
        BuildError::Docker(error) if error.is_missing() => Some(Why::ImageRemoved),
        BuildError::Docker(DockerError::Broken { .. })
        | BuildError::Push {
            source: DockerError::Broken { .. },
            ..
        } => Some(Why::EngineGone),
        BuildError::Failed(failure) => match failure.cure {
            Cure::WhenEngineIsBack => Some(Why::EngineGone),
            Cure::WithoutCache => Some(Why::CacheDamaged),
            Cure::None => None,
        },
        _ => None,
    }
}

/// Waits until the engine answers; says why it does not where that takes too long.
async fn back(build: &DockerBuild<'_>, deadline: Instant, error: BuildError) -> Result<(), BuildError> {
    let mut last = error;
    let answers = async {
        loop {
            tokio::time::sleep(PAUSE).await;
            match build.builder.engine.about().await {
                Ok(_) => return,
                Err(error) => last = BuildError::Docker(error),
            }
        }
    };
    let left = deadline.saturating_duration_since(clock::now());
    let answered = tokio::select! {
        () = build.stop.cancelled() => return Err(BuildError::Cancelled),
        answered = timeout(left, answers) => answered,
    };
    answered.map_err(|_elapsed| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_when_it_is_to_be_named_is_built_again_and_what_is_refused_is_not() {
        let refused = |status| {
            let (doing, message) = ("naming the image", String::new());
            why(&BuildError::Docker(DockerError::Refused { doing, status, message }))
        };
        assert_eq!(refused(404), Some(Why::ImageRemoved));
        assert_eq!((refused(400), refused(500)), (None, None));
    }
}
