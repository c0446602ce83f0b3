//! Groups that run by themselves, reloads among them.

use crate::rig::{Heard, Rig, alert, record, spec};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tortie_host::{CpuPool, SystemClock};
use tortie_rules::{Environment, GoTemplates, GroupSpec, Manager, Notice, Notify, Options, Settings};
use tortie_script::unit::store::TestStore;

/// Says each notice.
struct Says(mpsc::UnboundedSender<Notice>);

impl Notify for Says {
    fn notify(&self, alerts: Vec<Notice>) {
        for a in alerts {
            let _ = self.0.send(a);
        }
    }
}

fn manager(options: Options) -> (Manager, mpsc::UnboundedReceiver<Notice>) {
    let (tx, rx) = mpsc::unbounded_channel();
    let env = Environment::new(
        Arc::new(TestStore::default()),
        Arc::new(GoTemplates::default()),
        Arc::new(Says(tx)),
        Arc::new(SystemClock::new()),
        Default::default(),
        options,
    );
    (Manager::new(Arc::new(env), CpuPool::start(2, 64)), rx)
}

fn fast(name: &str, rules: Vec<tortie_rules::RuleSpec>) -> GroupSpec {
    GroupSpec { name: name.to_owned(), interval_ms: 40, ..spec(rules) }
}

async fn next(rx: &mut mpsc::UnboundedReceiver<Notice>) -> Notice {
    tokio::time::timeout(Duration::from_secs(20), rx.recv()).await.expect("a notice in time").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_tick_on_their_grid_until_they_are_stopped() {
    for concurrent in [false, true] {
        let (m, mut rx) = manager(Options { resend_delay_ms: 1, concurrent, ..Options::default() });
        let rules = vec![record("a", "vector(1)"), record("b", "a"), alert("On", "vector(1)", 0, 0)];
        m.update(vec![fast("g", rules)], Settings::default()).await;
        assert!(rx.try_recv().is_err(), "nothing before the start");
        m.start();
        let group = m.list().remove(0);
        for _ in 0..4 {
            next(&mut rx).await;
        }
        let errors: Vec<_> = group.rules.iter().filter_map(|r| r.standing().last_error).collect();
        assert!(errors.is_empty(), "{errors:?}");
        m.stop().await;
        let at = group.state().last_timestamp.unwrap();
        assert_eq!(group.grid_before(at), at, "on the grid");
        let evaluated = group.counts.evaluations.load(std::sync::atomic::Ordering::Relaxed);
        // The last tick was cut off after the rule that told of it.
        assert!(evaluated >= 10, "{evaluated}");
        assert!(m.list().is_empty());
    }
}

/// Takes far longer than an interval for each notice.
struct Slow(mpsc::UnboundedSender<Notice>);

impl Notify for Slow {
    fn notify(&self, alerts: Vec<Notice>) {
        std::thread::sleep(Duration::from_millis(130));
        Says(self.0.clone()).notify(alerts);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_an_evaluation_slower_than_its_interval_counts_what_it_missed_and_stays_on_the_grid() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let env = Environment::new(
        Arc::new(TestStore::default()),
        Arc::new(GoTemplates::default()),
        Arc::new(Slow(tx)),
        Arc::new(SystemClock::new()),
        Default::default(),
        Options { resend_delay_ms: 1, ..Options::default() },
    );
    let m = Manager::new(Arc::new(env), CpuPool::start(2, 64));
    m.update(vec![fast("g", vec![alert("On", "vector(1)", 0, 0)])], Settings::default()).await;
    m.start();
    let group = m.list().remove(0);
    for _ in 0..4 {
        next(&mut rx).await;
    }
    m.stop().await;
    let count = |n: &std::sync::atomic::AtomicU64| n.load(std::sync::atomic::Ordering::Relaxed);
    let (evaluated, missed, scheduled) =
        (count(&group.counts.evaluations), count(&group.counts.missed), count(&group.counts.scheduled));
    // Each tick takes three intervals and more, so two or more are left out after each.
    assert!(missed >= 2 * (evaluated - 1), "{missed} missed, {evaluated} evaluated");
    // The last tick may have been told to end before it came to its rule.
    let counted = evaluated + missed;
    assert!(
        scheduled == counted || scheduled == counted + 1,
        "{scheduled} scheduled, {evaluated} evaluated, {missed} missed"
    );
    let at = group.state().last_timestamp.unwrap();
    assert_eq!(group.grid_before(at), at, "on the grid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_keeps_groups_that_stay_and_the_alerts_of_those_that_change() {
    let (m, mut rx) = manager(Options { resend_delay_ms: 1, ..Options::default() });
    let kept = || fast("kept", vec![record("a", "vector(1)")]);
    let first = fast("changed", vec![alert("On", "vector(1)", 0, 0)]);
    m.update(vec![kept(), first], Settings::default()).await;
    m.start();
    let started = next(&mut rx).await.starts_at_ms;
    let of = |name: &str| m.list().into_iter().find(|g| g.spec.name == name).unwrap();
    let (old_kept, old_changed) = (of("kept"), of("changed"));
    let second = fast("changed", vec![record("x", "vector(2)"), alert("On", "vector(1)", 0, 0)]);
    m.update(vec![kept(), second], Settings::default()).await;
    assert!(Arc::ptr_eq(&old_kept, &of("kept")));
    let changed = of("changed");
    assert!(!Arc::ptr_eq(&old_changed, &changed));
    assert_eq!(changed.rules[1].active_alerts().len(), 1);
    while rx.try_recv().is_ok() {}
    assert_eq!(next(&mut rx).await.starts_at_ms, started);
    m.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_of_a_group_that_is_gone_end() {
    let (m, mut rx) = manager(Options { resend_delay_ms: 1, ..Options::default() });
    let gone = fast("gone", vec![record("a", "vector(1)"), alert("On", "vector(1)", 0, 0)]);
    m.update(vec![gone], Settings::default()).await;
    m.start();
    next(&mut rx).await;
    m.update(Vec::new(), Settings::default()).await;
    // Another group sees the marker: its alert fires when the series is no longer there.
    let watch = fast("watch", vec![alert("Ended", "absent(a)", 0, 0)]);
    m.update(vec![watch], Settings::default()).await;
    let notice = loop {
        let n = next(&mut rx).await;
        if n.labels.get("alertname") == Some("Ended") {
            break n;
        }
    };
    assert!(!notice.resolved);
    m.stop().await;
}

#[test]
fn metrics_have_the_names_of_prometheus() {
    let rig = Rig::with(Arc::new(TestStore::default()), Options::default());
    let _: &Heard = &rig.heard;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let m = Manager::new(Arc::clone(&rig.env), CpuPool::start(1, 8));
    let mut fires = alert("F", "vector(1)", 0, 0);
    fires.labels = vec![("plain".to_owned(), "x".to_owned()), ("wrong".to_owned(), "{{ .X.Y }}".to_owned())];
    runtime.block_on(m.update(vec![spec(vec![record("a", "vector(1)"), fires])], Settings::default()));
    rig.evaluate(&m.list()[0], 60);
    let mut w = tortie_wire::text::Writer::new();
    m.write_metrics(&mut w);
    let text = String::from_utf8(w.into_bytes()).unwrap();
    for line in [
        "prometheus_rule_evaluations_total{rule_group=\"r.yml;g\"} 2",
        "prometheus_rule_evaluation_failures_total{rule_group=\"r.yml;g\"} 0",
        "prometheus_rule_group_rules{rule_group=\"r.yml;g\"} 2",
        "prometheus_rule_group_interval_seconds{rule_group=\"r.yml;g\"} 60",
        // An alert has series only from the evaluation on that follows the restore.
        "prometheus_rule_group_last_evaluation_samples{rule_group=\"r.yml;g\"} 1",
        "prometheus_rule_group_iterations_total{rule_group=\"r.yml;g\"} 1",
        "prometheus_rule_evaluation_duration_seconds_count 2",
        // One label as it is, one template and one annotation.
        "prometheus_template_text_expansions_total 3",
        "prometheus_template_text_expansion_failures_total 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    for quantile in ["0.5", "0.9", "0.99"] {
        let name = format!("prometheus_rule_evaluation_duration_seconds{{quantile=\"{quantile}\"}} ");
        assert!(text.lines().any(|l| l.starts_with(&name) && !l.ends_with("NaN")), "{name} in\n{text}");
    }
}

/// Waits in a notice for the notice of another rule.
#[derive(Default)]
struct Meets {
    here: Mutex<usize>,
    both: Condvar,
    longest: Duration,
    met: watch::Sender<Option<bool>>,
}

impl Notify for Meets {
    fn notify(&self, _: Vec<Notice>) {
        let mut here = self.here.lock().unwrap();
        *here += 1;
        self.both.notify_all();
        let (here, _) = self.both.wait_timeout_while(here, self.longest, |n| *n < 2).unwrap();
        // The first one says it.
        self.met.send_if_modified(|met| {
            let first = met.is_none();
            met.get_or_insert(*here >= 2);
            first
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_do_not_need_each_other_run_at_the_same_time_when_asked_to() {
    for (concurrent, longest) in [(true, Duration::from_secs(60)), (false, Duration::from_millis(200))] {
        let meets = Arc::new(Meets { longest, ..Meets::default() });
        let mut met = meets.met.subscribe();
        let env = Environment::new(
            Arc::new(TestStore::default()),
            Arc::new(GoTemplates::default()),
            Arc::clone(&meets) as _,
            Arc::new(SystemClock::new()),
            Default::default(),
            Options { concurrent, ..Options::default() },
        );
        let m = Manager::new(Arc::new(env), CpuPool::start(2, 64));
        let rules = vec![alert("One", "vector(1)", 0, 0), alert("Other", "vector(2)", 0, 0)];
        m.update(vec![fast("g", rules)], Settings::default()).await;
        m.start();
        let first = met.wait_for(Option::is_some);
        let first = tokio::time::timeout(Duration::from_secs(60), first).await.unwrap().unwrap();
        assert_eq!(*first, Some(concurrent));
        drop(first);
        m.stop().await;
    }
}
