//! Pure. Which objects the words of a command line name: `KIND`, `KIND NAME…`, `KIND,KIND`, `KIND/NAME…`.

use thiserror::Error;

use crate::model::object::{KINDS, Kind, kind_called};

/// A kind, or one object of it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub kind: &'static Kind,
    pub name: Option<&'a str>,
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    #[error("the server doesn't have a resource type {word:?}{}", meant(.word))]
    UnknownKind { word: String },
    #[error(
        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'tilt get resource/<resource_name>' instead of 'tilt get resource resource/<resource_name>'"
    )]
    KindTwice,
    #[error("arguments in resource/name form may not have more than one slash")]
    ManySlashes,
    #[error("arguments in resource/name form must have a single resource and name")]
    HalfAName,
}

/// The targets in the order in which they were named.
pub fn targets(words: &[String]) -> Result<Vec<Target<'_>>, TargetError> {
    let with_slash = words.iter().filter(|word| word.contains('/')).count();
    let Some((kinds, names)) = words.split_first() else {
        return Ok(Vec::new());
    };
    if with_slash == words.len() {
        return words.iter().map(|word| pair(word)).collect();
    }
    if with_slash > 0 {
        return Err(TargetError::KindTwice);
    }
    let mut targets = Vec::new();
    for word in kinds.split(',').filter(|word| !word.is_empty()) {
        let kind = kind_of(word)?;
        match names {
            [] => targets.push(Target { kind, name: None }),
            names => targets.extend(names.iter().map(|name| Target {
                kind,
                name: Some(name.as_str()),
            })),
        }
    }
    Ok(targets)
}

fn pair(word: &str) -> Result<Target<'_>, TargetError> {
    let (kind, name) = word.split_once('/').ok_or(TargetError::HalfAName)?;
    if name.contains('/') {
        return Err(TargetError::ManySlashes);
    }
    if kind.is_empty() || name.is_empty() {
        return Err(TargetError::HalfAName);
    }
    Ok(Target {
        kind: kind_of(kind)?,
        name: Some(name),
    })
}

/// A kind by any of its names, also with its group and version behind: `cmds.v1alpha1.tilt.dev`.
pub fn kind_of(word: &str) -> Result<&'static Kind, TargetError> {
    let bare = word
        .strip_suffix(".v1alpha1.tilt.dev")
        .or_else(|| word.strip_suffix(".tilt.dev"))
        .unwrap_or(word);
    kind_called(bare).ok_or_else(|| TargetError::UnknownKind { word: word.to_owned() })
}

fn meant(word: &str) -> String {
    let names = KINDS
        .iter()
        .flat_map(|kind| [kind.plural].into_iter().chain(kind.short.iter().copied()));
    crate::model::suggest::did_you_mean(word, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match targets(&words) {
            Ok(targets) => targets
                .iter()
                .map(|target| format!("{}/{}", target.kind.plural, target.name.unwrap_or("*")))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn kinds_and_names_are_understood_as_kubectl_understands_them() {
        let table: &[(&[&str], &str)] = &[
            (&["uiresource"], "uiresources/*"),
            (&["UIResources.tilt.dev", "(Tiltfile)"], "uiresources/(Tiltfile)"),
            (&["cmds,fw"], "cmds/* filewatches/*"),
            (
                &["cmd,filewatch", "a", "b:c"],
                "cmds/a cmds/b:c filewatches/a filewatches/b:c",
            ),
            (&["cmd/a", "dclog/b"], "cmds/a dockercomposelogstreams/b"),
            (&["all"], "the server doesn't have a resource type \"all\""),
            (
                &["uiresourcse"],
                "the server doesn't have a resource type \"uiresourcse\" (did you mean uiresources?)",
            ),
            (
                &["cmd/a/b"],
                "arguments in resource/name form may not have more than one slash",
            ),
            (
                &["cmd/"],
                "arguments in resource/name form must have a single resource and name",
            ),
            (&[], ""),
        ];
        for (words, expected) in table {
            assert_eq!(named(words), *expected, "{words:?}");
        }
        assert!(named(&["cmd", "cmd/a"]).starts_with("there is no need to specify a resource type"));
        assert!(named(&["cmd/a", "b"]).starts_with("there is no need to specify a resource type"));
    }
}
