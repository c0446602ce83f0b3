//! The runbooks of alerts as pages: `/runbooks/` lists them, `/runbooks/NAME` is where the link of an alert leads. Plain
//! HTML without a script, so that it opens in whatever a person has at hand at night.

use crate::app::App;
use crate::reply::{self, Body};
use crate::router::{not_found, redirect};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}\
pre{padding:.75rem;overflow:auto;border:1px solid color-mix(in srgb,currentColor 25%,transparent);border-radius:4px}\
code{font-family:ui-monospace,monospace;font-size:.9em}\
table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;\
border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}\n";

const CSP: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// Answers a path that begins with `/runbooks`.
pub(crate) fn page(app: &App, path: &str) -> Response<Body> {
    let Some(name) = path.strip_prefix("/runbooks/") else {
        if path == "/runbooks" {
            return redirect(&format!("{}/runbooks/", app.options.external_path));
        }
        return not_found();
    };
    if name == "page.css" {
        return file("text/css; charset=utf-8", STYLE.to_owned());
    }
    // Pages name each other as the files that they are made of.
    let name = name.strip_suffix(".md").unwrap_or(name);
    let name = if name == "README" { "" } else { name };
    let Some(text) = app.sources.runbook(name) else { return not_found() };
    let title = text.lines().next().unwrap_or_default().trim_start_matches("# ");
    let back = if name.is_empty() { "" } else { "<p><a href=\"./\">All runbooks</a></p>\n" };
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"page.css\">\n<body>\n{back}{}</body>\n</html>\n",
        escaped(title),
        html_of(text)
    );
    file("text/html; charset=utf-8", html)
}

fn file(kind: &'static str, text: String) -> Response<Body> {
    let mut r = Response::new(reply::full(text));
    *r.status_mut() = StatusCode::OK;
    r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    r.headers_mut().insert("content-security-policy", HeaderValue::from_static(CSP));
    r
}

/// The Markdown that runbooks are written in: headings, paragraphs, lists, tables, blocks of code.
fn html_of(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        // Writing to a String cannot fail.
        if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|l| !l.starts_with("```")).collect();
            let _ = writeln!(out, "<pre><code>{}</code></pre>", escaped(&code.join("\n")));
        } else if let Some((level, title)) = heading(line) {
            let _ = writeln!(out, "<h{level}>{}</h{level}>", inline(title));
        } else if let Some(first) = item(line) {
            let mut items = vec![first.to_owned()];
            while let Some(next) = lines.next_if(|l| item(l).is_some() || l.starts_with("  ")) {
                match (item(next), items.last_mut()) {
                    (None, Some(last)) => *last += &format!(" {}", next.trim()),
                    (Some(i), _) => items.push(i.to_owned()),
                    (None, None) => {}
                }
            }
            let kind = if line.starts_with("- ") { "ul" } else { "ol" };
            let items: String = items.iter().map(|i| format!("<li>{}</li>\n", inline(i))).collect();
            let _ = writeln!(out, "<{kind}>\n{items}</{kind}>");
        } else if line.starts_with('|') {
            let mut rows = vec![line];
            rows.extend(std::iter::from_fn(|| lines.next_if(|l| l.starts_with('|'))));
            out += &table(&rows);
        } else if !line.trim().is_empty() {
            let ends = |l: &str| {
                l.trim().is_empty()
                    || l.starts_with("```")
                    || l.starts_with('|')
                    || heading(l).is_some()
                    || item(l).is_some()
            };
            let mut paragraph = line.to_owned();
            while let Some(next) = lines.next_if(|l| !ends(l)) {
                paragraph += "\n";
                paragraph += next;
            }
            let _ = writeln!(out, "<p>{}</p>", inline(&paragraph));
        }
    }
    out
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let title = line.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then_some((level, title))
}

/// The text of a line of a list.
fn item(line: &str) -> Option<&str> {
    let numbered = || {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        line.get(digits..)?.strip_prefix(". ").filter(|_| digits > 0)
    };
    line.strip_prefix("- ").or_else(numbered)
}

fn table(rows: &[&str]) -> String {
    let mut out = "<table>\n".to_owned();
    let rule = |row: &str| row.bytes().all(|b| b"|-: ".contains(&b));
    for (i, row) in rows.iter().enumerate().filter(|(_, row)| !rule(row)) {
        let tag = if i == 0 { "th" } else { "td" };
        let cells = row.trim().trim_matches('|').split('|');
        let cells: String = cells.map(|c| format!("<{tag}>{}</{tag}>", inline(c.trim()))).collect();
        out += &format!("<tr>{cells}</tr>\n");
    }
    out + "</table>\n"
}

/// Code, bold type and links within a line.
fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, from) = rest.split_at(at);
        out += &escaped(before);
        let found = match from.as_bytes().first() {
            Some(b'`') => between(from, "`", "`").map(|(t, r)| (format!("<code>{}</code>", escaped(t)), r)),
            Some(b'*') => {
                between(from, "**", "**").map(|(t, r)| (format!("<strong>{}</strong>", inline(t)), r))
            }
            _ => link(from),
        };
        match found {
            Some((html, after)) => {
                out += &html;
                rest = after;
            }
            None => {
                let (one, after) = from.split_at(1);
                out += one;
                rest = after;
            }
        }
    }
    out + &escaped(rest)
}

/// What stands between two marks, and what comes after.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(open)?.split_once(close)
}

fn link(text: &str) -> Option<(String, &str)> {
    let (label, rest) = between(text, "[", "](")?;
    let (to, rest) = rest.split_once(')')?;
    let safe = to.starts_with("https://") || to.starts_with("http://") || !to.contains(':');
    let to = to.strip_suffix(".md").unwrap_or(to);
    safe.then(|| (format!("<a href=\"{}\">{}</a>", escaped(to), inline(label)), rest))
}

fn escaped(s: &str) -> String {
    s.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html_and_nothing_gets_through() {
        let check = |text: &str, expect: &str| assert_eq!(html_of(text), expect, "{text}");
        check(
            "# A\n\nB `x<y` **c**\nd\n",
            "<h1>A</h1>\n<p>B <code>x&lt;y</code> <strong>c</strong>\nd</p>\n",
        );
        check("- a\n  b\n- c\n", "<ul>\n<li>a b</li>\n<li>c</li>\n</ul>\n");
        check("1. a\n2. b\n", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n");
        check("```promql\nsum(x) > 1\n```\n", "<pre><code>sum(x) &gt; 1</code></pre>\n");
        check(
            "| a | b |\n| --- | --- |\n| [x](X.md) | <b> |\n",
            "<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td><a href=\"X\">x</a></td><td>&lt;b&gt;</td></tr>\n</table>\n",
        );
        check("[x](javascript:1) * `", "<p>[x](javascript:1) * `</p>\n");
        check("```\nno end <", "<pre><code>no end &lt;</code></pre>\n");
    }
}
