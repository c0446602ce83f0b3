//! Rules beside the real Prometheus and promtool: verdicts on files, recorded series and alerts.

mod families;
mod fleet;
mod made;
mod odd;
mod restarted;
mod same;
mod speed;
mod storm;
mod together;
mod usage;
mod wrong_files;

use std::path::Path;
use std::process::{Command, Output};

/// Runs promtool in a folder.
fn promtool(dir: &Path, args: &[&str]) -> Output {
    Command::new(crate::process::peer("promtool")).args(args).current_dir(dir).output().unwrap()
}

/// Runs tortie in a folder.
fn tortie(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tortie")).args(args).current_dir(dir).output().unwrap()
}

/// What a program said, for the message of a failed comparison.
fn said(output: &Output) -> String {
    format!(
        "exit {:?}\n{}{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
