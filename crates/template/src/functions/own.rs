//! Go's own functions.

use super::{Args, Context, Failure, Function, Outcome, collections, compare, escape};
use crate::gofmt::{self, TooLong};
use crate::value::{Type, Value};

const REFLECT: &[Type] = &[Type::Reflect];
const TWO: &[Type] = &[Type::Reflect, Type::Reflect];

/// All of them. `and`, `or` and `call` do not come here: they look at the words of their arguments.
pub(crate) static GO: &[Function] = &[
    Function { name: "and", params: REFLECT, variadic: Some(Type::Reflect), run: unreachable },
    Function { name: "call", params: REFLECT, variadic: Some(Type::Reflect), run: unreachable },
    Function { name: "eq", params: REFLECT, variadic: Some(Type::Reflect), run: |_, a| compare::eq(&a) },
    Function { name: "ge", params: TWO, variadic: None, run: |_, a| compare::ge(&a) },
    Function { name: "gt", params: TWO, variadic: None, run: |_, a| compare::gt(&a) },
    Function {
        name: "html",
        params: &[],
        variadic: Some(Type::Any),
        run: |c, a| printed(c, &a, escape::html),
    },
    Function {
        name: "index",
        params: REFLECT,
        variadic: Some(Type::Reflect),
        run: |_, a| collections::index(a),
    },
    Function { name: "js", params: &[], variadic: Some(Type::Any), run: |c, a| printed(c, &a, escape::js) },
    Function { name: "le", params: TWO, variadic: None, run: |_, a| compare::le(&a) },
    Function { name: "len", params: REFLECT, variadic: None, run: |_, a| collections::len(a) },
    Function { name: "lt", params: TWO, variadic: None, run: |_, a| compare::lt(&a) },
    Function { name: "ne", params: TWO, variadic: None, run: |_, a| compare::ne(&a) },
    Function { name: "not", params: REFLECT, variadic: None, run: not },
    Function { name: "or", params: REFLECT, variadic: Some(Type::Reflect), run: unreachable },
    Function { name: "print", params: &[], variadic: Some(Type::Any), run: |c, a| print(c, &a) },
    Function { name: "printf", params: &[Type::Str], variadic: Some(Type::Any), run: |c, a| printf(c, &a) },
    Function { name: "println", params: &[], variadic: Some(Type::Any), run: |c, a| println(c, &a) },
    Function { name: "slice", params: REFLECT, variadic: Some(Type::Reflect), run: collections::slice },
    Function {
        name: "urlquery",
        params: &[],
        variadic: Some(Type::Any),
        run: |c, a| printed(c, &a, escape::query),
    },
];

fn unreachable(_: &mut Context<'_>, mut args: Vec<Value>) -> Outcome {
    Ok(args.pop().unwrap_or(Value::Invalid))
}

fn not(_: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::Bool(!Args::new(args).any().is_true()))
}

fn bounded(context: &mut Context<'_>, text: Result<String, TooLong>) -> Outcome {
    match text {
        Ok(text) => context.text(text),
        Err(TooLong) => match context.meter.take(usize::MAX) {
            Err(e) => Err(Failure::Limit(e)),
            Ok(()) => Ok(Value::Invalid),
        },
    }
}

fn printed(context: &mut Context<'_>, args: &[Value], escape: fn(&str) -> String) -> Outcome {
    let text = gofmt::printed_all(args, context.meter.memory_left());
    bounded(context, text.map(|text| escape(&text)))
}

fn print(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = gofmt::sprint(args, context.meter.memory_left());
    bounded(context, text)
}

fn println(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = gofmt::sprintln(args, context.meter.memory_left());
    bounded(context, text)
}

fn printf(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let Some((Value::Str(format), args)) = args.split_first() else {
        return Ok(Value::Invalid);
    };
    let text = gofmt::sprintf(format, args, context.meter.memory_left());
    bounded(context, text)
}
