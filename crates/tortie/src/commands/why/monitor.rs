//! `tortie why NAMESPACE/NAME`: what becomes of a monitor of any application: whether a Prometheus selects it, whether the
//! operator takes it, and where the candidates for its targets fall out. Nothing needs to run in the cluster but its API server.

use crate::server::crds::accepts;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tortie_calico::render::ink::{Ink, Mark};
use tortie_calico::render::wrap::prose;
use tortie_cluster::ConnectOptions;
use tortie_config::Config;
use tortie_discovery::crds::follow::State;
use tortie_discovery::crds::{Cause, FollowOptions, Follower, Identity, job};
use tortie_discovery::kubernetes::Server;
use tortie_discovery::{Job, Manager};
use tortie_host::{Clock, RealFs, SystemClock};
use tortie_scrape::PoolConfig;
use tortie_scrape::target::populate;

/// Longest wait for the lists that the candidates come from.
const LISTS: Duration = Duration::from_secs(20);
/// Lists count as taken in when nothing changed for this long.
const CALM: Duration = Duration::from_millis(600);
/// From one look at the lists to the next.
const EVERY: Duration = Duration::from_millis(50);
/// Most targets that are named.
const NAMED: usize = 5;

/// A monitor's name as a command line gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// `None` when only `NAMESPACE/NAME` was said.
    kind: Option<&'static str>,
    /// `namespace/name`.
    key: String,
}

/// Kinds with their plural and short names, as kubectl knows them.
const KINDS: [(&str, &[&str]); 5] = [
    ("ServiceMonitor", &["servicemonitor", "servicemonitors", "smon"]),
    ("PodMonitor", &["podmonitor", "podmonitors", "pmon"]),
    ("Probe", &["probe", "probes", "prb"]),
    ("ScrapeConfig", &["scrapeconfig", "scrapeconfigs", "scfg"]),
    ("PrometheusRule", &["prometheusrule", "prometheusrules", "promrule"]),
];

impl Name {
    /// `[KIND/]NAMESPACE/NAME`; `None` when it is something else.
    pub(super) fn parse(text: &str) -> Option<Name> {
        if text.contains("://") {
            return None;
        }
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|p| p.is_empty()) {
            return None;
        }
        match parts.as_slice() {
            [namespace, name] => Some(Name { kind: None, key: format!("{namespace}/{name}") }),
            [kind, namespace, name] => {
                let word = kind.to_lowercase();
                let word = word.split('.').next().unwrap_or_default();
                let kind = KINDS.iter().find(|(_, words)| words.contains(&word))?.0;
                Some(Name { kind: Some(kind), key: format!("{namespace}/{name}") })
            }
            _ => None,
        }
    }

    fn is(&self, kind: &str, key: &str) -> bool {
        self.key == key && self.kind.is_none_or(|k| k == kind)
    }
}

/// What is known of a job of the monitor.
#[derive(Debug, Default)]
struct Found {
    targets: Vec<String>,
    /// Candidates that are dropped by rules that no condition stands for.
    dropped: usize,
    fell_out: BTreeMap<Cause, usize>,
    /// The lists did not come in time.
    late: bool,
}

/// The screen and whether nothing stands in the way; `None` when the cluster has no monitor of this name.
///
/// # Errors
/// When the cluster cannot be read or it is not clear which Prometheus is meant.
pub(super) fn explain(
    name: &Name,
    connect: ConnectOptions,
    prometheus: Option<String>,
    ink: Ink,
) -> Result<Option<(String, bool)>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let manager = Manager::new(Arc::new(RealFs), Arc::clone(&clock));
        let server = Server::Asked(Box::new(connect));
        let options = FollowOptions { server: server.clone(), prometheus, identity: Identity::default() };
        let follower =
            Follower::start(options, manager.clusters(), accepts(&clock)).await.map_err(|e| e.to_string())?;
        let state = Arc::clone(&follower.state().borrow());
        look(name, &state, &manager, &server, ink).await
    })
}

async fn look(
    name: &Name,
    state: &State,
    manager: &Manager,
    server: &Server,
    ink: Ink,
) -> Result<Option<(String, bool)>, String> {
    let mut page = Page { out: String::new(), fine: true, ink };
    for u in state.unreadable.iter().filter(|u| name.is(u.kind, &u.key)) {
        page.head(u.kind, &u.key);
        page.say(Mark::Bad, &format!("it is not as its definition says: {}", u.reason));
    }
    for u in state.unselected.iter().filter(|u| name.is(u.kind, &u.key)) {
        page.head(u.kind, &u.key);
        page.say(Mark::Bad, "no Prometheus selects it");
        for why in &u.why {
            page.note(why);
        }
    }
    for v in state.verdicts.iter().filter(|v| name.is(v.kind, &v.key)) {
        page.head(v.kind, &v.key);
        page.say(Mark::Good, &format!("Prometheus {} selects it", state.prometheus));
        if let Some(why) = &v.refused {
            page.say(Mark::Bad, &format!("prometheus-operator refuses it: {why}"));
            v.details.iter().for_each(|d| page.snippet(d));
            continue;
        }
        for out in state.refused.iter().filter(|r| r.name.contains(&v.key)) {
            page.say(Mark::Look, &format!("tortie leaves {} out: {}", out.name, out.reason));
        }
        let names: Vec<&str> = state
            .jobs
            .iter()
            .filter(|(_, k, key)| *k == v.kind && *key == v.key)
            .map(|j| j.0.as_str())
            .collect();
        for (job, found) in candidates(state, &names, manager, server).await? {
            page.job(&job, &found);
        }
    }
    Ok((!page.out.is_empty()).then_some((page.out, page.fine)))
}

/// Discovers for the jobs of these names until all lists are here.
async fn candidates(
    state: &State,
    names: &[&str],
    manager: &Manager,
    server: &Server,
) -> Result<Vec<(String, Found)>, String> {
    let config = Config::load(&state.text, "from the cluster").map_err(|d| d.to_string())?;
    let own: Vec<_> = config.scrape_configs.iter().filter(|c| names.contains(&c.job_name.as_str())).collect();
    let jobs: Vec<Job> = own.iter().map(|c| job(c, server)).collect();
    let mut streams = manager.apply(jobs);
    let late = !settle(manager, &mut streams).await;
    let dropped = manager.dropped();
    let mut out = Vec::new();
    for config in own {
        let name = config.job_name.clone();
        let pool = PoolConfig::from_config(config).map_err(|e| e.to_string())?;
        let mut found =
            Found { fell_out: dropped.get(&name).cloned().unwrap_or_default(), late, ..Found::default() };
        let groups = streams.get(&name).map(|s| s.borrow().clone()).unwrap_or_default();
        for group in groups.iter() {
            for target in &group.targets {
                match populate(&pool, &group.labels, target) {
                    Ok(p) if p.labels.is_empty() => found.dropped += 1,
                    Ok(p) => found.targets.push(p.labels.get("instance").unwrap_or_default().to_owned()),
                    Err(_) => found.dropped += 1,
                }
            }
        }
        found.targets.sort();
        out.push((name, found));
    }
    Ok(out)
}

/// Waits until every list has come once and the groups have stopped changing; `false` when that took too long.
async fn settle(
    manager: &Manager,
    streams: &mut std::collections::HashMap<String, tokio::sync::watch::Receiver<tortie_discovery::Groups>>,
) -> bool {
    let end = Instant::now() + LISTS;
    let mut calm = Instant::now() + CALM;
    while Instant::now() < end {
        let changed = streams.values_mut().any(|s| {
            let changed = s.has_changed().unwrap_or(false);
            s.mark_unchanged();
            changed
        });
        if changed || !manager.listed() {
            calm = Instant::now() + CALM;
        }
        if Instant::now() >= calm {
            return true;
        }
        sleep(EVERY).await;
    }
    false
}

/// The screen as it grows.
struct Page {
    out: String,
    fine: bool,
    ink: Ink,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn head(&mut self, kind: &str, key: &str) {
        if !self.out.is_empty() {
            self.line("");
        }
        let text = self.ink.strong(&format!("{kind} {key}"));
        self.line(&text);
    }

    fn say(&mut self, mark: Mark, text: &str) {
        self.fine &= mark != Mark::Bad;
        let head = format!("  {} ", self.ink.mark(mark));
        self.prose(&head, 4, text);
    }

    fn note(&mut self, text: &str) {
        self.prose("      ", 8, text);
    }

    /// Prose behind `head`; its further lines are indented.
    fn prose(&mut self, head: &str, indent: usize, text: &str) {
        for (i, line) in prose(text, self.ink.width.saturating_sub(indent)).iter().enumerate() {
            let line = if i == 0 { format!("{head}{line}") } else { format!("{:indent$}{line}", "") };
            self.line(&line);
        }
    }

    /// Lines of which the columns matter: a snippet with a caret.
    fn snippet(&mut self, text: &str) {
        for line in text.lines() {
            let line = format!("      {line}");
            self.line(&line);
        }
    }

    fn job(&mut self, name: &str, found: &Found) {
        let n = found.targets.len();
        if n > 0 {
            let more = if n > NAMED { format!(" and {} more", n - NAMED) } else { String::new() };
            let named = found.targets.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            self.say(
                Mark::Good,
                &format!("{name}: {n} {}: {named}{more}", if n == 1 { "target" } else { "targets" }),
            );
        } else if found.late {
            self.say(
                Mark::Unknown,
                &format!("{name}: the cluster's lists did not come within {} s", LISTS.as_secs()),
            );
        } else {
            self.say(Mark::Bad, &format!("{name}: no target"));
        }
        let mut causes: Vec<(String, usize)> =
            found.fell_out.iter().map(|(c, n)| (words(*c).to_owned(), *n)).filter(|(_, n)| *n > 0).collect();
        if found.dropped > 0 {
            causes.push(("dropped by its relabelling".to_owned(), found.dropped));
        }
        if causes.is_empty() && n == 0 && !found.late {
            self.note("nothing was found that could be one");
        }
        for (why, n) in causes {
            self.note(&format!("{n} {} {why}", if n == 1 { "candidate" } else { "candidates" }));
        }
    }
}

/// Why a candidate is none of the targets.
fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::Namespace => "in another namespace",
        Cause::Selector => "without the labels that it selects",
        Cause::Port => "with another port",
        Cause::Ended => "of a pod that has ended",
        Cause::Rule => "dropped by a relabelling rule of the monitor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Option<(Option<&'static str>, &str)>) {
        assert_eq!(Name::parse(text), want.map(|(kind, key)| Name { kind, key: key.to_owned() }), "{text}");
    }

    #[test]
    fn names() {
        check("shop/cart", Some((None, "shop/cart")));
        check("smon/shop/cart", Some((Some("ServiceMonitor"), "shop/cart")));
        check("PodMonitors.monitoring.coreos.com/shop/cart", Some((Some("PodMonitor"), "shop/cart")));
        check("deployment/shop/cart", None);
        check("felix_cluster_num_hosts", None);
        check("http://10.0.0.1:9091/metrics", None);
        check("shop/", None);
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let mut page = Page { out: String::new(), fine: true, ink: Ink::plain(40) };
        page.say(Mark::Bad, "no Prometheus of this cluster selects it by its labels");
        page.note("label release is missing, wanted is release=prometheus");
        let want = "  ✘ no Prometheus of this cluster\n    selects it by its labels\n      label release is missing, wanted\n        is release=prometheus\n";
        assert_eq!(page.out, want);
        assert!(page.out.lines().all(|l| l.chars().count() <= 40));
    }

    #[test]
    fn a_job_says_its_targets_and_where_the_others_fell_out() {
        let mut page = Page { out: String::new(), fine: true, ink: Ink::plain(80) };
        let found = Found {
            targets: vec!["10.0.0.1:8080".to_owned()],
            fell_out: [(Cause::Selector, 40), (Cause::Port, 1)].into(),
            ..Found::default()
        };
        page.job("serviceMonitor/shop/cart/0", &found);
        assert!(page.fine);
        page.job("serviceMonitor/shop/cart/1", &Found { dropped: 2, ..Found::default() });
        assert!(!page.fine);
        page.job("serviceMonitor/shop/cart/2", &Found::default());
        let want = "  ✔ serviceMonitor/shop/cart/0: 1 target: 10.0.0.1:8080\n\
                    \u{20}     40 candidates without the labels that it selects\n\
                    \u{20}     1 candidate with another port\n\
                    \u{20} ✘ serviceMonitor/shop/cart/1: no target\n\
                    \u{20}     2 candidates dropped by its relabelling\n\
                    \u{20} ✘ serviceMonitor/shop/cart/2: no target\n\
                    \u{20}     nothing was found that could be one\n";
        assert_eq!(page.out, want);
    }
}
