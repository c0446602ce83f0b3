//! COMPAT.md says what the tables of keys, flags and features say. `UPDATE_COMPAT=1` writes them anew.

use std::fmt::Write;
use std::path::PathBuf;
use tortie_config::flags::{self, FEATURES, FLAGS};
use tortie_config::keys::{self, Status};

/// Tests that show an honoured flag at work.
const FLAG_TESTS: &[(&str, &str)] = &[
    ("config.file", "tortie it::configuration"),
    ("enable-feature", "tortie it::configuration"),
    ("help", "tortie it::flags"),
    ("log.format", "tortie logging::tests"),
    ("log.level", "tortie it::flags"),
    ("alertmanager.drain-notification-queue-on-shutdown", "alerts it"),
    ("alertmanager.notification-batch-size", "alerts it"),
    ("alertmanager.notification-queue-capacity", "alerts it"),
    ("query.lookback-delta", "tortie it::flags"),
    ("query.max-concurrency", "tortie it::flags"),
    ("query.max-samples", "tortie it::flags"),
    ("query.timeout", "tortie it::flags"),
    ("rules.alert.for-grace-period", "rules it"),
    ("rules.alert.for-outage-tolerance", "rules it"),
    ("rules.alert.resend-delay", "rules it"),
    ("rules.max-concurrent-evals", "rules it"),
    ("scrape.adjust-timestamps", "scrape it::live"),
    ("scrape.timestamp-tolerance", "tortie peers::live"),
    ("storage.tsdb.max-block-duration", "tsdb db::options::tests"),
    ("storage.tsdb.min-block-duration", "tortie it::flags"),
    ("storage.tsdb.no-lockfile", "tortie it::flags"),
    ("storage.tsdb.path", "tortie peers::directory"),
    ("storage.tsdb.retention.size", "tsdb it"),
    ("storage.tsdb.retention.time", "tsdb it"),
    ("version", "tortie it::commands"),
    ("web.config.file", "tortie it::secure"),
    ("web.cors.origin", "tortie it::web"),
    ("web.enable-lifecycle", "tortie it::reload"),
    ("web.external-url", "tortie it::web"),
    ("web.listen-address", "tortie it::web"),
    ("web.max-connections", "tortie it::flags"),
    ("web.read-timeout", "tortie it::flags"),
    ("web.route-prefix", "tortie it::web"),
];

fn keys() -> String {
    let mut out = "| key | status | test or reason |\n| --- | --- | --- |\n".to_owned();
    for (path, status) in keys::all() {
        let (status, why) = match status {
            Status::Honoured { test } => ("honoured", format!("config {test}")),
            Status::Accepted { reason } => ("accepted without effect", reason.to_owned()),
            Status::Refused { reason, .. } => ("refused", reason.to_owned()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| `{path}` | {status} | {why} |");
    }
    out
}

fn flag_row(out: &mut String, name: &str, status: flags::Status, test: &str) {
    let (status, why) = match status {
        flags::Status::Honoured => ("honoured", test),
        flags::Status::Accepted(reason) => ("accepted without effect", reason),
        flags::Status::Refused(reason) => ("refused", reason),
    };
    let _ = writeln!(out, "| `{name}` | {status} | {why} |");
}

fn flag_table() -> String {
    let mut out = "| flag | status | test or reason |\n| --- | --- | --- |\n".to_owned();
    for f in FLAGS {
        let test = FLAG_TESTS.iter().find(|(n, _)| *n == f.name).map_or("", |(_, t)| t);
        assert!(
            f.status != flags::Status::Honoured || !test.is_empty(),
            "--{} is honoured and no test is named",
            f.name
        );
        flag_row(&mut out, f.name, f.status, test);
    }
    out
}

fn feature_table() -> String {
    let mut out = "| feature | status | test or reason |\n| --- | --- | --- |\n".to_owned();
    for (name, status) in FEATURES {
        flag_row(&mut out, name, *status, "promql peers (parser with each feature on and off), script peers");
    }
    out
}

#[test]
fn the_document_holds_the_tables() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../COMPAT.md");
    let before = std::fs::read_to_string(&path).unwrap();
    let mut after = before.clone();
    for (name, table) in [("keys", keys()), ("flags", flag_table()), ("features", feature_table())] {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let start = after.find(&open).unwrap_or_else(|| panic!("COMPAT.md has no {open}")) + open.len();
        let end = after.find(&close).unwrap_or_else(|| panic!("COMPAT.md has no {close}"));
        after.replace_range(start..end, &table);
    }
    if std::env::var_os("UPDATE_COMPAT").is_some() {
        std::fs::write(&path, &after).unwrap();
        return;
    }
    assert!(
        before == after,
        "COMPAT.md is not what the tables say (hint: UPDATE_COMPAT=1 cargo test -p tortie --test it compat)"
    );
}
