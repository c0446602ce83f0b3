//! Pipelines, commands and their words.

use super::number::Number;
use super::token::{Kind, Token};
use super::tree::{Command, Operand, OperandKind, Pipe};
use super::{Parser, unquote};
use crate::error::Error;
use crate::gofmt::quote;

impl Parser<'_> {
    /// A pipeline up to the token `end`, which is read.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe, Error> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_non_space();
            match token.kind {
                k if k == end => {
                    self.check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::Str
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
    }

    /// Variables before `:=` or `=`, two of them in a `range`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), Error> {
        while self.peek_non_space().kind == Kind::Variable {
            let variable = self.next();
            let after = self.next();
            let (space, next) = match after.kind {
                Kind::Space => (Some(after), self.next_non_space()),
                _ => (None, after),
            };
            let declares = matches!(next.kind, Kind::Assign | Kind::Declare);
            let comma = next.kind == Kind::Char && next.text == ",";
            if !declares && !comma {
                // An argument: give all of it back.
                self.back(next);
                if let Some(space) = space {
                    self.back(space);
                }
                self.back(variable);
                return Ok(());
            }
            pipe.variables.push(variable.text.clone());
            self.frame.variables.push(variable.text);
            if declares {
                pipe.assigns = next.kind == Kind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() >= 2 {
                return Err(self.error(format!("too many declarations in {context}")));
            }
            if !matches!(self.peek_non_space().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                return Err(self.error("range can only initialize variables"));
            }
        }
        Ok(())
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Result<(), Error> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command.first.kind,
                OperandKind::Bool(_)
                    | OperandKind::Dot
                    | OperandKind::Nil
                    | OperandKind::Number(_)
                    | OperandKind::Str { .. }
            ) {
                return Err(self.error(format!("non executable command in pipeline stage {}", i + 1)));
            }
        }
        Ok(())
    }

    /// Words up to a `|`, which is read, or the end of the pipeline, which is not.
    fn command(&mut self) -> Result<Command, Error> {
        let pos = self.peek_non_space().pos;
        let mut words = Vec::new();
        loop {
            self.peek_non_space();
            if let Some(word) = self.operand()? {
                words.push(word);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(token),
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            break;
        }
        let mut words = words.into_iter();
        match words.next() {
            Some(first) => Ok(Command { pos, first, rest: words.collect() }),
            None => Err(self.error("empty command")),
        }
    }

    /// A term with the fields that follow it; nothing when the next token is no term.
    fn operand(&mut self) -> Result<Option<Operand>, Error> {
        let Some(mut term) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let pos = self.peek().pos;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(field_name(&self.next()));
        }
        match &mut term.kind {
            OperandKind::Field(names) | OperandKind::Variable(names) => {
                names.append(&mut fields);
                term.pos = pos;
                Ok(Some(term))
            }
            OperandKind::Bool(_)
            | OperandKind::Str { .. }
            | OperandKind::Number(_)
            | OperandKind::Nil
            | OperandKind::Dot => {
                let term = quote::double(&term.to_string(), false);
                Err(self.error(format!("unexpected . after term {term}")))
            }
            _ => Ok(Some(Operand { pos, kind: OperandKind::Chain(Box::new(term), fields) })),
        }
    }

    fn term(&mut self) -> Result<Option<Operand>, Error> {
        let token = self.next_non_space();
        let pos = token.pos;
        let kind = match token.kind {
            Kind::Identifier => {
                if !(self.known)(&token.text) {
                    let name = quote::double(&token.text, false);
                    return Err(self.error(format!("function {name} not defined")));
                }
                OperandKind::Function(token.text)
            }
            Kind::Dot => OperandKind::Dot,
            Kind::Nil => OperandKind::Nil,
            Kind::Variable => {
                if !self.frame.variables.contains(&token.text) {
                    let name = quote::double(&token.text, false);
                    return Err(self.error(format!("undefined variable {name}")));
                }
                OperandKind::Variable(vec![token.text])
            }
            Kind::Field => OperandKind::Field(vec![field_name(&token)]),
            Kind::Bool => OperandKind::Bool(token.text == "true"),
            Kind::CharConstant => {
                OperandKind::Number(Number::character(&token.text).map_err(|e| self.error(e))?)
            }
            Kind::Complex => OperandKind::Number(Number::complex(&token.text).map_err(|e| self.error(e))?),
            Kind::Number => OperandKind::Number(Number::plain(&token.text).map_err(|e| self.error(e))?),
            Kind::LeftParen => {
                let pipe = self.deeper(|p| p.pipeline("parenthesized pipeline", Kind::RightParen))?;
                return Ok(Some(Operand { pos: pipe.pos, kind: OperandKind::Pipe(Box::new(pipe)) }));
            }
            Kind::Str | Kind::RawString => {
                let text = unquote::string(&token.text).map_err(|e| self.error(e))?;
                OperandKind::Str { quoted: token.text, text: text.into() }
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { pos, kind }))
    }
}

/// The name of a field token, which begins with its dot.
fn field_name(token: &Token) -> String {
    token.text.get(1..).unwrap_or("").to_owned()
}
