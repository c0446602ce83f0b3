//! The text exposition format, version 0.0.4 and 1.0.0: a pull parser and a writer.

mod error;
mod lex;
mod parse;
mod series;
mod write;

pub use error::ParseError;
pub use parse::{Entry, Parser, Sample};
pub use series::LabelError;
pub use write::{CONTENT_TYPE, Writer, is_legacy_name};

/// Reads what stands behind the series text of a known line: `value\n`, nothing else.
///
/// Returns the value and the bytes up to and including the newline. `None` for everything less plain (white space, a
/// timestamp, very long numbers): then the whole line goes through [`Parser`]. This is the hot loop of scraping.
#[inline]
pub fn value_to_newline(rest: &[u8]) -> Option<(f64, usize)> {
    let Some((v, used)) = crate::float::parse_short(rest) else { return other_value(rest) };
    match rest.get(used) {
        Some(b'\n') => Some((v, used + 1)),
        _ => other_value(rest),
    }
}

fn other_value(rest: &[u8]) -> Option<(f64, usize)> {
    if rest.starts_with(b"NaN\n") {
        return Some((f64::from_bits(tortie_model::stale::NORMAL_NAN_BITS), 4));
    }
    let end = memchr::memchr3(b'\n', b' ', b'\t', rest)?;
    if rest.get(end) != Some(&b'\n') {
        return None;
    }
    let v = crate::float::parse(rest.get(..end)?).ok()?;
    Some((v, end + 1))
}
