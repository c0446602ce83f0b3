//! AlertmanagerConfigs beside the operator's own code: what contradicts itself, what the Alertmanager's version does not know,
//! Secrets and ConfigMaps that are missing or lack the key, URLs that are templates.

use crate::clusters::base64;
use crate::oracle::operator;
use crate::rule_files::{judge, meta, prometheus, surroundings, verdict};
use serde_json::{Value, json};
use tortie_discovery::crds::{Known, Objects, alertmanager_configs};

/// Versions of Alertmanager around those with which something came; the first is the operator's own choice.
const VERSIONS: [&str; 13] = [
    "",
    "v0.33.0",
    "v0.32.1",
    "0.31",
    "v0.30.0",
    "v0.29.0",
    "v0.28.0-rc.1",
    "v0.27.0",
    "v0.25.1",
    "v0.24.0",
    "v0.23.0",
    "v0.22.0",
    "v0.21.0",
];

/// What we say of all AlertmanagerConfigs, as the operator's answers have it.
pub(crate) fn verdicts(objects: &Objects, known: &Known) -> Vec<Value> {
    let mut out = Vec::new();
    for config in alertmanager_configs(objects, known).configs {
        if config.selected.is_empty() {
            out.push(verdict("AlertmanagerConfig", &config.key, config.refused.as_deref()));
        }
        for taken in &config.selected {
            assert!(!taken.unavailable, "{taken:?}");
            let mut v = verdict("AlertmanagerConfig", &config.key, taken.refused.as_deref());
            v["by"] = json!(taken.by);
            out.push(v);
        }
    }
    out
}

/// An AlertmanagerConfig in namespace `apps` for each of these.
pub(crate) fn objects(specs: &[Value]) -> Vec<Value> {
    let one = |(i, spec): (usize, &Value)| json!({"apiVersion": "monitoring.coreos.com/v1alpha1", "kind": "AlertmanagerConfig", "metadata": meta("apps", &format!("c{i:03}"), &json!({})), "spec": spec});
    specs.iter().enumerate().map(one).collect()
}

fn key(name: &str, key: &str) -> Value {
    json!({"name": name, "key": key})
}

fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut out = base.clone();
    out[name] = value;
    out
}

/// Ways of telling that are whole, with their keys of Secrets.
fn ways() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let hook = |k: &str| key("hooks", k);
    vec![
        ("pagerdutyConfigs", json!({"routingKey": hook("token")}), vec!["routingKey", "serviceKey"]),
        ("opsgenieConfigs", json!({"apiKey": hook("token")}), vec!["apiKey"]),
        ("discordConfigs", json!({"apiURL": hook("url")}), vec!["apiURL"]),
        ("slackConfigs", json!({"apiURL": hook("url")}), vec!["apiURL"]),
        ("webhookConfigs", json!({"urlSecret": hook("url")}), vec!["urlSecret"]),
        ("wechatConfigs", json!({"apiSecret": hook("token")}), vec!["apiSecret"]),
        ("webexConfigs", json!({"roomID": "r"}), vec![]),
        ("emailConfigs", json!({"to": "a@b"}), vec!["authPassword", "authSecret"]),
        ("victoropsConfigs", json!({"routingKey": "r", "apiKey": hook("token")}), vec!["apiKey"]),
        (
            "pushoverConfigs",
            json!({"userKey": hook("token"), "token": hook("token")}),
            vec!["userKey", "token"],
        ),
        ("snsConfigs", json!({"topicARN": "t"}), vec![]),
        ("telegramConfigs", json!({"chatID": 1, "botToken": hook("token")}), vec!["botToken"]),
        ("msteamsConfigs", json!({"webhookUrl": hook("url")}), vec!["webhookUrl"]),
        ("msteamsv2Configs", json!({"webhookURL": hook("url")}), vec!["webhookURL"]),
        (
            "rocketchatConfigs",
            json!({"token": hook("token"), "tokenID": hook("token")}),
            vec!["token", "tokenID"],
        ),
    ]
}

/// Settings of HTTP, good and wrong in one way each.
fn https() -> Vec<Value> {
    let ca = |name: &str, k: &str| json!({"tlsConfig": {"ca": {"secret": key(name, k)}}});
    let oauth2 = |client: Value, secret: Value| json!({"oauth2": {"clientId": client, "clientSecret": secret, "tokenUrl": "http://x"}});
    let of_map = |name: &str, k: &str| json!({"configMap": key(name, k)});
    vec![
        json!({"authorization": {"credentials": key("hooks", "token")}}),
        json!({"authorization": {"credentials": key("no", "token")}}),
        json!({"authorization": {"type": "Token", "credentials": key("hooks", "no")}}),
        json!({"bearerTokenSecret": key("hooks", "no")}),
        json!({"basicAuth": {"username": key("creds", "user"), "password": key("creds", "password")}}),
        json!({"basicAuth": {"username": key("no", "user"), "password": key("creds", "password")}}),
        json!({"basicAuth": {"username": key("creds", "user"), "password": key("creds", "no")}}),
        ca("creds", "ca.crt"),
        ca("creds", "no"),
        ca("creds", "not-pem"),
        json!({"tlsConfig": {"cert": {"secret": key("creds", "tls.crt")}, "keySecret": key("creds", "no")}}),
        oauth2(of_map("public", "client"), key("hooks", "token")),
        oauth2(of_map("public", "no"), key("hooks", "token")),
        oauth2(of_map("no", "client"), key("hooks", "token")),
        oauth2(of_map("public", "client"), key("hooks", "no")),
        json!({"proxyUrl": "http://p", "noProxy": "x"}),
        json!({"proxyFromEnvironment": true}),
        json!({"proxyUrl": "http://p", "proxyConnectHeader": {"X": [key("hooks", "token"), key("no", "k")]}}),
    ]
}

/// What hangs on a version or on what is named, one thing each.
fn needs() -> Vec<Value> {
    let receiver =
        |kind: &str, c: &Value| json!({"receivers": [{"name": "r", kind: [c]}], "route": {"receiver": "r"}});
    let hook = |k: &str| key("hooks", k);
    let mut out = Vec::new();
    for (kind, base, secrets) in ways() {
        out.push(receiver(kind, &base));
        for name in secrets {
            for named in [hook("token"), hook("no"), key("gone", "token"), hook("empty")] {
                // A token in the place of a URL is quoted by the operator: see below for those that it does not quote.
                if named == hook("token") && base[name] == hook("url") {
                    continue;
                }
                out.push(receiver(kind, &with(&base, name, named)));
            }
        }
        if kind != "emailConfigs" {
            out.extend(https().into_iter().map(|http| receiver(kind, &with(&base, "httpConfig", http))));
        }
    }
    let slack = |more: Value| {
        let mut c = json!({"apiURL": hook("url")});
        c.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        receiver("slackConfigs", &c)
    };
    let pushover = |name: &str, value: &str| {
        let c = json!({"userKey": hook("token"), "token": hook("token"), name: value});
        receiver("pushoverConfigs", &c)
    };
    let of_url = |kind: &str, name: &str, k: &str| receiver(kind, &json!({name: hook(k)}));
    let tls = json!({"ca": {"configMap": key("public", "no")}});
    let kind = json!([{"name": "a", "value": "b\"c\\d\n", "matchType": "=~"}, {"name": "c", "value": "d"}]);
    let plain = json!([{"name": "c", "value": "d", "regex": true}]);
    let routed = |route: Value| json!({"receivers": [{"name": "r"}], "route": route});
    out.extend([
        slack(json!({"messageText": "t"})),
        slack(json!({"updateMessage": false})),
        slack(json!({"updateMessage": true})),
        slack(json!({"updateMessage": true, "apiURL": hook("bot")})),
        slack(json!({"updateMessage": true, "apiURL": hook("bot-line")})),
        receiver("slackConfigs", &json!({"updateMessage": true})),
        receiver("webhookConfigs", &json!({"url": "http://x", "payload": "p"})),
        receiver("emailConfigs", &json!({"to": "a@b", "forceImplicitTLS": false})),
        receiver("emailConfigs", &json!({"to": "a@b", "threading": {"enabled": true}})),
        receiver("emailConfigs", &json!({"to": "a@b", "tlsConfig": tls})),
        receiver("opsgenieConfigs", &json!({"responders": [{"type": "teams", "name": "x"}]})),
        receiver("snsConfigs", &json!({"topicARN": "t", "useAWSHTTPClient": true})),
        receiver("snsConfigs", &json!({"topicARN": "t", "sigv4": {"accessKey": hook("token")}})),
        receiver("snsConfigs", &json!({"topicARN": "t", "sigv4": {"accessKey": hook("token"), "secretKey": hook("no")}})),
        receiver("snsConfigs", &json!({"topicARN": "t", "sigv4": {"accessKey": hook("no"), "secretKey": hook("token")}})),
        receiver("telegramConfigs", &json!({"chatID": 1, "botTokenFile": "/x"})),
        receiver("pushoverConfigs", &json!({"userKeyFile": "x", "tokenFile": "y"})),
        pushover("expire", "1h"),
        pushover("expire", "soon"),
        pushover("retry", "1"),
        of_url("discordConfigs", "apiURL", "line"),
        of_url("discordConfigs", "apiURL", "empty"),
        of_url("slackConfigs", "apiURL", "path"),
        of_url("slackConfigs", "apiURL", "no-host"),
        of_url("slackConfigs", "apiURL", "address"),
        of_url("webhookConfigs", "urlSecret", "template"),
        of_url("webhookConfigs", "urlSecret", "half-template"),
        of_url("discordConfigs", "apiURL", "template"),
        routed(json!({"receiver": "r", "matchers": kind})),
        routed(json!({"receiver": "r", "matchers": plain})),
        routed(json!({"receiver": "r", "routes": [{"receiver": "r", "matchers": plain}, {"matchers": kind}]})),
        json!({"inhibitRules": [{"sourceMatch": plain, "targetMatch": plain}]}),
        json!({"inhibitRules": [{"sourceMatch": plain, "targetMatch": plain}, {"sourceMatch": plain, "targetMatch": kind}]}),
        json!({"inhibitRules": [{"sourceMatch": [{"name": " ", "matchType": "="}]}]}),
        json!({"inhibitRules": [{"targetMatch": [{"name": "a", "matchType": "=="}]}]}),
        // Two receivers: the order in which they are looked at.
        json!({"receivers": [{"name": "a", "opsgenieConfigs": [{"apiKey": key("gone", "k")}]}, {"name": "b", "discordConfigs": [{"apiURL": hook("no")}]}], "route": {"receiver": "a"}}),
    ]);
    out
}

/// Texts that are templates, or should be.
fn templates() -> Vec<Value> {
    let texts = [
        "https://x/{{ .GroupLabels.team }}",
        "{{ .A | urlquery }}",
        "{{ .A | toUpper }}",
        "{{ .A",
        "{{ if }}",
        "{{ if .A }}x",
        "{{ if .A }}x{{ else }}y{{ end }}",
        "{{ end }}",
        "{{ range .A }}{{ break }}{{ end }}",
        "{{ break }}",
        "{{ template \"x\" }}",
        "{{ template }}",
        "{{ define \"x\" }}y{{ end }}{{ template \"x\" . }}",
        "{{ $x }}",
        "{{ $x := 1 }}{{ $x }}",
        "{{ 1x }}",
        "{{ 'a }}",
        "{{ \"a }}",
        "{{ printf \"%s\" . }}",
        "{{/* nothing */}}",
        "{{/* nothing",
        "{{- .A -}}",
        "{{ . ! }}",
        "{{ .A.B.C }}",
        "{{ (.A }}",
        "{{ .A | 3 }}",
        "{{}}",
        "{{ nil }}",
        "{{ with $y := .A }}{{ $y }}{{ end }}{{ $y }}",
    ];
    let one = |text: &&str| json!({"receivers": [{"name": "r", "webhookConfigs": [{"url": text}]}], "route": {"receiver": "r"}});
    let link = |text: &&str| json!({"receivers": [{"name": "r", "pagerdutyConfigs": [{"routingKey": key("hooks", "token"), "pagerDutyLinkConfigs": [{"href": text}]}]}], "route": {"receiver": "r"}});
    let urls = [
        "https://!^example.com",
        "https://u:p@example.com",
        "http://x:y",
        "http://[::1",
        "http://x/%zz",
        "HTTP://x",
    ];
    let fixed = |text: &&str| json!({"receivers": [{"name": "r", "webhookConfigs": [{"url": text}], "opsgenieConfigs": [{"apiURL": "http://x"}]}], "route": {"receiver": "r"}});
    let named = |text: &&str| json!({"receivers": [{"name": "r", "opsgenieConfigs": [{"apiURL": text}]}], "route": {"receiver": "r"}});
    let links = texts.iter().take(6).map(link);
    texts.iter().map(one).chain(links).chain(urls.iter().map(fixed)).chain(urls.iter().map(named)).collect()
}

/// A cluster with an Alertmanager of each version that selects everything.
fn cluster(specs: &[Value]) -> Value {
    let held = [
        ("url", "https://hooks.example/x"),
        ("line", " https://hooks.example/x\n"),
        ("bot", "https://slack.com/api/chat.postMessage"),
        ("bot-line", "https://slack.com/api/chat.postMessage\n"),
        ("token", "t"),
        ("empty", ""),
        ("path", "/x"),
        ("no-host", "http://"),
        ("address", "10.0.0.1:80"),
        ("template", "https://x/{{ .GroupLabels.team }}"),
        ("half-template", "https://x/{{ .GroupLabels.team"),
    ];
    let data: serde_json::Map<String, Value> =
        held.iter().map(|(k, v)| ((*k).to_owned(), json!(base64(v)))).collect();
    let mut all = surroundings();
    all.push(json!({"kind": "Namespace", "metadata": {"name": "monitoring"}}));
    all.push(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hooks", "namespace": "apps"}, "data": data}));
    all.push(prometheus(&json!({})));
    for (i, version) in VERSIONS.iter().enumerate() {
        let spec = json!({"version": version, "alertmanagerConfigSelector": {}, "alertmanagerConfigNamespaceSelector": {}});
        all.push(json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Alertmanager", "metadata": meta("monitoring", &format!("am-{i:02}"), &json!({})), "spec": spec}));
    }
    // One that selects nobody, one of the own namespace alone.
    for (name, spec) in [("none", json!({})), ("own", json!({"alertmanagerConfigSelector": {}}))] {
        all.push(json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Alertmanager", "metadata": meta("monitoring", name, &json!({})), "spec": spec}));
    }
    all.extend(objects(specs));
    json!({"objects": all, "inlineTLS": true})
}

#[test]
fn alertmanager_configs_are_judged_as_the_operator_judges_them() {
    let all: Vec<(&str, Vec<Value>)> =
        vec![("meanings", meanings()), ("needs", needs()), ("templates", templates())];
    let clusters: Vec<Value> = all.iter().map(|(_, specs)| cluster(specs)).collect();
    let answers = operator(&clusters);
    assert_eq!(answers.len(), clusters.len());
    let mut bad = Vec::new();
    for (((name, specs), cluster), answer) in all.iter().zip(&clusters).zip(&answers) {
        let (differences, [accepted, refused, _]) = judge(cluster, answer);
        println!(
            "{name}: {} objects, {accepted} times accepted, {refused} times refused in the same words",
            specs.len()
        );
        assert!(accepted > 50 && refused > 150, "{name}: {accepted} {refused}");
        let named = |d: String| {
            let number =
                d.strip_prefix("verdicts/").and_then(|d| d.split('/').next()).and_then(|n| n.parse().ok());
            let of = number.map_or(&Value::Null, |n: usize| &answer["verdicts"][n]);
            let index =
                of["key"].as_str().and_then(|k| k.strip_prefix("apps/c")).and_then(|n| n.parse().ok());
            let spec = index.and_then(|n: usize| specs.get(n)).unwrap_or(&Value::Null);
            format!("{name}: {} {} {spec}", d.chars().take(600).collect::<String>(), of["by"])
        };
        bad.extend(differences.into_iter().take(8).map(named));
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

/// What contradicts itself, and what does not, whichever Alertmanager takes it.
pub(crate) fn meanings() -> Vec<Value> {
    let receiver =
        |kind: &str, c: Value| json!({"receivers": [{"name": "r", kind: [c]}], "route": {"receiver": "r"}});
    let interval = |i: Value| json!({"muteTimeIntervals": [{"name": "m", "timeIntervals": [i]}]});
    let routed = |route: Value| json!({"receivers": [{"name": "r"}], "route": route});
    let key = |name: &str, key: &str| json!({"name": name, "key": key});
    let with_http = |http: Value| json!({"url": "http://x", "httpConfig": http});
    let oauth2 =
        json!({"clientId": {"secret": key("s", "k")}, "clientSecret": key("s", "k"), "tokenUrl": "http://x"});
    vec![
        json!({}),
        receiver("webhookConfigs", json!({"url": "http://x"})),
        receiver("webhookConfigs", json!({})),
        receiver("pagerdutyConfigs", json!({})),
        receiver("emailConfigs", json!({})),
        receiver(
            "emailConfigs",
            json!({"to": "a@b", "headers": [{"key": "X", "value": "1"}, {"key": "x", "value": "2"}]}),
        ),
        receiver(
            "victoropsConfigs",
            json!({"routingKey": "", "customFields": [{"key": "entity_id", "value": "x"}]}),
        ),
        receiver("victoropsConfigs", json!({"routingKey": ""})),
        receiver("pushoverConfigs", json!({"userKeyFile": "x"})),
        receiver(
            "pushoverConfigs",
            json!({"userKeyFile": "x", "tokenFile": "y", "html": true, "monospace": true}),
        ),
        receiver("telegramConfigs", json!({"chatID": 1})),
        receiver("telegramConfigs", json!({"botTokenFile": "x"})),
        receiver("slackConfigs", json!({"actions": [{"type": "b", "text": "t"}]})),
        receiver("slackConfigs", json!({"fields": [{"title": "", "value": "x"}]})),
        receiver("opsgenieConfigs", json!({"responders": [{"type": "team"}]})),
        receiver("opsgenieConfigs", json!({"apiURL": "localhost:80"})),
        receiver("webhookConfigs", json!({"url": "ftp://x"})),
        receiver("webhookConfigs", json!({"url": "10.0.0.1:80"})),
        receiver("webhookConfigs", json!({"url": "{{ .X }}"})),
        receiver("webhookConfigs", with_http(json!({"basicAuth": {}, "oauth2": oauth2}))),
        receiver("webhookConfigs", with_http(json!({"bearerTokenSecret": key("s", "k"), "basicAuth": {}}))),
        receiver(
            "webhookConfigs",
            with_http(json!({"authorization": {"type": "Basic", "credentials": key("s", "k")}})),
        ),
        receiver("webhookConfigs", with_http(json!({"authorization": {}}))),
        receiver("webhookConfigs", with_http(json!({"tlsConfig": {"keySecret": key("s", "k")}}))),
        receiver("webhookConfigs", with_http(json!({"noProxy": "x"}))),
        receiver("webhookConfigs", with_http(json!({"followRedirects": true}))),
        receiver("pagerdutyConfigs", json!({"url": "http://", "routingKey": key("s", "k")})),
        receiver(
            "pagerdutyConfigs",
            json!({"routingKey": key("s", "k"), "pagerDutyLinkConfigs": [{"href": "http://x"}, {"href": "x"}]}),
        ),
        receiver("pagerdutyConfigs", json!({"routingKey": key("s", "k"), "clientURL": "://x"})),
        receiver("emailConfigs", json!({"to": "a@b", "smarthost": "mail"})),
        receiver("emailConfigs", json!({"to": "a@b", "smarthost": "[::1]:2:5"})),
        receiver("emailConfigs", json!({"to": "a@b", "smarthost": "mail:25"})),
        receiver("snsConfigs", json!({"sigv4": {}})),
        receiver("snsConfigs", json!({"topicARN": "t"})),
        receiver("snsConfigs", json!({"topicARN": "t", "phoneNumber": "1"})),
        receiver("snsConfigs", json!({"topicARN": "t", "apiURL": "x"})),
        receiver(
            "rocketchatConfigs",
            json!({"token": key("s", "k"), "tokenID": key("s", "k"), "iconURL": "x"}),
        ),
        receiver("telegramConfigs", json!({"botTokenFile": "x", "chatID": 1, "apiURL": "x:1"})),
        receiver("webexConfigs", json!({"roomID": "r", "apiURL": "HTTP://h"})),
        receiver(
            "discordConfigs",
            json!({"apiURL": key("s", "k"), "httpConfig": {"authorization": {}, "basicAuth": {}}}),
        ),
        json!({"receivers": [{"name": "a"}, {"name": "a"}]}),
        json!({"route": {}}),
        json!({"route": {"receiver": "x"}}),
        routed(json!({"receiver": "r", "groupBy": ["a", "a"]})),
        routed(json!({"receiver": "r", "groupBy": ["...", "a"]})),
        routed(json!({"receiver": "r", "routes": [{"receiver": "r"}, {"routes": [{"receiver": "no"}]}]})),
        routed(json!({"receiver": "r", "routes": [{"reciever": "r"}]})),
        routed(json!({"receiver": "r", "muteTimeIntervals": ["n"]})),
        routed(json!({"receiver": "r", "activeTimeIntervals": ["n"]})),
        routed(json!({"receiver": "r", "matchers": [{"name": " ", "value": "x", "matchType": "="}]})),
        routed(json!({"receiver": "r", "matchers": [{"name": "a", "value": "x", "matchType": "~"}]})),
        interval(
            json!({"times": [{"startTime": "08:00", "endTime": "24:00"}], "weekdays": ["Monday:friday"], "months": ["1:March"], "years": ["2024:2030"], "daysOfMonth": [{"start": -3, "end": -1}]}),
        ),
        interval(json!({"times": [{"startTime": "9:00", "endTime": "10:00"}]})),
        interval(json!({"times": [{"startTime": "11:00", "endTime": "10:00"}]})),
        interval(json!({"weekdays": ["friday:monday"]})),
        interval(json!({"weekdays": ["someday"]})),
        interval(json!({"weekdays": ["5:7"]})),
        interval(json!({"months": ["may:april"]})),
        interval(json!({"months": ["13"]})),
        interval(json!({"years": ["2030:2024"]})),
        interval(json!({"years": ["a"]})),
        interval(json!({"daysOfMonth": [{"start": 0, "end": 1}]})),
        interval(json!({"daysOfMonth": [{"start": -1, "end": 1}]})),
        interval(json!({"daysOfMonth": [{"start": 5, "end": 3}]})),
    ]
}
