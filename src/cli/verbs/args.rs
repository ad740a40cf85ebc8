//! The verbs on objects and their flags: those of `kubectl`, as far as they mean something here.

use clap::{ArgAction, Args, Subcommand};

use super::flags::switch;
pub use super::flags::{Connection, DryRun, Files, Print, Rehearse, Validate, Validation};
pub use super::generators::{CreateCmd, CreateExt, CreateFileWatch, CreateRepo, Generator, Made};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Show objects of a running tilt
    #[command(after_help = GET_EXAMPLES, mut_args = switch)]
    Get(Get),
    /// Show objects in detail
    #[command(after_help = DESCRIBE_EXAMPLES, mut_args = switch)]
    Describe(Describe),
    /// Create or change objects, as files say
    #[command(after_help = APPLY_EXAMPLES, mut_args = switch)]
    Apply(Apply),
    /// Create objects, from files or from words
    #[command(after_help = CREATE_EXAMPLES, mut_args = switch)]
    Create(Create),
    /// Delete objects, by name, by label or as files name them
    #[command(after_help = DELETE_EXAMPLES, mut_args = switch)]
    Delete(Delete),
    /// Change objects in an editor
    ///
    /// The editor is $TILT_EDITOR, else $KUBE_EDITOR, else $EDITOR, else vi.
    #[command(after_help = EDIT_EXAMPLES, mut_args = switch)]
    Edit(Edit),
    /// Change fields of objects
    #[command(after_help = PATCH_EXAMPLES, mut_args = switch)]
    Patch(Patch),
    /// Wait until objects are in a certain state
    #[command(after_help = WAIT_EXAMPLES, mut_args = switch)]
    Wait(Wait),
    /// Explain the fields of a kind
    #[command(after_help = EXPLAIN_EXAMPLES, mut_args = switch)]
    Explain(Explain),
    /// List the kinds of objects
    #[command(mut_args = switch)]
    ApiResources(ApiResources),
}

/// The verbs that are there a second time, below `alpha`.
#[derive(Subcommand, Debug)]
pub enum AlphaVerb {
    /// The same as `tilt get`
    #[command(after_help = GET_EXAMPLES, mut_args = switch)]
    Get(Get),
    /// The same as `tilt api-resources`
    #[command(mut_args = switch)]
    ApiResources(ApiResources),
}

const GET_EXAMPLES: &str = "Examples:
  tilt get uiresources                      # a table of all resources
  tilt get uiresource web -o yaml           # one of them, with all it says
  tilt get cmds,filewatches                 # several kinds
  tilt get uiresource/web cmd/lint          # several objects
  tilt get uiresources -w                   # and every change from now on
  tilt get uiresources -o jsonpath='{range .items[*]}{.metadata.name}: {.status.updateStatus}{\"\\n\"}{end}'
  tilt get uiresource web -o go-template='{{.status.runtimeStatus}}'
  tilt get fw -o custom-columns=NAME:.metadata.name,SEEN:.status.lastEventTime
`tilt api-resources` lists the kinds and their short names.";
const DESCRIBE_EXAMPLES: &str = "Examples:
  tilt describe uiresource web
  tilt describe cmd/lint
  tilt describe uiresources -l tier=backend";
const APPLY_EXAMPLES: &str = "Examples:
  tilt apply -f button.yaml
  cat objects.yaml | tilt apply -f -
  tilt apply -f objects/ -R --dry-run=server";
const CREATE_EXAMPLES: &str = "Examples:
  tilt create -f objects.yaml
  tilt create cmd hello echo hello
  tilt create filewatch src ./src --ignore ./src/generated
  tilt create repo my-team https://github.com/my-team/tilt-extensions
  tilt create ext my-team/image-builder
  tilt create cmd hello --dry-run=client -o yaml echo hello";
const DELETE_EXAMPLES: &str = "Examples:
  tilt delete cmd hello
  tilt delete uibutton/a uibutton/b
  tilt delete filewatches -l tier=backend
  tilt delete -f objects.yaml --ignore-not-found";
const EDIT_EXAMPLES: &str = "Examples:
  tilt edit cmd hello
  TILT_EDITOR='code --wait' tilt edit uibutton/deploy";
const PATCH_EXAMPLES: &str = "Examples:
  tilt patch configmap web-disable -p '{\"data\":{\"isDisabled\":\"true\"}}'
  tilt patch cmd hello --type json -p '[{\"op\":\"replace\",\"path\":\"/spec/args/1\",\"value\":\"bye\"}]'";
const WAIT_EXAMPLES: &str = "Examples:
  tilt wait --for=condition=Ready uiresource/web
  tilt wait --for=condition=UpToDate --timeout=5m uiresource --all
  tilt wait --for=jsonpath='{.status.runtimeStatus}'=ok uiresource/web
  tilt wait --for=delete cmd/hello
  tilt wait --for=fresh web api           # what was saved until now runs
  tilt wait --for=fresh --all --timeout=5m
A resource is fresh when all that was saved runs, is up to date and ready; a failed update is not, so the wait goes on for
the next save until the time is over, and then says why. With --all resources that are off are left out.";
const EXPLAIN_EXAMPLES: &str = "Examples:
  tilt explain uibutton
  tilt explain cmd.spec.readinessProbe
  tilt explain filewatch --recursive";

#[derive(Args, Debug)]
pub struct Get {
    /// Kinds and names: `KIND`, `KIND NAME…`, `KIND,KIND`, `KIND/NAME…`
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    #[command(flatten)]
    pub print: Print,
    /// Only objects with these labels: `a=b,c!=d,e in (f,g),h,!i`
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    pub selector: String,
    /// Only objects with these fields: `metadata.name=web`
    #[arg(long, default_value = "", hide_default_value = true)]
    pub field_selector: String,
    /// Go on with every change
    #[arg(short, long)]
    pub watch: bool,
    /// Only watch, without listing first
    #[arg(long)]
    pub watch_only: bool,
    /// Path of the field to sort by: `.metadata.name`
    #[arg(long, default_value = "", hide_default_value = true)]
    pub sort_by: String,
    /// Labels that get a column of their own
    #[arg(short = 'L', long, value_delimiter = ',')]
    pub label_columns: Vec<String>,
    /// A column with all labels
    #[arg(long)]
    pub show_labels: bool,
    /// Names with their kind
    #[arg(long)]
    pub show_kind: bool,
    /// No line of headers
    #[arg(long)]
    pub no_headers: bool,
    /// What is not there is no error
    #[arg(long)]
    pub ignore_not_found: bool,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Describe {
    /// Kinds and names: `KIND`, `KIND NAME…`, `KIND/NAME…`; a name may be only its beginning
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    #[command(flatten)]
    pub files: Files,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    pub selector: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Apply {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub rehearse: Rehearse,
    #[command(flatten)]
    pub validation: Validation,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    pub selector: String,
    /// With --prune: all objects that were applied before
    #[arg(long)]
    pub all: bool,
    /// Delete objects that were applied before and are not among these; needs -l or --all
    #[arg(long)]
    pub prune: bool,
    /// With --prune: only these kinds, as GROUP/VERSION/KIND
    #[arg(long, value_name = "GVK")]
    pub prune_allowlist: Vec<String>,
    /// Delete and create again where a change is refused
    #[arg(long)]
    pub force: bool,
    /// Accepted for scripts: objects end at once
    #[arg(long, default_value_t = -1, allow_negative_numbers = true, hide = true)]
    pub grace_period: i64,
    /// How long to wait for deletions
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true)]
    pub timeout: String,
    /// Wait until what was deleted is gone
    #[arg(long)]
    pub wait: bool,
    /// Accepted for scripts
    #[arg(long, default_value = "background", num_args = 0..=1, require_equals = true, default_missing_value = "background", hide = true)]
    pub cascade: String,
    /// Let the server merge
    #[arg(long)]
    pub server_side: bool,
    /// With --server-side: take fields over from other managers
    #[arg(long)]
    pub force_conflicts: bool,
    /// Name under which fields are managed
    #[arg(long, default_value = "kubectl-client-side-apply", hide_default_value = true)]
    pub field_manager: String,
    /// Accepted for scripts
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set, hide = true)]
    pub openapi_patch: bool,
    /// Overwrite what others changed in between
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set, hide = true)]
    pub overwrite: bool,
    /// With --server-side: part of the object to write, such as status
    #[arg(long, default_value = "", hide_default_value = true)]
    pub subresource: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Create {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub rehearse: Rehearse,
    #[command(flatten)]
    pub validation: Validation,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    pub selector: String,
    /// Change the objects in an editor first
    #[arg(long)]
    pub edit: bool,
    /// Note the object in an annotation, for `tilt apply` later
    #[arg(long)]
    pub save_config: bool,
    /// With --edit: lines end as on Windows
    #[arg(long)]
    pub windows_line_endings: bool,
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub generator: Option<Generator>,
}

#[derive(Args, Debug)]
pub struct Delete {
    /// Kinds and names: `KIND NAME…`, `KIND/NAME…`; with -l or --all `KIND`
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub rehearse: Rehearse,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    pub selector: String,
    /// All objects of the kind
    #[arg(long)]
    pub all: bool,
    /// Accepted for scripts: objects have no namespace
    #[arg(short = 'A', long, hide = true)]
    pub all_namespaces: bool,
    /// Only objects with these fields
    #[arg(long, default_value = "", hide_default_value = true)]
    pub field_selector: String,
    /// Delete at once
    #[arg(long)]
    pub force: bool,
    /// Seconds that the object has to end
    #[arg(long, default_value_t = -1, allow_negative_numbers = true, hide_default_value = true)]
    pub grace_period: i64,
    /// As --grace-period=1
    #[arg(long)]
    pub now: bool,
    /// What happens to what the object owns: background, orphan or foreground
    #[arg(long, default_value = "background", num_args = 0..=1, require_equals = true, default_missing_value = "background", hide_default_value = true)]
    pub cascade: String,
    /// What is not there is no error
    #[arg(long)]
    pub ignore_not_found: bool,
    /// Ask first
    #[arg(short, long)]
    pub interactive: bool,
    /// Path of the server's to delete, as it is
    #[arg(long, default_value = "", hide_default_value = true)]
    pub raw: String,
    /// How long to wait until it is gone; 0s is for ever
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true)]
    pub timeout: String,
    /// Wait until it is gone
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    pub wait: bool,
    /// Format: only `name`
    #[arg(short, long, value_name = "FORMAT", default_value = "", hide_default_value = true)]
    pub output: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Edit {
    /// Kinds and names: `KIND NAME…`, `KIND/NAME…`
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub validation: Validation,
    /// Print the patch
    #[arg(long)]
    pub output_patch: bool,
    /// Note the object in an annotation, for `tilt apply` later
    #[arg(long)]
    pub save_config: bool,
    /// Lines end as on Windows
    #[arg(long)]
    pub windows_line_endings: bool,
    /// Name under which fields are managed
    #[arg(long, default_value = "kubectl-edit", hide_default_value = true)]
    pub field_manager: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Patch {
    /// Kinds and names: `KIND NAME…`, `KIND/NAME…`
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    /// The patch, as JSON or YAML
    #[arg(short, long, default_value = "", hide_default_value = true)]
    pub patch: String,
    /// File with the patch
    #[arg(long, value_name = "FILE", conflicts_with = "patch")]
    pub patch_file: Option<String>,
    /// json, merge or strategic
    #[arg(long = "type", value_name = "TYPE", default_value = "strategic")]
    pub patch_type: String,
    /// Part of the object to patch, such as status
    #[arg(long, default_value = "", hide_default_value = true)]
    pub subresource: String,
    #[command(flatten)]
    pub files: Files,
    /// Patch what the files hold, without a server
    #[arg(long)]
    pub local: bool,
    #[command(flatten)]
    pub rehearse: Rehearse,
    #[command(flatten)]
    pub print: Print,
    /// Name under which fields are managed
    #[arg(long, default_value = "kubectl-patch", hide_default_value = true)]
    pub field_manager: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Wait {
    /// Kinds and names: `KIND NAME…`, `KIND/NAME…`; with --for=fresh names alone are resources
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    /// fresh, delete, create, condition=TYPE[=VALUE] or jsonpath='{PATH}'[=VALUE]
    #[arg(long = "for", value_name = "STATE", default_value = "", hide_default_value = true)]
    pub state: String,
    /// How long to wait; 0s looks once, a negative time waits for a week
    #[arg(long, value_name = "DURATION", default_value = "30s", allow_hyphen_values = true)]
    pub timeout: String,
    /// All objects of the kind
    #[arg(long)]
    pub all: bool,
    /// Accepted for scripts: objects have no namespace
    #[arg(short = 'A', long, hide = true)]
    pub all_namespaces: bool,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    pub selector: String,
    /// Only objects with these fields
    #[arg(long, default_value = "", hide_default_value = true)]
    pub field_selector: String,
    #[command(flatten)]
    pub files: Files,
    /// Look at what the files hold, without a server
    #[arg(long)]
    pub local: bool,
    #[command(flatten)]
    pub print: Print,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct Explain {
    /// A kind, and a path of fields below it: `KIND.FIELD.FIELD`
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    /// All fields below too
    #[arg(long)]
    pub recursive: bool,
    /// Version of the group: there is one, tilt.dev/v1alpha1
    #[arg(long, default_value = "", hide_default_value = true)]
    pub api_version: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args, Debug)]
pub struct ApiResources {
    /// Only kinds of this group
    #[arg(long)]
    pub api_group: Option<String>,
    /// Accepted for scripts: kinds are compiled in
    #[arg(long, hide = true)]
    pub cached: bool,
    /// Only kinds that have a namespace, or with =false those that have none
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub namespaced: Option<bool>,
    /// name or kind
    #[arg(long, default_value = "", hide_default_value = true)]
    pub sort_by: String,
    /// Only kinds that have all these verbs
    #[arg(long, value_delimiter = ',')]
    pub verbs: Vec<String>,
    /// No line of headers
    #[arg(long)]
    pub no_headers: bool,
    #[command(flatten)]
    pub connection: Connection,
}
