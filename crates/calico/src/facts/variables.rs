//! A dashboard's variables, put in the place of `$name`, `${name}`, `${name:format}` and `[[name]]`.
//!
//! What Grafana would let somebody choose stands for everything: `.*`.

use serde_json::Value;

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// `query`, `custom`, `constant`, `textbox`, `interval`, `datasource`, `adhoc`.
    pub kind: String,
    /// Its query, or its list of values.
    pub query: String,
    /// What stands for it in expressions.
    pub value: String,
}

/// Reads `templating.list`.
pub fn of(dashboard: &Value) -> Vec<Variable> {
    let list = dashboard.pointer("/templating/list").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(read).collect()
}

fn read(v: &Value) -> Option<Variable> {
    let text = |k: &str| v.get(k).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text("name");
    if name.is_empty() {
        return None;
    }
    let kind = text("type");
    let query = v.get("query").map(|q| match q {
        Value::String(s) => s.clone(),
        other => other.get("query").and_then(Value::as_str).unwrap_or_default().to_owned(),
    });
    let query = query.filter(|q| !q.is_empty()).unwrap_or_else(|| text("definition"));
    let current = v.pointer("/current/value").and_then(|c| match c {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Array(all) => all.first()?.as_str().map(str::to_owned),
        _ => None,
    });
    let current = current.filter(|c| !c.is_empty() && c != "$__all" && c != "$__auto");
    let value = match kind.as_str() {
        // Grafana asks anew when the dashboard opens; a saved choice may be long gone.
        "query" | "adhoc" => ".*".to_owned(),
        _ => {
            let first = query.split(',').next().unwrap_or_default();
            let first = first.split_once(" : ").map_or(first, |(_, value)| value).trim();
            current.unwrap_or_else(|| first.to_owned())
        }
    };
    Some(Variable { name, kind, query, value: if value.is_empty() { ".*".to_owned() } else { value } })
}

/// Puts variables and Grafana's own ones in their places. `interval` is the scrape interval in seconds:
/// `$__rate_interval` is four of it, as Grafana computes it at a close look.
pub fn expand(text: &str, variables: &[Variable], interval: f64) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '[']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let Some((name, length)) = reference(tail) else {
            out.push_str(&tail[..1]);
            rest = &tail[1..];
            continue;
        };
        out.push_str(&value(name, variables, interval));
        rest = &tail[length..];
    }
    out.push_str(rest);
    out
}

/// The name that a reference at the start of `text` has, and how long the reference is.
fn reference(text: &str) -> Option<(&str, usize)> {
    let word = |s: &str| s.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(s.len());
    if let Some(inner) = text.strip_prefix("${") {
        let end = inner.find('}')?;
        let name = inner.get(..end)?;
        return Some((name.split([':', '.']).next().unwrap_or(name), end + 3));
    }
    if let Some(inner) = text.strip_prefix("[[") {
        let end = inner.find("]]")?;
        let name = inner.get(..end)?;
        return Some((name.split(':').next().unwrap_or(name), end + 4));
    }
    let inner = text.strip_prefix('$')?;
    let length = word(inner);
    (length > 0).then(|| (inner.get(..length).unwrap_or_default(), length + 1))
}

fn value(name: &str, variables: &[Variable], interval: f64) -> String {
    let seconds = |s: f64| format!("{}s", s.round().max(1.0));
    match name {
        "__rate_interval" => seconds(4.0 * interval),
        "__interval" => seconds(interval),
        "__interval_ms" => (interval * 1000.0).round().to_string(),
        "__range" => "1h".to_owned(),
        "__range_s" => "3600".to_owned(),
        "__range_ms" => "3600000".to_owned(),
        _ => variables.iter().find(|v| v.name == name).map_or_else(|| ".*".to_owned(), |v| v.value.clone()),
    }
}

/// The selection of series behind a query variable: `label_values(METRIC{..}, label)`, `query_result(EXPR)`,
/// `metrics(...)`; none for lists of names.
pub fn selection(query: &str) -> Option<String> {
    let query = query.trim();
    if let Some(inner) = query.strip_prefix("query_result(").and_then(|q| q.strip_suffix(')')) {
        return Some(inner.to_owned());
    }
    let inner = query.strip_prefix("label_values(")?.strip_suffix(')')?;
    // The label comes behind the last comma that stands outside of braces.
    let mut depth = 0_i32;
    let mut comma = None;
    for (i, c) in inner.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            ',' if depth == 0 => comma = Some(i),
            _ => {}
        }
    }
    inner.get(..comma?).map(|s| s.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variables_take_their_places() {
        let board = json!({"templating": {"list": [
            {"name": "top_n", "type": "custom", "query": "10,1,5", "current": {"value": "50"}},
            {"name": "job", "type": "query", "query": {"query": "label_values(x, job)"}, "current": {"value": ["$__all"]}},
            {"name": "bs", "type": "textbox", "query": "64", "current": {}},
        ]}});
        let all = of(&board);
        #[track_caller]
        fn check(all: &[Variable], text: &str, expect: &str) {
            assert_eq!(expand(text, all, 30.0), expect, "{text}");
        }
        check(&all, "topk($top_n, x{job=~\"$job\"}[5m])", "topk(50, x{job=~\".*\"}[5m])");
        check(&all, "${bs} + [[bs]] + ${job:regex}", "64 + 64 + .*");
        check(&all, "rate(x[$__rate_interval])", "rate(x[120s])");
        check(&all, "a[$__range] $ b [1m", "a[1h] $ b [1m");
        check(&all, "größe $unknown", "größe .*");
    }

    #[test]
    fn selections_of_variables() {
        #[track_caller]
        fn check(query: &str, expect: Option<&str>) {
            assert_eq!(selection(query).as_deref(), expect, "{query}");
        }
        check("label_values(felix_host, job)", Some("felix_host"));
        check(
            "label_values(felix_host{job=~\"a,b\", x=\"y\"}, instance)",
            Some("felix_host{job=~\"a,b\", x=\"y\"}"),
        );
        check("query_result(group by (job) (up))", Some("group by (job) (up)"));
        check("label_values(job)", None);
        check("label_names()", None);
    }
}
