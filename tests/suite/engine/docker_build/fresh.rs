//! What makes an image another one, and what does not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use tilt::build::{Level, Order};
use tilt::model::build::DockerRecipe;
use tilt::model::built::Origin;

use super::project::{Project, with_project};
use crate::support::engine::BASE;

async fn origin(project: &Project, order: &Order) -> Origin {
    project.build(order).await.unwrap().origin
}

#[test]
fn only_what_shows_in_an_image_makes_it_another_one() {
    with_project("only_what_shows_in_an_image_makes_it_another_one", async |project| {
        project.write("a", "one");
        project.write("b", "two");
        project.write("ignored/c", "three");
        let recipe = project.ignoring(project.recipe(&format!("FROM {BASE}\nCOPY . /srv/\n")), &["ignored"]);
        let order = project.order(recipe);
        assert_eq!(origin(&project, &order).await, Origin::Built);
        let a = project.context().join("a");
        let touch = || {
            std::fs::File::options()
                .write(true)
                .open(&a)
                .unwrap()
                .set_modified(std::time::SystemTime::UNIX_EPOCH)
        };
        touch().unwrap();
        assert_eq!(origin(&project, &order).await, Origin::Known, "touched");
        project.write("ignored/c", "four");
        project.write("ignored/new", "five");
        assert_eq!(
            origin(&project, &order).await,
            Origin::Known,
            "changed where nobody looks"
        );
        std::fs::set_permissions(&a, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(origin(&project, &order).await, Origin::Built, "made executable");
        std::fs::rename(project.context().join("b"), project.context().join("b2")).unwrap();
        assert_eq!(origin(&project, &order).await, Origin::Built, "renamed");
        std::fs::create_dir(project.context().join("empty")).unwrap();
        assert_eq!(origin(&project, &order).await, Origin::Built, "an empty folder");
        assert_eq!(origin(&project, &order).await, Origin::Known, "and nothing");
    });
}

#[test]
fn what_an_option_says_makes_another_image() {
    with_project("what_an_option_says_makes_another_image", async |mut project| {
        let dockerfile = format!("FROM {BASE} AS one\nARG PASSED\nRUN echo $PASSED >/said\nFROM one AS two\nENV A=b\n");
        let plain = DockerRecipe {
            args: vec!["PASSED".to_owned()],
            ..project.recipe(&dockerfile)
        };
        let recipes = |plain: &DockerRecipe| {
            let plain = plain.clone();
            [
                (
                    "target",
                    DockerRecipe {
                        target: "one".to_owned(),
                        ..plain.clone()
                    },
                ),
                (
                    "network",
                    DockerRecipe {
                        network: "none".to_owned(),
                        ..plain.clone()
                    },
                ),
                (
                    "host",
                    DockerRecipe {
                        extra_hosts: vec!["a:10.0.0.1".to_owned()],
                        ..plain.clone()
                    },
                ),
                (
                    "other host",
                    DockerRecipe {
                        extra_hosts: vec!["a:10.0.0.2".to_owned()],
                        ..plain.clone()
                    },
                ),
                (
                    "argument",
                    DockerRecipe {
                        args: vec!["PASSED=x".to_owned()],
                        ..plain.clone()
                    },
                ),
                (
                    "Dockerfile",
                    DockerRecipe {
                        dockerfile: format!("{}ENV C=d\n", plain.dockerfile),
                        ..plain
                    },
                ),
            ]
        };
        project.env.insert("PASSED".to_owned(), "first".to_owned());
        let order = project.order(plain.clone());
        assert_eq!(origin(&project, &order).await, Origin::Built);
        assert_eq!(origin(&project, &order).await, Origin::Known);
        for (what, recipe) in recipes(&plain) {
            let other = project.order(recipe);
            assert_eq!(origin(&project, &other).await, Origin::Built, "{what}");
            assert_eq!(origin(&project, &other).await, Origin::Known, "{what}, again");
        }
        project.env.insert("PASSED".to_owned(), "second".to_owned());
        let built = project.build(&order).await.unwrap();
        assert_eq!(
            (built.origin, project.run(&built, "cat /said")),
            (Origin::Built, "second".to_owned())
        );
        project.env.insert("DOCKER_BUILDKIT".to_owned(), "0".to_owned());
        assert_eq!(origin(&project, &order).await, Origin::Built, "another builder");
    });
}

#[test]
fn another_platform_is_another_image() {
    with_project("another_platform_is_another_image", async |project| {
        // An image that no other test has.
        let order = project.plain(&format!("FROM scratch\nLABEL of={}\n", project.name.as_str()));
        assert_eq!(origin(&project, &order).await, Origin::Built);
        let other = Order {
            platform: "linux/arm64".to_owned(),
            ..order.clone()
        };
        assert_eq!(origin(&project, &other).await, Origin::Built);
        assert_eq!(origin(&project, &other).await, Origin::Known);
        let own = Order {
            platform: "linux/amd64".to_owned(),
            ..order
        };
        assert_eq!(
            origin(&project, &own).await,
            Origin::Known,
            "the builder's own platform, said aloud"
        );
    });
}

#[test]
fn the_builder_is_asked_when_a_secret_changed() {
    with_project("the_builder_is_asked_when_a_secret_changed", async |mut project| {
        let recipe = DockerRecipe {
            secrets: vec!["id=token,env=TOKEN".to_owned()],
            ..project.recipe(&format!(
                "FROM {BASE}\nRUN --mount=type=secret,id=token cat /run/secrets/token >/said\n"
            ))
        };
        let order = project.order(recipe);
        project.env.insert("TOKEN".to_owned(), "one".to_owned());
        assert_eq!(origin(&project, &order).await, Origin::Built);
        assert_eq!(origin(&project, &order).await, Origin::Known);
        project.env.insert("TOKEN".to_owned(), "two".to_owned());
        assert_eq!(origin(&project, &order).await, Origin::Built);
        project.env.insert("TOKEN".to_owned(), "one".to_owned());
        assert_eq!(origin(&project, &order).await, Origin::Known);
    });
}

/// Serves one text to everybody until the process ends; gives where.
fn serve(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let length = text.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
            );
        }
    });
    format!("http://{address}/file")
}

#[test]
fn what_is_fetched_by_a_url_is_asked_for_each_time() {
    with_project("what_is_fetched_by_a_url_is_asked_for_each_time", async |project| {
        let url = serve("from afar");
        let order = project.plain(&format!("FROM {BASE}\nADD {url} /file\n"));
        for _ in 0..2 {
            let built = project.build(&order).await.unwrap();
            assert_eq!((built.origin, &built.key), (Origin::Built, &None));
            assert_eq!(project.run(&built, "cat /file"), "from afar");
            let lines = project.lines.lock().unwrap().clone();
            let why = lines
                .iter()
                .find(|(level, text)| *level == Level::Debug && text.contains("The builder is asked"));
            let (_, why) = why.unwrap_or_else(|| panic!("{lines:?}"));
            assert!(why.contains(&url) || why.contains("ADD"), "{why}");
        }
    });
}
