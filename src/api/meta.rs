//! Pure. What every object has besides its content, in the words of the kinds' schema.

use crate::model::object::schema::*;

/// `metadata` of an object. `managedFields` holds trees of any form below `fieldsV1`, so it is read by hand.
pub static OBJECT_META: Struct = Struct::new(
    "ObjectMeta",
    &[
        text_map("annotations").doc("Notes of any length; some of them mean something to this program."),
        time("creationTimestamp").doc("When the object was created. Set by the server."),
        int64("deletionGracePeriodSeconds").doc("Not used."),
        time("deletionTimestamp")
            .when_set()
            .doc("When the object was asked to go; it goes once it has no finalizers. Set by the server."),
        texts("finalizers").doc("Who keeps the object from going once it is deleted."),
        text("generateName").doc("What a name begins with that the server makes up, where none is given."),
        int64("generation").doc("Not used."),
        text_map("labels").doc("Short marks that objects are selected by."),
        many("managedFields", &MANAGED_FIELDS_ENTRY).doc("Which client set which fields. Kept by the server."),
        text("name").doc("The name, unique for its kind. Any segment of a URL's path will do."),
        text("namespace").doc("Not used: no object is in a namespace."),
        many("ownerReferences", &OWNER_REFERENCE).doc("The objects that this one belongs to."),
        text("resourceVersion").doc(
            "Grows with every change of any object. A change that names an older one is refused. Set by the server.",
        ),
        text("selfLink").doc("Not used."),
        text("uid").doc("Tells two objects of the same name apart. Set by the server."),
    ],
)
.doc("What every object has: its name, its marks and what the server knows about it.");

pub static OWNER_REFERENCE: Struct = Struct::new(
    "OwnerReference",
    &[
        text("apiVersion").required().doc("Group and version of the owner."),
        flag("blockOwnerDeletion").doc("Not used."),
        flag("controller").doc("Whether the owner manages the object; at most one does."),
        text("kind").required().doc("Kind of the owner."),
        text("name").required().doc("Name of the owner."),
        text("uid").required().doc("Uid of the owner."),
    ],
)
.doc("An object that another one belongs to.");

pub static MANAGED_FIELDS_ENTRY: Struct = Struct::new(
    "ManagedFieldsEntry",
    &[
        text("apiVersion").doc("Version that the fields are named in."),
        text("fieldsType").doc("`FieldsV1`."),
        text("manager").doc("Name of the client."),
        text("operation").doc("`Apply` or `Update`."),
        text("subresource").doc("Which part of the object was changed through its own path."),
        time("time")
            .when_set()
            .doc("When the fields were last added to or taken from."),
    ],
)
.doc("The fields that one client set.");
