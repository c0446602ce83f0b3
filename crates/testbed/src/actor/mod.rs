//! An actor in the part of Tigera's operator, for versions of Calico whose operator cannot be run here.
//!
//! It does what matters to metrics as that version does: makes calico-system from the Installation, sets back what
//! somebody changed on its objects, keeps foreign labels and annotations, takes Service `calico-typha-metrics` over and
//! renames its port (from 3.28), brings the policies of 3.32. Compared with recordings of the real ones in the tests.

mod desired;
mod merge;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Api, Refused, path_of};
use crate::bed::Bed;
use crate::installs::{Version, kube_controllers_configuration, patch};
use crate::watch::Follower;

/// Field manager of the operator.
pub(crate) const MANAGER: &str = "operator";

/// Looked at again after this time even if nobody told of a change.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// The running actor. Dropping it stops it; its objects stay.
#[derive(Debug)]
pub struct Actor {
    shared: Arc<Shared>,
    _follower: Follower,
}

#[derive(Debug)]
struct Shared {
    api: Api,
    version: Version,
    nodes: usize,
}

impl Actor {
    /// Takes the part of the operator of Calico `version` on `bed`. Its custom resources must be there.
    pub fn start(bed: &Bed, version: Version) -> Actor {
        let shared = Arc::new(Shared { api: bed.api().clone(), version, nodes: bed.nodes().len() });
        let watch = bed.watch(&[
            "/apis/operator.tigera.io/v1/installations",
            "/apis/apps/v1/namespaces/calico-system/deployments",
            "/apis/apps/v1/namespaces/calico-system/daemonsets",
            "/api/v1/namespaces/calico-system/services",
            "/apis/apps/v1/namespaces/tigera-operator/deployments",
            "/apis/crd.projectcalico.org/v1/kubecontrollersconfigurations",
            "/apis/projectcalico.org/v3/kubecontrollersconfigurations",
        ]);
        let own = shared.clone();
        let follower = Follower::start(watch, AT_LEAST_EVERY, move || {
            // Somebody else's write in between, or a kind that is not there yet.
            let _ = own.reconcile();
        });
        Actor { shared, _follower: follower }
    }

    /// Reconciles once, now.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn reconcile(&self) -> anyhow::Result<()> {
        self.shared.reconcile()
    }
}

impl Shared {
    fn reconcile(&self) -> anyhow::Result<()> {
        if self.scaled_to_nothing()? {
            return Ok(());
        }
        let Some(installation) = self.installation()? else { return Ok(()) };
        let group = match self.api.find("/apis/projectcalico.org/v3/kubecontrollersconfigurations")? {
            Some(_) => "projectcalico.org/v3",
            None => "crd.projectcalico.org/v1",
        };
        let controllers = self.configurations(group)?;
        let input = desired::Input {
            version: self.version,
            nodes: self.nodes,
            installation: &installation,
            controllers: &controllers,
            group,
        };
        for wanted in desired::objects(&input) {
            self.keep(&wanted)?;
        }
        if desired::controllers_port(&controllers).is_none() {
            let path = "/api/v1/namespaces/calico-system/services/calico-kube-controllers-metrics";
            if self.api.find(path)?.is_some() {
                self.api.delete(path)?;
            }
        }
        self.report(&installation)
    }

    /// An operator without a pod does nothing.
    fn scaled_to_nothing(&self) -> anyhow::Result<bool> {
        let own = self.api.find("/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator")?;
        Ok(own.is_some_and(|d| d["spec"]["replicas"] == 0))
    }

    fn installation(&self) -> anyhow::Result<Option<Value>> {
        let path = "/apis/operator.tigera.io/v1/installations/default";
        let Some(mut found) = self.api.find(path)? else { return Ok(None) };
        if found["spec"]["variant"].is_null() {
            found["spec"]["variant"] = json!("Calico");
            found["spec"]["controlPlaneReplicas"] = json!(2);
            found["metadata"]["finalizers"] =
                json!(["operator.tigera.io/installation-controller", "tigera.io/operator-cleanup"]);
            found = self.api.update(&found, MANAGER)?;
        }
        Ok(Some(found))
    }

    /// Both configurations: Felix' is the operator's to make, kube-controllers makes its own.
    fn configurations(&self, group: &str) -> anyhow::Result<Value> {
        let felix = format!("/apis/{group}/felixconfigurations/default");
        if self.api.find(&felix)?.is_none() {
            self.api.create(&desired::felix(self.version, group), MANAGER)?;
        }
        let own = format!("/apis/{group}/kubecontrollersconfigurations/default");
        match self.api.find(&own)? {
            Some(found) => Ok(found),
            None => self.api.create(&kube_controllers_configuration(group), "kube-controllers"),
        }
    }

    /// Makes an object, or sets it back.
    fn keep(&self, wanted: &Value) -> anyhow::Result<()> {
        match self.api.find(&path_of(wanted)?)? {
            None => match self.api.create(wanted, MANAGER) {
                // A kind that this cluster does not have, such as a tier's without its API.
                Err(e) if e.downcast_ref::<Refused>().is_some_and(|r| r.status == 404) => Ok(()),
                other => other.map(drop),
            },
            Some(current) => match merge::merged(&current, wanted) {
                Some(changed) => self.api.update(&changed, MANAGER).map(drop),
                None => Ok(()),
            },
        }
    }

    /// Says in the statuses that all is well.
    fn report(&self, installation: &Value) -> anyhow::Result<()> {
        if installation["status"]["calicoVersion"] == patch(self.version).as_str() {
            return Ok(());
        }
        let at = "2026-01-01T00:00:00Z";
        let condition = |kind: &str, status: &str| {
            json!({ "type": kind, "status": status, "reason": "AllObjectsAvailable", "message": "All Objects Available",
                "lastTransitionTime": at, "observedGeneration": installation["metadata"]["generation"] })
        };
        let mut reported = installation.clone();
        reported["status"] = json!({
            "calicoVersion": patch(self.version), "variant": "Calico", "mtu": 1460, "computed": installation["spec"],
            "conditions": [condition("Progressing", "False"), condition("Degraded", "False"), condition("Ready", "True")],
        });
        self.api.update_status(&reported, MANAGER)?;
        let mut status = json!({
            "apiVersion": "operator.tigera.io/v1", "kind": "TigeraStatus", "metadata": { "name": "calico" }, "spec": {},
        });
        if self.api.find(&path_of(&status)?)?.is_none() {
            status = self.api.create(&status, MANAGER)?;
            status["status"] = json!({ "conditions": [
                condition("Progressing", "False"), condition("Degraded", "False"), condition("Available", "True"),
            ] });
            self.api.update_status(&status, MANAGER)?;
        }
        Ok(())
    }
}
