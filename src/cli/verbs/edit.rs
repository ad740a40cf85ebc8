//! `tilt edit`: objects in an editor; what a person changed is sent, and what is refused is shown to him again.

use super::args::{DryRun, Edit};
use super::create::{check, in_query};
use super::editor::{self, Ending};
use super::last_applied;
use super::report::{Report, refusal};
use super::select::{self, BareKinds, Named, Which};
use super::source;
use super::surroundings::Surroundings;
use crate::cli::client::{Client, PatchType, Selection, Write};
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::merge;
use crate::model::tree::Tree;
use crate::model::yaml::{self, json};
use crate::ui::print::without_managed_fields;

pub async fn run(args: &Edit, here: &Surroundings) -> Result<(), Exit> {
    if args.what.is_empty() && !args.files.are_given() {
        return Err(refusal(select::NOTHING_NAMED));
    }
    let client = here.client(&args.connection)?;
    let which = Which {
        what: &args.what,
        files: &args.files,
        selection: Selection::default(),
        bare_kinds: BareKinds::MeanAll,
    };
    let mut report = Report::new(&Default::default(), DryRun::None, here)?;
    let named = select::gather(&which, Some(&client), here).await?;
    if named.is_empty() {
        return Err(refusal("edit cancelled, no objects found"));
    }
    for named in &named {
        let original = without_managed_fields(named.fetch(&client).await?);
        let editing = Editing {
            args,
            client: &client,
            named,
            original,
        };
        match editing.until_accepted(here).await? {
            Some(object) => report.done(&object, "edited")?,
            None => output::say("Edit cancelled, no changes made."),
        }
    }
    report.end()
}

struct Editing<'a> {
    args: &'a Edit,
    client: &'a Client,
    named: &'a Named,
    original: Tree,
}

impl Editing<'_> {
    /// The object as the server took it, or nothing if nothing was changed.
    async fn until_accepted(&self, here: &Surroundings) -> Result<Option<Tree>, Exit> {
        let unchanged = self.written(&self.original);
        let ending = if self.args.windows_line_endings {
            Ending::Windows
        } else {
            Ending::Unix
        };
        let mut shown = format!("{}{unchanged}", editor::HEADER);
        let mut refused: Option<(String, String)> = None;
        loop {
            let Some(text) = editor::edit(&shown, ending, here)? else {
                return Err(Exit::verbatim("Edit cancelled, saved file was empty."));
            };
            if text.trim_end() == unchanged.trim_end() {
                return Ok(None);
            }
            if let Some((before, problem)) = refused.filter(|(before, _)| *before == text) {
                output::say(&problem);
                return Err(self.given_up(&before));
            }
            match self.send(&text).await {
                Ok(object) => return Ok(object),
                Err(problem) => {
                    shown = format!("{}{}{text}", editor::HEADER, self.comment(&problem));
                    refused = Some((text, problem));
                }
            }
        }
    }

    fn written(&self, object: &Tree) -> String {
        match self.args.print.output.as_str() {
            "json" => json::pretty(object) + "\n",
            _ => yaml::emit(object),
        }
    }

    fn comment(&self, problem: &str) -> String {
        let mut comment = format!("# {} {:?} was not valid:\n", self.named.kind.plural, self.named.name);
        for line in problem.lines() {
            comment.push_str(&format!("# * {line}\n"));
        }
        comment + "#\n"
    }

    /// The text is kept for whoever typed it.
    fn given_up(&self, text: &str) -> Exit {
        let kept = tempfile::Builder::new().prefix("tilt-edit-").suffix(".yaml").tempfile();
        let kept = kept.and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.keep().map_err(|error| error.error)
        });
        if let Ok((_, path)) = kept {
            output::say(format_args!(
                "A copy of your changes has been stored to \"{}\"",
                path.display()
            ));
        }
        refusal("Edit cancelled, no valid changes were saved.")
    }

    /// Sends what was changed; nothing if it means the same as before.
    async fn send(&self, text: &str) -> Result<Option<Tree>, String> {
        let source = self.named.source.as_deref().unwrap_or("edited");
        let written = source::objects(source, text).map_err(|error| format!("error: {error}"))?;
        let [written] = written.as_slice() else {
            return Err("error: the file must hold exactly one object".to_owned());
        };
        if written.name != self.named.name || !std::ptr::eq(written.kind, self.named.kind) {
            return Err("error: At least one of apiVersion, kind and name was changed".to_owned());
        }
        check(written, self.args.validation.validate)?;
        let changed = match self.args.save_config {
            true => last_applied::annotated(&written.object),
            false => written.object.clone(),
        };
        let patch = merge::difference(&self.original, &changed);
        if patch.is_empty() {
            return Ok(None);
        }
        let patch = json::compact(&Tree::Map(patch));
        if self.args.output_patch {
            output::say(format_args!("Patch: {patch}"));
        }
        let write = Write {
            manager: &self.args.field_manager,
            validation: in_query(self.args.validation.validate),
            ..Write::default()
        };
        let sent = self
            .client
            .patch(self.named.kind, &self.named.name, (PatchType::Merge, patch), &write)
            .await;
        sent.map(Some).map_err(|error| error.to_string())
    }
}
