//! Functions that templates call: Go's own, and Prometheus'.

mod collections;
mod compare;
mod escape;
mod hosts;
mod humanize;
mod own;
mod pattern;
mod prometheus;
pub(crate) mod time;
mod title;

pub(crate) use own::GO;
pub(crate) use prometheus::PROMETHEUS;

use crate::limits::Meter;
use crate::query::Query;
use crate::value::{Type, Value};

/// What functions may ask.
pub(crate) struct Context<'a> {
    pub(crate) query: &'a mut dyn Query,
    /// Time of the evaluation, milliseconds.
    pub(crate) now: i64,
    pub(crate) external_url: &'a str,
    pub(crate) meter: Meter,
}

impl Context<'_> {
    /// A text that a function built.
    fn text(&mut self, text: impl Into<String>) -> Result<Value, Failure> {
        let text: String = text.into();
        self.meter.take(text.len()).map_err(Failure::Limit)?;
        Ok(Value::text(text))
    }
}

/// Why a function gave nothing.
pub(crate) enum Failure {
    /// Its own reason.
    Says(String),
    /// A bound was reached.
    Limit(String),
}

impl From<String> for Failure {
    fn from(reason: String) -> Failure {
        Failure::Says(reason)
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Failure {
        Failure::Says(reason.to_owned())
    }
}

pub(crate) type Outcome = Result<Value, Failure>;

/// A function by its name.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Types of the arguments that must be there.
    pub(crate) params: &'static [Type],
    /// Type of any number of further ones.
    pub(crate) variadic: Option<Type>,
    /// Called with arguments of these types.
    pub(crate) run: fn(&mut Context<'_>, Vec<Value>) -> Outcome,
}

/// The function of that name, and whether it is Go's own.
pub(crate) fn find(tables: &'static [&'static [Function]], name: &str) -> Option<(&'static Function, bool)> {
    let mut all = tables.iter().flat_map(|table| table.iter());
    match all.find(|f| f.name == name) {
        Some(function) => Some((function, false)),
        None => GO.iter().find(|f| f.name == name).map(|f| (f, true)),
    }
}

/// Takes arguments apart; their types were checked before.
struct Args(std::vec::IntoIter<Value>);

impl Args {
    fn new(args: Vec<Value>) -> Args {
        Args(args.into_iter())
    }

    fn any(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Invalid)
    }

    fn text(&mut self) -> std::sync::Arc<str> {
        match self.any() {
            Value::Str(s) => s,
            _ => "".into(),
        }
    }
}
