//! Pure. What `tilt build` came to: as JSON for scripts, in words for people.

use std::time::Duration;

use serde::Serialize;

use crate::build::graph::{Plan, Planned, Role};
use crate::build::many::{Ended, Results};
use crate::cli::exit::Exit;
use crate::model::built::Origin;
use crate::model::suggest;

#[derive(Serialize)]
pub struct Report {
    images: Vec<Image>,
    /// From the start of the program to the last image.
    seconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    name: String,
    /// Whether it was asked for, and not only what others are made from.
    requested: bool,
    /// Under which it was tagged and pushed.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// The same as the cluster knows it.
    cluster_ref: Option<String>,
    id: Option<String>,
    digest: Option<String>,
    input_key: Option<String>,
    origin: Option<&'static str>,
    /// Whether nothing had to be built.
    cached: bool,
    seconds: f64,
    error: Option<String>,
    #[serde(skip)]
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    There,
    Failed,
    /// Never begun.
    LeftOut,
}

impl Report {
    pub fn new(plan: &Plan, results: &Results, took: Duration) -> Report {
        let images = plan.images().iter().enumerate();
        Report {
            images: images
                .map(|(place, planned)| match results.get(&place) {
                    Some(ended) => ended_image(planned, ended),
                    None => Image {
                        error: Some(reason(plan, results, place)),
                        ..blank(planned)
                    },
                })
                .collect(),
            seconds: rounded(took),
        }
    }

    pub fn json(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// Says what is there now; an error if that is not everything.
    pub fn finish(&self, say: impl Fn(&str) -> Result<(), Exit>) -> Result<(), Exit> {
        for image in self.images.iter().filter(|image| image.requested) {
            if let Some(reference) = &image.reference {
                say(&format!("{} is {reference}", image.name))?;
            }
        }
        match self.failure() {
            Some(failure) => Err(Exit::error(failure)),
            None => Ok(()),
        }
    }

    fn failure(&self) -> Option<String> {
        let of = |fate: Fate| -> Vec<&str> {
            let meant = self.images.iter().filter(|image| image.fate == fate);
            meant.map(|image| image.name.as_str()).collect()
        };
        let (failed, left_out) = (of(Fate::Failed), of(Fate::LeftOut));
        if failed.is_empty() && left_out.is_empty() {
            return None;
        }
        let count = suggest::counted(self.images.len(), "image");
        let first = format!("{} of {count} failed: {}", failed.len(), suggest::list_of(&failed));
        Some(match left_out.is_empty() {
            true => first,
            false => format!("{first}; left out because of that: {}", suggest::list_of(&left_out)),
        })
    }
}

fn blank(planned: &Planned) -> Image {
    Image {
        name: planned.name.clone(),
        requested: planned.role == Role::Wanted,
        reference: None,
        cluster_ref: None,
        id: None,
        digest: None,
        input_key: None,
        origin: None,
        cached: false,
        seconds: 0.0,
        error: None,
        fate: Fate::LeftOut,
    }
}

fn ended_image(planned: &Planned, ended: &Ended) -> Image {
    let image = Image {
        seconds: rounded(ended.took),
        ..blank(planned)
    };
    match &ended.outcome {
        Ok(built) => Image {
            reference: Some(built.local.clone()),
            cluster_ref: Some(built.cluster.clone()),
            id: built.id.clone(),
            digest: built.digest.clone(),
            input_key: built.key.clone(),
            origin: Some(match built.origin {
                Origin::Built => "built",
                Origin::Known => "known",
                Origin::Fetched => "fetched",
            }),
            cached: built.origin != Origin::Built,
            fate: Fate::There,
            ..image
        },
        Err(error) => Image {
            error: Some(error.to_string()),
            fate: Fate::Failed,
            ..image
        },
    }
}

/// Why an image was never begun: the first of what it stands on that failed.
fn reason(plan: &Plan, results: &Results, place: usize) -> String {
    let mut open = vec![place];
    while let Some(next) = open.pop() {
        for base in plan.bases(next) {
            if results.get(base).is_some_and(|ended| ended.outcome.is_err()) {
                return format!("left out: {} failed", plan.images()[*base].name);
            }
            open.push(*base);
        }
    }
    "left out: interrupted".to_owned()
}

/// To the millisecond.
fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
