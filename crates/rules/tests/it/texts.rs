//! Texts that are kept from one evaluation to the next are those that would have been written.

use crate::rig::{Rig, alert, group, spec};
use std::sync::Arc;
use tortie_host::{ManualClock, Rng};
use tortie_model::Labels;
use tortie_rules::environment::{Template, TemplateData, TemplateQuery, Templates};
use tortie_rules::{Environment, GoTemplates, Group, Kind, RuleSpec, Settings};

/// Writes every text at every evaluation.
struct Anew(GoTemplates);

struct AnewText(Box<dyn Template>);

impl Templates for Anew {
    fn read(&self, alert: &str, text: &str) -> Box<dyn Template> {
        Box::new(AnewText(self.0.read(alert, text)))
    }
}

impl Template for AnewText {
    fn expand(&self, data: &TemplateData<'_>, query: &mut TemplateQuery<'_>) -> Result<String, String> {
        self.0.expand(data, query)
    }
}

fn annotated(mut rule: RuleSpec, texts: &[&str]) -> RuleSpec {
    let named = texts.iter().enumerate().map(|(i, t)| (format!("a{i}"), (*t).to_owned())).collect();
    if let Kind::Alert { annotations, .. } = &mut rule.kind {
        *annotations = named;
    }
    rule
}

/// An environment over the rig's store that writes every text anew.
fn anew(rig: &Rig) -> Environment {
    let clock = Arc::new(ManualClock::at(0));
    let (store, heard) = (Arc::clone(&rig.store) as _, Arc::clone(&rig.heard) as _);
    let templates = Arc::new(Anew(GoTemplates::default()));
    Environment::new(store, templates, heard, clock, Default::default(), Default::default())
}

fn texts(group: &Group) -> Vec<String> {
    let alerts = group.rules.iter().flat_map(|r| r.active_alerts());
    alerts.map(|a| format!("{:?} {:?} {} {:?}", a.labels, a.state, a.value, a.annotations)).collect()
}

fn rules() -> Vec<RuleSpec> {
    let of_labels = ["{{ $labels.job }} {{ $labels.__name__ }}", "plain", "{{ $externalLabels.cluster }}"];
    let mixed = ["{{ $labels.i }}", "{{ $value }}", "{{ range $k, $v := $labels }}{{ $k }}{{ $v }}{{ end }}"];
    let asking = ["{{ $labels.i }}", "{{ with query \"count(x)\" }}{{ . | first | value }}{{ end }}"];
    let failing = ["{{ $labels.i }}", "{{ if gt $value 1.0 }}{{ $labels.i.x }}{{ end }}"];
    // Series of two names are one alert.
    let mut own = annotated(alert("Own", "{__name__=~\"x|y\"} > 0", 0, 120), &of_labels);
    own.labels =
        vec![("i".to_owned(), String::new()), ("v".to_owned(), "{{ $value }}{{ $labels.i }}".to_owned())];
    vec![
        annotated(alert("Labels", "{__name__=~\"x|y\"} > 0", 0, 120), &of_labels),
        annotated(alert("Mixed", "x > 0", 60, 0), &mixed),
        annotated(alert("Asking", "x > 0", 0, 0), &asking),
        annotated(alert("Failing", "x > 0", 0, 0), &failing),
        annotated(alert("Plain", "x > 0", 0, 0), &["plain", "as it is"]),
        annotated(alert("Now", "x > 0", 0, 0), &["{{ now }}", "{{ $labels.i }}"]),
        own,
    ]
}

#[test]
fn kept_texts_are_those_that_would_be_written() {
    let rig = Rig::new();
    let other = anew(&rig);
    let (mut ours, mut theirs) = (group(rules()), group(rules()));
    let mut rng = Rng::new(11);
    let mut seen = 0;
    for minute in 0..200i64 {
        let t = minute * 60;
        for i in 0..4 {
            // One of the two names at a time.
            let name = if rng.below(8) == 0 { "y" } else { "x" };
            let label = i.to_string();
            if rng.below(6) > 0 {
                rig.put(name, &[("job", "j"), ("i", &label)], t, rng.below(3) as f64);
            }
        }
        if minute % 40 == 39 {
            let labels = Labels::from_pairs([("cluster", format!("c{minute}").as_str())]);
            for env in [&*rig.env, &other] {
                env.set(Settings { external_labels: labels.clone(), ..Settings::default() });
            }
        }
        if minute == 100 {
            // A reload with other texts for the same rules.
            let mut changed = rules();
            changed
                .iter_mut()
                .for_each(|r| *r = annotated(r.clone(), &["{{ $labels.i }} changed", "{{ $value }}"]));
            for group in [&mut ours, &mut theirs] {
                *group = Group::succeeding(spec(changed.clone()), false, group);
            }
        }
        rig.evaluate(&ours, t);
        theirs.evaluate(&other, t * 1_000_000_000);
        assert_eq!(texts(&ours), texts(&theirs), "minute {minute}");
        seen += texts(&ours).len();
    }
    assert!(seen > 2000, "{seen} texts compared");
    assert_eq!(rig.env.counters.expansions(), other.counters.expansions(), "all count as written");
}
