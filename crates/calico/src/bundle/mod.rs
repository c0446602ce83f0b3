//! Bundles: a whole snapshot in one `.tar.gz` without its credentials, from which the doctor finds the same again.
//!
//! Two members are read back: `objects.json`, a list of Kubernetes objects that any tool can read, and `snapshot.json`,
//! everything else that was seen (probes, what Prometheus said, what could not be read). The second has its own version;
//! without it, or with an unknown one, the objects are judged as a dump.

mod form;
mod mask;
mod mask_text;
pub(crate) mod number;

pub use mask::{MASK, string as mask_string, value as mask_value};

use crate::snapshot::Snapshot;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::{self, Write};
use tortie_cluster::object::Object;

/// `apiVersion` of `snapshot.json`; its kind is `Bundle`.
pub const VERSION: &str = "tortie.bundle/v1";
const KIND: &str = "Bundle";

/// Packs a snapshot; `tool` is the version of the program.
///
/// # Errors
/// When a member is longer than an archive can hold.
pub fn pack(snap: &Snapshot, tool: &str) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let at = u64::try_from(snap.at / 1000).unwrap_or(0);
    let readme = format!(
        "Made by tortie {tool} collect. Credentials were replaced by {MASK}.\nRead it with: tortie doctor -f THIS-ARCHIVE\n\
         objects.json: the Kubernetes objects that were read\nsnapshot.json: probes, answers of Prometheus, what could not be read\n"
    );
    member(&mut archive, "README.txt", at, readme.as_bytes())?;
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": objects(snap)});
    member(&mut archive, "objects.json", at, &serde_json::to_vec(&objects)?)?;
    member(&mut archive, "snapshot.json", at, &serde_json::to_vec(&masked(rest(snap)))?)?;
    archive.into_inner()?.finish()
}

fn member<W: Write>(archive: &mut tar::Builder<W>, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(at);
    archive.append_data(&mut header, format!("tortie-bundle/{name}"), content)
}

fn masked(mut v: Value) -> Value {
    mask::value(&mut v);
    v
}

/// All objects, the slim ones too, masked.
fn objects(snap: &Snapshot) -> Vec<Value> {
    let slim = snap.namespaces.iter().map(|o| o.to_json());
    let slim = slim.chain(snap.nodes.iter().map(|o| o.to_json()));
    let slim = slim.chain(snap.pods.iter().map(|o| o.to_json()));
    let slim = slim.chain(snap.services.iter().map(|o| o.to_json()));
    let slim = slim.chain(snap.slices.iter().map(|o| o.to_json()));
    slim.chain(snap.objects.iter().map(|o| o.body.clone())).map(masked).collect()
}

fn rest(snap: &Snapshot) -> Value {
    let mut form = form::of(snap);
    // The generated configuration lies in a Secret, whose values go: its text, masked, stays.
    for secret in snap.of("", "Secret") {
        let Some(name) = secret.meta.name.strip_prefix("prometheus-") else { continue };
        if let Some(text) = crate::generated::unpack(secret) {
            form.generated.entry(format!("{}/{name}", secret.meta.namespace)).or_insert(text);
        }
    }
    let mut v = serde_json::to_value(form).unwrap_or(Value::Null);
    if let Some(map) = v.as_object_mut() {
        map.insert("apiVersion".to_owned(), json!(VERSION));
        map.insert("kind".to_owned(), json!(KIND));
        map.insert("metadata".to_owned(), json!({"name": "snapshot"}));
    }
    v
}

/// What objects of a bundle are read into: the snapshot, and the objects that are no valid ones of their kind.
pub type Unpacked = (Snapshot, Vec<(Object, String)>);

/// Makes the snapshot again when the objects are those of a bundle; nothing when they are not. With a version that is not
/// known the bundle's own object is taken out and the reason given.
pub fn snapshot(objects: &mut Vec<Object>) -> Option<Result<Unpacked, String>> {
    let at = objects.iter().position(|o| o.gvk.kind == KIND && o.gvk.group == "tortie.bundle")?;
    let bundle = objects.remove(at);
    let version = bundle.gvk.api_version();
    if version != VERSION {
        return Some(Err(format!(
            "a bundle of version {version}, this program reads {VERSION}: only its objects are judged (hint: use the tortie that made it)"
        )));
    }
    let mut snap = match form::read(&bundle.body) {
        Ok(snap) => snap,
        Err(e) => return Some(Err(format!("snapshot.json of the bundle: {e}: only its objects are judged"))),
    };
    let plain = std::mem::take(objects).into_iter().map(|o| Object { origin: None, ..o });
    let bad = snap.add(plain.collect());
    Some(Ok((snap, bad)))
}

#[cfg(test)]
mod tests;
