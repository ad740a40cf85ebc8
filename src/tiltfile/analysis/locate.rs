//! Go to definition.

use std::ops::Range;
use std::path::PathBuf;

use crate::tiltfile::analysis::cursor::Spot;
use crate::tiltfile::analysis::outline::{Binding, Value};
use crate::tiltfile::analysis::resolve::{Meaning, View};
use crate::tiltfile::analysis::{Document, Surroundings, path_in};

/// Where something is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Here(Range<usize>),
    /// A place in another file, of whose text the range speaks.
    There {
        file: PathBuf,
        range: Range<usize>,
    },
}

impl Document {
    pub fn definition(&self, offset: usize, surroundings: &dyn Surroundings) -> Option<Target> {
        let view = View::new(self, surroundings, offset);
        let place = self.place(offset);
        match place.spot {
            Spot::Nowhere => None,
            Spot::Text(token) => self.definition_of_text(self.tokens[token].range(), view),
            Spot::Name { range, .. } if range.is_empty() => None,
            Spot::Name { range, .. } if self.is_argument_name(&range) => {
                let name = &self.text[range];
                view.parameter(&place.calls.first()?.callee, name)
            }
            Spot::Name { receiver, range } => {
                let path = path_in(&receiver, &self.text[range])?;
                view.target(&path)
            }
        }
    }

    /// From a load into the file that it names, or any path that is there.
    fn definition_of_text(&self, range: Range<usize>, view: View) -> Option<Target> {
        for load in &self.outline.loads {
            if load.path_span == range {
                let file = self.loaded_file(&load.path, view.surroundings)?;
                return view
                    .surroundings
                    .exists(&file)
                    .then_some(Target::There { file, range: 0..0 });
            }
            if let Some(symbol) = load.symbols.iter().find(|symbol| symbol.span == range) {
                let file = self.loaded_file(&load.path, view.surroundings)?;
                let document = self.loaded(&load.path, view.surroundings)?;
                let found = document.outline.exported().find(|b| b.name == symbol.theirs)?;
                return Some(Target::There {
                    file,
                    range: found.span.clone(),
                });
            }
        }
        self.file_of_text(range, view)
    }

    /// A file that a string names, wherever it stands.
    fn file_of_text(&self, range: Range<usize>, view: View) -> Option<Target> {
        let index = self.tokens.partition_point(|t| t.start < range.start);
        let written = super::tokens::plain(*self.tokens.get(index)?, &self.text);
        let file = crate::model::path::join(self.folder()?, written);
        let leads = !written.is_empty() && view.surroundings.text(&file).is_some();
        leads.then_some(Target::There { file, range: 0..0 })
    }
}

impl View<'_> {
    fn target(self, path: &str) -> Option<Target> {
        match self.meaning(path)? {
            Meaning::Own(binding) => Some(Target::Here(binding.span)),
            Meaning::Missing(binding) => Some(Target::Here(binding.span)),
            Meaning::Loaded { file, binding } => Some(Target::There {
                file,
                range: binding.span,
            }),
            Meaning::Predeclared { .. } => None,
        }
    }

    /// A parameter of a function that a Tiltfile defines.
    fn parameter(self, callee: &str, name: &str) -> Option<Target> {
        let find = |document: &Document, def: &Binding| -> Option<Range<usize>> {
            let is_param = |b: &&Binding| {
                let inside = def.extent.start <= b.span.start && b.span.end <= def.extent.end;
                b.name == name && inside && matches!(b.value, Value::Parameter { .. } | Value::Of(_))
            };
            document.outline.bindings.iter().find(is_param).map(|b| b.span.clone())
        };
        match self.meaning(callee)? {
            Meaning::Own(def) => find(self.document, &def).map(Target::Here),
            Meaning::Loaded { file, binding } => {
                let text = self.surroundings.text(&file)?;
                let range = find(&Document::new(Some(file.clone()), text), &binding)?;
                Some(Target::There { file, range })
            }
            _ => None,
        }
    }
}
