//! Rules with what those that people ship do not have: waits after the end, limits, offsets, labels of groups, templates in
//! labels, texts that ask and texts that fail, rules that cannot be evaluated or stored.

use super::same::Rule;
use tortie_config::rules::{Checks, RuleFile};
use tortie_model::names::NameScheme;

/// Groups of a rule file, to stand below `groups:`.
pub(super) const GROUPS: &str = r#"
- name: odd.lives
  labels: {team: net, over: group}
  rules:
  - alert: OddKeeps
    expr: odd_flips{kind="keeps"} < 1
    for: 5s
    keep_firing_for: 20s
    labels: {severity: "{{ if gt $value 0.5 }}high{{ else }}low{{ end }}", over: rule, job: ""}
    annotations: {summary: "{{ $labels.instance }} is {{ $value | humanize }} of {{ $externalLabels.cluster }}", at: "{{ now | humanizeTimestamp }}"}
  - alert: OddKeepsLong
    expr: odd_flips{kind="long"} == 2
    keep_firing_for: 1h
    annotations: {same: "of {{ $labels.pod }} at {{ $externalURL }}", plain: nothing}
  - alert: OddAlways
    expr: vector(1)
    annotations: {asks: '{{ range query "sort(odd_flips)" }}{{ .Labels.kind }}={{ .Value }};{{ end }}'}
  - alert: OddTexts
    expr: odd_flips{kind="texts"} >= 0
    labels: {bad: "{{ $labels.pod.none }}", asked: '{{ query "count(odd_flips)" | first | value }}'}
    annotations: {broken: "{{ $labels.pod.none }}", no_query: '{{ query "odd_flips{" }}', none: '{{ query "odd_none" | first | value }}'}
  - alert: OddNaN
    expr: odd_flips{kind="texts"} * NaN
    annotations: {value: "{{ $value }} {{ humanize $value }}"}
  - alert: OddOfAlerts
    expr: count by (alertstate) (ALERTS{alertname=~"Odd.+", alertname!="OddOfAlerts"}) > 1
    for: 10s
  - record: odd:alerts
    expr: count by (alertname, alertstate) (ALERTS)
  - record: odd:for
    expr: odd:alerts * 0 + on (alertname) group_left () count by (alertname) (ALERTS_FOR_STATE)
- name: odd.limits
  limit: 1
  rules:
  - alert: OddLimited
    expr: odd_flips{kind="texts"} >= 0
  - alert: OddWithin
    expr: sum(odd_flips) >= 0
  - record: odd:limited
    expr: odd_flips{kind="texts"}
- name: odd.offset
  query_offset: 7s
  rules:
  - record: odd:offset
    expr: sum by (kind) (odd_flips) + time() * 0
  - alert: OddOffset
    expr: odd:offset > 1
    for: 5s
    annotations: {asks: '{{ with query "odd:offset" }}{{ . | first | value }}{{ end }}'}
- name: odd.records
  rules:
  - record: odd:goes
    expr: odd_flips > 1
  - record: odd:chain
    expr: count by (kind) (odd:goes)
    labels: {kind: "", from: chain}
  - record: odd:scalar
    expr: 2 * 3
  - record: odd:time
    expr: time()
  - record: odd.dots
    expr: sum(odd_ticks_total)
  - record: odd:dots
    expr: '{"odd.dots"} + rate({"odd.dots"}[20s])'
  - record: odd:same_labels
    expr: odd_flips{kind="texts"}
    labels: {instance: "", pod: ""}
  - record: odd:text
    expr: '"text"'
  - record: odd:many
    expr: odd_flips{kind="texts"} * on () odd_flips{kind="texts"}
  - record: odd:twice
    expr: vector(1.5)
  - record: odd:twice
    expr: vector(2)
  - record: odd:bool
    expr: odd_flips > bool 1
  - record: odd:rate
    expr: sum without (instance) (rate(odd_ticks_total[15s]))
"#;

/// The rules of [`GROUPS`].
pub(super) fn rules() -> Vec<Rule> {
    let text = format!("groups:{GROUPS}");
    let checks = Checks {
        scheme: NameScheme::Utf8,
        ignore_unknown: false,
        expr: &|_| Ok(()),
        template: &|_, _| Ok(()),
    };
    let file = RuleFile::load(&text, "odd.yml", &checks).unwrap_or_else(|e| panic!("{e}"));
    let of = |g: &tortie_config::rules::RuleGroup| -> Vec<Rule> {
        let rule = |r: &tortie_config::rules::Rule| Rule {
            group: g.name.clone(),
            record: (!r.record.is_empty()).then(|| r.record.clone()),
            expr: r.expr.clone(),
        };
        g.rules.iter().map(rule).collect()
    };
    file.groups.iter().flat_map(of).collect()
}
