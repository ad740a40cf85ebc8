//! Images that the Tiltfile builds.

use std::collections::HashMap;
use std::path::PathBuf;

use indexmap::IndexSet;
use thiserror::Error;

use crate::model::build::{CustomRecipe, ImageTarget, Recipe};
use crate::model::image::{Reference, Selector};
use crate::model::live::LiveUpdate;
use crate::model::quote::quoted;
use crate::model::report::Frame;
use crate::tiltfile::values::step::StepId;

/// All definitions in the order in which they were made; their places in it name them everywhere else.
#[derive(Default)]
pub struct Images {
    definitions: Vec<Definition>,
    used: Vec<bool>,
    /// Places of the definitions of a name, which differ in their tags.
    by_name: HashMap<String, Vec<usize>>,
    /// Familiar names of the images that deployments and other images asked for.
    consumed: IndexSet<String>,
    pub steps: Steps,
}

/// One image, as it was written.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its ignores and image deps are worked out at the end.
    pub target: ImageTarget,
    pub watch: Watch,
    /// Images that it may be made from. Those among them that this Tiltfile builds are built first.
    pub uses: Vec<Reference>,
    /// Images that it is made from, and that this Tiltfile has to build.
    pub needs: Vec<Reference>,
    /// Where it was defined.
    pub frames: Vec<Frame>,
}

/// From which files' changes an image does not become out of date.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    pub tiltfile: Option<PathBuf>,
    /// Its change evaluates the Tiltfile, which knows the text, instead of building with the old one.
    pub dockerfile: Option<PathBuf>,
    /// Directories whose own `.git` never counts.
    pub repositories: Vec<PathBuf>,
    /// Directories that `ignore`, `only` and an ignore file in them are relative to.
    pub roots: Vec<PathBuf>,
    pub ignore: Vec<String>,
    pub only: Vec<String>,
    /// Directories that containers see as they are, so that nothing needs to be built.
    pub mounts: Vec<PathBuf>,
}

#[derive(Debug, PartialEq, Eq, Error)]
#[error("Image for ref {} has already been defined", quoted(.0))]
pub struct AlreadyDefined(pub String);

impl Definition {
    pub fn new(reference: Reference, recipe: Recipe) -> Definition {
        Definition {
            target: ImageTarget {
                selector: Selector::new(reference),
                match_in_env_vars: false,
                entrypoint: None,
                container_args: None,
                live_update: LiveUpdate::default(),
                recipe,
                image_deps: Vec::new(),
                watch_ignores: Vec::new(),
            },
            watch: Watch::default(),
            uses: Vec::new(),
            needs: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// An image that is never built, for live updates of what something else deploys.
    pub fn live_update_only(reference: Reference, live_update: LiveUpdate, deps: Vec<PathBuf>) -> Definition {
        let recipe = CustomRecipe::live_update_only(deps.clone());
        let mut definition = Definition::new(reference, Recipe::Custom(recipe));
        definition.target.live_update = live_update;
        definition.watch.repositories = deps.clone();
        definition.watch.roots = deps;
        definition
    }

    /// How messages name it.
    pub fn name(&self) -> String {
        self.target.selector.to_string()
    }
}

impl Images {
    /// Adds a definition and gives its place.
    pub fn add(&mut self, mut definition: Definition) -> Result<usize, AlreadyDefined> {
        let new = &definition.target.selector.reference;
        let namesakes = self.by_name.entry(new.name()).or_default();
        let mut others = namesakes
            .iter()
            .map(|index| &self.definitions[*index].target.selector.reference);
        if others.any(|other| other == new) {
            return Err(AlreadyDefined(new.familiar()));
        }
        // The same name under another tag: from now on each of them means its own tag only.
        for other in namesakes.iter() {
            definition.target.selector.exact = true;
            self.definitions[*other].target.selector.exact = true;
        }
        namesakes.push(self.definitions.len());
        self.definitions.push(definition);
        self.used.push(false);
        Ok(self.definitions.len() - 1)
    }

    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// The definition that builds an image, if one does.
    pub fn find(&self, reference: &Reference) -> Option<usize> {
        let namesakes = self.by_name.get(&reference.name())?;
        let matches = |index: &&usize| self.definitions[**index].target.selector.matches(reference);
        namesakes.iter().find(matches).copied()
    }

    /// Like `find`, for somebody who is going to use the image: the definition counts as used, and the name is among those that are
    /// offered for definitions which nobody uses.
    pub fn consume(&mut self, reference: &Reference) -> Option<usize> {
        self.consumed.insert(reference.familiar_name());
        let found = self.find(reference)?;
        self.mark_used(found);
        Some(found)
    }

    pub fn mark_used(&mut self, index: usize) {
        self.used[index] = true;
    }

    pub fn unused(&self) -> impl Iterator<Item = &Definition> {
        self.definitions
            .iter()
            .zip(&self.used)
            .filter(|(_, used)| !**used)
            .map(|(definition, _)| definition)
    }

    pub fn consumed(&self) -> impl Iterator<Item = &str> {
        self.consumed.iter().map(String::as_str)
    }
}

/// Steps of live updates, to find those that were made and never used.
///
/// Steps count by the place where they are made, as upstream has it: a function that makes steps for several callers is fine as long
/// as somebody used what it made last.
#[derive(Default)]
pub struct Steps {
    made: Vec<Made>,
    unused: Vec<StepId>,
}

struct Made {
    position: String,
    shown: String,
}

impl Steps {
    pub fn next_id(&self) -> StepId {
        self.made.len()
    }

    /// Notes a step that took the next id.
    pub fn record(&mut self, position: String, shown: String) {
        let id = self.next_id();
        self.forget(&position);
        self.made.push(Made { position, shown });
        self.unused.push(id);
    }

    pub fn consume(&mut self, id: StepId) {
        if let Some(made) = self.made.get(id) {
            let position = made.position.clone();
            self.forget(&position);
        }
    }

    fn forget(&mut self, position: &str) {
        let made = &self.made;
        self.unused.retain(|id| made[*id].position != position);
    }

    /// Position and printed form of each, in the order in which they were made.
    pub fn unused(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.unused.iter().map(|id| {
            let made = &self.made[*id];
            (made.position.as_str(), made.shown.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(references: &[&str]) -> Images {
        let mut images = Images::default();
        for reference in references {
            images.add(definition(reference)).unwrap();
        }
        images
    }

    fn definition(reference: &str) -> Definition {
        let reference = Reference::parse(reference).unwrap();
        Definition::live_update_only(reference, LiveUpdate::default(), Vec::new())
    }

    fn found(images: &Images, reference: &str) -> Option<usize> {
        images.find(&Reference::parse(reference).unwrap())
    }

    #[test]
    fn a_definition_without_a_tag_answers_to_every_tag() {
        let images = images(&["img", "r.io/x:dev"]);
        let table = [
            ("img", Some(0)),
            ("img:1", Some(0)),
            ("docker.io/library/img", Some(0)),
            ("r.io/x:dev", Some(1)),
            ("r.io/x", None),
            ("r.io/x:prod", None),
            ("other", None),
        ];
        for (reference, expected) in table {
            assert_eq!(found(&images, reference), expected, "{reference}");
        }
    }

    #[test]
    fn definitions_that_share_a_name_mean_their_own_tag_only() {
        let images = images(&["img", "img:dev"]);
        assert_eq!(found(&images, "img"), Some(0));
        assert_eq!(found(&images, "img:dev"), Some(1));
        assert_eq!(found(&images, "img:prod"), None);
        assert!(
            images
                .definitions()
                .iter()
                .all(|definition| definition.target.selector.exact)
        );
    }

    #[test]
    fn the_same_reference_cannot_be_defined_twice() {
        let mut images = images(&["img:dev"]);
        let error = images.add(definition("docker.io/library/img:dev")).unwrap_err();
        assert_eq!(error.to_string(), r#"Image for ref "img:dev" has already been defined"#);
    }

    #[test]
    fn what_nobody_asks_for_is_unused() {
        let mut images = images(&["a", "b", "c"]);
        images.consume(&Reference::parse("b:1").unwrap());
        images.consume(&Reference::parse("zzz").unwrap());
        images.mark_used(2);
        let unused: Vec<String> = images.unused().map(Definition::name).collect();
        assert_eq!(unused, ["a"]);
        assert_eq!(images.consumed().collect::<Vec<_>>(), ["b", "zzz"]);
    }

    #[test]
    fn steps_count_by_the_place_that_made_them() {
        let mut steps = Steps::default();
        let shown = |steps: &Steps| {
            steps
                .unused()
                .map(|(position, _)| position.to_owned())
                .collect::<Vec<_>>()
        };
        for place in ["1:1", "2:1", "2:1", "3:1"] {
            steps.record(place.to_owned(), String::new());
        }
        assert_eq!(shown(&steps), ["1:1", "2:1", "3:1"]);
        steps.consume(1);
        assert_eq!(shown(&steps), ["1:1", "3:1"]);
        steps.consume(0);
        steps.record("2:1".to_owned(), String::new());
        assert_eq!(shown(&steps), ["3:1", "2:1"]);
    }
}
