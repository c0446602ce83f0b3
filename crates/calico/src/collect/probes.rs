//! Probes: is somebody listening at the metrics port of a pod, and is it the right process.

use crate::collect::http::{self, Form};
use crate::facts::Facts;
use crate::snapshot::{Probe, ProbeOutcome, Vantage};
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;
use std::time::Duration;
use tortie_cluster::client::{Cluster, ReadError};
use tortie_wire::text::{Entry, Parser};

/// Probes under way at once.
const AT_ONCE: usize = 8;

/// One pod's port to look at.
struct Aim {
    probe: Probe,
}

/// Probes the metrics ports of up to `most` pods a component, and of all pods in `must` (those whose targets fail).
/// The second value lists refusals: rights that are missing.
pub(super) async fn run(
    cluster: &Cluster,
    facts: &Facts<'_>,
    most: usize,
    must: &[String],
    limit: Duration,
) -> (Vec<Probe>, Vec<ReadError>) {
    let mut aims = Vec::new();
    for (component, workload) in &facts.workloads {
        let mut pods: Vec<_> = workload.pods.iter().filter(|p| p.phase == "Running").collect();
        pods.sort_by_key(|p| (!must.contains(&p.ip), p.meta.name.clone()));
        let wanted = most.max(pods.iter().filter(|p| must.contains(&p.ip)).count());
        for pod in pods.into_iter().take(wanted) {
            let port = match component {
                crate::component::Component::Felix => {
                    facts.settings.felix_on(&pod.node).map_or(component.default_port(), |e| e.port.value)
                }
                c => facts.settings.port(*c),
            };
            aims.push(Aim {
                probe: Probe {
                    component: *component,
                    pod: (pod.meta.namespace.clone(), pod.meta.name.clone()),
                    node: pod.node.clone(),
                    port,
                    from: Vantage::PortForward,
                    outcome: ProbeOutcome::Failed(String::new()),
                },
            });
        }
    }
    let answers: Vec<Result<Probe, ReadError>> = stream::iter(aims)
        .map(|aim| async move {
            let mut probe = aim.probe;
            probe.outcome = look(cluster, &probe, limit).await?;
            Ok(probe)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let (mut probes, mut refused) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(p) => probes.push(p),
            Err(e) => refused.push(e),
        }
    }
    probes.sort_by(|a, b| (a.component, &a.pod).cmp(&(b.component, &b.pod)));
    (probes, refused)
}

async fn look(cluster: &Cluster, probe: &Probe, limit: Duration) -> Result<ProbeOutcome, ReadError> {
    let (namespace, name) = &probe.pod;
    let stream = cluster.port_forward(namespace, name, probe.port).await?;
    let host = format!("localhost:{}", probe.port);
    Ok(match http::get(stream, &host, "/metrics", None, Form::Plain, limit).await {
        Ok(reply) if reply.status == 200 => match reply.bytes() {
            Ok(body) => read(&body, reply.content_type),
            Err(e) => ProbeOutcome::Failed(e),
        },
        Ok(reply) => ProbeOutcome::Status(reply.status),
        Err(e) => ProbeOutcome::Failed(failure(&e)),
    })
}

/// What a forward that failed says of the process. A forward to a closed port ends without a byte, or with the kubelet's
/// words, which differ from runtime to runtime.
fn failure(words: &str) -> String {
    if words == "EOF" || words.to_lowercase().contains("connection refused") {
        return "connection refused".to_owned();
    }
    words.lines().next().unwrap_or_default().chars().take(200).collect()
}

/// Families of a body and its first broken line.
fn read(body: &[u8], content_type: String) -> ProbeOutcome {
    let mut families: BTreeMap<String, u64> = BTreeMap::new();
    let mut parser = Parser::new(body);
    let mut broken = None;
    loop {
        match parser.next() {
            Ok(Some(Entry::Sample(sample))) => {
                *families.entry(name_of(sample.series)).or_default() += 1;
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(e) => {
                broken = Some(e.to_string());
                break;
            }
        }
    }
    ProbeOutcome::Answered { families, broken, content_type }
}

/// The metric's name of a series as it stands in a body.
fn name_of(series: &[u8]) -> String {
    let end = series.iter().position(|b| matches!(b, b'{' | b' ' | b'\t')).unwrap_or(series.len());
    String::from_utf8_lossy(&series[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::failure;

    #[test]
    fn words_of_kubelets() {
        #[track_caller]
        fn check(words: &str, expect: &str) {
            assert_eq!(failure(words), expect);
        }
        check("EOF", "connection refused");
        check(
            "error forwarding port 9091 to pod 3c, uid : failed to connect to localhost:9091 inside namespace \"x\": \
             dial tcp4 127.0.0.1:9091: connect: connection refused",
            "connection refused",
        );
        check(
            "exit status 1: socat[1] E connect(5, AF=2 127.0.0.1:9091, 16): Connection refused\n",
            "connection refused",
        );
        check("no answer within 5 s", "no answer within 5 s");
        check("one\ntwo", "one");
    }
}
