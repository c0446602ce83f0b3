//! JSON files, one or more values each, and the places in them.

use super::Found;
use super::problem::{Level, Problem};
use crate::object::{Origin, Text};
use serde_json::Value;
use std::sync::Arc;
use tortie_config::Position;

/// Hands each value of a text to `found`. Says false, having done nothing, when the text may be YAML instead.
pub(super) fn each(file: &Arc<str>, text: &Arc<Text>, found: &mut Found) -> bool {
    let body = text.all.strip_prefix('\u{feff}').unwrap_or(&text.all);
    let skipped = text.all.len() - body.len();
    let mut values = serde_json::Deserializer::from_str(body).into_iter::<Value>();
    let mut start = 0;
    let mut first = true;
    while let Some(value) = values.next() {
        match value {
            Ok(value) => {
                let begin = skipped + start + leading_space(body.get(start..).unwrap_or(""));
                found.document(value, Origin::json(Arc::clone(file), Arc::clone(text), begin), 0);
                start = values.byte_offset();
                first = false;
            }
            Err(e) => {
                if first && !file.ends_with(".json") {
                    return false;
                }
                let at = Position { line: e.line().max(1), column: e.column().max(1) };
                let line = text.line(at.line).unwrap_or("");
                let message = e.to_string();
                let message = message.split(" at line ").next().unwrap_or("");
                let message = format!("not valid JSON: {message}");
                found.problem(Problem::new(Arc::clone(file), Level::Error, Some(at), &message, None, line));
                return true;
            }
        }
    }
    true
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Where a JSON pointer leads: the bytes at which its key (or item) and its value begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sought {
    /// Start of the key's quote, or of the item.
    pub(crate) key: usize,
    /// Start of the value.
    pub(crate) value: usize,
}

/// Follows `pointer` from the value at byte `start` as far as its steps exist. The text must be valid JSON there.
pub(crate) fn seek(text: &str, start: usize, pointer: &str) -> Sought {
    let mut found = Sought { key: start, value: start };
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let mut scan = Scan { bytes: text.as_bytes(), at: found.value };
        let next = match scan.peek() {
            Some(b'{') => scan.entry(text, &step),
            Some(b'[') => step.parse().ok().and_then(|n| scan.item(n)),
            _ => None,
        };
        match next {
            Some(next) => found = next,
            None => break,
        }
    }
    found
}

/// The bytes at which the items of the list at byte `start` begin.
pub(crate) fn items(text: &str, start: usize) -> Vec<usize> {
    let mut scan = Scan { bytes: text.as_bytes(), at: start };
    let mut out = Vec::new();
    if scan.peek() != Some(b'[') {
        return out;
    }
    scan.at += 1;
    while let Some(b) = scan.peek() {
        match b {
            b']' => break,
            b',' => scan.at += 1,
            _ => {
                out.push(scan.at);
                scan.value();
            }
        }
    }
    out
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b) = self.bytes.get(self.at) {
            if !b.is_ascii_whitespace() {
                return Some(*b);
            }
            self.at += 1;
        }
        None
    }

    fn entry(&mut self, text: &str, wanted: &str) -> Option<Sought> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {}
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => return None,
            }
            let key = self.at;
            self.string();
            let is_it = serde_json::from_str::<String>(text.get(key..self.at)?).ok()? == wanted;
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            self.peek()?;
            if is_it {
                return Some(Sought { key, value: self.at });
            }
            self.value();
        }
    }

    fn item(&mut self, wanted: usize) -> Option<Sought> {
        self.at += 1;
        let mut index = 0;
        loop {
            match self.peek()? {
                b']' => return None,
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            if index == wanted {
                return Some(Sought { key: self.at, value: self.at });
            }
            index += 1;
            self.value();
        }
    }

    /// Steps over a string whose quote stands here.
    fn string(&mut self) {
        self.at += 1;
        while let Some(b) = self.bytes.get(self.at) {
            self.at += 1;
            match b {
                b'\\' => self.at += 1,
                b'"' => return,
                _ => {}
            }
        }
    }

    /// Steps over any value.
    fn value(&mut self) {
        let mut depth = 0usize;
        while let Some(b) = self.peek() {
            match b {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
                    let rest = self.bytes.get(self.at..).unwrap_or(&[]);
                    self.at += rest.iter().take_while(|b| word(b)).count().max(1);
                }
            }
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_places() {
        const TEXT: &str = r#"{"a": {"b/c": [1, {"d": "x\"y"}, [2]], "e": true}, "f": null}"#;
        fn check(pointer: &str, key: &str, value: &str) {
            let found = seek(TEXT, 0, pointer);
            assert!(TEXT[found.key..].starts_with(key), "{pointer}: {}", &TEXT[found.key..]);
            assert!(TEXT[found.value..].starts_with(value), "{pointer}: {}", &TEXT[found.value..]);
        }
        check("", "{\"a\"", "{\"a\"");
        check("/a/b~1c", "\"b/c\"", "[1");
        check("/a/b~1c/1/d", "\"d\"", "\"x");
        check("/a/b~1c/2/0", "2]", "2]");
        check("/a/e", "\"e\"", "true");
        check("/f", "\"f\"", "null");
        // What is not there has the place of what holds it.
        check("/a/none/below", "\"a\"", "{\"b/c\"");
        check("/a/b~1c/9", "\"b/c\"", "[1");
    }
}
