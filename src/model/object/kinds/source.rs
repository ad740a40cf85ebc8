//! Pure. What objects are made from and watch: ConfigMap, FileWatch, Extension and ExtensionRepo.

use super::super::schema::*;
use super::shared::*;

pub static CONFIG_MAP: Kind = Kind {
    name: "ConfigMap",
    plural: "configmaps",
    short: &["cm"],
    doc: "Holds configuration for other objects to read, such as whether they are disabled.",
    content: Content::Plain(&CONFIG_MAP_DATA),
    creatable: true,
    defaults: &[],
};

static CONFIG_MAP_DATA: Struct = Struct::new("ConfigMap", &[text_map("data").doc("Keys and their values.")]);

pub static FILE_WATCH: Kind = Kind {
    name: "FileWatch",
    plural: "filewatches",
    short: &["fw"],
    doc: "Watches files and directories and reports what changes.",
    content: Content::Spec {
        spec: &FILE_WATCH_SPEC,
        status: &FILE_WATCH_STATUS,
    },
    creatable: true,
    defaults: &[],
};

static FILE_WATCH_SPEC: Struct = Struct::new(
    "FileWatchSpec",
    &[
        paths("watchedPaths")
            .required()
            .doc("Files and directories to watch; directories with all that is below them."),
        many("ignores", &IGNORE_DEF).doc("Changes to leave out."),
        maybe("disableSource", &DISABLE_SOURCE).doc("Where to look up whether the watch is disabled."),
    ],
);

static FILE_WATCH_STATUS: Struct = Struct::new(
    "FileWatchStatus",
    &[
        micro_time("monitorStartTime"),
        micro_time("lastEventTime"),
        many("fileEvents", &FILE_EVENT),
        text("error"),
        maybe("disableStatus", &DISABLE_STATUS),
    ],
);

static FILE_EVENT: Struct = Struct::new(
    "FileEvent",
    &[micro_time("time").required(), texts("seenFiles").required()],
);

pub static EXTENSION: Kind = Kind {
    name: "Extension",
    plural: "extensions",
    short: &["ext"],
    doc: "Runs the Tiltfile of an extension next to the main one.",
    content: Content::Spec {
        spec: &EXTENSION_SPEC,
        status: &EXTENSION_STATUS,
    },
    creatable: true,
    defaults: &[],
};

static EXTENSION_SPEC: Struct = Struct::new(
    "ExtensionSpec",
    &[
        text("repoName")
            .required()
            .doc("Name of the ExtensionRepo object that holds the extension."),
        text("repoPath")
            .required()
            .doc("Directory of the extension in that repository; its Tiltfile is run."),
        texts("args").doc("Arguments for the extension's Tiltfile."),
    ],
);

static EXTENSION_STATUS: Struct = Struct::new("ExtensionStatus", &[text("error"), text("path")]);

pub static EXTENSION_REPO: Kind = Kind {
    name: "ExtensionRepo",
    plural: "extensionrepos",
    short: &["repo", "extrepo"],
    doc: "A git repository or a directory that holds extensions.",
    content: Content::Spec {
        spec: &EXTENSION_REPO_SPEC,
        status: &EXTENSION_REPO_STATUS,
    },
    creatable: true,
    defaults: &[],
};

static EXTENSION_REPO_SPEC: Struct = Struct::new(
    "ExtensionRepoSpec",
    &[
        text("url")
            .required()
            .doc("`https://` address of a git repository, or `file://` and an absolute directory."),
        text("ref").doc("Branch, tag or commit to check out; the newest commit if not given."),
        text("loadHost").doc("With `x` here, `load('ext://x/name', …)` loads the extension `name` of this repository."),
        text("gitSubpath").doc("Directory in the git repository that holds the extensions; not for `file://`."),
    ],
);

static EXTENSION_REPO_STATUS: Struct = Struct::new(
    "ExtensionRepoStatus",
    &[
        text("error"),
        time("lastFetchedAt"),
        text("path"),
        text("checkoutRef"),
        text("staleReason"),
    ],
);
