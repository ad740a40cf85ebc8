//! `tilt get`: objects as a table, or in a format; and what changes about them from now on.

use std::collections::BTreeSet;

use super::args::Get;
use super::report::{self, Tables, refusal, text_at};
use super::sort::sort_by;
use super::surroundings::Surroundings;
use super::targets::{Target, targets};
use crate::cli::client::{Accept, Client, ClientError, Selection};
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::object::Kind;
use crate::model::tree::{Map, Tree};
use crate::ui::print::{PrintError, Printer, TablePrinter, TableStyle, table_rows};

const WHICH: &str = "You must specify the type of resource to get. Use \"tilt api-resources\" for a complete list of supported resources.

error: Required resource not specified.
Use \"tilt explain <resource>\" for a detailed description of that resource (e.g. tilt explain uiresources).
See 'tilt get -h' for help and examples";

pub async fn run(args: &Get, here: &Surroundings) -> Result<(), Exit> {
    let targets = targets(&args.what).map_err(refusal)?;
    if targets.is_empty() {
        return Err(Exit::verbatim(WHICH));
    }
    if !(args.selector.is_empty() && args.field_selector.is_empty())
        && targets.iter().any(|target| target.name.is_some())
    {
        return Err(refusal("name cannot be provided when a selector is specified"));
    }
    let mut setup = report::setup(&args.print, Tables::Yes, here)?;
    setup.without_headers = args.no_headers;
    let shown = match Printer::parse(setup)? {
        Some(printer) => Shown::Objects(Box::new(printer)),
        None => Shown::Table,
    };
    let mut get = Getting {
        args,
        client: here.client(&args.connection)?,
        seen: BTreeSet::new(),
    };
    match (args.watch || args.watch_only, shown) {
        (true, shown) => get.watch(&targets, shown).await,
        (false, Shown::Table) => get.tables(&targets).await,
        (false, Shown::Objects(mut printer)) => get.objects(&targets, &mut printer).await,
    }
}

enum Shown {
    Table,
    Objects(Box<Printer>),
}

struct Getting<'a> {
    args: &'a Get,
    client: Client,
    /// Versions of objects that are already printed, so that a watch that begins with them does not repeat them.
    seen: BTreeSet<(String, String)>,
}

impl Getting<'_> {
    fn selection(&self) -> Selection {
        Selection {
            labels: self.args.selector.clone(),
            fields: self.args.field_selector.clone(),
        }
    }

    fn accept(&self) -> Accept {
        match self.args.sort_by.is_empty() {
            true => Accept::Table,
            false => Accept::TableWithObjects,
        }
    }

    /// What the server answers about a target; nothing where nothing is no error.
    async fn ask(&self, target: &Target<'_>, accept: Accept) -> Result<Option<Tree>, ClientError> {
        let answer = match target.name {
            Some(name) => self.client.get(target.kind, name, accept).await,
            None => self.client.list(target.kind, &self.selection(), accept).await,
        };
        match answer {
            Ok(tree) => Ok(Some(tree)),
            Err(error) if self.args.ignore_not_found && error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn objects(&self, targets: &[Target<'_>], printer: &mut Printer) -> Result<(), Exit> {
        let mut errors = Vec::new();
        let mut found = Vec::new();
        for target in targets {
            match self.ask(target, Accept::Objects).await {
                Ok(Some(answer)) => found.extend(unfolded(target, answer)),
                Ok(None) => {}
                Err(error) => errors.push(error.to_string()),
            }
        }
        if !self.args.sort_by.is_empty() {
            sort_by(&mut found, &self.args.sort_by, |object| object)?;
        }
        let names_one = matches!(targets, [Target { name: Some(_), .. }]);
        let is_nothing = found.is_empty() && (names_one || !errors.is_empty());
        if !is_nothing {
            let whole = if names_one { found.remove(0) } else { list_of(found) };
            output::result(&printer.print(&whole)?)?;
        }
        report::end(errors)
    }

    async fn tables(&mut self, targets: &[Target<'_>]) -> Result<(), Exit> {
        let mut errors = Vec::new();
        let mut tables: Vec<(&'static Kind, Tree)> = Vec::new();
        for target in targets {
            match self.ask(target, self.accept()).await {
                Ok(Some(answer)) => add(&mut tables, target.kind, as_table(answer)),
                Ok(None) => {}
                Err(error) => errors.push(error.to_string()),
            }
        }
        tables.retain(|(_, table)| !table_rows(table).is_empty());
        if tables.is_empty() && errors.is_empty() && !self.args.ignore_not_found {
            output::say("No resources found");
        }
        let several = tables.len() > 1;
        for (index, (kind, table)) in tables.iter_mut().enumerate() {
            self.sort(table)?;
            let gap = if index > 0 { "\n" } else { "" };
            let text = self.table_printer(kind, several).print(table);
            output::result(&format!("{gap}{text}"))?;
        }
        report::end(errors)
    }

    fn sort(&self, table: &mut Tree) -> Result<(), PrintError> {
        let rows = table.as_map_mut().and_then(|map| map.get_mut("rows"));
        let (Some(Tree::List(rows)), false) = (rows, self.args.sort_by.is_empty()) else {
            return Ok(());
        };
        sort_by(rows, &self.args.sort_by, |row| row.get("object").unwrap_or(&Tree::Null))
    }

    fn table_printer(&self, kind: &Kind, several_kinds: bool) -> TablePrinter {
        let with_kind = self.args.show_kind || several_kinds;
        TablePrinter::new(TableStyle {
            wide: self.args.print.output == "wide",
            without_headers: self.args.no_headers,
            label_columns: self.args.label_columns.clone(),
            show_labels: self.args.show_labels,
            kind_prefix: match with_kind {
                true => format!("{}.tilt.dev/", kind.singular()),
                false => String::new(),
            },
        })
    }

    async fn watch(&mut self, targets: &[Target<'_>], mut shown: Shown) -> Result<(), Exit> {
        let [target] = targets else {
            return Err(refusal("you may only specify a single resource type"));
        };
        let mut table = self.table_printer(target.kind, false);
        let mut version = None;
        if !self.args.watch_only {
            let accept = self.accept_of(&shown);
            match self.ask(target, accept).await? {
                Some(answer) => {
                    version = Some(text_at(&answer, &["metadata", "resourceVersion"]).to_owned());
                    self.show_all(target, answer, (&mut shown, &mut table))?;
                }
                None => return Ok(()),
            }
        }
        let selection = target.name.map_or_else(|| self.selection(), Selection::named);
        let accept = self.accept_of(&shown);
        let version = version.as_deref().filter(|version| !version.is_empty());
        let mut watch = self.client.watch(target.kind, &selection, version, accept).await?;
        while let Some(event) = watch.next().await? {
            self.show_all(target, event.object().clone(), (&mut shown, &mut table))?;
        }
        Ok(())
    }

    fn accept_of(&self, shown: &Shown) -> Accept {
        match shown {
            Shown::Table => self.accept(),
            Shown::Objects(_) => Accept::Objects,
        }
    }

    /// Prints what is new of an answer.
    fn show_all(
        &mut self,
        target: &Target<'_>,
        answer: Tree,
        (shown, table): (&mut Shown, &mut TablePrinter),
    ) -> Result<(), Exit> {
        match shown {
            Shown::Table => {
                let mut rows = as_table(answer);
                self.sort(&mut rows)?;
                if let Some(Tree::List(rows)) = rows.as_map_mut().and_then(|map| map.get_mut("rows")) {
                    rows.retain(|row| self.is_new(row.get("object").unwrap_or(&Tree::Null)));
                    if rows.is_empty() {
                        return Ok(());
                    }
                }
                output::result(&table.print(&rows))
            }
            Shown::Objects(printer) => {
                let mut objects = unfolded(target, answer);
                objects.retain(|object| self.is_new(object));
                for object in objects {
                    output::result(&printer.print(&object)?)?;
                }
                Ok(())
            }
        }
    }

    fn is_new(&mut self, object: &Tree) -> bool {
        let word = |key: &str| text_at(object, &["metadata", key]).to_owned();
        let (uid, version) = (word("uid"), word("resourceVersion"));
        let is_deleted_or_unnamed = uid.is_empty() || version.is_empty();
        is_deleted_or_unnamed || self.seen.insert((uid, version))
    }
}

/// The objects of an answer, each with its kind: those of a list leave it out.
fn unfolded(target: &Target<'_>, answer: Tree) -> Vec<Tree> {
    let Some(Tree::List(items)) = answer.as_map().and_then(|map| map.get("items")) else {
        return vec![answer];
    };
    let with_kind = |item: &Tree| {
        let mut item = item.clone();
        if let Some(map) = item.as_map_mut().filter(|map| !map.contains("kind")) {
            map.push("apiVersion", Tree::text("tilt.dev/v1alpha1"));
            map.push("kind", Tree::text(target.kind.name));
        }
        item
    };
    items.iter().map(with_kind).collect()
}

/// A list as `kubectl` makes one of what it found.
fn list_of(items: Vec<Tree>) -> Tree {
    let mut metadata = Map::new();
    metadata.push("resourceVersion", Tree::text(""));
    let mut list = Map::new();
    list.push("apiVersion", Tree::text("v1"));
    list.push("items", Tree::List(items));
    list.push("kind", Tree::text("List"));
    list.push("metadata", Tree::Map(metadata));
    Tree::Map(list)
}

/// Rows of the same kind stand in one table.
fn add(tables: &mut Vec<(&'static Kind, Tree)>, kind: &'static Kind, table: Tree) {
    let known = tables.iter_mut().find(|(known, _)| std::ptr::eq(*known, kind));
    let rows = known.and_then(|(_, table)| match table.as_map_mut()?.get_mut("rows") {
        Some(Tree::List(rows)) => Some(rows),
        _ => None,
    });
    match rows {
        Some(rows) => rows.extend(table_rows(&table).to_vec()),
        None => tables.push((kind, table)),
    }
}

/// The answer, if it is a table; else a table of the objects that came instead.
fn as_table(answer: Tree) -> Tree {
    if text_at(&answer, &["kind"]) == "Table" {
        return answer;
    }
    let objects = match answer.get("items").and_then(Tree::as_list) {
        Some(items) => items.to_vec(),
        None => vec![answer],
    };
    let column = |name: &str, format: &str| {
        let entries = [("name", name), ("format", format)];
        Tree::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), Tree::text(value)))
                .collect(),
        )
    };
    let row = |object: Tree| {
        let cell = |key: &str| Tree::text(text_at(&object, &["metadata", key]));
        let cells = Tree::List(vec![cell("name"), cell("creationTimestamp")]);
        Tree::Map(
            [("cells".into(), cells), ("object".into(), object)]
                .into_iter()
                .collect(),
        )
    };
    let columns = vec![column("Name", "name"), column("Created At", "")];
    let rows = objects.into_iter().map(row).collect();
    let entries = [
        ("columnDefinitions".into(), Tree::List(columns)),
        ("rows".into(), Tree::List(rows)),
    ];
    Tree::Map(entries.into_iter().collect())
}
