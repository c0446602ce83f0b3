//! Sizes and quantities as Kubernetes writes them.

use serde_json::Value;

/// Bytes of `512MB`, `10MiB`, `1.5GB`: units are powers of 1024, as in the operator's library.
pub(super) fn parse(text: &str) -> Option<u64> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let unit_len = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let power = match unit {
            "" | "B" => 0,
            "KiB" | "KB" => 1,
            "MiB" | "MB" => 2,
            "GiB" | "GB" => 3,
            "TiB" | "TB" => 4,
            "PiB" | "PB" => 5,
            "EiB" | "EB" => 6,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * 1024f64.powi(power);
        rest = after;
    }
    Some(total as u64)
}

/// A quantity such as `1.1`, `500m`, `2Ki` as a number; what is none is 0.
pub(super) fn quantity(v: &Value) -> f64 {
    let text = match v {
        Value::String(s) => s.as_str(),
        other => return other.as_f64().unwrap_or(0.0),
    };
    let units = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("n", 1e-9_f64),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
    ];
    let found = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    match found {
        // Dividing keeps the digits that a factor below 1 would lose.
        Some((number, factor)) if factor < 1.0 => {
            number.parse::<f64>().map_or(0.0, |n| n / (1.0 / factor).round())
        }
        Some((number, factor)) => number.parse::<f64>().map_or(0.0, |n| n * factor),
        None => text.parse().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_quantities() {
        for (text, bytes) in [("10MB", 10 << 20), ("1GiB", 1 << 30), ("512", 512), ("1.5KB", 1536)] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        assert_eq!(parse("1x"), None);
        for (text, number) in [("1.1", 1.1), ("1100m", 1.1), ("2Ki", 2048.0), ("x", 0.0)] {
            assert_eq!(quantity(&Value::from(text)), number, "{text}");
        }
        assert_eq!(quantity(&Value::from(2)), 2.0);
    }
}
