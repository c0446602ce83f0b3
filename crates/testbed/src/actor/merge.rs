//! How the operator writes over an object that is there: all of it is its own, but for labels, annotations and
//! finalizers of others, and for what the API server fills in.

use serde_json::Value;

/// `current` with all that `wanted` says, `None` when it says so already.
pub(super) fn merged(current: &Value, wanted: &Value) -> Option<Value> {
    if holds(current, wanted) {
        return None;
    }
    let mut out = current.clone();
    for key in ["labels", "annotations"] {
        add(&mut out["metadata"], &wanted["metadata"], key);
    }
    if !wanted["metadata"]["ownerReferences"].is_null() {
        out["metadata"]["ownerReferences"] = wanted["metadata"]["ownerReferences"].clone();
    }
    let mut spec = wanted["spec"].clone();
    if !spec["template"].is_null() {
        let mut meta = current["spec"]["template"]["metadata"].clone();
        for key in ["labels", "annotations"] {
            add(&mut meta, &wanted["spec"]["template"]["metadata"], key);
        }
        spec["template"]["metadata"] = meta;
    }
    for key in [
        "clusterIP",
        "clusterIPs",
        "ipFamilies",
        "ipFamilyPolicy",
        "internalTrafficPolicy",
        "sessionAffinity",
    ] {
        // Of a Service: given once by the API server, and not to be changed.
        if spec[key].is_null() && !current["spec"][key].is_null() {
            spec[key] = current["spec"][key].clone();
        }
    }
    if !spec.is_null() {
        out["spec"] = spec;
        strip_nulls(&mut out["spec"]);
    }
    Some(out)
}

fn add(to: &mut Value, from: &Value, key: &str) {
    for (name, value) in from[key].as_object().into_iter().flatten() {
        to[key][name] = value.clone();
    }
}

/// Reading a missing key of a value makes none, but writing through one may leave a null.
fn strip_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, v| !v.is_null());
    }
}

/// Whether `current` says all that `wanted` does. A list must be as long, and a selector the same, for what somebody
/// added to them changes what they mean.
fn holds(current: &Value, wanted: &Value) -> bool {
    match (current, wanted) {
        (Value::Object(have), Value::Object(want)) => want.iter().all(|(key, value)| {
            let Some(own) = have.get(key) else { return value.is_null() };
            if key == "selector" { own == value } else { holds(own, value) }
        }),
        (Value::Array(have), Value::Array(want)) => {
            have.len() == want.len() && have.iter().zip(want).all(|(h, w)| holds(h, w))
        }
        (have, want) => have == want,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn foreign_labels_stay_and_foreign_environment_goes() {
        let wanted = json!({
            "metadata": { "labels": { "k8s-app": "t" } },
            "spec": { "template": { "metadata": { "labels": { "k8s-app": "t" } }, "spec": { "env": [{ "name": "A", "value": "1" }] } } },
        });
        let mut current = wanted.clone();
        current["metadata"]["labels"]["release"] = json!("prometheus");
        current["spec"]["replicas"] = json!(2);
        assert!(merged(&current, &wanted).is_none());
        current["spec"]["template"]["metadata"]["labels"]["mine"] = json!("1");
        current["spec"]["template"]["spec"]["env"] =
            json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }]);
        let out = merged(&current, &wanted).unwrap();
        assert_eq!(out["spec"]["template"]["spec"]["env"], wanted["spec"]["template"]["spec"]["env"]);
        assert_eq!(out["metadata"]["labels"]["release"], "prometheus");
        assert_eq!(out["spec"]["template"]["metadata"]["labels"]["mine"], "1");
    }

    #[test]
    fn a_services_address_stays() {
        let wanted = json!({ "metadata": {}, "spec": { "ports": [{ "name": "b", "port": 1 }] } });
        let current = json!({ "metadata": {}, "spec": { "clusterIP": "10.96.0.9", "ports": [{ "name": "a", "port": 1 }] } });
        let out = merged(&current, &wanted).unwrap();
        assert_eq!(
            (&out["spec"]["clusterIP"], &out["spec"]["ports"][0]["name"]),
            (&json!("10.96.0.9"), &json!("b"))
        );
    }
}
