//! What updates deploy, and what is deleted again: objects made ready, sent to the cluster, and told of.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::deploy::custom::CustomDeploy;
use crate::deploy::hash::{self, Destination};
use crate::deploy::inject::{InjectError, Injected, prepare};
use crate::deploy::{self, Before, DeployError, Line, Mode, Order, Removal, Start};
use crate::engine::action::{Action, ApplyFact, Class, ClusterFact, UpdateOutcome};
use crate::engine::course::failure;
use crate::engine::effect::{Force, KubernetesDeploy, Merging, RemoveWork};
use crate::engine::logs::SpanWriter;
use crate::engine::perform::link::Live;
use crate::engine::perform::{Context, frame};
use crate::engine::state::Name;
use crate::model::command::Command;
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::settings::ServerSideApply;
use crate::model::workload::Source;
use crate::world::process::serve::Stop;

/// One run that applies something.
struct Run<'a> {
    update: u64,
    deploy: &'a KubernetesDeploy,
    live: Arc<Live>,
    log: &'a SpanWriter,
    context: &'a Context,
    stop: &'a Stop,
}

/// Why nothing, or not everything, was applied, and what is in the cluster nevertheless.
type Unfinished = (DeployError, Vec<ObjectRef>);

/// Deploys with the images that there are, by the name of their image map.
pub async fn kubernetes(
    (update, deploy): (u64, &KubernetesDeploy),
    images: &BTreeMap<Name, String>,
    log: &SpanWriter,
    (stop, context): (&Stop, &Context),
) -> UpdateOutcome {
    let live = match context.surroundings.link.live().await {
        Ok(live) => live,
        Err(error) => return UpdateOutcome::Failed(failure(error.to_string(), Class::Environment)),
    };
    let run = Run {
        update,
        deploy,
        live,
        log,
        context,
        stop,
    };
    run.tell(ApplyFact::Started);
    match run.apply(images).await {
        Ok(deployed) => {
            run.tell(ApplyFact::Done(deployed));
            UpdateOutcome::Done
        }
        Err((error, left)) => {
            let outcome = failed(&error, stop, context);
            let error = error.to_string();
            run.tell(ApplyFact::Failed { error, left });
            outcome
        }
    }
}

/// Who finds another cluster than the session's says so for all of it.
fn failed(error: &DeployError, stop: &Stop, context: &Context) -> UpdateOutcome {
    if matches!(error, DeployError::OtherCluster { .. }) {
        let error = error.to_string();
        context.tell(Action::Cluster(ClusterFact::Moved { error }));
    }
    outcome(error, stop)
}

fn outcome(error: &DeployError, stop: &Stop) -> UpdateOutcome {
    if matches!(error, DeployError::Cancelled) || stop.politely.is_cancelled() {
        return UpdateOutcome::Cancelled;
    }
    let class = match error.class() {
        deploy::Class::User => Class::User,
        deploy::Class::Environment => Class::Environment,
        deploy::Class::Internal => Class::Internal,
    };
    UpdateOutcome::Failed(failure(error.to_string(), class))
}

impl Run<'_> {
    fn tell(&self, fact: ApplyFact) {
        self.context.tell(Action::Applied {
            apply: Arc::clone(&self.deploy.apply),
            run: self.update,
            fact,
        });
    }

    async fn apply(&self, images: &BTreeMap<Name, String>) -> Result<Arc<Deployed>, Unfinished> {
        let injected = self.injected(images).map_err(|error| (error.into(), Vec::new()))?;
        let place = format!("{} {}", self.live.identity(), self.live.cluster.namespace());
        let destination = Destination {
            cluster: &place,
            mode: match self.deploy.merging {
                Merging::Here => ServerSideApply::Auto,
                Merging::Server => ServerSideApply::Always,
            },
        };
        match &self.deploy.source {
            Source::Yaml(yaml) => self.yaml(yaml, &injected, &destination).await,
            Source::Custom { apply, .. } => self.custom(apply, &injected, &destination).await,
        }
    }

    fn injected<'i>(&'i self, images: &'i BTreeMap<Name, String>) -> Result<Vec<Injected<'i>>, InjectError> {
        let built = &self.deploy.built;
        let images = self.deploy.images.iter().map(|(name, target)| {
            let known = images.get(name).map(String::as_str);
            let reference = known.or_else(|| built.get(name).map(|built| built.cluster.as_str()));
            let map = || name.as_ref().into();
            reference
                .map(|reference| Injected { target, reference })
                .ok_or_else(|| InjectError::NotBuilt { map: map() })
        });
        images.collect()
    }

    async fn yaml(
        &self,
        yaml: &str,
        images: &[Injected<'_>],
        destination: &Destination<'_>,
    ) -> Result<Arc<Deployed>, Unfinished> {
        let deploy = self.deploy;
        let prepared = prepare(yaml, &deploy.locators, images, destination);
        let prepared = prepared.map_err(|error| (error.into(), Vec::new()))?;
        if let Some(before) = deploy.before.as_ref().filter(|_| deploy.force == Force::No)
            && before.hash == prepared.hash
        {
            self.log
                .info(&frame::indented("Everything is in the cluster as it should be"));
            return Ok(Arc::clone(before));
        }
        let before = Deployed {
            objects: deploy.left.to_vec(),
            ..Deployed::default()
        };
        let order = Order {
            objects: &prepared.objects,
            hash: &prepared.hash,
            mode: match deploy.merging {
                Merging::Here => Mode::ClientSide,
                Merging::Server => Mode::ServerSide,
            },
            start: match deploy.force {
                Force::No => Start::WithWhatIsThere,
                Force::Replace => Start::Anew,
            },
            timeout: deploy.timeout,
            uid: self.live.uid.as_deref(),
            before: Some(&before),
            elsewhere: &deploy.elsewhere,
        };
        let say = |line: Line| say(self.log, &line);
        let applied = self.live.deployer.apply(&order, &self.stop.politely, &say).await;
        applied
            .map(Arc::new)
            .map_err(|unfinished| (unfinished.error, unfinished.left.objects))
    }

    /// A command that deploys says itself what it deployed.
    async fn custom(
        &self,
        command: &Command,
        images: &[Injected<'_>],
        destination: &Destination<'_>,
    ) -> Result<Arc<Deployed>, Unfinished> {
        let cluster = self.live.check().await;
        cluster.map_err(|error| (error, Vec::new()))?;
        let env = self.context.surroundings.env(&[]);
        let say = |line: Line| say(self.log, &line);
        let custom = CustomDeploy {
            images,
            env: &env,
            limit: self.deploy.timeout,
            guard: self.context.surroundings.guard.as_deref(),
            say: &say,
        };
        let objects = custom.apply(command, self.stop).await;
        let objects = objects.map_err(|error| (error, Vec::new()))?;
        let hash = hash::of_command(command, images, destination);
        let before = Before {
            // One that does not say what it deployed says nothing about what is not wanted any more.
            objects: if objects.is_empty() { &[] } else { &self.deploy.left },
            elsewhere: &self.deploy.elsewhere,
            timeout: self.deploy.timeout,
        };
        let adopted = self
            .live
            .deployer
            .adopt((&objects, &hash), &before, (&self.stop.politely, &say));
        let adopted = adopted.await;
        adopted.map(Arc::new).map_err(|error| (error, deploy::refs(&objects)))
    }
}

fn say(log: &SpanWriter, line: &Line) {
    let text = frame::indented(&line.text);
    match line.level {
        deploy::Level::Debug => {}
        deploy::Level::Info => log.info(&text),
        deploy::Level::Warn => log.warn(&text),
    }
}

/// Deletes what was deployed.
pub async fn remove(work: RemoveWork, stop: &Stop, context: &Context) -> UpdateOutcome {
    let log = context.span(&work.span);
    let live = match context.surroundings.link.live().await {
        Ok(live) => live,
        Err(error) => return UpdateOutcome::Failed(failure(error.to_string(), Class::Environment)),
    };
    let say = |line: Line| say(&log, &line);
    let outcome = match &work.delete {
        Some(command) if !command.is_empty() => {
            let env = context.surroundings.env(&[]);
            let custom = CustomDeploy {
                images: &[],
                env: &env,
                limit: work.timeout,
                guard: context.surroundings.guard.as_deref(),
                say: &say,
            };
            match live.check().await {
                Ok(()) => custom.delete(command, stop).await,
                Err(error) => Err(error),
            }
        }
        _ => delete(&work, &live, stop, &say).await,
    };
    match outcome {
        Ok(()) => UpdateOutcome::Done,
        Err(error) => failed(&error, stop, context),
    }
}

async fn delete(work: &RemoveWork, live: &Live, stop: &Stop, say: deploy::Say<'_>) -> Result<(), DeployError> {
    let is_ours = |object: &&ObjectRef| !work.elsewhere.iter().any(|other| other.may_be(object));
    let objects: Vec<ObjectRef> = work.objects.iter().filter(is_ours).cloned().collect();
    // A namespace may hold what is not ours.
    let (objects, namespaces) = deploy::without_namespaces(objects);
    if !namespaces.is_empty() {
        say(Line::info(format!(
            "Not deleting namespaces: {}",
            namespaces.join(", ")
        )));
    }
    let removal = Removal {
        timeout: work.timeout,
        is_waited_for: false,
        uid: live.uid.as_deref(),
    };
    live.deployer.delete(&objects, &removal, (&stop.politely, say)).await
}
