//! Compose projects in Tiltfiles: with recorded answers of a Compose that is a script, and with the real one.

use std::path::{Path, PathBuf};

use crate::model::build::Recipe;
use crate::model::compose::ComposeTarget;
use crate::model::project::{Target, TriggerMode};
use crate::tiltfile::testing::{Evaluated, Tiltfile};
use crate::world::process::{self, Invocation};

/// Three services, two of which depend on others.
const SHOP: &str = "\
services:
  db:
    image: db-image
  api:
    image: api-image
    depends_on: [db]
  web:
    image: web-image
    depends_on: [db, api]
";

const SHOP_PRINTED: &str = "\
name: shop
services:
  api:
    depends_on:
      db:
        condition: service_started
        required: true
    image: api-image
  db:
    image: db-image
  web:
    depends_on:
      api:
        condition: service_started
        required: true
      db:
        condition: service_started
        required: true
    image: web-image
";

/// Evaluates with a Compose that gives recorded answers: `(project, what it prints)`. It writes down its arguments.
fn recorded(tiltfile: &str, answers: &[(&str, &str)]) -> Tiltfile {
    let mut with = Tiltfile::new(tiltfile);
    let dir = with.dir().display().to_string();
    for (project, printed) in answers {
        with = with.file(&format!(".answers/{project}"), printed.replace("$DIR", &dir));
    }
    let script = format!(
        "echo \"$* profiles=$COMPOSE_PROFILES key=$KEY\" >> {dir}/.calls\n\
         case \"$2\" in version) echo 'Docker Compose version v2.26.1';; *) exec cat {dir}/.answers/$3;; esac"
    );
    with.program("docker", &script)
}

fn shop(tiltfile: &str) -> Evaluated {
    recorded(
        tiltfile,
        &[("shop", SHOP_PRINTED), ("other", "services: {mail: {image: i}}\n")],
    )
    .file("shop/compose.yml", SHOP)
    .eval()
}

/// Watched files, without the one that every project has.
fn watched(evaluated: &Evaluated) -> Vec<String> {
    let mut watched = evaluated.watched();
    watched.retain(|file| file != ".tiltignore");
    watched
}

/// The commands that were run, without the folder.
fn calls(evaluated: &Evaluated) -> Vec<String> {
    let dir = evaluated.dir().display().to_string();
    let text = std::fs::read_to_string(evaluated.dir().join(".calls")).unwrap_or_default();
    text.lines().map(|line| line.replace(&dir, "$DIR")).collect()
}

#[track_caller]
fn target<'e>(evaluated: &'e Evaluated, name: &str) -> &'e ComposeTarget {
    match &evaluated.resource(name).target {
        Target::Compose(target) => target,
        other => panic!("{name} is {other:?}"),
    }
}

/// `name: dependencies`, a line each.
#[track_caller]
fn graph(evaluated: &Evaluated) -> String {
    let resources = evaluated.project().resources.iter();
    resources
        .map(|resource| format!("{}: {}\n", resource.name, resource.deps.join(" ")))
        .collect()
}

#[test]
fn services_are_resources_in_the_order_of_the_file() {
    let shop = shop("docker_compose('shop/compose.yml')\n");
    assert_eq!(graph(&shop), "db: \napi: db\nweb: api db\n");
    assert_eq!(target(&shop, "db").service_yaml, "image: db-image\n");
    assert_eq!(target(&shop, "db").project.name, "shop");
    assert_eq!(target(&shop, "db").project.path, shop.dir().join("shop"));
    assert_eq!(watched(&shop), ["Tiltfile", "shop/compose.yml"]);
}

#[test]
fn compose_is_looked_for_once_and_asked_once_for_each_call() {
    let again = "docker_compose('shop/compose.yml')\nos.environ['KEY'] = 'value'\n\
                 docker_compose('more.yml', env_file='.shop.env', project_name='shop', wait=True)\n";
    let again = recorded(again, &[("shop", SHOP_PRINTED)])
        .file("shop/compose.yml", SHOP)
        .file("more.yml", "services: {db: {image: db-image}}")
        .env("COMPOSE_PROFILES", "a,b")
        .eval();
    again.project();
    let options = "--profile a --profile b config profiles= key=";
    let calls = calls(&again);
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert!(calls[0].starts_with("compose version"), "{}", calls[0]);
    let first = "compose --project-name shop --project-directory $DIR/shop -f $DIR/shop/compose.yml";
    assert!(calls[1].starts_with(&format!("{first} {options}")), "{}", calls[1]);
    let second = "compose --project-name shop --project-directory $DIR/shop --env-file $DIR/.shop.env \
                  -f $DIR/shop/compose.yml -f $DIR/more.yml";
    assert_eq!(calls[2], format!("{second} {options}value"));
    let said = "Compose project \"shop\" loading profiles from environment: a,b\n";
    assert_eq!(again.log(), said.repeat(2));
    assert_eq!(
        watched(&again),
        [".shop.env", "Tiltfile", "more.yml", "shop/compose.yml"]
    );
    assert_eq!(target(&again, "web").project.profiles, ["a", "b"]);
}

#[test]
fn what_is_said_of_a_service_adds_up_and_survives_further_calls() {
    let shop = shop(
        "docker_compose('shop/compose.yml')\n\
         dc_resource('db', trigger_mode=TRIGGER_MODE_MANUAL, links='http://a', labels=['x'], infer_links=False)\n\
         dc_resource('db', auto_init=False, links=['http://b'], labels='y', resource_deps=['late', 'early', 'late'])\n\
         dc_resource('db')\n\
         local_resource('early', 'true')\nlocal_resource('late', 'true')\n\
         dc_resource('api', new_name='backend')\n\
         docker_compose('shop/compose.yml')\n\
         dc_resource('backend', resource_deps=['db'])\n",
    );
    assert_eq!(
        graph(&shop),
        "db: early late\nbackend: db\nweb: backend db\nearly: \nlate: \n"
    );
    let db = shop.resource("db");
    assert_eq!(db.trigger, TriggerMode::Manual);
    assert_eq!(db.labels.iter().collect::<Vec<_>>(), ["x", "y"]);
    let target = target(&shop, "db");
    assert!(!target.infer_links);
    let links: Vec<String> = target.links.iter().map(|link| link.url.to_string()).collect();
    assert_eq!(links, ["http://a", "http://b"]);
    assert_eq!(self::target(&shop, "backend").service, "api");
    assert!(self::target(&shop, "web").infer_links);
}

#[test]
fn a_new_name_reaches_dependencies_whichever_way_they_were_said() {
    let table = [
        ("", "db: \napi: db\nweb: api db\n"),
        ("dc_resource('db', new_name='db2')", "db2: \napi: db2\nweb: api db2\n"),
        ("dc_resource('web', new_name='web')", "db: \napi: db\nweb: api db\n"),
        (
            "dc_resource('db', new_name='z')\ndc_resource('z', new_name='y')",
            "y: \napi: y\nweb: api y\n",
        ),
        (
            "docker_compose('shop/compose.yml', project_name='other')\ndc_resource('mail', resource_deps=['db'])\ndc_resource('db', new_name='d')",
            "d: \napi: d\nweb: api d\nmail: d\n",
        ),
    ];
    for (statements, expected) in table {
        let shop = shop(&format!("docker_compose('shop/compose.yml')\n{statements}\n"));
        assert_eq!(graph(&shop), expected, "{statements}");
    }
}

#[test]
fn the_tiltfiles_trigger_mode_holds_unless_a_service_has_its_own() {
    let table = [
        ("", TriggerMode::Auto),
        ("auto_init=True", TriggerMode::Auto),
        ("auto_init=False", TriggerMode::AutoWithManualInit),
        ("trigger_mode=TRIGGER_MODE_MANUAL", TriggerMode::ManualWithAutoInit),
        ("trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False", TriggerMode::Manual),
    ];
    for (arguments, expected) in table {
        let shop = shop(&format!(
            "docker_compose('shop/compose.yml')\ndc_resource('db', {arguments})\n"
        ));
        assert_eq!(shop.resource("db").trigger, expected, "{arguments}");
    }
}

#[test]
fn a_name_belongs_to_one_resource() {
    let two = [
        ("a", "services: {db: {image: i}}\n"),
        ("b", "services: {db: {image: i}}\n"),
    ];
    let compose = |project: &str| format!("docker_compose('compose.yml', project_name='{project}')\n");
    let table = [
        (
            format!("local_resource('db', 'true')\n{}", compose("a")),
            "docker_compose",
            "local_resource named \"db\" already exists",
        ),
        (
            format!("{}local_resource('db', 'true')\n", compose("a")),
            "local_resource",
            "dc_resource named \"db\" already exists",
        ),
        (
            compose("a") + &compose("b"),
            "docker_compose",
            "dc_resource named \"db\" already exists",
        ),
        (
            format!(
                "local_resource('x', 'true')\n{}dc_resource('db', new_name='x')\n",
                compose("a")
            ),
            "dc_resource",
            "local_resource named \"x\" already exists",
        ),
    ];
    for (text, function, expected) in table {
        let evaluated = recorded(&text, &two)
            .file("compose.yml", "services: {db: {image: i}}\n")
            .eval();
        let ending = format!("Error in {function}: {expected}");
        assert!(evaluated.error().ends_with(&ending), "{text}\n{}", evaluated.error());
    }
    let renamed = format!(
        "{}dc_resource('db', project_name='a', new_name='a-db')\n{}",
        compose("a"),
        compose("b")
    );
    let renamed = recorded(&renamed, &two)
        .file("compose.yml", "services: {db: {image: i}}\n")
        .eval();
    assert_eq!(renamed.names(), ["a-db", "db"]);
}

#[test]
fn a_workload_of_kubernetes_cannot_be_called_like_a_service() {
    let object = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\n\
                  spec: {template: {spec: {containers: [{name: c, image: i}]}}}\n";
    let mixed = recorded(
        "docker_compose('shop/compose.yml')\nk8s_yaml('db.yaml')\n",
        &[("shop", SHOP_PRINTED)],
    )
    .file("shop/compose.yml", SHOP)
    .file("db.yaml", object)
    .eval();
    let expected =
        "error making resource for workload db:deployment:default:apps: dc_resource named \"db\" already exists";
    assert_eq!(mixed.message(), expected);
}

#[test]
fn unfit_arguments_are_refused() {
    let unknown = "no Docker Compose service found with name";
    let table = [
        ("docker_compose(None)", "Nothing to compose".to_owned()),
        ("docker_compose([])", "Nothing to compose".to_owned()),
        (
            "docker_compose(True)",
            "expected blob | path (string). Actual type: bool".to_owned(),
        ),
        (
            "docker_compose(['shop/compose.yml', 1])",
            "expected blob | path (string). Actual type: int".to_owned(),
        ),
        ("dc_resource('')", "dc_resource: `name` must not be empty".to_owned()),
        (
            "dc_resource('x')",
            format!("{unknown} \"x\". Call docker_compose() first: it declares the services"),
        ),
        (
            "docker_compose('shop/compose.yml')\ndc_resource('apu')",
            format!("{unknown} \"apu\". Found these instead:\n\tdb; api; web (did you mean api?)"),
        ),
        (
            "docker_compose('shop/compose.yml')\ndc_resource('db', project_name='shp')",
            format!("{unknown} \"db\". There is no project \"shp\" (did you mean shop?). Projects are:\n\tshop"),
        ),
        (
            "dc_resource('db', image=1)",
            "image arg must be a string; got int".to_owned(),
        ),
        (
            "dc_resource('db', image='A B')",
            "parsing \"A B\": invalid reference format: repository name (library/A B) must be lowercase".to_owned(),
        ),
        ("dc_resource('db', labels='a b')", "for parameter \"labels\"".to_owned()),
    ];
    for (text, expected) in table {
        let message = shop(&format!("{text}\n")).message();
        assert!(message.contains(&expected), "{text}: {message}");
    }
}

/// One service that names an image and builds it itself, one that only builds.
const BUILT: &str = "\
name: b
services:
  app:
    build:
      context: $DIR/app
      dockerfile: Dockerfile
    image: gcr.io/app
    volumes:
      - type: bind
        source: $DIR/app/static
        target: /static
        bind:
          create_host_path: true
      - type: volume
        source: cache
        target: /cache
  remote:
    build:
      context: https://example.com/repo.git
      dockerfile: Dockerfile
";

fn built(statements: &str) -> Evaluated {
    recorded(
        &format!("docker_compose('compose.yml', project_name='b')\n{statements}\n"),
        &[("b", BUILT)],
    )
    .file("compose.yml", "services: {app: {}, remote: {}}\n")
    .file("app/Dockerfile", "FROM scratch\n")
    .file("app/.dockerignore", "tmp\n")
    .eval()
}

#[test]
fn an_image_that_nobody_else_builds_is_built_by_compose() {
    let built = built("");
    let app = &built.resource("app").images[0];
    let Recipe::Compose(recipe) = &app.recipe else {
        panic!("{:?}", app.recipe)
    };
    assert_eq!(
        (recipe.service.as_str(), &recipe.context),
        ("app", &built.dir().join("app"))
    );
    assert_eq!(target(&built, "app").image_maps, ["gcr.io_app"]);
    let ignores = app.watch_ignores.iter().map(|ignore| {
        let base = ignore.base.strip_prefix(built.dir()).unwrap().display();
        format!("{base} {}", ignore.patterns.join(" "))
    });
    assert_eq!(
        ignores.collect::<Vec<_>>(),
        ["app tmp", "app/Dockerfile ", "app/static "]
    );
    assert_eq!(watched(&built), ["Tiltfile", "app/.dockerignore", "compose.yml"]);
    let remote = &built.resource("remote").images[0];
    assert_eq!(target(&built, "remote").image_maps, ["b_remote"]);
    assert!(remote.watched_paths().is_empty() && remote.watch_ignores.is_empty());
}

#[test]
fn an_image_that_the_tiltfile_builds_comes_before_the_services_own_build() {
    let steps = "live_update=[sync('app', '/app'), restart_container()]";
    let built = built(&format!(
        "docker_build('gcr.io/app', 'app', {steps})\ndocker_build('x', 'app')\ndc_resource('remote', 'x')"
    ));
    for (name, image, live) in [("app", "gcr.io_app", true), ("remote", "x", false)] {
        let images = &built.resource(name).images;
        assert!(matches!(images[0].recipe, Recipe::Docker(_)), "{:?}", images[0].recipe);
        assert_eq!((images.len(), !images[0].live_update.is_empty()), (1, live));
        assert_eq!(target(&built, name).image_maps, [image]);
    }
    assert_eq!(built.warnings(), [] as [&str; 0]);
}

#[test]
fn an_image_without_a_build_of_any_kind_is_left_to_the_engine() {
    let shop = shop("docker_compose('shop/compose.yml')\n");
    assert!(shop.resource("db").images.is_empty());
    assert!(target(&shop, "db").image_maps.is_empty());
}

#[test]
fn an_image_that_no_service_uses_is_warned_of() {
    let unused = recorded(
        "docker_build('db-imagee', 'app')\ndocker_compose('shop/compose.yml')\n",
        &[("shop", SHOP_PRINTED)],
    )
    .file("shop/compose.yml", SHOP)
    .file("app/Dockerfile", "FROM scratch\n")
    .eval();
    let expected = "Image not used in any Docker Compose config:\n    ✕ db-imagee\nDid you mean…\n    - db-image\n";
    assert!(unused.warnings()[0].starts_with(expected), "{:?}", unused.warnings());
}

#[test]
fn what_compose_cannot_do_is_refused() {
    let table = [
        (
            "docker_build('gcr.io/app', 'app', entrypoint='./app')",
            "docker_build/custom_build.entrypoint not supported for Docker Compose resources",
        ),
        (
            "default_registry('example.com')",
            "default_registry is not supported with docker compose",
        ),
    ];
    for (statement, expected) in table {
        assert_eq!(built(statement).message(), expected);
    }
}

#[test]
fn warnings_of_compose_are_passed_on_once() {
    let warning = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"The \\\"X\\\" variable is not set.\"";
    let script = format!(
        "case \"$2\" in version) echo 'Docker Compose version v2.1.0';; *) echo '{warning}' >&2; echo 'services: {{db: {{image: i}}}}';; esac"
    );
    let warned = Tiltfile::new("docker_compose('compose.yml')\ndocker_compose('compose.yml')\n")
        .file("compose.yml", "services: {db: {image: i}}\n")
        .program("docker", &script)
        .eval();
    warned.project();
    let expected = [
        "Docker Compose 2.1.0 is old: please upgrade to 2.2.0 or newer",
        "Docker Compose: The \"X\" variable is not set.",
    ];
    assert_eq!(warned.warnings(), expected);
}

#[test]
fn a_machine_without_compose_is_told_what_to_install() {
    let none = Tiltfile::new("docker_compose('compose.yml')\n")
        .file("compose.yml", SHOP)
        .env("PATH", "")
        .eval();
    let expected = "Traceback (most recent call last):\n  $DIR/Tiltfile:1:15: in <toplevel>\n\
        Error in docker_compose: Docker Compose was not found: neither `docker compose` nor `docker-compose` runs (";
    assert!(none.error().starts_with(expected), "{}", none.error());
    assert!(none.error().contains("TILT_DOCKER_COMPOSE_CMD"), "{}", none.error());
    assert_eq!(watched(&none), ["Tiltfile", "compose.yml"]);
}

/// Evaluates with the Compose of this machine, if it has one.
fn real(test: &str, tiltfile: Tiltfile) -> Option<Evaluated> {
    let mut version = Invocation {
        argv: ["docker", "compose", "version"].map(String::from).to_vec(),
        dir: PathBuf::from("/"),
        ..Invocation::default()
    };
    let tiltfile = tiltfile.with(|request| version.env.clone_from(&request.environment));
    if process::capture(&version).is_ok() {
        return Some(tiltfile.eval());
    }
    #[allow(
        clippy::disallowed_methods,
        reason = "whether tests may be skipped is no setting of the program"
    )]
    let must_run = std::env::var("TILT_TEST_NO_SKIP").is_ok_and(|value| value == "1");
    assert!(!must_run, "`docker compose` does not run");
    eprintln!("SKIPPED: {test}: `docker compose` does not run");
    None
}

const BASE: &str = "\
services:
  web:
    image: ${REGISTRY:-none}/web:${TAG}
    build: ./web
    depends_on: [api]
    ports: ['8080:80', '9000-9001:90', '127.0.0.1:7000:7000', '53']
  api:
    image: api
    env_file: [api.env]
    depends_on: [db]
  debug:
    image: debug
    profiles: [tools]
    depends_on: [web]
  off:
    image: off
    profiles: [other]
";

const MORE: &str = "\
services:
  db:
    image: db:${TAG}
    volumes: ['./data:/data']
  api:
    environment: {MODE: $MODE}
";

#[test]
fn the_real_compose_merges_files_with_profiles_and_an_environment_file() {
    let text = "os.environ['MODE'] = 'dev'\ndocker_compose(['shop/compose.yml', 'more.yml'], env_file='local.env', profiles='tools')\n";
    let tiltfile = Tiltfile::new(text)
        .file("shop/compose.yml", BASE)
        .file("shop/api.env", "FROM=file\n")
        .file("shop/web/Dockerfile", "FROM scratch\n")
        .file("shop/.env", "TAG=unused\n")
        .file("more.yml", MORE)
        .file("local.env", "TAG=v1\n")
        .env("REGISTRY", "localhost:5000")
        .env("COMPOSE_PROFILES", "other");
    let Some(shop) = real("the real compose merges files", tiltfile) else {
        return;
    };
    assert_eq!(graph(&shop), "web: api\napi: db\ndebug: web\ndb: \n");
    assert_eq!(target(&shop, "web").image_maps, ["localhost:5000_web:v1"]);
    assert_eq!(target(&shop, "web").published_ports, [8080, 7000]);
    assert!(target(&shop, "db").service_yaml.contains("image: db:v1"));
    let api = &target(&shop, "api").service_yaml;
    assert!(api.contains("MODE: dev") && api.contains("FROM: file"), "{api}");
    let data = shop.dir().join("shop/data").display().to_string();
    assert!(target(&shop, "db").service_yaml.contains(&data));
    let expected = [
        "Tiltfile",
        "local.env",
        "more.yml",
        "shop/api.env",
        "shop/compose.yml",
        "shop/web/.dockerignore",
    ];
    assert_eq!(watched(&shop), expected);
    assert_eq!(shop.log(), "");
}

#[test]
fn the_real_compose_reads_the_env_file_beside_the_project() {
    let tiltfile = Tiltfile::new("docker_compose('shop/compose.yml', profiles=[])\n")
        .file(
            "shop/compose.yml",
            "services: {a: {image: '$NAME'}, b: {image: b, profiles: [p]}}\n",
        )
        .file("shop/.env", "NAME=named\n")
        .env("COMPOSE_PROFILES", "p");
    let Some(shop) = real("the real compose reads .env", tiltfile) else {
        return;
    };
    assert_eq!(shop.names(), ["a"]);
    assert!(target(&shop, "a").service_yaml.starts_with("image: named\n"));
    assert_eq!(watched(&shop), ["Tiltfile", "shop/.env", "shop/compose.yml"]);
}

#[test]
fn complaints_of_the_real_compose_are_those_of_the_call() {
    let table = [
        ("services: [", "yaml: "),
        ("services: {a: {imag: b}}", "imag"),
        ("services: {a: {image: b, depends_on: [c]}}", "c"),
        ("services: {a: {image: b, env_file: gone.env}}", "gone.env"),
        ("", "gone.yml"),
    ];
    for (yaml, expected) in table {
        let name = if yaml.is_empty() { "gone.yml" } else { "compose.yml" };
        let tiltfile = Tiltfile::new(&format!("x = 1\ndocker_compose('{name}')\n")).file("compose.yml", yaml);
        let Some(failed) = real("complaints of the real compose", tiltfile) else {
            return;
        };
        let error = failed.error();
        let beginning = format!(
            "Traceback (most recent call last):\n  $DIR/Tiltfile:2:15: in <toplevel>\n\
             Error in docker_compose: Docker Compose cannot read `$DIR/{name}`: "
        );
        let complaint = error.strip_prefix(&beginning).unwrap_or_else(|| panic!("{error}"));
        assert!(complaint.contains(expected), "{error}");
        let watched = watched(&failed);
        assert!(watched.contains(&name.to_owned()), "{watched:?}");
        assert_eq!(
            watched.contains(&"gone.env".to_owned()),
            expected == "gone.env",
            "{watched:?}"
        );
    }
}

#[test]
fn text_is_stored_where_its_path_depends_on_nothing_else() {
    let text = "docker_compose([blob('services: {a: {image: i}}'), 'shop/compose.yml'])\ndocker_compose(blob('services: {b: {image: i}}'))\n";
    let tiltfile = Tiltfile::new(text).file("shop/compose.yml", "services: {c: {image: i}}\n");
    let Some(stored) = real("text is stored", tiltfile) else {
        return;
    };
    let project = |name: &str| &target(&stored, name).project;
    assert_eq!(
        (project("a").name.as_str(), &project("a").path),
        ("shop", &stored.dir().join("shop"))
    );
    assert_eq!(
        (project("c").name.as_str(), project("c").config_paths.len()),
        ("shop", 2)
    );
    assert_eq!(project("b").path, stored.dir());
    let path: &Path = &project("a").config_paths[0];
    let cache = stored.dir().join(".home/.cache/tilt-dev/compose");
    assert_eq!(
        path,
        cache.join("dff3f4ef97cdaf28796fcf7be7f01f1041017ee21c338a1a1a62af02d6f650a1.yml")
    );
    assert_eq!(watched(&stored), ["Tiltfile", "shop/compose.yml"]);
}
