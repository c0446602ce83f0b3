//! The side file that survives a restart: for each Alertmanager the resolved alerts that wait, and the alerts that it was
//! told to fire.
//!
//! JSON, `{"version":1,"alertmanagers":{URL:[{labels, annotations, startsAt, endsAt, generatorURL, resolved, told}]}}`,
//! times in milliseconds. A file of another version or that cannot be read is ignored and written anew.

use crate::alert::Alert;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tortie_host::Fs;
use tortie_model::Labels;

/// Name of the file in the data directory.
pub const FILE: &str = "notifications.json";
const VERSION: u64 = 1;

/// Alerts, and whether the Alertmanager was told of them.
pub type KeptAlerts = Vec<(Arc<Alert>, bool)>;

/// What is kept of each Alertmanager, by its URL.
pub type Kept = BTreeMap<String, KeptAlerts>;

/// Reads the file; nothing when there is none.
///
/// # Errors
/// When it cannot be read or is not of this version: what is wrong.
pub fn load(fs: &dyn Fs, path: &Path) -> Result<Kept, String> {
    let bytes = match fs.read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Kept::new()),
        Err(e) => return Err(e.to_string()),
    };
    let root: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    if root.get("version").and_then(Value::as_u64) != Some(VERSION) {
        return Err(format!("not of version {VERSION}"));
    }
    let urls = root.get("alertmanagers").and_then(Value::as_object).ok_or("no alertmanagers in it")?;
    urls.iter()
        .map(|(url, list)| {
            let list = list.as_array().ok_or("an Alertmanager without a list")?;
            let alerts =
                list.iter().map(|v| read(v).ok_or("an alert that is none")).collect::<Result<_, _>>()?;
            Ok((url.clone(), alerts))
        })
        .collect::<Result<Kept, &str>>()
        .map_err(str::to_owned)
}

/// Writes the file whole.
///
/// # Errors
/// As the disk says.
pub fn save(fs: &dyn Fs, path: &Path, kept: &Kept) -> io::Result<()> {
    let urls: Map<String, Value> = kept
        .iter()
        .map(|(url, alerts)| (url.clone(), alerts.iter().map(|(a, told)| write(a, *told)).collect()))
        .collect();
    // Who is told nothing stands there too: so it is known as one that was there before.
    if kept.values().all(Vec::is_empty) && fs.kind(path).is_none() {
        return Ok(());
    }
    let root = json!({"version": VERSION, "alertmanagers": urls});
    fs.write_atomic(path, root.to_string().as_bytes())
}

fn write(alert: &Alert, told: bool) -> Value {
    let labels: Map<String, Value> = alert.labels.iter().map(|(n, v)| (n.to_owned(), v.into())).collect();
    let annotations: Map<String, Value> =
        alert.annotations.iter().map(|(n, v)| (n.clone(), v.as_str().into())).collect();
    json!({
        "labels": labels,
        "annotations": annotations,
        "startsAt": alert.starts_at_ms,
        "endsAt": alert.ends_at_ms,
        "generatorURL": alert.generator_url,
        "resolved": alert.resolved,
        "told": told,
    })
}

fn read(v: &Value) -> Option<(Arc<Alert>, bool)> {
    let pairs = |key: &str| -> Option<Vec<(String, String)>> {
        let map = v.get(key)?.as_object()?;
        map.iter().map(|(n, v)| Some((n.clone(), v.as_str()?.to_owned()))).collect()
    };
    let labels = pairs("labels")?;
    let alert = Alert {
        labels: Labels::from_pairs(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
        annotations: pairs("annotations")?.into(),
        starts_at_ms: v.get("startsAt")?.as_i64()?,
        ends_at_ms: v.get("endsAt")?.as_i64()?,
        resolved: v.get("resolved")?.as_bool()?,
        generator_url: v.get("generatorURL")?.as_str()?.to_owned(),
    };
    Some((Arc::new(alert), v.get("told")?.as_bool()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_host::MemFs;

    #[test]
    fn what_is_written_is_read_and_strange_files_are_refused() {
        let fs = MemFs::new();
        let path = Path::new("/d/notifications.json");
        fs.create_dir_all(Path::new("/d")).unwrap();
        assert_eq!(load(&fs, path), Ok(Kept::new()));
        save(&fs, path, &Kept::new()).unwrap();
        assert_eq!(fs.kind(path), None);
        let alert = Arc::new(Alert {
            labels: Labels::from_pairs([("alertname", "A")]),
            annotations: Arc::new([("summary".into(), "x".into())]),
            starts_at_ms: 1,
            ends_at_ms: 2,
            resolved: true,
            generator_url: "http://h/".into(),
        });
        let kept = Kept::from([("http://am".to_owned(), vec![(alert, false)])]);
        save(&fs, path, &kept).unwrap();
        assert_eq!(load(&fs, path), Ok(kept));
        for bad in ["", "{}", "{\"version\":2}", "{\"version\":1,\"alertmanagers\":{\"x\":[{}]}}"] {
            fs.write_atomic(path, bad.as_bytes()).unwrap();
            assert!(load(&fs, path).is_err(), "{bad}");
        }
    }
}
