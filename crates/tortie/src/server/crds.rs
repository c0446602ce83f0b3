//! `run --from-crds`: the configuration is what one Prometheus object of a cluster amounts to, and follows it. While the
//! operator's own pods for that object are ready this server only looks on.

use super::alerts;
use super::assembly::StartError;
use super::cluster_source::ClusterSource;
use super::events::{self, Targets};
use super::options::ServerOptions;
use super::running::Running;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::task::AbortHandle;
use tortie_cluster::Cluster;
use tortie_config::Config;
use tortie_discovery::crds::follow::{Accepts, Flags, State};
use tortie_discovery::crds::{FollowOptions, Follower, Identity, Verdict};
use tortie_discovery::kubernetes::{Clusters, Server};
use tortie_host::limits::hostname;
use tortie_host::{Clock, Fs, RealFs};
use tortie_model::duration;
use tortie_scrape::PoolConfig;

/// What `--from-crds` and its companions say.
#[derive(Debug, Clone)]
pub(crate) struct FromCrds {
    /// `namespace/name`; the only one when it is not given.
    pub(crate) prometheus: Option<String>,
    /// The cluster; that of the own pod when it is not given.
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) take_over: TakeOver,
    /// Whether Events are written for monitors and rules with trouble.
    pub(crate) emit_events: bool,
    /// Whether monitors may name targets on this machine and at link-local addresses.
    pub(crate) allow_local_targets: bool,
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
    cluster: Arc<ClusterSource>,
    take_over: TakeOver,
    /// Of the Events that are written.
    pub(super) events: events::Counts,
    tasks: Vec<AbortHandle>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Chooses the object and makes its first configuration.
pub(crate) async fn begin(
    from: &FromCrds,
    clock: &Arc<dyn Clock>,
) -> Result<(Follower, Arc<ClusterSource>), StartError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let identity = Identity {
        pod: variable("POD_NAME").unwrap_or_else(hostname),
        shard: variable("SHARD").and_then(|s| s.parse().ok()),
        zone: variable("TOPOLOGY_ZONE").unwrap_or_default(),
    };
    let options = FollowOptions { server: from.server(), prometheus: from.prometheus.clone(), identity };
    let clusters = Clusters::new(Arc::new(RealFs), Arc::clone(clock));
    let follower = Follower::start(options, &clusters, accepts(clock))
        .await
        .map_err(|e| StartError::Usage(format!("--from-crds: {e}")))?;
    let state = Arc::clone(&follower.state().borrow());
    if from.take_over == TakeOver::Alone && state.ready_beside {
        let name = &state.prometheus;
        if let Some(why) = &state.beside_unknown {
            return Err(StartError::Usage(format!(
                "--take-over: whether pods of Prometheus {name} are ready is not known: {why}\nhint: tortie rbac run | kubectl apply -f -, or say --take-over=beside to send in any case"
            )));
        }
        return Err(StartError::Usage(format!(
            "--take-over: pods of Prometheus {name} are ready, so alerts would be sent twice\nhint: scale it to 0, or say --take-over=beside"
        )));
    }
    let silent = !from.take_over.sends(state.ready_beside);
    let cluster = ClusterSource::new(from.server(), &state, silent);
    Ok((follower, cluster))
}

/// What monitors' targets may reach: not this machine, unless that is wanted.
pub(crate) fn reach(
    options: &ServerOptions,
    listeners: &[std::net::SocketAddr],
) -> Option<Arc<tortie_client::Reach>> {
    let from = options.from_crds.as_ref().filter(|f| !f.allow_local_targets);
    from.map(|_| {
        Arc::new(tortie_client::Reach::outside(listeners.iter().map(std::net::SocketAddr::port).collect()))
    })
}

/// Whether this program can do what a configuration says.
pub(crate) fn accepts(clock: &Arc<dyn Clock>) -> Accepts {
    let (fs, clock): (Arc<dyn Fs>, _) = (Arc::new(RealFs), Arc::clone(clock));
    Arc::new(move |text| {
        let config = Config::load(text, "from the cluster").map_err(|d| d.to_string())?;
        alerts::settings(&config, &fs, &clock)?;
        config
            .scrape_configs
            .iter()
            .try_for_each(|c| PoolConfig::from_config(c).map(drop).map_err(|e| e.to_string()))
    })
}

/// Feature flags that the Prometheus object may turn on.
const FEATURES: [&str; 4] = [
    "promql-experimental-functions",
    "promql-binop-fill-modifiers",
    "promql-delayed-name-removal",
    "concurrent-rule-eval",
];

/// The options with what the Prometheus object says of flags, where the command line left the default.
pub(crate) fn with_flags(mut options: ServerOptions, follower: &Follower) -> ServerOptions {
    let flags = follower.state().borrow().flags.clone();
    let usual = tortie_rules::Options::default();
    let alert = &flags.alert;
    for (value, default, text) in [
        (&mut options.alert_resend_delay_ms, usual.resend_delay_ms, &alert.resend_delay),
        (&mut options.alert_outage_tolerance_ms, usual.outage_tolerance_ms, &alert.for_outage_tolerance),
        (&mut options.alert_grace_period_ms, usual.for_grace_period_ms, &alert.for_grace_period),
    ] {
        if let (true, Ok(ms)) = (*value == default, duration::parse(text)) {
            *value = ms;
        }
    }
    let mine = flags.features.iter().filter(|f| FEATURES.contains(&f.as_str()));
    let new: Vec<String> = mine.filter(|f| !options.features.contains(f)).cloned().collect();
    options.features.extend(new);
    options
}

/// Follows from now on: each change is loaded, and said.
pub(crate) fn keep(running: &Arc<Running>, follower: Follower, cluster: Arc<ClusterSource>, from: &FromCrds) {
    let take_over = from.take_over;
    let mut states = follower.state();
    let first = Arc::clone(&states.borrow_and_update());
    let flags = first.flags.clone();
    say(running, &first, None, take_over);
    let (weak, source) = (Arc::downgrade(running), Arc::clone(&cluster));
    let task = tokio::spawn(async move {
        let mut last = first;
        while states.changed().await.is_ok() {
            let state = Arc::clone(&states.borrow_and_update());
            let Some(running) = weak.upgrade() else { return };
            say(&running, &state, Some(&last), take_over);
            say_flags(&running, &state, &flags);
            if source.replace(&state, !take_over.sends(state.ready_beside))
                && let Some(reloader) = running.reloader.get()
            {
                // It says itself what is wrong; the old configuration stays then.
                let _ = reloader.reload(&running.clock).await;
            }
            last = state;
        }
    });
    let mut tasks = vec![task.abort_handle()];
    if from.emit_events {
        tasks.push(tokio::spawn(events::tell(Arc::downgrade(running))).abort_handle());
    }
    let _ = running.crds.set(Following {
        follower,
        cluster,
        take_over,
        events: events::Counts::default(),
        tasks,
    });
}

/// What the object says of flags counts from the start on.
fn say_flags(running: &Running, state: &State, begun: &Flags) {
    let text = (state.flags != *begun).then(|| {
        format!(
            "Flags of Prometheus {} changed (rules.alert, enableFeatures): they count from the next start on",
            state.prometheus
        )
    });
    running.notice(text, "Flags of Prometheus");
}

/// Log, notice and whether alerts go out.
fn say(running: &Running, state: &State, last: Option<&State>, take_over: TakeOver) {
    running.told.silent.store(!take_over.sends(state.ready_beside), Ordering::Relaxed);
    let observing = observing(state, take_over);
    let sent = last.is_some_and(|l| take_over.sends(l.ready_beside));
    if last.is_none_or(|l| self::observing(l, take_over) != observing) {
        match &observing {
            // Nobody is to be paged twice, and whoever reads the log at night is to see why it is quiet here.
            Some(text) if sent => tracing::warn!(
                component = "crds",
                "{text}: its pods are ready again, so nothing is sent from here any more; sent again when they are gone (to send in any case: --take-over=beside)"
            ),
            Some(text) => tracing::info!(
                component = "crds",
                "{text}: scraping, storing and evaluating, sending nothing"
            ),
            None => tracing::info!(component = "crds", prometheus = %state.prometheus, "alerts are sent"),
        }
        running.notice(observing, "observing");
    }
    let twice = twice(state, take_over);
    if last.is_none_or(|l| self::twice(l, take_over) != twice) {
        if let Some(text) = &twice {
            tracing::warn!(component = "crds", "{text}");
        }
        running.notice(twice, "sending beside");
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
            let details = v.details.as_deref().unwrap_or("");
            let reason = reason(v);
            tracing::warn!(component = "crds", kind = v.kind, object = %v.key, reason, err = %e, details, "skipping object");
        }
    }
    for c in &state.alertmanager_configs {
        let known = last.is_some_and(|l| l.alertmanager_configs.contains(c));
        if let Some((e, unknown)) = c.why().filter(|_| !known) {
            let reason = if unknown { "CredentialsUnavailable" } else { "InvalidConfiguration" };
            tracing::warn!(component = "crds", kind = "AlertmanagerConfig", object = %c.key, reason, err = %e, "not taken by its Alertmanager");
        }
    }
    for r in &state.refused {
        if !last.is_some_and(|l| l.refused.contains(r)) {
            tracing::warn!(component = "crds", name = %r.name, err = %r.reason, "left out");
        }
    }
}

/// Why an object is left out, in a word: the operator's, or ours when it is not its fault.
fn reason(v: &Verdict) -> &'static str {
    if v.unavailable { "CredentialsUnavailable" } else { "InvalidConfiguration" }
}

/// What two send at the same time.
fn twice(state: &State, take_over: TakeOver) -> Option<String> {
    (state.ready_beside && take_over.sends(true)).then(|| {
        let to = match state.alertmanagers.as_slice() {
            [] => "nobody, the Prometheus object names no Alertmanager".to_owned(),
            all => all.join(", "),
        };
        let writes = match state.refused.iter().any(|r| r.name == "remoteWrite") {
            true => "; samples do not: its remoteWrite is not done here",
            false => "",
        };
        format!("sending beside {}: alerts go out twice, to {to}{writes}", state.prometheus)
    })
}

fn observing(state: &State, take_over: TakeOver) -> Option<String> {
    let silent = !take_over.sends(state.ready_beside);
    silent.then(|| match (state.ready_beside, &state.beside_unknown) {
        (true, Some(why)) => format!(
            "observing beside {}, whose pods count as ready because that is not known ({why})",
            state.prometheus
        ),
        (true, None) => format!("observing beside {}", state.prometheus),
        (false, _) => format!("observing for {} (say --take-over to send alerts)", state.prometheus),
    })
}

impl Following {
    /// The watches of the custom resources.
    pub(crate) fn watches(&self) -> Vec<tortie_discovery::kubernetes::WatchStatus> {
        self.follower.watches()
    }

    /// The answer of `/api/tortie/v1/status`.
    pub(crate) fn status(&self) -> Value {
        let states = self.follower.state();
        let s = states.borrow();
        json!({
            "prometheus": s.prometheus,
            "readyBeside": s.ready_beside,
            "sends": self.take_over.sends(s.ready_beside),
            "observing": observing(&s, self.take_over),
            "sentTwice": twice(&s, self.take_over),
            "wrong": s.wrong,
        })
    }

    /// What is known now.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.follower.state().borrow())
    }

    /// The cluster that is followed.
    pub(super) async fn cluster(&self) -> Result<Cluster, String> {
        self.follower.cluster().await
    }

    /// Targets of each job by its pool's name: active ones, and why candidates are none.
    fn jobs(&self, running: &Running) -> BTreeMap<String, Targets> {
        let dropped = running.reloader.get().map(|r| r.dropped()).unwrap_or_default();
        let mut active = BTreeMap::<String, usize>::new();
        for target in running.scrape.get().map(|m| m.targets()).unwrap_or_default() {
            *active.entry(target.pool.to_string()).or_default() += 1;
        }
        let state = self.state();
        let one = |(name, kind, key): &(String, &'static str, String)| {
            let fell_out = dropped.get(name).into_iter().flatten();
            let fell_out = fell_out.map(|(cause, n)| (cause.as_str().to_owned(), *n)).collect();
            let targets = active.get(name).copied().unwrap_or(0);
            (name.clone(), Targets { kind, key: key.clone(), targets, fell_out })
        };
        state.jobs.iter().map(one).collect()
    }

    /// The same for each object, all its jobs together: by `KIND NAMESPACE/NAME`.
    pub(super) fn targets(&self, running: &Running) -> BTreeMap<String, Targets> {
        let mut out = BTreeMap::<String, Targets>::new();
        for job in self.jobs(running).into_values().filter(|j| !j.kind.is_empty()) {
            let object = out.entry(format!("{} {}", job.kind, job.key)).or_default();
            (object.kind, object.key) = (job.kind, job.key);
            object.targets += job.targets;
            for (cause, n) in job.fell_out {
                *object.fell_out.entry(cause).or_default() += n;
            }
        }
        out
    }

    /// The answer of `/api/tortie/v1/monitors`: who was accepted and refused, whom nobody selects, and where the candidates
    /// of each job fell out.
    pub(crate) fn monitors(&self, running: &Running) -> Value {
        let s = self.state();
        let of_jobs = self.jobs(running);
        let jobs = s.jobs.iter().map(|(name, kind, key)| {
            let job = of_jobs.get(name).cloned().unwrap_or_default();
            json!({"pool": name, "kind": kind, "object": key, "targets": job.targets, "fellOut": job.fell_out})
        });
        let verdicts = s.verdicts.iter().map(|v| {
            let reason = v.refused.as_ref().map(|_| reason(v));
            json!({"kind": v.kind, "object": v.key, "accepted": v.refused.is_none(), "reason": reason, "message": v.refused, "details": v.details})
        });
        let left_out = s.refused.iter().cloned().chain(self.cluster.left_out());
        let configs = s.alertmanager_configs.iter().map(|c| {
            // What could not be looked at is neither accepted nor refused.
            let by = c.selected.iter().map(|t| {
                let accepted = (!t.unavailable).then_some(t.refused.is_none());
                json!({"alertmanager": t.by, "accepted": accepted, "message": t.refused})
            });
            let selected_by: Vec<&str> = c.selected.iter().map(|t| t.by.as_str()).collect();
            json!({
                "object": c.key,
                "selectedBy": selected_by,
                "accepted": c.accepted(),
                "message": c.why().map(|(why, _)| why),
                "byAlertmanager": by.collect::<Vec<_>>(),
            })
        });
        json!({
            "objects": verdicts.collect::<Vec<_>>(),
            "jobs": jobs.collect::<Vec<_>>(),
            "ruleFiles": s.rules.iter().map(|r| json!({"object": r.key, "file": r.path})).collect::<Vec<_>>(),
            "leftOut": left_out.map(|r| json!({"name": r.name, "reason": r.reason})).collect::<Vec<_>>(),
            "unselected": s.unselected.iter().map(|u| json!({"kind": u.kind, "object": u.key, "why": u.why})).collect::<Vec<_>>(),
            "alertmanagerConfigs": configs.collect::<Vec<_>>(),
            "unreadable": s.unreadable.iter().map(|u| json!({"kind": u.kind, "object": u.key, "message": u.reason})).collect::<Vec<_>>(),
        })
    }
}
