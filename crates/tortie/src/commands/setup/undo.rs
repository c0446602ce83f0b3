//! `tortie setup undo`: takes back what the journal says, and leaves what somebody else changed since.

use super::session::{Session, failed, look};
use super::{Ended, UNFINISHED, consent, make::screen_ink};
use crate::commands::doctor::kube_flags::{KubeFlags, PrometheusFlags};
use clap::Args;
use tortie_calico::render::ink::Mark;
use tortie_calico::setup::journal;
use tortie_calico::setup::standing::standing;
use tortie_calico::setup::undo::undo;
use tortie_calico::setup::unread;

/// Takes back what setup wrote
#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// Does not ask
    #[arg(short, long)]
    yes: bool,
    /// Shows what would be taken back, and writes nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    kube: KubeFlags,
    #[command(flatten)]
    screen: crate::commands::doctor::screen::Screen,
}

impl Undo {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(super) fn run(self) -> Result<u8, Ended> {
        let nothing = PrometheusFlags { no_prometheus: true, ..PrometheusFlags::default() };
        let snap = look(&self.kube, &nothing)?;
        let journal = journal::of_snapshot(&snap).map_err(|e| (UNFINISHED, e))?;
        let missing = unread(&snap);
        let (Some(journal), Some(namespace)) = (journal, journal::namespace_in(&snap)) else {
            // A journal that was not read is none that is not there.
            if let Some(text) = missing {
                return Err((UNFINISHED, text));
            }
            println!("nothing to undo: setup wrote nothing in this cluster");
            return Ok(0);
        };
        let ink = screen_ink(&self.screen);
        println!(
            "{}",
            [snap.identity.context.as_str(), &snap.identity.server, &snap.identity.uid].join(ink.dot())
        );
        for one in standing(&journal, &snap).iter().rev() {
            match &missing {
                None => println!(" - {}: {}", one.what, one.how),
                Some(_) => println!(" - {}", one.what),
            }
        }
        if let Some(text) = &missing {
            eprintln!("{text}");
        }
        if self.dry_run {
            return Ok(1);
        }
        let session = Session::open(&self.kube)?;
        if !consent::given(
            self.yes,
            session.identity.contexts,
            self.kube.context.is_some(),
            "Take all of this back?",
        )? {
            return Ok(1);
        }
        let uid = &snap.identity.uid;
        let undone = session
            .wait(undo(&session.writer, &namespace, uid, &session.making(uid)))
            .map_err(failed)?
            .unwrap_or_default();
        for one in &undone {
            println!(
                "{} {}: {}",
                ink.mark(if one.back { Mark::Good } else { Mark::Look }),
                one.what,
                one.how
            );
        }
        Ok(u8::from(undone.iter().any(|u| !u.back)))
    }
}
