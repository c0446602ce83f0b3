//! Unit tests of rules, in promtool's format: input series, the alerts and the answers that should be there.

use super::read::{Fields, shown, text};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::read::Errors;
use crate::yaml::{self, Node, Value};
use tortie_model::{gofloat, timestamp};

/// A file of unit tests.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitFile {
    /// Patterns of rule files, as written; relative ones count from this file.
    pub rule_files: Vec<String>,
    /// Time between evaluations of rules, milliseconds; 0 when it does not say.
    pub evaluation_interval_ms: i64,
    /// Names of groups in the order in which they are evaluated; others come first.
    pub group_eval_order: Vec<String>,
    /// The tests.
    pub tests: Vec<UnitTest>,
    /// Whether floats may differ by their last bit.
    pub fuzzy_compare: bool,
}

/// Series, and what rules and expressions make of them.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitTest {
    /// Its name, may be empty.
    pub name: String,
    /// Time between the samples of the input, milliseconds; 0 takes the evaluation interval.
    pub interval_ms: i64,
    /// Series and their values, in the language of `.test` scripts.
    pub input_series: Vec<(String, String)>,
    /// Alerts that should fire.
    pub alerts: Vec<AlertTest>,
    /// Answers that should come.
    pub expressions: Vec<ExprTest>,
    /// External labels that templates see.
    pub external_labels: Vec<(String, String)>,
    /// External URL that templates see.
    pub external_url: String,
    /// Time of the first sample, milliseconds since the epoch.
    pub start_ms: i64,
}

/// Alerts of one name at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertTest {
    /// Time since the start, milliseconds.
    pub eval_time_ms: i64,
    /// Name of the alert.
    pub alertname: String,
    /// Labels and annotations of each alert that should fire.
    pub expected: Vec<ExpectedAlert>,
}

/// An alert that should fire.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExpectedAlert {
    /// Labels, `alertname` left out.
    pub labels: Vec<(String, String)>,
    /// Annotations.
    pub annotations: Vec<(String, String)>,
}

/// The answer to one expression at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct ExprTest {
    /// The expression.
    pub expr: String,
    /// Time since the start, milliseconds.
    pub eval_time_ms: i64,
    /// The samples that should come.
    pub expected: Vec<ExpectedSample>,
}

/// A sample that should come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExpectedSample {
    /// The series, as PromQL writes it.
    pub labels: String,
    /// Its value, when `histogram` is empty.
    pub value: f64,
    /// A native histogram, in the language of `.test` scripts.
    pub histogram: String,
}

impl UnitFile {
    /// Reads the text of a file of unit tests. `file` is its name for errors.
    ///
    /// # Errors
    /// All that is wrong, with places.
    pub fn load(text: &str, file: &str) -> Result<UnitFile, Diagnostics> {
        let mut errors = Errors::default();
        let root = match yaml::parse_first(text) {
            Ok((root, _)) => root,
            Err(d) => return Err(Diagnostics::new(file, text, vec![d])),
        };
        let unit = unit_file(&root, &mut errors);
        if errors.items.is_empty() { Ok(unit) } else { Err(Diagnostics::new(file, text, errors.items)) }
    }
}

fn unit_file(root: &Node, errors: &mut Errors) -> UnitFile {
    const KEYS: &[&str] =
        &["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"];
    let f = Fields::open(root, "main.unitTestFile", KEYS, false, errors);
    let list = |key: &str, errors: &mut Errors| {
        f.list(key, "string", errors).iter().filter_map(|n| text(n, errors)).collect()
    };
    UnitFile {
        rule_files: list("rule_files", errors),
        evaluation_interval_ms: f.duration("evaluation_interval", errors).unwrap_or(0),
        group_eval_order: list("group_eval_order", errors),
        tests: f.list("tests", "main.testGroup", errors).iter().map(|n| unit_test(n, errors)).collect(),
        fuzzy_compare: f.boolean("fuzzy_compare", errors),
    }
}

fn unit_test(node: &Node, errors: &mut Errors) -> UnitTest {
    const KEYS: &[&str] = &[
        "interval",
        "input_series",
        "alert_rule_test",
        "promql_expr_test",
        "external_labels",
        "external_url",
        "name",
        "start_timestamp",
    ];
    let f = Fields::open(node, "main.testGroup", KEYS, false, errors);
    UnitTest {
        name: f.text("name", errors),
        interval_ms: f.duration("interval", errors).unwrap_or(0),
        input_series: f
            .list("input_series", "main.series", errors)
            .iter()
            .map(|n| series(n, errors))
            .collect(),
        alerts: f
            .list("alert_rule_test", "main.alertTestCase", errors)
            .iter()
            .map(|n| alert(n, errors))
            .collect(),
        expressions: f
            .list("promql_expr_test", "main.promqlTestCase", errors)
            .iter()
            .map(|n| expression(n, errors))
            .collect(),
        external_labels: f.texts("external_labels", errors),
        external_url: f.text("external_url", errors),
        start_ms: f.get("start_timestamp").map_or(0, |n| start(n, errors)),
    }
}

fn series(node: &Node, errors: &mut Errors) -> (String, String) {
    let f = Fields::open(node, "main.series", &["series", "values"], false, errors);
    (f.text("series", errors), f.text("values", errors))
}

fn alert(node: &Node, errors: &mut Errors) -> AlertTest {
    let f =
        Fields::open(node, "main.alertTestCase", &["eval_time", "alertname", "exp_alerts"], false, errors);
    let expected = f.list("exp_alerts", "main.alert", errors);
    AlertTest {
        eval_time_ms: f.duration("eval_time", errors).unwrap_or(0),
        alertname: f.text("alertname", errors),
        expected: expected
            .iter()
            .map(|n| {
                let f = Fields::open(n, "main.alert", &["exp_labels", "exp_annotations"], false, errors);
                ExpectedAlert {
                    labels: f.texts("exp_labels", errors),
                    annotations: f.texts("exp_annotations", errors),
                }
            })
            .collect(),
    }
}

fn expression(node: &Node, errors: &mut Errors) -> ExprTest {
    let f = Fields::open(node, "main.promqlTestCase", &["expr", "eval_time", "exp_samples"], false, errors);
    let expected = f.list("exp_samples", "main.sample", errors);
    ExprTest {
        expr: f.text("expr", errors),
        eval_time_ms: f.duration("eval_time", errors).unwrap_or(0),
        expected: expected
            .iter()
            .map(|n| {
                let f = Fields::open(n, "main.sample", &["labels", "value", "histogram"], false, errors);
                ExpectedSample {
                    labels: f.text("labels", errors),
                    value: f.get("value").map_or(0.0, |n| float(n, errors)),
                    histogram: f.text("histogram", errors),
                }
            })
            .collect(),
    }
}

/// Seconds since the epoch, or RFC 3339; milliseconds.
fn start(node: &Node, errors: &mut Errors) -> i64 {
    let Some(t) = text(node, errors) else { return 0 };
    timestamp::parse(&t).unwrap_or_else(|_| {
        errors.add(
            Diagnostic::new(node.at, format!("cannot parse {t:?} to a valid timestamp"))
                .hint("write seconds since 1970 or 2024-01-01T00:00:00Z"),
        );
        0
    })
}

/// A number of YAML: decimal, hexadecimal, `.inf`, `.nan`.
fn float(node: &Node, errors: &mut Errors) -> f64 {
    let value = match &node.value {
        Value::Scalar { text, plain: true } => number(text),
        _ => None,
    };
    value.unwrap_or_else(|| {
        errors.push(node.at, format!("cannot unmarshal {} into float64", shown(node)));
        0.0
    })
}

fn number(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    if let Some(v) = super::read::whole(text) {
        return Some(v as f64);
    }
    // Words such as NaN and Inf are texts here.
    let fine = text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-' | '_'));
    if !fine {
        return None;
    }
    gofloat::parse(&text.replace('_', "")).ok()
}
