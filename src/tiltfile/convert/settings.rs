//! Settings of the session as they are in the end, and the patterns of `.tiltignore`.

use crate::model::filter::{self, Ignore};
use crate::model::project::{IgnoreFile, Resource, Target};
use crate::model::report::Failure;
use crate::model::settings::Settings;
use crate::tiltfile::builtins::settings::all_features;
use crate::tiltfile::run::Run;

/// Next to the start Tiltfile.
const TILTIGNORE: &str = ".tiltignore";

/// What the Tiltfile said, and defaults for the rest.
pub fn settings(run: &Run) -> Settings {
    let mut settings = run.declared.borrow().settings.clone();
    settings.features = all_features(&settings.features, &run.request.environment);
    settings
}

/// A default registry has a say in what a cluster pulls; Compose knows images by the names in its own files.
pub fn check_registry(settings: &Settings, resources: &[Resource]) -> Result<(), Failure> {
    let is_compose = |resource: &Resource| matches!(resource.target, Target::Compose(_));
    match settings.default_registry.is_some() && resources.iter().any(is_compose) {
        true => Err(Failure::whole("default_registry is not supported with docker compose")),
        false => Ok(()),
    }
}

/// The patterns of `.tiltignore`; it is watched whether or not it is there.
pub fn tiltignore(run: &Run) -> Result<IgnoreFile, Failure> {
    let path = run.main_directory().join(TILTIGNORE);
    let bytes = match run.host.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return Ok(IgnoreFile::default()),
        Err(error) => return Err(Failure::whole(error.to_string())),
    };
    Ok(IgnoreFile {
        ignore: Ignore::patterns(
            run.main_directory(),
            filter::read_patterns(&String::from_utf8_lossy(&bytes)),
        ),
        source: path.display().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compose::ComposeTarget;
    use crate::model::registry::Registry;
    use crate::tiltfile::convert::deps::tests::resources;

    #[test]
    fn compose_has_no_default_registry() {
        let mut resources = resources(&[("a", &[])]);
        let mut settings = Settings {
            default_registry: Some(Registry::default()),
            ..Settings::default()
        };
        assert_eq!(check_registry(&settings, &resources), Ok(()));
        resources[0].target = Target::Compose(Box::<ComposeTarget>::default());
        let failure = check_registry(&settings, &resources).unwrap_err();
        assert_eq!(failure.message, "default_registry is not supported with docker compose");
        settings.default_registry = None;
        assert_eq!(check_registry(&settings, &resources), Ok(()));
    }
}
