//! Breaking and mending the running demo from outside.

use crate::server::Server;
use std::sync::Arc;
use tortie_sim::{Fault, Fleet};
use tortie_web::sources::{BoxFuture, Demo};

struct Switches {
    fleet: Arc<Fleet>,
}

/// Makes the fleet's faults reachable through the server.
pub(super) fn install(server: &Server, fleet: Arc<Fleet>) {
    // Set once: a demo has one fleet.
    let _ = server.running.demo.set(Arc::new(Switches { fleet }));
}

impl Demo for Switches {
    fn faults(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let on = self.fleet.faults();
        Fault::all().iter().map(|f| (f.name(), f.summary(), f.seen(), on.contains(f))).collect()
    }

    fn switch<'a>(&'a self, fault: &'a str, on: bool) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let Some(f) = Fault::from_name(fault) else {
                return Err(format!("there is no fault {fault:?}\nhint: `tortie demo faults` lists them"));
            };
            let done = if on { self.fleet.inject(f).await } else { self.fleet.heal(f).await };
            done.map_err(|e| e.to_string())?;
            Ok(if on {
                format!("{}: {}\nyou will see: {}", f.name(), f.summary(), f.seen())
            } else {
                format!("{}: mended", f.name())
            })
        })
    }
}
