//! Kustomizations, rendered by programs that stand in for kustomize and kubectl.

use crate::tiltfile::testing::Tiltfile;

/// A Tiltfile with programs of ours alone on its `PATH`, besides what a script needs.
fn tiltfile(text: &str) -> Tiltfile {
    Tiltfile::new(text).file("overlay/kustomization.yaml", "resources: [../base]\npatches: [{path: patch.yaml}]\n").file(
        "base/kustomization.yml",
        "resources: [a.yaml, 'https://example.com/x.yaml', gone.yaml]\nconfigMapGenerator: [{name: x, files: [k=f.txt]}]\n",
    )
}

#[test]
fn a_kustomization_is_rendered_and_its_inputs_are_watched() {
    let said = tiltfile("print(kustomize('overlay'))\n")
        .program("kustomize", "echo \"$*\"")
        .eval();
    assert_eq!(said.said(), "Running: kustomize build overlay\nbuild overlay\n\n");
    assert_eq!(
        said.watched(),
        [
            "Tiltfile",
            "base/a.yaml",
            "base/f.txt",
            "base/gone.yaml",
            "base/kustomization.yml",
            "overlay/kustomization.yaml",
            "overlay/patch.yaml"
        ]
    );
}

#[test]
fn flags_and_program_can_be_chosen() {
    let said = tiltfile("print(kustomize(pathToDir='overlay', kustomize_bin='bin/k', flags=['--enable-helm']))\n")
        .program("unused", "")
        .file("bin/k", "")
        .eval();
    assert!(
        said.message()
            .starts_with("command \"$DIR/bin/k build --enable-helm overlay\" failed.\nerror: "),
        "{}",
        said.message()
    );
    let said = tiltfile("print(kustomize('overlay', kustomize_bin='.bin/k', flags=['--enable-helm']))\n")
        .program("k", "echo \"$*\"")
        .eval();
    assert_eq!(
        said.said(),
        "Running: $DIR/.bin/k build --enable-helm overlay\nbuild --enable-helm overlay\n\n"
    );
}

#[test]
fn kubectl_does_where_there_is_no_kustomize() {
    let alone = |tiltfile: Tiltfile| {
        let bin = tiltfile.dir().join(".bin").display().to_string();
        tiltfile.env("PATH", &bin)
    };
    let said = alone(tiltfile("print(kustomize('overlay'))\n").program("kubectl", "echo \"$*\"")).eval();
    assert_eq!(
        said.said(),
        "Falling back to `kubectl kustomize` since `kustomize` was not found in PATH\nRunning: kubectl kustomize overlay\nkustomize overlay\n\n"
    );
    let said = alone(tiltfile("kustomize('overlay')\n")).eval();
    assert_eq!(
        said.message(),
        "command \"kubectl kustomize overlay\" failed.\nerror: exec: \"kubectl\": executable file not found in $PATH\nstdout: \"\"\nstderr: \"\""
    );
}

#[test]
fn a_kustomization_that_fails_is_watched_too() {
    let said = tiltfile("kustomize('overlay')\n")
        .program("kustomize", "echo broken >&2; exit 1")
        .eval();
    assert_eq!(
        said.message(),
        "command \"kustomize build overlay\" failed.\nerror: exit status 1\nstdout: \"\"\nstderr: \"broken\\n\""
    );
    assert_eq!(said.watched().len(), 7);
}

#[test]
fn a_folder_has_exactly_one_kustomization() {
    let with = |tiltfile: Tiltfile| tiltfile.program("kustomize", "").eval().message();
    assert_eq!(
        with(Tiltfile::new("kustomize('.')")),
        "resolving deps: unable to find one of [\"kustomization.yaml\", \"kustomization.yml\", \"Kustomization\"] in directory '$DIR'"
    );
    let two = Tiltfile::new("kustomize('.')")
        .file("kustomization.yaml", "")
        .file("Kustomization", "");
    assert_eq!(
        with(two),
        "resolving deps: Found multiple kustomization files under: $DIR"
    );
    let circular = Tiltfile::new("kustomize('.')")
        .file("kustomization.yaml", "resources: [.]")
        .program("kustomize", "");
    circular.eval().project();
}
