//! What bodies become, and what is said about those that are none.

use super::*;
use crate::model::object::kinds::{CMD, CONFIG_MAP, UI_BUTTON};

fn decode(kind: &'static Kind, text: &str) -> Result<Decoded, Mismatch> {
    object(kind, &read(text.as_bytes(), Format::Yaml).unwrap().tree)
}

#[test]
fn an_object_is_read_with_its_metadata() {
    let text = "
metadata:
  name: (b)
  resourceVersion: '12'
  uid: u
  labels: {a: b}
  finalizers: [f]
  ownerReferences: [{apiVersion: tilt.dev/v1alpha1, kind: Tiltfile, name: t, uid: x, controller: true}]
  managedFields: [{manager: me, fieldsV1: {'f:spec': {}}}]
spec: {text: hi, location: {componentID: a, componentType: Resource}}
status: {lastClickedAt: 2020-01-02T03:04:05.5+01:00}
";
    let read = decode(&UI_BUTTON, text).unwrap();
    assert_eq!((read.version, read.uid.as_deref()), (Some(12), Some("u")));
    assert_eq!(read.unknown, Vec::<String>::new());
    let object = read.object;
    assert_eq!((&*object.name, &*object.meta.finalizers[0]), ("(b)", "f"));
    assert!(object.is_owned_by(&crate::model::object::kinds::TILTFILE, "t"));
    assert_eq!(object.meta.managed_fields.len(), 1);
    let clicked = object.status.get("lastClickedAt").and_then(Tree::as_text);
    assert_eq!(clicked, Some("2020-01-02T02:04:05.500000Z"));
}

#[test]
fn what_prints_as_nothing_is_stored_as_nothing() {
    let bare = decode(&UI_BUTTON, "spec: {text: x}").unwrap().object;
    let padded = "
spec: {text: x, iconName: '', disabled: false, inputs: [], iconSVG: null, location: {componentID: ''}}
status: {lastClickedAt: null}";
    let padded = decode(&UI_BUTTON, padded).unwrap().object;
    assert!(bare.says_the_same(&padded));
    assert!(bare.spec == padded.spec && padded.status.is_empty());
}

#[test]
fn fields_that_do_not_exist_are_listed() {
    let read = decode(
        &CMD,
        "{foo: 1, metadata: {nome: x}, spec: {arg: [], readinessProbe: {exec: {cmd: x}}}}",
    )
    .unwrap();
    let expected = ["foo", "metadata.nome", "spec.arg", "spec.readinessProbe.exec.cmd"];
    assert_eq!(read.unknown, expected);
    assert_eq!(
        decode(&CONFIG_MAP, "{data: {a: b}, spec: {}}").unwrap().unknown,
        ["spec"]
    );
}

#[test]
fn a_value_of_another_type_is_refused_with_its_path() {
    let message = |kind, text| decode(kind, text).unwrap_err().to_string();
    assert_eq!(
        message(&UI_BUTTON, "spec: {inputs: [{name: 3}]}"),
        "json: cannot unmarshal number into Go struct field UIInputSpec.spec.inputs[0].name of type string"
    );
    assert_eq!(
        message(&UI_BUTTON, "spec: 3"),
        "json: cannot unmarshal number into Go struct field UIButton.spec of type v1alpha1.UIButtonSpec"
    );
    assert!(message(&CONFIG_MAP, "data: {a: [1]}").contains("ConfigMap.data.a of type string"));
    assert!(
        message(&UI_BUTTON, "status: {lastClickedAt: yesterday}").starts_with("status.lastClickedAt: parsing time")
    );
    assert!(message(&CMD, "metadata: {resourceVersion: x}").contains("\"x\""));
}
