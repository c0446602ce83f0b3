//! Functions that read native histograms alone: none are stored, so they give nothing.

use super::Oddity;
use tortie_promql::ast::Expr;

/// Functions that pass over floats, and what says the same of a classic histogram `x`.
const FUNCTIONS: &[(&str, &str)] = &[
    ("histogram_avg", "x_sum / x_count"),
    ("histogram_count", "x_count"),
    ("histogram_stddev", ""),
    ("histogram_stdvar", ""),
    ("histogram_sum", "x_sum"),
];

/// Calls that give nothing.
pub(super) fn unread(expr: &Expr) -> Vec<Oddity> {
    let mut found = Vec::new();
    expr.walk(&mut |e| {
        let Expr::Call(c) = e else { return };
        let Some((name, instead)) = FUNCTIONS.iter().find(|(name, _)| *name == c.func.name) else { return };
        let hint = match *instead {
            "" => String::new(),
            other => format!(" (hint: of a classic histogram x it is {other})"),
        };
        let text =
            format!("{name} reads native histograms, which are not stored yet: it gives nothing{hint}");
        found.push(Oddity { span: e.span(), text });
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{of, of_file};

    #[test]
    fn functions_of_native_histograms_are_named() {
        let of_native = |expr: &str| -> Vec<String> {
            of(expr).into_iter().filter(|l| l.starts_with("native-histograms")).collect()
        };
        assert_eq!(
            of_native("histogram_count(rate(x[5m])) > 1"),
            [
                "native-histograms 5:12: alert \"A\": histogram_count reads native histograms, which are not stored yet: it gives nothing (hint: of a classic histogram x it is x_count)"
            ]
        );
        assert_eq!(of_native("1 < 2 * histogram_stddev(x) + histogram_avg(y)").len(), 2);
        assert!(
            of_native("histogram_quantile(0.9, rate(x_bucket[5m])) > histogram_fraction(0, 1, y_bucket)")
                .is_empty()
        );
        let recorded = "groups: [{name: g, rules: [{record: r, expr: histogram_sum(x)}]}]";
        assert_eq!(of_file(recorded).len(), 1);
    }
}
