//! Entries of `kubernetes_sd_configs`.

use super::Maker;
use super::doc::{Map, Value};
use crate::crds::types::{AttachMetadata, LabelSelector, NamespaceSelector, ScrapeClass};
use tortie_config::emit::Doc;

/// What an entry looks for.
pub(super) struct Lookup<'s> {
    pub(super) role: &'s str,
    pub(super) namespaces: &'s NamespaceSelector,
    pub(super) attach: Option<&'s AttachMetadata>,
    /// Version that knows `attach_metadata` for the role.
    pub(super) attach_since: &'s str,
    /// Roles whose objects are watched by labels, and the labels.
    pub(super) selectors: Option<(&'s [&'s str], &'s LabelSelector)>,
}

/// What the monitor says of metadata, else the class.
pub(super) fn attach<'s>(
    own: Option<&'s AttachMetadata>,
    class: &'s ScrapeClass,
) -> Option<&'s AttachMetadata> {
    own.or(class.attach_metadata.as_ref())
}

impl Maker<'_> {
    /// Namespaces of a monitor; an empty list is all of them.
    pub(super) fn namespaces(&self, of: &NamespaceSelector, own: &str) -> Vec<String> {
        if self.prometheus.spec.ignore_namespace_selectors {
            return vec![own.to_owned()];
        }
        if of.any {
            return Vec::new();
        }
        if of.match_names.is_empty() { vec![own.to_owned()] } else { of.match_names.clone() }
    }

    pub(super) fn kubernetes_sd(&self, out: &mut Map<'_>, own: &str, lookup: &Lookup<'_>) {
        let mut m = Map::new(self.version);
        m.put("role", lookup.role);
        let names = self.namespaces(lookup.namespaces, own);
        if !names.is_empty() {
            let mut namespaces = Map::new(self.version);
            namespaces.put("names", names.as_slice());
            m.put("namespaces", namespaces);
        }
        self.api_server(&mut m, own);
        if let Some(attach) = lookup.attach {
            let mut node = Map::new(self.version);
            node.put("node", attach.node.unwrap_or(false));
            m.since(lookup.attach_since, "attach_metadata", Some(node));
        }
        if let Some((roles, selector)) = lookup.selectors {
            let query = selector.to_query();
            let list = roles.iter().map(|role| {
                let mut s = Map::new(self.version);
                s.put("role", *role);
                s.put("label", &query);
                s.doc()
            });
            m.put("selectors", list.collect::<Vec<Doc>>());
        }
        out.put("kubernetes_sd_configs", vec![m.doc()]);
    }

    fn api_server(&self, m: &mut Map<'_>, ns: &str) {
        let Some(api) = &self.prometheus.spec.apiserver_config else { return };
        m.put("api_server", &api.host);
        self.basic_auth(m, ns, api.basic_auth.as_ref());
        m.filled("bearer_token", &api.bearer_token);
        m.filled("bearer_token_file", &api.bearer_token_file);
        self.authorization(m, ns, api.authorization.as_ref());
        self.tls(m, ns, api.tls_config.as_ref());
        self.proxy(m, ns, &api.proxy);
    }
}
