//! Registries that refuse, are overrun, fail or break off: the image stays built, and the next push sends only what is missing.

use tilt::build::order::Publish;
use tilt::build::{BuildError, Class, Level, Order, Share};
use tilt::model::built::{Built, Delivery, Origin};
use tilt::model::registry::Registry as Names;

use crate::engine::docker_build::project::Project;
use crate::support::engine::docker_ok;
use crate::support::faulty::{Fault, Faulty, Rule};
use crate::support::registry::{Door, Registry};

/// A project, a registry, and what stands before it.
struct Case {
    project: Project,
    faulty: Faulty,
    _registry: Registry,
}

impl Case {
    async fn new(test: &str) -> Option<Case> {
        let project = Project::new(test).await?;
        let registry = Registry::start(Door::Open, test)?;
        let text: String = (0..200_000)
            .map(|number| format!("{}{number}\n", project.name.as_str()))
            .collect();
        project.write("big", &text);
        project.write("small", project.name.as_str());
        Some(Case {
            project,
            faulty: Faulty::before(&registry.host),
            _registry: registry,
        })
    }

    fn order(&self) -> Order {
        self.project
            .order(self.project.recipe("FROM scratch\nCOPY big /big\nCOPY small /small\n"))
    }

    fn pushing(&self) -> Order {
        Order {
            registry: Names {
                host: self.faulty.host.clone(),
                ..Names::default()
            },
            delivery: Delivery::Push,
            ..self.order()
        }
    }

    fn sharing(&self) -> Order {
        Order {
            share: Share {
                repository: format!("{}/team", self.faulty.host),
                publish: Publish::Always,
            },
            ..self.order()
        }
    }

    /// How many blobs were begun to be sent since the last time.
    fn uploads(&self) -> usize {
        let asked = self.faulty.asked();
        asked
            .iter()
            .filter(|line| line.starts_with("POST ") && line.contains("/blobs/uploads/"))
            .count()
    }

    fn warnings(&self) -> Vec<String> {
        let lines = self.project.lines.lock().unwrap();
        let warnings = lines.iter().filter(|(level, _)| *level == Level::Warn);
        warnings.map(|(_, text)| text.clone()).collect()
    }

    async fn build(&self, order: &Order) -> Result<Built, BuildError> {
        self.project.build(order).await
    }
}

fn rule(method: &'static str, part: &'static str, fault: Fault, times: usize) -> Rule {
    Rule {
        method,
        part,
        fault,
        times,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_is_refused_says_why_and_the_next_one_sends_nothing_twice() {
    let test = "a_push_that_is_refused_says_why_and_the_next_one_sends_nothing_twice";
    let Some(case) = Case::new(test).await else { return };
    let order = case.pushing();
    let table = [
        (
            "401 Unauthorized",
            "denies access to",
            format!("run `docker login {}`", case.faulty.host),
        ),
        ("429 Too Many Requests", "takes no more requests for now", String::new()),
        ("500 Internal Server Error", "is not well (status 500)", String::new()),
    ];
    for (nth, (status, expected, hint)) in table.into_iter().enumerate() {
        let fault = Fault::Answer(status, "Retry-After: 1\r\n");
        case.faulty.set([rule("PUT", "/manifests/", fault, usize::MAX)]);
        let error = case.build(&order).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.class(), Class::Environment, "{text}");
        assert!(
            text.contains(&format!("registry {} {expected}", case.faulty.host)),
            "{status}: {text}"
        );
        assert!(text.ends_with(&hint), "{status}: {text}");
        assert_eq!(
            case.uploads() > 0,
            nth == 0,
            "{status}: what is there is not sent again"
        );
        let local = case.project.name.tags();
        assert_eq!(local.len(), 1, "the image stays, with its name: {local:?}");
    }
    case.faulty.set([]);
    let built = case.build(&order).await.unwrap();
    assert_eq!((built.origin, case.uploads()), (Origin::Known, 0));
    assert!(built.digest.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_is_cut_off_in_mid_blob_goes_on() {
    let test = "a_push_that_is_cut_off_in_mid_blob_goes_on";
    let Some(case) = Case::new(test).await else { return };
    case.faulty
        .set([rule("PATCH", "/blobs/uploads/", Fault::CutAfter(1000), 1)]);
    let built = case.build(&case.pushing()).await.unwrap();
    assert!(built.digest.is_some());
    let said = case.project.said();
    assert!(said.contains("Retrying in"), "who waits is told why:\n{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_away_is_named_and_the_image_stays_built() {
    let test = "a_registry_that_is_away_is_named_and_the_image_stays_built";
    let Some(case) = Case::new(test).await else { return };
    let order = case.pushing();
    let Case {
        project,
        faulty,
        _registry: registry,
    } = case;
    drop(registry);
    // The one before it hangs up on everybody now.
    let error = project.build(&order).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.class(), Class::Environment, "{text}");
    assert!(text.contains(&faulty.host), "{text}");
    assert_eq!(project.name.tags().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_cache_that_fails_costs_a_warning_only() {
    let test = "a_team_cache_that_fails_costs_a_warning_only";
    let Some(case) = Case::new(test).await else { return };
    let faults = [
        Fault::Answer("401 Unauthorized", ""),
        Fault::Answer("429 Too Many Requests", "Retry-After: 3600\r\n"),
        Fault::Answer("500 Internal Server Error", ""),
        Fault::CutAfter(0),
    ];
    for fault in faults {
        case.faulty.set([rule("", "/v2/", fault.clone(), usize::MAX)]);
        case.project
            .write("small", &format!("{}{fault:?}", case.project.name.as_str()));
        let built = case.build(&case.sharing()).await.unwrap();
        assert_eq!(built.origin, Origin::Built, "{fault:?}");
        let warnings = case.warnings();
        assert_eq!(warnings.len(), 2, "one for looking, one for sharing: {warnings:#?}");
        for warning in &warnings {
            assert!(warning.contains(&case.faulty.host), "{warning}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_image_that_was_cut_off_is_sent_all_the_same() {
    let test = "a_shared_image_that_was_cut_off_is_sent_all_the_same";
    let Some(case) = Case::new(test).await else { return };
    let blobs = rule("PUT", "/blobs/uploads/", Fault::CutAfter(100), 2);
    case.faulty.set([blobs]);
    let built = case.build(&case.sharing()).await.unwrap();
    assert!(case.project.said().contains("Shared as "), "{}", case.project.said());
    docker_ok(&["rmi", "-f", built.id.as_deref().unwrap()]);
    let fetched = case.build(&case.sharing()).await.unwrap();
    assert_eq!(fetched.origin, Origin::Fetched, "{}", case.project.said());
}
