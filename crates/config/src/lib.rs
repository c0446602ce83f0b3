//! Prometheus' configuration, strict and with positions.
