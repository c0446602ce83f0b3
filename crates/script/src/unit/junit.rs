//! What unit tests of rules gave, as JUnit's XML in the form that promtool writes.

use super::Outcome;
use std::fmt::Write;

/// The document for files with their outcomes; `time` is when they were run, `2026-01-02T15:04:05`.
pub fn document(files: &[(String, Outcome)], time: &str) -> String {
    let mut out = "<testsuites>".to_owned();
    for (file, outcome) in files {
        // Writing to a String cannot fail.
        let broken = outcome.errors.iter().find(|(test, _)| test.is_empty());
        let (tests, failures, errors) = match broken {
            Some(_) => (1, 0, 1),
            None => (outcome.tests.len(), outcome.errors.len(), 0),
        };
        let stamp = if broken.is_some() { "" } else { time };
        let _ = write!(
            out,
            "<testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" timestamp=\"{stamp}\">",
            escaped(file)
        );
        if let Some((_, error)) = broken {
            let _ = write!(out, "<testcase name=\"unknown\"><error>{}</error></testcase>", escaped(error));
        }
        for test in outcome.tests.iter().filter(|_| broken.is_none()) {
            let _ = write!(out, "<testcase name=\"{}\">", escaped(test));
            for (_, error) in outcome.errors.iter().filter(|(name, _)| name == test) {
                let _ = write!(out, "<failure>{}</failure>", escaped(error));
            }
            out.push_str("</testcase>");
        }
        out.push_str("</testsuite>");
    }
    out + "</testsuites>"
}

/// As Go's `encoding/xml` writes texts and attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_cases_and_failures() {
        let outcome = |tests: &[&str], errors: &[(&str, &str)]| Outcome {
            tests: tests.iter().map(|t| (*t).to_owned()).collect(),
            errors: errors.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            ..Outcome::default()
        };
        let files = [
            ("a.yml".to_owned(), outcome(&["one", "two"], &[("two", "x < \"1\"\n")])),
            ("b.yml".to_owned(), outcome(&[], &[("", "no file")])),
        ];
        assert_eq!(
            document(&files, "T"),
            "<testsuites><testsuite name=\"a.yml\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" timestamp=\"T\"><testcase name=\"one\"></testcase>\
             <testcase name=\"two\"><failure>x &lt; &#34;1&#34;&#xA;</failure></testcase></testsuite>\
             <testsuite name=\"b.yml\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" timestamp=\"\"><testcase name=\"unknown\"><error>no file</error></testcase></testsuite></testsuites>"
        );
    }
}
