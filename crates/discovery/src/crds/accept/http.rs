//! Credentials and proxies of an object: which go together, and whether the Secrets are there.

use super::{Refusal, at, check_tls, load_tls};
use crate::crds::credentials::Store;
use crate::crds::types::{Authorization, BasicAuth, Http, KeyRef, OAuth2, Proxy};

/// Whether the ways to authenticate go together.
pub(super) fn check_without_tls(h: &Http) -> Result<(), Refusal> {
    let both = |a: &str, b: &str| Err(format!("{a} and {b} cannot be configured at the same time"));
    let (basic, bearer, oauth2) =
        (h.basic_auth.is_some(), h.bearer_token_secret.is_some(), h.oauth2.is_some());
    if h.authorization.is_some() {
        if basic {
            return both("authorization", "basicAuth");
        }
        if bearer {
            return both("authorization", "bearerTokenSecret");
        }
        if oauth2 {
            return both("authorization", "oauth2");
        }
    } else if basic {
        if bearer {
            return both("basicAuth", "bearerTokenSecret");
        }
        if oauth2 {
            return both("basicAuth", "oauth2");
        }
    } else if bearer && oauth2 {
        return both("bearerTokenSecret", "oauth2");
    }
    if let Some(a) = &h.authorization {
        check_safe_authorization(a).map_err(at("authorization"))?;
    }
    if let Some(o) = &h.oauth2 {
        check_oauth2(o).map_err(at("oauth2"))?;
    }
    Ok(())
}

/// What monitors may say, which have no files.
pub(super) fn check_safe_authorization(a: &Authorization) -> Result<(), Refusal> {
    if a.kind.trim().eq_ignore_ascii_case("basic") {
        return Err("'authorization' type cannot be set to \"basic\", use \"basicAuth\" instead".to_owned());
    }
    if a.credentials.is_none() {
        return Err("'authorization' credentials are required".to_owned());
    }
    Ok(())
}

/// What scrape classes and the API server's section may say.
pub(in crate::crds) fn check_authorization(a: &Authorization) -> Result<(), Refusal> {
    if a.credentials.is_some() && !a.credentials_file.is_empty() {
        return Err("authorization can not specify both \"credentials\" and \"credentialsFile\"".to_owned());
    }
    if a.kind.trim().eq_ignore_ascii_case("basic") {
        return Err("authorization type cannot be set to \"basic\", use \"basicAuth\" instead".to_owned());
    }
    Ok(())
}

pub(super) fn check_oauth2(o: &OAuth2) -> Result<(), Refusal> {
    if o.token_url.is_empty() {
        return Err("OAuth2 tokenURL must be specified".to_owned());
    }
    if o.client_id.is_empty() {
        return Err("OAuth2 'clientID' must be specified".to_owned());
    }
    if o.client_id.secret.is_some() && o.client_id.config_map.is_some() {
        return Err("invalid OAuth2 'clientID': cannot specify both Secret and ConfigMap".to_owned());
    }
    if let Some(tls) = &o.tls_config {
        check_tls(tls, false).map_err(at("invalid OAuth2 'tlsConfig'"))?;
    }
    check_proxy(&o.proxy).map_err(at("invalid OAuth2 proxyConfig"))
}

/// Whether the settings of a proxy go together.
pub(in crate::crds) fn check_proxy(p: &Proxy) -> Result<(), Refusal> {
    let set = |v: &Option<String>| v.as_deref().is_some_and(|v| !v.is_empty());
    let (from_env, url, no_proxy) =
        (p.proxy_from_environment == Some(true), set(&p.proxy_url), set(&p.no_proxy));
    let headers = p.proxy_connect_header.as_ref();
    let refuse = |text: &str| Err(text.to_owned());
    if headers.is_some_and(|h| !h.is_empty()) && !from_env && !url {
        return refuse(
            "if proxyConnectHeader is configured, proxyUrl or proxyFromEnvironment must also be configured",
        );
    }
    if from_env && url {
        return refuse("if proxyFromEnvironment is configured, proxyUrl must not be configured");
    }
    if from_env && no_proxy {
        return refuse("if proxyFromEnvironment is configured, noProxy must not be configured");
    }
    if !url && no_proxy {
        return refuse("if noProxy is configured, proxyUrl must also be configured");
    }
    for (name, list) in headers.into_iter().flatten() {
        if list.is_empty() {
            return Err(format!("proxyConnetHeader[{name}]: selector must not be empty"));
        }
        if let Some(i) = list.iter().position(|k| *k == KeyRef::default()) {
            return Err(format!("proxyConnectHeader[{name}][{i}]: selector must be defined"));
        }
    }
    Ok(())
}

pub(in crate::crds) fn load_proxy(store: &Store<'_>, ns: &str, p: &Proxy) -> Result<(), Refusal> {
    for (name, list) in p.proxy_connect_header.iter().flatten() {
        for (i, key) in list.iter().enumerate() {
            store.load(ns, key).map_err(|e| format!("header[{name}][{i}]: {e}"))?;
        }
    }
    Ok(())
}

pub(in crate::crds) fn load_basic(store: &Store<'_>, ns: &str, b: Option<&BasicAuth>) -> Result<(), Refusal> {
    let Some(b) = b else { return Ok(()) };
    store.load(ns, &b.username).map_err(at("failed to get basic auth username"))?;
    store.load(ns, &b.password).map_err(at("failed to get basic auth password"))?;
    Ok(())
}

pub(in crate::crds) fn load_authorization(
    store: &Store<'_>,
    ns: &str,
    a: Option<&Authorization>,
) -> Result<(), Refusal> {
    let Some((a, key)) = a.and_then(|a| Some((a, a.credentials.as_ref()?))) else { return Ok(()) };
    check_safe_authorization(a)?;
    if key.name.is_empty() {
        return Ok(());
    }
    let loaded = store.load(ns, key);
    loaded.map(|_| ()).map_err(|e| format!("failed to get authorization token of type {:?}: {e}", a.kind))
}

pub(super) fn load_oauth2(store: &Store<'_>, ns: &str, o: Option<&OAuth2>) -> Result<(), Refusal> {
    let Some(o) = o else { return Ok(()) };
    check_oauth2(o)?;
    store.load_either(ns, &o.client_id).map_err(at("failed to get oauth2 client id"))?;
    store.load(ns, &o.client_secret).map_err(at("failed to get oauth2 client secret"))?;
    load_proxy(store, ns, &o.proxy).map_err(at("failed to get oauth2 proxyConfig"))?;
    load_tls(store, ns, o.tls_config.as_ref(), false).map_err(at("failed to get oauth2 tlsConfig"))
}

/// All of a PodMonitor's endpoint.
pub(super) fn load_all(store: &Store<'_>, ns: &str, h: &Http) -> Result<(), Refusal> {
    check_without_tls(h)?;
    if let Some(tls) = &h.tls_config {
        check_tls(tls, false).map_err(at("tlsConfig"))?;
    }
    check_proxy(&h.proxy)?;
    if let Some(token) = h.bearer_token_secret.as_ref().filter(|k| !k.name.is_empty() && !k.key.is_empty()) {
        store.load(ns, token).map_err(at("bearerTokenSecret"))?;
    }
    load_basic(store, ns, h.basic_auth.as_ref()).map_err(at("basicAuth"))?;
    load_tls(store, ns, h.tls_config.as_ref(), false).map_err(at("tlsConfig"))?;
    load_oauth2(store, ns, h.oauth2.as_ref()).map_err(at("oauth2"))?;
    load_authorization(store, ns, h.authorization.as_ref()).map_err(at("authorization"))?;
    load_proxy(store, ns, &h.proxy).map_err(at("proxyConfig"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: Result<(), &str>) {
        let http: Http = serde_json::from_str(json).unwrap();
        let got = check_without_tls(&http).and_then(|()| check_proxy(&http.proxy));
        assert_eq!(got, expect.map_err(str::to_owned), "{json}");
    }

    #[test]
    fn ways_that_exclude_each_other() {
        check(
            r#"{"authorization":{},"basicAuth":{}}"#,
            Err("authorization and basicAuth cannot be configured at the same time"),
        );
        check(r#"{"authorization":{}}"#, Err("authorization: 'authorization' credentials are required"));
        check(r#"{"noProxy":"x"}"#, Err("if noProxy is configured, proxyUrl must also be configured"));
        check(r#"{"proxyUrl":"http://p","noProxy":"x"}"#, Ok(()));
        check(r#"{"oauth2":{}}"#, Err("oauth2: OAuth2 tokenURL must be specified"));
    }
}
