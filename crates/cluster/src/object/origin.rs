//! Where an object stands in the file it came from, so that a finding can point at a line.

use crate::files;
use std::fmt;
use std::sync::{Arc, OnceLock};
use tortie_config::yaml::{Node, Value};

/// The file of an object, and where each of its fields stands there.
#[derive(Clone)]
pub struct Origin {
    /// Name of the file as it was given; members of an archive are `bundle.tar.gz!path`.
    pub file: Arc<str>,
    text: Arc<Text>,
    place: Place,
    masked: bool,
}

/// The content of a file, and where its lines begin.
pub(crate) struct Text {
    pub(crate) all: Box<str>,
    lines: OnceLock<Vec<usize>>,
}

impl Text {
    pub(crate) fn new(all: &str) -> Arc<Text> {
        Arc::new(Text { all: all.into(), lines: OnceLock::new() })
    }

    /// The bytes at which lines begin. Counted when the first finding asks.
    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let ends = self.all.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(ends.map(|(i, _)| i + 1)).collect()
        })
    }

    /// A line (from 1) without its end.
    pub(crate) fn line(&self, line: usize) -> Option<&str> {
        let starts = self.lines();
        let from = *starts.get(line.checked_sub(1)?)?;
        let to = starts.get(line).map_or(self.all.len(), |next| next - 1);
        let text = self.all.get(from..to)?;
        Some(text.strip_suffix('\r').unwrap_or(text))
    }

    /// Line and column (from 1, characters) of a byte.
    fn position(&self, byte: usize) -> Option<(usize, usize)> {
        let line = self.lines().partition_point(|start| *start <= byte);
        let from = *self.lines().get(line.checked_sub(1)?)?;
        Some((line, self.all.get(from..byte)?.chars().count() + 1))
    }
}

#[derive(Clone)]
enum Place {
    /// A tree whose lines count from the start of its document.
    Yaml { root: Arc<Node>, lines_before: usize },
    /// JSON text that starts at this byte.
    Json { start: usize },
}

impl Origin {
    /// An object of a YAML document that begins after `lines_before` lines of the file.
    pub(crate) fn yaml(file: Arc<str>, text: Arc<Text>, root: Arc<Node>, lines_before: usize) -> Origin {
        Origin { file, text, place: Place::Yaml { root, lines_before }, masked: false }
    }

    /// An object of a JSON text that begins at byte `start`.
    pub(crate) fn json(file: Arc<str>, text: Arc<Text>, start: usize) -> Origin {
        Origin { file, text, place: Place::Json { start }, masked: false }
    }

    /// The same for an object whose values must not be shown.
    pub(crate) fn masked(mut self) -> Origin {
        self.masked = true;
        self
    }

    /// The items of the list at `pointer`.
    pub(crate) fn items(&self, pointer: &str) -> Vec<Origin> {
        let at = |place| Origin { place, ..self.clone() };
        match &self.place {
            Place::Yaml { root, lines_before } => match &walk_yaml(root, pointer).1.value {
                Value::Seq(items) => items
                    .iter()
                    .map(|n| at(Place::Yaml { root: Arc::clone(n), lines_before: *lines_before }))
                    .collect(),
                _ => Vec::new(),
            },
            Place::Json { start } => {
                let list = files::seek(&self.text.all, *start, pointer).value;
                files::items(&self.text.all, list)
                    .into_iter()
                    .map(|start| at(Place::Json { start }))
                    .collect()
            }
        }
    }

    /// Line and column (from 1, the column counts characters) of the field at a JSON pointer: of its key, or of the item
    /// in a list. A field that is not there has the place of the nearest one above it.
    pub fn position(&self, pointer: &str) -> Option<(usize, usize)> {
        match &self.place {
            Place::Yaml { root, lines_before } => {
                let (at, _) = walk_yaml(root, pointer);
                Some((at.line + lines_before, at.column))
            }
            Place::Json { start } => self.text.position(files::seek(&self.text.all, *start, pointer).key),
        }
    }

    /// The text of a line (from 1), without its end. The values of Secrets are left out.
    pub fn line_text(&self, line: usize) -> Option<String> {
        let text = self.text.line(line)?;
        match text.split_once(':') {
            Some((key, _)) if self.masked => Some(format!("{key}: <secret>")),
            None if self.masked => Some("<secret>".to_owned()),
            _ => Some(text.to_owned()),
        }
    }
}

/// The place of the deepest step of `pointer` that exists, and the node there.
fn walk_yaml(root: &Arc<Node>, pointer: &str) -> (tortie_config::Position, Arc<Node>) {
    let (mut at, mut node) = (root.at, Arc::clone(root));
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match &node.value {
            Value::Map(entries) => {
                entries.iter().find(|(k, _)| k.text == step).map(|(k, v)| (k.at, Arc::clone(v)))
            }
            Value::Seq(items) => {
                step.parse().ok().and_then(|i: usize| items.get(i)).map(|n| (n.at, Arc::clone(n)))
            }
            _ => None,
        };
        let Some(next) = next else { break };
        (at, node) = next;
    }
    (at, node)
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}", self.file, self.position(""))
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Origin) -> bool {
        self.file == other.file && self.position("") == other.position("")
    }
}
