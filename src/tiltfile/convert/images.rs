//! From definitions of images to what resources build: which image is made from which, and whether their live updates can work.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::model::build::{ImageTarget, Recipe};
use crate::model::live::Restart;
use crate::model::path;
use crate::model::project::{Resource, Target};
use crate::model::quote::quoted;
use crate::model::report::Failure;
use crate::tiltfile::convert::ignores;
use crate::tiltfile::declared::images::{Definition, Images};
use crate::tiltfile::run::Run;

/// Knows which definition is made from which others. Made once all statements have run; definitions that are added later may be
/// resolved, and are made from none.
pub struct Resolver<'r> {
    run: &'r Run,
    bases: Vec<Vec<usize>>,
}

impl<'r> Resolver<'r> {
    pub fn new(run: &'r Run) -> Result<Resolver<'r>, Failure> {
        let images = &mut run.declared.borrow_mut().images;
        let count = images.definitions().len();
        let bases = (0..count).map(|index| bases(images, index)).collect::<Result<_, _>>()?;
        Ok(Resolver { run, bases })
    }

    /// The images of one resource that deploys those at the given places: bases come before what is made from them, each image once.
    pub fn target_set(&self, deployed: &[usize]) -> Result<Vec<ImageTarget>, Failure> {
        let declared = self.run.declared.borrow();
        let images = declared.images.definitions();
        let mut order = Order::default();
        for index in deployed {
            order.visit(*index, self, images)?;
        }
        for index in deployed {
            self.check_live_update(*index, images)?;
        }
        order.done.iter().map(|index| self.target(*index, images)).collect()
    }

    /// Every image, in order of definition.
    pub fn all(&self) -> Result<Vec<ImageTarget>, Failure> {
        let declared = self.run.declared.borrow();
        let images = declared.images.definitions();
        let mut order = Order::default();
        for index in 0..images.len() {
            order.visit(index, self, images)?;
        }
        (0..images.len()).map(|index| self.target(index, images)).collect()
    }

    fn bases_of(&self, index: usize) -> &[usize] {
        self.bases.get(index).map(Vec::as_slice).unwrap_or_default()
    }

    fn target(&self, index: usize, images: &[Definition]) -> Result<ImageTarget, Failure> {
        let definition = &images[index];
        let ignores = ignores::of_image(&self.run.host, &definition.watch).map_err(|error| {
            Failure::about(
                &definition.frames,
                format!("reading dockerignore for {}: {error}", definition.name()),
            )
        })?;
        let mut target = definition.target.clone();
        target.image_deps = self
            .bases_of(index)
            .iter()
            .map(|base| images[*base].target.image_map())
            .collect();
        target.watch_ignores = ignores.watch;
        if let Recipe::Docker(recipe) = &mut target.recipe {
            recipe.context_ignores = ignores.context;
        }
        Ok(target)
    }

    /// A file that nobody watches never changes, as far as we could see.
    fn check_live_update(&self, index: usize, images: &[Definition]) -> Result<(), Failure> {
        let definition = &images[index];
        let update = &definition.target.live_update;
        if update.is_empty() || definition.target.is_live_update_only() {
            return Ok(());
        }
        let mut order = Order::default();
        order.visit(index, self, images)?;
        let watched: Vec<PathBuf> = order
            .done
            .iter()
            .flat_map(|index| images[*index].target.watched_paths())
            .map(PathBuf::from)
            .collect();
        let syncs = update.syncs.iter().map(|sync| ("sync step source", &sync.local));
        let stops = update.stop_paths.iter().map(|stop| ("fall_back_on paths", stop));
        for (what, written) in syncs.chain(stops) {
            let file = path::join(&update.base, written);
            if !watched.iter().any(|root| path::is_within(root, &file)) {
                let (file, watched) = (file.display(), listed(&watched));
                let message = format!("{what} '{file}' is not a child of any watched filepaths ([{watched}])");
                return Err(Failure::about(&definition.frames, message));
            }
        }
        Ok(())
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(" ")
}

/// What a definition is made from, each once.
fn bases(images: &mut Images, index: usize) -> Result<Vec<usize>, Failure> {
    let definition = &images.definitions()[index];
    let (uses, needs) = (definition.uses.clone(), definition.needs.clone());
    let mut bases: Vec<usize> = uses.iter().filter_map(|reference| images.consume(reference)).collect();
    for reference in &needs {
        let base = images.consume(reference).ok_or_else(|| {
            let definition = &images.definitions()[index];
            let (name, missing) = (quoted(&definition.name()), quoted(&reference.familiar()));
            Failure::about(
                &definition.frames,
                format!("image {name}: image dep {missing} not found"),
            )
            .hinting("an image dep is one that this Tiltfile builds, with docker_build(), custom_build() or pack()")
        })?;
        bases.push(base);
    }
    let mut seen = Vec::new();
    bases.retain(|base| {
        !seen.contains(base) && {
            seen.push(*base);
            true
        }
    });
    Ok(bases)
}

/// A walk that visits bases first.
#[derive(Default)]
struct Order {
    done: Vec<usize>,
    state: HashMap<usize, Visit>,
    /// The way to where the walk is now.
    path: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Begun,
    Done,
}

impl Order {
    fn visit(&mut self, index: usize, resolver: &Resolver, images: &[Definition]) -> Result<(), Failure> {
        match self.state.get(&index) {
            Some(Visit::Done) => return Ok(()),
            Some(Visit::Begun) => return Err(self.cycle(index, images)),
            None => {}
        }
        self.state.insert(index, Visit::Begun);
        self.path.push(index);
        for base in resolver.bases_of(index) {
            self.visit(*base, resolver, images)?;
        }
        self.path.pop();
        self.state.insert(index, Visit::Done);
        self.done.push(index);
        Ok(())
    }

    fn cycle(&self, index: usize, images: &[Definition]) -> Failure {
        let begin = self
            .path
            .iter()
            .position(|visited| *visited == index)
            .unwrap_or_default();
        let names = self.path[begin..]
            .iter()
            .chain([&index])
            .map(|index| images[*index].name());
        let names: Vec<String> = names.collect();
        Failure::about(
            &images[index].frames,
            format!("Image dependency cycle: {}", names.join(" -> ")),
        )
    }
}

/// Refuses steps that were made and put into no live update.
pub fn check_steps(run: &Run) -> Result<(), Failure> {
    let declared = run.declared.borrow();
    let unused = declared.images.steps.unused();
    let count = unused.len();
    if count == 0 {
        return Ok(());
    }
    let steps: Vec<String> = unused.map(|(position, shown)| format!("{position}: {shown}")).collect();
    Err(Failure::whole(format!(
        "found {count} live_update steps that were created but not used in a live_update:\n{}",
        steps.join("\n\t")
    )))
}

/// Refuses to restart containers on Kubernetes where the image is not ours to put a supervisor into: it would only be run again.
pub fn check_restarts(resources: &[Resource]) -> Result<(), Failure> {
    let restarts = |resource: &&Resource| {
        let in_kubernetes = matches!(resource.target, Target::Kubernetes(_));
        in_kubernetes
            && resource
                .images
                .iter()
                .any(|image| image.live_update.restart == Restart::Always && !image.can_be_supervised())
    };
    let names: Vec<&str> = resources
        .iter()
        .filter(restarts)
        .map(|resource| resource.name.as_str())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Failure::whole(format!(
        "Found `restart_container()` LiveUpdate step in resource(s): [{}]. `restart_container()`  has been deprecated for k8s resources. \
         We recommend the restart_process extension: https://github.com/tilt-dev/tilt-extensions/tree/master/restart_process. For more \
         information, see https://docs.tilt.dev/live_update_reference.html#restarting-your-process",
        names.join(", ")
    )))
}

#[cfg(test)]
mod tests;
