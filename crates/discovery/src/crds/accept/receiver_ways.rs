//! Where the receivers of an AlertmanagerConfig lead: URLs, mail servers, settings of HTTP.
//!
//! Rules and words: prometheus-operator 0.93, `pkg/alertmanager/validation`; Alertmanager 0.33, `config/common/url.go`. URLs that
//! are templates and what Secrets hold are not looked at.

use super::alertmanager_config::text;
use super::http::{check_oauth2, check_proxy, check_safe_authorization};
use super::{Refusal, check_tls};
use crate::crds::types::Http;
use serde::Deserialize;
use serde_json::Value;

/// A URL that the operator names when it is wrong; an empty one is none.
pub(super) fn url(c: &Value, key: &str) -> Result<(), Refusal> {
    let url = text(c, key);
    match fault(url).filter(|_| !url.is_empty()) {
        None => Ok(()),
        Some(why) => Err(format!("invalid '{key}': validate url from string failed for {url}: {why}")),
    }
}

/// A URL that may be a template, and that the operator takes for a secret.
pub(super) fn template_url(c: &Value, key: &str) -> Result<(), Refusal> {
    match text(c, key) {
        "" => Ok(()),
        _ => given_template_url(c, key),
    }
}

/// The same where an empty one is wrong too.
pub(super) fn given_template_url(c: &Value, key: &str) -> Result<(), Refusal> {
    let Some(url) = c.get(key).and_then(Value::as_str).filter(|u| !u.contains("{{")) else { return Ok(()) };
    match fault(url) {
        None => Ok(()),
        Some(why) => {
            let why = why.replace(&format!("{url:?}"), "[REDACTED]");
            Err(format!("invalid '{key}': validate url from string failed with error: {why}"))
        }
    }
}

/// What Alertmanager has against a URL; `None` also for faults further in, such as a port that is no number.
fn fault(url: &str) -> Option<String> {
    let unsupported = |scheme: &str| Some(format!("unsupported scheme {scheme:?} for URL"));
    // These would end the text that the operator puts it into.
    if url.contains(['"', '\\']) || url.chars().any(char::is_control) {
        return None;
    }
    let is_scheme = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let before_path = url.split(['/', '?', '#']).next().unwrap_or("");
    let Some((scheme, _)) = before_path.split_once(':') else { return unsupported("") };
    if scheme.is_empty() {
        return Some(format!("parse {url:?}: missing protocol scheme"));
    }
    if !is_scheme(scheme) {
        return Some(format!("parse {url:?}: first path segment in URL cannot contain colon"));
    }
    let lower = scheme.to_ascii_lowercase();
    if lower != "http" && lower != "https" {
        return unsupported(&lower);
    }
    let authority = url.get(scheme.len() + 1..).and_then(|rest| rest.strip_prefix("//"));
    let host = authority.and_then(|a| a.split(['/', '?', '#']).next()).unwrap_or("");
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.is_empty().then(|| "missing host for URL".to_owned())
}

/// `host:port`, as Go takes it apart.
pub(super) fn smarthost(c: &Value) -> Result<(), Refusal> {
    let address = text(c, "smarthost");
    match split_fault(address).filter(|_| !address.is_empty()) {
        None => Ok(()),
        Some(why) => Err(format!("invalid 'smarthost' {address:?}: address {address}: {why}")),
    }
}

fn split_fault(address: &str) -> Option<&'static str> {
    const PORT: &str = "missing port in address";
    const COLONS: &str = "too many colons in address";
    let Some(colon) = address.rfind(':') else { return Some(PORT) };
    let (inside, outside) = match address.strip_prefix('[') {
        None => {
            let host = address.get(..colon).unwrap_or("");
            if host.contains(':') {
                return Some(COLONS);
            }
            (address, address)
        }
        Some(rest) => {
            let Some(end) = rest.find(']') else { return Some("missing ']' in address") };
            let after = rest.get(end + 1..).unwrap_or("");
            if after.is_empty() {
                return Some(PORT);
            }
            if end + 2 != colon {
                return Some(if after.starts_with(':') { COLONS } else { PORT });
            }
            (rest, after)
        }
    };
    if inside.contains('[') {
        return Some("unexpected '[' in address");
    }
    outside.contains(']').then_some("unexpected ']' in address")
}

/// Exactly one of them, or two less than all, which is how the operator counts.
pub(super) fn sns(c: &Value) -> Result<(), Refusal> {
    let empty = ["targetARN", "topicARN", "phoneNumber"].iter().filter(|k| text(c, k).is_empty()).count();
    if empty % 2 == 1 {
        return Err("must provide one of 'targetARN', 'topicARN', or 'phoneNumber'".to_owned());
    }
    given_template_url(c, "apiURL")
}

/// The `httpConfig` of a receiver.
pub(super) fn http(c: &Value) -> Result<(), Refusal> {
    let Some(Ok(http)) = c.get("httpConfig").map(Http::deserialize) else { return Ok(()) };
    check_http(&http).map_err(|e| format!("'httpConfig': {e}"))
}

fn check_http(h: &Http) -> Result<(), Refusal> {
    let refuse = |words: &str| Err(words.to_owned());
    let basic_or_oauth = h.basic_auth.is_some() || h.oauth2.is_some();
    const ONE: &str = "at most one of 'basicAuth', 'oauth2' and 'authorization' must be configured";
    if basic_or_oauth && h.bearer_token_secret.is_some() {
        return refuse("at most one of 'basicAuth', 'oauth2' and 'bearerTokenSecret' must be configured");
    }
    if let Some(authorization) = &h.authorization {
        if h.bearer_token_secret.is_some() {
            return refuse("'authorization' is not compatible with 'bearerTokenSecret'");
        }
        if basic_or_oauth {
            return refuse(ONE);
        }
        check_safe_authorization(authorization)?;
    }
    if let Some(oauth2) = &h.oauth2 {
        if h.basic_auth.is_some() {
            return refuse(ONE);
        }
        check_oauth2(oauth2)?;
    }
    if let Some(tls) = &h.tls_config {
        check_tls(tls, false)?;
    }
    check_proxy(&h.proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_scheme_and_a_host() {
        let check = |url: &str, expect: Option<&str>| assert_eq!(fault(url).as_deref(), expect, "{url}");
        check("http://x", None);
        check("HTTPS://x:1/a?b#c", None);
        check("", Some("unsupported scheme \"\" for URL"));
        check("x/y", Some("unsupported scheme \"\" for URL"));
        check("localhost:9093", Some("unsupported scheme \"localhost\" for URL"));
        check("ftp://x", Some("unsupported scheme \"ftp\" for URL"));
        check("http://", Some("missing host for URL"));
        check("http:x", Some("missing host for URL"));
        check("10.0.0.1:80", Some("parse \"10.0.0.1:80\": first path segment in URL cannot contain colon"));
        check("://x", Some("parse \"://x\": missing protocol scheme"));
    }

    #[test]
    fn addresses_are_taken_apart_as_go_does() {
        let check =
            |address: &str, expect: Option<&str>| assert_eq!(split_fault(address), expect, "{address}");
        check("mail:25", None);
        check("[::1]:25", None);
        check("mail", Some("missing port in address"));
        check("a:b:25", Some("too many colons in address"));
        check("[::1]", Some("missing port in address"));
        check("[::1", Some("missing ']' in address"));
        check("[::1]x:25", Some("missing port in address"));
        check("[::1]:2:5", Some("too many colons in address"));
        check("a]:25", Some("unexpected ']' in address"));
    }
}
