//! `tortie why NAMESPACE/NAME`: what becomes of a monitor of any application: whether a Prometheus selects it, whether the
//! operator takes it, and where the candidates for its targets fall out. The same for rules and AlertmanagerConfigs. Nothing needs to run in the cluster but its API server.

use crate::server::crds::accepts;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tortie_calico::render::ink::{Ink, Mark};
use tortie_calico::render::wrap::prose;
use tortie_client::Reach;
use tortie_cluster::ConnectOptions;
use tortie_cluster::watch::MissingRight;
use tortie_config::Config;
use tortie_discovery::crds::follow::{State, missing_rights};
use tortie_discovery::crds::{Cause, ConfigSeen, FollowOptions, Follower, Identity, job};
use tortie_discovery::kubernetes::{Server, WatchStatus};
use tortie_discovery::{Job, Manager};
use tortie_host::{Clock, RealFs, SystemClock};
use tortie_scrape::PoolConfig;
use tortie_scrape::target::populate;

/// Longest wait for the lists that the candidates come from.
const LISTS: Duration = Duration::from_secs(20);
/// Lists count as taken in when nothing changed for this long.
const CALM: Duration = Duration::from_millis(600);
/// How long the other lists are waited for once one was refused, so that all missing rights are told together.
const REFUSED: Duration = Duration::from_secs(1);
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
const KINDS: [(&str, &[&str]); 6] = [
    ("ServiceMonitor", &["servicemonitor", "servicemonitors", "smon"]),
    ("PodMonitor", &["podmonitor", "podmonitors", "pmon"]),
    ("Probe", &["probe", "probes", "prb"]),
    ("ScrapeConfig", &["scrapeconfig", "scrapeconfigs", "scfg"]),
    ("PrometheusRule", &["prometheusrule", "prometheusrules", "promrule"]),
    ("AlertmanagerConfig", &["alertmanagerconfig", "alertmanagerconfigs", "amcfg"]),
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
    /// What it was made of.
    lists: Lists,
}

/// How the lists came that the candidates are taken from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Lists {
    /// All of them.
    #[default]
    Here,
    /// Not in time.
    Late,
    /// These may not be read.
    Refused(Vec<MissingRight>),
}

/// The screen and the exit code; `None` when the cluster has no monitor of this name.
///
/// # Errors
/// When the cluster cannot be read or it is not clear which Prometheus is meant.
pub(super) fn explain(
    name: &Name,
    connect: ConnectOptions,
    prometheus: Option<String>,
    ink: Ink,
) -> Result<Option<(String, u8)>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let reach = Arc::new(Reach::outside(Vec::new()));
        let manager = Manager::new(Arc::new(RealFs), Arc::clone(&clock)).within(Some(reach));
        let server = Server::Asked(Box::new(connect));
        let options = FollowOptions { server: server.clone(), prometheus, identity: Identity::default() };
        let follower =
            Follower::start(options, manager.clusters(), accepts(&clock)).await.map_err(|e| e.to_string())?;
        let state = Arc::clone(&follower.state().borrow());
        let screen = look(name, &state, &manager, &server, ink).await?;
        Ok(screen.or_else(|| unread(name, &follower, ink)))
    })
}

/// What is said of a name that nothing is found of, when not all kinds may be read.
fn unread(name: &Name, follower: &Follower, ink: Ink) -> Option<(String, u8)> {
    // Without the lists of the other kinds it does not begin.
    let of_shown = |r: &MissingRight| r.resource.starts_with("alertmanager");
    let rights: Vec<MissingRight> =
        follower.watches().into_iter().filter_map(|s| s.health.missing_right).filter(of_shown).collect();
    let could_be = name.kind.is_none_or(|k| k == "AlertmanagerConfig");
    (could_be && !rights.is_empty()).then(|| {
        let mut page = Page::new(ink);
        page.head(name.kind.unwrap_or("AlertmanagerConfig"), &name.key);
        page.say(
            Mark::Unknown,
            "whether there is one is not known, for the cluster does not let itself be read:",
        );
        page.snippet(&missing_rights(&rights));
        let exit = page.exit();
        (page.out, exit)
    })
}

async fn look(
    name: &Name,
    state: &State,
    manager: &Manager,
    server: &Server,
    ink: Ink,
) -> Result<Option<(String, u8)>, String> {
    let mut page = Page::new(ink);
    // Watches of the custom resources: what their jobs look at comes after them.
    let of_objects: Vec<WatchStatus> = manager.clusters().status();
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
            page.refused(why, v.unavailable);
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
        for (job, found) in candidates(state, &names, manager, server, &of_objects).await? {
            page.job(&job, &found);
        }
    }
    for c in state.alertmanager_configs.iter().filter(|c| name.is("AlertmanagerConfig", &c.key)) {
        page.config(c);
    }
    let exit = page.exit();
    Ok((!page.out.is_empty()).then_some((page.out, exit)))
}

/// Discovers for the jobs of these names until all lists are here.
async fn candidates(
    state: &State,
    names: &[&str],
    manager: &Manager,
    server: &Server,
    of_objects: &[WatchStatus],
) -> Result<Vec<(String, Found)>, String> {
    let config = Config::load(&state.text, "from the cluster").map_err(|d| d.to_string())?;
    let own: Vec<_> = config.scrape_configs.iter().filter(|c| names.contains(&c.job_name.as_str())).collect();
    let jobs: Vec<Job> = own.iter().map(|c| job(c, server)).collect();
    let mut streams = manager.apply(jobs);
    let lists = settle(manager, &mut streams, of_objects).await;
    let dropped = manager.dropped();
    let mut out = Vec::new();
    for config in own {
        let name = config.job_name.clone();
        let pool = PoolConfig::from_config(config).map_err(|e| e.to_string())?;
        // Who looks for nothing at the API server needs no lists.
        let lists = if config.kubernetes_sd_configs.is_empty() { Lists::Here } else { lists.clone() };
        let fell_out = dropped.get(&name).cloned().unwrap_or_default();
        let mut found = Found { fell_out, lists, ..Found::default() };
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

/// Waits until every list has come once and the groups have stopped changing. A list that may not be read is not waited for.
async fn settle(
    manager: &Manager,
    streams: &mut std::collections::HashMap<String, tokio::sync::watch::Receiver<tortie_discovery::Groups>>,
    of_objects: &[WatchStatus],
) -> Lists {
    let end = Instant::now() + LISTS;
    let mut calm = Instant::now() + CALM;
    let mut refused = None;
    while Instant::now() < end {
        let changed = streams.values_mut().any(|s| {
            let changed = s.has_changed().unwrap_or(false);
            s.mark_unchanged();
            changed
        });
        let listed = manager.listed();
        if changed || !listed {
            calm = Instant::now() + CALM;
        }
        if Instant::now() >= calm {
            return Lists::Here;
        }
        let missing = if listed { Vec::new() } else { missing(manager, of_objects) };
        let rights: Vec<MissingRight> =
            missing.iter().filter_map(|s| s.health.missing_right.clone()).collect();
        if !rights.is_empty() {
            let since = *refused.get_or_insert_with(Instant::now);
            if rights.len() == missing.len() || since.elapsed() >= REFUSED {
                return Lists::Refused(rights);
            }
        }
        sleep(EVERY).await;
    }
    Lists::Late
}

/// Watches of the jobs of which no list has come yet.
fn missing(manager: &Manager, of_objects: &[WatchStatus]) -> Vec<WatchStatus> {
    let of_jobs = |s: &WatchStatus| of_objects.iter().all(|o| o.selection != s.selection);
    manager.clusters().status().into_iter().filter(|s| of_jobs(s) && !s.health.synced).collect()
}

/// The screen as it grows.
struct Page {
    out: String,
    fine: bool,
    /// Something could not be found out.
    unknown: bool,
    ink: Ink,
}

impl Page {
    fn new(ink: Ink) -> Page {
        Page { out: String::new(), fine: true, unknown: false, ink }
    }

    /// 1 when something stands in the way, 3 when that could not be found out.
    fn exit(&self) -> u8 {
        match (self.fine, self.unknown) {
            (false, _) => 1,
            (true, true) => 3,
            (true, false) => 0,
        }
    }

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
        self.unknown |= mark == Mark::Unknown;
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

    /// What the operator, or this program, has against an object.
    fn refused(&mut self, why: &str, unavailable: bool) {
        let (mark, text) = match unavailable {
            true => (Mark::Unknown, format!("whether prometheus-operator takes it is not known: {why}")),
            false => (Mark::Bad, format!("prometheus-operator refuses it: {why}")),
        };
        let mut lines = text.lines();
        self.say(mark, lines.next().unwrap_or_default());
        lines.for_each(|l| self.note(l));
    }

    fn config(&mut self, seen: &ConfigSeen) {
        self.head("AlertmanagerConfig", &seen.key);
        if seen.selected.is_empty() {
            self.say(Mark::Bad, "no Alertmanager selects it");
        }
        for taken in &seen.selected {
            self.say(Mark::Good, &format!("Alertmanager {} selects it", taken.by));
            if let Some(why) = &taken.refused {
                self.refused(why, taken.unavailable);
            }
        }
        if let Some(why) = &seen.refused {
            self.refused(why, false);
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
        } else if let Lists::Refused(rights) = &found.lists {
            self.say(
                Mark::Unknown,
                &format!("{name}: its targets are not known, for the cluster does not let itself be read:"),
            );
            self.snippet(&missing_rights(rights));
        } else if found.lists == Lists::Late {
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
        if causes.is_empty() && n == 0 && found.lists == Lists::Here {
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
        let mut page = Page::new(Ink::plain(40));
        page.say(Mark::Bad, "no Prometheus of this cluster selects it by its labels");
        page.note("label release is missing, wanted is release=prometheus");
        let want = "  ✘ no Prometheus of this cluster\n    selects it by its labels\n      label release is missing, wanted\n        is release=prometheus\n";
        assert_eq!(page.out, want);
        assert!(page.out.lines().all(|l| l.chars().count() <= 40));
    }

    #[test]
    fn a_job_says_its_targets_and_where_the_others_fell_out() {
        let mut page = Page::new(Ink::plain(80));
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
