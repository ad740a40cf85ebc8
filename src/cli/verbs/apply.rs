//! `tilt apply`: objects become what files say; what others wrote about them stays.

use std::collections::BTreeSet;

use super::args::{Apply, DryRun};
use super::create::{check, in_query};
use super::report::{Report, refusal};
use super::selector::is_selected;
use super::source::Written;
use super::surroundings::Surroundings;
use super::wait::within;
use super::{delete, input, last_applied, select};
use crate::cli::client::{Accept, Client, ClientError, PatchType, Selection, Write};
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::object::{KINDS, Kind};
use crate::model::tree::Tree;
use crate::model::yaml::json;

pub async fn run(args: &Apply, here: &Surroundings) -> Result<(), Exit> {
    if !args.files.are_given() {
        return Err(refusal("must specify one of -f and -k"));
    }
    if args.prune && args.selector.is_empty() && !args.all {
        return Err(refusal(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
        ));
    }
    if args.server_side && args.rehearse.dry_run == DryRun::Client {
        return Err(refusal(
            "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)",
        ));
    }
    if args.force_conflicts && !args.server_side {
        return Err(refusal("--force-conflicts only works with --server-side"));
    }
    let mut written = input::objects(&args.files, here).await?;
    written.retain(|written| is_selected(&written.object, &args.selector));
    if written.is_empty() {
        return Err(refusal("no objects passed to apply"));
    }
    let applying = Applying {
        args,
        client: here.client(&args.connection)?,
    };
    let mut report = Report::new(&args.print, args.rehearse.dry_run, here)?;
    let mut kept = BTreeSet::new();
    for written in &written {
        kept.insert((written.kind.plural, written.name.clone()));
        match applying.one(written).await {
            Ok((object, what)) => report.done(&object, what)?,
            Err(error) => report.failed(error),
        }
    }
    if args.prune {
        applying.prune(&kept, &mut report).await?;
    }
    report.end()
}

struct Applying<'a> {
    args: &'a Apply,
    client: Client,
}

impl Applying<'_> {
    fn write(&self) -> Write<'_> {
        Write {
            manager: match (self.args.server_side, self.args.field_manager.as_str()) {
                (true, "kubectl-client-side-apply") => "kubectl",
                (_, manager) => manager,
            },
            is_dry: self.args.rehearse.dry_run == DryRun::Server,
            validation: in_query(self.args.validation.validate),
            forces: self.args.server_side && self.args.force_conflicts,
            subresource: if self.args.server_side {
                &self.args.subresource
            } else {
                ""
            },
        }
    }

    async fn one(&self, written: &Written) -> Result<(Tree, &'static str), String> {
        check(written, self.args.validation.validate)?;
        if self.args.server_side {
            let patch = (PatchType::Apply, json::compact(&written.object));
            let applied = self
                .client
                .patch(written.kind, &written.name, patch, &self.write())
                .await;
            return applied
                .map(|object| (object, "serverside-applied"))
                .map_err(|error| error.to_string());
        }
        match self.client.get(written.kind, &written.name, Accept::Objects).await {
            Ok(current) => self.change(written, current).await,
            Err(error) if error.is_not_found() => self.create(written).await,
            Err(error) => Err(error
                .while_doing("retrieving current configuration of", &written.source)
                .to_string()),
        }
    }

    async fn create(&self, written: &Written) -> Result<(Tree, &'static str), String> {
        let object = last_applied::annotated(&written.object);
        if self.args.rehearse.dry_run == DryRun::Client {
            return Ok((object, "created"));
        }
        let created = self.client.create(written.kind, &object, &self.write()).await;
        created
            .map(|object| (object, "created"))
            .map_err(|error| error.while_doing("creating", &written.source).to_string())
    }

    async fn change(&self, written: &Written, current: Tree) -> Result<(Tree, &'static str), String> {
        if last_applied::noted(&current).is_none() {
            output::say(format_args!(
                "Warning: resource {} is missing the {} annotation which is required by tilt apply. tilt apply should only be used on resources created declaratively by either tilt create --save-config or tilt apply. The missing annotation will be patched automatically.",
                format_args!("{}/{}", written.kind.plural, written.name),
                last_applied::ANNOTATION
            ));
        }
        if self.args.rehearse.dry_run == DryRun::Client {
            return Ok((current, "configured"));
        }
        let patch = last_applied::patch(&written.object, &current);
        if patch.is_empty() {
            return Ok((current, "unchanged"));
        }
        let patch = (PatchType::Merge, json::compact(&Tree::Map(patch)));
        match self
            .client
            .patch(written.kind, &written.name, patch, &self.write())
            .await
        {
            Ok(object) => Ok((object, "configured")),
            Err(error) if self.args.force && is_refused(&error) => self.replace(written).await,
            Err(error) => Err(error.while_doing("applying patch:\nto", &written.source).to_string()),
        }
    }

    /// Deletes the object and creates it as it is written.
    async fn replace(&self, written: &Written) -> Result<(Tree, &'static str), String> {
        let deleted = self
            .client
            .delete(
                written.kind,
                &written.name,
                &delete::options(Some(0), "Background", false),
            )
            .await;
        deleted.map_err(|error| error.to_string())?;
        let limit = delete::timeout(&self.args.timeout).map_err(|exit| exit.to_string())?;
        let gone = delete::gone(&self.client, written.kind, &written.name, None);
        match within(limit, gone).await {
            Some(gone) => gone.map_err(|error| error.to_string())?,
            None => {
                return Err(format!(
                    "error: timed out waiting for {}/{}",
                    written.kind.plural, written.name
                ));
            }
        }
        self.create(written).await.map(|(object, _)| (object, "configured"))
    }

    /// Deletes what was applied once and is not among what is kept.
    async fn prune(&self, kept: &BTreeSet<(&str, String)>, report: &mut Report) -> Result<(), Exit> {
        let selection = Selection {
            labels: self.args.selector.clone(),
            fields: String::new(),
        };
        for kind in KINDS.into_iter().filter(|kind| self.may_prune(kind)) {
            for named in select::listed(&self.client, kind, &selection).await? {
                let object = named.object.unwrap_or_default();
                let applied = last_applied::noted(&object).is_some();
                if !applied || kept.contains(&(kind.plural, named.name.clone())) {
                    continue;
                }
                let dry_run = self.args.rehearse.dry_run;
                if dry_run != DryRun::Client {
                    let options = delete::options(None, "Background", dry_run == DryRun::Server);
                    self.client.delete(kind, &named.name, &options).await?;
                }
                report.done(&object, "pruned")?;
            }
        }
        Ok(())
    }

    fn may_prune(&self, kind: &Kind) -> bool {
        let allowed = &self.args.prune_allowlist;
        let name = format!("tilt.dev/v1alpha1/{}", kind.name);
        allowed.is_empty() || allowed.contains(&name)
    }
}

/// What `--force` gets around.
fn is_refused(error: &ClientError) -> bool {
    error.is_conflict() || error.status().is_some_and(|status| status.reason == "Invalid")
}
