//! `tilt create`: objects from files, or from words.

use super::args::{Create, DryRun, Generator, Made, Print, Validate};
use super::editor::{self, Ending};
use super::report::{Report, refusal};
use super::selector::is_selected;
use super::source::Written;
use super::surroundings::Surroundings;
use super::{generate, input, last_applied, source};
use crate::cli::args::print_usage;
use crate::cli::client::{Client, Write};
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::object::strict;
use crate::model::tree::Tree;
use crate::model::yaml;

/// What creating an object takes besides the object.
struct Creation<'a> {
    client: Option<Client>,
    dry_run: DryRun,
    validate: Validate,
    save_config: bool,
    print: &'a Print,
}

pub async fn run(args: &Create, here: &Surroundings) -> Result<(), Exit> {
    if let Some(generator) = &args.generator {
        return generated(generator, here).await;
    }
    if !args.files.are_given() {
        print_usage("create")?;
        return Err(Exit::error("must specify one of -f and -k"));
    }
    let mut written = input::objects(&args.files, here).await?;
    written.retain(|written| is_selected(&written.object, &args.selector));
    if written.is_empty() {
        return Err(refusal("no objects passed to create"));
    }
    if args.edit {
        let ending = if args.windows_line_endings {
            Ending::Windows
        } else {
            Ending::Unix
        };
        written = edited(written, ending, here)?;
    }
    let creation = Creation {
        client: client(args.rehearse.dry_run, || here.client(&args.connection))?,
        dry_run: args.rehearse.dry_run,
        validate: args.validation.validate,
        save_config: args.save_config,
        print: &args.print,
    };
    creation.run(&written, here).await
}

/// A dry run of ours asks nobody.
fn client(dry_run: DryRun, make: impl FnOnce() -> Result<Client, Exit>) -> Result<Option<Client>, Exit> {
    (dry_run != DryRun::Client).then(make).transpose()
}

async fn generated(generator: &Generator, here: &Surroundings) -> Result<(), Exit> {
    let (object, made): (Tree, &Made) = match generator {
        Generator::Cmd(args) => (generate::cmd(args, &here.here), &args.made),
        Generator::FileWatch(args) => (generate::file_watch(args, &here.here), &args.made),
        Generator::Repo(args) => (generate::repo(args), &args.made),
        Generator::Ext(args) => (generate::ext(args), &args.made),
    };
    let written = source::objects("", &yaml::json::compact(&object)).map_err(refusal)?;
    let creation = Creation {
        client: client(made.rehearse.dry_run, || here.client(&made.connection))?,
        dry_run: made.rehearse.dry_run,
        validate: made.validation.validate,
        save_config: made.save_config,
        print: &made.print,
    };
    creation.run(&written, here).await
}

impl Creation<'_> {
    async fn run(&self, written: &[Written], here: &Surroundings) -> Result<(), Exit> {
        let mut report = Report::new(self.print, self.dry_run, here)?;
        for written in written {
            match self.one(written).await {
                Ok(object) => report.done(&object, "created")?,
                Err(error) => report.failed(error),
            }
        }
        report.end()
    }

    async fn one(&self, written: &Written) -> Result<Tree, String> {
        check(written, self.validate)?;
        let object = match self.save_config {
            true => last_applied::annotated(&written.object),
            false => written.object.clone(),
        };
        let Some(client) = &self.client else {
            return Ok(object);
        };
        let write = Write {
            manager: "kubectl-create",
            is_dry: self.dry_run == DryRun::Server,
            validation: in_query(self.validate),
            ..Write::default()
        };
        let created = client.create(written.kind, &object, &write).await;
        created.map_err(|error| {
            match written.source.as_str() {
                "" => error.while_creating(),
                source => error.while_doing("creating", source),
            }
            .to_string()
        })
    }
}

/// What the kind does not know about the object, before anything is sent.
pub fn check(written: &Written, validate: Validate) -> Result<(), String> {
    let faults = match validate {
        Validate::Ignore => Vec::new(),
        Validate::Strict | Validate::Warn => strict::faults(written.kind, &written.object),
    };
    match (faults.as_slice(), validate) {
        ([], _) => Ok(()),
        (faults, Validate::Warn) => {
            faults
                .iter()
                .for_each(|fault| output::say(format_args!("Warning: {fault}")));
            Ok(())
        }
        (faults, _) => Err(format!(
            "error: error validating {:?}: error validating data: {}; if you choose to ignore these errors, turn validation off with --validate=false",
            written.source,
            listed(faults)
        )),
    }
}

fn listed(faults: &[String]) -> String {
    match faults {
        [fault] => fault.clone(),
        faults => format!("[{}]", faults.join(", ")),
    }
}

pub fn in_query(validate: Validate) -> &'static str {
    match validate {
        Validate::Strict => "Strict",
        Validate::Warn => "Warn",
        Validate::Ignore => "Ignore",
    }
}

/// The objects as a person left them in the editor.
fn edited(written: Vec<Written>, ending: Ending, here: &Surroundings) -> Result<Vec<Written>, Exit> {
    let text = yaml::emit_all(written.iter().map(|written| &written.object));
    let text = editor::HEADER.to_owned() + &text;
    match editor::edit(&text, ending, here)? {
        Some(changed) => source::objects("edited", &changed).map_err(refusal),
        None => Err(Exit::verbatim("Edit cancelled, no objects to create.")),
    }
}
