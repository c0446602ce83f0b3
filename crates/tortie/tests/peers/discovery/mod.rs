//! Both servers as whole programs with `kubernetes_sd_configs`, in one real cluster.

mod counted;
mod crds;
mod deployed;
mod rules_of_objects;
mod take_over;
mod targets;
mod why;
