//! `metric@st -1m 0sx3 1m+30sx2`: start timestamps of the samples on the next line, relative to each sample's time.

use tortie_model::duration;

/// The metric and the offsets of such a line; `None` for any other line.
pub(crate) fn split(line: &str) -> Option<(&str, &str)> {
    let (metric, offsets) = line.split_once([' ', '\t'])?;
    Some((metric.strip_suffix("@st")?, offsets))
}

/// The offsets in milliseconds; `None` where a sample has no start timestamp.
pub(crate) fn parse(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut offsets = Vec::new();
    for item in text.split_whitespace() {
        parse_item(item, &mut offsets)
            .map_err(|e| format!("invalid @st sequence: invalid ST item {item:?}: {e}"))?;
    }
    Ok(offsets)
}

fn parse_item(item: &str, offsets: &mut Vec<Option<i64>>) -> Result<(), String> {
    if item == "_" {
        offsets.push(None);
        return Ok(());
    }
    if let Some(count) = item.strip_prefix("_x") {
        offsets.extend((0..repeat(count)?).map(|_| None));
        return Ok(());
    }
    let (start, rest) = offset(item)?;
    let (step, rest) = match rest.bytes().next() {
        Some(b'+' | b'-') => offset(rest)?,
        _ => (0, rest),
    };
    let count = match rest.strip_prefix('x') {
        Some(count) => repeat(count)? + 1,
        None if rest.is_empty() && step == 0 => 1,
        None => return Err("expected 'x<count>' after step duration".to_owned()),
    };
    offsets.extend((0..count as i64).map(|i| Some(start + step * i)));
    Ok(())
}

fn repeat(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n < 1_000_000).ok_or_else(|| "invalid repeat count".to_owned())
}

/// One number with its unit and sign, and what is behind it.
fn offset(text: &str) -> Result<(i64, &str), String> {
    let (negative, text) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let letters = text.bytes().skip(digits).take_while(|b| b.is_ascii_alphabetic() && *b != b'x').count();
    let (number, rest) = text.split_at(digits + letters);
    let ms = duration::parse(number).map_err(|e| e.to_string())?;
    Ok((if negative { -ms } else { ms }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets() {
        fn check(text: &str, expect: &[Option<i64>]) {
            assert_eq!(parse(text).as_deref(), Ok(expect), "{text}");
        }
        check("_ -1m", &[None, Some(-60_000)]);
        check("_x2 0s", &[None, None, Some(0)]);
        check("1sx1", &[Some(1000), Some(1000)]);
        check("-1m+30sx2", &[Some(-60_000), Some(-30_000), Some(0)]);
        check("5ms-1msx1", &[Some(5), Some(4)]);
        for wrong in ["x", "1", "1s+1s", "1sx", "_xa", "1s1s"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
