//! The difference between two lists of alerts as promtool's `--diff` shows it: JSON with colours of a terminal, what was
//! expected and is not there in red, what is there and was not expected in green, what changed in yellow.

use std::collections::{BTreeMap, BTreeSet};
use tortie_promql::go_text::quote;

/// What alerts consist of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Text(String),
    Map(BTreeMap<String, Json>),
    List(Vec<Json>),
}

/// Colours: where a part begins and where it ends.
type Tag = (&'static str, &'static str);

const NORMAL: Tag = ("", "");
const ADDED: Tag = ("\x1b[0;32m", "\x1b[0m");
const REMOVED: Tag = ("\x1b[0;31m", "\x1b[0m");
const CHANGED: Tag = ("\x1b[0;33m", "\x1b[0m");
const INDENT: &str = "    ";

/// How `got` differs from `expected`.
pub(super) fn difference(expected: &Json, got: &Json) -> String {
    let mut printer = Printer::default();
    printer.both(expected, got);
    printer.end();
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    level: usize,
    tag: Option<Tag>,
}

impl Printer {
    fn both(&mut self, a: &Json, b: &Json) {
        match (a, b) {
            (Json::List(a), Json::List(b)) => {
                let pairs = (0..a.len().max(b.len())).map(|i| (None, a.get(i), b.get(i))).collect();
                self.collection(("[", "]"), pairs);
            }
            (Json::Map(a), Json::Map(b)) => {
                let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                let pairs = keys.into_iter().map(|k| (Some(k), a.get(k), b.get(k))).collect();
                self.collection(("{", "}"), pairs);
            }
            (a, b) if a == b => {
                self.begin(NORMAL);
                self.value(a, true);
            }
            (a, b) => {
                self.begin(CHANGED);
                self.value(a, false);
                self.out.push_str(" => ");
                self.value(b, false);
            }
        }
    }

    fn collection(
        &mut self,
        (open, close): (&str, &str),
        pairs: Vec<(Option<&String>, Option<&Json>, Option<&Json>)>,
    ) {
        self.begin(NORMAL);
        if pairs.is_empty() {
            self.out.push_str(open);
            self.out.push_str(close);
            return;
        }
        self.level += 1;
        self.line(open);
        let last = pairs.len() - 1;
        for (i, (key, a, b)) in pairs.into_iter().enumerate() {
            if a.is_none() || b.is_none() {
                self.begin(if b.is_none() { REMOVED } else { ADDED });
            }
            if let Some(key) = key {
                self.key(key);
            }
            match (a, b) {
                (Some(a), Some(b)) => {
                    self.both(a, b);
                    self.end();
                }
                (one, other) => {
                    if let Some(v) = one.or(other) {
                        self.value(v, true);
                    }
                }
            }
            self.begin(NORMAL);
            if i < last {
                self.line(",");
            }
        }
        self.level -= 1;
        self.line("");
        self.out.push_str(close);
    }

    fn key(&mut self, key: &str) {
        self.out.push_str(&quote(key));
        self.out.push_str(": ");
    }

    /// A value of one side; what is in it only when it is to be shown whole.
    fn value(&mut self, v: &Json, whole: bool) {
        let (open, close, parts): (_, _, Vec<(Option<&String>, &Json)>) = match v {
            Json::Text(text) => return self.out.push_str(&quote(text)),
            Json::List(all) => ("[", "]", all.iter().map(|v| (None, v)).collect()),
            Json::Map(all) => ("{", "}", all.iter().map(|(k, v)| (Some(k), v)).collect()),
        };
        if !whole || parts.is_empty() {
            self.out.push_str(open);
            return self.out.push_str(close);
        }
        self.level += 1;
        self.line(open);
        let last = parts.len() - 1;
        for (i, (key, v)) in parts.into_iter().enumerate() {
            if let Some(key) = key {
                self.key(key);
            }
            self.value(v, true);
            if i < last {
                self.line(",");
            } else {
                self.level -= 1;
                self.line("");
            }
        }
        self.out.push_str(close);
    }

    fn begin(&mut self, tag: Tag) {
        if self.tag == Some(tag) {
            return;
        }
        self.end();
        self.out.push_str(tag.0);
        self.tag = Some(tag);
    }

    fn end(&mut self) {
        if let Some((_, end)) = self.tag.take() {
            self.out.push_str(end);
        }
    }

    /// Ends a line; a colour ends with it and begins anew.
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        let (begin, end) = self.tag.unwrap_or(NORMAL);
        self.out.push_str(end);
        self.out.push('\n');
        self.out.push_str(&INDENT.repeat(self.level));
        self.out.push_str(begin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Json {
        Json::Map(pairs.iter().map(|(k, v)| ((*k).to_owned(), Json::Text((*v).to_owned()))).collect())
    }

    #[test]
    fn colours_say_what_is_missing_new_and_other() {
        let check = |a: &[Json], b: &[Json], expect: &str| {
            let text = difference(&Json::List(a.to_vec()), &Json::List(b.to_vec()));
            assert_eq!(
                text,
                expect
                    .replace("R<", "\x1b[0;31m")
                    .replace("G<", "\x1b[0;32m")
                    .replace("Y<", "\x1b[0;33m")
                    .replace('>', "\x1b[0m")
                    .replace("=\x1b[0m", "=>")
            );
        };
        check(&[], &[], "[]");
        check(
            &[map(&[("a", "1"), ("b", "2"), ("d", "4")])],
            &[map(&[("a", "1"), ("b", "3"), ("c", "4")])],
            "[\n    {\n        \"a\": \"1\",\n        \"b\": Y<\"2\" => \"3\">,\n        G<\"c\": \"4\">,\n        R<\"d\": \"4\">\n    }\n]",
        );
        check(
            &[map(&[]), map(&[("a", "1")])],
            &[map(&[])],
            "[\n    {},\n    R<{>\n        R<\"a\": \"1\">\n    R<}>\n]",
        );
    }
}
