//! Faults that only a Prometheus shows: objects and processes look right, and the samples do not come, or come wrong.

use super::change::to;
use super::operator::more_jobs;
use super::symptom::{Asked, Live, Probed, Process, Symptom};
use super::{Change, Entry, PROMETHEUS, Seen, fault, usual};
use crate::installs::Options;
use crate::inventory::Component::{Felix, KubeControllers, Typha};
use serde_json::json;

const TIMEOUT: &str = "Get \"URL\": context deadline exceeded";
/// The job of Prometheus' own example that many clusters still have.
const ANNOTATED: &str = r#"- job_name: kubernetes-service-endpoints
  scrape_interval: 1s
  scrape_timeout: 1s
  kubernetes_sd_configs: [{role: endpoints}]
  relabel_configs:
  - {action: keep, source_labels: [__meta_kubernetes_service_annotation_prometheus_io_scrape], regex: "true"}
  - action: replace
    source_labels: [__address__, __meta_kubernetes_service_annotation_prometheus_io_port]
    regex: '([^:]+)(?::\d+)?;(\d+)'
    replacement: '$1:$2'
    target_label: __address__
"#;
const OWN_FELIX: &[&str] = &["felix_host", "felix_resyncs_started", "go_goroutines"];

pub(super) fn faults() -> Vec<Entry> {
    let mut all = vec![];
    all.extend(missing());
    all.extend(down());
    all.extend(limits());
    all.extend(scrapes());
    all.extend(samples());
    all
}

/// A fault that shows in Prometheus and that no command mends.
fn seen(entry: Entry, symptoms: Vec<Symptom>) -> Entry {
    entry.outside().shows(Seen::Prometheus, symptoms)
}

fn missing() -> Vec<Entry> {
    let drop_n2 =
        json!([{"action": "drop", "sourceLabels": ["__meta_kubernetes_pod_node_name"], "regex": "n2"}]);
    vec![
        seen(
            fault(
                "discovery-stands-still",
                "T702",
                "Prometheus' discovery of Services has stopped, and no target of Calico is left",
                vec![],
            ),
            vec![Symptom::NoTargets(Felix), Symptom::NoTargets(Typha), Symptom::NoTargets(KubeControllers)],
        )
        .live(Live::Hand("Prometheus' account is deleted and made again, so that the token of its pod is no longer accepted; then its container starts again")),
        seen(
            fault(
                "scrape-class-drops",
                "T703",
                "the monitor uses a scrape class whose relabelling keeps other namespaces only",
                vec![
                    to(
                        "Prometheus",
                        PROMETHEUS,
                        "/spec/scrapeClasses",
                        json!([{"name": "edge", "relabelings": [
                        {"action": "keep", "sourceLabels": ["__meta_kubernetes_namespace"], "regex": "edge-.*"}]}]),
                    ),
                    to("ServiceMonitor", "calico-felix", "/spec/scrapeClass", json!("edge")),
                ],
            ),
            vec![Symptom::Dropped(
                Felix,
                "  - source_labels: [job]\n    target_label: __tmp_prometheus_job_name\n  - action: keep\n    source_labels: [__meta_kubernetes_namespace]\n    regex: edge-.*\n",
                &[("__meta_kubernetes_namespace", "calico-system")],
            )],
        ),
        seen(
            fault(
                "one-node-dropped",
                "T704",
                "a relabelling for a node that was drained once still drops its target",
                vec![to("ServiceMonitor", "calico-felix", "/spec/endpoints/0/relabelings", drop_n2)],
            ),
            vec![Symptom::TargetGone(Felix, "n2")],
        ),
    ]
}

fn down() -> Vec<Entry> {
    vec![
        seen(
            fault("node-firewall-drops", "T705", "the nodes' firewall drops Felix' port between nodes", vec![]),
            vec![
                Symptom::Down(Felix, Some("n2"), TIMEOUT),
                Symptom::Down(Felix, Some("n3"), TIMEOUT),
                Symptom::Probe(Felix, None, Probed::Families(OWN_FELIX)),
            ],
        )
        .live(Live::Hand("packets to port 9091 of two nodes are dropped on the way from Prometheus")),
        seen(
            fault("node-firewall-rejects", "T705", "the nodes' firewall rejects Typha's port", vec![]),
            vec![Symptom::Down(Typha, None, "Get \"URL\": dial tcp: connect: no route to host")],
        )
        .live(Live::Hand("packets to port 9093 are rejected with an ICMP message")),
        seen(
            fault("proxy-asks-who", "T705", "a proxy before kube-controllers asks for a token", vec![]),
            vec![Symptom::Down(KubeControllers, None, "server returned HTTP status 401 Unauthorized")],
        )
        .live(Live::Process(KubeControllers, None, Process::Status(401))),
        seen(
            fault("mesh-cuts", "T705", "a mesh's side-car at Prometheus cuts scrapes of what has none", vec![]),
            vec![Symptom::Down(Felix, Some("n3"), "unexpected EOF")],
        )
        .live(Live::Process(Felix, Some("n3"), Process::Half)),
        seen(
            fault(
                "certificate-expired",
                "T705",
                "the certificate of Felix' metrics has expired",
                vec![
                    to("FelixConfiguration", "default", "/spec/prometheusMetricsCertFile", json!("/certs/tls.crt")),
                    to("FelixConfiguration", "default", "/spec/prometheusMetricsKeyFile", json!("/certs/tls.key")),
                    to("ServiceMonitor", "calico-felix", "/spec/endpoints/0/scheme", json!("https")),
                    to("ServiceMonitor", "calico-felix", "/spec/endpoints/0/tlsConfig", json!({"ca": {"configMap": {"name": "felix-ca", "key": "ca.crt"}}})),
                ],
            )
            .in_cluster(Options { calico: 33, ..usual() }),
            vec![Symptom::Down(Felix, None, "Get \"URL\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-01-07T09:00:00Z is after 2026-01-01T00:00:00Z")],
        )
        .live(Live::Process(Felix, None, Process::Expired)),
    ]
}

fn limits() -> Vec<Entry> {
    let typha = |field: &'static str, value| vec![to("ServiceMonitor", "calico-typha", field, value)];
    let cut = |text| vec![Symptom::Down(Typha, None, text)];
    vec![
        fault("sample-limit-hit", "T706", "the monitor's sampleLimit is below what Typha sends", typha("/spec/sampleLimit", json!(100)))
            .shows(Seen::Prometheus, cut("sample limit exceeded")),
        fault("label-limit-hit", "T706", "the monitor's labelLimit is below what a series has", typha("/spec/labelLimit", json!(6)))
            .shows(Seen::Prometheus, cut("label_limit exceeded (metric: \"typha_cache_size{syncer=\\\"felix\\\"}\", number of labels: 9, limit: 6)")),
        fault("body-size-hit", "T706", "the monitor's bodySizeLimit is smaller than a page of Typha", typha("/spec/bodySizeLimit", json!("10KB")))
            .shows(Seen::Prometheus, cut("body size limit exceeded")),
        fault(
            "enforced-limit-hit",
            "T706",
            "a limit that the Prometheus object enforces on all is below what Typha sends",
            vec![to("Prometheus", PROMETHEUS, "/spec/enforcedSampleLimit", json!(100))],
        )
        .edit()
        .shows(Seen::Prometheus, cut("sample limit exceeded")),
    ]
}

fn scrapes() -> Vec<Entry> {
    vec![
        seen(
            fault("felix-slow", "T707", "the Felix of one node needs nine of ten seconds to answer", vec![]),
            vec![Symptom::Took(Felix, "n2", 9.2)],
        )
        .live(Live::Process(Felix, Some("n2"), Process::Late(9))),
        seen(
            fault("prometheus-stuck", "T708", "Prometheus is throttled and comes late to its targets", vec![]),
            vec![Symptom::NotScrapedFor(Felix, 400)],
        )
        .live(Live::Model("a Prometheus that goes on after a stop scrapes at once; only one that is starved for minutes shows it")),
        seen(
            fault("annotated-too", "T709", "a job of additionalScrapeConfigs follows prometheus.io/scrape and takes the monitor's targets again", vec![
                Change::Add(more_jobs(ANNOTATED)),
                to("Prometheus", PROMETHEUS, "/spec/additionalScrapeConfigs", json!({"name": "more-jobs", "key": "jobs.yaml"})),
            ]),
            vec![Symptom::Again(KubeControllers, "kubernetes-service-endpoints")],
        ),
        seen(
            fault("typha-flaps", "T711", "the Typha of one node restarts every few minutes", vec![]),
            vec![Symptom::Answer(Asked::Flaps, vec![("{job=\"calico-typha-metrics\", instance=\"10.99.1.2:9093\"}", 14.0)])],
        )
        .live(Live::Hand("the process of one Typha goes and comes four times")),
        seen(
            fault(
                "remote-write-behind",
                "T715",
                "the store behind remote write refuses what it gets",
                vec![to("Prometheus", PROMETHEUS, "/spec/remoteWrite", json!([{"url": "http://10.99.0.1:9201/api/v1/write", "name": "store"}]))],
            ),
            vec![Symptom::Answer(Asked::RemoteLag, vec![("{remote_name=\"store\"}", 840.0)])],
        )
        .live(Live::Hand("a receiver that answers 400 to everything")),
    ]
}

fn samples() -> Vec<Entry> {
    let keep = json!([{"action": "keep", "sourceLabels": ["__name__"], "regex": "apiserver_.*"}]);
    let by_node = json!([{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}]);
    // A dropped instance would come back: Prometheus puts the address there.
    let without = json!([{"targetLabel": "instance", "replacement": "calico"}, {"action": "labeldrop", "regex": "pod"}]);
    vec![
        seen(
            fault(
                "nothing-kept",
                "T710",
                "metricRelabelings copied from another monitor keep only what Typha does not have",
                vec![to("ServiceMonitor", "calico-typha", "/spec/endpoints/0/metricRelabelings", keep)],
            ),
            vec![
                Symptom::Answer(
                    Asked::Scraped,
                    vec![("{job=\"calico-typha-metrics\", instance=\"10.99.1.2:9093\"}", 442.0)],
                ),
                Symptom::Answer(
                    Asked::Kept,
                    vec![("{job=\"calico-typha-metrics\", instance=\"10.99.1.2:9093\"}", 0.0)],
                ),
                Symptom::Answer(Asked::Families(Typha), vec![]),
            ],
        )
        .mended(super::Mends::Command),
        fault(
            "node-label-hidden",
            "T712",
            "a relabelling sets node, and the series' own node becomes exported_node",
            vec![to("ServiceMonitor", "calico-kube-controllers", "/spec/endpoints/0/relabelings", by_node)],
        )
        .shows(
            Seen::Prometheus,
            vec![Symptom::Answer(Asked::Clashes, vec![("ipam_blocks_per_node{exported_node=\"n1\"}", 1.0)])],
        ),
        seen(
            fault(
                "instance-dropped",
                "T712",
                "relabellings take away what tells the targets apart",
                vec![to("ServiceMonitor", "calico-felix", "/spec/endpoints/0/relabelings", without)],
            ),
            vec![Symptom::WithoutLabels(Felix, &["instance", "pod"])],
        ),
    ]
}
