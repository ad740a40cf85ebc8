//! For tests: what a Tiltfile declared, before anything else is made of it.

use crate::model::build::{ImageTarget, Recipe};
use crate::model::filter::Ignore;
use crate::model::image::Reference;
use crate::model::report::Failure;
use crate::tiltfile::convert::images::Resolver;
use crate::tiltfile::globals;
use crate::tiltfile::host::Host;
use crate::tiltfile::loader;
use crate::tiltfile::run::Run;
use crate::tiltfile::testing::Tiltfile;

/// Enough for a debug build of the interpreter.
const STACK_BYTES: usize = 64 << 20;

/// Runs a Tiltfile's statements and looks at what they left behind; failures name the folder `$DIR`.
pub fn declared<T: Send>(
    tiltfile: &Tiltfile,
    look: impl FnOnce(&Run) -> Result<T, Failure> + Send,
) -> Result<T, String> {
    let request = tiltfile.request().clone();
    let looked = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, move || {
            let host = Host::new(request.environment.clone(), Box::new(|_| {}));
            let globals = globals::build(&request, &host);
            let run = Run::new(request, host, globals);
            let bytes = run.host.read(run.main_file()).expect("the Tiltfile is there");
            loader::run_main(&run, bytes, |_| Ok(()))?;
            look(&run)
        });
        thread.expect("a thread").join().expect("no panic")
    });
    looked.map_err(|failure: Failure| failure.message.replace(&tiltfile.dir().display().to_string(), "$DIR"))
}

/// The images of a resource that deploys these references.
pub fn images(tiltfile: &Tiltfile, deployed: &[&str]) -> Result<Vec<ImageTarget>, String> {
    declared(tiltfile, |run| {
        let resolver = Resolver::new(run)?;
        let consume = |name: &&str| {
            let reference = Reference::parse(name).expect("a reference");
            run.declared
                .borrow_mut()
                .images
                .consume(&reference)
                .expect("a definition")
        };
        let deployed: Vec<usize> = deployed.iter().map(consume).collect();
        resolver.target_set(&deployed)
    })
}

/// The only image of a resource.
#[track_caller]
pub fn image(tiltfile: &Tiltfile, deployed: &str) -> ImageTarget {
    match images(tiltfile, &[deployed]).as_deref() {
        Ok([image]) => image.clone(),
        other => panic!("not one image: {other:?}"),
    }
}

/// Ignores as `directory` or `directory: patterns`, the Tiltfile's folder as `$DIR`.
pub fn shown(tiltfile: &Tiltfile, ignores: &[Ignore]) -> Vec<String> {
    let dir = tiltfile.dir().display().to_string();
    let line = |ignore: &Ignore| {
        let base = ignore.base.display().to_string().replace(&dir, "$DIR");
        if ignore.patterns.is_empty() {
            base
        } else {
            format!("{base}: {}", ignore.patterns.join(" "))
        }
    };
    ignores.iter().map(line).collect()
}

/// What the context of a Dockerfile's build leaves out.
pub fn context_ignores(image: &ImageTarget) -> &[Ignore] {
    match &image.recipe {
        Recipe::Docker(recipe) => &recipe.context_ignores,
        other => panic!("no Dockerfile: {other:?}"),
    }
}
