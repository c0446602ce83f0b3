//! Files laid over a cluster: what would the doctor say once they were applied.

use crate::snapshot::{Snapshot, Source};
use tortie_cluster::object::Object;

/// Replaces objects of the snapshot by those of the files, or adds them. The objects that could not be placed come back
/// with the reason.
pub(super) fn lay(snap: &mut Snapshot, files: Vec<Object>) -> Vec<(Object, String)> {
    for file in &files {
        let (namespace, name) = (&file.meta.namespace, &file.meta.name);
        match file.gvk.kind.as_str() {
            "Service" if file.gvk.group.is_empty() => {
                snap.services.retain(|s| (&s.meta.namespace, &s.meta.name) != (namespace, name));
            }
            "Namespace" => snap.namespaces.retain(|n| &n.meta.name != name),
            "Pod" | "Node" => {}
            kind => snap.objects.retain(|o| {
                o.gvk.kind != kind
                    || o.gvk.group != file.gvk.group
                    || (&o.meta.namespace, &o.meta.name) != (namespace, name)
            }),
        }
    }
    snap.source = Source::Overlay;
    snap.add(files)
}
