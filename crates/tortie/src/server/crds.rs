//! `run --from-crds`: the configuration is what one Prometheus object of a cluster amounts to, and follows it. While the
//! operator's own pods for that object are ready this server only looks on.

use super::assembly::StartError;
use super::reload::Text;
use super::running::Running;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::task::AbortHandle;
use tortie_config::Config;
use tortie_discovery::crds::follow::{Accepts, State};
use tortie_discovery::crds::{FollowOptions, Follower, Identity};
use tortie_discovery::kubernetes::{Clusters, Server};
use tortie_host::limits::hostname;
use tortie_host::{Clock, RealFs};
use tortie_scrape::PoolConfig;

/// What `--from-crds` and its companions say.
#[derive(Debug, Clone)]
pub(crate) struct FromCrds {
    /// `namespace/name`; the only one when it is not given.
    pub(crate) prometheus: Option<String>,
    /// The cluster; that of the own pod when it is not given.
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) take_over: TakeOver,
}

/// Whether alerts are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakeOver {
    /// Never.
    No,
    /// While no pod of the operator's is ready.
    Alone,
    /// Always: what both send is sent twice.
    Beside,
}

impl TakeOver {
    fn sends(self, ready_beside: bool) -> bool {
        match self {
            TakeOver::No => false,
            TakeOver::Alone => !ready_beside,
            TakeOver::Beside => true,
        }
    }
}

impl FromCrds {
    pub(crate) fn server(&self) -> Server {
        self.kubeconfig.clone().map_or(Server::Pod, Server::Kubeconfig)
    }
}

/// A Prometheus object that the server follows.
pub(crate) struct Following {
    follower: Follower,
    take_over: TakeOver,
    task: AbortHandle,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Chooses the object and makes its first configuration.
pub(crate) async fn begin(from: &FromCrds, clock: &Arc<dyn Clock>) -> Result<(Follower, Text), StartError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let identity = Identity {
        pod: variable("POD_NAME").unwrap_or_else(hostname),
        shard: variable("SHARD").and_then(|s| s.parse().ok()),
        zone: variable("TOPOLOGY_ZONE").unwrap_or_default(),
    };
    let options = FollowOptions { server: from.server(), prometheus: from.prometheus.clone(), identity };
    let clusters = Clusters::new(Arc::new(RealFs), Arc::clone(clock));
    let follower = Follower::start(options, &clusters, accepts())
        .await
        .map_err(|e| StartError::Usage(format!("--from-crds: {e}")))?;
    let state = Arc::clone(&follower.state().borrow());
    if from.take_over == TakeOver::Alone && state.ready_beside {
        let name = &state.prometheus;
        return Err(StartError::Usage(format!(
            "--take-over: pods of Prometheus {name} are ready, so alerts would be sent twice\nhint: scale it to 0, or say --take-over=beside"
        )));
    }
    Ok((follower, Text::new(state.text.clone())))
}

/// Whether this program can do what a configuration says.
fn accepts() -> Accepts {
    Arc::new(|text| {
        let config = Config::load(text, "from the cluster").map_err(|d| d.to_string())?;
        config
            .scrape_configs
            .iter()
            .try_for_each(|c| PoolConfig::from_config(c).map(drop).map_err(|e| e.to_string()))
    })
}

/// Follows from now on: each change is loaded, and said.
pub(crate) fn keep(running: &Arc<Running>, follower: Follower, text: Text, take_over: TakeOver) {
    let mut states = follower.state();
    let first = Arc::clone(&states.borrow_and_update());
    say(running, &first, None, take_over);
    let weak = Arc::downgrade(running);
    let task = tokio::spawn(async move {
        let mut last = first;
        while states.changed().await.is_ok() {
            let state = Arc::clone(&states.borrow_and_update());
            let Some(running) = weak.upgrade() else { return };
            say(&running, &state, Some(&last), take_over);
            if text.replace(state.text.clone())
                && let Some(reloader) = running.reloader.get()
            {
                // It says itself what is wrong; the old configuration stays then.
                let _ = reloader.reload(&running.clock).await;
            }
            last = state;
        }
    });
    let _ = running.crds.set(Following { follower, take_over, task: task.abort_handle() });
}

/// Log, notice and whether alerts go out.
fn say(running: &Running, state: &State, last: Option<&State>, take_over: TakeOver) {
    running.told.silent.store(!take_over.sends(state.ready_beside), Ordering::Relaxed);
    let observing = observing(state, take_over);
    if last.is_none_or(|l| self::observing(l, take_over) != observing) {
        match &observing {
            Some(text) => tracing::info!(
                component = "crds",
                "{text}: scraping, storing and evaluating, sending nothing"
            ),
            None => tracing::info!(component = "crds", prometheus = %state.prometheus, "alerts are sent"),
        }
        running.notice(observing, "observing");
    }
    let wrong = state.wrong.as_ref();
    if last.is_none_or(|l| l.wrong.as_ref() != wrong) {
        if let Some(e) = wrong {
            tracing::error!(component = "crds", prometheus = %state.prometheus, err = %e, "The Prometheus object is wrong; the old configuration stays");
        }
        running
            .notice(wrong.map(|e| format!("Prometheus {} is wrong: {e}", state.prometheus)), "Prometheus ");
    }
    for v in &state.verdicts {
        let known = last.is_some_and(|l| l.verdicts.contains(v));
        if let Some(e) = v.refused.as_ref().filter(|_| !known) {
            tracing::warn!(component = "crds", kind = v.kind, object = %v.key, reason = "InvalidConfiguration", err = %e, "skipping object");
        }
    }
    for r in &state.refused {
        if !last.is_some_and(|l| l.refused.contains(r)) {
            tracing::warn!(component = "crds", name = %r.name, err = %r.reason, "left out");
        }
    }
}

fn observing(state: &State, take_over: TakeOver) -> Option<String> {
    let silent = !take_over.sends(state.ready_beside);
    silent.then(|| match state.ready_beside {
        true => format!("observing beside {}", state.prometheus),
        false => format!("observing for {} (say --take-over to send alerts)", state.prometheus),
    })
}

impl Following {
    /// The answer of `/api/tortie/v1/status`.
    pub(crate) fn status(&self) -> Value {
        let states = self.follower.state();
        let s = states.borrow();
        json!({
            "prometheus": s.prometheus,
            "readyBeside": s.ready_beside,
            "sends": self.take_over.sends(s.ready_beside),
            "observing": observing(&s, self.take_over),
            "wrong": s.wrong,
        })
    }

    /// The answer of `/api/tortie/v1/monitors`: who was accepted and refused, whom nobody selects, and where the candidates
    /// of each job fell out.
    pub(crate) fn monitors(&self, running: &Running) -> Value {
        let states = self.follower.state();
        let s = states.borrow();
        let dropped = running.reloader.get().map(|r| r.dropped()).unwrap_or_default();
        let mut active = std::collections::BTreeMap::<String, usize>::new();
        for target in running.scrape.get().map(|m| m.targets()).unwrap_or_default() {
            *active.entry(target.pool.to_string()).or_default() += 1;
        }
        let jobs = s.jobs.iter().map(|(name, kind, key)| {
            let fell_out = dropped.get(name).into_iter().flatten();
            let fell_out: serde_json::Map<String, Value> =
                fell_out.map(|(cause, n)| (cause.as_str().to_owned(), json!(n))).collect();
            let targets = active.get(name).copied().unwrap_or(0);
            json!({"pool": name, "kind": kind, "object": key, "targets": targets, "fellOut": fell_out})
        });
        let verdicts = s.verdicts.iter().map(|v| {
            let reason = v.refused.as_ref().map(|_| "InvalidConfiguration");
            json!({"kind": v.kind, "object": v.key, "accepted": v.refused.is_none(), "reason": reason, "message": v.refused})
        });
        json!({
            "objects": verdicts.collect::<Vec<_>>(),
            "jobs": jobs.collect::<Vec<_>>(),
            "leftOut": s.refused.iter().map(|r| json!({"name": r.name, "reason": r.reason})).collect::<Vec<_>>(),
            "unselected": s.unselected.iter().map(|(kind, key)| json!({"kind": kind, "object": key})).collect::<Vec<_>>(),
            "unreadable": s.unreadable.iter().map(|u| json!({"kind": u.kind, "object": u.key, "message": u.reason})).collect::<Vec<_>>(),
        })
    }
}
