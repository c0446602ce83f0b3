//! Calls of functions.

use super::{At, Machine};
use crate::error::Error;
use crate::functions::{self, Failure};
use crate::parse::Operand;
use crate::value::{Type, Value};

impl<'t> Machine<'t, '_> {
    /// Calls the function `name`; `node` is named when it fails.
    pub(super) fn function(
        &mut self,
        dot: &Value,
        node: At<'t>,
        name: &'t str,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let Some((function, is_own)) = functions::find(self.job.functions, name) else {
            let name = crate::gofmt::quote::double(name, false);
            return Err(self.error(format!("{name} is not a defined function")));
        };
        if is_own && matches!(name, "and" | "or") {
            return self.logic(dot, name, args, last);
        }
        if is_own && name == "call" {
            return self.call(dot, node, args, last);
        }
        let args = self.arguments(dot, name, function.params, function.variadic, args, last)?;
        let out = (function.run)(&mut self.job.context, args);
        self.at = if out.is_ok() { self.at } else { node };
        match out {
            Ok(value) => Ok(value),
            Err(Failure::Says(e)) => Err(self.error(format!("error calling {name}: {e}"))),
            Err(Failure::Limit(e)) => Err(self.over(e)),
        }
    }

    /// `and` and `or` evaluate no more arguments than they need.
    fn logic(
        &mut self,
        dot: &Value,
        name: &str,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        if args.is_empty() && last.is_none() {
            return Err(self.error(format!("wrong number of args for {name}: want at least 1 got 0")));
        }
        let mut value = Value::Invalid;
        for arg in args {
            value = self.argument(dot, Type::Reflect, arg)?;
            if value.is_true() == (name == "or") {
                return Ok(value);
            }
        }
        match last {
            Some(last) => self.fit(last, Type::Reflect),
            None => Ok(value),
        }
    }

    /// `call` fails always: no value here is a function.
    fn call(
        &mut self,
        dot: &Value,
        node: At<'t>,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let callee = match (args.first(), &last) {
            (Some(arg), _) => arg.to_string(),
            (None, Some(Value::Str(s))) => s.to_string(),
            (None, Some(value)) => format!("<{} Value>", value.type_name()),
            (None, None) => String::new(),
        };
        let values = self.arguments(dot, "call", &[Type::Reflect], Some(Type::Reflect), args, last)?;
        self.at = node;
        Err(match values.first().map(Value::held) {
            None | Some(Value::Invalid) => self.error("error calling call: call of nil"),
            Some(v) => {
                self.error(format!("error calling call: non-function {callee} of type {}", v.type_name()))
            }
        })
    }

    /// Evaluates the arguments of a call by the types of its parameters.
    pub(super) fn arguments(
        &mut self,
        dot: &Value,
        name: &str,
        params: &[Type],
        variadic: Option<Type>,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Vec<Value>, Error> {
        let given = args.len() + usize::from(last.is_some());
        match variadic {
            Some(_) if given < params.len() => {
                let (want, got) = (params.len(), args.len());
                return Err(
                    self.error(format!("wrong number of args for {name}: want at least {want} got {got}"))
                );
            }
            None if given != params.len() => {
                let want = params.len();
                return Err(self.error(format!("wrong number of args for {name}: want {want} got {given}")));
            }
            _ => {}
        }
        let type_of = |i: usize| params.get(i).copied().or(variadic).unwrap_or(Type::Any);
        let mut values = Vec::with_capacity(given);
        for (i, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, type_of(i), arg)?);
        }
        if let Some(last) = last {
            values.push(self.fit(last, type_of(args.len()))?);
        }
        Ok(values)
    }
}
