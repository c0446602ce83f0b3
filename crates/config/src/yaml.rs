//! YAML as a tree in which every node knows where it stands and every scalar keeps its text.
//!
//! The strict reader needs both: `0123` and `yes` mean different things in different fields, as with Prometheus' own
//! library, so a scalar must not be interpreted before its field is known.

use crate::diagnostics::{Diagnostic, Position};
use granit_parser::{Event, Options, Parser, ScalarStyle, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// Deepest nesting of a document.
const MAX_DEPTH: usize = 64;
/// Most nodes of a document, aliases counted once.
const MAX_NODES: usize = 2_000_000;

/// A piece of a document.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it starts.
    pub at: Position,
}

/// The kinds of nodes.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// A text; `plain` says that no quotes stood around it.
    Scalar {
        /// The text as written, quotes and escapes resolved.
        text: String,
        /// Whether it was written without quotes, so that it may be a number or a boolean.
        plain: bool,
    },
    /// A list.
    Seq(Vec<Arc<Node>>),
    /// A mapping in the order of the file.
    Map(Vec<(Key, Arc<Node>)>),
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub at: Position,
}

impl Node {
    /// How an error calls this node.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a scalar",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Whether the node says nothing: null, or collections of such.
    pub fn says_nothing(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Scalar { .. } => false,
            Value::Seq(items) => items.iter().all(|n| n.says_nothing()),
            Value::Map(entries) => entries.iter().all(|(_, n)| n.says_nothing()),
        }
    }
}

enum Open {
    Seq(Vec<Arc<Node>>),
    Map { entries: Vec<(Key, Arc<Node>)>, key: Option<Arc<Node>> },
}

struct Frame {
    open: Open,
    at: Position,
    anchor: usize,
}

/// Parses the one document of `text`. An empty file is null.
///
/// # Errors
/// When the text is no YAML, has a second document, or repeats a key.
pub fn parse(text: &str) -> Result<Arc<Node>, Diagnostic> {
    let (root, second) = documents(text)?;
    match second {
        None => Ok(root),
        Some(at) => Err(Diagnostic::new(at, "the file has a second document".to_owned())
            .hint("keep one document in the file")),
    }
}

/// Parses the first document of `text`; says whether a second one begins, which is not read.
///
/// # Errors
/// When the text is no YAML up to there, or repeats a key.
pub fn parse_first(text: &str) -> Result<(Arc<Node>, bool), Diagnostic> {
    documents(text).map(|(root, second)| (root, second.is_some()))
}

/// The first document, and where a second one begins.
fn documents(text: &str) -> Result<(Arc<Node>, Option<Position>), Diagnostic> {
    // A byte order mark is no content.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder =
        Builder { stack: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0, documents: 0 };
    let mut second = None;
    let mut parser = Parser::new_from_str_with_options(text, Options::default());
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::DocumentStart(..), span)) if builder.documents > 0 => {
                second = Some(Position { line: span.start.line(), column: span.start.col() + 1 });
                break;
            }
            Ok((event, span)) => builder.event(event, span)?,
            Err(e) => {
                let mark = e.marker();
                let at = Position { line: mark.line(), column: mark.col() + 1 };
                return Err(Diagnostic::new(at, format!("not valid YAML: {}", e.info())));
            }
        }
    }
    let root = builder
        .root
        .unwrap_or_else(|| Arc::new(Node { value: Value::Null, at: Position { line: 1, column: 1 } }));
    Ok((root, second))
}

struct Builder {
    stack: Vec<Frame>,
    anchors: HashMap<usize, Arc<Node>>,
    root: Option<Arc<Node>>,
    nodes: usize,
    documents: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let at = Position { line: span.start.line(), column: span.start.col() + 1 };
        match event {
            Event::DocumentStart(..) => self.documents += 1,
            Event::Scalar(text, style, anchor, tag) => {
                let forced_text = tag.as_ref().is_some_and(|t| t.core_suffix() == Some("str"));
                let plain = style == ScalarStyle::Plain && !forced_text;
                let value = if plain && is_null(&text) {
                    Value::Null
                } else {
                    Value::Scalar { text: text.into_owned(), plain }
                };
                self.finish(Node { value, at }, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => self.open(Open::Seq(Vec::new()), at, anchor)?,
            Event::MappingStart(_, anchor, _) => {
                self.open(Open::Map { entries: Vec::new(), key: None }, at, anchor)?
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(frame) = self.stack.pop() {
                    let value = match frame.open {
                        Open::Seq(items) => Value::Seq(items),
                        Open::Map { entries, .. } => Value::Map(merged(entries)?),
                    };
                    self.finish(Node { value, at: frame.at }, frame.anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Diagnostic::new(
                        at,
                        "an alias may not stand within its own anchor".to_owned(),
                    ));
                };
                self.place(node)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open, at: Position, anchor: usize) -> Result<(), Diagnostic> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Diagnostic::new(at, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.stack.push(Frame { open, at, anchor });
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        let at = node.at;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Diagnostic::new(at, format!("more than {MAX_NODES} values")));
        }
        let node = Arc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        self.place(node)
    }

    fn place(&mut self, node: Arc<Node>) -> Result<(), Diagnostic> {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.open {
            Open::Seq(items) => items.push(node),
            Open::Map { entries, key } => match key.take() {
                None => *key = Some(node),
                Some(k) => {
                    let text = match &k.value {
                        Value::Scalar { text, .. } => text.clone(),
                        Value::Null => "null".to_owned(),
                        _ => {
                            return Err(Diagnostic::new(
                                k.at,
                                format!("a key must be a text, not {}", k.kind()),
                            ));
                        }
                    };
                    if text != "<<" && entries.iter().any(|(e, _)| e.text == text) {
                        return Err(Diagnostic::new(k.at, format!("key {text:?} already set in map")));
                    }
                    entries.push((Key { text, at: k.at }, node));
                }
            },
        }
        Ok(())
    }
}

/// Puts the mappings of `<<` in, entries that stand there themselves first.
fn merged(entries: Vec<(Key, Arc<Node>)>) -> Result<Vec<(Key, Arc<Node>)>, Diagnostic> {
    if !entries.iter().any(|(k, _)| k.text == "<<") {
        return Ok(entries);
    }
    let (merges, mut out): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(k, _)| k.text == "<<");
    let mut add = |node: &Node| match &node.value {
        Value::Map(more) => {
            for (k, v) in more {
                if !out.iter().any(|(e, _)| e.text == k.text) {
                    out.push((k.clone(), Arc::clone(v)));
                }
            }
            true
        }
        _ => false,
    };
    for (key, node) in &merges {
        let fine = match &node.value {
            Value::Seq(list) => list.iter().all(|n| add(n)),
            _ => add(node),
        };
        if !fine {
            return Err(Diagnostic::new(
                key.at,
                "map merge requires map or sequence of maps as the value".to_owned(),
            ));
        }
    }
    Ok(out)
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> String {
        let e = parse(text).map(|_| ()).unwrap_err();
        format!("{}:{}: {}", e.at.line, e.at.column, e.message)
    }

    #[test]
    fn nodes_know_their_place_and_scalars_their_text() {
        let root = parse("a: 0123\nb:\n  - yes\n  - 'no'\n  -\n").unwrap();
        let Value::Map(entries) = &root.value else { panic!("{root:?}") };
        assert!(matches!(&entries[0].1.value, Value::Scalar { text, plain: true } if text == "0123"));
        let Value::Seq(items) = &entries[1].1.value else { panic!("{root:?}") };
        assert_eq!((items[1].at.line, items[1].at.column), (4, 5));
        assert!(matches!(&items[1].value, Value::Scalar { plain: false, .. }));
        assert!(matches!(items[2].value, Value::Null));
    }

    #[test]
    fn anchors_and_merges() {
        let root = parse("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: *x\n").unwrap();
        let Value::Map(entries) = &root.value else { panic!("{root:?}") };
        let Value::Map(y) = &entries[1].1.value else { panic!("{root:?}") };
        let pairs: Vec<_> = y.iter().map(|(k, v)| format!("{}={:?}", k.text, v.value)).collect();
        assert_eq!(pairs.len(), 2);
        assert!(pairs[0].starts_with("b=") && pairs[0].contains("\"3\"") && pairs[1].starts_with("a="));
    }

    #[test]
    fn refuses() {
        assert_eq!(says("a: 1\na: 2\n"), "2:1: key \"a\" already set in map");
        assert!(says("a: [1\n").contains("not valid YAML"), "{}", says("a: [1\n"));
        assert!(says("a: 1\n---\nb: 2\n").contains("second document"));
        assert!(says(&format!("{}{}", "[".repeat(100), "]".repeat(100))).contains("nested deeper"));
        assert!(says("a: *b\n").contains("YAML"));
    }
}
