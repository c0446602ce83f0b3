//! The body of an `eval` command: what is expected.

use crate::command::{Lines, When, keyword, time};
use crate::values::{Point, series};
use tortie_model::regex::Regex;
use tortie_model::{Labels, gofloat};
use tortie_promql::go_text;

/// What an `eval` command expects.
#[derive(Debug, Default)]
pub(crate) struct Expectation {
    /// `eval_ordered` or `expect ordered`: the order of a vector counts.
    pub(crate) ordered: bool,
    /// `eval_fail` or `expect fail`: the evaluation fails, with a text that matches if there is one.
    pub(crate) fail: bool,
    pub(crate) fail_text: Option<Text>,
    pub(crate) warn: Notes,
    pub(crate) info: Notes,
    /// An expected scalar.
    pub(crate) scalar: Option<f64>,
    /// `expect string`
    pub(crate) string: Option<String>,
    /// `expect range vector`: from, to, step in milliseconds.
    pub(crate) range_vector: Option<(i64, i64, i64)>,
    /// Expected series; a later line with the same labels takes the place of an earlier one.
    pub(crate) series: Vec<Expected>,
}

/// An expected series.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Its place among the lines of the body that are not `expect` lines, from one.
    pub(crate) position: usize,
    pub(crate) labels: Labels,
    pub(crate) values: Vec<Point>,
}

/// What is expected of the warnings or infos of an evaluation.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// There must be at least one.
    pub(crate) some: bool,
    /// There must be none.
    pub(crate) none: bool,
    /// Each of these must be there, and nothing else.
    pub(crate) texts: Vec<Text>,
}

/// An expected text.
#[derive(Debug)]
pub(crate) enum Text {
    Any,
    Exactly(String),
    Matching(Regex, String),
}

impl Text {
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Text::Any => true,
            Text::Exactly(expected) => expected == text,
            Text::Matching(regex, _) => regex.is_match(text),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Text::Any => "anything".to_owned(),
            Text::Exactly(expected) => format!("{expected:?}"),
            Text::Matching(_, pattern) => format!("something matching {pattern:?}"),
        }
    }

    fn matching(pattern: &str) -> Result<Text, String> {
        // It may match anywhere in the text.
        let regex = Regex::anchored(&format!(".*(?:{pattern}).*"))
            .map_err(|e| format!("invalid regex {pattern}: {e}"))?;
        Ok(Text::Matching(regex, pattern.to_owned()))
    }
}

/// Parses the body of an `eval` command.
pub(crate) fn parse(modifier: &str, when: When, lines: &mut Lines<'_>) -> Result<Expectation, String> {
    let mut expected = Expectation::default();
    match modifier {
        "" => {}
        "_fail" => expected.fail = true,
        "_warn" => expected.warn.some = true,
        "_info" => expected.info.some = true,
        "_ordered" => expected.ordered = true,
        _ => return Err(format!("unknown kind of evaluation eval{modifier}")),
    }
    let mut position = 0;
    while let Some(line) = lines.next_of_body() {
        if let (true, Some(text)) = (expected.fail, line.strip_prefix("expected_fail_message")) {
            expected.fail_text = Some(Text::Exactly(text.trim().to_owned()));
            break;
        }
        if let (true, Some(pattern)) = (expected.fail, line.strip_prefix("expected_fail_regexp")) {
            expected.fail_text = Some(Text::matching(pattern.trim())?);
            break;
        }
        if let Some(range) = line.strip_prefix("expect range vector") {
            expected.range_vector = Some(range_vector(range)?);
            position += 1;
            continue;
        }
        if let Some(text) = line.strip_prefix("expect string") {
            let text = go_text::unquote(text.trim_start());
            expected.string = Some(
                text.ok_or("expected string literal not valid - check that the string is correctly quoted")?,
            );
            position += 1;
            continue;
        }
        // A metric of that name is written `expect{}`.
        if let Some(("expect", rest)) = line.split_once(' ') {
            expected.expect(rest)?;
            continue;
        }
        if let Ok(v) = number(line) {
            expected.scalar = Some(v);
            break;
        }
        position += 1;
        let (labels, values) = series(line)?;
        if values.len() > 1 && matches!(when, When::Instant(_)) && expected.range_vector.is_none() {
            return Err("expecting multiple values in instant evaluation not allowed. consider using 'expect range vector' \
                        directive to enable a range vector result for an instant query"
                .to_owned());
        }
        let new = Expected { position, labels, values };
        match expected.series.iter_mut().find(|e| e.labels == new.labels) {
            Some(there) => *there = new,
            None => expected.series.push(new),
        }
    }
    Ok(expected)
}

impl Expectation {
    /// `ordered`, `fail msg: text`, `no_warn`, ...
    fn expect(&mut self, text: &str) -> Result<(), String> {
        const SYNTAX: &str =
            "invalid expect statement, must match `expect <type> <match_type>: <string>` format";
        let text = text.trim();
        let (kind, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let wanted = match rest.trim_start().split_once(':') {
            None if rest.trim().is_empty() => Text::Any,
            Some(("msg", message)) => Text::Exactly(message.trim().to_owned()),
            Some(("regex", pattern)) => Text::matching(pattern.trim())?,
            _ => return Err(SYNTAX.to_owned()),
        };
        match kind {
            "ordered" => self.ordered = true,
            "fail" if self.fail_text.is_some() => {
                return Err("invalid expect lines, multiple expect fail lines are not allowed".to_owned());
            }
            "fail" => {
                self.fail = true;
                self.fail_text = Some(wanted);
            }
            "warn" => self.warn.texts.push(wanted),
            "info" => self.info.texts.push(wanted),
            "no_warn" => self.warn.none = true,
            "no_info" => self.info.none = true,
            _ => return Err(SYNTAX.to_owned()),
        }
        for (name, notes) in [("warn", &self.warn), ("info", &self.info)] {
            if notes.none && !notes.texts.is_empty() {
                return Err(format!("invalid expect lines, {name} and no_{name} cannot be used together"));
            }
        }
        Ok(())
    }
}

/// ` from D to D step D`
fn range_vector(text: &str) -> Result<(i64, i64, i64), String> {
    let (from, rest) = keyword(text, "from")?;
    let (to, rest) = keyword(rest, "to")?;
    let (step, _) = keyword(rest, "step")?;
    let (from, to, step) = (time(from, "start timestamp")?, time(to, "end timestamp")?, time(step, "step")?);
    if to < from {
        return Err("invalid test definition, end timestamp is before start timestamp".to_owned());
    }
    Ok((from, to, step))
}

fn number(text: &str) -> Result<f64, ()> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hex) = digits.strip_prefix("0x").and_then(|h| i64::from_str_radix(h, 16).ok()) {
        return Ok(sign * hex as f64);
    }
    gofloat::parse(text).map_err(drop)
}
