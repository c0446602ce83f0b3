//! Pipelines, commands and arguments.

use super::{At, Machine};
use crate::error::Error;
use crate::parse::{Command, Operand, OperandKind, Pipe};
use crate::value::{Type, Value};

impl<'t> Machine<'t, '_> {
    /// The value of a pipeline; variables that it declares stay on the stack.
    pub(super) fn pipe(&mut self, dot: &Value, pipe: &'t Pipe) -> Result<Value, Error> {
        self.at = At::Pipe(pipe);
        self.step()?;
        let mut last = None;
        for command in &pipe.commands {
            let value = self.command(dot, command, last)?;
            last = Some(value.into_held());
        }
        let value = last.unwrap_or(Value::Invalid);
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.push(name, value.clone());
            }
        }
        Ok(value)
    }

    /// One command; `last` is what the one before it gave.
    fn command(&mut self, dot: &Value, command: &'t Command, last: Option<Value>) -> Result<Value, Error> {
        let first = &command.first;
        self.step()?;
        match &first.kind {
            OperandKind::Field(names) => {
                self.at = At::Operand(first);
                return self.chain(dot, dot.clone(), first, names, &command.rest, last);
            }
            OperandKind::Chain(start, names) => {
                let receiver = self.chain_start(dot, first, start)?;
                return self.chain(dot, receiver, first, names, &command.rest, last);
            }
            OperandKind::Function(name) => {
                self.at = At::Operand(first);
                return self.function(dot, At::Command(command), name, &command.rest, last);
            }
            OperandKind::Pipe(pipe) => {
                self.no_arguments(first, &command.rest, last.as_ref())?;
                return self.pipe(dot, pipe);
            }
            OperandKind::Variable(names) => {
                return self.variable_chain(dot, first, names, &command.rest, last);
            }
            _ => {}
        }
        self.at = At::Operand(first);
        self.no_arguments(first, &command.rest, last.as_ref())?;
        match &first.kind {
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Nil => Err(self.error("nil is not a command")),
            _ => self.constant(first),
        }
    }

    fn no_arguments(&self, first: &Operand, rest: &[Operand], last: Option<&Value>) -> Result<(), Error> {
        if rest.is_empty() && last.is_none() {
            return Ok(());
        }
        Err(self.error(format!("can't give argument to non-function {first}")))
    }

    fn variable_chain(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        names: &'t [String],
        rest: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        self.at = At::Operand(operand);
        let (variable, fields) = names.split_first().map_or(("", [].as_slice()), |(v, f)| (v.as_str(), f));
        let value = self.variable(variable)?;
        if fields.is_empty() {
            self.no_arguments(operand, rest, last.as_ref())?;
            return Ok(value);
        }
        self.chain(dot, value, operand, fields, rest, last)
    }

    /// What the fields of a chain are taken of.
    fn chain_start(&mut self, dot: &Value, chain: &'t Operand, start: &'t Operand) -> Result<Value, Error> {
        self.at = At::Operand(chain);
        if matches!(start.kind, OperandKind::Nil) {
            return Err(self.error(format!("indirection through explicit nil in {chain}")));
        }
        self.at = At::Operand(start);
        self.word(dot, start)
    }

    /// A word that stands for a value without arguments.
    fn word(&mut self, dot: &Value, operand: &'t Operand) -> Result<Value, Error> {
        match &operand.kind {
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Field(names) => {
                self.at = At::Operand(operand);
                self.chain(dot, dot.clone(), operand, names, &[], None)
            }
            OperandKind::Variable(names) => self.variable_chain(dot, operand, names, &[], None),
            OperandKind::Pipe(pipe) => self.pipe(dot, pipe),
            OperandKind::Function(name) => {
                self.at = At::Operand(operand);
                self.function(dot, At::Operand(operand), name, &[], None)
            }
            OperandKind::Chain(start, names) => {
                let receiver = self.chain_start(dot, operand, start)?;
                self.chain(dot, receiver, operand, names, &[], None)
            }
            OperandKind::Nil => Ok(Value::Invalid),
            _ => self.constant(operand),
        }
    }

    /// An argument as a function of that parameter takes it.
    pub(super) fn argument(&mut self, dot: &Value, t: Type, operand: &'t Operand) -> Result<Value, Error> {
        self.at = At::Operand(operand);
        self.step()?;
        match (&operand.kind, t) {
            (OperandKind::Nil, t) => {
                t.nil().ok_or_else(|| self.error(format!("cannot assign nil to {}", t.name())))
            }
            (
                OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Str { .. },
                Type::Any | Type::Reflect,
            ) => self.constant(operand),
            (OperandKind::Str { text, .. }, Type::Str) => Ok(Value::Str(text.clone())),
            (OperandKind::Bool(_) | OperandKind::Number(_), Type::Str) => {
                Err(self.error(format!("expected string; found {operand}")))
            }
            (OperandKind::Number(n), Type::Int | Type::Duration) if n.int.is_some() => {
                let n = n.int.unwrap_or_default();
                Ok(if t == Type::Int { Value::Int(n) } else { Value::Duration(n) })
            }
            (
                OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Str { .. },
                Type::Int | Type::Duration,
            ) => Err(self.error(format!("expected integer; found {operand}"))),
            (OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Str { .. }, t) => {
                Err(self.error(format!("can't handle {operand} for arg of type {}", t.name())))
            }
            _ => {
                let value = self.word(dot, operand)?;
                self.fit(value, t)
            }
        }
    }

    /// A value as an argument of that type.
    pub(super) fn fit(&self, value: Value, t: Type) -> Result<Value, Error> {
        match (value, t) {
            (Value::Invalid, t) => {
                t.nil().ok_or_else(|| self.error(format!("invalid value; expected {}", t.name())))
            }
            (value, Type::Reflect) => Ok(value),
            (value, Type::Any) => Ok(value.into_held()),
            (value, t) if value.is_of(t) => Ok(value),
            (value, t) => {
                let held = value.held();
                if held.is_of(t) {
                    return Ok(held.clone());
                }
                let got = if matches!(held, Value::Invalid) { &value } else { held };
                Err(self.error(format!(
                    "wrong type for value; expected {}; got {}",
                    t.name(),
                    got.type_name()
                )))
            }
        }
    }

    /// A constant whose type its text says.
    fn constant(&mut self, operand: &'t Operand) -> Result<Value, Error> {
        self.at = At::Operand(operand);
        match &operand.kind {
            OperandKind::Bool(b) => Ok(Value::Bool(*b)),
            OperandKind::Str { text, .. } => Ok(Value::Str(text.clone())),
            OperandKind::Number(n) => match (n.complex, n.float, n.int) {
                (Some((re, im)), ..) => Ok(Value::Complex(re, im)),
                (None, Some(f), _) if n.is_written_as_float() => Ok(Value::Float(f)),
                (None, _, Some(i)) => Ok(Value::Int(i)),
                _ => Err(self.error(format!("{} overflows int", n.text))),
            },
            _ => Err(self.error(format!("can't evaluate command {operand}"))),
        }
    }
}
