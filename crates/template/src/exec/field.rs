//! Fields, keys and methods: the names after a dot.

use super::{At, Machine};
use crate::error::Error;
use crate::functions::time;
use crate::parse::Operand;
use crate::value::{Member, Method, Value};

impl<'t> Machine<'t, '_> {
    /// `.A.B.C` of `receiver`; arguments go to the last name.
    pub(super) fn chain(
        &mut self,
        dot: &Value,
        receiver: Value,
        node: &'t Operand,
        names: &'t [String],
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let Some((end, before)) = names.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        for name in before {
            receiver = self.field(dot, name, node, &[], None, &receiver)?;
        }
        self.field(dot, end, node, args, last, &receiver)
    }

    fn field(
        &mut self,
        dot: &Value,
        name: &str,
        node: &'t Operand,
        args: &'t [Operand],
        last: Option<Value>,
        receiver: &Value,
    ) -> Result<Value, Error> {
        self.step()?;
        let type_name = receiver.type_name();
        let has_args = !args.is_empty() || last.is_some();
        let value = match receiver.held() {
            Value::Invalid if matches!(receiver, Value::Invalid) => return Ok(Value::Invalid),
            Value::Invalid | Value::Nil(_) => {
                return Err(self.error(format!("nil pointer evaluating {type_name}.{name}")));
            }
            Value::Labels(labels) => {
                return match has_args {
                    true => Err(self.error(format!("{name} is not a method but has arguments"))),
                    false => Ok(Value::text(labels.value(name))),
                };
            }
            Value::Map(map) => {
                return match has_args {
                    true => Err(self.error(format!("{name} is not a method but has arguments"))),
                    false => Ok(Value::Any(Box::new(map.get(name).cloned().unwrap_or(Value::Invalid)))),
                };
            }
            Value::Sample(sample) => match name {
                "Labels" => Some(Value::Labels(sample.labels.clone())),
                "Value" => Some(Value::Any(Box::new(sample.value.clone()))),
                _ => None,
            },
            Value::Struct(s) => s.fields.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()),
            Value::Object(object) => match object.member(name) {
                Some(Member::Field(value)) => Some(value),
                Some(Member::Method(method)) => return self.method(dot, name, node, args, last, method),
                None => None,
            },
            held => match time::method(held, name) {
                Some(method) => return self.method(dot, name, node, args, last, method),
                None => None,
            },
        };
        match value {
            Some(_) if has_args => {
                Err(self.error(format!("{name} has arguments but cannot be invoked as function")))
            }
            Some(value) => Ok(value),
            None => Err(self.error(format!("can't evaluate field {name} in type {type_name}"))),
        }
    }

    fn method(
        &mut self,
        dot: &Value,
        name: &str,
        node: &'t Operand,
        args: &'t [Operand],
        last: Option<Value>,
        method: Method,
    ) -> Result<Value, Error> {
        let args = self.arguments(dot, name, method.params, method.variadic, args, last)?;
        (method.run)(args).map_err(|e| {
            self.at = At::Operand(node);
            self.error(format!("error calling {name}: {e}"))
        })
    }
}
