//! `tilt build` and `tilt dump image-deploy-ref` on a real engine.

use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;

use super::support::{Name, docker};
use crate::support::engine::{BASE, base, is_skipped};
use crate::support::program::Program;
use crate::support::registry::{Door, Registry, get};
use crate::support::session::Home;
use crate::support::{stderr, stdout};

/// A project whose images nobody else has.
struct Case {
    home: Home,
    name: Name,
}

impl Case {
    /// `$N` in the Tiltfile is the beginning of every image's name, `$BASE` an image that the engine has.
    fn new(test: &str, tiltfile: &str) -> Option<Case> {
        if is_skipped(test) {
            return None;
        }
        base();
        let name = Name::new("build");
        let tiltfile = tiltfile.replace("$N", name.as_str()).replace("$BASE", BASE);
        Some(Case {
            home: Home::with(&tiltfile),
            name,
        })
    }

    /// An image with a folder of its own, made from another one.
    fn image(&self, folder: &str, from: &str, rest: &str) {
        std::fs::create_dir_all(self.home.path(folder)).unwrap();
        let from = from.replace("$N", self.name.as_str()).replace("$BASE", BASE);
        // The label makes it another image for every test, so that none is in the builder's cache.
        let name = self.name.as_str();
        let text = format!("FROM {from}\nLABEL test={name}-{folder}\nCOPY file /{folder}\n{rest}\n");
        self.home.write(&format!("{folder}/Dockerfile"), &text);
        self.home.write(&format!("{folder}/file"), name);
    }

    fn full(&self, short: &str) -> String {
        format!("{}-{short}", self.name.as_str())
    }

    fn run(&self, words: &[&str]) -> Output {
        let words: Vec<String> = words
            .iter()
            .map(|word| word.replace("$N", self.name.as_str()))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.home.run(&words)
    }

    /// The report of a run, with the exit code.
    #[track_caller]
    fn report(&self, words: &[&str]) -> (Value, Option<i32>) {
        let output = self.run(&[&["build", "--output-json", "-"], words].concat());
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|error| panic!("{error}: {}\n{}", stdout(&output), stderr(&output)));
        (report, output.status.code())
    }

    /// How each image of a run that goes well came to be there: `base: built, (web): known`; in brackets who was not asked for.
    #[track_caller]
    fn origins(&self, words: &[&str]) -> String {
        let (report, code) = self.report(words);
        assert_eq!(code, Some(0), "{report:#}");
        let prefix = format!("{}-", self.name.as_str());
        let images = report["images"].as_array().unwrap().iter().map(|image| {
            let name = image["name"].as_str().unwrap().trim_start_matches(&prefix);
            let origin = image["origin"].as_str().unwrap();
            assert_eq!(image["cached"], origin != "built");
            match image["requested"].as_bool().unwrap() {
                true => format!("{name}: {origin}"),
                false => format!("({name}): {origin}"),
            }
        });
        images.collect::<Vec<_>>().join(", ")
    }
}

#[track_caller]
fn image<'a>(report: &'a Value, name: &str) -> &'a Value {
    let images = report["images"].as_array().unwrap();
    images
        .iter()
        .find(|image| image["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

const SHOP: &str = "
docker_build('$N-base', 'base')
docker_build('$N-web', 'web')
docker_build('$N-api', 'api')
docker_build('$N-alone', 'alone')
";

fn shop(test: &str) -> Option<Case> {
    let case = Case::new(test, SHOP)?;
    case.image("base", "$BASE", "");
    case.image("web", "$N-base", "");
    case.image("api", "$N-base", "");
    case.image("alone", "$BASE", "");
    Some(case)
}

#[test]
fn only_what_an_edit_touches_is_built_again() {
    let Some(case) = shop("build") else { return };
    // Nothing deploys any of them.
    assert_eq!(case.origins(&["$N-web"]), "(base): built, web: built");
    assert_eq!(case.origins(&[]), "base: known, web: known, api: built, alone: built");
    assert_eq!(case.origins(&[]), "base: known, web: known, api: known, alone: known");
    case.home.write("web/file", "edited");
    assert_eq!(case.origins(&[]), "base: known, web: built, api: known, alone: known");
    case.home.write("base/file", "edited");
    assert_eq!(case.origins(&[]), "base: built, web: built, api: built, alone: known");
    assert_eq!(case.origins(&["--no-cache", "$N-alone"]), "alone: built");
}

#[test]
fn the_report_says_what_a_pipeline_needs() {
    let Some(case) = shop("build --output-json") else {
        return;
    };
    let (report, code) = case.report(&["$N-web"]);
    assert_eq!(code, Some(0));
    let web = image(&report, &case.full("web"));
    let id = web["id"].as_str().unwrap();
    assert!(id.starts_with("sha256:"), "{id}");
    let reference = web["ref"].as_str().unwrap();
    assert_eq!(reference, format!("{}:tilt-{}", case.full("web"), &id[7..23]));
    assert_eq!(docker(&["image", "inspect", "-f", "{{.Id}}", reference]), id);
    assert_eq!(web["clusterRef"], reference);
    assert_eq!(web["inputKey"].as_str().map(str::len), Some(64), "{web:#}");
    assert_eq!((&web["digest"], &web["error"]), (&Value::Null, &Value::Null));
    assert!(web["seconds"].as_f64().unwrap() > 0.0);
    assert!(report["seconds"].as_f64().unwrap() >= web["seconds"].as_f64().unwrap());
}

#[test]
fn progress_goes_to_standard_output_with_the_name_of_its_image() {
    let Some(case) = shop("build") else { return };
    let output = case.run(&["build", "--output-json", "out.json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    for part in [
        "base  │ built in ",
        "web   │ built in ",
        "alone │ built in ",
        "-web is ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!stderr(&output).contains("not used"), "{output:?}");
    let written: Value = serde_json::from_slice(&std::fs::read(case.home.path("out.json")).unwrap()).unwrap();
    assert_eq!(written["images"].as_array().unwrap().len(), 4);
}

#[test]
fn independent_images_are_built_at_the_same_time_and_their_base_once() {
    // Each waits for the other one: one after the other they would never end.
    let make = "tar c -C / bin/busybox | docker import -c \"LABEL of=$EXPECTED_REF\" - $EXPECTED_REF";
    let tiltfile = format!(
        "docker_build('$N-base', 'base')
custom_build('$N-a', 'echo hello >fifo; echo on $TILT_IMAGE_0; {make}', deps=[], image_deps=['$N-base'])
custom_build('$N-b', 'cat fifo; {make}', deps=[], image_deps=['$N-base'])
"
    );
    let Some(case) = Case::new("build", &tiltfile) else {
        return;
    };
    case.image("base", "$BASE", "");
    make_fifo(&case);
    let program = Program::start(&mut case.home.tilt(&["build"]));
    let end = program.end();
    assert_eq!(end.status.code(), Some(0), "{end:?}");
    let count = |part: &str| end.lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(count("-base │ built in "), 1, "{:?}", end.lines);
    assert_eq!(count("-b    │ hello"), 1, "{:?}", end.lines);
    assert_eq!(
        count(&format!("-a    │ on {}:tilt-", case.full("base"))),
        1,
        "{:?}",
        end.lines
    );
}

fn make_fifo(case: &Case) {
    let made = std::process::Command::new("mkfifo")
        .arg(case.home.path("fifo"))
        .status();
    assert!(made.unwrap().success());
}

#[test]
fn one_job_builds_one_after_the_other() {
    // Whoever finds the other one's mark fails.
    let make = "tar c -C / bin/busybox | docker import -c \"LABEL of=$EXPECTED_REF\" - $EXPECTED_REF";
    let command = format!("mkdir mark && {make} && rmdir mark");
    let tiltfile = format!("for name in ['a', 'b', 'c']: custom_build('$N-' + name, '{command}', deps=[])\n");
    let Some(case) = Case::new("build --jobs", &tiltfile) else {
        return;
    };
    let output = case.run(&["build", "--jobs", "1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_failed_image_stops_only_what_is_made_from_it() {
    let tiltfile = "
docker_build('$N-bad', 'bad', network='none')
docker_build('$N-child', 'child')
docker_build('$N-grandchild', 'grandchild')
docker_build('$N-fine', 'fine')
";
    let Some(case) = Case::new("build", tiltfile) else {
        return;
    };
    case.image("bad", "$BASE", "RUN exit 3");
    case.image("child", "$N-bad", "");
    case.image("grandchild", "$N-child", "");
    case.image("fine", "$BASE", "");
    let (report, code) = case.report(&[]);
    assert_eq!(code, Some(1));
    let error = |name: &str| {
        image(&report, &case.full(name))["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(error("bad").contains("exit code 3"), "{report:#}");
    let left_out = format!("left out: {} failed", case.full("bad"));
    assert_eq!([error("child"), error("grandchild")], [left_out.clone(), left_out]);
    assert_eq!(image(&report, &case.full("fine"))["origin"], "built");
    let output = case.run(&["build"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let expected = format!(
        "Error: 1 of 4 images failed: {}; left out because of that: {} and {}\n",
        case.full("bad"),
        case.full("child"),
        case.full("grandchild")
    );
    assert!(said.ends_with(&expected), "{said}");
}

#[test]
fn what_is_named_is_pushed_and_its_base_is_not() {
    let Some(registry) = Registry::start(Door::Open, "build --push") else {
        return;
    };
    let Some(case) = shop("build --push") else { return };
    let tiltfile = std::fs::read_to_string(case.home.path("Tiltfile")).unwrap();
    case.home.write(
        "Tiltfile",
        &format!("default_registry('{}')\n{tiltfile}", registry.host),
    );
    let (report, code) = case.report(&["--push", "$N-web"]);
    assert_eq!(code, Some(0), "{report:#}");
    let web = image(&report, &case.full("web"));
    let (_, tag) = web["ref"].as_str().unwrap().rsplit_once(':').unwrap();
    let manifest = |name: &str, tag: &str| {
        let accept = "Accept: application/vnd.docker.distribution.manifest.v2+json";
        get(&registry.host, &format!("/v2/{name}/manifests/{tag}"), &[accept]).0
    };
    assert_eq!(manifest(&case.full("web"), tag), 200);
    assert_eq!(manifest(&case.full("web"), web["digest"].as_str().unwrap()), 200);
    let base = image(&report, &case.full("base"));
    let (_, tag) = base["ref"].as_str().unwrap().rsplit_once(':').unwrap();
    assert_eq!(manifest(&case.full("base"), tag), 404);
    assert_eq!(base["digest"], Value::Null);
}

#[test]
fn what_a_colleague_has_built_is_fetched() {
    let Some(registry) = Registry::start(Door::Open, "build --share") else {
        return;
    };
    let tiltfile = format!(
        "default_registry('{}/dev')\ndocker_build('$N-web', 'web')\n",
        registry.host
    );
    let Some(case) = Case::new("build --share", &tiltfile) else {
        return;
    };
    case.image("web", "$BASE", "");
    let cache = format!("{}/cache", registry.host);
    assert_eq!(case.origins(&["--share", &cache]), "web: built");
    assert_eq!(case.origins(&["--share", &cache, "--push", "--no-cache"]), "web: built");
    // Somebody else, who has learnt nothing yet.
    let colleague = |share: &str| {
        let mut command = case.home.tilt(&["build", "--output-json", "-"]);
        let command = command.env("XDG_CACHE_HOME", case.home.path("colleague"));
        let output = command.env("TILT_IMAGE_CACHE", share).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["images"][0]["origin"].as_str().map(str::to_owned)
    };
    assert_eq!(colleague(&cache).as_deref(), Some("fetched"));
}

#[test]
fn mistakes_are_told_before_anything_is_built() {
    let Some(case) = shop("build") else { return };
    let output = case.run(&["build", "$N-wep"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!(
        "Error: no image `{}` (did you mean {}?)\n",
        case.full("wep"),
        case.full("web")
    );
    assert!(stderr(&output).ends_with(&expected), "{output:?}");
    assert_eq!(case.name.tags(), Vec::<String>::new());
    case.home.write("Tiltfile", "fail('broken')");
    let output = case.run(&["build"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("broken"), "{output:?}");
    case.home.write("Tiltfile", "");
    let output = case.run(&["build"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout(&output).contains("The Tiltfile builds no images\n"),
        "{output:?}"
    );
}

#[test]
fn the_tiltfile_knows_who_asks_and_gets_its_arguments() {
    let tiltfile = "
config.define_string('tag')
print(config.tilt_subcommand, config.parse()['tag'])
k8s_yaml(blob('{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}'))
";
    let home = Home::with(tiltfile);
    // Not one that anybody may deploy to unasked.
    home.write(
        "kubeconfig",
        "{contexts: [{name: prod, context: {cluster: prod}}], clusters: [{name: prod, cluster: {server: 'https://192.0.2.1'}}], \
         current-context: prod}",
    );
    let mut command = home.tilt(&["build", "--", "--tag=v1"]);
    let output = command.env("KUBECONFIG", home.path("kubeconfig")).output().unwrap();
    assert!(stdout(&output).contains("build v1\n"), "{output:?}");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn what_this_version_cannot_build_is_told() {
    let Some(case) = Case::new(
        "build",
        "docker_compose('compose.yml')\ndocker_build('$N-web', 'web')\n",
    ) else {
        return;
    };
    case.image("web", "$BASE", "");
    case.home.write(
        "compose.yml",
        &format!("services: {{db: {{image: {}, build: web}}}}\n", case.full("db")),
    );
    let (report, code) = case.report(&[]);
    assert_eq!(code, Some(1), "{report:#}");
    let error = &image(&report, &case.full("db"))["error"];
    assert_eq!(
        error,
        "a service's own `build:` section is not part of this version of tilt"
    );
    assert_eq!(image(&report, &case.full("web"))["origin"], "built");
}

#[test]
fn without_docker_that_is_what_is_said() {
    let home = Home::with("docker_build('a', '.', dockerfile_contents='FROM scratch')");
    let mut command = home.tilt(&["build"]);
    let output = command
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.ends_with(
            "Error: cannot reach Docker at `unix:///nowhere/docker.sock`: no such file or directory; \
             is Docker running?\n"
        ),
        "{said}"
    );
}

#[test]
fn an_interrupt_ends_a_build() {
    let Some(case) = Case::new("build", "docker_build('$N-slow', 'slow', network='none')") else {
        return;
    };
    case.image("slow", "$BASE", "RUN echo it begins; sleep 1000");
    for signal in [Signal::INT, Signal::TERM] {
        let mut program = Program::start(&mut case.home.tilt(&["build", "--output-json", "out.json"]));
        program.line_with("→ it begins");
        program.signal(signal);
        let end = program.end();
        assert_eq!(end.status.code(), Some(1), "{end:?}");
        let word = if signal == Signal::INT {
            "interrupted"
        } else {
            "terminated"
        };
        assert_eq!(end.stderr, format!("Error: {word}: not all images were built\n"));
        let report = std::fs::read_to_string(case.home.path("out.json")).unwrap();
        assert!(report.contains("\"error\": \"build canceled\""), "{report}");
    }
}

#[test]
fn an_image_gets_the_tag_of_a_deploy() {
    let Some(case) = Case::new("dump image-deploy-ref", "") else {
        return;
    };
    let name = format!("{}:dev", case.name.as_str());
    docker(&["tag", BASE, &name]);
    let id = docker(&["image", "inspect", "-f", "{{.Id}}", BASE]);
    let output = case.run(&["dump", "image-deploy-ref", &name]);
    let expected = format!("{}:tilt-{}", case.name.as_str(), &id[7..23]);
    assert_eq!(stdout(&output), expected, "{output:?}");
    assert_eq!(case.name.tags(), [name, expected]);
    for (wrong, expected) in [
        ("no/such:image", "Error: Docker has no image `no/such:image`\n"),
        ("A b", "Error: `A b` names no image: "),
    ] {
        let output = case.run(&["dump", "image-deploy-ref", wrong]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).starts_with(expected), "{output:?}");
    }
}
