//! What there is to do in a container, with what the files hold at the moment.

use std::path::PathBuf;
use std::sync::Arc;

use crate::liveupdate::apply::{Tell, Wanted};
use crate::liveupdate::gather::{Gathered, Unreadable, everything, gather};
use crate::liveupdate::plan::{Plan, Run, Verdict, plan};
use crate::model::filter::Ignore;
use crate::model::live::{LiveUpdate, Restart};

/// A plan with what its files hold.
#[derive(Clone, Default)]
pub(super) struct Work {
    pub gathered: Arc<Gathered>,
    pub runs: Vec<Run>,
    pub restart: Restart,
}

pub(super) async fn read(wanted: &Wanted, tell: &dyn Tell) -> Result<Work, Unreadable> {
    let wanted = wanted.clone();
    let read = move || {
        let (plan, missing) = match wanted {
            Wanted::These(plan) => (plan, Vec::new()),
            Wanted::Everything { rules, ignores } => whole(&rules, &ignores),
        };
        Ok((gather(&plan.copies)?, plan, missing))
    };
    let (gathered, plan, missing) = tokio::task::spawn_blocking(read)
        .await
        .expect("reading does not panic")?;
    for path in missing {
        tell.warn(&format!("Not copied, since it does not exist: {}", path.display()));
    }
    for path in &gathered.left {
        tell.warn(&format!("Not copied, since it is not a file: {}", path.display()));
    }
    Ok(Work {
        gathered: Arc::new(gathered),
        runs: plan.runs,
        restart: plan.restart,
    })
}

/// Everything, with the commands that all of it triggers.
fn whole(rules: &LiveUpdate, ignores: &[Ignore]) -> (Plan, Vec<PathBuf>) {
    let (copies, missing) = everything(rules, ignores);
    let stops = LiveUpdate {
        stop_paths: Vec::new(),
        ..rules.clone()
    };
    let planned = match plan(&stops, copies.iter().map(|copied| &copied.local)) {
        Verdict::Go(planned) => planned,
        Verdict::Nothing | Verdict::Stop(_) => Plan::default(),
    };
    (Plan { copies, ..planned }, missing)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Everything,
    Outdated,
}

/// The same with what its files hold now, as far as that is of interest.
pub(super) async fn anew(works: Vec<Work>, which: Again) -> Result<Vec<Work>, Unreadable> {
    let read = move || {
        let mut fresh: Vec<Work> = Vec::new();
        for (place, work) in works.iter().enumerate() {
            // Containers of one image mostly share one.
            let same = works[..place]
                .iter()
                .position(|other| Arc::ptr_eq(&other.gathered, &work.gathered));
            let gathered = match same {
                Some(same) => Arc::clone(&fresh[same].gathered),
                None => {
                    let copies = match which {
                        Again::Everything => work.gathered.everything(),
                        Again::Outdated => work.gathered.outdated(),
                    };
                    Arc::new(gather(&copies)?)
                }
            };
            fresh.push(Work {
                gathered,
                ..work.clone()
            });
        }
        Ok(fresh)
    };
    tokio::task::spawn_blocking(read).await.expect("reading does not panic")
}
