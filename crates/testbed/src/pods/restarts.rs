//! Containers that end: started again at once the first time, later after a pause that the pod's status tells.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Api;

/// Field manager of what is written here.
const MANAGER: &str = "kubelet";

/// Pause before the next start, once a container has ended twice.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a container lives before it counts as well.
const WELL: Duration = Duration::from_secs(3);

/// The ends of one pod's container.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    ends: u32,
    last: Option<Instant>,
    begun: Option<Instant>,
}

impl Restarts {
    /// It was started.
    pub(super) fn start(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// It ended; whether that is a loop by now.
    pub(super) fn end(&mut self) -> bool {
        self.ends += 1;
        self.last = Some(Instant::now());
        self.ends > 1
    }

    /// Whether it may be started now.
    pub(super) fn may_start(&self) -> bool {
        self.ends < 2 || self.last.is_none_or(|l| l.elapsed() > PAUSE)
    }

    /// How often it ended.
    pub(super) fn ends(&self) -> u32 {
        self.ends
    }

    /// Whether it runs long enough.
    pub(super) fn well(&self) -> bool {
        self.begun.is_some_and(|b| b.elapsed() > WELL)
    }
}

/// Says in the pod's status how the container `name` is.
pub(super) fn report(api: &Api, pod: &Value, name: &str, ends: u32, well: bool) -> anyhow::Result<()> {
    let mut pod = pod.clone();
    for container in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
        if container["name"] == name {
            container["ready"] = json!(well);
            container["restartCount"] = json!(ends);
            container["state"] = if well {
                json!({ "running": {} })
            } else {
                json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off restarting failed container" } })
            };
        }
    }
    for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if condition["type"] == "Ready" || condition["type"] == "ContainersReady" {
            condition["status"] = json!(if well { "True" } else { "False" });
        }
    }
    api.update_status(&pod, MANAGER).map(drop)
}

/// Whether the pod's status says that the container waits to be started again.
pub(super) fn waits(pod: &Value, name: &str) -> bool {
    let containers = pod["status"]["containerStatuses"].as_array();
    containers.into_iter().flatten().any(|c| c["name"] == name && !c["state"]["waiting"].is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_end_is_a_loop() {
        let mut restarts = Restarts::default();
        assert!(restarts.may_start() && !restarts.well());
        assert!(!restarts.end() && restarts.may_start());
        assert!(restarts.end() && !restarts.may_start());
        assert_eq!(restarts.ends(), 2);
    }
}
