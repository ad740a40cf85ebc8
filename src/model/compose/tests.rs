//! Recorded answers of Docker Compose, and what must come of them.

use std::path::{Path, PathBuf};

use super::*;
use crate::model::yaml;

struct Case {
    printed: String,
    source: Tree,
    services: Option<String>,
}

fn case(name: &str) -> Case {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/compose")
        .join(name);
    let read = |file: &str| std::fs::read_to_string(dir.join(file)).ok();
    Case {
        printed: read("printed.yml").expect("every case has one"),
        source: document(&read("compose.yml").expect("every case has one")),
        services: read("services.yml"),
    }
}

fn document(text: &str) -> Tree {
    yaml::parse_one(text).expect("recorded YAML is sound")
}

fn project(case: &Case) -> Project {
    let document = document(&case.printed);
    let printed = Printed {
        text: &case.printed,
        document: &document,
    };
    let sources = std::slice::from_ref(&case.source);
    Project::new(&spec(), printed, sources, &|_| None).expect("a recorded project is one")
}

fn spec() -> ProjectSpec {
    ProjectSpec {
        name: "proj".to_owned(),
        path: PathBuf::from("/project"),
        ..ProjectSpec::default()
    }
}

fn names<'a>(services: impl IntoIterator<Item = &'a Service>) -> Vec<&'a str> {
    services.into_iter().map(|service| service.name.as_str()).collect()
}

#[test]
fn each_service_is_laid_out_with_four_spaces_and_in_the_order_of_compose() {
    for name in ["reference", "layout"] {
        let case = case(name);
        let shown: Vec<String> = project(&case)
            .services
            .iter()
            .map(|service| format!("# {}\n{}", service.name, service.yaml))
            .collect();
        assert_eq!(shown.concat(), case.services.expect("recorded for this case"), "{name}");
    }
}

#[test]
fn the_new_layout_means_what_the_printed_one_meant() {
    let case = case("everything");
    let printed = document(&case.printed);
    for service in project(&case).services {
        let mut ours = document(&service.yaml);
        let mut theirs = printed.at(&["services", &service.name]).expect("printed").clone();
        // Two things are told apart on purpose: files of the environment, and what `bind` does anyway.
        ours.as_map_mut().expect("a map").remove("env_file");
        for volume in volumes_of(&mut theirs) {
            if let Some(bind) = volume.as_map_mut().and_then(|volume| volume.get_mut("bind")) {
                *bind = Tree::Map(Map::new());
            }
        }
        assert_eq!(ours, theirs, "{}", service.yaml);
    }
}

fn volumes_of(service: &mut Tree) -> impl Iterator<Item = &mut Tree> {
    let volumes = service.as_map_mut().and_then(|service| service.get_mut("volumes"));
    let list = match volumes {
        Some(Tree::List(items)) => Some(items),
        _ => None,
    };
    list.into_iter().flatten()
}

#[test]
fn services_keep_the_order_in_which_the_files_define_them() {
    assert_eq!(names(&project(&case("reference")).services), ["api", "db", "built"]);
    assert_eq!(names(&project(&case("layout")).services), ["zebra", "ant"]);
    assert_eq!(
        names(&project(&case("everything")).services),
        ["web", "zdb", "cache", "aa"]
    );
}

#[test]
fn services_that_no_file_names_itself_come_last() {
    let mut case = case("reference");
    case.source = document("services: {built: {}}");
    assert_eq!(names(&project(&case).services), ["built", "api", "db"]);
}

#[test]
fn a_build_section_is_read_whole() {
    let project = project(&case("everything"));
    let web = project.service("web").expect("declared");
    let build = web.build.as_ref().expect("declared");
    assert_eq!(build.dockerfile_path(), Some(PathBuf::from("/project/api/Dockerfile")));
    let expected = Build {
        context: "/project/api".to_owned(),
        dockerfile: "Dockerfile".to_owned(),
        target: "prod".to_owned(),
        args: vec!["A=1".to_owned(), "C=3".to_owned()],
        additional_contexts: vec![("base".to_owned(), "/project/data".to_owned())],
        ssh: vec!["default".to_owned()],
        secrets: vec!["tok".to_owned()],
        network: "host".to_owned(),
        cache_from: vec!["a:b".to_owned()],
        platforms: vec!["linux/amd64".to_owned()],
        dockerfile_inline: None,
    };
    assert_eq!(*build, expected);
}

#[test]
fn a_dockerfile_inside_the_compose_file_has_no_path() {
    let project = project(&case("everything"));
    let build = project
        .service("aa")
        .and_then(|service| service.build.as_ref())
        .expect("declared");
    assert_eq!(build.dockerfile_path(), None);
    assert_eq!(build.dockerfile_inline.as_deref(), Some("FROM scratch\nCOPY . /\n"));
}

#[test]
fn only_single_published_ports_count() {
    let project = project(&case("everything"));
    let web = project.service("web").expect("declared");
    assert_eq!(web.ports.len(), 6);
    assert_eq!(web.published_ports(), [9000, 8080, 7000]);
    assert_eq!(web.ports[3].host_ip, "127.0.0.1");
    assert_eq!(web.ports[3].protocol, "udp");
    let ranged = Port {
        published: "80-90".to_owned(),
        ..web.ports[0].clone()
    };
    let service = Service {
        ports: vec![ranged],
        ..Service::default()
    };
    assert!(service.published_ports().is_empty());
}

#[test]
fn dependencies_binds_and_labels_are_read() {
    let project = project(&case("everything"));
    let web = project.service("web").expect("declared");
    let dependencies: Vec<(&str, &str)> = web
        .depends_on
        .iter()
        .map(|dependency| (dependency.service.as_str(), dependency.condition.as_str()))
        .collect();
    assert_eq!(dependencies, [("cache", "service_started"), ("zdb", "service_healthy")]);
    assert_eq!(web.bind_sources().collect::<Vec<_>>(), [Path::new("/project/data")]);
    assert_eq!(web.labels[0], ("com.x".to_owned(), "1".to_owned()));
    assert_eq!(project.service("cache").expect("declared").profiles, ["extra"]);
}

#[test]
fn environment_files_come_from_the_files_as_written() {
    let web = project(&case("everything")).services.remove(0);
    let expected = [("/project/a.env", true), ("/project/missing.env", false)].map(|(path, required)| EnvFile {
        path: PathBuf::from(path),
        required,
    });
    assert_eq!(web.env_files, expected);
}

#[test]
fn image_names_fall_back_to_project_and_service() {
    let project = project(&case("reference"));
    let images: Vec<String> = project
        .services
        .iter()
        .map(|service| service.image_name(&project.name))
        .collect();
    assert_eq!(images, ["api-img", "busybox", "proj_built"]);
}

#[test]
fn short_forms_of_compose_1_are_understood() {
    let text = "services:\n  a:\n    build: /src\n    depends_on: [b]\n    image: a\n    labels: [x=1, flag]\n    \
                ports:\n    - 127.0.0.1:8000:80/udp\n    - '90'\n    volumes:\n    - /data:/d:ro\n    - named:/n\n";
    let tree = document(text);
    let printed = Printed { text, document: &tree };
    let project = Project::new(&spec(), printed, &[], &|_| None).expect("a project");
    let service = &project.services[0];
    assert_eq!(service.build.as_ref().expect("declared").context, "/src");
    assert_eq!(service.depends_on[0].service, "b");
    assert_eq!(
        service.labels,
        [("x".to_owned(), "1".to_owned()), ("flag".to_owned(), String::new())]
    );
    assert_eq!(service.published_ports(), [8000]);
    assert_eq!(service.ports[1].target, 90);
    assert_eq!(service.bind_sources().collect::<Vec<_>>(), [Path::new("/data")]);
    assert_eq!(document(&service.yaml), *tree.at(&["services", "a"]).expect("declared"));
}

#[test]
fn a_project_may_have_no_services() {
    for text in ["name: proj\nservices: {}\n", "name: proj\nservices:\n"] {
        let tree = document(text);
        let printed = Printed { text, document: &tree };
        let project = Project::new(&spec(), printed, &[], &|_| None).expect("a project");
        assert!(project.services.is_empty());
    }
}

#[test]
fn what_is_no_project_is_refused() {
    let table = [
        ("name: x\n", "the printed configuration has no map of services"),
        ("services: [a]\n", "the printed configuration has no map of services"),
        ("services:\n  a: 1\n", "service `a` is number, not a map"),
        (
            "services:\n  a:\n    ports: [x]\n",
            "service `a`: `ports` holds Text(\"x\")",
        ),
    ];
    for (text, expected) in table {
        let tree = document(text);
        let printed = Printed { text, document: &tree };
        let error = Project::new(&spec(), printed, &[], &|_| None).expect_err("refused");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn project_names_are_normalized_as_compose_does() {
    let table = [
        ("/src/My Shop", "myshop"),
        ("/src/__x-y_z", "x-y_z"),
        ("/src/Ünï", "n"),
        ("/src/1.2", "12"),
        ("/", ""),
    ];
    for (directory, expected) in table {
        assert_eq!(project_name_of(Path::new(directory)), expected, "{directory}");
    }
}

#[test]
fn versions_are_found_in_what_every_release_prints() {
    let table = [
        ("Docker Compose version 2.26.1-4\n", Some("2.26.1")),
        ("Docker Compose version v2.39.0-desktop.1\n", Some("2.39.0")),
        (
            "docker-compose version 1.29.2, build 5becea4c\ndocker-py version: 5.0.0\n",
            Some("1.29.2"),
        ),
        ("docker-compose version: 1.25.0\n", Some("1.25.0")),
        ("Docker Compose version v2.2\n", Some("2.2.0")),
        ("podman-compose version 1.0\n", None),
        ("", None),
    ];
    for (output, expected) in table {
        let found = version_in(output).map(|version| version.to_string());
        assert_eq!(found.as_deref(), expected, "{output}");
    }
    assert!(version_in("Docker Compose version 1.9.9") < Some(OLDEST));
    assert!(version_in("Docker Compose version 2.2.0-desktop.1") >= Some(RECOMMENDED));
}

#[test]
fn variables_in_paths_are_put_in_as_compose_does() {
    let variable = |name: &str| match name {
        "STAGE" => Some("prod".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let table = [
        ("plain.env", "plain.env"),
        ("$STAGE.env", "prod.env"),
        ("${STAGE}/x", "prod/x"),
        ("${NONE:-local}.env", "local.env"),
        ("${EMPTY:-local}.env", "local.env"),
        ("${EMPTY-local}.env", ".env"),
        ("${NONE-local}.env", "local.env"),
        ("$$STAGE", "$STAGE"),
        ("a$", "a$"),
        ("${STAGE", "${STAGE"),
    ];
    for (path, expected) in table {
        assert_eq!(text::expand(path, &variable), expected, "{path}");
    }
}

#[test]
fn options_name_the_project_and_everything_it_is_read_from() {
    let mut spec = ProjectSpec {
        config_paths: vec![PathBuf::from("/project/a.yml")],
        profiles: vec!["dev".to_owned()],
        ..spec()
    };
    spec.absorb(ProjectSpec {
        config_paths: vec![PathBuf::from("/project/a.yml"), PathBuf::from("/project/b.yml")],
        env_file: Some(PathBuf::from("/project/x.env")),
        ..spec.clone()
    });
    let expected = "--project-name proj --project-directory /project --env-file /project/x.env \
                    -f /project/a.yml -f /project/b.yml --profile dev";
    assert_eq!(spec.arguments().join(" "), expected);
}
