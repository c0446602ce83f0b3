//! `tortie explain`: the page of a check or an alert.

use clap::Args;
use std::process::ExitCode;
use tortie_calico::doctor::checks::{find, page};
use tortie_calico::rules::runbooks;

/// Explains a check (what it looks at, why the link breaks silently, how it is mended) or one of Calico's alerts
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie explain T507\n  tortie explain port-not-on-service\n  tortie explain CalicoFelixDown"
)]
pub(crate) struct Explain {
    /// Id or slug of a check (`tortie doctor --list` lists them), or the name of an alert that tortie brings along
    check: String,
}

impl Explain {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let Some(check) = find(&self.check) else {
            if let Some(page) = runbooks::page(&self.check) {
                print!("{page}");
                return ExitCode::SUCCESS;
            }
            eprintln!(
                "tortie explain: no check or alert is called {:?} (hint: tortie doctor --list)",
                self.check
            );
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
