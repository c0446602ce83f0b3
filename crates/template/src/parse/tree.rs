//! The tree of a parsed template, and how its parts print in messages.

use super::number::Number;
use crate::gofmt::quote;
use std::fmt;
use std::sync::Arc;

/// Nodes one after the other.
pub(crate) type List = Vec<Node>;

/// One step of an execution.
#[derive(Debug)]
pub(crate) enum Node {
    /// Text that stands for itself.
    Text(String),
    /// `{{pipeline}}`.
    Action(Pipe),
    /// `{{if}}`, `{{with}}`, `{{range}}`.
    Branch(Branch),
    /// `{{template}}`, and `{{block}}` where it stands.
    Template(Call),
    Break,
    Continue,
}

/// What a [`Branch`] does with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BranchKind {
    If,
    With,
    Range,
}

/// A control structure with a body and perhaps an `else`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) kind: BranchKind,
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
    pub(crate) otherwise: Option<List>,
}

/// A template that runs within another.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) pos: usize,
    pub(crate) name: String,
    pub(crate) pipe: Option<Pipe>,
}

/// Commands whose values go from one to the next, perhaps into variables at the end.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    /// `=` rather than `:=`.
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<String>,
    pub(crate) commands: Vec<Command>,
}

/// A function, field, variable or constant with its arguments; never empty.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    pub(crate) first: Operand,
    pub(crate) rest: Vec<Operand>,
}

/// One word of a command.
#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) pos: usize,
    pub(crate) kind: OperandKind,
}

/// Kinds of words.
#[derive(Debug)]
pub(crate) enum OperandKind {
    Bool(bool),
    /// `(pipeline).Field.Field` and `function.Field`.
    Chain(Box<Operand>, Vec<String>),
    Dot,
    /// `.Field.Field`.
    Field(Vec<String>),
    Function(String),
    Nil,
    Number(Number),
    Pipe(Box<Pipe>),
    Str {
        quoted: String,
        text: Arc<str>,
    },
    /// `$name.Field.Field`; the name has its dollar sign.
    Variable(Vec<String>),
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", quote::double(&self.name, false))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if i > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, operand) in std::iter::once(&self.first).chain(&self.rest).enumerate() {
            let space = if i > 0 { " " } else { "" };
            match &operand.kind {
                OperandKind::Pipe(pipe) => write!(f, "{space}({pipe})")?,
                _ => write!(f, "{space}{operand}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OperandKind::Bool(b) => write!(f, "{b}"),
            OperandKind::Chain(first, fields) => {
                match &first.kind {
                    OperandKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{first}")?,
                }
                fields.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            OperandKind::Dot => f.write_str("."),
            OperandKind::Field(names) => names.iter().try_for_each(|name| write!(f, ".{name}")),
            OperandKind::Function(name) => f.write_str(name),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Number(number) => f.write_str(&number.text),
            OperandKind::Pipe(pipe) => write!(f, "{pipe}"),
            OperandKind::Str { quoted, .. } => f.write_str(quoted),
            OperandKind::Variable(names) => f.write_str(&names.join(".")),
        }
    }
}
