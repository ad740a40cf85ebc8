//! Images that a command of the user's builds.
//!
//! The command always runs when it is asked for: what it reads besides its `deps` nobody knows, so a key over its inputs
//! would sometimes be wrong, and a build that is skipped wrongly costs more than one that finds its own caches warm.

mod plan;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::build::error::OutputFault;
use crate::build::layer::Layer;
use crate::build::tag::{self, Names};
use crate::build::{BuildError, Builder, Level, Order, Report, Reports, deliver};
use crate::model::build::{CustomRecipe, OutputMode};
use crate::model::built::{Built, Delivery};
use crate::model::command::{Command, Echo};
use crate::world::clock;
use crate::world::files::{self, FileError};
use crate::world::process::serve::{GRACE, Spec};

use plan::Expected;

/// One build by a command.
pub struct Custom<'a> {
    pub builder: &'a Builder,
    pub order: &'a Order,
    pub recipe: &'a CustomRecipe,
    pub stop: &'a CancellationToken,
    pub reports: Reports<'a>,
}

impl Custom<'_> {
    pub async fn build(&self) -> Result<Built, BuildError> {
        if self.recipe.live_update_only {
            return Ok(self.unbuilt());
        }
        let began = now();
        let expected = Expected::of(self.order, self.recipe, &temporary_tag(began))?;
        self.forget_output_file()?;
        self.run(&expected).await?;
        let named = match expected.names() {
            Some(names) => names.clone(),
            None => self.read_output_file()?,
        };
        if self.recipe.output_mode == OutputMode::Remote {
            return Ok(built(None, &named));
        }
        let Some(image) = self
            .builder
            .engine
            .image(&named.local.familiar())
            .await
            .map_err(BuildError::Docker)?
        else {
            return Err(self.not_there(&named, began).await);
        };
        // What gets a layer has no name until it has its own.
        let building = self.builder.building().await?;
        let id = self.layered(&image.id).await?;
        let names = match &expected {
            Expected::InFile => self.renamed(&image.id, &id, named).await?,
            _ => self.retag(&id, &expected).await?,
        };
        drop(building);
        let digest = self.deliver(&names).await?;
        Ok(Built {
            digest,
            ..built(Some(id), &names)
        })
    }

    /// An image that is never built is deployed as it is named.
    fn unbuilt(&self) -> Built {
        let name = self.order.target.selector.reference.familiar();
        Built {
            local: name.clone(),
            cluster: name,
            ..Built::default()
        }
    }

    async fn run(&self, expected: &Expected) -> Result<(), BuildError> {
        let command = &self.recipe.command;
        let docker = self.builder.engine.endpoint().variables(&self.builder.env);
        let told = plan::variables(self.order, expected, docker);
        self.say_variables(&told);
        let mut env = self.builder.commands.env(&self.builder.env, &command.env);
        env.extend(told);
        env.extend(plan::bases(self.order));
        if command.echo == Echo::On {
            self.say(Level::Info, format!("Running cmd: {}", Command::display(&command.argv)));
        }
        let spec = Spec {
            argv: command.argv.clone(),
            dir: command.dir.clone(),
            env,
            grace: GRACE,
        };
        let exit = self.builder.commands.run(&spec, self.stop, self.reports).await;
        if exit.is_stopped {
            return Err(BuildError::Cancelled);
        }
        if exit.code == 0 {
            return Ok(());
        }
        Err(BuildError::Command {
            command: Command::display(&command.argv),
            reason: exit.reason,
            code: exit.code,
        })
    }

    fn say_variables(&self, told: &[(String, String)]) {
        if told.is_empty() {
            return self.say(Level::Info, "Custom Build:".to_owned());
        }
        let lines = told.iter().map(|(name, value)| format!("\n  {name}={value}"));
        let heading = "Custom Build: Injecting Environment Variables";
        self.say(Level::Info, format!("{heading}{}", lines.collect::<String>()));
    }

    fn say(&self, level: Level, text: String) {
        (self.reports)(Report::Line { level, text });
    }

    /// A name that an earlier build left there must not be taken for this one's.
    fn forget_output_file(&self) -> Result<(), BuildError> {
        let Some(path) = &self.recipe.outputs_image_ref_to else {
            return Ok(());
        };
        match files::remove(path) {
            Err(error) if !error.is_missing() => Err(output_fault(path, OutputFault::Unreadable(error))),
            _ => Ok(()),
        }
    }

    fn read_output_file(&self) -> Result<Names, BuildError> {
        let path = self.recipe.outputs_image_ref_to.as_deref().unwrap_or(Path::new(""));
        let fault = |error: FileError| match error.is_missing() {
            true => OutputFault::Missing,
            false => OutputFault::Unreadable(error),
        };
        let name = files::read_text(path)
            .map_err(fault)
            .and_then(|text| plan::reference(&text));
        let name = name.map_err(|fault| output_fault(path, fault))?;
        tag::stated(name, &self.order.registry)
    }

    /// The command did well and left nothing. What it tagged instead is the best hint there is.
    async fn not_there(&self, named: &Names, began: i64) -> BuildError {
        let found = self.builder.engine.last_tagged(&named.local, began).await;
        BuildError::NotInEngine {
            command: Command::display(&self.recipe.command.argv),
            expected: named.local.familiar(),
            // Whatever went wrong with looking for a hint is not what went wrong.
            found: found.ok().flatten(),
        }
    }

    async fn layered(&self, id: &str) -> Result<String, BuildError> {
        let layer = Layer {
            builder: self.builder,
            order: self.order,
            stop: self.stop,
            reports: self.reports,
        };
        layer.add(id).await
    }

    /// The name that the command gave goes over to what was made of its image.
    async fn renamed(&self, before: &str, id: &str, names: Names) -> Result<Names, BuildError> {
        if before != id {
            let named = self.builder.engine.tag(id, &names.local).await;
            named.map_err(BuildError::Docker)?;
        }
        Ok(names)
    }

    /// Gives an image the name of its content.
    async fn retag(&self, id: &str, expected: &Expected) -> Result<Names, BuildError> {
        let engine = &self.builder.engine;
        let names = tag::names(&self.order.target, &self.order.registry, id)?;
        engine.tag(id, &names.local).await.map_err(BuildError::Docker)?;
        if let Expected::Ours(temporary) = expected {
            // One more of them with every save helps nobody. The image itself has its other name now.
            if let Err(error) = engine.remove_image(&temporary.local.familiar()).await {
                self.say(Level::Debug, format!("{} stays: {error}", temporary.local.familiar()));
            }
        }
        Ok(names)
    }

    async fn deliver(&self, names: &Names) -> Result<Option<String>, BuildError> {
        if self.recipe.output_mode == OutputMode::LocalDocker {
            return deliver::deliver(self.builder, self.order, &names.local, (self.stop, self.reports)).await;
        }
        if self.order.delivery != Delivery::Stay {
            let text = "Skipping push: custom_build() configured to handle push itself";
            self.say(Level::Info, text.to_owned());
        }
        Ok(None)
    }
}

fn built(id: Option<String>, names: &Names) -> Built {
    Built {
        id,
        local: names.local.familiar(),
        cluster: names.cluster.familiar(),
        ..Built::default()
    }
}

fn output_fault(path: &Path, fault: OutputFault) -> BuildError {
    BuildError::OutputFile {
        path: path.to_owned(),
        fault,
    }
}

fn now() -> i64 {
    let since = clock::today().duration_since(clock::SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Another one for every build, also for those that begin in one second.
fn temporary_tag(seconds: i64) -> String {
    /// The second of the last build, and how many there were in it.
    static LAST: AtomicU64 = AtomicU64::new(0);
    let second = u64::try_from(seconds).unwrap_or_default() << 16;
    let next = |last: u64| if last >= second { last + 1 } else { second };
    let taken = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    let taken = next(taken.unwrap_or_default());
    let second = i64::try_from(taken >> 16).unwrap_or(seconds);
    tag::of_moment(second, u32::from(taken as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_of_one_second_get_different_tags() {
        let second = now() + 1_000_000;
        let tags = [second, second, second + 1].map(temporary_tag);
        let expected = [(second, 0), (second, 1), (second + 1, 0)].map(|(second, nth)| tag::of_moment(second, nth));
        assert_eq!(tags, expected);
    }
}
