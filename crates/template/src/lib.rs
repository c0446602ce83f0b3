//! Go's text templates as Prometheus uses them: labels and annotations of alerts.
//!
//! An own engine, because what is compared is the text that Go writes, to the letter and in errors too: types of Go's
//! values decide what a function takes and how a value prints. Everything that an author can make large has a bound
//! ([`Limits`]), and every failure is a value with a position.
//!
//! Strings are UTF-8 here; where Go keeps stray bytes (`slice` within a character, `"\xff"`) U+FFFD stands for each.

mod alert;
mod error;
mod exec;
mod functions;
mod gofmt;
mod letters;
mod limits;
mod needs;
mod parse;
mod query;
mod value;

pub use alert::{Data, Text, annotation, check, check_plain, expand, worded};
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use needs::Needs;
pub use query::{NoQuery, Query};
pub use value::{Histogram, Member, Method, MethodBody, Object, Sample, Struct, Type, Value, ValueMap};
