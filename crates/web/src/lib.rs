//! Prometheus' HTTP API and the UI.
