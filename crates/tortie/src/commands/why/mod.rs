//! `tortie why`: one symptom, explained backwards.

mod monitor;

use super::doctor::screen::Screen;
use super::look::{Look, unreached};
use clap::Args;
use std::process::ExitCode;
use tortie_calico::doctor::checks::ALL;
use tortie_calico::doctor::engine::judge;
use tortie_calico::facts::Facts;
use tortie_calico::render;
use tortie_calico::why::{causes, subject};

/// Explains why something is missing: a metric, panel, dashboard, alert, rule, target, component or monitor
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie why typha_cache_size\n  tortie why FelixDown -f bundle.tar.gz\n  tortie why servicemonitor/shop/cart\n\n\
Exit: 0 nothing stands in its way, 1 something does, 2 usage or a name that means nothing, 3 the API server could not be reached, or does not let itself be read"
)]
pub(crate) struct Why {
    /// Name of a metric, panel, dashboard, alert, rule or component; pod, address or URL of a target; [KIND/]NAMESPACE/NAME of a monitor
    thing: String,
    /// Judges a monitor as this Prometheus object sees it; the only one when it is not given
    #[arg(long, value_name = "NS/NAME")]
    prometheus: Option<String>,
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    screen: Screen,
}

impl Why {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("tortie why: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn run(self) -> Result<u8, String> {
        if let Some(name) = monitor::Name::parse(&self.thing).filter(|_| self.look.files.is_empty()) {
            let (connect, prometheus) = (self.look.kube.options()?, self.prometheus.clone());
            let screen = monitor::explain(&name, connect, prometheus, self.screen.ink())?;
            let (text, exit) = screen.ok_or_else(|| {
                format!(
                    "the cluster has no monitor {} (hint: kubectl get smon,pmon,probe,scfg,promrule,amcfg -A)",
                    self.thing
                )
            })?;
            print!("{text}");
            return Ok(exit);
        }
        let snap = self.look.snapshot()?;
        if let Some(reason) = unreached(&snap) {
            eprintln!("tortie why: {reason}");
            return Ok(3);
        }
        let facts = Facts::of(&snap);
        let subject = subject(&facts, &self.thing)?;
        let report = judge(ALL, &facts);
        print!("{}", render::why(&subject, &report, self.screen.ink()));
        Ok(u8::from(!causes(&subject, &report).is_empty()))
    }
}
