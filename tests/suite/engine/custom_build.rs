//! `custom_build()` on a real engine: what the command is told, and what becomes of its image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tilt::build::{BuildError, Builder, Class, Commands, Level, Order, OutputFault, Report, Reuse, Share};
use tilt::model::build::{CustomRecipe, ImageTarget, OutputMode, Recipe};
use tilt::model::built::{Built, Delivery};
use tilt::model::command::Command;
use tilt::model::image::Selector;
use tilt::model::live::LiveUpdate;
use tilt::model::local_env::{Colour, Injected};
use tilt::model::registry::Registry as Registries;
use tilt::world::docker::Engine;
use tokio_util::sync::CancellationToken;

use super::support::{Name, Registry, docker, engine, environment, make_executable};

/// Makes an image of this machine's busybox. The label makes it another one for every name.
const IMPORT: &str = "tar c -C / bin/busybox | docker import -c \"LABEL of=$EXPECTED_REF\" - $EXPECTED_REF";

/// One image of a test's own.
struct Case {
    engine: Engine,
    name: Name,
    folder: tempfile::TempDir,
    lines: Arc<Mutex<Vec<(Level, String)>>>,
}

impl Case {
    async fn new(test: &str) -> Option<Case> {
        Some(Case {
            engine: engine(test).await?,
            name: Name::new("custom"),
            folder: tempfile::tempdir().unwrap(),
            lines: Arc::default(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn recipe(&self, script: &str) -> CustomRecipe {
        CustomRecipe {
            command: Command {
                argv: Command::shell(script),
                dir: self.folder.path().to_owned(),
                ..Command::default()
            },
            ..CustomRecipe::default()
        }
    }

    fn target(&self, recipe: CustomRecipe) -> ImageTarget {
        ImageTarget {
            selector: Selector::parse(self.name.as_str()).unwrap(),
            match_in_env_vars: false,
            entrypoint: None,
            container_args: None,
            live_update: LiveUpdate::default(),
            recipe: Recipe::Custom(recipe),
            image_deps: Vec::new(),
            watch_ignores: Vec::new(),
        }
    }

    fn order(&self, recipe: CustomRecipe) -> Order {
        Order {
            target: Arc::new(self.target(recipe)),
            bases: BTreeMap::new(),
            registry: Registries::default(),
            delivery: Delivery::Stay,
            platform: String::new(),
            reuse: Reuse::Inputs,
            share: Share::default(),
        }
    }

    fn builder(&self) -> Builder {
        Builder::new(
            self.engine.clone(),
            Arc::new(environment()),
            &self.folder.path().join("learnt"),
        )
    }

    async fn build(&self, order: &Order) -> Result<Built, BuildError> {
        self.build_until(order, &CancellationToken::new()).await
    }

    async fn build_until(&self, order: &Order, stop: &CancellationToken) -> Result<Built, BuildError> {
        let lines = Arc::clone(&self.lines);
        let reports = move |report: Report| match report {
            Report::Line { level, text } => lines.lock().unwrap().push((level, text)),
            Report::Progress { text, .. } => lines.lock().unwrap().push((Level::Info, text)),
            Report::Stages(_) | Report::Steps(_) => {}
        };
        self.builder().build(order, stop, &reports).await
    }

    fn said(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|(_, text)| format!("{text}\n")).collect()
    }

    /// A variable of the command's, which had to write them all into `env`.
    fn variable(&self, name: &str) -> Option<String> {
        variable(&self.path("env"), name)
    }
}

fn variable(file: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).expect("the command wrote its environment");
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    value.map(str::to_owned)
}

fn id_of(name: &str) -> String {
    docker(&["image", "inspect", "--format", "{{.Id}}", name])
}

#[tokio::test]
async fn the_image_of_a_command_is_named_by_its_content() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let order = case.order(case.recipe(&format!("env > env; {IMPORT}; echo done")));
    let built = case.build(&order).await.unwrap();
    let id = id_of(&built.local);
    assert_eq!(built.id.as_deref(), Some(id.as_str()));
    let name = format!("{}:tilt-{}", case.name.as_str(), &id["sha256:".len()..][..16]);
    assert_eq!(
        (built.local.as_str(), built.cluster.as_str()),
        (name.as_str(), name.as_str())
    );
    assert_eq!((built.digest, built.key), (None, None));
    assert_eq!(case.name.tags(), [name], "the temporary name is gone");
    let expected = case.variable("EXPECTED_REF").unwrap();
    let tag = case.variable("EXPECTED_TAG").unwrap();
    assert!(tag.starts_with("tilt-build-1"), "{tag}");
    assert_eq!(expected, format!("{}:{tag}", case.name.as_str()));
    assert_eq!(
        case.variable("EXPECTED_IMAGE").unwrap(),
        format!("library/{}", case.name.as_str())
    );
    assert_eq!(case.variable("EXPECTED_REGISTRY").as_deref(), Some("docker.io"));
    assert_eq!(case.variable("REGISTRY_HOST"), None);
    let said = case.said();
    assert!(
        said.starts_with(&format!(
            "Custom Build: Injecting Environment Variables\n  EXPECTED_REF={expected}\n"
        )),
        "{said}"
    );
    assert!(said.contains("\nRunning cmd: env > env; tar"), "{said}");
    assert!(said.ends_with("\ndone\n"), "{said}");
}

#[tokio::test]
async fn the_same_content_gets_the_same_name_again() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let first = case.build(&case.order(case.recipe(IMPORT))).await.unwrap();
    let again = format!("docker tag {} $EXPECTED_REF", first.local);
    let second = case.build(&case.order(case.recipe(&again))).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(case.name.tags(), [first.local.as_str()]);
    assert!(case.builder().is_there(&second).await.unwrap());
    docker(&["rmi", &first.local]);
    assert!(!case.builder().is_there(&second).await.unwrap());
}

#[tokio::test]
async fn a_command_has_its_folder_its_environment_and_ours() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let mut recipe = case.recipe("");
    let script = format!("env > ../env; pwd > ../pwd; {IMPORT}");
    let dir = case.path("sub");
    std::fs::create_dir(&dir).unwrap();
    recipe.command = Command {
        argv: ["sh", "-c", &script, "with", "arguments"].map(str::to_owned).to_vec(),
        dir: dir.clone(),
        env: vec![
            "MINE=1".to_owned(),
            "EXPECTED_TAG=not-mine".to_owned(),
            "TILT_PORT=2".to_owned(),
        ],
        ..Command::default()
    };
    let builder = case.builder().with_commands(Commands {
        injected: Some(Injected {
            host: "localhost".to_owned(),
            port: 12345,
            kubeconfig: None,
            colour: Colour::Off,
        }),
        ..Commands::default()
    });
    let order = case.order(recipe);
    builder.build(&order, &CancellationToken::new(), &|_| {}).await.unwrap();
    assert_eq!(case.variable("MINE").as_deref(), Some("1"));
    assert_eq!(case.variable("TILT_HOST").as_deref(), Some("localhost"));
    assert_eq!(case.variable("TILT_PORT").as_deref(), Some("2"), "its own wins");
    assert!(
        case.variable("EXPECTED_TAG").unwrap().starts_with("tilt-build-"),
        "but not over the image's name"
    );
    let pwd = std::fs::read_to_string(case.path("pwd")).unwrap();
    assert_eq!(Path::new(pwd.trim()), dir.canonicalize().unwrap());
}

#[tokio::test]
async fn a_tag_of_theirs_knows_no_registry_until_it_is_pushed() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let Some(registry) = Registry::start(case.folder.path(), "custom_build") else {
        return;
    };
    let recipe = CustomRecipe {
        output_tag: "dev".to_owned(),
        ..case.recipe(&format!("env > env; {IMPORT}"))
    };
    let order = Order {
        registry: Registries {
            host: registry.host.clone(),
            host_from_cluster: "registry:5000".to_owned(),
            single_name: String::new(),
        },
        delivery: Delivery::Push,
        ..case.order(recipe)
    };
    let built = case.build(&order).await.unwrap();
    let theirs = format!("{}:dev", case.name.as_str());
    assert_eq!(case.variable("EXPECTED_REF"), Some(theirs.clone()));
    assert_eq!(case.variable("REGISTRY_HOST"), Some(registry.host.clone()));
    let tag = built.local.rsplit_once(':').unwrap().1.to_owned();
    assert!(tag.starts_with("tilt-"), "{tag}");
    assert_eq!(built.local, format!("{}/{}:{tag}", registry.host, case.name.as_str()));
    assert_eq!(built.cluster, format!("registry:5000/{}:{tag}", case.name.as_str()));
    assert_eq!(registry.tags(case.folder.path(), case.name.as_str()), [tag]);
    assert!(built.digest.is_some_and(|digest| digest.starts_with("sha256:")));
    assert!(case.name.tags().contains(&theirs), "what they tagged is theirs");
    assert!(case.said().contains("Pushing with Docker client\n"), "{}", case.said());
}

#[tokio::test]
async fn images_are_pushed_under_a_single_name() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let Some(registry) = Registry::start(case.folder.path(), "custom_build") else {
        return;
    };
    let order = Order {
        registry: Registries {
            host: registry.host.clone(),
            host_from_cluster: String::new(),
            single_name: "dev".to_owned(),
        },
        delivery: Delivery::Push,
        ..case.order(case.recipe(&format!("env > env; {IMPORT}")))
    };
    let built = case.build(&order).await;
    // What lies under the single name does not have the test's name in front of its tag.
    if let Ok(built) = &built {
        docker(&["rmi", &built.local]);
    }
    let built = built.unwrap();
    assert_eq!(case.variable("EXPECTED_IMAGE").as_deref(), Some("dev"));
    assert_eq!(case.variable("EXPECTED_REGISTRY"), Some(registry.host.clone()));
    let tag = built.cluster.rsplit_once(':').unwrap().1.to_owned();
    assert!(tag.starts_with(&format!("{}-tilt-", case.name.as_str())), "{tag}");
    assert_eq!(built.cluster, format!("{}/dev:{tag}", registry.host));
    assert_eq!(registry.tags(case.folder.path(), "dev"), [tag]);
}

#[tokio::test]
async fn a_registry_that_is_away_is_no_fault_of_theirs() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    // Nobody listens there.
    let away = "127.0.0.1:1".to_owned();
    let to_nowhere = |recipe| Order {
        registry: Registries {
            host: away.clone(),
            ..Registries::default()
        },
        delivery: Delivery::Push,
        ..case.order(recipe)
    };
    let error = case.build(&to_nowhere(case.recipe(IMPORT))).await.unwrap_err();
    assert_eq!(error.class(), Class::Environment);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot push `{away}/{}:tilt-", case.name.as_str())) && text.contains("refused"),
        "{text}"
    );

    // disable_push=True: the command has pushed it, so we do not try.
    let pushes = CustomRecipe {
        output_mode: OutputMode::LocalDockerAndRemote,
        ..case.recipe(IMPORT)
    };
    let built = case.build(&to_nowhere(pushes)).await.unwrap();
    assert!(
        built.local.contains(":tilt-") && !built.local.contains(":tilt-build-"),
        "{built:?}"
    );
    assert_eq!(built.digest, None);
    assert!(
        case.said()
            .ends_with("Skipping push: custom_build() configured to handle push itself\n"),
        "{}",
        case.said()
    );
}

#[tokio::test]
async fn an_image_that_skips_this_engine_is_taken_on_trust() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let recipe = CustomRecipe {
        output_mode: OutputMode::Remote,
        ..case.recipe("env > env")
    };
    let order = Order {
        registry: Registries {
            host: "127.0.0.1:1".to_owned(),
            host_from_cluster: "registry:1".to_owned(),
            single_name: String::new(),
        },
        delivery: Delivery::Push,
        ..case.order(recipe)
    };
    let built = case.build(&order).await.unwrap();
    assert_eq!(Some(&built.local), case.variable("EXPECTED_REF").as_ref());
    assert_eq!(
        built.cluster,
        built.local.replace("127.0.0.1:1/", "registry:1/"),
        "by its name in the cluster"
    );
    assert_eq!((&built.id, &built.digest), (&None, &None));
    assert!(case.builder().is_there(&built).await.unwrap(), "nobody can tell");
}

#[tokio::test]
async fn a_command_may_write_down_the_name_of_its_image() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let image = format!("127.0.0.1:1/{}:mine", case.name.as_str());
    let make = format!("env > env; tar c -C / bin/busybox | docker import - {image}; echo '  {image}  ' > ref");
    let recipe = CustomRecipe {
        outputs_image_ref_to: Some(case.path("ref")),
        ..case.recipe(&make)
    };
    let registry = Registries {
        host: "127.0.0.1:1".to_owned(),
        host_from_cluster: "registry:1".to_owned(),
        single_name: String::new(),
    };
    let order = Order {
        registry,
        ..case.order(recipe)
    };
    let built = case.build(&order).await.unwrap();
    assert_eq!(built.id, Some(id_of(&image)));
    assert_eq!(built.local, image);
    assert_eq!(built.cluster, format!("registry:1/{}:mine", case.name.as_str()));
    assert_eq!(case.name.tags(), [image], "it keeps its name, and gets no other");
    assert_eq!(case.variable("EXPECTED_REF"), None);
}

#[tokio::test]
async fn an_image_with_a_name_of_its_own_is_pushed_under_that() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let Some(registry) = Registry::start(case.folder.path(), "custom_build") else {
        return;
    };
    let image = format!("{}/{}:mine", registry.host, case.name.as_str());
    let recipe = |output_mode| CustomRecipe {
        outputs_image_ref_to: Some(case.path("ref")),
        output_mode,
        ..case.recipe(&format!(
            "tar c -C / bin/busybox | docker import - {image}; echo {image} > ref"
        ))
    };
    let push = |recipe| Order {
        delivery: Delivery::Push,
        ..case.order(recipe)
    };
    let own = case
        .build(&push(recipe(OutputMode::LocalDockerAndRemote)))
        .await
        .unwrap();
    let tags = || registry.tags(case.folder.path(), case.name.as_str());
    assert_eq!(
        (own.local, tags()),
        (image.clone(), Vec::new()),
        "unless it does that itself"
    );
    let ours = case.build(&push(recipe(OutputMode::LocalDocker))).await.unwrap();
    assert_eq!((ours.local, tags()), (image.clone(), vec!["mine".to_owned()]));
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_said() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    std::fs::write(case.path("ref"), "stale:1").unwrap();
    let fault = async |script: &str| {
        let recipe = CustomRecipe {
            outputs_image_ref_to: Some(case.path("ref")),
            ..case.recipe(script)
        };
        match case.build(&case.order(recipe)).await {
            Err(BuildError::OutputFile { path, fault }) => (path, fault),
            other => panic!("{script}: {other:?}"),
        }
    };
    assert_eq!(
        fault("true").await,
        (case.path("ref"), OutputFault::Missing),
        "what was there before is never taken"
    );
    assert_eq!(fault("echo > ref").await.1, OutputFault::Empty);
    assert!(matches!(
        fault("echo Not:A:Ref > ref").await.1,
        OutputFault::NotAReference { .. }
    ));
    assert_eq!(fault("echo web > ref").await.1, OutputFault::NoTag("web".to_owned()));
    assert!(matches!(fault("mkdir ref").await.1, OutputFault::Unreadable(_)));
}

#[tokio::test]
async fn images_that_it_stands_on_are_told_by_their_local_names() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let base = case.build(&case.order(case.recipe(IMPORT))).await.unwrap();
    let mut target = case.target(
        case.recipe("env > env; printf 'FROM %s\\nLABEL top=1\\n' $TILT_IMAGE_0 | docker build -q -t $EXPECTED_REF -"),
    );
    target.image_deps = vec!["the_base".to_owned()];
    let bases = BTreeMap::from([(
        "the_base".to_owned(),
        (case.order(case.recipe("")).target, base.clone()),
    )]);
    let order = Order {
        target: Arc::new(target),
        bases,
        ..case.order(case.recipe(""))
    };
    let built = case.build(&order).await.unwrap();
    assert_eq!(case.variable("TILT_IMAGE_0"), Some(base.local));
    assert_eq!(case.variable("TILT_IMAGE_MAP_0").as_deref(), Some("the_base"));
    assert_eq!(
        docker(&["inspect", "--format", "{{.Config.Labels.top}}", &built.local]),
        "1"
    );
}

#[tokio::test]
async fn an_image_for_live_updates_only_is_never_built() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let recipe = CustomRecipe::live_update_only(Vec::new());
    let order = Order {
        delivery: Delivery::Push,
        ..case.order(recipe)
    };
    let built = case.build(&order).await.unwrap();
    assert_eq!(
        (built.local.as_str(), built.cluster.as_str()),
        (case.name.as_str(), case.name.as_str())
    );
    assert_eq!((built.id, case.said()), (None, String::new()));
}

#[tokio::test]
async fn a_command_that_fails_says_how() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let order = case.order(case.recipe("echo out; echo err >&2; exit 3"));
    let error = case.build(&order).await.unwrap_err();
    assert!(matches!(error, BuildError::Command { code: 3, .. }), "{error:?}");
    assert_eq!(error.class(), Class::User);
    assert_eq!(
        error.to_string(),
        "custom build `echo out; echo err >&2; exit 3` failed: exit status 3"
    );
    assert!(case.said().contains("out\n") && case.said().contains("err\n"));
    let mut recipe = case.recipe("");
    recipe.command.argv = vec!["no-such-program".to_owned()];
    let error = case.build(&case.order(recipe)).await.unwrap_err();
    assert!(matches!(error, BuildError::Command { code: 127, .. }), "{error:?}");
}

#[tokio::test]
async fn a_command_that_tags_something_else_is_told_what() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let first = case.build(&case.order(case.recipe(IMPORT))).await.unwrap();
    let other = format!("docker tag {} {}:other", first.local, case.name.as_str());
    let error = case.build(&case.order(case.recipe(&other))).await.unwrap_err();
    let BuildError::NotInEngine { expected, found, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(
        expected.starts_with(&format!("{}:tilt-build-", case.name.as_str())),
        "{expected}"
    );
    let hint = found.clone().expect("one of its names");
    assert!(
        hint == first.local || hint == format!("{}:other", case.name.as_str()),
        "{hint}"
    );
    let text = error.to_string();
    for part in [&other, expected, "$EXPECTED_REF", "skips_local_docker=True"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(error.class(), Class::User);

    let nothing = Case::new("custom_build").await.expect("it is there still");
    let error = nothing.build(&nothing.order(nothing.recipe("true"))).await.unwrap_err();
    assert!(
        matches!(error, BuildError::NotInEngine { found: None, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_stopped_build_leaves_no_process_behind() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let lines = Arc::clone(&case.lines);
    let order = case.order(case.recipe("sleep 1000 & echo child $!; wait"));
    let reports = move |report: Report| {
        if let Report::Line { level, text } = report {
            if text.starts_with("child ") {
                stopping.cancel();
            }
            lines.lock().unwrap().push((level, text));
        }
    };
    let error = case.builder().build(&order, &stop, &reports).await.unwrap_err();
    assert!(matches!(error, BuildError::Cancelled), "{error:?}");
    let said = case.said();
    let child = said.lines().find_map(|line| line.strip_prefix("child ")).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[tokio::test]
async fn builds_of_one_image_at_the_same_time_do_not_meet() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let script = |file: &str| format!("echo $EXPECTED_REF > {file}; {IMPORT}");
    let (one, two) = (script("one"), script("two"));
    let (one, two) = (case.order(case.recipe(&one)), case.order(case.recipe(&two)));
    let (one, two) = tokio::join!(case.build(&one), case.build(&two));
    assert_ne!(one.unwrap().id, two.unwrap().id);
    let read = |name| std::fs::read_to_string(case.path(name)).unwrap();
    assert_ne!(read("one"), read("two"));
}

#[tokio::test]
async fn a_kind_cluster_gets_its_images_from_the_program_that_made_it() {
    let Some(case) = Case::new("custom_build").await else {
        return;
    };
    let programs = case.path("bin");
    std::fs::create_dir(&programs).unwrap();
    let log = case.path("kind.log");
    let script = format!(
        "#!/bin/sh\necho loading\necho \"$@\" > {}\nexit $KIND_CODE\n",
        log.display()
    );
    std::fs::write(programs.join("kind"), script).unwrap();
    make_executable(&programs.join("kind"));
    let order = Order {
        delivery: Delivery::KindLoad {
            cluster: "dev".to_owned(),
        },
        ..case.order(case.recipe(IMPORT))
    };
    let build = async |code: &str| {
        let mut env = environment();
        let path = format!("{}:{}", programs.display(), env["PATH"]);
        env.extend([("PATH".to_owned(), path), ("KIND_CODE".to_owned(), code.to_owned())]);
        let builder = Builder::new(case.engine.clone(), Arc::new(env), &case.folder.path().join("learnt"));
        builder.build(&order, &CancellationToken::new(), &|_| {}).await
    };
    let built = build("0").await.unwrap();
    let asked = std::fs::read_to_string(&log).unwrap();
    assert_eq!(asked.trim(), format!("load docker-image {} --name dev", built.local));
    let error = build("1").await.unwrap_err();
    assert!(matches!(error, BuildError::KindLoad { .. }), "{error:?}");
    assert_eq!(error.class(), Class::Environment);
}
