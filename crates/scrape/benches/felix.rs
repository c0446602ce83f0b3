//! A body of the shape of a Felix: 280 samples.

/// Counters, gauges, summaries and `go_*` in the proportions of Felix.
pub(crate) fn body(seed: u64) -> String {
    let mut out = String::new();
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        x >> 33
    };
    for i in 0..60 {
        out.push_str(&format!("# HELP felix_counter_{i}_total Number of things that happened of kind {i}.\n# TYPE felix_counter_{i}_total counter\n"));
        out.push_str(&format!("felix_counter_{i}_total {}\n", next() % 10_000));
    }
    for i in 0..12 {
        out.push_str(&format!(
            "# HELP felix_summary_{i}_seconds Time spent.\n# TYPE felix_summary_{i}_seconds summary\n"
        ));
        for q in ["0.5", "0.9", "0.99"] {
            let v = if next() % 3 == 0 { "NaN".to_owned() } else { format!("{:.9}", next() as f64 / 1e10) };
            out.push_str(&format!("felix_summary_{i}_seconds{{quantile=\"{q}\"}} {v}\n"));
        }
        out.push_str(&format!(
            "felix_summary_{i}_seconds_sum {}\nfelix_summary_{i}_seconds_count {}\n",
            next() as f64 / 1e6,
            next() % 1000
        ));
    }
    for i in 0..130 {
        out.push_str(&format!(
            "felix_iptables_rules{{ip_version=\"4\",table=\"filter\",chain=\"cali-{i}\"}} {}\n",
            next() % 100
        ));
    }
    for i in 0..30 {
        out.push_str(&format!("go_memstats_{i}_bytes {:e}\n", (next() % 1_000_000) as f64 * 64.0));
    }
    out
}
