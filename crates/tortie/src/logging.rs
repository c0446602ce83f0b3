//! The log: one line an event on standard error, in Prometheus' keys and order, as logfmt or JSON.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tortie_host::Clock;
use tortie_model::timestamp::format_rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Format of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Logfmt,
    Json,
}

/// Least level that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Threshold {
    Debug,
    Info,
    Warn,
    Error,
}

/// The levels by their number in [`IN_FORCE`].
const LEVELS: [(Threshold, &str, Level); 4] = [
    (Threshold::Debug, "debug", Level::DEBUG),
    (Threshold::Info, "info", Level::INFO),
    (Threshold::Warn, "warn", Level::WARN),
    (Threshold::Error, "error", Level::ERROR),
];

/// Number of the level in force; a loaded configuration may change it.
static IN_FORCE: AtomicU8 = AtomicU8::new(Threshold::Info as u8);

impl Threshold {
    /// The level as flags and configurations name it.
    pub(crate) fn name(self) -> &'static str {
        LEVELS.iter().find(|(t, ..)| *t == self).map_or("info", |(_, n, _)| n)
    }

    /// The level of a name.
    pub(crate) fn from_name(name: &str) -> Option<Threshold> {
        LEVELS.iter().find(|(_, n, _)| *n == name).map(|(t, ..)| *t)
    }
}

/// Logs from this level on from now on.
pub(crate) fn set(threshold: Threshold) {
    if IN_FORCE.swap(threshold as u8, Ordering::Relaxed) != threshold as u8 {
        // Each place that logs remembers whether it may.
        tracing::callsite::rebuild_interest_cache();
    }
}

fn in_force() -> Level {
    LEVELS.get(usize::from(IN_FORCE.load(Ordering::Relaxed))).map_or(Level::INFO, |(.., l)| *l)
}

/// Sends all events of this process to standard error from now on.
pub(crate) fn start(threshold: Threshold, format: Format, clock: Arc<dyn Clock>) {
    set(threshold);
    let layer = Lines { format, clock };
    // A second start (tests) keeps the first one.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
}

struct Lines {
    format: Format,
    clock: Arc<dyn Clock>,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, meta: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        // Libraries below us speak only when something is wrong.
        let own = meta.target().starts_with("tortie");
        let most_verbose = in_force();
        *meta.level() <= if own { most_verbose } else { most_verbose.min(Level::WARN) }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = match self.format {
            Format::Logfmt => logfmt(self.clock.now_ms(), *event.metadata().level(), &fields),
            Format::Json => json(self.clock.now_ms(), *event.metadata().level(), &fields),
        };
        // Nothing can be done about a closed standard error.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.rest.push((field.name(), text));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.rest.push((field.name(), value.to_owned()));
        }
    }
}

fn logfmt(ms: i64, level: Level, f: &Fields) -> String {
    let mut line = format!("time={} level={level} msg={}", time(ms), quoted(&f.message));
    for (k, v) in &f.rest {
        // Writing to a String cannot fail.
        let _ = write!(line, " {k}={}", quoted(v));
    }
    line.push('\n');
    line
}

fn json(ms: i64, level: Level, f: &Fields) -> String {
    let mut map = serde_json::Map::new();
    map.insert("time".into(), time(ms).into());
    map.insert("level".into(), level.to_string().into());
    map.insert("msg".into(), f.message.clone().into());
    for (k, v) in &f.rest {
        map.insert((*k).into(), v.clone().into());
    }
    format!("{}\n", serde_json::Value::Object(map))
}

/// Always three digits of milliseconds, as slog prints them.
fn time(ms: i64) -> String {
    let seconds = format_rfc3339(ms.div_euclid(1000) * 1000);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), ms.rem_euclid(1000))
}

/// Quotes a value only where logfmt needs it.
fn quoted(s: &str) -> String {
    let plain = !s.is_empty() && s.chars().all(|c| !c.is_control() && !matches!(c, ' ' | '"' | '=' | '\\'));
    if plain { s.to_owned() } else { format!("{s:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields {
            message: "scrape failed".into(),
            rest: vec![("target", "http://a/b".into()), ("err", "no \"x\"".into())],
        }
    }

    #[test]
    fn levels_have_the_names_of_flag_and_configuration() {
        for (i, (t, name, _)) in LEVELS.iter().enumerate() {
            assert_eq!((*t as usize, t.name(), Threshold::from_name(name)), (i, *name, Some(*t)));
        }
        assert_eq!(Threshold::from_name("loud"), None);
    }

    #[test]
    fn logfmt_has_prometheus_keys() {
        assert_eq!(
            logfmt(1_435_781_451_050, Level::WARN, &fields()),
            "time=2015-07-01T20:10:51.050Z level=WARN msg=\"scrape failed\" target=http://a/b err=\"no \\\"x\\\"\"\n"
        );
    }

    #[test]
    fn json_is_one_object_a_line() {
        let v: serde_json::Value = serde_json::from_str(&json(0, Level::INFO, &fields())).unwrap();
        assert_eq!(v["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!(v["level"], "INFO");
        assert_eq!(v["err"], "no \"x\"");
    }
}
