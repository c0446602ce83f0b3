//! What waits for one Alertmanager, and what it was told.
//!
//! An alert waits once, with its newest state. When the queue is full a firing alert has to stay outside, for a resolved
//! one would be lost for good. Of what stayed outside only that is remembered: who knows all alerts is asked for it when
//! there is room again ([`Queue::lacks`], [`Queue::wants`]). So a storm takes no more memory than the queue has places.

use crate::alert::Alert;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use tortie_model::Labels;

/// The queue of one Alertmanager.
#[derive(Debug)]
pub struct Queue {
    capacity: usize,
    /// Alerts that wait, by their place in the line.
    line: BTreeMap<u64, Arc<Alert>>,
    places: HashMap<Labels, u64, foldhash::fast::RandomState>,
    next: u64,
    /// Alerts that are being sent.
    on_way: Vec<Arc<Alert>>,
    /// Places of alerts that fire.
    firing: BTreeSet<u64>,
    /// Alerts that it was told fire and was not told are resolved.
    told: HashMap<Labels, Told, foldhash::fast::RandomState>,
    /// No state of `told` ends earlier.
    next_end_ms: i64,
    /// Firing alerts found no room since this was asked last.
    lacks: bool,
    /// States that never were sent because a newer one came.
    superseded: u64,
    dropped: u64,
    changed: bool,
    /// Alerts came that the Alertmanager is to hear of for the first time, and are not kept yet.
    unkept: bool,
}

/// The newest state of an alert that the Alertmanager knows.
#[derive(Debug)]
struct Told {
    alert: Arc<Alert>,
    /// Whether this state was not told: it found no room.
    owed: bool,
}

impl Queue {
    /// An empty queue of at most `capacity` alerts.
    pub fn new(capacity: usize) -> Queue {
        Queue {
            capacity: capacity.max(1),
            line: BTreeMap::new(),
            places: HashMap::default(),
            next: 0,
            on_way: Vec::new(),
            firing: BTreeSet::new(),
            told: HashMap::default(),
            next_end_ms: i64::MAX,
            lacks: false,
            superseded: 0,
            dropped: 0,
            changed: false,
            unkept: false,
        }
    }

    /// Puts a state in, in place of an older one of the same alert.
    pub fn push(&mut self, alert: Arc<Alert>) {
        self.changed |= alert.resolved;
        self.unkept |= !alert.resolved && !self.told.contains_key(&alert.labels);
        self.enter(alert);
    }

    fn enter(&mut self, alert: Arc<Alert>) {
        if let Some(place) = self.places.get(&alert.labels) {
            let place = *place;
            self.superseded += 1;
            self.set(place, alert);
            return;
        }
        if self.line.len() >= self.capacity {
            // What came last has waited least.
            match self.firing.last().copied().filter(|_| alert.resolved) {
                Some(place) => {
                    if let Some(out) = self.remove(place) {
                        self.leave_out(out);
                    }
                }
                None => return self.leave_out(alert),
            }
        }
        let place = self.next;
        self.next += 1;
        self.places.insert(alert.labels.clone(), place);
        self.set(place, alert);
    }

    fn set(&mut self, place: u64, alert: Arc<Alert>) {
        if alert.resolved {
            self.firing.remove(&place);
        } else {
            self.firing.insert(place);
        }
        // What found no room before is settled with this one.
        if let Some(told) = self.told.get_mut(&alert.labels).filter(|t| t.owed) {
            self.next_end_ms = self.next_end_ms.min(alert.ends_at_ms);
            *told = Told { alert: Arc::clone(&alert), owed: false };
        }
        self.line.insert(place, alert);
    }

    /// Finds no room for a state. Of an alert that the Alertmanager knows it is kept, one that it never heard of can be
    /// asked for while it fires.
    fn leave_out(&mut self, alert: Arc<Alert>) {
        self.dropped += 1;
        self.lacks |= !alert.resolved;
        if let Some(told) = self.told.get_mut(&alert.labels) {
            self.next_end_ms = self.next_end_ms.min(alert.ends_at_ms);
            self.changed = true;
            *told = Told { alert, owed: true };
        }
    }

    fn remove(&mut self, place: u64) -> Option<Arc<Alert>> {
        let alert = self.line.remove(&place)?;
        self.firing.remove(&place);
        self.places.remove(&alert.labels);
        Some(alert)
    }

    /// Takes the oldest `n` out, to be sent; [`Queue::put_back`], [`Queue::delivered`] or [`Queue::refused`] follows.
    pub fn take(&mut self, n: usize) -> Vec<Arc<Alert>> {
        let places: Vec<u64> = self.line.keys().take(n).copied().collect();
        self.on_way = places.into_iter().filter_map(|p| self.remove(p)).collect();
        self.on_way.clone()
    }

    /// Puts back what could not be sent; newer states that came meanwhile stay.
    pub fn put_back(&mut self, alerts: Vec<Arc<Alert>>) {
        self.on_way.clear();
        for alert in alerts {
            let newer = self.told.get(&alert.labels).is_some_and(|t| t.owed);
            if newer || self.places.contains_key(&alert.labels) {
                self.superseded += 1;
            } else {
                // What is kept on disk has it still.
                self.enter(alert);
            }
        }
    }

    /// Notes that these were told.
    pub fn delivered(&mut self, alerts: &[Arc<Alert>]) {
        self.on_way.clear();
        self.changed |= !alerts.is_empty();
        for alert in alerts {
            // A newer state that found no room while this one was on its way is still owed.
            match self.told.get(&alert.labels) {
                Some(t) if t.owed => continue,
                _ if alert.resolved => {
                    self.told.remove(&alert.labels);
                }
                _ => self.tell(alert, false),
            }
        }
    }

    fn tell(&mut self, alert: &Arc<Alert>, owed: bool) {
        self.next_end_ms = self.next_end_ms.min(alert.ends_at_ms);
        self.told.insert(alert.labels.clone(), Told { alert: Arc::clone(alert), owed });
    }

    /// Notes that these were refused and are given up.
    pub fn refused(&mut self, alerts: &[Arc<Alert>]) {
        self.on_way.clear();
        self.dropped += alerts.len() as u64;
        self.changed = true;
        for alert in alerts.iter().filter(|a| a.resolved) {
            self.told.remove(&alert.labels);
        }
        // Asking for them again at once would go on without end.
        self.lacks = false;
    }

    /// Alerts that were told to fire until a time that is over, and of which nothing newer came, are resolved: nobody
    /// else will say so when this process was down when they ended. As many as there is room for, once that is half of the
    /// queue, because all are looked through; the others stay.
    pub fn expire(&mut self, now_ms: i64) {
        let room = self.capacity.saturating_sub(self.line.len());
        if now_ms < self.next_end_ms || room == 0 || room < self.capacity / 2 {
            return;
        }
        let ended = |t: &&Told| t.alert.ends_at_ms <= now_ms && !self.places.contains_key(&t.alert.labels);
        let over: Vec<Arc<Alert>> =
            self.told.values().filter(ended).take(room).map(|t| Arc::clone(&t.alert)).collect();
        for alert in over {
            // Told once: the next look must not find it again while it waits or is on its way.
            self.told.remove(&alert.labels);
            self.push(match alert.resolved {
                true => alert,
                false => Arc::new(Alert { resolved: true, ..(*alert).clone() }),
            });
        }
        self.next_end_ms = self.told.values().map(|t| t.alert.ends_at_ms).min().unwrap_or(i64::MAX);
    }

    /// When [`Queue::expire`] may have something to do next.
    pub fn next_expiry_ms(&self) -> Option<i64> {
        (!self.told.is_empty()).then_some(self.next_end_ms)
    }

    /// Whether firing alerts found no room since this was asked last, and at least half of the queue is free now.
    pub fn lacks(&mut self) -> bool {
        self.line.len() <= self.capacity / 2 && std::mem::take(&mut self.lacks)
    }

    /// Puts the state of an alert in when the Alertmanager is to be told of it and was not. False when there is no room
    /// for more.
    pub fn wants(&mut self, alert: &Arc<Alert>) -> bool {
        let known = self.places.contains_key(&alert.labels)
            || match self.told.get(&alert.labels) {
                Some(t) => !t.owed && !alert.resolved && t.alert.ends_at_ms == alert.ends_at_ms,
                // One that it never heard of need not be told that it is over.
                None => alert.resolved,
            };
        if known {
            return true;
        }
        if self.line.len() >= self.capacity {
            self.lacks = true;
            return false;
        }
        self.push(Arc::clone(alert));
        true
    }

    /// What a restart must not lose: resolved alerts that wait or are on their way, and alerts that were told to fire, or will
    /// have been by the time of the restart: nobody is there then to note it.
    pub fn to_keep(&self) -> Vec<(Arc<Alert>, bool)> {
        let mut going: HashMap<&Labels, &Arc<Alert>> = self.on_way.iter().map(|a| (&a.labels, a)).collect();
        going.retain(|labels, _| !self.places.contains_key(*labels));
        let going: Vec<&Arc<Alert>> = self.line.values().chain(going.into_values()).collect();
        let over: HashSet<&Labels> = going.iter().filter(|a| a.resolved).map(|a| &a.labels).collect();
        let told = self.told.values().filter(|t| !over.contains(&t.alert.labels));
        let told = told.map(|t| (Arc::clone(&t.alert), !t.alert.resolved));
        let new = going.iter().filter(|a| a.resolved || !self.told.contains_key(&a.labels));
        new.map(|a| (Arc::clone(a), !a.resolved)).chain(told).collect()
    }

    /// Takes over what was kept; states that are there already are newer.
    pub fn restore(&mut self, kept: &[(Arc<Alert>, bool)]) {
        for (alert, told) in kept {
            if self.told.contains_key(&alert.labels) {
                continue;
            }
            if *told {
                self.tell(alert, false);
            } else if self.places.contains_key(&alert.labels) {
                // A newer state waits.
            } else if self.line.len() < self.capacity {
                self.push(Arc::clone(alert));
            } else {
                self.tell(alert, true);
            }
        }
    }

    /// Whether something to keep changed since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.unkept) | std::mem::take(&mut self.changed)
    }

    /// Whether alerts wait that the Alertmanager would hear of before it is kept that it did.
    pub fn is_unkept(&self) -> bool {
        self.unkept
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

    /// Alerts that found no room or were refused since the start.
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
            generator_url: Arc::from(""),
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
        // The one that waited may have been told of in the meantime.
        assert_eq!(again.told(), 2);
    }

    #[test]
    fn alerts_are_kept_before_they_are_told_of_for_the_first_time() {
        let mut q = Queue::new(10);
        let kept = |q: &Queue| q.to_keep().iter().map(|(a, told)| (a.resolved, *told)).collect::<Vec<_>>();
        q.push(alert("a", false, 50));
        assert!(q.is_unkept());
        assert_eq!(kept(&q), [(false, true)]);
        assert!(q.take_changed() && !q.is_unkept());
        let sent = q.take(1);
        assert_eq!(kept(&q), [(false, true)], "it is on its way");
        q.delivered(&sent);
        q.push(alert("a", false, 90));
        assert!(!q.is_unkept(), "it is known");
        q.push(alert("a", true, 60));
        assert_eq!(kept(&q), [(true, false)]);
    }

    #[test]
    fn what_found_no_room_is_asked_for_until_all_was_told() {
        let mut q = Queue::new(4);
        let all: Vec<Arc<Alert>> = (0..10).map(|i| alert(&format!("x{i}"), false, 100)).collect();
        all.iter().for_each(|a| q.push(Arc::clone(a)));
        assert_eq!((q.len(), q.dropped()), (4, 6));
        assert!(!q.lacks(), "there is no room yet");
        let mut rounds = Vec::new();
        loop {
            let sent = q.take(4);
            rounds.push(sent.len());
            q.delivered(&sent);
            if !q.lacks() {
                break;
            }
            let _ = all.iter().all(|a| q.wants(a));
        }
        assert_eq!((rounds, q.told()), (vec![4, 4, 2], 10));
        assert!(all.iter().all(|a| q.wants(a)) && q.is_empty(), "all was told");
    }

    #[test]
    fn alerts_that_are_known_are_resolved_one_after_the_other_when_there_is_no_room() {
        let mut q = Queue::new(2);
        for i in 0..5 {
            q.delivered(&[alert(&format!("x{i}"), false, 100)]);
        }
        for i in 0..5 {
            q.push(alert(&format!("x{i}"), true, 60));
        }
        // A restart in the middle loses none of them.
        let mut again = Queue::new(2);
        again.restore(&q.to_keep());
        for mut q in [q, again] {
            let mut over = Vec::new();
            while !q.is_empty() {
                let sent = q.take(2);
                q.delivered(&sent);
                over.extend(names(&sent));
                q.expire(60);
            }
            over.sort();
            assert_eq!(over, ["x0-", "x1-", "x2-", "x3-", "x4-"]);
            assert_eq!(q.told(), 0);
        }
    }

    #[test]
    fn one_that_fires_on_and_finds_no_room_does_not_end() {
        let mut q = Queue::new(1);
        q.delivered(&[alert("on", false, 100)]);
        q.push(alert("first", false, 500));
        q.push(alert("on", false, 300));
        q.take(1);
        q.expire(200);
        assert!(q.is_empty(), "its newest state holds until 300");
        assert!(q.lacks() && q.wants(&alert("on", false, 300)));
        assert_eq!(names(&q.take(1)), ["on"]);
    }

    #[test]
    fn a_state_on_its_way_does_not_hide_a_newer_one_that_found_no_room() {
        let mut q = Queue::new(1);
        q.delivered(&[alert("x", false, 100)]);
        q.push(alert("x", false, 200));
        let on_its_way = q.take(1);
        q.push(alert("over", true, 1));
        q.push(alert("x", true, 150));
        q.delivered(&on_its_way);
        q.delivered(&q.line.values().cloned().collect::<Vec<_>>());
        q.take(1);
        q.expire(150);
        assert_eq!(names(&q.take(1)), ["x-"]);
    }
}
