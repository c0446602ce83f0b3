//! The dashboards that come with the program, as Grafana JSON.

use std::sync::LazyLock;

/// A bundled dashboard.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// Its `uid`, part of its address.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The Grafana JSON as it can be imported anywhere.
    pub json: &'static str,
}

const FILES: [&str; 3] = [
    include_str!("../dashboards/felix.json"),
    include_str!("../dashboards/typha.json"),
    include_str!("../dashboards/kube-controllers.json"),
];

/// All bundled dashboards, in the order of a sample's way through Calico.
pub fn all() -> &'static [Dashboard] {
    static ALL: LazyLock<Vec<Dashboard>> = LazyLock::new(|| FILES.iter().filter_map(|f| read(f)).collect());
    &ALL
}

/// `None` when the file is no dashboard, which a test rules out for the bundled ones.
fn read(json: &'static str) -> Option<Dashboard> {
    let v: serde_json::Value = serde_json::from_str(json).ok()?;
    let text = |k: &str| v.get(k)?.as_str().map(str::to_owned);
    let tags = v
        .get("tags")
        .and_then(|t| t.as_array())
        .map_or(Vec::new(), |t| t.iter().filter_map(|s| s.as_str().map(str::to_owned)).collect());
    Some(Dashboard { uid: text("uid")?, title: text("title")?, tags, json })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_file_is_a_dashboard_with_panels() {
        assert_eq!(all().len(), FILES.len());
        for d in all() {
            let v: serde_json::Value = serde_json::from_str(d.json).unwrap();
            assert!(v["panels"].as_array().is_some_and(|p| p.len() > 3), "{}", d.uid);
            assert!(d.uid.starts_with("tortie-"), "{}", d.uid);
        }
    }
}
