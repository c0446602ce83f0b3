//! `tortie explain`: the page of a check.

use clap::Args;
use std::process::ExitCode;
use tortie_calico::doctor::checks::{find, page};

/// Explains a check: what it looks at, why the link breaks silently, how it is mended
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tortie explain T507\n  tortie explain port-not-on-service")]
pub(crate) struct Explain {
    /// Id or slug of a check; `tortie doctor --list` lists them
    check: String,
}

impl Explain {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let Some(check) = find(&self.check) else {
            eprintln!("tortie explain: no check is called {:?} (hint: tortie doctor --list)", self.check);
            return ExitCode::from(super::EXIT_USAGE);
        };
        println!("{} {} ({}, at worst {})\n", check.id, check.slug, check.title, check.level);
        println!("{}", page(check));
        if !check.needs.is_empty() {
            println!("\nStands behind: {}", check.needs.join(", "));
        }
        ExitCode::SUCCESS
    }
}
