//! Values of any type, and those that hold others.

use super::Printer;
use crate::functions::time;
use crate::value::{Sample, Value};
use std::sync::Arc;

/// What stands for the address of a value, which Go prints and which says nothing.
const ADDRESS: u64 = 0xc0_0000_0000;

impl Printer {
    /// A value by a verb; `depth` counts the values around it.
    pub(super) fn value(&mut self, v: &Value, verb: char, depth: u32) {
        if self.is_full() {
            return;
        }
        if depth == 0 && verb == 'T' {
            let name = v.held().type_name().to_owned();
            return self.pad(&name);
        }
        match v {
            Value::Any(inner) => self.value(inner.held(), verb, depth),
            Value::Sample(sample) if verb != 'p' && depth == 0 => {
                self.out.push('&');
                self.sample(sample, verb, depth + 1);
            }
            v => self.pointee(v, verb, depth),
        }
    }

    /// A value, of pointers what they point to.
    pub(super) fn pointee(&mut self, v: &Value, verb: char, depth: u32) {
        match v {
            Value::Invalid | Value::Nil(_) => match verb {
                'v' => self.pad("<nil>"),
                _ => self.bad_verb(v, verb),
            },
            Value::Bool(b) => match verb {
                't' | 'v' => self.pad(if *b { "true" } else { "false" }),
                _ => self.bad_verb(v, verb),
            },
            Value::Int(i) | Value::Int64(i) => self.integer(v, i128::from(*i), true, verb),
            Value::Byte(b) => self.integer(v, i128::from(*b), false, verb),
            Value::Float(f) => self.float(v, *f, verb),
            Value::Complex(re, im) => self.complex(v, *re, *im, verb),
            Value::Str(s) | Value::Html(s) => self.string(v, s, verb),
            Value::Strings(list) => self.list(v, list.iter().map(|s| Value::Str(s.clone())), verb, depth),
            Value::Labels(labels) => {
                self.map(v, labels.iter().map(|(n, v)| (n.to_owned(), Value::text(v))), verb, depth);
            }
            Value::Map(map) => self.map(v, map.iter().map(|(n, v)| (n.clone(), v.clone())), verb, depth),
            Value::Vector(samples) => {
                self.list(v, samples.iter().map(|s| Value::Sample(s.clone())), verb, depth);
            }
            Value::Sample(_) if depth > 0 => self.address(),
            Value::Sample(sample) => self.sample(sample, verb, depth),
            Value::Struct(s) => {
                let fields = s.fields.iter().map(|(n, v)| (*n, v.clone()));
                self.fields(s.type_name, fields, verb, depth);
            }
            Value::Time(ns) => self.stringer(v, &time::text(*ns), verb),
            Value::Duration(ns) => self.stringer(v, &time::duration_text(*ns), verb),
            Value::Month(n) => self.named(v, time::month_name(*n), *n, verb),
            Value::Weekday(n) => self.named(v, time::weekday_name(*n), *n, verb),
            Value::Object(object) => self.stringer(v, &object.text(), verb),
            Value::Any(inner) => self.value(inner, verb, depth),
        }
    }

    /// A value with a method `String`.
    fn stringer(&mut self, v: &Value, text: &str, verb: char) {
        match verb {
            'v' | 's' | 'x' | 'X' | 'q' if !self.erroring => {
                let sharp_v = std::mem::replace(&mut self.flags.sharp_v, false);
                self.string(v, text, verb);
                self.flags.sharp_v = sharp_v;
            }
            'v' => self.pad(text),
            _ => self.address(),
        }
    }

    /// An integer with a method `String`.
    fn named(&mut self, v: &Value, name: &str, n: i64, verb: char) {
        match verb {
            'v' | 's' | 'q' if !self.erroring => self.string(v, name, verb),
            _ => self.integer(v, i128::from(n), true, verb),
        }
    }

    fn address(&mut self) {
        self.pad(&format!("{ADDRESS:#x}"));
    }

    fn sample(&mut self, sample: &Arc<Sample>, verb: char, depth: u32) {
        let fields = [("Labels", Value::Labels(sample.labels.clone())), ("Value", sample.value.clone())];
        self.fields("template.sample", fields, verb, depth);
    }

    fn fields(
        &mut self,
        type_name: &str,
        fields: impl IntoIterator<Item = (&'static str, Value)>,
        verb: char,
        depth: u32,
    ) {
        if self.flags.sharp_v {
            self.out.push_str(type_name);
        }
        self.out.push('{');
        for (i, (name, value)) in fields.into_iter().enumerate() {
            self.separator(i);
            if self.flags.plus_v || self.flags.sharp_v {
                self.out.push_str(name);
                self.out.push(':');
            }
            self.value(&value, verb, depth + 1);
        }
        self.out.push('}');
    }

    fn list(&mut self, v: &Value, items: impl Iterator<Item = Value>, verb: char, depth: u32) {
        self.open(v, "[");
        for (i, item) in items.enumerate() {
            if self.is_full() {
                return;
            }
            self.separator(i);
            self.value(&item, verb, depth + 1);
        }
        self.out.push(if self.flags.sharp_v { '}' } else { ']' });
    }

    fn map(&mut self, v: &Value, items: impl Iterator<Item = (String, Value)>, verb: char, depth: u32) {
        self.open(v, "map[");
        for (i, (key, item)) in items.enumerate() {
            if self.is_full() {
                return;
            }
            self.separator(i);
            self.value(&Value::text(key), verb, depth + 1);
            self.out.push(':');
            self.value(&item, verb, depth + 1);
        }
        self.out.push(if self.flags.sharp_v { '}' } else { ']' });
    }

    fn open(&mut self, v: &Value, plain: &str) {
        if self.flags.sharp_v {
            let name = v.type_name().to_owned();
            self.out.push_str(&name);
            self.out.push('{');
        } else {
            self.out.push_str(plain);
        }
    }

    fn separator(&mut self, i: usize) {
        if i > 0 {
            self.out.push_str(if self.flags.sharp_v { ", " } else { " " });
        }
    }
}
