//! A script's commands: `clear`, `load`, `eval`.

use crate::expect::{self, Expectation};
use crate::load::{self, Load};
use tortie_model::duration;

/// A command.
pub(crate) enum Command {
    /// Forgets everything that was loaded.
    Clear,
    /// Loads series.
    Load(Load),
    /// Evaluates an expression.
    Eval(Box<Body>),
}

/// When an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At one instant, milliseconds.
    Instant(i64),
    /// From, to, step, milliseconds.
    Range(i64, i64, i64),
}

/// An `eval` command.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) expr: String,
    pub(crate) when: When,
    pub(crate) expected: Expectation,
}

/// A command's line from one, its text, and what it is or why it is nothing.
type Parsed = (usize, String, Result<Command, String>);

/// Lines without surrounding white space and comments.
pub(crate) struct Lines<'a> {
    lines: Vec<&'a str>,
    /// The next line.
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line of a body; `None` at an empty line or the end.
    pub(crate) fn next_of_body(&mut self) -> Option<&'a str> {
        let line = self.lines.get(self.at).copied().filter(|l| !l.is_empty())?;
        self.at += 1;
        Some(line)
    }
}

/// All commands of a script.
pub(crate) fn parse(text: &str) -> Vec<Parsed> {
    let lines = text.split('\n').map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let mut lines = Lines { lines, at: 0 };
    let mut commands = Vec::new();
    while let Some(&line) = lines.lines.get(lines.at) {
        lines.at += 1;
        if line.is_empty() {
            continue;
        }
        let number = lines.at;
        let word = line.split([' ', '\t']).next().unwrap_or("").to_lowercase();
        let command = match word.as_str() {
            "clear" => Ok(Command::Clear),
            w if w.starts_with("load") => load::parse(line, &mut lines).map(Command::Load),
            w if w.starts_with("eval") => eval(line, &mut lines).map(|b| Command::Eval(Box::new(b))),
            _ => Err(format!("invalid command {line:?}")),
        };
        if command.is_err() {
            // The rest of its body says nothing without it.
            while lines.next_of_body().is_some() {}
        }
        commands.push((number, line.to_owned(), command));
    }
    commands
}

const EVAL_SYNTAX: &str = "invalid evaluation command. Must be either 'eval[_fail|_warn|_ordered|_info] instant at <offset:duration> \
                           <query>' or 'eval[_fail|_warn|_info] range from <from> to <to> step <step> <query>'";

fn eval(line: &str, lines: &mut Lines<'_>) -> Result<Body, String> {
    let (word, rest) = split_word(line);
    let modifier = word.get("eval".len()..).unwrap_or("");
    let (kind, rest) = split_word(rest);
    let (when, expr) = match kind {
        "instant" => {
            let (at, expr) = keyword(rest, "at")?;
            (When::Instant(time(at, "timestamp")?), expr)
        }
        "range" if modifier != "_ordered" => {
            let (from, rest) = keyword(rest, "from")?;
            let (to, rest) = keyword(rest, "to")?;
            let (step, expr) = keyword(rest, "step")?;
            (
                When::Range(time(from, "start timestamp")?, time(to, "end timestamp")?, time(step, "step")?),
                expr,
            )
        }
        _ => return Err(EVAL_SYNTAX.to_owned()),
    };
    if let When::Range(from, to, _) = when
        && to < from
    {
        return Err("invalid test definition, end timestamp is before start timestamp".to_owned());
    }
    if expr.is_empty() {
        return Err(EVAL_SYNTAX.to_owned());
    }
    let expected = expect::parse(modifier, when, lines)?;
    Ok(Body { expr: expr.to_owned(), when, expected })
}

/// The first word and what is behind it.
pub(crate) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once([' ', '\t']).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// The word behind the keyword `name`, and the rest.
pub(crate) fn keyword<'a>(text: &'a str, name: &str) -> Result<(&'a str, &'a str), String> {
    match split_word(text) {
        (word, rest) if word == name => Ok(split_word(rest)),
        _ => Err(EVAL_SYNTAX.to_owned()),
    }
}

/// A time or step in milliseconds since the script's beginning.
pub(crate) fn time(text: &str, what: &str) -> Result<i64, String> {
    duration::parse(text).map_err(|e| format!("invalid {what} definition {text:?}: {e}"))
}
