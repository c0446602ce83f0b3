//! Nodes: text, actions, branches, loops, templates within templates.

use super::{At, Machine};
use crate::error::Error;
use crate::gofmt;
use crate::parse::{Branch, BranchKind, Call, Node};
use crate::value::Value;

/// How a list ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> Machine<'t, '_> {
    pub(super) fn list(&mut self, dot: &Value, list: &'t [Node]) -> Result<Flow, Error> {
        self.blocks += 1;
        self.job.context.meter.depth(self.depth, self.blocks).map_err(|e| self.over(e))?;
        let flow = self.nodes(dot, list)?;
        self.blocks -= 1;
        Ok(flow)
    }

    fn nodes(&mut self, dot: &Value, list: &'t [Node]) -> Result<Flow, Error> {
        for node in list {
            self.step()?;
            let flow = match node {
                Node::Text(text) => {
                    self.write(text)?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    let value = self.pipe(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        self.at = At::Pipe(pipe);
                        self.print(&value)?;
                    }
                    Flow::Next
                }
                Node::Branch(branch) if branch.kind == BranchKind::Range => self.range(dot, branch)?,
                Node::Branch(branch) => self.branch(dot, branch)?,
                Node::Template(call) => {
                    self.template(dot, call)?;
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.job.context.meter.output(self.out.len() + text.len()).map_err(|e| self.over(e))?;
        self.out.push_str(text);
        Ok(())
    }

    fn print(&mut self, value: &Value) -> Result<(), Error> {
        let limit = self.job.context.meter.memory_left();
        let meter = &mut self.job.context.meter;
        if let Value::Str(text) | Value::Html(text) = value.held()
            && text.len() <= limit
        {
            meter.take(text.len()).map_err(|e| self.over(e))?;
            return self.write(text);
        }
        let printed = match gofmt::printed(value, limit) {
            Ok(text) => meter.take(text.len()).map(|()| text),
            // More than is left, whatever it would have been.
            Err(gofmt::TooLong) => meter.take(usize::MAX).map(|()| String::new()),
        };
        let text = printed.map_err(|e| self.over(e))?;
        self.write(&text)
    }

    fn branch(&mut self, dot: &Value, branch: &'t Branch) -> Result<Flow, Error> {
        let mark = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.is_true() {
            let dot = if branch.kind == BranchKind::With { &value } else { dot };
            self.list(dot, &branch.list)
        } else if let Some(list) = &branch.otherwise {
            self.list(dot, list)
        } else {
            Ok(Flow::Next)
        }?;
        self.pop(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &'t Branch) -> Result<Flow, Error> {
        let outer = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let inner = self.variables.len();
        let Some(items) = Items::of(value.held()) else {
            let text = gofmt::printed(&value, 1024).unwrap_or_default();
            return Err(self.error(format!("range can't iterate over {text}")));
        };
        if matches!(items, Items::Numbers(..)) && branch.pipe.variables.len() > 1 {
            let text = gofmt::printed(&value, 1024).unwrap_or_default();
            return Err(self.error(format!("can't use {text} to iterate over more than one variable")));
        }
        let mut some = false;
        let mut flow = Flow::Next;
        let mut i = 0;
        while let Some((key, item)) = items.get(i) {
            i += 1;
            some = true;
            self.step()?;
            self.bind(branch, key, &item)?;
            flow = self.list(&item, &branch.list)?;
            self.pop(inner);
            if flow == Flow::Break {
                break;
            }
        }
        if some {
            flow = Flow::Next;
        } else if let Some(list) = &branch.otherwise {
            flow = self.list(dot, list)?;
        }
        self.pop(outer);
        Ok(flow)
    }

    /// Gives the variables of a loop their values for one round.
    fn bind(&mut self, branch: &'t Branch, key: Value, item: &Value) -> Result<(), Error> {
        let pipe = &branch.pipe;
        let top = self.variables.len();
        match pipe.variables.as_slice() {
            [] => Ok(()),
            [one] if pipe.assigns => self.assign(one, item.clone()),
            [first, second, ..] if pipe.assigns => {
                self.assign(first, key)?;
                self.assign(second, item.clone())
            }
            names => {
                // The pipeline pushed them, the last one on top.
                if let Some(slot) = top.checked_sub(1).and_then(|i| self.variables.get_mut(i)) {
                    slot.1 = item.clone();
                }
                if names.len() > 1
                    && let Some(slot) = top.checked_sub(2).and_then(|i| self.variables.get_mut(i))
                {
                    slot.1 = key;
                }
                Ok(())
            }
        }
    }

    fn template(&mut self, dot: &Value, call: &'t Call) -> Result<(), Error> {
        self.at = At::Call(call);
        let Some((name, tree)) = self.job.trees.get_key_value(&call.name) else {
            let name = gofmt::quote::double(&call.name, false);
            return Err(self.error(format!("template {name} not defined")));
        };
        let data = match &call.pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Invalid,
        };
        let outer = (self.current, self.frame, self.variables.len());
        self.job.context.meter.depth(self.depth + 1, self.blocks).map_err(|e| self.over(e))?;
        self.depth += 1;
        self.current = name;
        self.frame = outer.2;
        self.push("$", data.clone());
        self.list(&data, tree)?;
        self.pop(outer.2);
        (self.current, self.frame) = (outer.0, outer.1);
        self.depth -= 1;
        Ok(())
    }
}

/// What a loop goes through.
enum Items<'v> {
    Nothing,
    Numbers(i64, fn(i64) -> Value),
    List(&'v Value, usize),
    Pairs(Vec<(Value, Value)>),
}

impl<'v> Items<'v> {
    fn of(value: &'v Value) -> Option<Items<'v>> {
        Some(match value {
            Value::Invalid | Value::Nil(_) => Items::Nothing,
            Value::Int(n) => Items::Numbers(*n, Value::Int),
            Value::Int64(n) => Items::Numbers(*n, Value::Int64),
            Value::Byte(n) => Items::Numbers(i64::from(*n), |i| Value::Byte(i as u8)),
            Value::Duration(n) => Items::Numbers(*n, Value::Duration),
            Value::Month(n) => Items::Numbers(*n, Value::Month),
            Value::Weekday(n) => Items::Numbers(*n, Value::Weekday),
            Value::Strings(list) => Items::List(value, list.len()),
            Value::Vector(list) => Items::List(value, list.len()),
            Value::Labels(labels) => {
                Items::Pairs(labels.iter().map(|(n, v)| (Value::text(n), Value::text(v))).collect())
            }
            Value::Map(map) => Items::Pairs(
                map.iter().map(|(n, v)| (Value::text(n.as_str()), Value::Any(Box::new(v.clone())))).collect(),
            ),
            _ => return None,
        })
    }

    /// Key and element of round `i`.
    fn get(&self, i: usize) -> Option<(Value, Value)> {
        match self {
            Items::Nothing => None,
            Items::Numbers(n, make) => {
                let i = i64::try_from(i).ok()?;
                (i < *n).then(|| (Value::Invalid, make(i)))
            }
            Items::List(value, len) => {
                let item = match value {
                    _ if i >= *len => return None,
                    Value::Strings(list) => Value::Str(list.get(i)?.clone()),
                    Value::Vector(list) => Value::Sample(list.get(i)?.clone()),
                    _ => return None,
                };
                Some((Value::Int(i as i64), item))
            }
            Items::Pairs(pairs) => pairs.get(i).cloned(),
        }
    }
}
