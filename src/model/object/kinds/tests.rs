//! The table against the schema that upstream's API server serves, and against the lists of its Starlark functions.

use std::collections::BTreeMap;

use super::super::schema::{Content, Shape, Struct, snake};
use super::*;

const SCHEMA: &str = include_str!("../../../../testdata/openapi/definitions.txt");

/// Definition → its fields as `name! type`, sorted.
type Definitions = BTreeMap<String, Vec<String>>;

fn definitions_of_the_schema() -> Definitions {
    let mut definitions = Definitions::new();
    let mut current = String::new();
    for line in SCHEMA.lines() {
        match line.strip_prefix("  ") {
            Some(field) => definitions.get_mut(&current).unwrap().push(field.to_owned()),
            None => {
                current = line.to_owned();
                definitions.insert(current.clone(), Vec::new());
            }
        }
    }
    definitions
}

fn schema_type(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::Path => "string".into(),
        Shape::Int32 => "int32".into(),
        Shape::Int64 => "int64".into(),
        Shape::Bool => "boolean".into(),
        Shape::Duration => "Duration".into(),
        Shape::Time => "Time".into(),
        Shape::MicroTime => "MicroTime".into(),
        Shape::Texts | Shape::Paths => "[string]".into(),
        Shape::Ints => "[int32]".into(),
        Shape::TextMap => "{string}".into(),
        Shape::One(of) => of.name.into(),
        Shape::Many(of) => format!("[{}]", of.name),
        Shape::Inline(_) => unreachable!("json_fields leaves no inlined struct"),
    }
}

fn fields_of(of: &Struct) -> Vec<String> {
    let field = |field: &&super::super::schema::Field| {
        let required = if field.required { "!" } else { "" };
        format!("{}{required} {}", field.json, schema_type(field.shape))
    };
    of.json_fields().iter().map(field).collect()
}

fn add(definitions: &mut Definitions, of: &Struct) {
    let mut fields = fields_of(of);
    fields.sort();
    definitions.insert(of.name.into(), fields);
    of.json_fields()
        .iter()
        .filter_map(|field| field.shape.structure())
        .for_each(|inner| add(definitions, inner));
}

fn definitions_of_the_table() -> Definitions {
    let mut definitions = Definitions::new();
    for kind in KINDS {
        let mut fields = ["apiVersion string", "kind string", "metadata ObjectMeta"]
            .map(String::from)
            .to_vec();
        match kind.content {
            Content::Spec { spec, status } => {
                add(&mut definitions, spec);
                add(&mut definitions, status);
                fields.push(format!("spec {}", spec.name));
                fields.push(format!("status {}", status.name));
            }
            Content::Plain(plain) => fields.extend(fields_of(plain)),
        }
        fields.sort();
        definitions.insert(kind.name.into(), fields);
    }
    definitions
}

#[test]
fn the_table_agrees_with_the_schema_of_the_api_server() {
    let (schema, table) = (definitions_of_the_schema(), definitions_of_the_table());
    assert!(schema.len() > 120, "the schema was read");
    for (name, fields) in &schema {
        assert_eq!(table.get(name), Some(fields), "{name}");
    }
    let unknown: Vec<_> = table.keys().filter(|name| !schema.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "not in the schema: {unknown:?}");
}

#[test]
fn no_two_fields_of_a_struct_share_a_name() {
    for (name, fields) in definitions_of_the_table() {
        let mut names: Vec<_> = fields.iter().map(|field| field.split([' ', '!']).next()).collect();
        names.dedup();
        assert_eq!(names.len(), fields.len(), "{name}");
    }
}

#[test]
fn kinds_are_found_by_every_name_a_person_may_use() {
    for (name, kind) in [
        ("UIButton", "UIButton"),
        ("uibutton", "UIButton"),
        ("uibuttons", "UIButton"),
        ("fw", "FileWatch"),
        ("extrepo", "ExtensionRepo"),
        ("kubernetesapplys", "KubernetesApply"),
        ("KubernetesDiscoveries", "KubernetesDiscovery"),
    ] {
        assert_eq!(kind_called(name).map(|kind| kind.name), Some(kind), "{name}");
    }
    assert!(kind_called("pods").is_none());
}

#[test]
fn plural_and_short_names_are_upstreams() {
    let table: Vec<String> = KINDS
        .iter()
        .map(|kind| {
            format!("{} {} {}", kind.plural, kind.singular(), kind.short.join(","))
                .trim_end()
                .to_owned()
        })
        .collect();
    assert_eq!(
        table,
        [
            "clusters cluster",
            "cmds cmd",
            "cmdimages cmdimage",
            "configmaps configmap cm",
            "dockercomposelogstreams dockercomposelogstream dclog,dcls",
            "dockercomposeservices dockercomposeservice dc",
            "dockerimages dockerimage",
            "extensions extension ext",
            "extensionrepos extensionrepo repo,extrepo",
            "filewatches filewatch fw",
            "imagemaps imagemap im",
            "kubernetesapplys kubernetesapply ka,kapp",
            "kubernetesdiscoveries kubernetesdiscovery kd,kdisco",
            "liveupdates liveupdate",
            "podlogstreams podlogstream pls",
            "portforwards portforward pf",
            "sessions session",
            "tiltfiles tiltfile",
            "togglebuttons togglebutton",
            "uibuttons uibutton",
            "uiresources uiresource",
            "uisessions uisession",
        ]
    );
}

#[test]
fn starlark_names_follow_from_json_names() {
    for (json, starlark) in [
        ("iconSVG", "icon_svg"),
        ("componentID", "component_id"),
        ("HTTPGetAction", "http_get_action"),
        ("UIBoolInputSpec", "ui_bool_input_spec"),
        ("TCPSocketAction", "tcp_socket_action"),
        ("uiButtons", "ui_buttons"),
        ("apiVersionRegexp", "api_version_regexp"),
        ("yaml", "yaml"),
    ] {
        assert_eq!(snake(json), starlark);
    }
}
