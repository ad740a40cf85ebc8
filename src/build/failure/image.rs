//! Pure. An image that a Dockerfile names and that cannot be had.

use super::reason::Trouble;
use super::{Finding, Scene, copy};
use crate::build::error::Class;
use crate::model::dockerfile::{ImageUse, UseKind, base_images};
use crate::model::image::Reference;
use crate::model::suggest;

pub fn finding(named: Option<String>, trouble: Trouble, scene: &Scene<'_>) -> Finding {
    let uses = base_images(scene.attempt.dockerfile, scene.attempt.build_args);
    let used = place_of(named.as_deref(), &uses, scene);
    let image = match (used, named) {
        (Some(used), _) => used.text.clone(),
        (None, Some(named)) => named,
        (None, None) => "the base image".to_owned(),
    };
    let finding = said(&image, trouble);
    let finding = match meant(&image, used, scene) {
        Some(hint) => finding.hinting(hint),
        None => finding,
    };
    match used {
        Some(used) => finding.at(lines(used, scene)),
        None => finding,
    }
}

/// Where the Dockerfile names it: of the same normal form, or the only one in the instruction that failed.
fn place_of<'a>(named: Option<&str>, uses: &'a [ImageUse], scene: &Scene<'_>) -> Option<&'a ImageUse> {
    let normal = |text: &str| Reference::parse(text).ok();
    let wanted = named.and_then(normal);
    let full = |reference: &Reference| {
        let tag = reference.tag().or(match reference.digest() {
            None => Some("latest"),
            Some(_) => None,
        });
        (reference.name(), tag.map(str::to_owned))
    };
    let same = wanted.and_then(|wanted| {
        let is_it = |it: &&ImageUse| normal(&it.text).is_some_and(|it| full(&it) == full(&wanted));
        uses.iter().find(is_it).or_else(|| {
            uses.iter()
                .find(|it| normal(&it.text).is_some_and(|it| it.name() == wanted.name()))
        })
    });
    let of_place = || {
        let place = scene.place()?;
        uses.iter().find(|it| (place.first..=place.last).contains(&it.line))
    };
    let only = || match uses {
        [only] => Some(only),
        _ => None,
    };
    same.or_else(of_place).or_else(only)
}

fn said(image: &str, trouble: Trouble) -> Finding {
    match trouble {
        Trouble::Missing => Finding::new(Class::User, format!("there is no image `{image}`")),
        Trouble::Denied => Finding::new(
            Class::User,
            format!("there is no image `{image}`, or one has to log in to see it"),
        )
        .hinting("check the name, or `docker login` to its registry"),
        Trouble::TooMany => Finding::new(
            Class::Environment,
            format!("the registry of `{image}` allows no more pulls for now"),
        )
        .hinting("`docker login` to it, or try again later"),
        Trouble::Unreachable { why } => Finding::new(
            Class::Environment,
            format!("`{image}` is not in the engine, and its registry cannot be reached: {why}"),
        )
        .hinting("check the name, and the engine's way to the network"),
    }
}

/// What was probably meant.
fn meant(image: &str, used: Option<&ImageUse>, scene: &Scene<'_>) -> Option<String> {
    if used.is_some_and(|used| used.kind != UseKind::Base)
        && let Some(stage) = copy::stage_near(image, scene)
    {
        return Some(format!("did you mean the stage `{stage}`?"));
    }
    let written = Reference::parse(image).ok()?;
    let name = written.familiar_name();
    let known = scene.attempt.images.iter().map(|known| {
        let parsed = Reference::parse(known).ok();
        (
            parsed.map_or_else(|| (*known).to_owned(), |it| it.familiar_name()),
            *known,
        )
    });
    let known: Vec<(String, &str)> = known.collect();
    // The last part decides: whoever misspells it may have left out the registry too.
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let lasts: Vec<String> = known.iter().map(|(name, _)| last(name)).collect();
    let near = suggest::nearest(&last(&name), lasts.iter().map(String::as_str))?;
    let at = lasts.iter().position(|it| it == near)?;
    let (known, meant) = known.get(at)?;
    if *known == name {
        // Had it been taken for that image, nobody would have looked for it elsewhere.
        return Some(format!(
            "the project's image is `{meant}`: name it in the same way, tag included"
        ));
    }
    Some(format!("did you mean `{meant}`, an image of this project?"))
}

fn lines(used: &ImageUse, scene: &Scene<'_>) -> (usize, usize) {
    let place = scene
        .places
        .iter()
        .find(|place| (place.first..=place.last).contains(&used.line));
    place.map_or((used.line, used.line), |place| (place.first, place.last))
}
