//! Starts what a session is made of, in order, runs it, and takes it down again.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::files::Listed;
use super::signals::Signals;
use super::{Plan, View, end, print};
use crate::build::Commands;
use crate::build::order::Publish;
use crate::build::{Reuse, Share};
use crate::cli::exit::Exit;
use crate::cli::session::args::UpdateMode;
use crate::cli::{tiltfile_args, version};
use crate::engine::handle::Handle;
use crate::engine::logs::query::Query;
use crate::engine::logs::{Config, Logs};
use crate::engine::perform::agents::{Agents, Approach};
use crate::engine::perform::builder::{Builders, DockerFrom};
use crate::engine::perform::cluster::Whereabouts;
use crate::engine::perform::link::Link;
use crate::engine::perform::{Performer, Surroundings};
use crate::engine::state::{Build, Mode, Session, State, WebAddress};
use crate::engine::store::{self, Store};
use crate::model::local_env::{Colour, Injected};
use crate::model::settings::CiSettings;
use crate::tiltfile::{Request, Timed};
use crate::ui::hud::{self, Display, HudOptions};
use crate::ui::style::Style;
use crate::ui::{explain, web};
use crate::world::apiconfig;
use crate::world::dirs::Dirs;
use crate::world::guard::Guard;
use crate::world::process::limit;
use crate::world::process::{self, Invocation};
use crate::world::token;
use crate::{api, cli};

/// Variables that turn off reports about the use of tilt, in this order. There are none to turn off.
const NO_ANALYTICS: [&str; 3] = ["TILT_DISABLE_ANALYTICS", "DO_NOT_TRACK", "CI"];

pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal() && tiltfile_args::shows_cursor()
}

pub async fn session(plan: Plan) -> Result<(), Exit> {
    let request = tiltfile_args::request(&plan.tiltfile, plan.subcommand, Timed::No)?;
    let dirs = Dirs::from_env(|name| request.environment.get(name).cloned()).map_err(Exit::error)?;
    // Each served resource takes a few open files.
    limit::raise_open_files();
    let logs = Logs::open(Config::below(dirs.state.join("logs"))).map_err(Exit::error)?;
    let store = Store::new(State::new(
        described(&plan, &request),
        &uuid::Uuid::new_v4().to_string(),
    ));
    let handle = store.handle();
    let outcome = match Servers::start(&plan, &request, &dirs, (&handle, &logs)).await {
        Ok(servers) => {
            let outcome = run(plan, request, store, (&logs, &servers)).await;
            servers.stop().await;
            outcome
        }
        Err(exit) => Err(exit),
    };
    // Its folder goes with it, also where nothing was ever logged.
    logs.close().await;
    outcome
}

async fn run(plan: Plan, request: Request, store: Store, (logs, servers): (&Logs, &Servers)) -> Result<(), Exit> {
    let handle = store.handle();
    let mut performer = performer(&plan, request, &store, logs)?;
    if plan.mode != Mode::Ci {
        performer.watch_files(plan.settle.clone()).map_err(Exit::error)?;
    }
    let kill = performer.kill_switch();
    let signals = Signals::listen().map_err(|error| Exit::error(format!("cannot listen for signals: {error}")))?;
    let tracker = TaskTracker::new();
    let over = CancellationToken::new();
    let watching = tracker.spawn(signals.watch(handle.clone(), kill.clone()));
    say_hello(&plan, servers, logs);
    let shown = tracker.spawn(show(
        plan.view,
        plan.filter.clone(),
        (handle.clone(), logs.clone()),
        over.clone(),
    ));
    if !plan.objects.is_empty() {
        tracker.spawn(cli::verbs::apply_files(
            plan.objects.clone(),
            plan.serve.port,
            logs.span("updog", ""),
        ));
    }
    // The second signal must be heard while the first one is being obeyed.
    let ended = tokio::select! {
        () = store.run(&mut performer) => end::drained(performer, &handle, &kill).await,
        () = end::impatient(&handle, &kill) => end::Drain::Killed,
    };
    over.cancel();
    // A panic there has been printed, and there is nothing left to show.
    let _ = shown.await;
    watching.abort();
    end::finish(&plan, &handle.snapshot(), logs, ended)
}

fn described(plan: &Plan, request: &Request) -> Session {
    let web = (plan.serve.port != 0).then(|| WebAddress {
        host: plan.serve.host.clone(),
        port: plan.serve.port,
    });
    Session {
        mode: plan.mode,
        pid: i64::from(std::process::id()),
        started: store::now(),
        tiltfile: request.tiltfile.clone(),
        args: request.args.clone(),
        build: Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            date: env!("TILT_BUILD_DATE").to_owned(),
            dev: cfg!(debug_assertions),
        },
        web,
        timeout: plan.timeout,
        ci: CiSettings::default(),
        reuse: match plan.images.no_cache {
            true => Reuse::Nothing,
            false => Reuse::Inputs,
        },
        forwards_ports: plan.forwards_ports,
        updates_live: plan.update_mode != UpdateMode::Image,
        ending: None,
        outcome: None,
        clear_since: None,
        fatal: None,
    }
}

fn performer(plan: &Plan, request: Request, store: &Store, logs: &Logs) -> Result<Performer, Exit> {
    let guard = Guard::start(Path::new("/proc/self/exe")).or_else(|_| Guard::start(&request.executable));
    let guard = guard.map_err(|error| Exit::error(format!("cannot start the guard of child processes: {error}")))?;
    let colour = match tiltfile_args::style() {
        Style::Colour => Colour::On,
        Style::Plain => Colour::Off,
    };
    let injected = Injected {
        host: plan.serve.host.clone(),
        port: plan.serve.port,
        kubeconfig: None,
        colour,
    };
    let mut request = request;
    let environment = request.environment.clone();
    // What a Tiltfile runs must find this instance, as what it declares does.
    for (name, value) in [
        ("TILT_HOST", injected.host.clone()),
        ("TILT_PORT", injected.port.to_string()),
    ] {
        request.environment.entry(name.to_owned()).or_insert(value);
    }
    let dirs = Dirs::from_env(|name| environment.get(name).cloned()).map_err(Exit::error)?;
    let guard = Arc::new(guard);
    let sources = request.kubeconfig();
    // What a session was started with stays what it uses.
    let name = match plan.serve.port {
        // Sessions without a port of their own may be many.
        0 => format!("tilt-{}", std::process::id()),
        port => apiconfig::server_name(port),
    };
    let file = dirs.frozen_kubeconfig(&name, "default");
    let link = Arc::new(Link::pin(&sources, &file, Arc::new(environment.clone())));
    let mut injected = injected;
    injected.kubeconfig = link.file();
    if let Some(file) = link.file() {
        let file = file.to_string_lossy().into_owned();
        request.environment.insert("KUBECONFIG".to_owned(), file);
        request.pinned = link.context().cloned().map(Arc::new);
    }
    let whereabouts = Arc::new(Whereabouts::new(Arc::clone(&link), Arc::new(environment.clone())));
    let share = Share {
        repository: plan.images.share.clone().unwrap_or_default(),
        publish: match plan.mode {
            Mode::Ci => Publish::Always,
            Mode::Up | Mode::Objects => Publish::Never,
        },
    };
    let docker = DockerFrom {
        whereabouts: Arc::clone(&whereabouts),
        folder: dirs.images(),
        commands: Commands {
            injected: Some(injected.clone()),
            guard: Some(Arc::clone(&guard)),
            ..Commands::default()
        },
    };
    let surroundings = Surroundings {
        request,
        builders: Builders::new(docker),
        whereabouts,
        link,
        agents: Arc::new(Agents::new(approach(plan.update_mode))),
        share,
        detail: plan.detail,
        environment,
        injected,
        guard: Some(guard),
    };
    Ok(Performer::new(
        store.handle(),
        store.answers(),
        logs.clone(),
        surroundings,
    ))
}

fn approach(mode: UpdateMode) -> Approach {
    match mode {
        UpdateMode::Auto | UpdateMode::Image => Approach::Auto,
        UpdateMode::Container => Approach::Engine,
        UpdateMode::Exec => Approach::Cluster,
    }
}

fn say_hello(plan: &Plan, servers: &Servers, logs: &Logs) {
    if plan.mode == Mode::Objects {
        return;
    }
    let address = match &servers.web {
        Some(web) => {
            let note = match plan.serve.host.as_str() {
                "0.0.0.0" => " (listening on 0.0.0.0)",
                _ => "",
            };
            format!(
                "http://{}:{}/{note}",
                shown_host(&plan.serve.host),
                web.address().port()
            )
        }
        None => "(without browser UI)".to_owned(),
    };
    let green = tiltfile_args::stdout_style().green(&format!("Tilt started on {address}"));
    // Whoever does not read our output has not asked for this either.
    let _ = cli::output::result(&format!("{green}\n{}\n", version::stamp()));
    if let Some(reason) = analytics_off() {
        logs.span("", "")
            .info(&format!("Tilt analytics disabled: Environment variable {reason}"));
    }
}

/// A browser cannot open the address that means all addresses.
fn shown_host(host: &str) -> &str {
    match host {
        "0.0.0.0" => "127.0.0.1",
        other => other,
    }
}

fn analytics_off() -> Option<String> {
    NO_ANALYTICS.iter().find_map(|name| {
        let value = tiltfile_args::variable(name).filter(|value| !value.is_empty())?;
        Some(format!("{name}={value}"))
    })
}

/// Shows what goes on until it is over: a live view at the end of a terminal, or the log as a stream.
async fn show(view: View, filter: Query, (handle, logs): (Handle, Logs), over: CancellationToken) {
    let style = tiltfile_args::stdout_style();
    if view == View::Stream {
        return print::stream(logs, filter, style, over).await;
    }
    let options = HudOptions {
        prefix: print::prefix(&filter),
        browse: Some(Box::new(browse)),
        ..HudOptions::new(Display::Live, style)
    };
    if let Err(error) = hud::run(handle, logs, options, over).await {
        cli::output::say(format_args!("The live view ended: {error}"));
    }
}

/// Opens the page in whatever the desktop opens pages with.
fn browse(address: &str) {
    let invocation = Invocation {
        argv: vec!["xdg-open".to_owned(), address.to_owned()],
        dir: "/".into(),
        env: tiltfile_args::environment(),
        ..Invocation::default()
    };
    // Some openers run as long as the browser does; where there is none, the address stands on the screen.
    std::thread::spawn(move || drop(process::capture(&invocation)));
}

/// What others reach the session by.
pub struct Servers {
    pub web: Option<web::Running>,
    api: api::Running,
    listed: Listed,
}

impl Servers {
    async fn start(
        plan: &Plan,
        request: &Request,
        dirs: &Dirs,
        (handle, logs): (&Handle, &Logs),
    ) -> Result<Servers, Exit> {
        let variable = |name: &str| request.environment.get(name).cloned();
        let web = match plan.serve.port {
            0 => None,
            port => {
                let token = token::read_or_make(&dirs.settings).map_err(Exit::error)?;
                let options = web::Options {
                    host: plan.serve.host.clone(),
                    auth: match variable("TILT_DISABLE_HUD_AUTH").as_deref() {
                        Some("1") => web::Auth::Nothing,
                        _ => web::Auth::Token,
                    },
                    analytics_choice: Some(dirs.settings.join("analytics/user/choice.txt")),
                    ..web::Options::new(port, token)
                };
                Some(
                    web::serve(handle.clone(), logs.clone(), options)
                        .await
                        .map_err(Exit::error)?,
                )
            }
        };
        let options = api::Options {
            name: apiconfig::server_name(plan.serve.port),
            certs: dirs.cache.join("certs"),
            token: token::fresh(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            explain: Some(Arc::new(explain::explain)),
        };
        let api = api::serve(handle.clone(), options).await.map_err(Exit::error)?;
        let config = apiconfig::place(variable("TILT_CONFIG").as_deref(), &dirs.settings);
        let listed = Listed::add(config, api.entry.clone()).await.map_err(Exit::error)?;
        Ok(Servers { web, api, listed })
    }

    async fn stop(self) {
        self.listed.remove().await;
        if let Some(web) = self.web {
            web.stop().await;
        }
        self.api.shutdown().await;
    }
}
