//! Prometheus' test scripts: the runner behind tortie test promql.
