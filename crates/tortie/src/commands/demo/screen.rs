//! What the demo prints.

#![allow(clippy::print_stdout, clippy::print_stderr)] // the demo's screen

use super::history::Made;
use indicatif::{ProgressBar, ProgressStyle};
use tortie_model::duration;

/// The bar while the past is made.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn start(history_ms: i64) -> Progress {
        let bar = ProgressBar::new(history_ms.max(0) as u64);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {percent:>3} %  {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(format!(
            "scraping the last {} of the simulated cluster",
            duration::format(history_ms)
        ));
        Progress { bar }
    }

    /// `ms` of the past are made.
    pub(super) fn at(&self, ms: i64) {
        self.bar.set_position(ms.max(0) as u64);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

pub(super) fn ready(url: &str, made: &Made, targets: usize, kubeconfig: &std::path::Path) {
    // The switches look for the demo at its usual address.
    let at = if url == "http://127.0.0.1:9090/" { String::new() } else { format!(" --url {url}") };
    println!("tortie demo: a simulated Calico cluster, {targets} targets, live");
    println!(
        "  past      {} scraped in {:.1} s: {} scrapes, {} samples",
        duration::format(made.history_ms),
        made.seconds,
        made.scrapes,
        made.samples
    );
    println!("  address   {url}");
    println!("  cluster   export KUBECONFIG={}", kubeconfig.display());
    // As it was called, so that the lines can be pasted.
    let me = std::env::args().next().unwrap_or_else(|| "tortie".to_owned());
    println!();
    println!("Things to try");
    println!("  {url:<40} is Calico monitored, and is it well?");
    println!("  {:<40} its Felix dashboard", format!("{url}d/tortie-felix"));
    println!("  break something, look at Targets, mend it:");
    println!("      {me} demo faults{at}");
    println!("      {me} demo break felix-down{at}");
    println!("      {me} demo heal felix-down{at}");
    let demo = if at.is_empty() { "--demo".to_owned() } else { format!("--demo={url}") };
    println!("  break a link of the chain, let the doctor find it, paste its command:");
    println!("      {me} demo break port-name{at}");
    println!("      {me} doctor {demo}");
    println!();
    println!("Ctrl-C ends it.");
}

pub(super) fn ending() {
    eprintln!("ending: the simulated cluster and its data go");
}
