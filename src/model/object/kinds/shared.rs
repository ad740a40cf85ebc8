//! Pure. Structs that several kinds use: what disables or restarts an object, and the selectors borrowed from Kubernetes.

use super::super::schema::*;

pub static CONFIG_MAP_DISABLE_SOURCE: Struct = Struct::new(
    "ConfigMapDisableSource",
    &[
        text("name").required().doc("Name of the ConfigMap object."),
        text("key")
            .required()
            .doc("Key in its data; the value `true` means disabled."),
    ],
)
.doc("A value in a ConfigMap object that says whether something is disabled.");

pub static DISABLE_SOURCE: Struct = Struct::new(
    "DisableSource",
    &[
        maybe("configMap", &CONFIG_MAP_DISABLE_SOURCE).doc("One ConfigMap value decides."),
        many("everyConfigMap", &CONFIG_MAP_DISABLE_SOURCE)
            .doc("Several ConfigMap values decide: disabled only if all of them say so."),
    ],
)
.doc("Where to look up whether an object is disabled.");

pub static DISABLE_STATUS: Struct = Struct::new(
    "DisableStatus",
    &[
        flag("disabled").required(),
        time("lastUpdateTime").required(),
        text("reason").required(),
        text("state").required(),
    ],
);

pub static RESTART_ON_SPEC: Struct = Struct::new(
    "RestartOnSpec",
    &[
        texts("fileWatches").doc("Names of FileWatch objects; each change they see restarts this object."),
        texts("uiButtons").doc("Names of UIButton objects; each click restarts this object."),
    ],
)
.doc("What makes an object run again.");

pub static START_ON_SPEC: Struct = Struct::new(
    "StartOnSpec",
    &[
        time("startAfter").doc("RFC 3339 time; clicks before it do not count."),
        texts("uiButtons")
            .required()
            .doc("Names of UIButton objects; the command waits for a click on one of them."),
    ],
)
.doc("What a command waits for before its first run; it also runs again whenever that happens.");

pub static STOP_ON_SPEC: Struct = Struct::new("StopOnSpec", &[texts("uiButtons").required()]);

pub static IGNORE_DEF: Struct = Struct::new(
    "IgnoreDef",
    &[
        path("basePath")
            .required()
            .doc("Directory that the patterns are relative to; without patterns, all below it is ignored."),
        texts("patterns").doc("Patterns in the syntax of `.dockerignore`."),
    ],
)
.doc("Files to leave out of what is watched.");

pub static LABEL_SELECTOR_REQUIREMENT: Struct = Struct::new(
    "LabelSelectorRequirement",
    &[
        text("key").required().doc("Label that the requirement is about."),
        text("operator")
            .required()
            .doc("`In`, `NotIn`, `Exists` or `DoesNotExist`."),
        texts("values").doc("Values for `In` and `NotIn`; none for the other operators."),
    ],
)
.doc("A requirement on one label of a pod.");

pub static LABEL_SELECTOR: Struct = Struct::new(
    "LabelSelector",
    &[
        text_map("matchLabels").doc("Labels that must have exactly these values."),
        many("matchExpressions", &LABEL_SELECTOR_REQUIREMENT).doc("Further requirements; all must hold."),
    ],
)
.doc("Selects pods by their labels.");

pub static OBJECT_SELECTOR: Struct = Struct::new(
    "ObjectSelector",
    &[
        text("apiVersionRegexp").doc("Regular expression for the apiVersion."),
        text("kindRegexp").doc("Regular expression for the kind."),
        text("nameRegexp").doc("Regular expression for the name."),
        text("namespaceRegexp").doc("Regular expression for the namespace."),
    ],
)
.doc("Selects Kubernetes objects in YAML; what is not given matches everything.");

pub static UI_COMPONENT_LOCATION: Struct = Struct::new(
    "UIComponentLocation",
    &[
        text("componentID")
            .required()
            .doc("Name of the resource, or `nav` for the header bar if the type is `Global`."),
        text("componentType").required().doc("`Resource` or `Global`."),
    ],
)
.doc("Where in the web UI a button is shown.");

/// A condition as Kubernetes writes it.
pub static CONDITION: Struct = Struct::new(
    "Condition",
    &[
        text("type").required(),
        text("status").required(),
        int64("observedGeneration"),
        time("lastTransitionTime").required(),
        text("reason").required(),
        text("message").required(),
    ],
);
