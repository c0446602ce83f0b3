//! Far more alerts than a queue has places: none is lost for good, none lapses, none is resolved that fires.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use tortie_alerts::Source;

const ALERTS: usize = 2_000;
/// Time between notices of a firing alert, seconds.
const RESEND: u64 = 60;

/// All alerts as they were told of last, as rules know them.
#[derive(Default)]
struct Rules(Mutex<BTreeMap<String, Alert>>);

impl Source for Rules {
    fn each(&self, visit: &mut dyn FnMut(Alert) -> bool) {
        let all: Vec<Alert> = self.0.lock().unwrap().values().cloned().collect();
        let _ = all.into_iter().all(visit);
    }
}

struct Storm {
    bed: Bed,
    rules: Arc<Rules>,
}

impl Storm {
    fn new() -> Storm {
        let bed = Bed::with(ONE, Options { capacity: 100, batch: 16, ..options() });
        let rules = Arc::new(Rules::default());
        bed.manager.set_source(Arc::clone(&rules) as _);
        Storm { bed, rules }
    }

    fn names() -> impl Iterator<Item = String> {
        (0..ALERTS).map(|i| format!("x{i:04}"))
    }

    /// One evaluation tells of all alerts.
    fn tell(&self, alert: impl Fn(&str) -> Alert) {
        let alerts: Vec<Alert> = Storm::names().map(|n| alert(&n)).collect();
        *self.rules.0.lock().unwrap() = Storm::names().zip(alerts.iter().cloned()).collect();
        self.bed.manager.notify(alerts);
    }

    fn fires(&self) {
        self.tell(|n| self.bed.fires(n));
    }

    /// What came since `from` alerts had come.
    fn came(&self, from: usize) -> Vec<String> {
        self.bed.fake.names("am").into_iter().skip(from).collect()
    }
}

fn all(suffix: &str) -> BTreeSet<String> {
    Storm::names().map(|n| n + suffix).collect()
}

#[tokio::test(start_paused = true)]
async fn an_alertmanager_that_is_away_during_the_storm_is_told_of_all_when_it_is_back() {
    let storm = Storm::new();
    storm.bed.fake.set("am", Mood::Down);
    for _ in 0..10 {
        storm.fires();
        seconds(RESEND).await;
    }
    storm.bed.fake.set("am", Mood::Well);
    seconds(5).await;
    let came = storm.came(0);
    assert_eq!((came.len(), came.into_iter().collect::<BTreeSet<_>>()), (ALERTS, all("")));
    assert_eq!(storm.bed.manager.status()[0].firing, ALERTS);
    // Away again while all end, longer than rules remember what they resolved.
    storm.bed.fake.set("am", Mood::Down);
    storm.tell(|n| storm.bed.is_over(n));
    seconds(20 * 60).await;
    storm.rules.0.lock().unwrap().clear();
    seconds(2 * 3600).await;
    assert_eq!(storm.bed.manager.status()[0].waiting, 100, "no more than the queue has places");
    storm.bed.fake.set("am", Mood::Well);
    seconds(10).await;
    let came = storm.came(ALERTS);
    assert_eq!((came.len(), came.into_iter().collect::<BTreeSet<_>>()), (ALERTS, all("-")));
    let status = &storm.bed.manager.status()[0];
    assert_eq!((status.waiting, status.firing), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn no_alert_of_a_long_storm_lapses_or_is_told_twice() {
    let storm = Storm::new();
    const ROUNDS: usize = 20;
    for round in 0..ROUNDS {
        // Down for a while in the middle, but no longer than a notice holds.
        storm.bed.fake.set("am", if round == 10 { Mood::Status(500) } else { Mood::Well });
        storm.fires();
        seconds(RESEND).await;
    }
    let requests = storm.bed.fake.0.lock().unwrap()["am"].1.clone();
    let mut holds: BTreeMap<String, (i64, usize)> = BTreeMap::new();
    for (at, alerts) in requests {
        let at = BEGIN + at.as_millis() as i64;
        for alert in alerts {
            let name = alert["labels"]["alertname"].as_str().unwrap().to_owned();
            let ends = tortie_model::timestamp::parse(alert["endsAt"].as_str().unwrap()).unwrap();
            let (before, times) = holds.entry(name.clone()).or_insert((i64::MAX, 0));
            assert!(at <= *before && ends > at, "{name} lapsed");
            *before = ends;
            *times += 1;
        }
    }
    assert_eq!(holds.keys().cloned().collect::<BTreeSet<_>>(), all(""));
    // The round in which every request failed was told with the next; its own requests count too.
    let most = holds.values().map(|(_, times)| *times).max().unwrap();
    let told: usize = holds.values().map(|(_, times)| times).sum();
    assert!(told >= ALERTS * (ROUNDS - 1), "{told}");
    assert!(most < ROUNDS + 100, "{most}");
}

#[tokio::test(start_paused = true)]
async fn one_that_refuses_all_is_not_asked_without_end() {
    let storm = Storm::new();
    storm.bed.fake.set("am", Mood::Status(400));
    storm.fires();
    seconds(RESEND / 2).await;
    let tries = storm.bed.fake.got("am").len();
    assert!(tries <= 100 / 16 + 1, "{tries} requests");
}
