//! Prometheus' functions.

use super::{Args, Context, Failure, Function, Outcome, escape, hosts, humanize, pattern, title};
use crate::value::{Sample, Type, Value, ValueMap};
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_model::{duration, relabel::letters};

const TEXT: &[Type] = &[Type::Str];
const ANY: &[Type] = &[Type::Any];
const SAMPLE: &[Type] = &[Type::Sample];

const fn function(
    name: &'static str,
    params: &'static [Type],
    run: fn(&mut Context<'_>, Vec<Value>) -> Outcome,
) -> Function {
    Function { name, params, variadic: None, run }
}

/// All of them.
pub(crate) static PROMETHEUS: &[Function] = &[
    Function { name: "args", params: &[], variadic: Some(Type::Any), run: args },
    function("externalURL", &[], |c, _| c.text(c.external_url)),
    function("first", &[Type::Vector], first),
    function("graphLink", TEXT, |c, a| link(c, a, 0)),
    function("humanize", ANY, |c, a| number(c, a, humanize::humanize)),
    function("humanize1024", ANY, |c, a| number(c, a, humanize::humanize_1024)),
    function("humanizeDuration", ANY, |c, a| number(c, a, humanize::duration)),
    function("humanizePercentage", ANY, |c, a| number(c, a, humanize::percentage)),
    function("humanizeTimestamp", ANY, humanize_timestamp),
    function("label", &[Type::Str, Type::Sample], label),
    function("match", &[Type::Str, Type::Str], is_match),
    function("now", &[], |c, _| Ok(Value::Float(c.now as f64 / 1000.0))),
    function("parseDuration", TEXT, parse_duration),
    function("pathPrefix", &[], |c, _| c.text(hosts::path(c.external_url))),
    function("query", TEXT, query),
    function("reReplaceAll", &[Type::Str, Type::Str, Type::Str], replace_all),
    function("safeHtml", TEXT, |_, a| Ok(Value::Html(Args::new(a).text()))),
    function("sortByLabel", &[Type::Str, Type::Vector], sort_by_label),
    function("stripDomain", TEXT, |c, a| c.text(hosts::strip_domain(&Args::new(a).text()))),
    function("stripPort", TEXT, |c, a| c.text(hosts::strip_port(&Args::new(a).text()))),
    function("strvalue", SAMPLE, |_, a| {
        Ok(Value::text(sample(&mut Args::new(a))?.labels.value("__value__")))
    }),
    function("tableLink", TEXT, |c, a| link(c, a, 1)),
    function("title", TEXT, |c, a| c.text(title::title(&Args::new(a).text()))),
    function("toDuration", ANY, to_duration),
    function("toLower", TEXT, |c, a| c.text(letters::lower(&Args::new(a).text()))),
    function("toTime", ANY, to_time),
    function("toUpper", TEXT, |c, a| c.text(letters::upper(&Args::new(a).text()))),
    function("urlQueryEscape", TEXT, |c, a| c.text(escape::query(&Args::new(a).text()))),
    function("value", SAMPLE, |_, a| Ok(Value::Any(Box::new(sample(&mut Args::new(a))?.value.clone())))),
];

/// A sample that is there.
fn sample(args: &mut Args) -> Result<Arc<Sample>, Failure> {
    match args.any() {
        Value::Sample(sample) => Ok(sample),
        _ => Err("runtime error: invalid memory address or nil pointer dereference".into()),
    }
}

fn vector(args: &mut Args) -> Arc<[Arc<Sample>]> {
    match args.any() {
        Value::Vector(list) => list,
        _ => Arc::new([]),
    }
}

fn args(context: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    context.meter.take(args.len() * size_of::<(String, Value)>()).map_err(Failure::Limit)?;
    let named = args.into_iter().enumerate().map(|(i, v)| (format!("arg{i}"), v));
    match ValueMap::new(named.collect::<BTreeMap<_, _>>()) {
        Some(map) => Ok(Value::Map(Arc::new(map))),
        None => Err(Failure::Limit("exceeded the limit of 32 maps within each other".to_owned())),
    }
}

fn query(context: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let expr = Args::new(args).text();
    context.meter.query().map_err(Failure::Limit)?;
    let samples = context.query.query(&expr, context.now)?;
    let bytes: usize = samples.iter().map(|s| s.labels.as_bytes().len() + size_of::<Sample>()).sum();
    context.meter.take(bytes).map_err(Failure::Limit)?;
    Ok(Value::Vector(samples.into_iter().map(Arc::new).collect()))
}

fn first(_: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    match vector(&mut Args::new(args)).first() {
        Some(sample) => Ok(Value::Sample(sample.clone())),
        None => Err("first() called on vector with no elements".into()),
    }
}

fn label(_: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let mut args = Args::new(args);
    let name = args.text();
    Ok(Value::text(sample(&mut args)?.labels.value(&name)))
}

fn sort_by_label(context: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let mut args = Args::new(args);
    let name = args.text();
    let mut samples = vector(&mut args).to_vec();
    context.meter.step(samples.len() as u64).map_err(Failure::Limit)?;
    samples.sort_by(|a, b| a.labels.value(&name).cmp(b.labels.value(&name)));
    Ok(Value::Vector(samples.into()))
}

fn number(context: &mut Context<'_>, args: Vec<Value>, write: fn(f64) -> String) -> Outcome {
    let v = humanize::to_float(&Args::new(args).any())?;
    context.text(write(v))
}

fn humanize_timestamp(context: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let text = humanize::timestamp(humanize::to_float(&Args::new(args).any())?)?;
    context.text(text)
}

fn to_time(_: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    match humanize::time(humanize::to_float(&Args::new(args).any())?)? {
        Some(ns) => Ok(Value::Time(ns)),
        None => Err("value is NaN or Inf".into()),
    }
}

fn to_duration(_: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let v = humanize::to_float(&Args::new(args).any())?;
    Ok(Value::Duration(humanize::whole(v * 1e9)))
}

fn parse_duration(_: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let ms = duration::parse_signed(&Args::new(args).text()).map_err(|e| e.to_string())?;
    Ok(Value::Float((ms as f64 * 1e6) / 1e9))
}

fn link(context: &mut Context<'_>, args: Vec<Value>, tab: u8) -> Outcome {
    let expr = escape::query(&Args::new(args).text());
    context.text(format!("/graph?g0.expr={expr}&g0.tab={tab}"))
}

fn is_match(context: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let mut args = Args::new(args);
    let (expr, text) = (args.text(), args.text());
    context.meter.step(1 + text.len() as u64 / 64).map_err(Failure::Limit)?;
    Ok(Value::Bool(pattern::is_match(&expr, &text)?))
}

fn replace_all(context: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let mut args = Args::new(args);
    let (expr, replacement, text) = (args.text(), args.text(), args.text());
    context.meter.step(1 + text.len() as u64 / 16).map_err(Failure::Limit)?;
    let out = pattern::replace_all(&expr, &replacement, &text, context.meter.memory_left())?;
    context.text(out)
}
