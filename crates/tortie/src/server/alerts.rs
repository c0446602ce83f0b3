//! Notifications in the server: what rules say goes to the Alertmanagers.

use super::options::ServerOptions;
use super::rules::Told;
use std::sync::Arc;
use tortie_alerts::{Alert, Manager, Options, Settings, Source};
use tortie_config::Config;
use tortie_host::{Clock, Fs};
use tortie_rules::{Notice, Notify};

/// Says what rules said last, for queues that had no room for it.
pub(crate) struct Said {
    pub(crate) rules: std::sync::Weak<tortie_rules::Manager>,
    pub(crate) told: Arc<Told>,
}

impl Source for Said {
    fn each(&self, visit: &mut dyn FnMut(Alert) -> bool) {
        let Some(rules) = self.rules.upgrade() else { return };
        if !self.told.silent.load(std::sync::atomic::Ordering::Relaxed) {
            rules.told_of(&mut |notice| visit(alert(notice)));
        }
    }
}

/// Hands the notices of rules on.
pub(crate) struct Bridge(pub(crate) Arc<Manager>);

impl Notify for Bridge {
    fn notify(&self, notices: Vec<Notice>) {
        self.0.notify(notices.into_iter().map(alert).collect());
    }
}

fn alert(n: Notice) -> Alert {
    Alert {
        labels: n.labels,
        annotations: n.annotations,
        starts_at_ms: n.starts_at_ms,
        ends_at_ms: n.ends_at_ms,
        resolved: n.resolved,
        generator_url: n.generator_url,
    }
}

/// What the flags say.
pub(crate) fn options(o: &ServerOptions) -> Options {
    Options {
        capacity: o.notification_capacity,
        batch: o.notification_batch,
        drain: o.drain_notifications,
        data: Some(o.data.clone()),
    }
}

/// What the configuration says.
///
/// # Errors
/// When a client cannot be made of it.
pub(crate) fn settings(
    config: &Config,
    fs: &Arc<dyn Fs>,
    clock: &Arc<dyn Clock>,
) -> Result<Settings, String> {
    let user_agent = concat!("tortie/", env!("CARGO_PKG_VERSION"));
    Settings::from_config(config, user_agent, fs, clock)
}
