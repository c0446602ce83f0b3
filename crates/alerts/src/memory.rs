//! The side file that survives a restart: for each Alertmanager the resolved alerts that wait, and the alerts that it was
//! told to fire.
//!
//! JSON, `{"version":1,"alertmanagers":{URL:[{labels, annotations, startsAt, endsAt, generatorURL, resolved, told}]}}`,
//! times in milliseconds. A file of another version or that cannot be read is ignored and written anew.

use crate::alert::Alert;
use crate::body;
use serde::Deserialize;
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

/// Text that is collected before it is written.
const PIECE: usize = 256 * 1024;

/// The whole file.
#[derive(Deserialize)]
struct Document {
    alertmanagers: BTreeMap<String, Vec<One>>,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// An alert of the file: one is taken over before the next is read, for there may be very many.
#[derive(Deserialize)]
#[serde(from = "Stored")]
struct One(Arc<Alert>, bool);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: i64,
    ends_at: i64,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    resolved: bool,
    told: bool,
}

impl From<Stored> for One {
    fn from(s: Stored) -> One {
        let alert = Alert {
            labels: Labels::from_pairs(s.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            annotations: s.annotations.into_iter().collect(),
            starts_at_ms: s.starts_at,
            ends_at_ms: s.ends_at,
            resolved: s.resolved,
            generator_url: s.generator_url.into(),
        };
        One(Arc::new(alert), s.told)
    }
}

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
    let Version { version } = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    if version != VERSION {
        return Err(format!("not of version {VERSION}"));
    }
    let document: Document = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    let all = document.alertmanagers.into_iter();
    Ok(all.map(|(url, list)| (url, list.into_iter().map(|One(a, told)| (a, told)).collect())).collect())
}

/// Writes the file whole, in pieces.
///
/// # Errors
/// As the disk says.
pub fn save(fs: &dyn Fs, path: &Path, kept: &Kept) -> io::Result<()> {
    // Who is told nothing stands there too: so it is known as one that was there before.
    if kept.values().all(Vec::is_empty) && fs.kind(path).is_none() {
        return Ok(());
    }
    fs.write_atomic_in_pieces(path, &mut |file| {
        let mut out = Vec::with_capacity(PIECE + PIECE / 4);
        out.extend_from_slice(format!("{{\"version\":{VERSION},\"alertmanagers\":{{").as_bytes());
        for (i, (url, alerts)) in kept.iter().enumerate() {
            comma(&mut out, i);
            body::text(&mut out, url);
            out.extend_from_slice(b":[");
            for (i, (alert, told)) in alerts.iter().enumerate() {
                comma(&mut out, i);
                write(&mut out, alert, *told);
                if out.len() >= PIECE {
                    file.append(&out)?;
                    out.clear();
                }
            }
            out.push(b']');
        }
        out.extend_from_slice(b"}}");
        file.append(&out)
    })
}

fn comma(out: &mut Vec<u8>, i: usize) {
    if i > 0 {
        out.push(b',');
    }
}

fn write(out: &mut Vec<u8>, alert: &Alert, told: bool) {
    out.extend_from_slice(b"{\"labels\":");
    body::pairs(out, alert.labels.iter());
    out.extend_from_slice(b",\"annotations\":");
    body::pairs(out, alert.annotations.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let (starts, ends) = (alert.starts_at_ms, alert.ends_at_ms);
    out.extend_from_slice(format!(",\"startsAt\":{starts},\"endsAt\":{ends},\"generatorURL\":").as_bytes());
    body::text(out, &alert.generator_url);
    out.extend_from_slice(format!(",\"resolved\":{},\"told\":{told}}}", alert.resolved).as_bytes());
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
