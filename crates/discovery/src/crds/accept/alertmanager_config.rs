//! What an AlertmanagerConfig may not say: receivers, routes and time intervals that contradict themselves, and for an
//! Alertmanager that takes it what that does not know and what is not there.
//!
//! Rules and words: prometheus-operator 0.93, `pkg/alertmanager/validation/v1alpha1` and `checkAlertmanagerConfigResource` of
//! `pkg/alertmanager/operator.go`.

use super::Refusal;
use super::receiver_ways::{http, smarthost, sns, template_url, url};
use super::{intervals, receivers};
use crate::crds::credentials::Store;
use crate::crds::types::AlertmanagerConfig;
use crate::crds::version::Version;
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields that the definition of a child route has; one is no schema of its own there.
const ROUTE: [&str; 10] = [
    "receiver",
    "groupBy",
    "groupWait",
    "groupInterval",
    "repeatInterval",
    "matchers",
    "continue",
    "routes",
    "muteTimeIntervals",
    "activeTimeIntervals",
];
/// Keys that VictorOps keeps for itself.
const RESERVED: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];

/// From this version on matchers have a kind.
const MATCHERS: &str = "0.22.0";

/// Refuses what the operator refuses whichever Alertmanager takes it.
pub(in crate::crds) fn check(config: &AlertmanagerConfig) -> Result<(), Refusal> {
    check_meaning(&config.spec)?;
    check_inhibits(&config.meta.name, &config.spec)
}

/// Refuses what the operator refuses for an Alertmanager of this version.
pub(in crate::crds) fn check_taken(
    config: &AlertmanagerConfig,
    version: &Version,
    store: &Store<'_>,
) -> Result<(), Refusal> {
    let spec = &config.spec;
    check_meaning(spec)?;
    receivers::check(spec, &config.meta.namespace, version, store)?;
    if version.since(MATCHERS) {
        return check_inhibits(&config.meta.name, spec);
    }
    spec.get("route").map_or(Ok(()), check_old_route)?;
    check_old_inhibits(spec)
}

fn check_meaning(spec: &Value) -> Result<(), Refusal> {
    let mut receivers = BTreeSet::new();
    for receiver in list(spec, "receivers") {
        let name = text(receiver, "name");
        if !receivers.insert(name) {
            return Err(format!("{name:?} receiver is not unique"));
        }
        check_receiver(receiver).map_err(|e| format!("failed to validate receiver {name:?}: {e}"))?;
    }
    let mut mute = BTreeSet::new();
    for (i, interval) in list(spec, "muteTimeIntervals").iter().enumerate() {
        intervals::check(interval).map_err(|e| format!("mute time interval[{i}] is invalid: {e}"))?;
        mute.insert(text(interval, "name"));
    }
    spec.get("route").map_or(Ok(()), |route| check_route(route, &receivers, &mute, true))
}

fn check_inhibits(name: &str, spec: &Value) -> Result<(), Refusal> {
    for (i, rule) in list(spec, "inhibitRules").iter().enumerate() {
        for (key, what) in [("targetMatch", "targetMatchers"), ("sourceMatch", "sourceMatchers")] {
            for (j, matcher) in list(rule, key).iter().enumerate() {
                check_matcher(matcher)
                    .map_err(|e| format!("invalid {what}[{j}] in inhibitRule[{i}] in config {name}: {e}"))?;
            }
        }
    }
    Ok(())
}

/// Matchers with a kind in an Alertmanager that only knows equality and `regex`.
fn check_old_route(route: &Value) -> Result<(), Refusal> {
    let matchers = list(route, "matchers");
    if matchers.iter().any(has_kind) {
        return Err(format!(
            "invalid syntax in route config for 'matchers' comparison based matching is supported in Alertmanager >= 0.22.0 only (matchers={}) (receiver={})",
            shown(matchers),
            text(route, "receiver")
        ));
    }
    list(route, "routes").iter().try_for_each(check_old_route)
}

fn check_old_inhibits(spec: &Value) -> Result<(), Refusal> {
    for rule in list(spec, "inhibitRules") {
        let (source, target) = (list(rule, "sourceMatch"), list(rule, "targetMatch"));
        if source.iter().chain(target).any(has_kind) {
            return Err(format!(
                "'sourceMatch' and/or 'targetMatch' are using matching syntax which is supported in Alertmanager >= 0.22.0 only (sourceMatch={}, targetMatch={})",
                shown(source),
                shown(target)
            ));
        }
    }
    Ok(())
}

fn has_kind(matcher: &Value) -> bool {
    !text(matcher, "matchType").is_empty()
}

/// Matchers as Go prints a list of them.
fn shown(matchers: &[Value]) -> String {
    let one = |m: &Value| {
        let value = text(m, "value").replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
        format!("{}{}\"{value}\"", text(m, "name"), text(m, "matchType"))
    };
    format!("[{}]", matchers.iter().map(one).collect::<Vec<_>>().join(" "))
}

fn check_matcher(m: &Value) -> Result<(), Refusal> {
    let kind = text(m, "matchType");
    if !matches!(kind, "" | "=" | "!=" | "=~" | "!~") {
        return Err(format!("invalid 'matchType' '{kind}' provided'"));
    }
    if !kind.is_empty() && text(m, "name").trim().is_empty() {
        return Err("matcher 'name' is required".to_owned());
    }
    Ok(())
}

pub(super) fn list<'v>(v: &'v Value, key: &str) -> &'v [Value] {
    v.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn text<'v>(v: &'v Value, key: &str) -> &'v str {
    v.get(key).and_then(Value::as_str).unwrap_or("")
}

/// How one way of telling is checked.
type Check = fn(&Value) -> Result<(), Refusal>;

fn check_receiver(receiver: &Value) -> Result<(), Refusal> {
    // In the operator's order.
    let kinds: [(&str, Check); 15] = [
        ("opsgenieConfigs", opsgenie),
        ("pagerdutyConfigs", pagerduty),
        ("discordConfigs", http),
        ("slackConfigs", |c| slack(c).and_then(|()| http(c))),
        ("webhookConfigs", webhook),
        ("wechatConfigs", by_api_url),
        ("emailConfigs", email),
        ("victoropsConfigs", victorops),
        ("pushoverConfigs", pushover),
        ("snsConfigs", |c| sns(c).and_then(|()| http(c))),
        ("telegramConfigs", telegram),
        ("webexConfigs", by_api_url),
        ("msteamsConfigs", http),
        ("msteamsv2Configs", http),
        ("rocketchatConfigs", rocketchat),
    ];
    for (kind, check) in kinds {
        for (i, config) in list(receiver, kind).iter().enumerate() {
            check(config).map_err(|e| format!("'{kind}'[{i}]: {e}"))?;
        }
    }
    Ok(())
}

fn one_of(c: &Value, [a, b]: [&str; 2], what: &str) -> Result<(), Refusal> {
    match c.get(a).or_else(|| c.get(b)) {
        Some(_) => Ok(()),
        None => Err(format!("one of '{a}' or '{b}' {what}")),
    }
}

fn by_api_url(c: &Value) -> Result<(), Refusal> {
    url(c, "apiURL")?;
    http(c)
}

fn webhook(c: &Value) -> Result<(), Refusal> {
    one_of(c, ["url", "urlSecret"], "must be specified")?;
    template_url(c, "url")?;
    http(c)
}

fn pagerduty(c: &Value) -> Result<(), Refusal> {
    url(c, "url")?;
    template_url(c, "clientURL")?;
    one_of(c, ["routingKey", "serviceKey"], "is required")?;
    for kind in ["pagerDutyLinkConfigs", "pagerDutyImageConfigs"] {
        for (i, link) in list(c, kind).iter().enumerate() {
            template_url(link, "href").map_err(|e| format!("'{kind}'[{i}]: {e}"))?;
        }
    }
    http(c)
}

fn rocketchat(c: &Value) -> Result<(), Refusal> {
    url(c, "apiURL")?;
    for key in ["iconURL", "imageURL", "thumbURL"] {
        template_url(c, key)?;
    }
    for (i, action) in list(c, "actions").iter().enumerate() {
        template_url(action, "url").map_err(|e| format!("'actions'[{i}]: {e}"))?;
    }
    http(c)
}

fn opsgenie(c: &Value) -> Result<(), Refusal> {
    for r in list(c, "responders") {
        if ["id", "name", "username"].iter().all(|k| text(r, k).is_empty()) {
            return Err("responder must have at least an ID, a Name or an Username defined".to_owned());
        }
    }
    by_api_url(c)
}

fn slack(c: &Value) -> Result<(), Refusal> {
    let missing = |what: &str, of: &str| Err(format!("missing {what} in Slack {of} configuration"));
    for action in list(c, "actions") {
        for key in ["type", "text"] {
            if text(action, key).is_empty() {
                return missing(&format!("'{key}'"), "action");
            }
        }
        if text(action, "url").is_empty() && text(action, "name").is_empty() {
            return missing("'name' or 'url'", "action");
        }
        if action.get("confirm").is_some_and(|c| text(c, "text").is_empty()) {
            return missing("'text'", "confirmation");
        }
    }
    for field in list(c, "fields") {
        for key in ["title", "value"] {
            if text(field, key).is_empty() {
                return missing(&format!("'{key}'"), "field");
            }
        }
    }
    Ok(())
}

fn email(c: &Value) -> Result<(), Refusal> {
    if text(c, "to").is_empty() {
        return Err("missing 'to' address".to_owned());
    }
    smarthost(c)?;
    let mut seen = BTreeSet::new();
    for header in list(c, "headers") {
        let name = text(header, "key").to_lowercase();
        if seen.contains(&name) {
            return Err(format!("duplicate header {name:?}"));
        }
        seen.insert(name);
    }
    Ok(())
}

fn victorops(c: &Value) -> Result<(), Refusal> {
    let reserved = list(c, "customFields").iter().map(|f| text(f, "key")).find(|k| RESERVED.contains(k));
    if let Some(key) = reserved {
        return Err(format!("usage of reserved word {key:?} is not allowed in custom fields"));
    }
    match c.get("routingKey") {
        Some(Value::String(s)) if s.is_empty() => Err("missing 'routingKey' key".to_owned()),
        None => Err("missing 'routingKey' key".to_owned()),
        Some(_) => by_api_url(c),
    }
}

fn pushover(c: &Value) -> Result<(), Refusal> {
    one_of(c, ["userKey", "userKeyFile"], "must be configured")?;
    one_of(c, ["token", "tokenFile"], "must be configured")?;
    let on = |key: &str| c.get(key).and_then(Value::as_bool) == Some(true);
    if on("html") && on("monospace") {
        return Err("'html' and 'monospace' options are mutually exclusive".to_owned());
    }
    template_url(c, "url")?;
    http(c)
}

fn telegram(c: &Value) -> Result<(), Refusal> {
    let refuse = |words: &str| Err(words.to_owned());
    match (c.get("botToken"), c.get("botTokenFile")) {
        (None, None) => return refuse("mandatory field botToken or botTokenfile is empty"),
        (Some(_), Some(_)) => return refuse("only one of 'botToken' or 'botTokenfile' must be configured"),
        _ => {}
    }
    match c.get("chatID").and_then(Value::as_i64) {
        None | Some(0) => refuse("mandatory field 'chatID' is empty"),
        Some(_) => by_api_url(c),
    }
}

fn check_route(
    route: &Value,
    receivers: &BTreeSet<&str>,
    mute: &BTreeSet<&str>,
    top: bool,
) -> Result<(), Refusal> {
    match text(route, "receiver") {
        "" if top => return Err("root route must define a receiver".to_owned()),
        "" => {}
        name if receivers.contains(name) => {}
        name => return Err(format!("receiver {name:?} not found")),
    }
    let by: Vec<&str> = list(route, "groupBy").iter().filter_map(Value::as_str).collect();
    let unique: BTreeSet<&str> = by.iter().copied().collect();
    let shown = || format!("[{}]", by.join(" "));
    if unique.len() < by.len() {
        return Err(format!("duplicate values not permitted in route 'groupBy': {}", shown()));
    }
    if unique.contains("...") && by.len() > 1 {
        return Err(format!("'...' must be a sole value in route 'groupBy': {}", shown()));
    }
    for (key, what) in [("muteTimeIntervals", "mute time interval"), ("activeTimeIntervals", "time interval")]
    {
        for name in list(route, key).iter().filter_map(Value::as_str) {
            if !mute.contains(name) {
                return Err(format!("{what} {name:?} not found"));
            }
        }
    }
    for (i, m) in list(route, "matchers").iter().enumerate() {
        check_matcher(m).map_err(|e| format!("matcher[{i}]: {e}"))?;
    }
    let children = list(route, "routes");
    for (i, child) in children.iter().enumerate() {
        let mut keys = child.as_object().into_iter().flatten().map(|(k, _)| k.as_str());
        if let Some(key) = keys.find(|k| !ROUTE.contains(k)) {
            return Err(format!("route[{i}]: json: unknown field {key:?}"));
        }
    }
    for (i, child) in children.iter().enumerate() {
        check_route(child, receivers, mute, false).map_err(|e| format!("route[{i}]: {e}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    #[allow(clippy::needless_pass_by_value)]
    fn says(spec: Value, expect: Result<(), &str>) {
        let meta = crate::crds::types::Meta { name: "c".into(), ..Default::default() };
        let config = AlertmanagerConfig { meta, spec };
        assert_eq!(check(&config), expect.map_err(str::to_owned), "{config:?}");
    }

    fn receiver(kind: &str, config: &Value) -> Value {
        json!({"receivers": [{"name": "r", kind: [config]}], "route": {"receiver": "r"}})
    }

    #[test]
    fn routes_name_what_is_there() {
        says(receiver("webhookConfigs", &json!({"url": "http://x"})), Ok(()));
        says(json!({"route": {}}), Err("root route must define a receiver"));
        says(json!({"route": {"receiver": "x"}}), Err("receiver \"x\" not found"));
        let routed = |route: Value| json!({"receivers": [{"name": "r"}], "route": route});
        says(
            routed(json!({"receiver": "r", "routes": [{"routes": [{"receiver": "no"}]}]})),
            Err("route[0]: route[0]: receiver \"no\" not found"),
        );
        says(
            routed(json!({"receiver": "r", "groupBy": ["a", "a"]})),
            Err("duplicate values not permitted in route 'groupBy': [a a]"),
        );
        says(
            routed(json!({"receiver": "r", "muteTimeIntervals": ["night"]})),
            Err("mute time interval \"night\" not found"),
        );
        says(
            routed(json!({"receiver": "r", "routes": [{"reciever": "r"}]})),
            Err("route[0]: json: unknown field \"reciever\""),
        );
        let inhibits = |rule: Value| json!({"inhibitRules": [{}, rule]});
        says(inhibits(json!({"sourceMatch": [{"name": "a", "value": "b", "matchType": "=~"}]})), Ok(()));
        says(
            inhibits(json!({"sourceMatch": [{"name": "a"}, {"name": "", "matchType": "="}]})),
            Err("invalid sourceMatchers[1] in inhibitRule[1] in config c: matcher 'name' is required"),
        );
        says(
            inhibits(json!({"targetMatch": [{"name": "a", "matchType": "=="}]})),
            Err(
                "invalid targetMatchers[0] in inhibitRule[1] in config c: invalid 'matchType' '==' provided'",
            ),
        );
    }

    #[test]
    fn old_ones_know_no_kinds_of_matchers() {
        let check = |version: &str, spec: Value, expect: Result<(), &str>| {
            let known = crate::crds::Known::default();
            let config = AlertmanagerConfig { meta: Default::default(), spec };
            let got = check_taken(&config, &Version::parse(version).unwrap(), &Store::new(&known));
            assert_eq!(got, expect.map_err(str::to_owned), "{config:?}");
        };
        let kind = json!([{"name": "a", "value": "b\"", "matchType": "=~"}, {"name": "c", "value": "d"}]);
        let route =
            json!({"receivers": [{"name": "r"}], "route": {"receiver": "r", "routes": [{"matchers": kind}]}});
        check("0.22.0", route.clone(), Ok(()));
        check(
            "0.21.0",
            route,
            Err(
                "invalid syntax in route config for 'matchers' comparison based matching is supported in Alertmanager >= 0.22.0 only (matchers=[a=~\"b\\\"\" c\"d\"]) (receiver=)",
            ),
        );
        let inhibits = json!({"inhibitRules": [{"sourceMatch": kind}]});
        check(
            "0.21.0",
            inhibits,
            Err(
                "'sourceMatch' and/or 'targetMatch' are using matching syntax which is supported in Alertmanager >= 0.22.0 only (sourceMatch=[a=~\"b\\\"\" c\"d\"], targetMatch=[])",
            ),
        );
    }

    #[test]
    fn receivers_are_whole() {
        let of = |kind: &str, config: Value, words: &str| {
            let whole = format!("failed to validate receiver \"r\": '{kind}'[0]: {words}");
            says(receiver(kind, &config), Err(&whole));
        };
        of("webhookConfigs", json!({}), "one of 'url' or 'urlSecret' must be specified");
        of("pagerdutyConfigs", json!({}), "one of 'routingKey' or 'serviceKey' is required");
        of("emailConfigs", json!({}), "missing 'to' address");
        of("telegramConfigs", json!({"botTokenFile": "x"}), "mandatory field 'chatID' is empty");
        of(
            "slackConfigs",
            json!({"fields": [{"title": "x"}]}),
            "missing 'value' in Slack field configuration",
        );
        says(json!({"receivers": [{"name": "a"}, {"name": "a"}]}), Err("\"a\" receiver is not unique"));
    }
}
