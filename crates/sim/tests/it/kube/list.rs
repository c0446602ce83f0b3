//! The list of requests that the simulated and the real API server must answer alike: `data/kube/requests/*.txt`.
//!
//! Requests stand apart by an empty line. The first line is `METHOD PATH [FORM]`, FORM being `apply`, `json`, `merge`
//! or `strategic` of a PATCH; then lines `name: value` (`user`, `agent`, `header NAME`, `keep NAME /POINTER`), then
//! the body, then `= STATUS`. `{{NAME}}` in path and body is what was kept of an earlier answer of the same server.
//! Lines that begin with `#` are comments. `needs: definitions` marks what only a server does that was given the
//! schema of a custom kind.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::client::{Answer, Ask};

/// One request of the list.
#[derive(Debug, Clone, Default)]
pub struct Item {
    /// File and line.
    pub place: String,
    pub ask: Ask,
    pub keep: Vec<(String, String)>,
    pub definitions: bool,
    pub status: u16,
}

/// The whole list in the order of the files' names.
pub fn read() -> Vec<Item> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/kube/requests");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut out = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        parse(&name, &std::fs::read_to_string(&file).unwrap(), &mut out);
    }
    out
}

fn parse(file: &str, text: &str, out: &mut Vec<Item>) {
    let mut item: Option<Item> = None;
    for (i, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", i + 1);
        if line.starts_with('#') {
            continue;
        }
        match &mut item {
            None if line.is_empty() => {}
            None => item = Some(first(place, line)),
            Some(it) => {
                if let Some(status) = line.strip_prefix("= ") {
                    it.status = status.parse().unwrap_or_else(|_| panic!("{place}: {line}"));
                    out.extend(item.take());
                } else if it.ask.body.is_empty() && !line.starts_with(['{', '[']) {
                    let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{place}: {line}"));
                    setting(it, name, value);
                } else {
                    it.ask.body.push_str(line);
                    it.ask.body.push('\n');
                }
            }
        }
    }
    assert!(item.is_none(), "{file}: the last request has no `= STATUS`");
}

fn first(place: String, line: &str) -> Item {
    let words: Vec<&str> = line.split(' ').collect();
    let content_type = match words.get(2).copied() {
        None => "application/json",
        Some("apply") => "application/apply-patch+yaml",
        Some("json") => "application/json-patch+json",
        Some("merge") => "application/merge-patch+json",
        Some("strategic") => "application/strategic-merge-patch+json",
        Some(other) => other,
    };
    let ask = Ask {
        method: words[0].into(),
        path: words[1].into(),
        content_type: content_type.into(),
        token: "admin".into(),
        agent: "curl/8".into(),
        ..Ask::default()
    };
    Item { place, ask, ..Item::default() }
}

fn setting(item: &mut Item, name: &str, value: &str) {
    match name.split_once(' ') {
        Some(("header", header)) => item.ask.headers.push((header.into(), value.into())),
        Some(("keep", variable)) => item.keep.push((variable.into(), value.into())),
        _ => match name {
            "user" if value == "nobody" => item.ask.token.clear(),
            "user" => item.ask.token = value.into(),
            "agent" => item.ask.agent = value.into(),
            "needs" => item.definitions = true,
            other => panic!("{}: no setting {other}", item.place),
        },
    }
}

/// Asks everything in order.
pub fn run(ask: impl Fn(&Ask) -> Answer, list: &[Item]) -> Vec<Answer> {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    let mut out = Vec::new();
    for item in list {
        let mut one = item.ask.clone();
        for (name, value) in &kept {
            one.path = one.path.replace(&format!("{{{{{name}}}}}"), value);
            one.body = one.body.replace(&format!("{{{{{name}}}}}"), value);
        }
        let answer = ask(&one);
        for (name, pointer) in &item.keep {
            let value = answer.body.pointer(pointer).and_then(|v| v.as_str()).unwrap_or("none");
            kept.insert(name.clone(), value.to_owned());
        }
        out.push(answer);
    }
    out
}
