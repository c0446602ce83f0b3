//! A process that restarts while setup looks a second time: what is away for a moment is waited for, and no failure.

use super::stage::Stage;
use std::cell::RefCell;
use std::time::Duration;
use tortie_sim::Component::Typha;
use tortie_testbed::{Fault, Where, until};

pub(super) fn check(stage: &Stage) {
    let before = stage.dump();
    let fleet = &stage.cluster.fleet;
    // Nobody listens before setup.
    let a_typha = || {
        let node = fleet.listening().into_iter().find(|l| l.component == Typha).map(|l| l.node);
        Where::Node(Typha, node.unwrap())
    };
    let down = RefCell::new(None);
    let pool = "serviceMonitor/monitoring/tortie-typha/0";
    let flags =
        ["setup", "-y", "--context", "bed", "--no-dashboards", "--wait", "90s", "--second-look", "10s"];
    let told = stage.tortie_watched(&flags, 0, |line| {
        if line.starts_with("looking again") {
            let (all, at) = (stage.up()[pool], a_typha());
            stage.cluster.bed.wait("the fault", |_| fleet.inject(at.clone(), Fault::Down).map(Some)).unwrap();
            let fewer = || Ok((stage.up().get(pool).copied().unwrap_or(0) < all).then_some(()));
            until("one Typha less", Duration::from_secs(9), fewer).unwrap();
            down.replace(Some(at));
        }
        if line.starts_with("  not now: ") {
            let at = down.take().unwrap();
            stage.cluster.bed.wait("the fault gone", |_| fleet.heal(&at).map(Some)).unwrap();
        }
    });
    let waits = "targets of Typha are up: ";
    assert!(told.contains("  not now: 1 of 2 ") && told.contains(waits), "{told}");
    assert!(told.contains("it is back\n") && !told.contains("it did not stay"), "{told}");
    stage.tortie_ends(&["setup", "undo", "-y"], 0);
    stage.becomes(&before);
}
