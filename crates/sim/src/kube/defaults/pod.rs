//! Defaults of a pod's spec.

use serde_json::{Value, json};

use super::{field, section};

/// Fills a pod's spec, of a Pod or of a template.
pub(crate) fn spec(v: &mut Value) {
    for list in ["containers", "initContainers"] {
        for c in v.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            container(c);
        }
    }
    for volume in v.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for source in ["configMap", "projected"] {
            if let Some(s) = volume.get_mut(source) {
                field(s, "defaultMode", 420.into());
            }
        }
        if let Some(s) = volume.get_mut("secret") {
            field(s, "defaultMode", 420.into());
        }
        if let Some(s) = volume.get_mut("hostPath") {
            field(s, "type", "".into());
        }
    }
    if let Some(account) = v.get("serviceAccountName").cloned() {
        field(v, "serviceAccount", account);
    } else if let Some(account) = v.get("serviceAccount").cloned() {
        field(v, "serviceAccountName", account);
    }
    field(v, "restartPolicy", "Always".into());
    field(v, "terminationGracePeriodSeconds", 30.into());
    field(v, "dnsPolicy", "ClusterFirst".into());
    section(v, "securityContext");
    field(v, "schedulerName", "default-scheduler".into());
}

/// What only a Pod gets, not a template.
pub(super) fn alone(v: &mut Value) {
    field(v, "enableServiceLinks", true.into());
    let host_network = v.get("hostNetwork").and_then(Value::as_bool).unwrap_or(false);
    for c in v.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        requests(c);
        for port in c.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            if let (true, Some(n)) = (host_network, port.get("containerPort").cloned()) {
                field(port, "hostPort", n);
            }
        }
    }
}

fn container(c: &mut Value) {
    let image = c.get("image").and_then(Value::as_str).unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    let latest = !image.contains('@') && (!name.contains(':') || name.ends_with(":latest"));
    field(c, "imagePullPolicy", if latest { "Always" } else { "IfNotPresent" }.into());
    section(c, "resources");
    field(c, "terminationMessagePath", "/dev/termination-log".into());
    field(c, "terminationMessagePolicy", "File".into());
    for port in c.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        field(port, "protocol", "TCP".into());
    }
    for env in c.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(reference) = env.pointer_mut("/valueFrom/fieldRef") {
            field(reference, "apiVersion", "v1".into());
        }
        // An empty value is the same as none.
        if env.get("value").and_then(Value::as_str) == Some("")
            && let Some(map) = env.as_object_mut()
        {
            map.shift_remove("value");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(p) = c.get_mut(probe) {
            self::probe(p);
        }
    }
}

/// A request that is not given is the limit.
fn requests(c: &mut Value) {
    let Some(Value::Object(limits)) = c.pointer("/resources/limits").cloned() else { return };
    let Some(requests) = c.get_mut("resources").and_then(|r| section(r, "requests")) else { return };
    for (name, limit) in limits {
        field(requests, &name, limit);
    }
}

fn probe(p: &mut Value) {
    for (name, n) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        field(p, name, json!(n));
    }
    if let Some(get) = p.get_mut("httpGet") {
        field(get, "path", "/".into());
        field(get, "scheme", "HTTP".into());
    }
}
