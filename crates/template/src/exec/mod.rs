//! Running a parsed template: nodes in order, values through pipelines.

mod call;
mod command;
mod field;
mod walk;

use crate::error::{Error, ErrorKind};
use crate::functions::{Context, Function};
use crate::parse::{Call, Command, Node, Operand, Pipe, Trees};
use crate::value::Value;
use std::fmt;

/// What a template runs with.
pub(crate) struct Job<'t, 'c> {
    /// Name of the whole text, for messages.
    pub(crate) name: &'t str,
    /// The text, for line numbers.
    pub(crate) text: &'t str,
    pub(crate) trees: &'t Trees,
    /// Functions besides Go's own; they go first.
    pub(crate) functions: &'static [&'static [Function]],
    pub(crate) context: Context<'c>,
}

/// Variables in place of the actions at the beginning of a text that define them.
pub(crate) struct Given {
    /// These actions end before this byte.
    pub(crate) until: usize,
    /// Steps that they take.
    pub(crate) steps: u64,
    /// What they define, one each.
    pub(crate) variables: [(&'static str, Value); 4],
}

/// Runs the template `job.name` over `data` and returns what it wrote.
///
/// # Errors
/// When a function fails, a value is of the wrong type or a bound is reached.
pub(crate) fn run(job: Job<'_, '_>, data: &Value, given: Option<Given>) -> Result<String, Error> {
    let mut machine = Machine {
        current: job.name,
        job,
        out: String::with_capacity(64),
        variables: Vec::with_capacity(8),
        frame: 0,
        at: At::Start,
        depth: 0,
        blocks: 0,
    };
    let Some(tree) = machine.job.trees.get(machine.job.name) else {
        let name = crate::gofmt::quote::double(machine.job.name, false);
        return Err(machine.error(format!("{name} is an incomplete or empty template")));
    };
    machine.push("$", data.clone());
    let mut tree = tree.as_slice();
    if let Some(given) = given {
        let is_given = |n: &&Node| matches!(n, Node::Action(pipe) if pipe.pos < given.until);
        let defined = tree.iter().take_while(is_given).count();
        // A text may define a template of its own name, which has none of them.
        if defined == given.variables.len() {
            machine.job.context.meter.step(given.steps).map_err(|e| machine.over(e))?;
            machine.variables.extend(given.variables);
            tree = tree.get(defined..).unwrap_or(&[]);
        }
    }
    machine.list(data, tree)?;
    Ok(machine.out)
}

struct Machine<'t, 'c> {
    job: Job<'t, 'c>,
    /// Name of the template that runs.
    current: &'t str,
    out: String,
    variables: Vec<(&'t str, Value)>,
    /// First variable of the template that runs.
    frame: usize,
    /// What is evaluated, for messages.
    at: At<'t>,
    /// How many templates run within each other.
    depth: u32,
    /// How many lists of nodes.
    blocks: u32,
}

/// A place in the tree.
#[derive(Clone, Copy)]
enum At<'t> {
    Start,
    Call(&'t Call),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

impl At<'_> {
    fn pos(self) -> usize {
        match self {
            At::Start => 0,
            At::Call(n) => n.pos,
            At::Pipe(n) => n.pos,
            At::Command(n) => n.pos,
            At::Operand(n) => n.pos,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Start => Ok(()),
            At::Call(n) => n.fmt(f),
            At::Pipe(n) => n.fmt(f),
            At::Command(n) => n.fmt(f),
            At::Operand(n) => n.fmt(f),
        }
    }
}

impl<'t> Machine<'t, '_> {
    fn error(&self, message: impl fmt::Display) -> Error {
        self.fail(ErrorKind::Exec, message)
    }

    /// A bound was reached.
    fn over(&self, message: String) -> Error {
        self.fail(ErrorKind::Limit, message)
    }

    fn fail(&self, kind: ErrorKind, message: impl fmt::Display) -> Error {
        let (line, column) = place(self.job.text, self.at.pos());
        let name = self.job.name;
        let message = match self.at {
            At::Start => format!("template: {name}: {message}"),
            at => {
                let current = crate::gofmt::quote::double(self.current, false);
                format!("template: {name}:{line}:{column}: executing {current} at <{at}>: {message}")
            }
        };
        Error { kind, message, line, column: Some(column) }
    }

    fn step(&mut self) -> Result<(), Error> {
        self.job.context.meter.step(1).map_err(|e| self.over(e))
    }

    fn push(&mut self, name: &'t str, value: Value) {
        self.variables.push((name, value));
    }

    /// Variables down to the number `len` stay.
    fn pop(&mut self, len: usize) {
        self.variables.truncate(len);
    }

    fn assign(&mut self, name: &str, value: Value) -> Result<(), Error> {
        let visible = self.variables.get_mut(self.frame..).unwrap_or(&mut []);
        match visible.iter_mut().rev().find(|(n, _)| *n == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => Err(self.error(format!("undefined variable: {name}"))),
        }
    }

    fn variable(&self, name: &str) -> Result<Value, Error> {
        let visible = self.variables.get(self.frame..).unwrap_or(&[]);
        match visible.iter().rev().find(|(n, _)| *n == name) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(self.error(format!("undefined variable: {name}"))),
        }
    }
}

/// Line from 1 and byte from 0 of a position.
fn place(text: &str, pos: usize) -> (usize, usize) {
    let before = text.get(..pos).unwrap_or("");
    let line = 1 + before.matches('\n').count();
    (line, before.len() - before.rfind('\n').map_or(0, |at| at + 1))
}
