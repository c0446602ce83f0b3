//! Sizes as Prometheus writes them: `512MB`, `1GiB500MiB`, powers of two whether there is an `i` or not.

const UNITS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];

/// The bytes of a text such as `15MB`; `0` needs no unit.
///
/// # Errors
/// When it is no size, in the words of Prometheus' library.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let invalid = || format!("units: invalid {text}");
    if text == "0" {
        return Ok(0);
    }
    let mut rest = text;
    let (mut total, mut with_i, mut without_i) = (0.0, false, false);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let units = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(units);
        let value: f64 = number.parse().map_err(|_| invalid())?;
        let power = UNITS
            .iter()
            .position(|u| unit.strip_prefix(u).is_some_and(|s| (s == "iB" && !u.is_empty()) || s == "B"));
        let Some(power) = power else { return Err(format!("units: unknown unit {unit} in {text}")) };
        // One text may not mix the two spellings.
        with_i |= unit.ends_with("iB");
        without_i |= power > 0 && !unit.ends_with("iB");
        total += value * 1024f64.powi(power as i32);
        rest = after;
    }
    if text.is_empty() || (with_i && without_i) || total >= 9.2e18 {
        return Err(invalid());
    }
    Ok(total as u64)
}

/// The text of a size, from the largest unit down: `1GiB500MiB`.
pub(crate) fn format(bytes: u64) -> String {
    let mut parts = Vec::new();
    let mut left = bytes;
    for (i, unit) in UNITS.iter().enumerate() {
        let here = left % 1024;
        if here != 0 || (i == 0 && left == 0) {
            parts.push(format!("{here}{unit}{}", if i == 0 { "B" } else { "iB" }));
        }
        left /= 1024;
        if left == 0 {
            break;
        }
    }
    parts.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, bytes, canonical) in [
            ("0", 0, "0B"),
            ("1B", 1, "1B"),
            ("1KB", 1024, "1KiB"),
            ("15MiB", 15 << 20, "15MiB"),
            ("1.5GB", 3 << 29, "1GiB512MiB"),
            ("1GiB1KiB", (1 << 30) + 1024, "1GiB1KiB"),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
            assert_eq!(format(bytes), canonical);
        }
        assert_eq!(parse("15"), Err("units: unknown unit  in 15".into()));
        assert_eq!(parse("1kB"), Err("units: unknown unit kB in 1kB".into()));
        assert_eq!(parse(""), Err("units: invalid ".into()));
        assert_eq!(parse("1.2.3MB"), Err("units: invalid 1.2.3MB".into()));
    }
}
