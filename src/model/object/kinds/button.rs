//! Pure. Buttons of the web UI: UIButton and ToggleButton.

use super::super::schema::*;
use super::shared::*;

pub static UI_BUTTON: Kind = Kind {
    name: "UIButton",
    plural: "uibuttons",
    short: &[],
    doc: "A button in the web UI that other objects can react to.",
    content: Content::Spec {
        spec: &BUTTON_SPEC,
        status: &BUTTON_STATUS,
    },
    creatable: true,
    defaults: &[],
};

static BUTTON_SPEC: Struct = Struct::new(
    "UIButtonSpec",
    &[
        one("location", &UI_COMPONENT_LOCATION)
            .required()
            .doc("Where the button is shown. Required."),
        text("text").required().doc("What the button says. Required."),
        text("iconName").doc("Name of a Material icon."),
        text("iconSVG").doc("An `<svg>` element, 24 by 24, to show instead of a named icon."),
        flag("disabled").doc("Whether the button is greyed out."),
        flag("requiresConfirmation").doc("Whether a second click is needed."),
        many("inputs", &UI_INPUT_SPEC).doc("What to ask for when the button is clicked."),
    ],
);

pub static UI_INPUT_SPEC: Struct = Struct::new(
    "UIInputSpec",
    &[
        text("name")
            .required()
            .doc("Name of the input, unique in its button; commands get it as an environment variable."),
        text("label").always().doc("What the web UI says next to it."),
        maybe("text", &UI_TEXT_INPUT_SPEC).doc("Asks for a text."),
        maybe("bool", &UI_BOOL_INPUT_SPEC).doc("Asks for yes or no."),
        maybe("hidden", &UI_HIDDEN_INPUT_SPEC).doc("Does not ask; the value is always the same."),
        maybe("choice", &UI_CHOICE_INPUT_SPEC).doc("Asks for one of several texts."),
    ],
)
.doc("Something that a button asks for. Give exactly one of text, bool, hidden and choice.");

pub static UI_TEXT_INPUT_SPEC: Struct = Struct::new(
    "UITextInputSpec",
    &[
        text("defaultValue").doc("Text to begin with."),
        text("placeholder").doc("A hint to show while there is no text."),
    ],
)
.doc("An input for a text.");

pub static UI_BOOL_INPUT_SPEC: Struct = Struct::new(
    "UIBoolInputSpec",
    &[
        flag("defaultValue").doc("Value to begin with."),
        text("trueString")
            .when_set()
            .doc("The value if ticked; `true` if not given."),
        text("falseString")
            .when_set()
            .doc("The value if not ticked; `false` if not given."),
    ],
)
.doc("An input for yes or no.");

pub static UI_HIDDEN_INPUT_SPEC: Struct =
    Struct::new("UIHiddenInputSpec", &[text("value").required().doc("The value.")])
        .doc("An input that is not shown and always has the same value.");

pub static UI_CHOICE_INPUT_SPEC: Struct = Struct::new(
    "UIChoiceInputSpec",
    &[texts("choices").always().doc("The texts to choose from; at least one.")],
)
.doc("An input for one of several texts.");

static BUTTON_STATUS: Struct = Struct::new(
    "UIButtonStatus",
    &[micro_time("lastClickedAt"), many("inputs", &INPUT_STATUS)],
);

static INPUT_STATUS: Struct = Struct::new(
    "UIInputStatus",
    &[
        text("name").required(),
        maybe("text", &TEXT_INPUT_STATUS),
        maybe("bool", &BOOL_INPUT_STATUS),
        maybe("hidden", &HIDDEN_INPUT_STATUS),
        maybe("choice", &CHOICE_INPUT_STATUS),
    ],
);

static TEXT_INPUT_STATUS: Struct = Struct::new("UITextInputStatus", &[text("value").required()]);
static BOOL_INPUT_STATUS: Struct = Struct::new("UIBoolInputStatus", &[flag("value").required()]);
static HIDDEN_INPUT_STATUS: Struct = Struct::new("UIHiddenInputStatus", &[text("value").required()]);
static CHOICE_INPUT_STATUS: Struct = Struct::new("UIChoiceInputStatus", &[text("value").required()]);

pub static TOGGLE_BUTTON: Kind = Kind {
    name: "ToggleButton",
    plural: "togglebuttons",
    short: &[],
    doc: "A button in the web UI that switches a value of a ConfigMap object.",
    content: Content::Spec {
        spec: &TOGGLE_SPEC,
        status: &TOGGLE_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static TOGGLE_SPEC: Struct = Struct::new(
    "ToggleButtonSpec",
    &[
        one("location", &UI_COMPONENT_LOCATION).required(),
        one("on", &TOGGLE_STATE).required(),
        one("off", &TOGGLE_STATE).required(),
        flag("defaultOn").required(),
        one("stateSource", &STATE_SOURCE).required(),
    ],
);

static TOGGLE_STATE: Struct = Struct::new(
    "ToggleButtonStateSpec",
    &[
        text("text").required(),
        text("iconName"),
        text("iconSVG"),
        flag("requiresConfirmation"),
    ],
);

static STATE_SOURCE: Struct = Struct::new("StateSource", &[maybe("configMap", &CONFIG_MAP_STATE_SOURCE)]);

static CONFIG_MAP_STATE_SOURCE: Struct = Struct::new(
    "ConfigMapStateSource",
    &[
        text("name").required(),
        text("key").required(),
        text("onValue"),
        text("offValue"),
    ],
);

static TOGGLE_STATUS: Struct = Struct::new("ToggleButtonStatus", &[text("error").always()]);
