//! Labels of a target: discovered, completed from the configuration, relabelled and checked, as Prometheus'
//! `PopulateLabels`.

use crate::pool_config::PoolConfig;
use tortie_model::{Labels, LabelsBuilder, duration, relabel};

const ADDRESS: &str = "__address__";
pub(super) const INTERVAL: &str = "__scrape_interval__";
pub(super) const TIMEOUT: &str = "__scrape_timeout__";
pub(super) const METRICS_PATH: &str = "__metrics_path__";
pub(super) const SCHEME: &str = "__scheme__";
pub(super) const PARAM_PREFIX: &str = "__param_";
const META_PREFIX: &str = "__meta_";
const INSTANCE: &str = "instance";

/// Labels that Prometheus 3.16 gives every target for its histogram settings; here they are always off.
const HISTOGRAM_SETTINGS: [(&str, &str); 3] = [
    ("__convert_classic_histograms_to_nhcb__", "convert classic histograms to nhcb"),
    ("__always_scrape_classic_histograms__", "always scrape classic histograms"),
    ("__scrape_native_histograms__", "scrape native histograms"),
];

/// What became of a discovered target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Populated {
    /// Labels before relabelling.
    pub discovered: Labels,
    /// Labels after it, reserved ones included; empty when relabelling dropped the target.
    pub labels: Labels,
}

/// Makes the labels of one target of a group.
///
/// # Errors
/// When the relabelled target cannot be scraped; the text is Prometheus'.
pub fn populate(config: &PoolConfig, group: &Labels, target: &Labels) -> Result<Populated, String> {
    let mut lb = target.builder();
    complete(config, group, &mut lb);
    let discovered = lb.labels();
    if !relabel::process(&config.relabel, &mut lb) {
        return Ok(Populated { discovered, labels: Labels::empty() });
    }
    check(&lb)?;
    lb.retain(|n, _| !n.starts_with(META_PREFIX));
    if lb.get(INSTANCE).is_empty() {
        let address = lb.get(ADDRESS).to_owned();
        lb.set(INSTANCE, &address);
    }
    Ok(Populated { discovered, labels: lb.labels() })
}

fn complete(config: &PoolConfig, group: &Labels, lb: &mut LabelsBuilder) {
    let mut default = |name: &str, value: &str| {
        if lb.get(name).is_empty() {
            lb.set(name, value);
        }
    };
    for (n, v) in group {
        default(n, v);
    }
    default("job", &config.job_name);
    default(INTERVAL, &duration::format(config.interval_ms));
    default(TIMEOUT, &duration::format(config.timeout_ms));
    default(METRICS_PATH, &config.metrics_path);
    default(SCHEME, &config.scheme);
    for (name, _) in HISTOGRAM_SETTINGS {
        default(name, "false");
    }
    for (name, values) in &config.params {
        if let Some(first) = values.first() {
            default(&format!("{PARAM_PREFIX}{name}"), first);
        }
    }
}

fn check(lb: &LabelsBuilder) -> Result<(), String> {
    let address = lb.get(ADDRESS);
    if address.is_empty() {
        return Err("no address".into());
    }
    if address.contains('/') {
        return Err(format!("{address:?} is not a valid hostname"));
    }
    let (interval, timeout) = (lb.get(INTERVAL), lb.get(TIMEOUT));
    let interval_ms = duration::parse(interval).map_err(|e| format!("error parsing scrape interval: {e}"))?;
    if interval_ms == 0 {
        return Err("scrape interval cannot be 0".into());
    }
    let timeout_ms = duration::parse(timeout).map_err(|e| format!("error parsing scrape timeout: {e}"))?;
    if timeout_ms == 0 {
        return Err("scrape timeout cannot be 0".into());
    }
    if timeout_ms > interval_ms {
        return Err(format!(
            "scrape timeout cannot be greater than scrape interval ({timeout:?} > {interval:?})"
        ));
    }
    for (name, what) in HISTOGRAM_SETTINGS {
        let v = lb.get(name);
        if !v.is_empty() && !is_go_bool(v) {
            return Err(format!("error parsing {what}: strconv.ParseBool: parsing {v:?}: invalid syntax"));
        }
    }
    Ok(())
}

fn is_go_bool(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_model::relabel::{Action, Rule};

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    fn config() -> PoolConfig {
        PoolConfig { params: vec![("p".into(), vec!["1".into(), "2".into()])], ..PoolConfig::new("j") }
    }

    #[test]
    fn defaults_fill_what_is_not_there() {
        let got = populate(
            &config(),
            &labels(&[("dc", "a"), ("x", "group")]),
            &labels(&[("__address__", "h:1"), ("x", "own"), ("__meta_m", "1")]),
        )
        .unwrap();
        let expect = labels(&[
            ("__address__", "h:1"),
            ("__always_scrape_classic_histograms__", "false"),
            ("__convert_classic_histograms_to_nhcb__", "false"),
            ("__scrape_native_histograms__", "false"),
            ("__metrics_path__", "/metrics"),
            ("__param_p", "1"),
            ("__scheme__", "http"),
            ("__scrape_interval__", "1m"),
            ("__scrape_timeout__", "10s"),
            ("dc", "a"),
            ("instance", "h:1"),
            ("job", "j"),
            ("x", "own"),
        ]);
        assert_eq!(got.labels, expect);
        assert_eq!(got.discovered.get("__meta_m"), Some("1"));
        assert_eq!(got.discovered.get("instance"), None);
    }

    #[track_caller]
    fn refused(target: &[(&str, &str)], reason: &str) {
        assert_eq!(populate(&config(), &Labels::empty(), &labels(target)).unwrap_err(), reason);
    }

    #[test]
    fn reasons_are_those_of_prometheus() {
        refused(&[], "no address");
        refused(&[("__address__", "http://x")], "\"http://x\" is not a valid hostname");
        refused(&[("__address__", "x"), ("__scrape_interval__", "0s")], "scrape interval cannot be 0");
        refused(
            &[("__address__", "x"), ("__scrape_timeout__", "2m")],
            "scrape timeout cannot be greater than scrape interval (\"2m\" > \"1m\")",
        );
    }

    #[test]
    fn dropped_is_not_an_error() {
        let rule = Rule { source_labels: vec!["job".into()], action: Action::Drop, ..Rule::default() };
        let config = PoolConfig { relabel: vec![rule], ..config() };
        let got = populate(&config, &Labels::empty(), &labels(&[("__address__", "x")])).unwrap();
        assert!(got.labels.is_empty());
        assert_eq!(got.discovered.get("job"), Some("j"));
    }
}
