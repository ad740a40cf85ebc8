//! `tilt delete`: objects go, and the command stays until they are gone.

use std::io::{BufRead, Write};
use std::time::Duration;

use hyper::Method;

use super::args::{Delete, DryRun};
use super::report::{self, refusal, text_at};
use super::select::{self, BareKinds, Named, Which};
use super::surroundings::Surroundings;
use super::wait::within;
use crate::cli::client::{Accept, Client, ClientError, Event, Selection};
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::duration;
use crate::model::object::Kind;
use crate::model::tree::{Map, Tree};

pub async fn run(args: &Delete, here: &Surroundings) -> Result<(), Exit> {
    if !args.raw.is_empty() {
        if !args.raw.starts_with('/') {
            return Err(refusal(format!(
                "--raw must be a valid URL path: {:?} begins without a slash",
                args.raw
            )));
        }
        let client = here.client(&args.connection)?;
        let answer = client.raw(Method::DELETE, &args.raw).await?;
        return output::result(&String::from_utf8_lossy(&answer));
    }
    check(args)?;
    let client = here.client(&args.connection)?;
    let which = Which {
        what: &args.what,
        files: &args.files,
        selection: Selection {
            labels: args.selector.clone(),
            fields: args.field_selector.clone(),
        },
        bare_kinds: if args.all {
            BareKinds::MeanAll
        } else {
            BareKinds::AreRefused
        },
    };
    let named = select::gather(&which, Some(&client), here).await?;
    if named.is_empty() {
        return output::result("No resources found\n");
    }
    if args.interactive && !is_confirmed(&named)? {
        return output::result("deletion is cancelled\n");
    }
    if args.force {
        output::say(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.",
        );
    }
    let deleting = Deleting { args, client };
    let mut errors = Vec::new();
    let mut deleted = Vec::new();
    for named in named {
        match deleting.one(&named).await {
            Ok(Some(uid)) => deleted.push((named, uid)),
            Ok(None) => {}
            Err(error) => errors.push(error.to_string()),
        }
    }
    if args.wait && args.rehearse.dry_run == DryRun::None {
        deleting.wait(&deleted, &mut errors).await?;
    }
    report::end(errors)
}

fn check(args: &Delete) -> Result<(), Exit> {
    if args.what.is_empty() && !args.files.are_given() {
        return Err(refusal(select::NOTHING_NAMED));
    }
    if args.all && !args.selector.is_empty() {
        return Err(refusal("cannot set --all and --selector at the same time"));
    }
    if args.all && !args.field_selector.is_empty() {
        return Err(refusal("cannot set --all and --field-selector at the same time"));
    }
    if args.now && args.grace_period >= 0 {
        return Err(refusal("--now and --grace-period cannot be specified together"));
    }
    if !matches!(args.output.as_str(), "" | "name") {
        return Err(refusal(format!(
            "unexpected -o output mode: {}. We only support '-o name'",
            args.output
        )));
    }
    cascade(&args.cascade).map(|_| ())
}

/// Which propagation a word means.
fn cascade(word: &str) -> Result<&'static str, Exit> {
    match word {
        "background" | "true" => Ok("Background"),
        "orphan" | "false" => Ok("Orphan"),
        "foreground" => Ok("Foreground"),
        other => Err(refusal(format!(
            "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
        ))),
    }
}

fn is_confirmed(named: &[Named]) -> Result<bool, Exit> {
    let mut text = format!("You are about to delete the following {} resource(s):\n", named.len());
    for named in named {
        text.push_str(&format!("{}.tilt.dev/{}\n", named.kind.singular(), named.name));
    }
    text.push_str("Do you want to continue? (y/N): ");
    output::result(&text)?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| refusal(format!("cannot read the answer: {error}")))?;
    // So that what follows begins a line of its own where nobody pressed the key.
    let shown = if answer.ends_with('\n') {
        Ok(())
    } else {
        writeln!(std::io::stdout())
    };
    output::written(shown)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// `DeleteOptions`.
pub fn options(grace_period: Option<i64>, propagation: &str, is_dry: bool) -> Tree {
    let mut options = Map::new();
    options.push("apiVersion", Tree::text("meta.k8s.io/v1"));
    options.push("kind", Tree::text("DeleteOptions"));
    options.push("propagationPolicy", Tree::text(propagation));
    if let Some(seconds) = grace_period {
        options.push("gracePeriodSeconds", Tree::Int(seconds));
    }
    if is_dry {
        options.push("dryRun", Tree::List(vec![Tree::text("All")]));
    }
    Tree::Map(options)
}

struct Deleting<'a> {
    args: &'a Delete,
    client: Client,
}

impl Deleting<'_> {
    fn grace_period(&self) -> Option<i64> {
        match self.args {
            Delete { now: true, .. } => Some(1),
            Delete {
                force: true,
                grace_period,
                ..
            } if *grace_period < 0 => Some(0),
            Delete { grace_period, .. } => Some(*grace_period).filter(|seconds| *seconds >= 0),
        }
    }

    /// The uid of what was deleted; nothing where nothing was there and that is fine.
    async fn one(&self, named: &Named) -> Result<Option<String>, Exit> {
        let dry_run = self.args.rehearse.dry_run;
        let mut uid = named
            .object
            .as_ref()
            .map(|object| text_at(object, &["metadata", "uid"]).to_owned())
            .unwrap_or_default();
        let answer = match dry_run {
            DryRun::Client => self.client.get(named.kind, &named.name, Accept::Objects).await,
            dry_run => {
                let is_dry = dry_run == DryRun::Server;
                let options = options(self.grace_period(), cascade(&self.args.cascade)?, is_dry);
                self.client.delete(named.kind, &named.name, &options).await
            }
        };
        match answer {
            Ok(answer) => {
                for path in [["metadata", "uid"], ["details", "uid"]] {
                    let found = text_at(&answer, &path);
                    uid = if found.is_empty() { uid } else { found.to_owned() };
                }
            }
            // Selected by its labels or fields, it was there a moment ago.
            Err(error) if error.is_not_found() && (self.args.ignore_not_found || self.args.all) => return Ok(None),
            Err(error) => {
                return Err(match &named.source {
                    Some(source) => error.while_doing("deleting", source),
                    None => error,
                }
                .into());
            }
        }
        self.say(named)?;
        Ok(Some(uid))
    }

    fn say(&self, named: &Named) -> Result<(), Exit> {
        let kind = named.kind.singular();
        if self.args.output == "name" {
            return output::result(&format!("{kind}.tilt.dev/{}\n", named.name));
        }
        let what = if self.args.force { "force deleted" } else { "deleted" };
        let suffix = match self.args.rehearse.dry_run {
            DryRun::None => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        };
        output::result(&format!("{kind}.tilt.dev {:?} {what}{suffix}\n", named.name))
    }

    async fn wait(&self, deleted: &[(Named, String)], errors: &mut Vec<String>) -> Result<(), Exit> {
        let limit = timeout(&self.args.timeout)?;
        let all = async {
            for (named, uid) in deleted {
                gone(&self.client, named.kind, &named.name, Some(uid))
                    .await
                    .map_err(|error| (named, Some(error)))?;
            }
            Ok(())
        };
        match within(limit, all).await {
            Some(Ok(())) => {}
            Some(Err((_, Some(error)))) => errors.push(error.to_string()),
            Some(Err((named, None))) => errors.push(format!("error: timed out waiting for {}", named.plural_name())),
            None => {
                let names: Vec<String> = deleted.iter().map(|(named, _)| named.plural_name()).collect();
                errors.push(format!(
                    "error: timed out waiting for the condition on {}",
                    names.join(", ")
                ));
            }
        }
        Ok(())
    }
}

/// How long to wait: for ever, if it says zero.
pub fn timeout(text: &str) -> Result<Option<Duration>, Exit> {
    let parsed = duration::Duration::parse(text)
        .map_err(|error| refusal(format!("invalid argument {text:?} for \"--timeout\" flag: {error}")))?;
    Ok(parsed.to_std().filter(|limit| !limit.is_zero()))
}

/// Returns once the object of this uid is not there any more.
pub async fn gone(client: &Client, kind: &'static Kind, name: &str, uid: Option<&String>) -> Result<(), ClientError> {
    let is_it = |object: &Tree| {
        let found = text_at(object, &["metadata", "uid"]);
        uid.is_none_or(|uid| uid.is_empty() || uid == found)
    };
    loop {
        let version = match client.get(kind, name, Accept::Objects).await {
            Ok(object) if is_it(&object) => text_at(&object, &["metadata", "resourceVersion"]).to_owned(),
            Ok(_) => return Ok(()),
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut watch = client
            .watch(kind, &Selection::named(name), Some(&version), Accept::Objects)
            .await?;
        while let Some(event) = watch.next().await? {
            if matches!(event, Event::Deleted(_)) {
                return Ok(());
            }
        }
    }
}
