//! # Credentials stay secret and certificates are verified
//!
//! **Looks at** the endpoints that reach Calico's metrics: do they send a token or a password over plain HTTP, or take any
//! certificate?
//!
//! **Why it matters.** Both work, so nothing shows it. Calico's components ask for no credentials over plain HTTP; a token that
//! a monitor sends all the same, often copied from the monitor of the kubelet, can be read by everything on the way and by
//! whatever answers in the place of the pod. With `insecureSkipVerify` a certificate proves nothing, and a client certificate
//! or token goes to whoever answers.
//!
//! **How to mend.** Take the credentials away where the endpoint speaks plain HTTP. Where it speaks HTTPS, name the authority
//! in `tlsConfig.ca` and take `insecureSkipVerify` away.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::monitors::Monitor;
use serde_json::Value;

pub(crate) static CHECK: Check = Check {
    id: "T519",
    slug: "unprotected-scrape",
    title: "credentials stay secret and certificates are verified",
    station: Station::Monitor,
    level: Level::Info,
    needs: &["T505"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

/// Fields that send credentials.
const CREDENTIALS: [&str; 5] =
    ["authorization", "basicAuth", "oauth2", "bearerTokenSecret", "bearerTokenFile"];
const SKIPS: &str = "tlsConfig/insecureSkipVerify";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let ways = facts.branches.get(&component)?.iter().filter(|b| b.whole());
    let mut seen = Vec::new();
    for way in ways {
        if !seen.contains(&way.monitor) {
            seen.push(way.monitor);
        }
    }
    let monitors = seen.iter().filter_map(|i| facts.monitors.get(*i));
    let open: Vec<(&Monitor<'_>, &str)> = monitors.filter_map(|m| Some((m, unprotected(m)?))).collect();
    let entity = Entity::of(component);
    let Some((first, field)) = open.first().copied() else { return Some(Judged::pass(entity)) };
    let title = match field {
        SKIPS => format!("any certificate is taken for that of {}", component.title()),
        _ => format!("credentials are sent to {} over plain http", component.title()),
    };
    let mut finding = Finding::new(title).cause(first.object, &first.pointer(field));
    for (monitor, field) in &open {
        let have = if *field == SKIPS { "true" } else { "set, and scheme is http" };
        finding = finding.heading(monitor.object.reference().to_string()).row(
            monitor.label(field),
            have,
            "not set",
        );
    }
    let fix = match field {
        SKIPS => Fix::Outside(format!(
            "name the authority in {}, then take {} away",
            first.label("tlsConfig/ca"),
            first.label(SKIPS)
        )),
        _ => mend_link::endpoint(facts, first, field, Value::Null, Auto::Ask),
    };
    Some(Judged::info(entity, finding.fix(fix)))
}

/// The field that makes a scrape unprotected, if one does.
fn unprotected<'f>(monitor: &Monitor<'_>) -> Option<&'f str> {
    if monitor.text("scheme").eq_ignore_ascii_case("https") {
        return (monitor.field(SKIPS) == Some(&Value::Bool(true))).then_some(SKIPS);
    }
    let given = |value: &Value| match value {
        Value::String(file) => !file.is_empty(),
        // The deprecated field is often there and names nothing.
        Value::Object(key) => !key.get("key").is_some_and(|k| k == ""),
        _ => false,
    };
    CREDENTIALS.into_iter().find(|f| monitor.field(f).is_some_and(given))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    fn endpoint(o: &mut Objects, keys: &[(&str, Value)]) {
        for (key, value) in keys {
            set(o.get("ServiceMonitor", "calico-felix"), &format!("/spec/endpoints/0/{key}"), value.clone());
        }
    }

    #[track_caller]
    fn check(keys: &[(&str, Value)], expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| endpoint(o, keys));
        assert_eq!(findings("T519", &snap), expect, "{keys:?}");
    }

    const SENT: &str = "info felix: credentials are sent to Felix over plain http";
    const TAKEN: &str = "info felix: any certificate is taken for that of Felix";

    #[test]
    fn what_is_sent_by_which_scheme() {
        let token = json!("/var/run/secrets/kubernetes.io/serviceaccount/token");
        let secret = json!({"name": "s", "key": "k"});
        let skips = json!({"insecureSkipVerify": true});
        check(&[], &[]);
        check(&[("bearerTokenFile", token.clone())], &[SENT]);
        check(&[("bearerTokenSecret", secret.clone())], &[SENT]);
        check(&[("bearerTokenSecret", json!({"key": ""}))], &[]);
        check(&[("authorization", json!({"credentials": secret}))], &[SENT]);
        check(&[("scheme", json!("https")), ("bearerTokenFile", token)], &[]);
        check(&[("tlsConfig", skips.clone())], &[]);
        check(&[("scheme", json!("HTTPS")), ("tlsConfig", skips)], &[TAKEN]);
        check(&[("scheme", json!("https")), ("tlsConfig", json!({"insecureSkipVerify": false}))], &[]);
    }

    #[test]
    fn the_command_takes_the_credentials_away() {
        let snap = snapshot(&Options::default(), |o| endpoint(o, &[("bearerTokenFile", json!("/t"))]));
        assert_eq!(
            mends("T519", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/bearerTokenFile\",\"value\":\"/t\"},\
              {\"op\":\"remove\",\"path\":\"/spec/endpoints/0/bearerTokenFile\"}]'"
            ]
        );
    }
}
