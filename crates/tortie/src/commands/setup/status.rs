//! `tortie setup status`: what became of that which setup wrote.

use super::Ended;
use super::session::look_whole;
use super::{UNFINISHED, make::screen_ink};
use crate::commands::doctor::kube_flags::{KubeFlags, PrometheusFlags};
use clap::Args;
use tortie_calico::render::ink::Mark;
use tortie_calico::setup::journal;
use tortie_calico::setup::standing::{Standing, standing};

/// Shows what setup wrote, and who changed it since
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    kube: KubeFlags,
    #[command(flatten)]
    screen: crate::commands::doctor::screen::Screen,
}

impl Status {
    #[allow(clippy::print_stdout)]
    pub(super) fn run(self) -> Result<u8, Ended> {
        let nothing = PrometheusFlags { no_prometheus: true, ..PrometheusFlags::default() };
        let snap = look_whole(&self.kube, &nothing)?;
        let Some(journal) = journal::of_snapshot(&snap).map_err(|e| (UNFINISHED, e))? else {
            println!("setup wrote nothing in this cluster");
            return Ok(0);
        };
        let list = standing(&journal, &snap);
        let ink = screen_ink(&self.screen);
        for one in &list {
            let mark = if one.ours { Mark::Good } else { Mark::Look };
            println!("{} {}: {}", ink.mark(mark), one.what, one.how);
        }
        Ok(u8::from(list.iter().any(drifted)))
    }
}

fn drifted(one: &Standing) -> bool {
    !one.ours
}
