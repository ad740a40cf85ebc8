//! Pure. A build that failed, as a message about the Dockerfile: the line, what is wrong with it, what to do.
//!
//! Builders of different ages say the same thing in different words, wrapped into different prefixes, and mostly without a
//! line. What a message says is read in `reason`; which instruction it is about follows from it, from the step that failed, or
//! from the line that the builder names.

mod copy;
mod image;
mod reason;

use std::fmt;

use crate::build::error::Class;
use crate::build::progress::Steps;
use crate::model::dockerfile::{Place, of_step, places};
use crate::model::solve::SolveFailure;
use reason::Reason;

/// How many lines around the ones that are wrong are shown.
const AROUND: usize = 2;
/// How many lines of an instruction are marked before the rest is left out.
const MARKED: usize = 12;

/// What failed, and all that is needed to say why.
pub struct Attempt<'a> {
    /// How the Dockerfile is called in messages.
    pub name: &'a str,
    /// Its text.
    pub dockerfile: &'a str,
    pub build_args: &'a [(String, String)],
    pub steps: &'a Steps,
    /// The names of the project's own images.
    pub images: &'a [&'a str],
    /// For a path of the context that is there, but that the build does not see: what hides it, such as
    /// `` `dist` in .dockerignore ``.
    pub why_not: &'a dyn Fn(&str) -> Option<String>,
}

/// A failed build for people. Printed, it has several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildFailure {
    pub class: Class,
    /// What is wrong, in one line, without the place.
    pub summary: String,
    /// `Dockerfile:3`, or the name alone where no line can be told; empty if it is not about the Dockerfile at all.
    pub place: String,
    /// Lines of the Dockerfile, those in question marked.
    pub excerpt: Vec<String>,
    /// What the failing step printed last.
    pub output: Vec<String>,
    /// A concrete next step.
    pub hint: Option<String>,
    pub cure: Cure,
}

/// What makes the same build worth another try at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cure {
    #[default]
    None,
    WhenEngineIsBack,
    WithoutCache,
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.summary)?,
            place => write!(f, "{place}: {}", self.summary)?,
        }
        for line in &self.excerpt {
            write!(f, "\n{line}")?;
        }
        if !self.output.is_empty() {
            f.write_str("\nlast output of the step:")?;
        }
        for line in &self.output {
            write!(f, "\n    {line}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// What a reason comes to for this Dockerfile.
#[derive(Debug)]
struct Finding {
    class: Class,
    summary: String,
    /// The lines it is about, if it knows better than the step that failed.
    lines: Option<(usize, usize)>,
    output: Vec<String>,
    hint: Option<String>,
    cure: Cure,
}

impl Finding {
    fn new(class: Class, summary: impl Into<String>) -> Finding {
        Finding {
            class,
            summary: summary.into(),
            lines: None,
            output: Vec::new(),
            hint: None,
            cure: Cure::None,
        }
    }

    fn curing(self, cure: Cure) -> Finding {
        Finding { cure, ..self }
    }

    fn hinting(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }

    fn at(mut self, lines: (usize, usize)) -> Finding {
        self.lines = Some(lines);
        self
    }
}

/// What is known of the step that failed.
struct Scene<'a> {
    attempt: &'a Attempt<'a>,
    places: Vec<Place>,
    step: Option<&'a str>,
    step_name: &'a str,
    /// The lines that the builder names.
    lines: Option<(u32, u32)>,
}

impl Scene<'_> {
    /// The instruction that failed.
    fn place(&self) -> Option<&Place> {
        let named = self.lines.and_then(|(first, _)| {
            let first = usize::try_from(first).ok()?;
            self.places
                .iter()
                .find(|place| (place.first..=place.last).contains(&first))
        });
        named.or_else(|| of_step(&self.places, self.step_name))
    }
}

/// Why a build failed.
pub fn explain(failure: &SolveFailure, attempt: &Attempt<'_>) -> BuildFailure {
    let step = failure.step.as_deref().or_else(|| attempt.steps.failed());
    let scene = Scene {
        attempt,
        places: places(attempt.dockerfile),
        step,
        step_name: step.and_then(|step| attempt.steps.name(step)).unwrap_or_default(),
        lines: failure.lines,
    };
    let reason = reason::read(&failure.message, scene.step_name);
    let is_about_it = !matches!(
        reason,
        Reason::DiskFull | Reason::EngineGone { .. } | Reason::CacheDamaged { .. }
    );
    let finding = finding(reason, &scene);
    let of_place = || scene.place().map(|place| (place.first, place.last));
    let named = || failure.lines.map(|(first, last)| (first as usize, last as usize));
    let lines = finding.lines.or_else(of_place).or_else(named);
    BuildFailure {
        class: finding.class,
        summary: finding.summary,
        place: match lines {
            _ if !is_about_it => String::new(),
            Some((first, _)) => format!("{}:{first}", attempt.name),
            None => attempt.name.to_owned(),
        },
        excerpt: lines.map_or_else(Vec::new, |lines| excerpt(attempt.dockerfile, lines)),
        output: finding.output,
        hint: finding.hint,
        cure: finding.cure,
    }
}

fn finding(reason: Reason, scene: &Scene<'_>) -> Finding {
    match reason {
        Reason::DiskFull => Finding::new(Class::Environment, "the engine's disk is full: no space left on device")
            .hinting("`tilt docker-prune` removes images that are not used any more"),
        Reason::EngineGone { said } => Finding::new(Class::Environment, said).curing(Cure::WhenEngineIsBack),
        Reason::Trouble { said } => Finding::new(Class::Environment, said),
        Reason::CacheDamaged { said } => {
            Finding::new(Class::Environment, format!("BuildKit's cache is damaged: {said}"))
                .hinting("`docker builder prune --all` empties it")
                .curing(Cure::WithoutCache)
        }
        Reason::Syntax { line, said } => syntax(line, &said, scene),
        Reason::NoTarget { name } => no_target(&name, scene),
        Reason::Exit { code, command } => exit(&code, &command, scene),
        Reason::Image { named, trouble } => image::finding(named, trouble, scene),
        Reason::NoSource { path } => copy::finding(&path, scene),
        Reason::NothingInStage { path } => copy::nothing_in_stage(&path, scene),
        Reason::NoStage => match scene.places.first() {
            Some(place) => Finding::new(Class::User, "the first instruction is not FROM").at((place.first, place.last)),
            None => Finding::new(Class::User, "there is no instruction in it")
                .hinting("a Dockerfile begins with `FROM IMAGE`, or `FROM scratch`"),
        },
        Reason::Other { said } => other(said, scene),
    }
}

/// Builders say `ENV must have two arguments` without a line. With one `ENV` there is but one place to look.
fn other(said: String, scene: &Scene<'_>) -> Finding {
    let keyword = said.split_whitespace().next().unwrap_or_default();
    let mut meant = scene.places.iter().filter(|place| place.keyword == keyword);
    let only = meant.next().filter(|_| meant.next().is_none());
    let lines = only.map(|place| (place.first, place.last));
    let finding = Finding::new(Class::User, said);
    match lines {
        Some(lines) => finding.at(lines),
        None => finding,
    }
}

fn no_target(name: &str, scene: &Scene<'_>) -> Finding {
    let stages: Vec<&str> = scene.places.iter().filter_map(stage).collect();
    let finding = Finding::new(
        Class::User,
        format!("no stage is called `{name}`, which `target` asks for"),
    );
    match (
        crate::model::suggest::nearest(name, stages.iter().copied()),
        stages.len(),
    ) {
        (Some(meant), _) => finding.hinting(format!("did you mean `{meant}`?")),
        (None, 0) => finding.hinting("name a stage with `FROM … AS NAME`"),
        (None, _) => finding.hinting(format!("its stages are `{}`", stages.join("`, `"))),
    }
}

/// The name of the stage that begins here, if it has one.
fn stage(place: &Place) -> Option<&str> {
    let is_named = place.keyword.eq_ignore_ascii_case("FROM");
    let mut words = place.text.split_whitespace().rev();
    let name = words.next().filter(|_| is_named)?;
    words.next().filter(|word| word.eq_ignore_ascii_case("AS"))?;
    Some(name)
}

fn syntax(line: usize, said: &str, scene: &Scene<'_>) -> Finding {
    let finding = Finding::new(Class::User, said).at((line, line));
    // We know here-documents; a builder that takes their lines for instructions does not.
    let is_inside = |place: &&Place| (place.first + 1..=place.last).contains(&line) && place.text.contains("<<");
    if let Some(place) = scene.places.iter().find(is_inside) {
        let said = format!("{}: this builder knows no here-documents (`<<`)", place.keyword);
        return Finding::new(Class::User, said).at((place.first, place.last)).hinting(
            "begin the Dockerfile with the line `# syntax=docker/dockerfile:1`, or use a newer Docker Engine",
        );
    }
    let unknown = said.strip_prefix("unknown instruction: ");
    let Some(word) = unknown.filter(|_| !said.contains("did you mean")) else {
        return finding;
    };
    let word = word.split_whitespace().next().unwrap_or_default();
    match crate::model::suggest::nearest(word, INSTRUCTIONS) {
        Some(meant) => finding.hinting(format!("did you mean {meant}?")),
        None => finding,
    }
}

fn exit(code: &str, command: &str, scene: &Scene<'_>) -> Finding {
    let command = scene.place().map_or(command, |place| place.text.as_str());
    let mut finding = Finding::new(
        Class::User,
        format!("`{}` failed with exit code {code}", shortened(command)),
    );
    finding.output = scene
        .step
        .map_or_else(Vec::new, |step| scene.attempt.steps.last_output(step));
    match code {
        "137" => finding.hinting("it was killed; most often because the engine ran out of memory"),
        _ => finding,
    }
}

/// A command of a Dockerfile may have any length; the excerpt has it in full.
fn shortened(command: &str) -> String {
    const LONGEST: usize = 80;
    match command.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_owned(),
    }
}

const INSTRUCTIONS: [&str; 18] = [
    "FROM",
    "RUN",
    "COPY",
    "ADD",
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "ARG",
    "WORKDIR",
    "EXPOSE",
    "LABEL",
    "USER",
    "VOLUME",
    "HEALTHCHECK",
    "SHELL",
    "STOPSIGNAL",
    "ONBUILD",
    "MAINTAINER",
];

/// Lines with their numbers; those in question have a mark in front.
fn excerpt(text: &str, (first, last): (usize, usize)) -> Vec<String> {
    let all: Vec<&str> = text.lines().collect();
    let last = last.min(all.len());
    let to = (last + AROUND).min(all.len());
    let width = to.to_string().len();
    let mut out = Vec::new();
    let numbered = all.iter().enumerate().map(|(at, line)| (at + 1, line));
    for (number, line) in numbered.take(to).skip(first.saturating_sub(AROUND + 1)) {
        let is_marked = (first..=last).contains(&number);
        if is_marked && number - first == MARKED {
            out.push(format!("  {:>width$} | …", ""));
        }
        if is_marked && number - first >= MARKED {
            continue;
        }
        let mark = if is_marked { '>' } else { ' ' };
        out.push(format!("{mark} {number:>width$} | {line}").trim_end().to_owned());
    }
    out
}

#[cfg(test)]
mod tests;
