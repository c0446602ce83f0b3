//! A request and what it asks for.

use std::collections::BTreeMap;

use bytes::Bytes;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub method: String,
    pub path: String,
    pub query: Query,
    pub content_type: String,
    pub accept: String,
    pub agent: String,
    pub authorization: String,
    pub impersonate: Option<(String, Vec<String>)>,
    pub body: Bytes,
}

/// The query, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, Vec<String>>);

impl Query {
    /// Reads `a=b&c=d`.
    pub(crate) fn parse(text: &str) -> Query {
        let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in text.split('&').filter(|p| !p.is_empty()) {
            let (k, v) = pair.split_once('=').unwrap_or((pair, ""));
            out.entry(decode(k)).or_default().push(decode(v));
        }
        Query(out)
    }

    /// The first value of a name, empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|v| v.first()).map(String::as_str).unwrap_or_default()
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1" | "True" | "t")
    }
}

/// Percent-decoding, `+` being a space.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let hex = bytes.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (b, hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(n)) => {
                out.push(n);
                i += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(b),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A path under `/api` or `/apis` that names objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Route {
    pub group: String,
    pub version: String,
    pub plural: String,
    pub namespace: String,
    pub name: String,
    pub subresource: String,
}

impl Route {
    /// Reads a path; `None` when it names no objects.
    pub(crate) fn parse(path: &str) -> Option<Route> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match &parts[..] {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let mut out = Route { group: group.into(), version: version.into(), ..Route::default() };
        let rest = match rest {
            [] => return None,
            // A namespace itself and its subresources.
            ["namespaces"] | ["namespaces", _] | ["namespaces", _, "status" | "finalize"]
                if group.is_empty() =>
            {
                rest
            }
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
                out.namespace = decode(namespace);
                rest
            }
            rest => rest,
        };
        out.plural = rest.first().map(|s| decode(s)).unwrap_or_default();
        out.name = rest.get(1).map(|s| decode(s)).unwrap_or_default();
        out.subresource = rest.get(2..).unwrap_or_default().join("/");
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        fn check(path: &str, expect: Option<[&str; 6]>) {
            let route = Route::parse(path)
                .map(|r| [r.group, r.version, r.plural, r.namespace, r.name, r.subresource]);
            assert_eq!(route, expect.map(|e| e.map(str::to_owned)), "{path}");
        }
        check("/api/v1", None);
        check("/version", None);
        check("/api/v1/pods", Some(["", "v1", "pods", "", "", ""]));
        check("/api/v1/namespaces/a", Some(["", "v1", "namespaces", "", "a", ""]));
        check("/api/v1/namespaces/a/status", Some(["", "v1", "namespaces", "", "a", "status"]));
        check("/api/v1/namespaces/a/pods/b/log", Some(["", "v1", "pods", "a", "b", "log"]));
        check("/apis/apps/v1/namespaces/a/deployments", Some(["apps", "v1", "deployments", "a", "", ""]));
        check("/apis/projectcalico.org/v3/tiers/x", Some(["projectcalico.org", "v3", "tiers", "", "x", ""]));
    }

    #[test]
    fn queries() {
        let q = Query::parse("labelSelector=a%3Db%2Cc&limit=5&dryRun=All&x=a+b");
        assert_eq!(
            [q.get("labelSelector"), q.get("limit"), q.get("x"), q.get("y")],
            ["a=b,c", "5", "a b", ""]
        );
    }
}
