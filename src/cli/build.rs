//! `tilt build`: the images of a Tiltfile, without what deploys them.

mod report;
mod show;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::build::graph::Plan;
use crate::build::many::{self, Results, Terms, Watcher};
use crate::build::order::Publish;
use crate::build::{BuildError, Builder, Commands, Reuse, Share};
use crate::cli::args::TiltfileArgs;
use crate::cli::exit::Exit;
use crate::cli::session::signals::Signals;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::{down, evaluated, output, tiltfile_args};
use crate::model::build::Recipe;
use crate::model::built::Delivery;
use crate::model::project::Project;
use crate::model::settings::Settings;
use crate::tiltfile::{Purpose, Request, Timed};
use crate::world::clock;
use crate::world::dirs::Dirs;
use crate::world::docker::Engine;
use crate::world::guard::Guard;
use crate::world::replace::replace;

use report::Report;
use show::{Place, Show};

/// Where `--output-json` writes instead of to a file.
const STDOUT: &str = "-";

#[derive(Args, Debug, Clone)]
#[command(after_help = "Examples:
  tilt build                      every image of ./Tiltfile
  tilt build web api              these two, and what they are made from
  tilt build --push               to default_registry(), or where their names say
  tilt build --output-json -      what came out, for a script; progress goes to
                                  standard error
  tilt build --push --share reg.example/cache
                                  images whose inputs somebody has built are
                                  fetched, new ones are shared
  tilt build -- --env=ci          an argument that the Tiltfile defines with
                                  config.define_string()")]
pub struct BuildArgs {
    /// Images to build, as the Tiltfile names them; all, if none is named
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// Tiltfile to evaluate
    #[arg(short, long, value_name = "PATH", default_value = "Tiltfile")]
    pub file: PathBuf,
    /// Kubernetes context that the Tiltfile is told of; nothing connects to it
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Kubernetes namespace that the Tiltfile is told of
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Push the images that are named, or all; bases that are not named stay here
    #[arg(long)]
    pub push: bool,
    /// Run every step, whatever was built before
    #[arg(long)]
    pub no_cache: bool,
    /// Platform of images that do not name one themselves; the engine's own by default
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// How many images are built at once; by default max_parallel_updates of the Tiltfile's update_settings(), which is 3
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Write each image's reference, id, digest and input key, and whether it was cached, to this file as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    pub output_json: Option<PathBuf>,
    /// Where a team shares images by their inputs: looked up before building; added to with --push
    #[arg(long, value_name = "HOST/PATH", env = "TILT_IMAGE_CACHE")]
    pub share: Option<String>,
    /// Arguments for the Tiltfile, after `--`
    #[arg(last = true, value_name = "TILTFILE ARGS")]
    pub args: Vec<String>,
}

impl BuildArgs {
    fn writes_to_stdout(&self) -> bool {
        self.output_json.as_deref() == Some(Path::new(STDOUT))
    }

    /// Of progress, and of lines that are no result.
    fn place(&self) -> Place {
        match self.writes_to_stdout() {
            true => Place::Stderr,
            false => Place::Stdout,
        }
    }

    fn tiltfile(&self) -> TiltfileArgs {
        TiltfileArgs {
            file: self.file.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            args: self.args.clone(),
        }
    }

    fn terms(&self, settings: &Settings) -> Terms {
        let (delivery, publish) = match self.push {
            true => (Delivery::Push, Publish::Always),
            false => (Delivery::Stay, Publish::Never),
        };
        Terms {
            registry: settings.default_registry.clone().unwrap_or_default(),
            delivery,
            platform: self.platform.clone().unwrap_or_default(),
            reuse: match self.no_cache {
                true => Reuse::Nothing,
                false => Reuse::Inputs,
            },
            share: Share {
                repository: self.share.clone().unwrap_or_default(),
                publish,
            },
            jobs: usize::try_from(self.jobs.unwrap_or(settings.update.max_parallel_updates)).unwrap_or(usize::MAX),
        }
    }
}

pub fn run(args: &BuildArgs) -> Result<(), Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Exit::error(format!("no threads: {error}")))?;
    let outcome = runtime.block_on(build(args));
    // What is written down for the next time is worth a moment; a connection that hangs is not.
    runtime.shutdown_timeout(LAST_WORDS);
    outcome
}

const LAST_WORDS: Duration = Duration::from_secs(1);

async fn build(args: &BuildArgs) -> Result<(), Exit> {
    let began = clock::now();
    let here = Surroundings::ours()?;
    let request = Request {
        purpose: Purpose::Images,
        ..tiltfile_args::request(&args.tiltfile(), "build", Timed::No)?
    };
    let mut connecting = connect(&request)?;
    let project = tokio::task::block_in_place(|| evaluate(args, request.clone()))?;
    let terms = args.terms(&project.settings);
    let plan = Plan::new(project.images, &args.images).map_err(Exit::error)?;
    let (outcome, results) = if plan.images().is_empty() {
        say(args, "The Tiltfile builds no images")?;
        (Ok(()), Results::new())
    } else {
        let builder = connected(&mut connecting).await?;
        let kill = CancellationToken::new();
        let builder = builder.with_commands(commands(&plan, (&request, &here), &kill)?);
        to_the_end(args, &builder, (&plan, &terms), &kill).await?
    };
    let report = Report::new(&plan, &results, clock::now() - began);
    write(args, &report)?;
    outcome?;
    report.finish(|text| say(args, text))
}

/// Begins to talk to Docker while there is something else to do.
fn connect(request: &Request) -> Result<JoinSet<Result<Builder, BuildError>>, Exit> {
    let dirs = Dirs::from_env(|name| request.environment.get(name).cloned()).map_err(Exit::error)?;
    let env = request.environment.clone();
    let mut connecting = JoinSet::new();
    connecting.spawn(async move {
        let engine = Engine::connect(&env).await.map_err(BuildError::Docker)?;
        let builder = Builder::new(engine, Arc::new(env), &dirs.images());
        builder.prepare().await?;
        Ok(builder)
    });
    Ok(connecting)
}

async fn connected(connecting: &mut JoinSet<Result<Builder, BuildError>>) -> Result<Builder, Exit> {
    match connecting.join_next().await {
        Some(Ok(builder)) => builder.map_err(Exit::error),
        Some(Err(_)) | None => Err(Exit::error(BuildError::Panicked)),
    }
}

fn evaluate(args: &BuildArgs, request: Request) -> Result<Project, Exit> {
    evaluated::project_told(request, &|text| say(args, text))
}

/// The environment of custom builds. Only those need somebody who ends them if we are killed.
fn commands(
    plan: &Plan,
    (request, here): (&Request, &Surroundings),
    kill: &CancellationToken,
) -> Result<Commands, Exit> {
    let is_custom = |it: &crate::build::graph::Planned| matches!(it.target.recipe, Recipe::Custom(_));
    let guard = match plan.images().iter().any(is_custom) {
        true => {
            let guard = Guard::start(Path::new("/proc/self/exe")).or_else(|_| Guard::start(&request.executable));
            let failed = |error| Exit::error(format!("cannot start the guard of child processes: {error}"));
            Some(Arc::new(guard.map_err(failed)?))
        }
        false => None,
    };
    Ok(Commands {
        injected: Some(down::injected(here)),
        guard,
        kill: kill.clone(),
    })
}

/// Builds and shows it. The first signal stops everything, the next one kills what does not end.
async fn to_the_end(
    args: &BuildArgs,
    builder: &Builder,
    (plan, terms): (&Plan, &Terms),
    kill: &CancellationToken,
) -> Result<(Result<(), Exit>, Results), Exit> {
    let mut signals = Signals::listen().map_err(|error| Exit::error(format!("cannot listen for signals: {error}")))?;
    let stop = CancellationToken::new();
    let (tell, told) = mpsc::unbounded_channel();
    let watcher: Watcher = Arc::new(move |image, news| {
        // Nobody listens any more only when nobody can be told.
        let _ = tell.send((image, news));
    });
    let building = {
        let stop = stop.clone();
        // The last watcher to go ends the show.
        async move { many::build(builder, plan.clone(), terms, &stop, &watcher).await }
    };
    let showing = Show::new(plan, args.place()).follow(told);
    let mut reason = None;
    let heeding = heed(&mut signals, &mut reason, (&stop, kill));
    let (results, shown) = tokio::select! {
        ended = async { tokio::join!(building, showing) } => ended,
        never = heeding => match never {},
    };
    output::written(shown)?;
    let outcome = match reason {
        Some(reason) => Err(Exit::error(format!("{reason}: not all images were built"))),
        None => Ok(()),
    };
    Ok((outcome, results))
}

async fn heed(
    signals: &mut Signals,
    reason: &mut Option<&'static str>,
    (stop, kill): (&CancellationToken, &CancellationToken),
) -> Infallible {
    *reason = Some(signals.next().await);
    stop.cancel();
    signals.next().await;
    kill.cancel();
    std::future::pending().await
}

fn write(args: &BuildArgs, report: &Report) -> Result<(), Exit> {
    let Some(file) = &args.output_json else { return Ok(()) };
    let text = report.json().map_err(Exit::error)?;
    match args.writes_to_stdout() {
        true => output::result(&text),
        false => replace(file, text.as_bytes()).map_err(Exit::error),
    }
}

/// Where lines go that are no result.
fn say(args: &BuildArgs, text: &str) -> Result<(), Exit> {
    match args.place() {
        Place::Stdout => output::result(&format!("{text}\n")),
        Place::Stderr => {
            output::say(text);
            Ok(())
        }
    }
}
