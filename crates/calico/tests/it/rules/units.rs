//! The unit tests of the rules, in promtool's format: for each alert what makes it fire, and what does not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use tortie_calico::rules::bundled;
use tortie_config::rules::unit::UnitFile;
use tortie_host::RealFs;
use tortie_script::unit;

const FILES: [&str; 5] = ["felix", "typha", "kube-controllers", "kube-controllers-week", "tortie"];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("rules/tests/{name}.yaml"))
}

#[test]
fn all_pass() {
    for name in FILES {
        let path = path(name).display().to_string();
        let outcome = unit::run(&path, &RealFs, &unit::Options::default());
        assert!(outcome.passed(), "{name}: {outcome:?}");
    }
}

#[test]
fn every_alert_has_a_case_that_fires_and_one_that_does_not() {
    let mut cases: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for name in FILES {
        let text = std::fs::read_to_string(path(name)).unwrap();
        let file = UnitFile::load(&text, name).unwrap_or_else(|e| panic!("{e}"));
        for case in file.tests.iter().flat_map(|t| &t.alerts) {
            let (fires, silent) = cases.entry(case.alertname.clone()).or_default();
            *(if case.expected.is_empty() { silent } else { fires }) += 1;
        }
    }
    for rule in bundled::all().iter().flat_map(|g| &g.rules).filter(|r| r.alert) {
        let (fires, silent) = cases.remove(&rule.name).unwrap_or_default();
        assert!(fires > 0, "{} never fires", rule.name);
        assert!(silent > 0 || rule.name == "Watchdog", "{} is never silent", rule.name);
    }
    assert!(cases.is_empty(), "tests of alerts that are not there: {cases:?}");
}
