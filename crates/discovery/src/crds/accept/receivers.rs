//! What the receivers of an AlertmanagerConfig need: an Alertmanager that knows them, and Secrets and ConfigMaps that are there
//! and hold what is named.
//!
//! Rules and words: prometheus-operator 0.93, `pkg/alertmanager/operator.go` (`checkReceivers` and what it calls).

use super::Refusal;
use super::alertmanager_config::{list, text};
use super::http::{load_authorization, load_basic, load_oauth2, load_proxy};
use super::receiver_ways::{template_url_of_secret, url_of_secret};
use super::tls::load_tls;
use crate::crds::credentials::Store;
use crate::crds::managers::load_sigv4;
use crate::crds::types::{Http, KeyRef, Sigv4, Tls};
use crate::crds::version::Version;
use serde::Deserialize;
use serde_json::Value;
use tortie_model::duration;

/// What `messageText` of Slack with `updateMessage` must lead to.
const SLACK_BOT: &str = "https://slack.com/api/chat.postMessage";

/// Who asks, and what there is.
struct Needs<'a> {
    version: &'a Version,
    store: &'a Store<'a>,
    namespace: &'a str,
}

/// How one way of telling is checked.
type Check<'n> = fn(&Needs<'n>, &Value) -> Result<(), Refusal>;

/// Refuses what the Alertmanager does not know, and what names something that is not there.
pub(super) fn check(
    spec: &Value,
    namespace: &str,
    version: &Version,
    store: &Store<'_>,
) -> Result<(), Refusal> {
    let needs = Needs { version, store, namespace };
    // In the operator's order.
    let kinds: [(&str, Check<'_>); 15] = [
        ("pagerdutyConfigs", |n, c| n.by_http(c, &["routingKey", "serviceKey"])),
        ("opsgenieConfigs", Needs::opsgenie),
        ("discordConfigs", Needs::discord),
        ("slackConfigs", Needs::slack),
        ("webhookConfigs", Needs::webhook),
        ("wechatConfigs", |n, c| n.by_http(c, &["apiSecret"])),
        ("webexConfigs", |n, c| n.by_http(c, &[])),
        ("emailConfigs", Needs::email),
        ("victoropsConfigs", |n, c| n.by_http(c, &["apiKey"])),
        ("pushoverConfigs", Needs::pushover),
        ("snsConfigs", Needs::sns),
        ("telegramConfigs", Needs::telegram),
        ("msteamsConfigs", |n, c| n.by_http(c, &["webhookUrl"])),
        ("msteamsv2Configs", Needs::teams_v2),
        ("rocketchatConfigs", Needs::rocketchat),
    ];
    for receiver in list(spec, "receivers") {
        for (kind, check) in kinds {
            let configs = list(receiver, kind);
            if !configs.is_empty() {
                needs.known(kind)?;
            }
            configs.iter().try_for_each(|c| check(&needs, c))?;
        }
    }
    Ok(())
}

impl Needs<'_> {
    /// Whether the Alertmanager has this way of telling at all.
    fn known(&self, kind: &str) -> Result<(), Refusal> {
        let (since, name) = match kind {
            "discordConfigs" | "webexConfigs" => ("0.25.0", kind),
            "telegramConfigs" => ("0.24.0", kind),
            "rocketchatConfigs" => ("0.28.0", "rocketChatConfigs"),
            "msteamsConfigs" | "msteamsv2Configs" => {
                let (name, since) =
                    if kind == "msteamsConfigs" { ("msteams", "0.26.0") } else { ("msteamsv2", "0.28.0") };
                return match self.version.since(since) {
                    true => Ok(()),
                    false => Err(format!(
                        "invalid syntax in receivers config; {name} integration is only available in Alertmanager >= {since}"
                    )),
                };
            }
            _ => return Ok(()),
        };
        self.since(since, name)
    }

    /// The operator's words have one quotation mark.
    fn since(&self, minimum: &str, name: &str) -> Result<(), Refusal> {
        if self.version.since(minimum) {
            return Ok(());
        }
        let current = self.version;
        Err(format!("{name}' is available in Alertmanager >= {minimum} only - current {current}"))
    }

    /// A field that is there needs a version.
    fn field_since(&self, c: &Value, key: &str, minimum: &str) -> Result<(), Refusal> {
        if c.get(key).is_some() { self.since(minimum, key) } else { Ok(()) }
    }

    /// What a key of a Secret holds; `None` where none is named.
    fn secret(&self, c: &Value, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        match c.get(key).map(KeyRef::deserialize) {
            Some(Ok(named)) => self.store.load(self.namespace, &named).map(Some),
            _ => Ok(None),
        }
    }

    /// The same where one must be named; what names nothing names the Secret without a name.
    fn given_secret(&self, c: &Value, key: &str) -> Result<Vec<u8>, Refusal> {
        let named = c.get(key).and_then(|k| KeyRef::deserialize(k).ok()).unwrap_or_default();
        self.store.load(self.namespace, &named)
    }

    /// Settings of HTTP that the Alertmanager does not know.
    fn http_known(&self, c: &Value) -> Result<(), Refusal> {
        let Some(http) = http(c) else { return Ok(()) };
        let known = |minimum: &str, name: &str| match self.version.since(minimum) {
            true => Ok(()),
            false => Err(format!(
                "'{name}' config set in 'httpConfig' but supported in Alertmanager >= {minimum} only - current {}",
                self.version
            )),
        };
        if http.authorization.is_some() {
            known("0.22.0", "authorization")?;
        }
        if http.oauth2.is_some() {
            known("0.22.0", "oauth2")?;
        }
        let p = &http.proxy;
        if p.no_proxy.is_some() || p.proxy_from_environment.is_some() || p.proxy_connect_header.is_some() {
            known("0.25.0", "ProxyConfig")?;
        }
        Ok(())
    }

    /// What settings of HTTP refer to.
    fn http_loaded(&self, c: &Value) -> Result<(), Refusal> {
        let Some(h) = http(c) else { return Ok(()) };
        let (store, ns) = (self.store, self.namespace);
        if let Some(token) = &h.bearer_token_secret {
            store.load(ns, token)?;
        }
        load_authorization(store, ns, h.authorization.as_ref())?;
        load_basic(store, ns, h.basic_auth.as_ref())?;
        load_tls(store, ns, h.tls_config.as_ref(), false)?;
        load_proxy(store, ns, &h.proxy)?;
        load_oauth2(store, ns, h.oauth2.as_ref())
    }

    /// A way of which only these keys of Secrets and HTTP matter.
    fn by_http(&self, c: &Value, secrets: &[&str]) -> Result<(), Refusal> {
        self.http_known(c)?;
        for key in secrets {
            self.secret(c, key)?;
        }
        self.http_loaded(c)
    }

    fn opsgenie(&self, c: &Value) -> Result<(), Refusal> {
        self.http_known(c)?;
        let teams = list(c, "responders").iter().any(|r| text(r, "type") == "teams");
        if teams && !self.version.since("0.24.0") {
            return Err(
                "'teams' set in 'opsgenieResponder' but supported in Alertmanager >= 0.24.0 only".to_owned()
            );
        }
        self.secret(c, "apiKey")?;
        self.http_loaded(c)
    }

    fn discord(&self, c: &Value) -> Result<(), Refusal> {
        self.http_known(c)?;
        self.http_loaded(c)?;
        let url = self.given_secret(c, "apiURL").map_err(|e| format!("failed to retrieve API URL: {e}"))?;
        url_of_secret(&url).map_err(|e| format!("failed to validate API URL: {e}"))
    }

    fn rocketchat(&self, c: &Value) -> Result<(), Refusal> {
        self.http_known(c)?;
        self.http_loaded(c)?;
        for (key, what) in [("token", "token"), ("tokenID", "token ID")] {
            self.given_secret(c, key).map_err(|e| format!("failed to retrieve RocketChat {what}: {e}"))?;
        }
        Ok(())
    }

    fn slack(&self, c: &Value) -> Result<(), Refusal> {
        self.http_known(c)?;
        let url = self.secret(c, "apiURL")?;
        if let Some(url) = &url {
            url_of_secret(url).map_err(|e| format!("failed to validate API URL: {e}"))?;
        }
        self.field_since(c, "messageText", "0.31.0")?;
        self.field_since(c, "updateMessage", "0.32.0")?;
        let updates = c.get("updateMessage").and_then(Value::as_bool) == Some(true);
        if updates && url.is_some_and(|u| !u.is_empty() && u != SLACK_BOT.as_bytes()) {
            return Err(format!(
                "updateMessage' can only be used with bot tokens. API URL must be set to {SLACK_BOT}"
            ));
        }
        self.http_loaded(c)
    }

    fn webhook(&self, c: &Value) -> Result<(), Refusal> {
        self.http_known(c)?;
        if let Some(url) = self.secret(c, "urlSecret")? {
            template_url_of_secret(&url).map_err(|e| format!("failed to validate URL: {e}"))?;
        }
        self.field_since(c, "payload", "0.32.0")?;
        self.http_loaded(c)
    }

    fn email(&self, c: &Value) -> Result<(), Refusal> {
        self.secret(c, "authPassword")?;
        self.secret(c, "authSecret")?;
        let tls = c.get("tlsConfig").and_then(|t| Tls::deserialize(t).ok());
        load_tls(self.store, self.namespace, tls.as_ref(), false)?;
        self.field_since(c, "forceImplicitTLS", "0.31.0")?;
        self.field_since(c, "threading", "0.30.0")
    }

    fn pushover(&self, c: &Value) -> Result<(), Refusal> {
        self.http_known(c)?;
        for key in ["userKey", "token"] {
            match self.secret(c, key)? {
                None => return Err(format!("mandatory field {key} is empty")),
                // The operator names the same one for both.
                Some(held) if held.is_empty() => {
                    return Err("mandatory field userKey is empty".to_owned());
                }
                Some(_) => {}
            }
        }
        for key in ["expire", "retry"] {
            let time = text(c, key);
            if !time.is_empty() {
                duration::parse(time).map_err(|e| e.to_string())?;
            }
        }
        self.http_loaded(c)
    }

    fn sns(&self, c: &Value) -> Result<(), Refusal> {
        self.field_since(c, "useAWSHTTPClient", "0.33.0")?;
        self.http_known(c)?;
        let sigv4 = c.get("sigv4").and_then(|s| Sigv4::deserialize(s).ok());
        load_sigv4(sigv4.as_ref(), self.namespace, self.store)?;
        self.http_loaded(c)
    }

    fn telegram(&self, c: &Value) -> Result<(), Refusal> {
        self.field_since(c, "botTokenFile", "0.26.0")?;
        self.by_http(c, &["botToken"])
    }

    fn teams_v2(&self, c: &Value) -> Result<(), Refusal> {
        self.secret(c, "webhookURL")?;
        self.by_http(c, &[])
    }
}

fn http(c: &Value) -> Option<Http> {
    c.get("httpConfig").and_then(|h| Http::deserialize(h).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::credentials::Known;
    use serde_json::json;
    use std::sync::Arc;

    /// With a Secret `s` in namespace `ns` that holds these keys.
    #[track_caller]
    #[allow(clippy::needless_pass_by_value)]
    fn says(version: &str, kind: &str, config: Value, expect: Result<(), &str>) {
        let held = [("url", "http://x"), ("bot", SLACK_BOT), ("empty", ""), ("k", "v")];
        let held = held.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec())).collect();
        let secrets = [(("ns".to_owned(), "s".to_owned()), Arc::new(held))].into();
        let known = Known { secrets, ..Known::default() };
        let store = Store::new(&known);
        let spec = json!({"receivers": [{"name": "r", kind: [config]}]});
        let got = check(&spec, "ns", &Version::parse(version).unwrap(), &store);
        assert_eq!(got, expect.map_err(str::to_owned), "{version} {spec}");
    }

    #[test]
    fn what_a_version_does_not_know() {
        let of = |key: &str| json!({"name": "s", "key": key});
        says("0.33.1", "snsConfigs", json!({"useAWSHTTPClient": true}), Ok(()));
        says(
            "0.32.9",
            "snsConfigs",
            json!({"useAWSHTTPClient": true}),
            Err("useAWSHTTPClient' is available in Alertmanager >= 0.33.0 only - current 0.32.9"),
        );
        says(
            "0.24.0",
            "discordConfigs",
            json!({"apiURL": of("url")}),
            Err("discordConfigs' is available in Alertmanager >= 0.25.0 only - current 0.24.0"),
        );
        says(
            "0.27.0",
            "msteamsv2Configs",
            json!({}),
            Err(
                "invalid syntax in receivers config; msteamsv2 integration is only available in Alertmanager >= 0.28.0",
            ),
        );
        says(
            "0.21.0",
            "webhookConfigs",
            json!({"httpConfig": {"authorization": {"credentials": of("k")}}}),
            Err(
                "'authorization' config set in 'httpConfig' but supported in Alertmanager >= 0.22.0 only - current 0.21.0",
            ),
        );
    }

    #[test]
    fn what_is_named_is_there() {
        let of = |key: &str| json!({"name": "s", "key": key});
        says("0.33.1", "slackConfigs", json!({"apiURL": of("url")}), Ok(()));
        says("0.33.1", "slackConfigs", json!({"apiURL": of("bot"), "updateMessage": true}), Ok(()));
        says(
            "0.33.1",
            "slackConfigs",
            json!({"apiURL": of("url"), "updateMessage": true}),
            Err(
                "updateMessage' can only be used with bot tokens. API URL must be set to https://slack.com/api/chat.postMessage",
            ),
        );
        says(
            "0.33.1",
            "opsgenieConfigs",
            json!({"apiKey": of("no")}),
            Err("key \"no\" in secret \"s\" not found"),
        );
        says(
            "0.33.1",
            "telegramConfigs",
            json!({"botToken": {"name": "t", "key": "k"}}),
            Err("unable to get secret \"t\": secrets \"t\" not found"),
        );
        says(
            "0.33.1",
            "discordConfigs",
            json!({"apiURL": of("k")}),
            Err(
                "failed to validate API URL: validate url from string failed with error: unsupported scheme \"\" for URL",
            ),
        );
        says(
            "0.33.1",
            "pushoverConfigs",
            json!({"userKey": of("k"), "token": of("empty")}),
            Err("mandatory field userKey is empty"),
        );
    }
}
