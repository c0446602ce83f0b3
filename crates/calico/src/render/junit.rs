//! JUnit's XML, after the schema that CI systems share (Jenkins' junit-4.xsd; its later versions only add): a case a check
//! and entity; a root is a failure, what hangs on it is skipped.

use crate::doctor::engine::Report;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use crate::render::Frame;

pub(super) fn render(facts: &Facts<'_>, report: &Report, frame: &Frame) -> String {
    let mut cases = String::new();
    let (mut tests, mut failures, mut skipped, mut errors) = (0, 0, 0, 0);
    for o in &report.outcomes {
        tests += 1;
        let name = format!("{} {}", o.check.id, o.judged.entity);
        let open = format!("    <testcase classname=\"{}\" name=\"{}\"", text(o.check.slug), text(&name));
        let root = report.findings.iter().find(|f| {
            f.id == o.check.id && f.level >= frame.fail_on && f.entities.contains(&o.judged.entity)
        });
        let body = match (root, o.judged.verdict) {
            (Some(f), _) => {
                failures += 1;
                format!(
                    "<failure type=\"{}\" message=\"{}\">{}</failure>",
                    f.level,
                    text(&f.title),
                    text(&details(f))
                )
            }
            (None, Verdict::Unknown) => {
                errors += 1;
                format!("<error type=\"unknown\" message=\"{}\"/>", text(&o.judged.note))
            }
            (None, Verdict::Pass | Verdict::Info | Verdict::Ahead | Verdict::Warn) => String::new(),
            (None, v) => {
                skipped += 1;
                let why = if o.judged.note.is_empty() {
                    v.as_str().to_owned()
                } else {
                    format!("{v}: {}", o.judged.note)
                };
                // The schema gives this one no attribute; readers take its text.
                format!("<skipped>{}</skipped>", text(&why))
            }
        };
        if body.is_empty() {
            cases.push_str(&format!("{open}/>\n"));
        } else {
            cases.push_str(&format!("{open}>{body}</testcase>\n"));
        }
    }
    let time = frame.took_ms as f64 / 1000.0;
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    let host = text(&facts.snap.identity.context);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tortie doctor\" time=\"{time:.3}\" {counts}>\n  \
         <testsuite name=\"tortie doctor\" time=\"{time:.3}\" {counts} skipped=\"{skipped}\" hostname=\"{host}\">\n{cases}  \
         </testsuite>\n</testsuites>\n"
    )
}

fn details(f: &Finding) -> String {
    let mut out = String::new();
    for row in &f.rows {
        out.push_str(&format!("{} {} {}\n", row.label, row.value, row.remark));
    }
    if f.level < Level::Fail {
        out.push_str("a warning\n");
    }
    if let Some(Fix::Commands { commands, .. }) = &f.fix {
        for c in commands {
            out.push_str(&format!("{c}\n"));
        }
    }
    out
}

/// Text for XML; characters that XML 1.0 cannot hold become `?`.
fn text(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
