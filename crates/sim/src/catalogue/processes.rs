//! Faults of the processes themselves: their settings are right, and still they do not answer as they should.

use super::symptom::{Live, Probed, Process, Symptom};
use super::{Entry, Seen, fault};
use crate::inventory::Component::{Felix, KubeControllers, Typha};

const REFUSED: &str = "Get \"URL\": dial tcp: connect: connection refused";
const TIMEOUT: &str = "Get \"URL\": context deadline exceeded";

pub(super) fn faults() -> Vec<Entry> {
    vec![
        fault("felix-hangs", "T301", "the Felix of one node takes connections and never answers", vec![])
            .outside()
            .shows(
                Seen::Processes,
                vec![
                    Symptom::Down(Felix, Some("n2"), TIMEOUT),
                    Symptom::Probe(Felix, Some("n2"), Probed::Failed("context deadline exceeded")),
                ],
            )
            .live(Live::Process(Felix, Some("n2"), Process::Silent)),
        fault("typha-does-not-listen", "T302", "Typha runs and nothing listens on its metrics port", vec![])
            .outside()
            .shows(
                Seen::Processes,
                vec![
                    Symptom::Down(Typha, None, REFUSED),
                    Symptom::Probe(Typha, None, Probed::Failed("connection refused")),
                ],
            )
            .live(Live::Process(Typha, None, Process::Down)),
        fault("kube-controllers-fails", "T303", "kube-controllers answers every scrape with status 500", vec![])
            .outside()
            .shows(
                Seen::Processes,
                vec![
                    Symptom::Down(KubeControllers, None, "server returned HTTP status 500 Internal Server Error"),
                    Symptom::Probe(KubeControllers, None, Probed::Status(500)),
                ],
            )
            .live(Live::Process(KubeControllers, None, Process::Status(500))),
        fault("foreign-process", "T304", "another program of the node answers on Felix' port", vec![])
            .outside()
            .shows(
                Seen::Processes,
                vec![Symptom::Probe(Felix, Some("n2"), Probed::Families(&["node_load1", "node_cpu_seconds_total"]))],
            )
            .live(Live::Process(Felix, Some("n2"), Process::Text("node_load1 0.7\n"))),
        fault("felix-garbage", "T305", "the Felix of one node sends a line that is no sample", vec![])
            .outside()
            .shows(
                Seen::Processes,
                vec![
                    Symptom::Down(Felix, Some("n2"), "expected value after metric, got \"thirteen\" (\"INVALID\") while parsing: \"felix_host thirteen\""),
                    Symptom::Probe(Felix, Some("n2"), Probed::Broken("line 214: expected a value, got \"thirteen\"")),
                ],
            )
            .live(Live::Process(Felix, Some("n2"), Process::Text("felix_host{host=\"n2\"} 1\nfelix_resync_state thirteen\n"))),
        fault("port-held-by-node", "T306", "a process of the node itself holds Felix' port", vec![])
            .outside()
            .shows(
                Seen::Processes,
                vec![
                    Symptom::Down(Felix, Some("n2"), REFUSED),
                    Symptom::Probe(Felix, Some("n2"), Probed::Failed("connection refused")),
                    Symptom::Log(
                        Felix,
                        "n2",
                        "Prometheus metrics endpoint failed, trying to restart it... error=listen tcp :9091: bind: address already in use",
                    ),
                ],
            )
            .live(Live::Hand("a program listens on 9091 of one node before Felix does")),
    ]
}
