//! The effective configuration of a discovery by an API server.

use super::render::{Entries, flag, put, text};
use super::render_http;
use crate::emit::Doc;
use crate::http_client::redacted;
use crate::kubernetes::{AttachMetadata, KubernetesSdConfig, Selector};

pub(super) fn one(k: &KubernetesSdConfig) -> Doc {
    let mut e = Entries::new();
    if !k.api_server.is_empty() {
        put(&mut e, "api_server", text(&redacted(&k.api_server)));
    }
    put(&mut e, "role", text(k.role.as_str()));
    put(&mut e, "kubeconfig_file", text(&k.kubeconfig_file));
    render_http::http(&mut e, &k.http);
    if k.own_namespace || !k.namespaces.is_empty() {
        let names = Doc::List(k.namespaces.iter().map(|n| text(n)).collect());
        let namespaces =
            vec![("own_namespace".to_owned(), flag(k.own_namespace)), ("names".to_owned(), names)];
        put(&mut e, "namespaces", Doc::Map(namespaces));
    }
    if !k.selectors.is_empty() {
        put(&mut e, "selectors", Doc::List(k.selectors.iter().map(selector).collect()));
    }
    if k.attach != AttachMetadata::default() {
        let AttachMetadata { node, namespace, deployment, job, cronjob } = k.attach;
        let flags = [
            ("node", node),
            ("namespace", namespace),
            ("deployment", deployment),
            ("job", job),
            ("cronjob", cronjob),
        ];
        let rows = flags.into_iter().map(|(key, on)| (key.to_owned(), flag(on)));
        put(&mut e, "attach_metadata", Doc::Map(rows.collect()));
    }
    Doc::Map(e)
}

fn selector(s: &Selector) -> Doc {
    let mut e = vec![("role".to_owned(), text(s.role.as_str()))];
    for (key, value) in [("label", &s.label), ("field", &s.field)] {
        if !value.is_empty() {
            put(&mut e, key, text(value));
        }
    }
    Doc::Map(e)
}
