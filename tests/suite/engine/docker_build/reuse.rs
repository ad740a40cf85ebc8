//! When the image of the same inputs is taken as it is, and what makes it not the same.

use tilt::build::{Order, Reuse};
use tilt::model::built::Origin;

use super::project::Project;
use crate::support::engine::{BASE, Images, docker_ok, with_engine};

#[test]
fn what_was_built_before_is_neither_sent_nor_built_again() {
    with_engine(async |_| {
        let test = "what_was_built_before_is_neither_sent_nor_built_again";
        let Some(project) = Project::new(test).await else {
            return;
        };
        project.write("a", "one");
        let order = project.order(project.recipe(&format!("FROM {BASE}\nCOPY . /srv\n")));
        let first = project.build(&order).await.unwrap();
        assert_eq!(first.origin, Origin::Built);
        assert_eq!(project.run(&first, "cat /srv/a"), "one");
        let again = project.build(&order).await.unwrap();
        assert_eq!(again.origin, Origin::Known, "{}", project.said());
        assert_eq!((again.id, again.local.clone()), (first.id.clone(), first.local.clone()));
        assert!(project.said().contains("Nothing to build"), "{}", project.said());
        project.write("a", "two");
        let other = project.build(&order).await.unwrap();
        assert_eq!(other.origin, Origin::Built);
        assert_ne!(other.id, first.id);
        project.write("a", "one");
        let back = project.build(&order).await.unwrap();
        assert_eq!(
            (back.origin, &back.id),
            (Origin::Known, &first.id),
            "back to what it was"
        );
        docker_ok(&["rmi", "-f", &first.local]);
        let gone = project.build(&order).await.unwrap();
        assert_eq!(gone.origin, Origin::Built, "an image that is gone is built again");
    });
}

#[test]
fn a_base_that_moved_is_built_upon() {
    with_engine(async |_| {
        let Some(project) = Project::new("a_base_that_moved_is_built_upon").await else {
            return;
        };
        let base = format!("{}-base:1", project.name.as_str());
        let _images = Images::new([base.clone()]);
        docker_ok(&["tag", BASE, &base]);
        let order = project.order(project.recipe(&format!("FROM {base}\n")));
        let first = project.build(&order).await.unwrap();
        assert_eq!(project.build(&order).await.unwrap().origin, Origin::Known);
        let container = docker_ok(&["create", BASE, "/bin/true"]);
        docker_ok(&["commit", "-c", "ENV MOVED=yes", &container, &base]);
        docker_ok(&["rm", &container]);
        let moved = project.build(&order).await.unwrap();
        assert_eq!(moved.origin, Origin::Built);
        assert_ne!(moved.id, first.id);
        assert_eq!(project.run(&moved, "echo $MOVED"), "yes");
    });
}

#[test]
fn a_build_that_was_asked_for_runs() {
    with_engine(async |_| {
        let Some(project) = Project::new("a_build_that_was_asked_for_runs").await else {
            return;
        };
        let order = project.order(project.recipe(&format!("FROM {BASE}\nRUN echo it runs\n")));
        let first = project.build(&order).await.unwrap();
        for (reuse, printed) in [(Reuse::Steps, false), (Reuse::Nothing, true)] {
            let order = Order { reuse, ..order.clone() };
            let again = project.build(&order).await.unwrap();
            assert_eq!(again.origin, Origin::Built, "{reuse:?}");
            assert_eq!(
                again.id == first.id,
                !printed,
                "{reuse:?}: a step that ran makes another image"
            );
            assert_eq!(
                project.said().contains("it runs\n"),
                printed,
                "{reuse:?}: {}",
                project.said()
            );
        }
    });
}
