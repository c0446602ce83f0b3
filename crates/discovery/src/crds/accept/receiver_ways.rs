//! Where the receivers of an AlertmanagerConfig lead: URLs, mail servers, settings of HTTP.
//!
//! Rules and words: prometheus-operator 0.93, `pkg/alertmanager/validation`; Alertmanager 0.33, `config/common/url.go`. Of a URL
//! that a Secret holds nothing is repeated in a message, not even where the operator does.

use super::alertmanager_config::text;
use super::http::{check_oauth2, check_proxy, check_safe_authorization};
use super::{Refusal, check_tls};
use crate::crds::types::Http;
use serde::Deserialize;
use serde_json::Value;
use tortie_template::{Limits, check_plain};

/// A URL that the operator names when it is wrong; an empty one is none.
pub(super) fn url(c: &Value, key: &str) -> Result<(), Refusal> {
    let url = text(c, key);
    match fault(url, &quoted(url)).filter(|_| !url.is_empty()) {
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
    let Some(url) = c.get(key).and_then(Value::as_str) else { return Ok(()) };
    check_template_url(url).map_err(|e| format!("invalid '{key}': {e}"))
}

/// Refuses a template that is none, and a URL that is none and no template.
fn check_template_url(url: &str) -> Result<(), Refusal> {
    if url.contains("{{") {
        return check_plain("", url, &Limits::default()).map_err(|e| e.message);
    }
    check_secret_url(url)
}

fn check_secret_url(url: &str) -> Result<(), Refusal> {
    // What Alertmanager shows in the place of a URL.
    if url == "<secret>" {
        return Ok(());
    }
    match fault(url, REDACTED) {
        None => Ok(()),
        Some(why) => {
            // An empty one as well, where two quotation marks stand for nothing.
            let why = why.replace(&format!("\"{url}\""), REDACTED);
            Err(format!("validate url from string failed with error: {why}"))
        }
    }
}

/// As [`given_template_url`] for what a Secret holds.
pub(super) fn template_url_of_secret(held: &[u8]) -> Result<(), Refusal> {
    check_template_url(String::from_utf8_lossy(held).trim()).map_err(|e| hidden(&e))
}

/// A URL that a Secret holds, and that is no template.
pub(super) fn url_of_secret(held: &[u8]) -> Result<(), Refusal> {
    check_secret_url(String::from_utf8_lossy(held).trim()).map_err(|e| hidden(&e))
}

/// What stands for a URL that is not to be seen.
const REDACTED: &str = "[REDACTED]";

/// A message without what it quotes.
fn hidden(message: &str) -> String {
    let mut out = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(['"', '<', '\'']) {
        let (before, from) = rest.split_at(start);
        let close = match from.chars().next() {
            Some('<') => '>',
            Some(open) => open,
            None => break,
        };
        // To the last one: a quoted text may hold quotation marks itself.
        let Some(end) = from.get(1..).and_then(|inside| inside.rfind(close)) else { break };
        out.push_str(before);
        out.push_str(if end == 0 { "\"\"" } else { REDACTED });
        rest = from.get(end + 2..).unwrap_or("");
    }
    out + rest
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// What Alertmanager has against a URL that stands between quotation marks in JSON, which is how the operator hands it over;
/// `shown` stands for it.
fn fault(url: &str, shown: &str) -> Option<String> {
    let url = match in_quotes(url) {
        Ok(url) => url,
        Err(why) => return Some(why),
    };
    if let Some(why) = tortie_config::url::fault(&url) {
        return Some(format!("parse {shown}: {why}"));
    }
    let unsupported = |scheme: &str| Some(format!("unsupported scheme {scheme:?} for URL"));
    let before_path = url.split(['/', '?', '#']).next().unwrap_or("");
    let Some((scheme, _)) = before_path.split_once(':') else { return unsupported("") };
    let lower = scheme.to_ascii_lowercase();
    if lower != "http" && lower != "https" {
        return unsupported(&lower);
    }
    let authority = url.get(scheme.len() + 1..).and_then(|rest| rest.strip_prefix("//"));
    let host = authority.and_then(|a| a.split(['/', '?', '#']).next()).unwrap_or("");
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.is_empty().then(|| "missing host for URL".to_owned())
}

/// The text that Go's JSON reads between two quotation marks, or its error.
fn in_quotes(text: &str) -> Result<String, String> {
    let wrong = |c: char, place: &str| {
        let shown = match c {
            '"' => "'\"'".to_owned(),
            '\'' => "'\\''".to_owned(),
            c => {
                let quoted = format!("{:?}", c.to_string());
                format!("'{}'", quoted.trim_matches('"'))
            }
        };
        Err(format!("invalid character {shown} {place}"))
    };
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let after = chars.find(|c| !c.is_ascii_whitespace()).unwrap_or('"');
                return wrong(after, "after top-level value");
            }
            '\\' => match chars.next() {
                None => return Err("unexpected end of JSON input".to_owned()),
                Some('b' | 'f' | 'n' | 'r' | 't' | '\\' | '/' | '"') => {}
                Some('u') => {
                    for _ in 0..4 {
                        let digit = chars.next().unwrap_or('"');
                        if !digit.is_ascii_hexdigit() {
                            return wrong(digit, "in \\u hexadecimal character escape");
                        }
                    }
                }
                Some(other) => return wrong(other, "in string escape code"),
            },
            c if c < ' ' => return wrong(c, "in string literal"),
            _ => {}
        }
    }
    // Halves of surrogates, which Go reads as U+FFFD, are no URL either way.
    Ok(serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| "\u{fffd}".to_owned()))
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
        let check = |url: &str, expect: Option<&str>| {
            assert_eq!(fault(url, &quoted(url)).as_deref(), expect, "{url}");
        };
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
        check(
            "https://!^example.com",
            Some("parse \"https://!^example.com\": invalid character \"^\" in host name"),
        );
        check("http://x:y", Some("parse \"http://x:y\": invalid port \":y\" after host"));
        check("a\"b", Some("invalid character 'b' after top-level value"));
        check("a\"", Some("invalid character '\"' after top-level value"));
        check("http://a\nb", Some("invalid character '\\n' in string literal"));
        check("http://a\\x", Some("invalid character 'x' in string escape code"));
        check("http://a\\", Some("unexpected end of JSON input"));
        check("http:\\/\\/a", None);
    }

    #[test]
    fn of_what_a_secret_holds_nothing_is_said() {
        let check = |held: &str, expect: Result<(), &str>| {
            let expect = expect.map_err(str::to_owned);
            assert_eq!(template_url_of_secret(held.as_bytes()), expect, "{held}");
        };
        const FAILED: &str = "validate url from string failed with error: ";
        let url = |held: &str, why: &str| check(held, Err(&format!("{FAILED}{why}")));
        check(" http://x/y\n", Ok(()));
        check("https://x/{{ .GroupLabels.team }}", Ok(()));
        url("", "unsupported scheme [REDACTED] for URL");
        check("<secret>", Ok(()));
        url("token", "unsupported scheme \"\" for URL");
        url("xoxb:token", "unsupported scheme [REDACTED] for URL");
        url("http://h:token", "parse [REDACTED]: invalid port [REDACTED] after host");
        url("http://", "missing host for URL");
        url("a\"b", "invalid character [REDACTED] after top-level value");
        check("{{ token }}", Err("template: :1: function [REDACTED] not defined"));
    }

    #[test]
    fn templates_are_parsed_with_the_functions_of_go_alone() {
        let check = |url: &str, expect: Result<(), &str>| {
            let config = serde_json::json!({"url": url});
            assert_eq!(template_url(&config, "url"), expect.map_err(str::to_owned), "{url}");
        };
        check("", Ok(()));
        check("http://x/{{ .A | urlquery }}", Ok(()));
        check("{{ .A | toUpper }}", Err("invalid 'url': template: :1: function \"toUpper\" not defined"));
        check("{{ .A", Err("invalid 'url': template: :1: unclosed action"));
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
