//! What tortie knows of Calico: components, ports, dashboards.
