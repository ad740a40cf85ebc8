//! Pure. `-o custom-columns=NAME:.metadata.name,…`: a column for each path.

use crate::model::kube::jsonpath::JsonPath;
use crate::model::tree::Tree;
use crate::ui::print::tabwriter::TabWriter;

use super::PrintError;

#[derive(Debug)]
pub struct ColumnsPrinter {
    columns: Vec<(String, JsonPath)>,
    writer: TabWriter,
    header_due: bool,
}

impl ColumnsPrinter {
    /// From `HEADER:path,HEADER:path`.
    pub fn parse(spec: &str, with_headers: bool) -> Result<ColumnsPrinter, PrintError> {
        if spec.is_empty() {
            return Err(PrintError::Spec(
                "custom-columns format specified but no custom columns given".into(),
            ));
        }
        let columns: Result<Vec<_>, PrintError> = spec.split(',').map(column).collect();
        Ok(ColumnsPrinter::of(columns?, with_headers))
    }

    /// From two lines: the headers, and below them the paths.
    pub fn parse_file(text: &str) -> Result<ColumnsPrinter, PrintError> {
        let mut lines = text.lines();
        let headers = lines.next().unwrap_or_default().split_whitespace();
        let paths: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
        let headers: Vec<&str> = headers.collect();
        if headers.len() != paths.len() {
            return Err(PrintError::Spec(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                paths.len()
            )));
        }
        let columns: Result<Vec<_>, PrintError> = headers
            .iter()
            .zip(paths)
            .map(|(header, path)| Ok(((*header).to_owned(), relaxed(path)?)))
            .collect();
        Ok(ColumnsPrinter::of(columns?, true))
    }

    fn of(columns: Vec<(String, JsonPath)>, with_headers: bool) -> ColumnsPrinter {
        ColumnsPrinter {
            columns,
            writer: TabWriter::new(6, 3).remembering(),
            header_due: with_headers,
        }
    }

    pub fn print(&mut self, objects: &[&Tree]) -> Result<String, PrintError> {
        let mut text = String::new();
        if std::mem::take(&mut self.header_due) {
            let headers: Vec<&str> = self.columns.iter().map(|(header, _)| header.as_str()).collect();
            text.push_str(&headers.join("\t"));
            text.push('\n');
        }
        for object in objects {
            let cells: Result<Vec<String>, PrintError> =
                self.columns.iter().map(|(_, path)| cell(path, object)).collect();
            text.push_str(&cells?.join("\t"));
            text.push('\n');
        }
        Ok(if text.is_empty() {
            text
        } else {
            self.writer.align(&text)
        })
    }
}

fn column(spec: &str) -> Result<(String, JsonPath), PrintError> {
    let unexpected = || {
        PrintError::Spec(format!(
            "unexpected custom-columns spec: {spec}, expected <header>:<json-path-expr>"
        ))
    };
    let (header, path) = spec.split_once(':').ok_or_else(unexpected)?;
    Ok((header.to_owned(), relaxed(path)?))
}

/// A path with or without its braces and its first dot.
pub fn relaxed(path: &str) -> Result<JsonPath, PrintError> {
    let inner = path
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(path);
    let inner = inner.strip_prefix('.').unwrap_or(inner);
    if inner.is_empty() || inner.contains(['{', '}']) {
        return Err(PrintError::Spec(format!(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{{name1.name2}}' or '{{.name1.name2}}', got {path:?}"
        )));
    }
    JsonPath::parse(&format!("{{.{inner}}}")).map_err(|error| PrintError::Spec(error.to_string()))
}

fn cell(path: &JsonPath, object: &Tree) -> Result<String, PrintError> {
    let found = path
        .find(object)
        .map_err(|error| PrintError::Object(error.to_string()))?;
    if found.is_empty() {
        return Ok("<none>".to_owned());
    }
    let texts: Vec<String> = found.iter().map(|(_, value)| super::go_value(value)).collect();
    Ok(texts.join(","))
}
