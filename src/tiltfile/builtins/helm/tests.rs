//! Charts, rendered by programs that stand in for Helm.

use super::*;
use crate::tiltfile::testing::Tiltfile;

/// Prints its arguments as a comment, then what the test wrote into `rendered`.
const HELM: &str = "case $1 in version) echo v3.15.2+g1a500d5;; *) echo \"# $*\"; cat rendered;; esac";

fn chart(text: &str) -> Tiltfile {
    Tiltfile::new(text)
        .file("chart/Chart.yaml", "name: c\n")
        .file("rendered", "kind: Pod\n")
        .program("helm", HELM)
}

#[test]
fn a_chart_is_rendered_with_what_was_asked_for() {
    let table = [
        ("helm('chart')", "helm template chart $DIR/chart --include-crds"),
        (
            "helm('chart', name='')",
            "helm template chart $DIR/chart --include-crds",
        ),
        (
            "helm(pathToChartDir='chart', name='web', skip_crds=True)",
            "helm template web $DIR/chart",
        ),
        (
            "helm('chart', kube_version='1.30', values=['a.yaml', 'b.yaml'], set='x=1')",
            "helm template chart $DIR/chart --kube-version 1.30 --include-crds --values a.yaml --values b.yaml --set x=1",
        ),
    ];
    for (call, command) in table {
        let said = chart(&format!("print({call})\n")).eval();
        let arguments = command.strip_prefix("helm ").unwrap();
        assert_eq!(
            said.said(),
            format!("Running: {command}\n# {arguments}\nkind: Pod\n\n"),
            "{call}"
        );
    }
}

#[test]
fn charts_and_values_files_are_watched() {
    let said = chart("helm('chart', values=['v.yaml', 'nope.yaml'])\n")
        .file("v.yaml", "")
        .file(
            "chart/Chart.yaml",
            "dependencies:\n- {name: a, repository: 'file://../sub'}\n- {name: b, repository: 'https://example.com'}\n",
        )
        .file(
            "sub/requirements.yaml",
            "dependencies: [{name: d, repository: 'file://deeper'}]\n",
        )
        .eval();
    said.project();
    assert_eq!(
        said.watched(),
        ["Tiltfile", "chart", "nope.yaml", "sub", "sub/deeper", "v.yaml"]
    );
}

#[test]
fn objects_without_a_namespace_get_the_one_that_was_asked_for() {
    let rendered = "---\n# Source: c/templates/a.yaml\nkind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b, namespace: other}\n---\nkind: PodList\nitems: [{kind: Pod}]\n";
    let said = chart("print(helm('chart', namespace='mine'))\n")
        .file("rendered", rendered)
        .eval();
    assert_eq!(
        said.said(),
        "Running: helm template chart $DIR/chart --namespace mine --include-crds\n\
         kind: Pod\nmetadata:\n  name: a\n  namespace: mine\n\n---\n\
         kind: Pod\nmetadata:\n  name: b\n  namespace: other\n\n---\n\
         kind: Pod\nmetadata:\n  namespace: mine\n\n"
    );
}

#[test]
fn what_is_there_to_test_a_release_is_left_out() {
    let rendered = "---\n# Source: c/templates/a.yaml\na: 1\n---\n# Source: c/templates/tests/t.yaml\nt: 1\n---\n# Source: c/templates/b.yaml\nb: 1\n";
    assert_eq!(
        without_tests(rendered),
        "---\n# Source: c/templates/a.yaml\na: 1\n---\n# Source: c/templates/b.yaml\nb: 1\n"
    );
}

#[test]
fn the_oldest_helm_gets_its_definitions_from_us() {
    let said = chart("print(helm('chart'))\nhelm('chart', skip_crds=True)\n")
        .program("helm", "case $1 in version) echo v3.0.1;; *) cat rendered;; esac")
        .file("chart/crds/x.yaml", "kind: CustomResourceDefinition\n")
        .file("chart/crds/README.md", "no")
        .eval();
    assert_eq!(
        said.said(),
        "Running: helm template chart $DIR/chart\nkind: Pod\n\n---\nkind: CustomResourceDefinition\n\nRunning: helm template chart $DIR/chart\n"
    );
}

#[test]
fn versions_are_told_from_the_last_line() {
    let table = [
        ("v3.0.3+gac925eb", Some(HelmVersion::V3Dot0)),
        ("v3.1.0+gb29d20b\n", Some(HelmVersion::Later)),
        ("3.14.0", Some(HelmVersion::Later)),
        ("v4.0.0+g99cd196", Some(HelmVersion::Later)),
        (
            "WARNING: Kubernetes configuration file is group-readable.\nv3.3.3+g55e3ca0\n",
            Some(HelmVersion::Later),
        ),
        ("Client: v2.12.3geecf22f", None),
        ("", None),
    ];
    for (printed, version) in table {
        assert_eq!(parse_version(printed).ok(), version, "{printed:?}");
    }
}

#[test]
fn the_version_is_asked_for_once() {
    let said = chart("helm('chart')\nhelm('chart')\nprint(read_file('asked'))\n")
        .program("helm", "case $1 in version) echo asked >> asked; echo v3.15.2;; esac")
        .eval();
    assert!(said.said().ends_with("\nasked\n\n"), "{}", said.log());
}

#[test]
fn charts_that_cannot_be_rendered_are_refused() {
    let table = [
        (
            "helm('Tiltfile')",
            "helm() may only be called on directories with Chart.yaml: \"$DIR/Tiltfile\"",
        ),
        (
            "helm('nope')",
            "Could not read Helm chart directory \"$DIR/nope\": does not exist",
        ),
        (
            "helm('chart')",
            "Unable to find Helm installation. Make sure `helm` is on your $PATH.",
        ),
    ];
    for (statement, message) in table {
        let said = Tiltfile::new(statement)
            .file("chart/Chart.yaml", "")
            .env("PATH", "/nowhere")
            .eval();
        assert_eq!(said.message(), message, "{statement}");
    }
    let said = chart("helm('chart')")
        .program("helm", "case $1 in version) echo v2.1;; esac")
        .eval();
    assert_eq!(said.message(), "could not parse Helm version from string: \"v2.1\\n\"");
    let said = chart("helm('chart')")
        .program(
            "helm",
            "case $1 in version) echo v3.1.0;; *) echo broken >&2; exit 1;; esac",
        )
        .eval();
    assert_eq!(
        said.message(),
        "command \"helm template chart $DIR/chart --include-crds\" failed.\nerror: exit status 1\nstdout: \"\"\nstderr: \"broken\\n\""
    );
    assert_eq!(said.watched(), ["Tiltfile", "chart"]);
    let said = chart("helm('chart', namespace='x')").file("rendered", "[1\n").eval();
    assert!(
        said.message().starts_with("error converting YAML to JSON: yaml: "),
        "{}",
        said.message()
    );
}
