//! Both servers as whole programs with `kubernetes_sd_configs`, in one real cluster.

mod crds;
mod targets;
