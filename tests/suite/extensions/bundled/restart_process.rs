//! `restart_process`: images whose program is started again after an update.

use serde_json::{Value, json};

use super::place_with_web;

#[test]
fn restart_process_builds_a_child_image_whose_last_step_restarts_it() {
    let place = place_with_web();
    let ran = place
        .load(
            "load('ext://restart_process', 'docker_build_with_restart')
k8s_yaml('web.yaml')
docker_build_with_restart('acme/web', 'web', entrypoint='/srv --port=80', build_args={'A': 'b'}, only=['srv'],
    live_update=[sync('web', '/srv')], exit_policy='continue', trigger='web/srv')
",
        )
        .succeeded();
    let images = ran.resource("web")["ImageTargets"].as_array().unwrap().clone();
    assert_eq!(images.len(), 2);
    let (base, child) = (&images[0], &images[1]);
    let base_ref = "acme/web-tilt_docker_build_with_restart_base";
    assert_eq!(base["selector"], base_ref);
    assert_eq!(base["BuildDetails"]["context"], "$DIR/project/web");
    assert_eq!(child["selector"], "acme/web");
    let entrypoint = json!([
        "/.tilt/agent",
        "supervise",
        "--exit-policy",
        "continue",
        "--restart-file",
        "/tmp/.restart-proc",
        "--",
        "/srv",
        "--port=80"
    ]);
    assert_eq!(child["overrideCommand"]["command"], entrypoint);
    let dockerfile = child["BuildDetails"]["dockerfileContents"].as_str().unwrap();
    let lines: Vec<&str> = dockerfile.lines().collect();
    assert_eq!(
        lines[..3],
        [
            format!("FROM {base_ref}").as_str(),
            "ARG TARGETARCH",
            "COPY agent/${TARGETARCH:-amd64}/tilt-agent /.tilt/agent"
        ]
    );
    // The printed list has to be the JSON that Docker takes for a program with its arguments.
    assert_eq!(
        serde_json::from_str::<Value>(lines[3].strip_prefix("ENTRYPOINT ").unwrap()).unwrap(),
        entrypoint
    );
    assert_eq!(child["BuildDetails"]["args"], json!(["A=b"]));
    assert_eq!(child["LiveUpdateSpec"]["execs"], Value::Null);
    assert_eq!(child["LiveUpdateSpec"]["restart"], "always");
    assert_eq!(child["LiveUpdateSpec"]["restartTriggers"], json!(["web/srv"]));
    // What the image copies is there, and may be run.
    let context = child["BuildDetails"]["context"].as_str().unwrap();
    assert!(context.ends_with("/restart_process"), "{context}");
    let context = context.replace("$DIR", &place.dir().display().to_string());
    let program = std::path::Path::new(&context).join("agent/amd64/tilt-agent");
    let mode = std::os::unix::fs::PermissionsExt::mode(&program.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn restart_process_takes_custom_builds() {
    let ran = place_with_web()
        .load(
            "load('ext://restart_process', 'custom_build_with_restart')
k8s_yaml('web.yaml')
custom_build_with_restart('acme/web', 'build $EXPECTED_REF', ['web'], entrypoint=['/srv'], live_update=[sync('web', '/srv')],
    restart_file='/run/again', base_suffix='-base')
",
        )
        .succeeded();
    let images = &ran.resource("web")["ImageTargets"];
    assert_eq!(images[0]["selector"], "acme/web-base");
    assert_eq!(
        images[0]["BuildDetails"]["args"],
        json!(["sh", "-c", "build $EXPECTED_REF"])
    );
    assert_eq!(
        images[1]["overrideCommand"]["command"],
        json!([
            "/.tilt/agent",
            "supervise",
            "--exit-policy",
            "adaptive",
            "--restart-file",
            "/run/again",
            "--",
            "/srv"
        ])
    );
}

#[test]
fn restart_process_refuses_what_cannot_work() {
    for (call, want) in [
        (
            "docker_build_with_restart('i', '.', '/x', [])",
            "Error in fail: `docker_build_with_restart` requires at least one live_update step",
        ),
        (
            "docker_build_with_restart('i', '.', '/x', [restart_container()])",
            "Error in fail: `docker_build_with_restart` is not compatible with live_update step: `restart_container()` \
             (this extension is meant to REPLACE restart_container() )",
        ),
        (
            "docker_build_with_restart('i', 'web', '/x', [sync('web', '/x')], exit_policy='never')",
            "Error in fail: `exit_policy` must be 'restart', 'continue' or 'exit': got never",
        ),
        (
            "docker_build_with_restart('i', 'web', '/x', [auto()])",
            "Error in fail: `docker_build_with_restart` is not compatible with live_update step: `auto()`, which is about \
             one Dockerfile: use docker_build(live_update=[auto(), restart_container()]), which does the same",
        ),
        (
            "docker_build_with_restart('i', 'web', '/x', [sync('web', '/x')], platform='linux/s390x')",
            "Error in fail: no supervisor was built for platform linux/s390x: this Tilt has it for amd64",
        ),
        (
            "custom_build_with_restart('i', 'x', [], '/x', [sync('web', '/x')], tag='t')",
            "Error in fail: `custom_build_with_restart` renames your base image, so is not compatible with `tag`",
        ),
    ] {
        let tiltfile = format!(
            "load('ext://restart_process', 'docker_build_with_restart', 'custom_build_with_restart')\n{call}\n"
        );
        assert_eq!(place_with_web().load(&tiltfile).failure(), want);
    }
}

#[test]
fn restart_process_takes_a_shell_only_for_what_needs_one() {
    for (entrypoint, expected) in [
        ("/srv", json!(["/srv"])),
        ("/srv  --port=80 x", json!(["/srv", "--port=80", "x"])),
        ("A=b /srv", json!(["sh", "-c", "A=b /srv"])),
        ("cd x && ./srv", json!(["sh", "-c", "cd x && ./srv"])),
        ("exec srv", json!(["sh", "-c", "exec srv"])),
        ("/srv $PORT", json!(["sh", "-c", "/srv $PORT"])),
    ] {
        let ran = place_with_web()
            .load(&format!(
                "load('ext://restart_process', 'docker_build_with_restart')
k8s_yaml('web.yaml')
docker_build_with_restart('acme/web', 'web', entrypoint='{entrypoint}', live_update=[sync('web', '/srv')])\n"
            ))
            .succeeded();
        let command = &ran.resource("web")["ImageTargets"][1]["overrideCommand"]["command"];
        let command = command.as_array().unwrap();
        let after = command.iter().position(|word| word == "--").unwrap();
        assert_eq!(Value::from(&command[after + 1..]), expected, "{entrypoint}");
    }
}
