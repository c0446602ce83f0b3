//! YAML files of many documents, each read by itself so that one bad document costs only itself.

use super::problem::{Level, Problem};
use super::{Found, scalars};
use crate::object::{Origin, Text};
use std::sync::Arc;
use tortie_config::Position;
use tortie_config::yaml;

/// Hands each document of a text to `found`.
pub(super) fn each(file: &Arc<str>, text: &Arc<Text>, found: &mut Found) {
    let mut told_of_template = false;
    for part in split(&text.all) {
        let origin = |root| Origin::yaml(Arc::clone(file), Arc::clone(text), root, part.lines_before);
        let complain = |d: &tortie_config::Diagnostic, hint: Option<&str>| {
            let at = Position { line: d.at.line + part.lines_before, column: d.at.column };
            let line = text.line(at.line).unwrap_or("");
            Problem::new(
                Arc::clone(file),
                Level::Error,
                Some(at),
                &d.message,
                hint.or(d.hint.as_deref()),
                line,
            )
        };
        match yaml::parse(part.text) {
            Ok(root) => match scalars::to_json(&root) {
                Ok(value) => found.document(value, origin(root), 0),
                Err(d) => found.problem(complain(&d, None)),
            },
            Err(_) if is_template(part.text) && !found.named => {
                // A chart has many; one word about each file is enough.
                if !told_of_template {
                    let message = "a template of a Helm chart, which is not read";
                    let hint = "give the output of: helm template CHART";
                    found.problem(Problem::new(Arc::clone(file), Level::Note, None, message, Some(hint), ""));
                }
                told_of_template = true;
            }
            Err(d) if is_template(part.text) => {
                found.problem(complain(
                    &d,
                    Some("this looks like a Helm template; give the output of: helm template CHART"),
                ));
            }
            Err(d) => found.problem(complain(&d, None)),
        }
    }
}

fn is_template(text: &str) -> bool {
    text.contains("{{") && text.contains("}}")
}

struct Part<'a> {
    text: &'a str,
    lines_before: usize,
}

/// Splits at the lines that YAML reserves for it: `---` and `...` at the start of a line end the document before, in
/// block scalars too.
fn split(text: &str) -> Vec<Part<'_>> {
    let mut out = Vec::new();
    let (mut from, mut lines_before) = (0, 0);
    let (mut at, mut content) = (0, false);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        if is_mark(line, "---") {
            if content {
                out.push(Part { text: text.get(from..at).unwrap_or(""), lines_before });
                (from, lines_before) = (at, number);
            }
            content = has_content(line.get(3..).unwrap_or(""));
        } else if is_mark(line, "...") {
            if content {
                out.push(Part { text: text.get(from..at).unwrap_or(""), lines_before });
            }
            (from, lines_before, content) = (end, number + 1, false);
        } else if content || (has_content(line) && !line.starts_with('%')) {
            content = true;
        }
        at = end;
    }
    if content {
        out.push(Part { text: text.get(from..).unwrap_or(""), lines_before });
    }
    // Two markers in a row make an empty document between them, which the parser would take for a second one.
    for part in &mut out {
        part.skip_empty_documents();
    }
    out
}

impl Part<'_> {
    /// Drops what stands before the last marker of this part: comments and directives of documents without content.
    fn skip_empty_documents(&mut self) {
        let (mut at, mut last, mut directive) = (0, None, false);
        for (number, line) in self.text.split_inclusive('\n').enumerate() {
            if is_mark(line, "---") && !directive {
                last = Some((at, number));
            } else if line.starts_with('%') {
                directive = true;
            } else if has_content(line) {
                break;
            }
            at += line.len();
        }
        if let Some((at, lines)) = last {
            self.text = self.text.get(at..).unwrap_or("");
            self.lines_before += lines;
        }
    }
}

fn is_mark(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn has_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_a_file() {
        fn check(input: &str, expect: &[(&str, usize)]) {
            let parts = split(input);
            let got: Vec<_> = parts.iter().map(|p| (p.text.trim_end(), p.lines_before)).collect();
            assert_eq!(got, expect, "{input:?}");
        }
        check("a: 1\n", &[("a: 1", 0)]);
        check("---\na: 1\n---\nb: 2\n", &[("---\na: 1", 0), ("---\nb: 2", 2)]);
        check("# c\n---\n---\n# d\n---\na: 1\n---\n", &[("---\na: 1", 4)]);
        check("a: 1\n...\n---\nb: 2\n", &[("a: 1", 0), ("---\nb: 2", 2)]);
        check(
            "a: |\n  ---\n  x\n--- # two\nb: 2\r\n---\r\nc: 3",
            &[("a: |\n  ---\n  x", 0), ("--- # two\nb: 2", 3), ("---\r\nc: 3", 5)],
        );
        check("%YAML 1.2\n---\na: 1\n", &[("%YAML 1.2\n---\na: 1", 0)]);
        check("--- {a: 1}\n--- {b: 1}\n", &[("--- {a: 1}", 0), ("--- {b: 1}", 1)]);
        check("", &[]);
        check("---\n# nothing\n---\n", &[]);
    }
}
