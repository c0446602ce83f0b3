//! Labels of a new series: those of the body and of the target, relabelled and checked.

use crate::pool_config::PoolConfig;
use tortie_model::labels::METRIC_NAME;
use tortie_model::{Labels, LabelsBuilder, relabel};
use tortie_wire::quote::quote;
use tortie_wire::text::is_legacy_name;

/// Why a series makes the whole scrape fail.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Its labels are not valid.
    Invalid(String),
    /// It is over one of the label limits.
    Limit(String),
}

/// Turns the exposed labels in `lb` into those of the stored series; `None` when relabelling drops it.
pub(super) fn stored_labels(
    lb: &mut LabelsBuilder,
    target: &Labels,
    config: &PoolConfig,
) -> Result<Option<Labels>, Unfit> {
    merge(lb, target, config.honor_labels);
    if !relabel::process(&config.metric_relabel, lb) {
        return Ok(None);
    }
    let labels = lb.labels();
    if labels.is_empty() {
        return Ok(None);
    }
    let Some(name) = labels.get(METRIC_NAME) else {
        return Err(Unfit::Invalid("missing metric name (__name__ label)".into()));
    };
    let scheme = config.name_scheme;
    if !scheme.is_metric_name(name)
        || labels.iter().any(|(n, _)| n != METRIC_NAME && !scheme.is_label_name(n))
    {
        return Err(Unfit::Invalid(format!("invalid metric name or label names: {}", text(&labels))));
    }
    check_limits(&labels, config).map_err(Unfit::Limit)?;
    Ok(Some(labels))
}

/// Target labels win unless `honor`; what they push away gets the prefix `exported_`.
fn merge(lb: &mut LabelsBuilder, target: &Labels, honor: bool) {
    if honor {
        for (n, v) in target {
            if lb.get(n).is_empty() {
                lb.set(n, v);
            }
        }
        return;
    }
    let mut pushed: Vec<(&str, String)> = Vec::new();
    for (n, v) in target {
        let exposed = lb.get(n);
        if !exposed.is_empty() {
            pushed.push((n, exposed.to_owned()));
        }
        lb.set(n, v);
    }
    // Short names first, as in Prometheus: `exported_a` of the target pushes away after `a` did.
    pushed.sort_by_key(|(n, _)| n.len());
    for (n, v) in pushed {
        let mut name = format!("exported_{n}");
        while !lb.get(&name).is_empty() {
            name.insert_str(0, "exported_");
        }
        lb.set(&name, &v);
    }
}

fn check_limits(labels: &Labels, config: &PoolConfig) -> Result<(), String> {
    let metric = cut(labels.metric_name());
    let count = labels.len() as u64;
    if config.label_limit > 0 && count > config.label_limit {
        return Err(format!(
            "label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {})",
            config.label_limit
        ));
    }
    let (names, values) = (config.label_name_length_limit, config.label_value_length_limit);
    if names == 0 && values == 0 {
        return Ok(());
    }
    for (n, v) in labels {
        if names > 0 && n.len() as u64 > names {
            return Err(format!(
                "label_name_length_limit exceeded (metric: {metric}, label name: {}, length: {}, limit: {names})",
                cut(n),
                n.len()
            ));
        }
        if values > 0 && v.len() as u64 > values {
            let (n, quoted) = (cut(n), quote(cut(v).as_bytes()));
            return Err(format!(
                "label_value_length_limit exceeded (metric: {metric}, label name: {n}, value: {quoted}, length: {}, limit: {values})",
                v.len()
            ));
        }
    }
    Ok(())
}

/// The first 50 characters, as Go's `%.50s`.
fn cut(text: &str) -> &str {
    text.char_indices().nth(50).map_or(text, |(i, _)| text.get(..i).unwrap_or(text))
}

fn text(labels: &Labels) -> String {
    let name = |n: &str| if is_legacy_name(n) { n.to_owned() } else { quote(n.as_bytes()) };
    let pairs: Vec<String> =
        labels.iter().map(|(n, v)| format!("{}={}", name(n), quote(v.as_bytes()))).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[track_caller]
    fn check(honor: bool, exposed: &[(&str, &str)], target: &[(&str, &str)], expect: &[(&str, &str)]) {
        let config = PoolConfig { honor_labels: honor, ..PoolConfig::new("j") };
        let got = stored_labels(&mut labels(exposed).builder(), &labels(target), &config);
        assert_eq!(got, Ok(Some(labels(expect))));
    }

    #[test]
    fn conflicts() {
        check(
            true,
            &[("__name__", "m"), ("job", "x")],
            &[("job", "t"), ("instance", "i")],
            &[("__name__", "m"), ("instance", "i"), ("job", "x")],
        );
        check(
            false,
            &[("__name__", "m"), ("job", "x")],
            &[("job", "t")],
            &[("__name__", "m"), ("exported_job", "x"), ("job", "t")],
        );
        check(
            false,
            &[("__name__", "m"), ("a", "1"), ("exported_a", "2")],
            &[("a", "t"), ("exported_a", "u")],
            &[
                ("__name__", "m"),
                ("a", "t"),
                ("exported_a", "u"),
                ("exported_exported_a", "1"),
                ("exported_exported_exported_a", "2"),
            ],
        );
    }

    #[track_caller]
    fn refused(config: &PoolConfig, exposed: &[(&str, &str)], expect: Unfit) {
        assert_eq!(
            stored_labels(&mut labels(exposed).builder(), &labels(&[("job", "j")]), config),
            Err(expect)
        );
    }

    #[test]
    fn limits_are_those_of_prometheus() {
        let base = || PoolConfig::new("j");
        let exposed = [("__name__", "m"), ("abcdef", "ghijklm")];
        refused(
            &PoolConfig { label_limit: 2, ..base() },
            &exposed,
            Unfit::Limit("label_limit exceeded (metric: m, number of labels: 3, limit: 2)".into()),
        );
        refused(
            &PoolConfig { label_name_length_limit: 8, ..base() },
            &[("__name__", "m"), ("abcdefghi", "x")],
            Unfit::Limit(
                "label_name_length_limit exceeded (metric: m, label name: abcdefghi, length: 9, limit: 8)"
                    .into(),
            ),
        );
        refused(
            &PoolConfig { label_value_length_limit: 6, ..base() },
            &exposed,
            Unfit::Limit("label_value_length_limit exceeded (metric: m, label name: abcdef, value: \"ghijklm\", length: 7, limit: 6)".into()),
        );
    }
}
