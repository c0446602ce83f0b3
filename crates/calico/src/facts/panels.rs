//! Dashboards that read Calico's series: where each is kept, its expressions, and of which component they speak.
//!
//! A dashboard is looked for in ConfigMaps (as side-cars and mounted folders take them), in GrafanaDashboard objects, and
//! among what Grafana's API gave.

use crate::component::Component;
use crate::facts::variables::{self, Variable};
use crate::facts::{Facts, queries};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tortie_cluster::object::Object;
use tortie_promql::Expr;

/// One dashboard.
#[derive(Debug, Clone)]
pub struct Board {
    /// The object that holds it; none when Grafana keeps it itself.
    pub object: Option<Arc<Object>>,
    /// JSON pointer of its text in the object: `/data/felix-dashboard.json`.
    pub pointer: String,
    /// Its title.
    pub title: String,
    /// The dashboard.
    pub json: Value,
    /// Its variables.
    pub variables: Vec<Variable>,
    /// Its expressions.
    pub queries: Vec<PanelQuery>,
    /// The components whose series it reads.
    pub components: BTreeSet<Component>,
}

/// One expression of a panel.
#[derive(Debug, Clone)]
pub struct PanelQuery {
    /// Title of the panel.
    pub panel: String,
    /// As it stands in the dashboard.
    pub raw: String,
    /// With variables put in, or why it cannot be read.
    pub expr: Result<Expr, String>,
    /// The component it is about; none when it reads nobody's series in particular.
    pub component: Option<Component>,
}

impl Board {
    /// What findings call it.
    pub fn name(&self) -> String {
        if self.title.is_empty() { self.pointer.clone() } else { self.title.clone() }
    }

    /// Where it is kept, in words.
    pub fn kept(&self) -> String {
        match &self.object {
            Some(object) => {
                let key = self.pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/");
                format!("{} key {key}", object.reference())
            }
            None => "kept by Grafana".to_owned(),
        }
    }

    /// How many references to data sources each name or uid has; special ones of Grafana are left out.
    pub fn datasources(&self) -> BTreeMap<String, usize> {
        let mut out = BTreeMap::new();
        count_datasources(&self.json, &mut out);
        out
    }

    /// The span of time it shows when opened (`now-6h` to `now`), in milliseconds.
    pub fn shown_ms(&self) -> Option<i64> {
        let from = self.json.pointer("/time/from")?.as_str()?.strip_prefix("now-")?;
        let until = from.find('/').unwrap_or(from.len());
        // Grafana writes months as M; they are of no interest here.
        tortie_model::duration::parse(from.get(..until)?).ok()
    }
}

impl Facts<'_> {
    /// Dashboards that read Calico's series.
    pub fn boards(&self) -> &[Board] {
        self.boards.get_or_init(|| find(self))
    }
}

fn find(facts: &Facts<'_>) -> Vec<Board> {
    let mut out = Vec::new();
    for object in facts.snap.of("", "ConfigMap") {
        let data = object.at("/data").and_then(Value::as_object);
        for (key, text) in data.into_iter().flatten() {
            let pointer = format!("/data/{}", key.replace('~', "~0").replace('/', "~1"));
            out.extend(text.as_str().and_then(|t| read(facts, Some(object), pointer, t)));
        }
    }
    for group in ["grafana.integreatly.org", "integreatly.org"] {
        for object in facts.snap.of(group, "GrafanaDashboard") {
            let text = object.at("/spec/json").and_then(Value::as_str);
            out.extend(text.and_then(|t| read(facts, Some(object), "/spec/json".to_owned(), t)));
        }
    }
    let own = facts.snap.grafana.iter().flat_map(|g| &g.dashboards);
    // One that a side-car put there stands in the list already.
    let known: BTreeSet<String> = out.iter().filter_map(|b: &Board| uid(&b.json)).collect();
    for json in own.filter(|d| uid(d).is_none_or(|u| !known.contains(&u))) {
        out.extend(board(facts, None, String::new(), json.clone()));
    }
    out
}

fn uid(json: &Value) -> Option<String> {
    json.get("uid")?.as_str().filter(|u| !u.is_empty()).map(str::to_owned)
}

fn read(facts: &Facts<'_>, object: Option<&Arc<Object>>, pointer: String, text: &str) -> Option<Board> {
    // Cheap look before parsing: most ConfigMaps are something else.
    if !text.trim_start().starts_with('{') || !(text.contains("\"panels\"") || text.contains("\"rows\"")) {
        return None;
    }
    let json: Value = serde_json::from_str(text).ok()?;
    board(facts, object, pointer, json)
}

fn board(facts: &Facts<'_>, object: Option<&Arc<Object>>, pointer: String, json: Value) -> Option<Board> {
    let variables = variables::of(&json);
    let mut raw = Vec::new();
    collect(&json, &mut raw);
    let mut queries: Vec<PanelQuery> = raw
        .into_iter()
        .map(|(panel, raw)| {
            let component = first_component(&raw);
            let interval = component.map_or(30.0, |c| facts.scrape_interval(c));
            let text = variables::expand(&raw, &variables, interval);
            let expr = queries::parse(text.trim()).map(queries::without_wildcards);
            let component = match &expr {
                Ok(e) => queries::components(e).into_iter().next(),
                Err(_) => component,
            };
            PanelQuery { panel, raw, expr, component }
        })
        .collect();
    let components: BTreeSet<Component> = queries.iter().filter_map(|q| q.component).collect();
    if components.is_empty() {
        return None;
    }
    // In a dashboard of one component, what names nobody (`process_*`) is meant for it.
    if let (Some(only), 1) = (components.first().copied(), components.len()) {
        for query in queries.iter_mut().filter(|q| q.component.is_none()) {
            query.component = Some(only);
        }
    }
    let title = json.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Board { object: object.cloned(), pointer, title, json, variables, queries, components })
}

/// The component that the text of an expression speaks of, before it is parsed.
fn first_component(raw: &str) -> Option<Component> {
    let words = raw.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words.filter(|w| !w.is_empty()).find_map(crate::catalogue::component_of)
}

/// Panels with their expressions, nested rows included. A row that carries targets without an expression has none.
fn collect(json: &Value, out: &mut Vec<(String, String)>) {
    for list in ["panels", "rows"] {
        for panel in json.get(list).and_then(Value::as_array).into_iter().flatten() {
            let title = panel.get("title").and_then(Value::as_str).unwrap_or_default();
            for target in panel.get("targets").and_then(Value::as_array).into_iter().flatten() {
                let hidden = target.get("hide").and_then(Value::as_bool).unwrap_or(false);
                if let Some(expr) =
                    target.get("expr").and_then(Value::as_str).filter(|e| !hidden && !e.trim().is_empty())
                {
                    out.push((title.to_owned(), expr.to_owned()));
                }
            }
            collect(panel, out);
        }
    }
}

fn count_datasources(json: &Value, out: &mut BTreeMap<String, usize>) {
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "datasource" {
                    let name = value.as_str().or_else(|| value.get("uid")?.as_str()).unwrap_or_default();
                    let special = name.is_empty() || name.starts_with("--") || name == "grafana";
                    if !special {
                        *out.entry(name.to_owned()).or_default() += 1;
                    }
                } else {
                    count_datasources(value, out);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|v| count_datasources(v, out)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::component::Component;
    use crate::facts::Facts;
    use crate::testing::{dashboard, snapshot};
    use tortie_sim::installs::Options;

    #[test]
    fn boards_of_config_maps_are_read() {
        let snap = snapshot(&Options::default(), |o| {
            o.add(dashboard(
                "d",
                &["felix_resync_state", "process_open_fds", "rate(felix_log_errors[$__rate_interval])"],
            ));
            o.add(dashboard("other", &["node_load1"]));
        });
        let facts = Facts::of(&snap);
        let boards = facts.boards();
        assert_eq!(boards.len(), 1);
        let components: Vec<_> = boards[0].queries.iter().map(|q| q.component).collect();
        assert_eq!(components, [Some(Component::Felix); 3]);
        assert_eq!(boards[0].kept(), "ConfigMap monitoring/d key d.json");
        let last = boards[0].queries[2].expr.as_ref().expect("an expression").to_string();
        assert_eq!(last, "rate(felix_log_errors[1m])");
        assert_eq!(boards[0].shown_ms(), Some(900_000));
    }
}
