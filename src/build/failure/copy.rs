//! Pure. A `COPY` or `ADD` of what is not there.

use super::{Finding, Scene};
use crate::build::error::Class;
use crate::model::dockerfile::copies;
use crate::model::suggest;

/// The context has no such file; `reached` is as much of its path as the builder tells.
pub fn finding(reached: &str, scene: &Scene<'_>) -> Finding {
    let place = scene.place();
    let sources = sources(scene);
    let is_it = |source: &&String| {
        let source = normal(source);
        let rest = source.strip_prefix(reached);
        rest.is_some_and(|rest| reached.is_empty() || rest.is_empty() || rest.starts_with('/'))
    };
    let path = match sources.iter().find(is_it).or(sources.first()) {
        Some(source) => normal(source).to_owned(),
        None => reached.to_owned(),
    };
    let what = place.map_or("COPY", |place| place.keyword.as_str());
    if path.is_empty() {
        return Finding::new(
            Class::User,
            format!("{what}: no file of the build context is meant by it"),
        );
    }
    match (scene.attempt.why_not)(&path) {
        Some(hiding) => Finding::new(
            Class::User,
            format!("{what}: `{path}` exists, but the build does not see it: hidden by {hiding}"),
        )
        .hinting(format!(
            "except it there with a later line `!{path}`, or copy something else"
        )),
        None => Finding::new(Class::User, format!("{what}: the build context has no `{path}`"))
            .hinting("paths of COPY and ADD are relative to the build context, not to the Dockerfile"),
    }
}

/// What the instruction at fault copies from the context.
fn sources(scene: &Scene<'_>) -> Vec<String> {
    let all = copies(scene.attempt.dockerfile, scene.attempt.build_args);
    let line = scene.place().map(|place| place.first);
    all.into_iter()
        .filter(|copy| line.is_none_or(|line| copy.line == line))
        .flat_map(|copy| copy.sources)
        .collect()
}

fn normal(source: &str) -> &str {
    source
        .trim_start_matches("./")
        .trim_start_matches('/')
        .trim_end_matches('/')
}

/// `COPY --from=…` of what that stage or image has not.
pub fn nothing_in_stage(path: &str, scene: &Scene<'_>) -> Finding {
    let text = scene.place().map_or("", |place| place.text.as_str());
    let from = text.split_whitespace().find_map(|word| word.strip_prefix("--from="));
    let from = from.unwrap_or_default().trim_matches(['"', '\'']);
    match from {
        "" => Finding::new(Class::User, format!("`{path}` is not there")),
        from => Finding::new(Class::User, format!("`{from}` has no `{path}`")),
    }
}

/// The stage that a `--from=` may mean.
pub fn stage_near<'a>(name: &str, scene: &'a Scene<'_>) -> Option<&'a str> {
    let stages = scene.places.iter().filter(|place| place.keyword == "FROM");
    suggest::nearest(name, stages.map(|place| place.stage.as_str()))
}
