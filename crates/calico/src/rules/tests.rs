//! The bundled rules against what is known of Calico: names by version and mode, labels, pages, panels.

mod labels;

use super::scope::mode_of;
use super::{Group, Rule, Runbooks, Scope, bundled, rules, runbooks, write};
use crate::catalogue::{self, Mode};
use crate::component::Component;
use crate::dashboards;
use crate::facts::install::Version;
use crate::facts::queries;
use std::collections::{BTreeMap, BTreeSet};
use tortie_promql::Expr;

fn parsed(rule: &Rule) -> Expr {
    queries::parse(&rule.expr).unwrap_or_else(|e| panic!("{}: {e}", rule.name))
}

fn each(groups: &[Group]) -> impl Iterator<Item = (&str, &Rule)> {
    groups.iter().flat_map(|g| g.rules.iter().map(move |r| (g.name.as_str(), r)))
}

fn alerts() -> impl Iterator<Item = &'static Rule> {
    each(bundled::all()).map(|(_, r)| r).filter(|r| r.alert)
}

#[test]
fn every_file_is_read_and_names_are_unique() {
    let mut names = BTreeSet::new();
    let mut count = 0;
    for (file, text) in bundled::FILES {
        for (_, rule) in each(&bundled::read(file, text).unwrap()) {
            assert!(names.insert(rule.name.clone()), "{} stands twice", rule.name);
            parsed(rule);
            count += 1;
        }
    }
    assert_eq!(each(bundled::all()).count(), count);
    assert!(alerts().count() >= 35, "{} alerts", alerts().count());
}

#[test]
fn every_alert_has_what_a_person_needs() {
    let panels: BTreeMap<&str, serde_json::Value> =
        dashboards::all().iter().map(|d| (d.uid.as_str(), serde_json::from_str(d.json).unwrap())).collect();
    for rule in alerts() {
        let name = &rule.name;
        assert!(["critical", "warning", "info", "none"].contains(&rule.label("severity")), "{name}");
        assert!(!rule.annotation("summary").is_empty(), "{name}");
        assert!(rule.annotation("description").len() > 60, "{name}");
        assert_eq!(rule.annotation("runbook_url"), format!("{{{{ $externalURL }}}}/runbooks/{name}"));
        let board = rule.annotation("dashboard");
        assert_eq!(board.is_empty(), rule.label("component") == "tortie", "{name}");
        if board.is_empty() {
            continue;
        }
        let (uid, panel) = board.trim_start_matches("/d/").split_once("?viewPanel=").unwrap();
        let panel: u64 = panel.parse().unwrap();
        let known = panels.get(uid).unwrap_or_else(|| panic!("{name}: no dashboard {uid}"));
        let there = known["panels"].as_array().unwrap().iter().any(|p| {
            p["id"] == panel
                || p["panels"].as_array().is_some_and(|rows| rows.iter().any(|p| p["id"] == panel))
        });
        assert!(there, "{name}: no panel {panel} in {uid}");
    }
}

#[test]
fn every_alert_has_its_page_and_every_page_its_alert() {
    let alerts: BTreeSet<&str> = alerts().map(|r| r.name.as_str()).collect();
    let pages: BTreeSet<&str> = runbooks::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(alerts, pages);
    let index = include_str!("../../../../docs/runbooks/README.md");
    for (name, text) in runbooks::ALL {
        for part in
            ["# ", "**What breaks.**", "**How to look**", "**How to mend**", "**When it is a false alarm.**"]
        {
            assert!(text.contains(part), "{name}: no {part}");
        }
        assert!(text.starts_with(&format!("# {name}\n")), "{name}");
        let severity = each(bundled::all()).find(|(_, r)| r.name == *name).map(|(_, r)| r.label("severity"));
        let row = format!("| [{name}]({name}.md) | {} |", severity.unwrap_or_default());
        assert!(index.contains(&row), "the index lacks {row}");
        assert_eq!(runbooks::page(name), Some(*text));
    }
    assert_eq!(index.matches(".md)").count(), runbooks::ALL.len());
}

/// Names that are of no component of Calico.
fn of_others(name: &str, group: &str) -> bool {
    let own = group.starts_with("tortie") && (name.starts_with("tortie_") || name.starts_with("prometheus_"));
    own || name == "up" || name.starts_with("process_")
}

#[test]
fn every_metric_is_there_in_every_version_and_mode_that_gets_the_rule() {
    for minor in 21..=33 {
        let version = Version::parse(&format!("3.{minor}"));
        let groups = rules(&Scope { version, ..Scope::default() });
        let recorded: BTreeSet<&str> =
            each(&groups).filter(|(_, r)| !r.alert).map(|(_, r)| r.name.as_str()).collect();
        assert!(each(&groups).count() > 30, "3.{minor}");
        for (group, rule) in each(&groups) {
            for selector in parsed(rule).selectors() {
                let name = queries::metric(selector).unwrap_or_else(|| panic!("{}: no name", rule.name));
                if of_others(name, group) || recorded.contains(name) {
                    continue;
                }
                let metric =
                    catalogue::find(name).unwrap_or_else(|| panic!("{}: {name} is unknown", rule.name));
                assert!(metric.in_version(version), "{}: {name} is not in 3.{minor}", rule.name);
                let free = matches!(metric.mode, Mode::Always | Mode::Linux | Mode::Event);
                assert!(
                    free || metric.mode == mode_of(group),
                    "{}: {name} needs {}",
                    rule.name,
                    metric.mode.needs()
                );
            }
        }
    }
}

#[test]
fn every_label_is_one_that_the_metric_has() {
    for (_, rule) in each(bundled::all()) {
        labels::check_matchers(rule, &parsed(rule));
    }
}

#[test]
fn templates_use_labels_that_the_expression_gives() {
    for rule in alerts() {
        let given = labels::given(&parsed(rule));
        for (_, text) in rule.labels.iter().chain(&rule.annotations) {
            for used in text.split("$labels.").skip(1) {
                let name: String =
                    used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                assert!(given.contains(name.as_str()), "{}: no label {name} in {given:?}", rule.name);
            }
        }
    }
}

/// From 3.33 on every endpoint of Calico carries the others' series at zero.
#[test]
fn no_selector_can_meet_the_zeros_of_another_component() {
    for (_, rule) in each(bundled::all()) {
        for selector in parsed(rule).selectors() {
            let name = queries::metric(selector).unwrap();
            let calicos = catalogue::find(name).is_some() || name == "up" || name.starts_with("process_");
            let scoped = queries::conditions(selector).iter().any(|m| m.name == "job");
            assert!(!calicos || scoped, "{}: {name} without a job", rule.name);
        }
    }
}

#[test]
fn a_scope_leaves_out_what_the_cluster_cannot_need() {
    let names =
        |scope: &Scope| -> BTreeSet<String> { each(&rules(scope)).map(|(_, r)| r.name.clone()).collect() };
    let whole = names(&Scope::default());
    let old = names(&Scope { version: Version::parse("3.24"), ..Scope::default() });
    for gone in
        ["CalicoNftErrors", "CalicoTyphaClientsMissing", "calico:typha_clients:sum", "CalicoMigrationFailed"]
    {
        assert!(whole.contains(gone) && !old.contains(gone), "{gone}");
    }
    assert!(old.contains("CalicoTyphaDown") && old.contains("CalicoDataplaneSaturated"));
    let modes = Some(BTreeSet::from([Mode::Nftables]));
    let nft = names(&Scope { modes, ..Scope::default() });
    assert!(nft.contains("CalicoNftErrors") && nft.contains("CalicoDataplaneFailures"));
    assert!(!nft.contains("CalicoIptablesErrors") && !nft.contains("CalicoIPPoolExhausted"));
    let alone = names(&Scope { components: [Component::Felix].into(), own: false, ..Scope::default() });
    assert!(alone.contains("CalicoFelixDown") && alone.contains("Watchdog"));
    for gone in
        ["CalicoTyphaDown", "CalicoTyphaClientsMissing", "CalicoKubeControllersAbsent", "TortiePanics"]
    {
        assert!(!alone.contains(gone), "{gone}");
    }
}

#[test]
fn a_scope_names_the_jobs_of_the_cluster() {
    #[track_caller]
    fn check(jobs: &[&str], expect: &str) {
        let jobs = BTreeMap::from([(Component::Felix, jobs.iter().map(|j| (*j).to_owned()).collect())]);
        let groups =
            rules(&Scope { jobs, runbooks: Runbooks::At("https://x/".to_owned()), ..Scope::default() });
        let (_, down) = each(&groups).find(|(_, r)| r.name == "CalicoFelixDown").unwrap();
        assert_eq!(down.expr, expect);
        assert_eq!(down.annotation("runbook_url"), "https://x/CalicoFelixDown");
        assert!(each(&groups).all(|(_, r)| !r.expr.contains("(felix|") && queries::parse(&r.expr).is_ok()));
    }
    check(&["a.b"], r#"up{job="a.b"} == 0"#);
    check(&["a.b", "c"], r#"up{job=~"a\\.b|c"} == 0"#);
    let groups = rules(&Scope { runbooks: Runbooks::Told, ..Scope::default() });
    let (_, down) = each(&groups).find(|(_, r)| r.name == "CalicoFelixDown").unwrap();
    assert_eq!(
        (down.annotation("runbook_url"), down.annotation("runbook")),
        ("", "tortie explain CalicoFelixDown")
    );
    let groups = rules(&Scope { conntrack_entries: 1_000_000, ..Scope::default() });
    let (_, full) = each(&groups).find(|(_, r)| r.name == "CalicoBPFConntrackFillingUp").unwrap();
    assert!(full.expr.contains("/ 1000000 >") && full.annotation("description").contains("fits (1000000)"));
}

#[test]
fn what_is_written_reads_back_the_same() {
    let groups = rules(&Scope::default());
    assert_eq!(bundled::read("written", &write::yaml(&groups)).unwrap(), groups);
}

#[test]
fn what_stands_alone_reads_nothing_recorded() {
    for (_, rule) in each(bundled::all()) {
        let text = super::standalone(&rule.expr);
        let expr = queries::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", rule.name));
        assert!(expr.selectors().iter().all(|s| !queries::metric(s).unwrap().contains(':')), "{text}");
    }
}
