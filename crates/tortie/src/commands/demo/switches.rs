//! Breaking and mending the running demo from outside: its processes, and its cluster's objects.

use super::cluster::{CONTEXT, DemoCluster};
use crate::server::Server;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use tortie_sim::catalogue::Mends;
use tortie_sim::{Fault, Fleet};
use tortie_web::sources::{BoxFuture, Demo, DemoFault};

struct Switches {
    fleet: Arc<Fleet>,
    cluster: Arc<DemoCluster>,
    kubeconfig: PathBuf,
    url: String,
}

/// Makes the faults reachable through the server.
pub(super) fn install(server: &Server, fleet: Arc<Fleet>, cluster: Arc<DemoCluster>, kubeconfig: PathBuf) {
    // Set once: a demo has one fleet and one cluster.
    let _ = server.running.demo.set(Arc::new(Switches { fleet, cluster, kubeconfig, url: server.url() }));
}

impl Demo for Switches {
    fn faults(&self) -> Vec<DemoFault> {
        let on = self.fleet.faults();
        let mut all: Vec<DemoFault> = Fault::all()
            .iter()
            .map(|f| DemoFault {
                name: f.name().to_owned(),
                summary: f.summary().to_owned(),
                seen: f.seen().to_owned(),
                on: on.contains(f),
            })
            .collect();
        for (entry, on) in self.cluster.faults() {
            if all.iter().any(|f| f.name == entry.name) {
                continue;
            }
            let mends = match entry.mends {
                Mends::Command => "and prints the command that mends it",
                Mends::Edit => "and names the field to edit",
                Mends::Outside => "and says what to do",
            };
            all.push(DemoFault {
                name: entry.name.to_owned(),
                summary: entry.says.to_owned(),
                seen: format!("the doctor names {} {mends}", entry.check),
                on,
            });
        }
        all
    }

    fn cluster(&self) -> Option<Value> {
        Some(json!({
            "kubeconfig": self.kubeconfig.display().to_string(), "context": CONTEXT, "prometheus": self.url,
            "server": self.cluster.kube.url(), "note": self.cluster.why_no_faults(),
        }))
    }

    fn switch<'a>(&'a self, name: &'a str, on: bool) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let in_fleet = Fault::from_name(name);
            if let Some(f) = in_fleet {
                let done = if on { self.fleet.inject(f).await } else { self.fleet.heal(f).await };
                done.map_err(|e| e.to_string())?;
            }
            let in_cluster = self.cluster.switch(name, on)?;
            if in_fleet.is_none() && !in_cluster {
                let more = self.cluster.why_no_faults().map(|w| format!("; {w}")).unwrap_or_default();
                return Err(format!(
                    "there is no fault {name:?}\nhint: `tortie demo faults` lists them{more}"
                ));
            }
            if !on {
                return Ok(format!("{name}: mended"));
            }
            let fault = self.faults().into_iter().find(|f| f.name == name);
            let (summary, seen) = fault.map(|f| (f.summary, f.seen)).unwrap_or_default();
            let doctor = if in_cluster { "\nask: tortie doctor --demo, or the page Doctor" } else { "" };
            Ok(format!("{name}: {summary}\nyou will see: {seen}{doctor}"))
        })
    }
}
