//! What tortie knows of Calico: components, ports, dashboards.

pub mod dashboards;
