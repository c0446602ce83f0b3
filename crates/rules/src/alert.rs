//! One alert and its states. Times are nanoseconds since the epoch: the grid of a group is finer than milliseconds.

use crate::alert_series::Series;
use std::num::NonZeroU64;
use std::sync::Arc;
use tortie_model::Labels;

/// How far an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// Its rule was not evaluated yet.
    Unknown,
    /// Neither pending nor firing.
    Inactive,
    /// Its series is there, not long enough.
    Pending,
    /// It fires.
    Firing,
}

impl AlertState {
    /// The word of API and series: `unknown`, `inactive`, `pending`, `firing`.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertState::Unknown => "unknown",
            AlertState::Inactive => "inactive",
            AlertState::Pending => "pending",
            AlertState::Firing => "firing",
        }
    }
}

/// One alert of a rule.
#[derive(Debug, Clone)]
pub struct Alert {
    /// How far it is.
    pub state: AlertState,
    /// Labels of the series and the rule, `alertname` among them.
    pub labels: Labels,
    /// Texts for people, expanded, ascending by name.
    pub annotations: Arc<[(String, String)]>,
    /// The value at the last evaluation; 0 for a histogram.
    pub value: f64,
    /// Since when its series is there.
    pub active_at: i64,
    /// When it began to fire.
    pub fired_at: Option<i64>,
    /// When it was resolved.
    pub resolved_at: Option<i64>,
    /// When it was last told of.
    pub last_sent_at: Option<i64>,
    /// Until when that notice holds.
    pub valid_until: Option<i64>,
    /// Since when it fires on without its series.
    pub keep_firing_since: Option<i64>,
    /// Its series in storage, once they are written.
    pub(crate) series: Option<Series>,
    /// Of whose labels the annotations were written, as long as they hang on these and the value alone.
    pub(crate) written_of: Option<NonZeroU64>,
}

impl Alert {
    /// Whether it must be told of at `ts`.
    pub(crate) fn needs_sending(&self, ts: i64, resend_delay: i64) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        let Some(sent) = self.last_sent_at else { return true };
        if self.resolved_at.is_some_and(|at| at > sent) {
            return true;
        }
        sent.saturating_add(resend_delay) < ts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_repeated_after_the_delay_and_when_resolved() {
        let check = |state, sent, resolved, expect| {
            let alert = Alert {
                state,
                labels: Labels::empty(),
                annotations: Arc::default(),
                value: 0.0,
                active_at: 0,
                fired_at: Some(0),
                resolved_at: resolved,
                last_sent_at: sent,
                valid_until: None,
                keep_firing_since: None,
                series: None,
                written_of: None,
            };
            assert_eq!(alert.needs_sending(100, 10), expect, "{state:?} {sent:?} {resolved:?}");
        };
        check(AlertState::Pending, None, None, false);
        check(AlertState::Firing, None, None, true);
        check(AlertState::Firing, Some(90), None, false);
        check(AlertState::Firing, Some(89), None, true);
        check(AlertState::Inactive, Some(95), Some(100), true);
        check(AlertState::Inactive, Some(95), Some(95), false);
    }
}
