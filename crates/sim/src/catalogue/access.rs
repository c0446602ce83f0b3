//! Faults on the way from the doctor to the cluster, and of what keeps its objects.

use super::change::to;
use super::symptom::{Live, Symptom};
use super::{Change, Entry, Seen, fault};
use crate::installs::{Kind, Options, Stack, object};
use serde_json::{Value, json};

pub(super) fn faults() -> Vec<Entry> {
    vec![
        fault("api-silent", "T101", "the kubeconfig's context leads to an API server that is gone", vec![])
            .outside()
            .shows(Seen::Api, vec![Symptom::ApiSilent("dial tcp 10.0.0.9:6443: connect: connection refused")])
            .live(Live::Hand("the kubeconfig names a port on which nobody listens")),
        fault("policies-forbidden", "T102", "the doctor's account may not read Calico's policies", vec![])
            .outside()
            .shows(
                Seen::Api,
                vec![Symptom::Forbidden(
                    "list globalnetworkpolicies",
                    "globalnetworkpolicies.projectcalico.org",
                )],
            )
            .live(Live::Hand("the doctor runs as an account without that rule")),
        fault(
            "old-calico",
            "T103",
            "Calico is older than any version that the doctor was tested with",
            vec![],
        )
        .outside()
        .in_cluster(Options { calico: 20, kind: Kind::Manifest, ..Options::default() })
        .live(Live::Hand("images of Calico 3.20")),
        fault("clock-ahead", "T104", "the clock of Prometheus' node runs 94 s ahead", vec![])
            .outside()
            .shows(Seen::Prometheus, vec![Symptom::ClockAhead(94)])
            .live(Live::Model("all processes of a test bed have one clock")),
        fault("no-monitoring-crds", "T105", "nobody installed the kinds of prometheus-operator", vec![])
            .outside()
            .in_cluster(Options {
                calico: 30,
                kind: Kind::Manifest,
                stack: Stack::None,
                ..Options::default()
            })
            .shows(Seen::Api, vec![Symptom::Live])
            .live(Live::Hand("the CRDs of monitoring.coreos.com are deleted")),
        fault(
            "calico-apiserver-down",
            "T106",
            "the pods of calico-apiserver are down, so projectcalico.org/v3 does not answer",
            vec![Change::Add(api_service())],
        )
        .outside()
        .shows(
            Seen::Api,
            vec![Symptom::GroupSilent(
                "projectcalico.org",
                "the server is currently unable to handle the request",
            )],
        ),
        fault(
            "setup-undone-by-hand",
            "T203",
            "a colleague turned off what setup had turned on",
            vec![to("FelixConfiguration", "default", "/spec/prometheusMetricsEnabled", json!(false))],
        )
        .shows(
            Seen::Api,
            vec![Symptom::Wrote(
                "FelixConfiguration",
                "default",
                "/spec/prometheusMetricsEnabled",
                json!(true),
            )],
        )
        .live(Live::Hand("setup was run before")),
        fault(
            "setup-drift",
            "T001",
            "a field that setup wrote has another value, and the chain still holds",
            vec![to("Installation", "default", "/spec/typhaMetricsPort", json!(9093))],
        )
        .shows(
            Seen::Api,
            vec![Symptom::Wrote("Installation", "default", "/spec/typhaMetricsPort", json!(9193))],
        )
        .live(Live::Hand("setup was run before with --typha-port 9193")),
        fault("two-writers", "T003", "two controllers put their own value into one object, in turn", vec![])
            .outside()
            .shows(
                Seen::Api,
                vec![Symptom::SecondLook(
                    "FelixConfiguration",
                    "default",
                    9,
                    &["argocd-controller", "operator"],
                )],
            )
            .live(Live::Hand("two loops write the object while the doctor looks twice")),
    ]
}

/// As the aggregator leaves it when the Service behind it has no endpoints.
fn api_service() -> Value {
    let spec = json!({"group": "projectcalico.org", "version": "v3", "groupPriorityMinimum": 1500, "versionPriority": 200,
        "insecureSkipTLSVerify": true, "service": {"name": "calico-api", "namespace": "calico-system", "port": 443}});
    let mut o = object("apiregistration.k8s.io/v1", "APIService", "", "v3.projectcalico.org", spec);
    o["status"] = json!({"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints",
        "message": "endpoints for service/calico-api in \"calico-system\" have no addresses with port name \"apiserver\""}]});
    o
}
