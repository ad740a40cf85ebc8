//! Pure. The formats that `-o` names, and printing in them.

use super::PrintError;
use super::columns::ColumnsPrinter;
use super::kyaml;
use crate::model::gotemplate::{self, MissingKeys};
use crate::model::kube::jsonpath;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::{self, json};

/// What was asked for, as far as it decides about the printing of objects.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// `-o`, with what it may have behind its `=`.
    pub output: String,
    /// `--template`; also what a `-file` format was read from.
    pub template: Option<String>,
    pub show_managed_fields: bool,
    pub refuse_missing_keys: bool,
    pub without_headers: bool,
    /// What this command can print besides objects: `wide` for a table.
    pub has_tables: bool,
}

/// How objects are printed.
#[derive(Debug)]
pub enum Format {
    Json,
    Yaml,
    Kyaml,
    Name,
    GoTemplate(gotemplate::Template),
    JsonPath(jsonpath::Template),
    JsonPathAsJson(jsonpath::Template),
    Columns(ColumnsPrinter),
}

const FORMATS: [&str; 14] = [
    "custom-columns",
    "custom-columns-file",
    "go-template",
    "go-template-file",
    "json",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "kyaml",
    "name",
    "template",
    "templatefile",
    "wide",
    "yaml",
];

/// Prints objects one after the other.
#[derive(Debug)]
pub struct Printer {
    format: Format,
    setup: Setup,
    printed: usize,
}

impl Printer {
    /// `None` where no format was asked for, or the table that is the default.
    pub fn parse(setup: Setup) -> Result<Option<Printer>, PrintError> {
        let format = Format::parse(&setup)?;
        Ok(format.map(|format| Printer {
            format,
            setup,
            printed: 0,
        }))
    }

    pub fn prints_names(&self) -> bool {
        matches!(self.format, Format::Name)
    }

    /// One object, or a list of them.
    pub fn print(&mut self, object: &Tree) -> Result<String, PrintError> {
        self.printed += 1;
        let visible = || match self.setup.show_managed_fields {
            true => object.clone(),
            false => without_managed_fields(object.clone()),
        };
        match &mut self.format {
            Format::Json => Ok(json::pretty(&visible()) + "\n"),
            Format::Yaml => {
                let separator = if self.printed > 1 { "---\n" } else { "" };
                Ok(format!("{separator}{}", yaml::emit(&visible())))
            }
            Format::Kyaml => Ok(kyaml::document(&visible())),
            Format::Name => Ok(items(object).iter().map(|item| object_name(item) + "\n").collect()),
            Format::Columns(columns) => columns.print(&items(object)),
            Format::JsonPath(template) => template.render(object).map_err(|error| path_failed(template, &error)),
            Format::JsonPathAsJson(template) => {
                let text = template.render_json(object);
                text.map_err(|error| path_failed(template, &error))
            }
            Format::GoTemplate(template) => {
                let missing = match self.setup.refuse_missing_keys {
                    true => MissingKeys::Refused,
                    false => MissingKeys::Allowed,
                };
                template.render(object, missing).map_err(|error| {
                    PrintError::Object(format!("error executing template {:?}: {error}", template.text()))
                })
            }
        }
    }
}

impl Format {
    fn parse(setup: &Setup) -> Result<Option<Format>, PrintError> {
        let (name, inline) = match setup.output.split_once('=') {
            Some((name, text)) => (name, Some(text.to_owned())),
            None => (setup.output.as_str(), None),
        };
        let template = inline
            .filter(|_| !name.ends_with("file"))
            .or_else(|| setup.template.clone());
        let with_text = |make: fn(&str) -> Result<Format, PrintError>| {
            let text = template.as_deref().filter(|text| !text.is_empty());
            make(text.ok_or_else(|| PrintError::Spec("template format specified but no template given".into()))?)
        };
        let format = match name {
            "" if setup.template.is_some() => with_text(go_template)?,
            "" => return Ok(None),
            "wide" if setup.has_tables => return Ok(None),
            "json" => Format::Json,
            "yaml" => Format::Yaml,
            "kyaml" => Format::Kyaml,
            "name" => Format::Name,
            "go-template" | "template" | "go-template-file" | "templatefile" => with_text(go_template)?,
            "jsonpath" | "jsonpath-file" => with_text(|text| Ok(Format::JsonPath(json_path(text)?)))?,
            "jsonpath-as-json" => with_text(|text| Ok(Format::JsonPathAsJson(json_path(text)?)))?,
            "custom-columns" if setup.has_tables => {
                let spec = template.unwrap_or_default();
                Format::Columns(ColumnsPrinter::parse(&spec, !setup.without_headers)?)
            }
            "custom-columns-file" if setup.has_tables => {
                Format::Columns(ColumnsPrinter::parse_file(&template.unwrap_or_default())?)
            }
            _ => return Err(unknown(setup)),
        };
        Ok(Some(format))
    }
}

fn unknown(setup: &Setup) -> PrintError {
    let needs_table = |name: &str| name == "wide" || name.starts_with("custom-columns");
    let allowed: Vec<&str> = FORMATS
        .into_iter()
        .filter(|name| setup.has_tables || !needs_table(name))
        .collect();
    PrintError::Spec(format!(
        "unable to match a printer suitable for the output format {:?}, allowed formats are: {}",
        setup.output,
        allowed.join(",")
    ))
}

fn go_template(text: &str) -> Result<Format, PrintError> {
    gotemplate::Template::parse(text)
        .map(Format::GoTemplate)
        .map_err(|error| PrintError::Spec(format!("error parsing template {text}, {error}")))
}

/// Quotes around the whole are what a shell of another system left.
fn json_path(text: &str) -> Result<jsonpath::Template, PrintError> {
    jsonpath::Template::parse(text).map_err(|error| PrintError::Spec(format!("error parsing jsonpath {text}, {error}")))
}

fn path_failed(template: &jsonpath::Template, error: &jsonpath::JsonPathError) -> PrintError {
    let problem = match error {
        jsonpath::JsonPathError::Mismatch { problem, .. } => problem.to_string(),
        other => other.to_string(),
    };
    PrintError::Object(format!("error executing jsonpath {:?}: {problem}", template.text()))
}

/// The objects of a list, or the object itself.
fn items(object: &Tree) -> Vec<&Tree> {
    match object.get("items").and_then(Tree::as_list) {
        Some(items) => items.iter().collect(),
        None => vec![object],
    }
}

/// `uiresource.tilt.dev/web`; without a group for the kinds of `v1`.
pub fn object_name(object: &Tree) -> String {
    let text = |keys: &[&str]| object.at(keys).and_then(Tree::as_text).unwrap_or_default();
    let kind = text(&["kind"]).to_lowercase();
    match text(&["apiVersion"]).split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{}", text(&["metadata", "name"])),
        None => format!("{kind}/{}", text(&["metadata", "name"])),
    }
}

/// The object, or each of a list, without what the server notes about who wrote which field.
pub fn without_managed_fields(mut object: Tree) -> Tree {
    let strip = |object: &mut Tree| {
        let metadata = object.as_map_mut().and_then(|map| map.get_mut("metadata"));
        if let Some(metadata) = metadata.and_then(Tree::as_map_mut) {
            Map::remove(metadata, "managedFields");
        }
    };
    strip(&mut object);
    if let Some(Tree::List(items)) = object.as_map_mut().and_then(|map| map.get_mut("items")) {
        items.iter_mut().for_each(strip);
    }
    object
}
