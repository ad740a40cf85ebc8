//! Brings changes into all containers that are to have them, or into none: everything is there before anything is to be seen,
//! and what cannot be finished is taken back. Commands run after that, and the program starts anew last.

mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::liveupdate::apply::work::{Again, Work, anew, read};
use crate::liveupdate::gather::Gathered;
use crate::liveupdate::plan::{Plan, Run};
use crate::liveupdate::pull::{Ledger, Open};
use crate::model::command::Command;
use crate::model::filter::Ignore;
use crate::model::live::{LiveUpdate, Restart};
use crate::world::agent::{Agent, ApplyError, Batch, Exit, Staged, Stream, Way};
use crate::world::clock;

/// A container, and what it is to have.
pub struct Target {
    pub agent: Agent,
    /// What people call it.
    pub name: String,
    pub wanted: Wanted,
    /// For whoever looks there for what comes back.
    pub ledgers: Vec<Arc<Ledger>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    These(Plan),
    /// All that is synced.
    Everything {
        rules: Arc<LiveUpdate>,
        ignores: Vec<Ignore>,
    },
}

/// What became of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Synced,
    /// It has all files, and a command failed there: that is for whoever wrote it.
    ExecFailed {
        error: String,
    },
    /// Only a build helps.
    Failed {
        reason: &'static str,
        message: String,
    },
    /// It went away: another one may be there already.
    Gone,
}

/// What is told while it goes on. Must not block.
pub trait Tell: Send + Sync {
    fn info(&self, text: &str);
    fn warn(&self, text: &str);
    fn error(&self, text: &str);
    /// What a command prints in a container.
    fn output(&self, container: &str, stream: Stream, bytes: &[u8]);
}

const FAILED: &str = "UpdateFailed";

/// How a shell names what `SIGKILL` ended.
const KILLED: i32 = 137;

/// What changes under our hands is read anew so many times.
const ATTEMPTS: u32 = 8;
/// For whoever writes to come to an end; longer each time.
const PAUSE: Duration = Duration::from_millis(20);

/// Whoever has to be told of many files is told of these.
const MOST_TOLD: usize = 20;

pub async fn apply(targets: &[Target], tell: &dyn Tell, cancel: &CancellationToken) -> Vec<Fate> {
    let began = clock::now();
    let mut works = Vec::new();
    for target in targets {
        // Containers of one image mostly miss the same.
        let same = targets
            .iter()
            .zip(&works)
            .find(|(other, _)| other.wanted == target.wanted);
        let work = match same {
            Some((_, work)) => Work::clone(work),
            None => match read(&target.wanted, tell).await {
                Ok(work) => work,
                Err(error) => return all(targets, &Fate::failed(error.to_string())),
            },
        };
        works.push(work);
    }
    announce(targets, &works, tell);
    if let Err(fates) = copy(targets, &works, tell).await {
        return fates;
    }
    // What commands make is no half of it once they have ended.
    let runs = targets.iter().zip(&works).filter(|(_, work)| !work.runs.is_empty());
    let _open: Vec<Open> = runs
        .flat_map(|(target, _)| target.ledgers.iter().map(Ledger::open))
        .collect();
    let finish = targets
        .iter()
        .zip(&works)
        .map(|(target, work)| finish(target, work, tell, cancel));
    let fates = consistent(join_all(finish).await);
    conclude(targets, &fates, (began, tell));
    fates
}

fn announce(targets: &[Target], works: &[Work], tell: &dyn Tell) {
    for (target, work) in targets.iter().zip(works) {
        let Gathered { copies, deletions, .. } = &*work.gathered;
        if !deletions.is_empty() {
            tell.info(&format!(
                "Will delete {} file(s) from container: {}",
                deletions.len(),
                target.name
            ));
            told(deletions.iter().map(|path| format!("- '{path}'")), tell);
        }
        if !copies.is_empty() {
            tell.info(&format!(
                "Will copy {} file(s) to container: {}",
                copies.len(),
                target.name
            ));
            told(
                copies
                    .iter()
                    .map(|(from, to)| format!("- '{}' --> '{to}'", from.display())),
                tell,
            );
        }
    }
}

fn told(lines: impl ExactSizeIterator<Item = String>, tell: &dyn Tell) {
    let rest = lines.len().saturating_sub(MOST_TOLD);
    let mut shown: Vec<String> = lines.take(MOST_TOLD).collect();
    if rest > 0 {
        shown.push(format!("… and {rest} more"));
    }
    tell.info(&shown.join("\n"));
}

/// Brings the files in. What does not come to a good end everywhere is nowhere. What is not what was read any more is read anew.
async fn copy(targets: &[Target], works: &[Work], tell: &dyn Tell) -> Result<(), Vec<Fate>> {
    let mut works = works.to_vec();
    // Until nothing of it can be taken back any more.
    let _open = open(targets, &works);
    for attempt in 1.. {
        let outcome = match (targets, &works[..]) {
            ([target], [work]) => vec![target.agent.apply(&work.gathered.batch).await],
            _ => together(targets, &works).await,
        };
        let changes = |outcome: &Result<(), ApplyError>| matches!(outcome, Err(ApplyError::Changed { .. }));
        let again = match outcome.iter().any(changes) {
            true => Again::Everything,
            false => Again::Outdated,
        };
        let is_done = outcome.iter().all(Result::is_ok);
        let what: fn(&Ledger, &Batch) = if is_done { Ledger::is_done } else { Ledger::may_be_done };
        note(targets, &works, what).await;
        if !is_done && (again == Again::Outdated || attempt == ATTEMPTS) {
            return Err(fates(targets, outcome, tell));
        }
        let next = match anew(works.clone(), again).await {
            Ok(next) => next,
            Err(error) => {
                note(targets, &works, Ledger::is_unsure).await;
                return Err(all(targets, &Fate::failed(error.to_string())));
            }
        };
        works = next;
        if is_done && works.iter().all(|work| work.gathered.batch.changes.is_empty()) {
            return Ok(());
        }
        if is_done {
            note(targets, &works, Ledger::is_unsure).await;
        }
        // Whatever still changes is heard of again.
        if is_done && attempt == ATTEMPTS {
            return Ok(());
        }
        if !is_done {
            sleep(PAUSE * attempt).await;
        }
    }
    unreachable!("the last attempt returns")
}

fn open(targets: &[Target], works: &[Work]) -> Vec<Open> {
    let each = targets.iter().zip(works);
    let ledgers = each.flat_map(|(target, work)| target.ledgers.iter().map(move |ledger| (ledger, work)));
    let concerned = ledgers.filter(|(ledger, work)| ledger.concerns(&work.gathered.batch));
    concerned.map(|(ledger, _)| ledger.open()).collect()
}

async fn note(targets: &[Target], works: &[Work], what: fn(&Ledger, &Batch)) {
    for (target, work) in targets.iter().zip(works) {
        for ledger in &target.ledgers {
            let (ledger, gathered) = (Arc::clone(ledger), Arc::clone(&work.gathered));
            let noted = tokio::task::spawn_blocking(move || what(&ledger, &gathered.batch)).await;
            noted.expect("hashing does not panic");
        }
    }
}

async fn together(targets: &[Target], works: &[Work]) -> Vec<Result<(), ApplyError>> {
    let both = || targets.iter().zip(works);
    let staged = join_all(both().map(|(target, work)| target.agent.stage(&work.gathered.batch))).await;
    if staged.iter().any(Result::is_err) {
        let back = targets
            .iter()
            .zip(&staged)
            .filter_map(|(target, staged)| Some((target, staged.as_ref().ok()?)));
        join_all(back.map(|(target, staged)| target.agent.undo(staged))).await;
        return staged.into_iter().map(|staged| staged.map(drop)).collect();
    }
    let staged: Vec<Staged> = staged.into_iter().flatten().collect();
    let committed = join_all(
        targets
            .iter()
            .zip(&staged)
            .map(|(target, staged)| target.agent.commit(staged)),
    )
    .await;
    if committed.iter().any(Result::is_err) {
        let back = targets
            .iter()
            .zip(&staged)
            .map(|(target, staged)| target.agent.undo(staged));
        let undone = join_all(back).await;
        // Whoever could not go back differs from the others, which only a build can mend.
        return committed
            .into_iter()
            .zip(undone)
            .map(|(committed, undone)| committed.and(undone))
            .collect();
    }
    for (target, staged) in targets.iter().zip(staged) {
        target.agent.keep(staged);
    }
    committed
}

fn fates(targets: &[Target], outcome: Vec<Result<(), ApplyError>>, tell: &dyn Tell) -> Vec<Fate> {
    let failed: Vec<String> = targets
        .iter()
        .zip(&outcome)
        .filter_map(|(target, outcome)| Some((target, outcome.as_ref().err().filter(|error| !is_gone(target, error))?)))
        .map(|(target, error)| format!("{}: {}", target.name, in_full(error)))
        .collect();
    if failed.is_empty() {
        // Those that are there are as they were.
        return targets.iter().map(|_| Fate::Gone).collect();
    }
    failed
        .iter()
        .for_each(|failure| tell.error(&format!("  → Failed to update container {failure}")));
    if targets.len() > 1 {
        tell.warn("No container was changed: all of them get a change, or none");
    }
    all(targets, &Fate::failed(failed.join("; ")))
}

/// Whether another container takes its place, or another agent. What `tar` could not do it will not do the next time.
fn is_gone(target: &Target, error: &ApplyError) -> bool {
    matches!(error, ApplyError::Gone { .. }) && !matches!(target.agent.about().way, Way::Fallback { .. })
}

fn in_full(error: &ApplyError) -> String {
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

/// Runs what has to run in one container that has its files.
async fn finish(target: &Target, work: &Work, tell: &dyn Tell, cancel: &CancellationToken) -> Fate {
    for (place, run) in work.runs.iter().enumerate() {
        let fate = command(target, run, (place + 1, work.runs.len()), (tell, cancel)).await;
        if fate != Fate::Synced {
            return fate;
        }
    }
    if work.restart == Restart::Always {
        return match target.agent.restart().await {
            Ok(_) => Fate::Synced,
            Err(error) => of_error(target, &error, tell),
        };
    }
    Fate::Synced
}

async fn command(
    target: &Target,
    run: &Run,
    (number, of): (usize, usize),
    (tell, cancel): (&dyn Tell, &CancellationToken),
) -> Fate {
    let shown = Command::display(&run.argv);
    if run.is_shown {
        tell.info(&format!("[CMD {number}/{of}] {shown}"));
    }
    let mut output = |stream: Stream, bytes: &[u8]| tell.output(&target.name, stream, bytes);
    let code = match target.agent.run(&run.argv, &mut output, cancel).await {
        Ok(Exit::Code(0)) => return Fate::Synced,
        Ok(Exit::Code(code)) => code,
        Ok(Exit::Signal(signal)) => 128 + signal,
        Err(error) => return of_error(target, &error, tell),
    };
    let error = format!("command {shown:?} failed with exit code {code}");
    tell.error(&format!("  → Failed to update container {}: {error}", target.name));
    match code {
        // Whoever killed it, it was not the command that was wrong.
        KILLED => Fate::failed(format!("{}: {error}", target.name)),
        _ => Fate::ExecFailed { error },
    }
}

fn of_error(target: &Target, error: &ApplyError, tell: &dyn Tell) -> Fate {
    if is_gone(target, error) {
        return Fate::Gone;
    }
    let text = in_full(error);
    tell.error(&format!("  → Failed to update container {}: {text}", target.name));
    match error {
        ApplyError::CannotStart { .. } => Fate::ExecFailed { error: text },
        _ => Fate::failed(format!("{}: {text}", target.name)),
    }
}

/// Containers of one image must not differ.
fn consistent(fates: Vec<Fate>) -> Vec<Fate> {
    let has = |wanted: fn(&Fate) -> bool| fates.iter().any(wanted);
    let differ = has(|fate| *fate == Fate::Synced) && has(|fate| matches!(fate, Fate::ExecFailed { .. }));
    if !differ {
        return fates;
    }
    fates
        .into_iter()
        .map(|fate| match fate {
            Fate::ExecFailed { error } => Fate::Failed {
                reason: "PodsInconsistent",
                message: format!("a command failed in some containers and not in others: {error}"),
            },
            fate => fate,
        })
        .collect()
}

fn conclude(targets: &[Target], fates: &[Fate], (began, tell): (Instant, &dyn Tell)) {
    let took = began.elapsed().as_secs_f64() * 1000.0;
    for (target, fate) in targets.iter().zip(fates) {
        if *fate == Fate::Synced {
            tell.info(&format!("  → Container {} updated! ({took:.1} ms)", target.name));
        }
    }
}

fn all(targets: &[Target], fate: &Fate) -> Vec<Fate> {
    targets.iter().map(|_| fate.clone()).collect()
}

impl Fate {
    fn failed(message: String) -> Fate {
        Fate::Failed {
            reason: FAILED,
            message,
        }
    }
}
