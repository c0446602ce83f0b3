//! What in a rule file is allowed and probably not meant: alerts that can never fire, that always do, that do not see when
//! their targets are gone, rules that are slow, and functions that have nothing to read. Most are the same that the doctor's checks T904, T905 and T913 say of a cluster.
//!
//! Reading order: [`absence`], [`never`], [`range`](self::range) (what values an expression can have), [`native`], [`slow`].

mod absence;
mod native;
mod never;
mod range;
mod slow;

use std::collections::{BTreeMap, BTreeSet};
use tortie_config::diagnostics::Position;
use tortie_config::rules::{Rule, RuleFile, RuleGroup};
use tortie_model::Matcher;
use tortie_promql::ast::Expr;
use tortie_promql::span::Span;
use tortie_promql::{Options, parse_expr};

/// Names of all lints, in the order in which they are listed.
pub const NAMES: &[&str] =
    &["duplicate-rules", "alerts-always", "blind-to-absence", "can-never-fire", "native-histograms", "slow"];

/// Something that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Name of the lint.
    pub lint: &'static str,
    /// Where in the file.
    pub at: Position,
    /// What is odd, and what to do about it.
    pub text: String,
}

/// What is odd in a rule: a place in its expression, and words.
struct Oddity {
    span: Span,
    text: String,
}

/// What is known of metrics: why a name can have no series, or nothing.
pub type Unknown<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Rules of the same name and labels more than once, as `promtool check rules` counts them: name and labels.
pub fn duplicates(file: &RuleFile) -> Vec<(String, Vec<(String, String)>)> {
    let mut seen: BTreeMap<(String, Vec<(String, String)>), usize> = BTreeMap::new();
    for group in &file.groups {
        for rule in &group.rules {
            let labels = crate::from_config::merged(&group.labels, &rule.labels);
            *seen.entry((rule.name().to_owned(), labels)).or_default() += 1;
        }
    }
    seen.into_iter().filter(|(_, n)| *n > 1).map(|(key, _)| key).collect()
}

/// A rule with what is needed to judge it.
struct Parsed<'a> {
    group: &'a RuleGroup,
    rule: &'a Rule,
    expr: Expr,
}

impl Parsed<'_> {
    /// `alert "A"` or `record "a"`.
    fn title(&self) -> String {
        let kind = if self.rule.alert.is_empty() { "record" } else { "alert" };
        format!("{kind} {:?}", self.rule.name())
    }
}

/// Looks at every rule of a checked file, whose text is `source`, in its order.
pub fn remarks(file: &RuleFile, source: &str, language: &Options, unknown: Unknown<'_>) -> Vec<Remark> {
    let rules: Vec<Parsed<'_>> = file
        .groups
        .iter()
        .flat_map(|g| g.rules.iter().map(move |r| (g, r)))
        .filter_map(|(group, rule)| {
            Some(Parsed { group, rule, expr: parse_expr(&rule.expr, language).ok()? })
        })
        .collect();
    let recorded: BTreeSet<&str> = rules.iter().map(|p| p.rule.record.as_str()).collect();
    let unknown = |name: &str| if recorded.contains(name) { None } else { unknown(name) };
    let mut out = Vec::new();
    for p in &rules {
        let mut add = |lint, oddities: Vec<Oddity>| {
            out.extend(oddities.into_iter().map(|o| {
                let at = tortie_config::rules::place_in(source, p.rule.expr_at, &p.rule.expr, o.span.start);
                Remark { lint, at, text: format!("{}: {}", p.title(), o.text) }
            }));
        };
        if !p.rule.alert.is_empty() {
            add("alerts-always", always(&p.expr));
            add("blind-to-absence", absence::blind(&p.expr, &rules));
            add("can-never-fire", never::why(&p.expr, &unknown).into_iter().collect());
        }
        add("native-histograms", native::unread(&p.expr));
        add("slow", slow::slow(&p.expr, p.group.interval_ms));
    }
    out
}

/// A matcher as it is written.
fn written(m: &Matcher) -> String {
    format!("{}{}{}", m.name, m.op.as_str(), tortie_promql::go_text::quote(&m.value))
}

/// An expression that lets series through neither by their values nor by others.
fn always(expr: &Expr) -> Vec<Oddity> {
    let mut filters = false;
    expr.walk(&mut |e| match e {
        Expr::Binary(b) => filters |= (b.op.is_comparison() && !b.return_bool) || b.op.is_set(),
        Expr::Call(c) => filters |= matches!(c.func.name, "absent" | "absent_over_time" | "vector"),
        _ => {}
    });
    if filters {
        return Vec::new();
    }
    let text =
        "it compares nothing and fires for every series of its expression (hint: compare with a value)"
            .to_owned();
    vec![Oddity { span: expr.span(), text }]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tortie_config::rules::Checks;
    use tortie_model::names::NameScheme;

    /// The remarks on one alert with this expression, as `lint line:column: text`; the expression begins at 5:11.
    pub(crate) fn of(expr: &str) -> Vec<String> {
        of_file(&format!(
            "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {}\n",
            serde_json::to_string(expr).unwrap()
        ))
    }

    pub(crate) fn of_file(text: &str) -> Vec<String> {
        let language = Options::default();
        let checks = Checks {
            scheme: NameScheme::Utf8,
            ignore_unknown: false,
            expr: &|e| crate::from_config::check_expr(e, &language),
            template: &crate::templates::check,
        };
        let file = RuleFile::load(text, "r.yml", &checks).unwrap_or_else(|e| panic!("{e}"));
        let unknown = |name: &str| (name == "felix_foo").then(|| "no Calico has felix_foo".to_owned());
        let show = |r: Remark| format!("{} {}:{}: {}", r.lint, r.at.line, r.at.column, r.text);
        remarks(&file, text, &language, &unknown).into_iter().map(show).collect()
    }

    #[test]
    fn places_are_those_in_the_file() {
        let text = "groups:\n- name: g\n  rules:\n  - record: r\n    expr: |\n      sum(\n        x{a=\"1\"}\n      ) > 0\n  - alert: A\n    expr: >-\n      (up == 0)\n      and count(up) < 1\n";
        let got = of_file(text);
        assert_eq!(got.len(), 1, "{got:?}");
        assert!(got[0].starts_with("can-never-fire 12:11: alert \"A\": count(up) < 1"), "{got:?}");
    }

    #[test]
    fn alerts_without_a_comparison_always_fire() {
        assert!(of("up").first().unwrap().starts_with("alerts-always 5:"));
        assert!(of("absent(up)").is_empty() && of("vector(1)").is_empty());
        let text = "groups: [{name: g, rules: [{record: r, expr: up}]}]";
        assert_eq!(of_file(text), Vec::<String>::new());
    }
}
