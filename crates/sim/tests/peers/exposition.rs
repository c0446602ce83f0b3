//! A plain reading of a body, for comparison only.

use std::collections::{BTreeMap, BTreeSet};

/// Families and series of a body.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// Name, type and HELP text of each family, in order.
    pub families: Vec<(String, String, String)>,
    /// Family and value text by series.
    pub series: BTreeMap<String, (String, String)>,
    /// Series in order.
    pub order: Vec<String>,
}

impl Body {
    pub fn parse(text: &str) -> Body {
        let mut body = Body::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                body.families.push((name.to_owned(), String::new(), help.to_owned()));
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                let family = body.families.last_mut().unwrap();
                assert_eq!(family.0, name);
                family.1 = kind.to_owned();
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let family = body.families.last().unwrap().0.clone();
                body.order.push(series.to_owned());
                body.series.insert(series.to_owned(), (family, value.to_owned()));
            }
        }
        body
    }

    /// (name, type, HELP text, label names) of everything in the body; a summary's sum and count are names of their
    /// own.
    pub fn shapes(&self) -> BTreeSet<(String, String, String, Vec<String>)> {
        let described: BTreeMap<&str, (&str, &str)> =
            self.families.iter().map(|(n, t, h)| (n.as_str(), (t.as_str(), h.as_str()))).collect();
        self.series
            .iter()
            .map(|(series, (family, _))| {
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                let (kind, help) = described[family.as_str()];
                (name.to_owned(), kind.to_owned(), help.to_owned(), label_names(labels))
            })
            .collect()
    }
}

/// Names of labels in the order they stand. No value of these components holds `="` or `",`.
fn label_names(labels: &str) -> Vec<String> {
    labels.split("\",").filter_map(|pair| pair.split_once("=\"")).map(|(name, _)| name.to_owned()).collect()
}
