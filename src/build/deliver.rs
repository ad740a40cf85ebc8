//! After a build: the image goes where the cluster finds it.

use tokio_util::sync::CancellationToken;

use crate::build::{BuildError, Builder, Level, Order, Report, Reports};
use crate::model::built::Delivery;
use crate::model::image::Reference;
use crate::world::docker::{DockerError, RegistryAuth};
use crate::world::process::serve::{GRACE, Spec};
use crate::world::registry::RegistryError;

/// Does what the order says with the image of this name. Gives the digest of its manifest where it was pushed.
pub async fn deliver(
    builder: &Builder,
    order: &Order,
    name: &Reference,
    (stop, reports): (&CancellationToken, Reports<'_>),
) -> Result<Option<String>, BuildError> {
    let work = async {
        match &order.delivery {
            Delivery::Stay => Ok(None),
            Delivery::Push => push(builder, name, reports).await,
            Delivery::KindLoad { cluster } => {
                say(reports, "Loading image to KIND".to_owned());
                kind_load(builder, (name, cluster), stop, reports).await.map(|()| None)
            }
        }
    };
    tokio::select! {
        // Whoever stops a build wants it to end now; the engine gives up a push whose connection is gone.
        () = stop.cancelled(), if order.delivery == Delivery::Push => Err(BuildError::Cancelled),
        done = work => done,
    }
}

async fn push(builder: &Builder, name: &Reference, reports: Reports<'_>) -> Result<Option<String>, BuildError> {
    let id = format!("push {}", name.familiar());
    say(reports, "Pushing with Docker client".to_owned());
    let auth = builder.auth(name).await?;
    let mut last = String::new();
    let mut on_line = |line: &str| {
        // The engine says the same of every layer, again and again.
        if !line.is_empty() && line != last {
            line.clone_into(&mut last);
            reports(Report::Progress {
                id: id.clone(),
                text: line.to_owned(),
                is_last: false,
            });
        }
    };
    let pushed = builder.engine.push(name, &auth, &mut on_line).await;
    let digest = pushed.map_err(|source| refused(name, &auth, source))?;
    reports(Report::Progress {
        id,
        text: match &digest {
            Some(digest) => format!("Pushed {} ({digest})", name.familiar()),
            None => format!("Pushed {}", name.familiar()),
        },
        is_last: true,
    });
    Ok(digest)
}

/// What the engine says of a registry, in the words of whoever knows registries.
fn refused(name: &Reference, auth: &RegistryAuth, source: DockerError) -> BuildError {
    let told = match &source {
        DockerError::Refused { message, .. } => RegistryError::of_engine(message, name, auth),
        _ => None,
    };
    match told {
        Some(error) => BuildError::Registry {
            name: name.familiar(),
            error: Box::new(error),
        },
        None => BuildError::Push {
            name: name.familiar(),
            source,
        },
    }
}

/// By the program that made the cluster.
async fn kind_load(
    builder: &Builder,
    (name, cluster): (&Reference, &str),
    stop: &CancellationToken,
    reports: Reports<'_>,
) -> Result<(), BuildError> {
    let words = ["kind", "load", "docker-image", &name.familiar(), "--name", cluster];
    let spec = Spec {
        argv: words.map(str::to_owned).to_vec(),
        dir: std::path::PathBuf::new(),
        env: (*builder.env).clone(),
        grace: GRACE,
    };
    let exit = builder.commands.run(&spec, stop, reports).await;
    if exit.is_stopped {
        return Err(BuildError::Cancelled);
    }
    match exit.code {
        0 => Ok(()),
        _ => Err(BuildError::KindLoad {
            name: name.familiar(),
            cluster: cluster.to_owned(),
            reason: exit.reason,
        }),
    }
}

fn say(reports: Reports<'_>, text: String) {
    reports(Report::Line {
        level: Level::Info,
        text,
    });
}
