//! `tilt patch`: fields of objects, changed.

use super::args::{DryRun, Patch};
use super::report::{Report, refusal};
use super::select::{self, BareKinds, Named, Which};
use super::surroundings::Surroundings;
use crate::cli::client::{Accept, Client, PatchType, Selection, Write};
use crate::cli::exit::Exit;
use crate::model::merge;
use crate::model::tree::Tree;
use crate::model::yaml::{self, json};
use crate::ui::print::without_managed_fields;
use crate::world::files;

pub async fn run(args: &Patch, here: &Surroundings) -> Result<(), Exit> {
    let patch_type = match args.patch_type.to_ascii_lowercase().as_str() {
        "json" => PatchType::Json,
        "merge" => PatchType::Merge,
        "strategic" => PatchType::Strategic,
        other => {
            return Err(refusal(format!(
                "--type must be one of [json merge strategic], not {other:?}"
            )));
        }
    };
    if args.what.is_empty() && !args.files.are_given() {
        return Err(refusal(select::NOTHING_NAMED));
    }
    let patching = Patching {
        args,
        patch_type,
        patch: patch(args, here)?,
        client: match args.local {
            true => None,
            false => Some(here.client(&args.connection)?),
        },
    };
    let which = Which {
        what: &args.what,
        files: &args.files,
        selection: Selection::default(),
        bare_kinds: BareKinds::AreRefused,
    };
    let mut report = Report::new(&args.print, args.rehearse.dry_run, here)?;
    for named in select::gather(&which, patching.client.as_ref(), here).await? {
        match patching.one(&named).await {
            Ok((object, true)) => report.done(&object, "patched")?,
            Ok((object, false)) => report.done(&object, "patched (no change)")?,
            Err(exit) => report.failed(exit),
        }
    }
    report.end()
}

/// The patch, written as JSON or as YAML.
fn patch(args: &Patch, here: &Surroundings) -> Result<Tree, Exit> {
    let text = match &args.patch_file {
        Some(path) => files::read_text(&here.path(path))
            .map_err(|error| refusal(format!("unable to read patch file: {error}")))?,
        None => args.patch.clone(),
    };
    if text.is_empty() {
        return Err(refusal(
            "must specify --patch or --patch-file containing the contents of the patch",
        ));
    }
    if let Some(patch) = json::parse(&text) {
        return Ok(patch);
    }
    yaml::parse_one(&text).map_err(|error| refusal(format!("unable to parse {text:?}: {error}")))
}

struct Patching<'a> {
    args: &'a Patch,
    patch_type: PatchType,
    patch: Tree,
    client: Option<Client>,
}

impl Patching<'_> {
    /// The object, and whether the patch changed anything.
    async fn one(&self, named: &Named) -> Result<(Tree, bool), Exit> {
        let Some(client) = &self.client else {
            let before = named
                .object
                .clone()
                .ok_or_else(|| refusal("--local needs --filename"))?;
            return self.rehearsed(before);
        };
        let before = client.get(named.kind, &named.name, Accept::Objects).await?;
        if self.args.rehearse.dry_run == DryRun::Client {
            return self.rehearsed(before);
        }
        let write = Write {
            manager: &self.args.field_manager,
            is_dry: self.args.rehearse.dry_run == DryRun::Server,
            subresource: &self.args.subresource,
            ..Write::default()
        };
        let patch = (self.patch_type, json::compact(&self.patch));
        let after = client.patch(named.kind, &named.name, patch, &write).await?;
        let has_changed = without_managed_fields(before) != without_managed_fields(after.clone());
        Ok((after, has_changed))
    }

    /// What the patch makes of an object, without the server. Our kinds have no lists that merge by key, so a strategic patch
    /// merges as any other.
    fn rehearsed(&self, before: Tree) -> Result<(Tree, bool), Exit> {
        let after = match self.patch_type {
            PatchType::Json => operations(&before, &self.patch)?,
            _ => merge::apply(&before, &self.patch),
        };
        let has_changed = after != before;
        Ok((after, has_changed))
    }
}

/// A JSON patch (RFC 6902), applied.
fn operations(object: &Tree, patch: &Tree) -> Result<Tree, Exit> {
    let unreadable = |error: serde_json::Error| refusal(format!("unable to parse the patch: {error}"));
    let patch: json_patch::Patch = serde_json::from_str(&json::compact(patch)).map_err(unreadable)?;
    let mut value: serde_json::Value = serde_json::from_str(&json::compact(object)).map_err(unreadable)?;
    json_patch::patch(&mut value, &patch).map_err(|error| refusal(format!("the patch does not apply: {error}")))?;
    json::parse(&value.to_string()).ok_or_else(|| refusal("the patched object is not JSON"))
}
