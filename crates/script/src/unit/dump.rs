//! What promtool's `--debug` says: when a test begins and ends, and all samples that stand there at its end.

use super::texts::labels_text;
use tortie_model::gofloat::format_f;
use tortie_promql::eval::{FloatHistogram, Series};

/// All samples of all series, floats before histograms.
pub(super) fn matrix_text(series: &[Series]) -> String {
    series.iter().map(series_text).collect::<Vec<_>>().join("\n")
}

fn series_text(series: &Series) -> String {
    let c = &series.columns;
    let floats = c.t.iter().zip(&c.v).map(|(t, v)| format!("{} @[{t}]", format_f(*v)));
    let histograms = c.histograms.iter().flat_map(FloatHistogram::from_run);
    let all = floats.chain(histograms.map(|(t, h)| format!("{h} @[{t}]")));
    format!("{} =>\n{}", labels_text(series.labels.iter()), all.collect::<Vec<_>>().join("\n"))
}

/// How long something took, as Go prints a duration.
pub(super) fn took(ns: u64) -> String {
    let (unit, digits, name) = match ns {
        0 => return "0s".to_owned(),
        1..=999 => return format!("{ns}ns"),
        1_000..=999_999 => (1_000, 3, "µs"),
        1_000_000..=999_999_999 => (1_000_000, 6, "ms"),
        _ => (1_000_000_000, 9, "s"),
    };
    let minutes = if unit == 1_000_000_000 && ns >= 60 * unit { ns / unit / 60 } else { 0 };
    let rest = ns - minutes * 60 * 1_000_000_000;
    let fraction = format!("{:0digits$}", rest % unit);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let before = if minutes == 0 {
        String::new()
    } else if minutes < 60 {
        format!("{minutes}m")
    } else {
        format!("{}h{}m", minutes / 60, minutes % 60)
    };
    format!("{before}{}{point}{fraction}{name}", rest / unit)
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_read_as_in_go() {
        for (ns, text) in [
            (0, "0s"),
            (15, "15ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (1_234_567, "1.234567ms"),
            (61_500_000_000, "1m1.5s"),
            (3_601_000_000_000, "1h0m1s"),
        ] {
            assert_eq!(super::took(ns), text);
        }
    }
}
