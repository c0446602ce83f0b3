//! Both servers as whole programs with `kubernetes_sd_configs`, in one real cluster.

mod counted;
mod crds;
mod deployed;
mod foreign;
mod rules_of_objects;
mod take_over;
mod targets;
mod why;

use std::path::PathBuf;
use tortie_testbed::{Bed, FaultyProxy};

/// A kubeconfig of whoever has a token, whose way to the API server goes through a proxy.
fn through(bed: &Bed, name: &str, token: &str, proxy: &FaultyProxy) -> PathBuf {
    let file = bed.kubeconfig_with(name, token).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("https://10.99.0.1:6443", &format!("http://{}", proxy.address()));
    let lines = text.lines().filter(|l| !l.contains("certificate-authority"));
    std::fs::write(&file, lines.map(|l| format!("{l}\n")).collect::<String>()).unwrap();
    file
}

/// The administrator's token.
fn admin_token(bed: &Bed) -> String {
    let tokens = std::fs::read_to_string(bed.folder().join("tokens.csv")).unwrap();
    let line = tokens.lines().find(|l| l.contains(",admin,")).unwrap();
    line.split(',').next().unwrap().to_owned()
}
