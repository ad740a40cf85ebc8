//! Pure. A `Table` of the API server as aligned columns, as `kubectl get` shows it.

use crate::model::tree::Tree;
use crate::ui::print::tabwriter::TabWriter;

/// What is shown of a table besides its cells.
#[derive(Clone, Debug, Default)]
pub struct TableStyle {
    pub wide: bool,
    pub without_headers: bool,
    /// Labels that get a column each.
    pub label_columns: Vec<String>,
    pub show_labels: bool,
    /// Put in front of each name, such as `uiresource.tilt.dev/`.
    pub kind_prefix: String,
}

/// Prints tables one after the other; the header comes once.
#[derive(Debug)]
pub struct TablePrinter {
    style: TableStyle,
    writer: TabWriter,
    columns: Option<Vec<Column>>,
}

#[derive(Debug)]
struct Column {
    name: String,
    index: usize,
    is_name: bool,
}

impl TablePrinter {
    pub fn new(style: TableStyle) -> TablePrinter {
        TablePrinter {
            style,
            writer: TabWriter::new(6, 3).remembering(),
            columns: None,
        }
    }

    /// The rows of a table. One that comes later in a watch may leave out its columns: they are those of the first.
    pub fn print(&mut self, table: &Tree) -> String {
        let mut text = String::new();
        if self.columns.is_none() {
            let columns = columns(table, self.style.wide);
            if !self.style.without_headers {
                text.push_str(&self.header(&columns));
            }
            self.columns = Some(columns);
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        for row in rows(table) {
            text.push_str(&self.row(columns, row));
        }
        self.writer.align(&text)
    }

    fn header(&self, columns: &[Column]) -> String {
        let mut names: Vec<String> = columns.iter().map(|column| column.name.to_uppercase()).collect();
        names.extend(self.style.label_columns.iter().map(|label| label_title(label)));
        if self.style.show_labels {
            names.push("LABELS".to_owned());
        }
        names.join("\t") + "\n"
    }

    fn row(&self, columns: &[Column], row: &Tree) -> String {
        let cells = row.get("cells").and_then(Tree::as_list).unwrap_or_default();
        let labels = row.at(&["object", "metadata", "labels"]);
        let mut texts: Vec<String> = columns
            .iter()
            .map(|column| {
                let text = cells.get(column.index).map(cell).unwrap_or_default();
                if column.is_name {
                    format!("{}{text}", self.style.kind_prefix)
                } else {
                    text
                }
            })
            .collect();
        let label = |name: &String| {
            let value = labels.and_then(|labels| labels.get(name)).and_then(Tree::as_text);
            value.unwrap_or_default().to_owned()
        };
        texts.extend(self.style.label_columns.iter().map(label));
        if self.style.show_labels {
            texts.push(all_labels(labels));
        }
        texts.join("\t") + "\n"
    }
}

/// The rows of a table, or none.
pub fn rows(table: &Tree) -> &[Tree] {
    table.get("rows").and_then(Tree::as_list).unwrap_or_default()
}

fn columns(table: &Tree, wide: bool) -> Vec<Column> {
    let definitions = table
        .get("columnDefinitions")
        .and_then(Tree::as_list)
        .unwrap_or_default();
    let shown = definitions.iter().enumerate().filter(|(_, definition)| {
        let priority = definition.get("priority");
        wide || !matches!(priority, Some(Tree::Int(priority)) if *priority != 0)
    });
    shown
        .map(|(index, definition)| Column {
            name: definition.get("name").map(cell).unwrap_or_default(),
            index,
            is_name: definition.get("format").and_then(Tree::as_text) == Some("name"),
        })
        .collect()
}

fn cell(value: &Tree) -> String {
    match value {
        Tree::Null => "<none>".to_owned(),
        Tree::Text(text) => escape(text),
        other => super::go_value(other),
    }
}

/// What would break the terminal or the columns is shown as its escape; a second line is cut off.
fn escape(text: &str) -> String {
    let (line, cut) = match text.split_once(['\n', '\r', '\u{c}']) {
        Some((first, _)) => (first, "..."),
        None => (text, ""),
    };
    line.replace('\t', "\\t").replace('\u{1b}', "^[") + cut
}

/// `example.com/tier` is shown as `TIER`.
fn label_title(label: &str) -> String {
    label.rsplit('/').next().unwrap_or(label).to_uppercase()
}

fn all_labels(labels: Option<&Tree>) -> String {
    let mut pairs: Vec<String> = labels
        .and_then(Tree::as_map)
        .into_iter()
        .flat_map(|labels| labels.iter())
        .map(|(key, value)| format!("{key}={}", value.as_text().unwrap_or_default()))
        .collect();
    pairs.sort();
    if pairs.is_empty() {
        "<none>".to_owned()
    } else {
        pairs.join(",")
    }
}
