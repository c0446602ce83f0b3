//! Objects out of manifests, folders of them, standard input and bundles.
//!
//! What cannot be read is a [`Problem`] with file, line, column and snippet; everything else is read all the same.

mod archive;
mod documents;
mod json;
mod problem;
mod scalars;

pub(crate) use json::{items, seek};
pub use problem::{Level, Problem};

use crate::object::{Malformed, Object, Origin, Text};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tortie_config::Position;
use tortie_host::Fs;

/// Longest file, unpacked, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// Most files of a run.
const MAX_FILES: usize = 100_000;
/// Deepest nesting of folders.
const MAX_DEPTH: usize = 32;
/// Deepest nesting of `List` in `List`.
const MAX_LISTS: usize = 8;

/// Reads all objects of files, folders (their `.yaml`, `.yml`, `.json` and those of their folders, hidden ones left out),
/// archives (`.tar.gz`, `.tgz`) and `-`, which is standard input. In the order of the arguments, folders by name.
///
/// A document that is no Kubernetes object (no `apiVersion` or `kind`) is a problem of level [`Level::Error`] in a file
/// that was named, and of [`Level::Note`] in a folder or an archive.
pub fn read(fs: &dyn Fs, paths: &[PathBuf]) -> (Vec<Object>, Vec<Problem>) {
    let mut reader = Reader { fs, objects: Vec::new(), problems: Vec::new(), files: 0 };
    for path in paths {
        match path.as_os_str().to_str() {
            Some("-") => reader.stdin(),
            _ => reader.path(path, 0),
        }
    }
    (reader.objects, reader.problems)
}

/// Reads all objects of one text, as if it stood in a file of that name that was named.
pub fn parse(name: &str, text: &str) -> (Vec<Object>, Vec<Problem>) {
    let mut found = Found { named: true, objects: Vec::new(), problems: Vec::new() };
    found.text(&Arc::from(name), &Text::new(text));
    (found.objects, found.problems)
}

struct Reader<'a> {
    fs: &'a dyn Fs,
    objects: Vec<Object>,
    problems: Vec<Problem>,
    files: usize,
}

impl Reader<'_> {
    fn path(&mut self, path: &Path, depth: usize) {
        let name = path.display().to_string();
        match self.fs.kind(path) {
            None => self.problem(&name, "no such file or folder", None),
            Some(true) => self.folder(path, depth),
            Some(false) if is_archive(&name) => match self.fs.read(path) {
                Ok(bytes) => self.archive(&name, &bytes),
                Err(e) => self.problem(&name, &format!("cannot be read: {e}"), None),
            },
            Some(false) => match self.fs.open(path).and_then(|f| f.len()) {
                Ok(len) if len > MAX_FILE => {
                    self.problem(&name, &format!("longer than {} MiB", MAX_FILE >> 20), None);
                }
                Ok(_) => match self.fs.read(path) {
                    Ok(bytes) => self.bytes(&name, bytes, depth == 0),
                    Err(e) => self.problem(&name, &format!("cannot be read: {e}"), None),
                },
                Err(e) => self.problem(&name, &format!("cannot be read: {e}"), None),
            },
        }
    }

    fn folder(&mut self, path: &Path, depth: usize) {
        let name = path.display().to_string();
        if depth > MAX_DEPTH {
            return self.problem(&name, &format!("folders are nested deeper than {MAX_DEPTH}"), None);
        }
        let entries = match self.fs.list(path) {
            Ok(entries) => entries,
            Err(e) => return self.problem(&name, &format!("cannot be read: {e}"), None),
        };
        for entry in entries {
            if entry.starts_with('.') {
                continue;
            }
            let child = path.join(&entry);
            if self.fs.kind(&child) == Some(true) || is_manifest(&entry) {
                self.path(&child, depth + 1);
            }
        }
    }

    fn stdin(&mut self) {
        let mut bytes = Vec::new();
        let result = std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes);
        match result {
            Err(e) => self.problem("-", &format!("standard input cannot be read: {e}"), None),
            Ok(n) if n as u64 > MAX_FILE => {
                self.problem("-", &format!("standard input is longer than {} MiB", MAX_FILE >> 20), None);
            }
            // The magic number of gzip.
            Ok(_) if bytes.starts_with(&[0x1f, 0x8b]) => self.archive("-", &bytes),
            Ok(_) => self.bytes("-", bytes, true),
        }
    }

    fn archive(&mut self, name: &str, bytes: &[u8]) {
        let limits = archive::Limits { bytes: MAX_FILE * 2, files: MAX_FILES };
        let result = archive::each(bytes, &limits, &mut |member, content| {
            if is_manifest(member) {
                self.bytes(&format!("{name}!{member}"), content, false);
            }
        });
        if let Err(e) = result {
            self.problem(name, &format!("not a whole .tar.gz archive: {e}"), None);
        }
    }

    fn bytes(&mut self, name: &str, bytes: Vec<u8>, named: bool) {
        self.files += 1;
        if self.files > MAX_FILES {
            if self.files == MAX_FILES + 1 {
                self.problem(name, &format!("more than {MAX_FILES} files"), None);
            }
            return;
        }
        match String::from_utf8(bytes) {
            Err(e) => {
                let valid = e.utf8_error().valid_up_to();
                let before = e.as_bytes().get(..valid).unwrap_or(&[]);
                let line = before.iter().filter(|b| **b == b'\n').count() + 1;
                self.problem(name, "not valid UTF-8", Some(Position { line, column: 1 }));
            }
            Ok(text) => {
                let mut found = Found { named, objects: Vec::new(), problems: Vec::new() };
                found.text(&Arc::from(name), &Text::new(&text));
                self.objects.append(&mut found.objects);
                self.problems.append(&mut found.problems);
            }
        }
    }

    fn problem(&mut self, file: &str, message: &str, at: Option<Position>) {
        self.problems.push(Problem::new(Arc::from(file), Level::Error, at, message, None, ""));
    }
}

fn is_archive(name: &str) -> bool {
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

/// What one text holds.
struct Found {
    named: bool,
    objects: Vec<Object>,
    problems: Vec<Problem>,
}

impl Found {
    /// Most problems that are told of one file.
    const MOST: usize = 50;

    fn text(&mut self, file: &Arc<str>, text: &Arc<Text>) {
        let start = text.all.strip_prefix('\u{feff}').unwrap_or(&text.all).trim_start();
        if start.is_empty() {
            return;
        }
        if start.starts_with(['{', '[']) && json::each(file, text, self) {
            return;
        }
        documents::each(file, text, self);
    }

    /// Takes a document apart: lists into their items, anything else as an object.
    fn document(&mut self, value: Value, origin: Origin, nested: usize) {
        let nothing = match &value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if nothing {
            return;
        }
        if nested > MAX_LISTS {
            return self.malformed(&Malformed::new("", "lists are nested too deep"), &origin, Level::Error);
        }
        match into_items(value) {
            Items::List { items, at, kind } => {
                for (item, place) in items.into_iter().zip(origin.items(at)) {
                    self.document(with_kind(item, kind.as_ref()), place, nested + 1);
                }
            }
            Items::One(value) => match Object::parse(value) {
                Ok(mut object) => {
                    let secret = object.gvk.is("", "Secret");
                    object.origin = Some(if secret { origin.masked() } else { origin });
                    self.objects.push(object);
                }
                Err(e) => {
                    // In a folder, files of other tools are to be expected.
                    let foreign = e.pointer.is_empty() && nested == 0 && !self.named;
                    self.malformed(&e, &origin, if foreign { Level::Note } else { Level::Error });
                }
            },
        }
    }

    fn malformed(&mut self, e: &Malformed, origin: &Origin, level: Level) {
        let at = origin.position(&e.pointer).map(|(line, column)| Position { line, column });
        let line = at.and_then(|p| origin.line_text(p.line)).unwrap_or_default();
        self.problem(Problem::new(Arc::clone(&origin.file), level, at, &e.message, e.hint.as_deref(), &line));
    }

    fn problem(&mut self, problem: Problem) {
        match self.problems.len() {
            n if n < Self::MOST => self.problems.push(problem),
            n if n == Self::MOST => self.problems.push(Problem::new(
                problem.file,
                Level::Error,
                None,
                "more problems, which are not shown",
                None,
                "",
            )),
            _ => {}
        }
    }
}

enum Items {
    List { items: Vec<Value>, at: &'static str, kind: Option<(String, String)> },
    One(Value),
}

/// Tells lists from objects. A `List` of the core group and every `FooList` with `items` is a list.
fn into_items(value: Value) -> Items {
    match value {
        Value::Array(items) => Items::List { items, at: "", kind: None },
        Value::Object(mut map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            let kind = text("kind");
            let (Some(of), true) =
                (kind.strip_suffix("List"), matches!(map.get("items"), Some(Value::Array(_))))
            else {
                return Items::One(Value::Object(map));
            };
            let kind = (!of.is_empty()).then(|| (text("apiVersion"), of.to_owned()));
            match map.remove("items") {
                Some(Value::Array(items)) => Items::List { items, at: "/items", kind },
                _ => Items::List { items: Vec::new(), at: "/items", kind },
            }
        }
        other => Items::One(other),
    }
}

/// Items of a typed list carry no kind of their own: the list's gives it.
fn with_kind(mut item: Value, kind: Option<&(String, String)>) -> Value {
    if let (Value::Object(map), Some((api_version, kind))) = (&mut item, kind)
        && !map.contains_key("kind")
        && !map.contains_key("apiVersion")
    {
        map.insert("apiVersion".to_owned(), Value::String(api_version.clone()));
        map.insert("kind".to_owned(), Value::String(kind.clone()));
    }
    item
}
