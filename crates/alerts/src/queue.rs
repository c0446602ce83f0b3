//! What waits for one Alertmanager, and what it was told.
//!
//! An alert waits once, with its newest state. When the queue is full the oldest firing alert goes first: it is told
//! again within the resend delay; a resolved one would be lost for good.

use crate::alert::Alert;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tortie_model::Labels;

/// The queue of one Alertmanager.
#[derive(Debug, Default)]
pub struct Queue {
    capacity: usize,
    /// Alerts that wait, by their place in the line.
    line: BTreeMap<u64, Arc<Alert>>,
    places: HashMap<Labels, u64>,
    next: u64,
    /// Places of alerts that fire.
    firing: std::collections::BTreeSet<u64>,
    /// Alerts that it was told fire and was not told are resolved.
    told: HashMap<Labels, Arc<Alert>>,
    /// States that never were sent because a newer one came.
    superseded: u64,
    dropped: u64,
    changed: bool,
}

impl Queue {
    /// An empty queue of at most `capacity` alerts.
    pub fn new(capacity: usize) -> Queue {
        Queue { capacity: capacity.max(1), ..Queue::default() }
    }

    /// Puts a state in, in place of an older one of the same alert.
    pub fn push(&mut self, alert: Arc<Alert>) {
        if let Some(place) = self.places.get(&alert.labels) {
            let place = *place;
            self.superseded += 1;
            self.set(place, alert);
            return;
        }
        let place = self.next;
        self.next += 1;
        self.places.insert(alert.labels.clone(), place);
        self.set(place, alert);
        self.shrink();
    }

    fn set(&mut self, place: u64, alert: Arc<Alert>) {
        if alert.resolved {
            self.firing.remove(&place);
            self.changed = true;
        } else {
            self.firing.insert(place);
        }
        self.line.insert(place, alert);
    }

    fn shrink(&mut self) {
        while self.line.len() > self.capacity {
            let Some(place) = self.firing.first().or_else(|| self.line.keys().next()).copied() else {
                return;
            };
            self.remove(place);
            self.dropped += 1;
        }
    }

    fn remove(&mut self, place: u64) -> Option<Arc<Alert>> {
        let alert = self.line.remove(&place)?;
        self.firing.remove(&place);
        self.places.remove(&alert.labels);
        Some(alert)
    }

    /// Takes the oldest `n` out, to be sent.
    pub fn take(&mut self, n: usize) -> Vec<Arc<Alert>> {
        let places: Vec<u64> = self.line.keys().take(n).copied().collect();
        places.into_iter().filter_map(|p| self.remove(p)).collect()
    }

    /// Puts back what could not be sent; newer states that came meanwhile stay.
    pub fn put_back(&mut self, alerts: Vec<Arc<Alert>>) {
        for alert in alerts {
            if self.places.contains_key(&alert.labels) {
                self.superseded += 1;
            } else {
                self.push(alert);
            }
        }
    }

    /// Notes that these were told.
    pub fn delivered(&mut self, alerts: &[Arc<Alert>]) {
        for alert in alerts {
            self.changed = true;
            if alert.resolved {
                self.told.remove(&alert.labels);
            } else {
                self.told.insert(alert.labels.clone(), Arc::clone(alert));
            }
        }
    }

    /// Notes that these were refused and are given up.
    pub fn refused(&mut self, n: usize) {
        self.dropped += n as u64;
        self.changed = true;
    }

    /// Alerts that were told to fire until a time that is over, and of which nothing newer came, are resolved: nobody
    /// else will say so when this process was down when they ended.
    pub fn expire(&mut self, now_ms: i64) {
        let over: Vec<Arc<Alert>> = self
            .told
            .values()
            .filter(|a| a.ends_at_ms <= now_ms && !self.places.contains_key(&a.labels))
            .cloned()
            .collect();
        for alert in over {
            // Told once: the next look must not find it again while it waits or is on its way.
            self.told.remove(&alert.labels);
            self.push(Arc::new(Alert { resolved: true, ..(*alert).clone() }));
        }
    }

    /// When [`Queue::expire`] has something to do next.
    pub fn next_expiry_ms(&self) -> Option<i64> {
        self.told.values().map(|a| a.ends_at_ms).min()
    }

    /// What a restart must not lose: resolved alerts that wait, and alerts that were told to fire.
    pub fn to_keep(&self) -> Vec<(Arc<Alert>, bool)> {
        let waiting = self.line.values().filter(|a| a.resolved).map(|a| (Arc::clone(a), false));
        let told =
            self.told.values().filter(|a| !self.waits_resolved(&a.labels)).map(|a| (Arc::clone(a), true));
        waiting.chain(told).collect()
    }

    fn waits_resolved(&self, labels: &Labels) -> bool {
        self.places.get(labels).and_then(|p| self.line.get(p)).is_some_and(|a| a.resolved)
    }

    /// Takes over what was kept; states that are there already are newer.
    pub fn restore(&mut self, kept: &[(Arc<Alert>, bool)]) {
        for (alert, told) in kept {
            if *told {
                self.told.entry(alert.labels.clone()).or_insert_with(|| Arc::clone(alert));
            } else if !self.places.contains_key(&alert.labels) {
                self.push(Arc::clone(alert));
            }
        }
    }

    /// Whether something to keep changed since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Alerts that wait.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Alerts that the Alertmanager thinks fire.
    pub fn told(&self) -> usize {
        self.told.len()
    }

    /// Alerts that were given up since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// States that a newer one replaced before they were sent.
    pub fn superseded(&self) -> u64 {
        self.superseded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(name: &str, resolved: bool, ends: i64) -> Arc<Alert> {
        Arc::new(Alert {
            labels: Labels::from_pairs([("alertname", name)]),
            annotations: Arc::new([]),
            starts_at_ms: 0,
            ends_at_ms: ends,
            resolved,
            generator_url: String::new(),
        })
    }

    fn names(alerts: &[Arc<Alert>]) -> Vec<String> {
        alerts
            .iter()
            .map(|a| format!("{}{}", a.labels.value("alertname"), if a.resolved { "-" } else { "" }))
            .collect()
    }

    #[test]
    fn the_newest_state_of_an_alert_waits_in_its_old_place() {
        let mut q = Queue::new(10);
        for a in [alert("a", false, 1), alert("b", false, 1), alert("a", true, 2)] {
            q.push(a);
        }
        assert_eq!((q.len(), q.superseded()), (2, 1));
        assert_eq!(names(&q.take(9)), ["a-", "b"]);
        assert!(q.is_empty());
    }

    #[test]
    fn a_full_queue_gives_up_firing_alerts_first() {
        let mut q = Queue::new(2);
        for a in [alert("r", true, 1), alert("a", false, 1), alert("b", false, 1), alert("c", true, 1)] {
            q.push(a);
        }
        assert_eq!(q.dropped(), 2);
        assert_eq!(names(&q.take(9)), ["r-", "c-"]);
    }

    #[test]
    fn what_comes_back_does_not_replace_newer_states() {
        let mut q = Queue::new(10);
        q.push(alert("a", false, 1));
        let sent = q.take(1);
        q.push(alert("a", true, 2));
        q.put_back(sent);
        assert_eq!(names(&q.take(9)), ["a-"]);
    }

    #[test]
    fn what_was_told_and_never_renewed_is_resolved_once() {
        let mut q = Queue::new(10);
        q.delivered(&[alert("a", false, 100), alert("b", false, 300)]);
        assert_eq!(q.next_expiry_ms(), Some(100));
        q.expire(99);
        assert!(q.is_empty());
        q.expire(100);
        q.expire(200);
        let sent = q.take(9);
        assert_eq!(names(&sent), ["a-"]);
        q.delivered(&sent);
        q.expire(250);
        assert!(q.is_empty());
        assert_eq!(q.told(), 1);
    }

    #[test]
    fn a_restart_keeps_resolved_alerts_and_what_was_told() {
        let mut q = Queue::new(10);
        q.push(alert("fires", false, 1));
        q.push(alert("over", true, 1));
        q.delivered(&[alert("told", false, 50), alert("over", false, 50)]);
        let kept = q.to_keep();
        let mut again = Queue::new(10);
        again.restore(&kept);
        assert_eq!(names(&again.take(9)), ["over-"]);
        assert_eq!(again.told(), 1);
    }
}
