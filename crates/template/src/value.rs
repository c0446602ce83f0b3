//! Values as a template sees them, with the names that Go's types have in messages.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tortie_model::Labels;

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing at all; prints as `<no value>`.
    Invalid,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`
    Int64(i64),
    /// `uint8`: one byte of a string.
    Byte(u8),
    /// `float64`
    Float(f64),
    /// `complex128`
    Complex(f64, f64),
    /// `string`
    Str(Arc<str>),
    /// `template.HTML`: a text that `safeHtml` vouched for.
    Html(Arc<str>),
    /// `[]string`
    Strings(Arc<[Arc<str>]>),
    /// `map[string]string`
    Labels(Labels),
    /// `map[string]interface {}`
    Map(Arc<ValueMap>),
    /// `template.queryResult`: what a query gave.
    Vector(Arc<[Arc<Sample>]>),
    /// `*template.sample`
    Sample(Arc<Sample>),
    /// `*time.Time`, UTC: nanoseconds since the Unix epoch.
    Time(i64),
    /// `*time.Duration`, nanoseconds.
    Duration(i64),
    /// `time.Month`, 1 to 12.
    Month(i64),
    /// `time.Weekday`, 0 is Sunday.
    Weekday(i64),
    /// A struct with its fields in order.
    Struct(Arc<Struct>),
    /// Something that the caller brings along.
    Object(Arc<dyn Object>),
    /// A nil pointer of the named type.
    Nil(&'static str),
    /// What a field or an element of type `interface {}` holds.
    Any(Box<Value>),
}

/// Values by name, in a map that may hold other maps, but not without end: printing and dropping go down into them.
#[derive(Debug)]
pub struct ValueMap {
    entries: BTreeMap<String, Value>,
    /// How many maps are within each other, this one counted.
    depth: u32,
}

/// Most maps within each other.
const MOST_MAPS: u32 = 32;

impl ValueMap {
    /// A map of these entries; nothing when maps would be more than 32 deep within each other.
    pub fn new(entries: BTreeMap<String, Value>) -> Option<ValueMap> {
        let depth_of = |v: &Value| match v.held() {
            Value::Map(map) => map.depth,
            _ => 0,
        };
        let depth = 1 + entries.values().map(depth_of).max().unwrap_or(0);
        (depth <= MOST_MAPS).then_some(ValueMap { entries, depth })
    }
}

impl std::ops::Deref for ValueMap {
    type Target = BTreeMap<String, Value>;

    fn deref(&self) -> &BTreeMap<String, Value> {
        &self.entries
    }
}

/// One series of a query's answer.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its labels, the metric name among them.
    pub labels: Labels,
    /// A float, or a histogram as an [`Object`].
    pub value: Value,
}

/// A struct.
#[derive(Debug)]
pub struct Struct {
    /// Go's name of its type.
    pub type_name: &'static str,
    /// Names and values; a value of type `interface {}` is wrapped in [`Value::Any`].
    pub fields: Vec<(&'static str, Value)>,
}

/// A value with fields and methods of its own.
pub trait Object: fmt::Debug + Send + Sync {
    /// Go's name of its type, such as `*histogram.FloatHistogram`.
    fn type_name(&self) -> &str;
    /// The field or method of that name.
    fn member(&self, name: &str) -> Option<Member>;
    /// How it prints.
    fn text(&self) -> String;
    /// Whether `if` takes it for true.
    fn is_true(&self) -> bool {
        true
    }
}

/// What a name after a dot stands for.
pub enum Member {
    /// A field's value.
    Field(Value),
    /// Something to be called, with arguments or without.
    Method(Method),
}

/// What a method does with its arguments.
pub type MethodBody = Box<dyn FnOnce(Vec<Value>) -> Result<Value, String>>;

/// A method that is bound to its value.
pub struct Method {
    /// Types of the arguments.
    pub params: &'static [Type],
    /// Type of any number of further ones.
    pub variadic: Option<Type>,
    /// Called with arguments of these types.
    pub run: MethodBody,
}

/// Types of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Anything; what an interface holds is taken out.
    Any,
    /// Anything as it is (`reflect.Value`).
    Reflect,
    /// `string`
    Str,
    /// `int`
    Int,
    /// `[]string`
    Strings,
    /// `template.queryResult`
    Vector,
    /// `*template.sample`
    Sample,
    /// `time.Duration`
    Duration,
}

impl Type {
    /// Go's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Type::Any => "interface {}",
            Type::Reflect => "reflect.Value",
            Type::Str => "string",
            Type::Int => "int",
            Type::Strings => "[]string",
            Type::Vector => "template.queryResult",
            Type::Sample => "*template.sample",
            Type::Duration => "time.Duration",
        }
    }

    /// What `nil` is as this type, if it can be.
    pub(crate) fn nil(self) -> Option<Value> {
        match self {
            Type::Any | Type::Reflect => Some(Value::Invalid),
            Type::Strings => Some(Value::Strings(Arc::new([]))),
            Type::Vector => Some(Value::Vector(Arc::new([]))),
            Type::Sample => Some(Value::Nil("*template.sample")),
            Type::Str | Type::Int | Type::Duration => None,
        }
    }
}

impl Value {
    /// A string.
    pub fn text(s: impl Into<Arc<str>>) -> Value {
        Value::Str(s.into())
    }

    /// Go's name of the type; nothing for [`Value::Invalid`].
    pub(crate) fn type_name(&self) -> &str {
        match self {
            Value::Invalid => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Int64(_) => "int64",
            Value::Byte(_) => "uint8",
            Value::Float(_) => "float64",
            Value::Complex(..) => "complex128",
            Value::Str(_) => "string",
            Value::Html(_) => "template.HTML",
            Value::Strings(_) => "[]string",
            Value::Labels(_) => "map[string]string",
            Value::Map(_) => "map[string]interface {}",
            Value::Vector(_) => "template.queryResult",
            Value::Sample(_) => "*template.sample",
            Value::Time(_) => "*time.Time",
            Value::Duration(_) => "*time.Duration",
            Value::Month(_) => "time.Month",
            Value::Weekday(_) => "time.Weekday",
            Value::Struct(s) => s.type_name,
            Value::Object(o) => o.type_name(),
            Value::Nil(name) => name,
            Value::Any(_) => "interface {}",
        }
    }

    /// What an interface holds, or the value itself.
    pub(crate) fn held(&self) -> &Value {
        match self {
            Value::Any(inner) => inner.held(),
            v => v,
        }
    }

    /// As [`Value::held`], by value.
    pub(crate) fn into_held(self) -> Value {
        match self {
            Value::Any(inner) => inner.into_held(),
            v => v,
        }
    }

    /// Whether `if` takes it for true.
    pub(crate) fn is_true(&self) -> bool {
        match self.held() {
            Value::Invalid | Value::Nil(_) => false,
            Value::Bool(b) => *b,
            Value::Int(i) | Value::Int64(i) | Value::Month(i) | Value::Weekday(i) => *i != 0,
            Value::Byte(b) => *b != 0,
            Value::Float(f) => *f != 0.0,
            Value::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Value::Str(s) | Value::Html(s) => !s.is_empty(),
            Value::Strings(list) => !list.is_empty(),
            Value::Labels(labels) => !labels.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Vector(v) => !v.is_empty(),
            Value::Sample(_) | Value::Time(_) | Value::Duration(_) | Value::Struct(_) => true,
            Value::Object(o) => o.is_true(),
            Value::Any(_) => false,
        }
    }

    /// Whether it may be an argument of that type as it is.
    pub(crate) fn is_of(&self, t: Type) -> bool {
        match t {
            Type::Any | Type::Reflect => true,
            Type::Str => matches!(self, Value::Str(_)),
            Type::Int => matches!(self, Value::Int(_)),
            Type::Strings => matches!(self, Value::Strings(_)),
            Type::Vector => matches!(self, Value::Vector(_)),
            Type::Sample => matches!(self, Value::Sample(_) | Value::Nil("*template.sample")),
            Type::Duration => matches!(self, Value::Duration(_)),
        }
    }
}

/// A native histogram: what templates can do with one is print it.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Observations.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// As Prometheus prints it: `{count:1, sum:2, (0.5,1]:1}`.
    pub text: String,
}

impl Object for Histogram {
    fn type_name(&self) -> &str {
        "*histogram.FloatHistogram"
    }

    fn member(&self, name: &str) -> Option<Member> {
        match name {
            "Count" => Some(Member::Field(Value::Float(self.count))),
            "Sum" => Some(Member::Field(Value::Float(self.sum))),
            _ => None,
        }
    }

    fn text(&self) -> String {
        self.text.clone()
    }
}
