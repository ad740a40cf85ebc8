//! Extensions with buttons: `cancel`, `uibutton`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tilt::model::object::ObjectSet;
use tilt::tiltfile::{Limits, Request, Timed, evaluate};

use crate::extensions::Place;

#[test]
fn cancel_adds_the_resource_that_manages_the_buttons() {
    let ran = Place::new().load("load_dynamic('ext://cancel')\n").succeeded();
    assert_eq!(ran.names(), ["operator:cancel"]);
    let serve = &ran.resource("operator:cancel")["DeployTarget"]["ServeCmd"];
    assert_eq!(serve["Argv"], json!(["sh", "./controller.sh"]));
    let dir = serve["Dir"].as_str().unwrap();
    assert!(dir.ends_with("/cancel"), "{dir}");
}

/// The objects that a Tiltfile declares when `tilt up` evaluates it: buttons do nothing elsewhere.
fn objects_in_up(place: &Place, tiltfile: &str) -> Result<ObjectSet, String> {
    place.file("project/Tiltfile", tiltfile);
    let home = place.dir().join("data").display().to_string();
    let request = Request {
        tiltfile: place.dir().join("project/Tiltfile"),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        purpose: Default::default(),
        environment: BTreeMap::from([("HOME".to_owned(), home)]),
        command_line: Vec::new(),
        executable: "/bin/tilt".into(),
        kube_context: None,
        kube_namespace: None,
        pinned: None,
        timings: Timed::No,
        limits: Limits::default(),
        cancel: Default::default(),
    };
    let evaluation = evaluate(request, |_| {});
    evaluation
        .project
        .map(|project| project.objects)
        .map_err(|failure| failure.message)
}

fn object(objects: &ObjectSet, plural: &str, name: &str) -> Value {
    let tree = objects.get(plural, name).unwrap().to_json_tree();
    serde_json::from_str(&tilt::model::yaml::json::compact(&tree)).unwrap()
}

#[test]
fn uibutton_adds_a_button_and_the_command_that_it_starts() {
    let place = Place::new();
    let objects = objects_in_up(
        &place,
        "load('ext://uibutton', 'cmd_button', 'text_input', 'bool_input', 'choice_input', 'location')
cmd_button('greet', resource='web', argv=['echo', 'hi'], text='Greet', icon_name='waving_hand', requires_confirmation=True,
    env=['A=b'], inputs=[text_input('NAME', default='you'), bool_input('LOUD'), bool_input('ON', default=True, true_string='yes',
    false_string='no'), choice_input('HOW', choices=['a', 'b'])])
cmd_button('all', argv=['true'], location=location.NAV, icon_svg='<svg/>')
cmd_button('odd', argv=['true'], location='Resource/web')
",
    )
    .unwrap();
    let button = &object(&objects, "uibuttons", "greet")["spec"];
    assert_eq!(
        button["location"],
        json!({"componentID": "web", "componentType": "Resource"})
    );
    assert_eq!(button["text"], "Greet");
    assert_eq!(button["iconName"], "waving_hand");
    assert_eq!(button["requiresConfirmation"], true);
    let inputs = button["inputs"].as_array().unwrap();
    assert_eq!(inputs[0]["text"]["defaultValue"], "you");
    assert_eq!(inputs[1]["name"], "LOUD");
    assert_eq!(
        inputs[2]["bool"],
        json!({"defaultValue": true, "trueString": "yes", "falseString": "no"})
    );
    assert_eq!(inputs[3]["choice"], json!({"choices": ["a", "b"]}));
    let command = object(&objects, "cmds", "btn-greet");
    assert_eq!(command["spec"]["args"], json!(["echo", "hi"]));
    assert_eq!(
        command["spec"]["dir"],
        place.dir().join("project").display().to_string()
    );
    assert_eq!(command["spec"]["startOn"]["uiButtons"], json!(["greet"]));
    let annotations = &command["metadata"]["annotations"];
    assert_eq!(annotations["tilt.dev/resource"], "web");
    assert_eq!(annotations["tilt.dev/log-span-id"], "cmd:greet");
    let nav = &object(&objects, "uibuttons", "all")["spec"];
    assert_eq!(
        nav["location"],
        json!({"componentID": "nav", "componentType": "Global"})
    );
    assert_eq!(nav["iconSVG"], "<svg/>");
}

#[test]
fn uibutton_refuses_buttons_that_belong_nowhere() {
    let place = Place::new();
    for (call, want) in [
        ("cmd_button('b', argv=['x'])", "Must provide a resource name"),
        ("cmd_button('b', resource='r')", "argv cannot be empty"),
        ("cmd_button('b', argv=['x'], location='')", "location is required"),
        (
            "cmd_button('b', argv=['x'], location='moon')",
            "Unsupported location moon",
        ),
    ] {
        let tiltfile = format!("load('ext://uibutton', 'cmd_button')\n{call}\n");
        assert_eq!(objects_in_up(&place, &tiltfile).unwrap_err(), want);
    }
}
