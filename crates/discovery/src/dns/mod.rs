//! Discovery by DNS: names that are asked for again and again, and the target groups that their answers make.
//!
//! What is asked in which order is Prometheus' (`discovery/dns`), search path and all: a name that every server says does
//! not exist has no targets, a name that some server could not answer keeps those it had.

mod exchange;
mod resolve;

use crate::group::TargetGroup;
use crate::job::ADDRESS;
use exchange::Answer;
use resolve::Resolver;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tortie_config::dns::{DnsSdConfig, RecordType};
use tortie_host::Fs;
use tortie_model::Labels;

/// How often names were asked for, over all jobs.
#[derive(Debug, Default)]
pub struct DnsCounters {
    lookups: AtomicU64,
    failures: AtomicU64,
}

impl DnsCounters {
    /// Names that were asked for, and those that had no answer.
    pub fn totals(&self) -> (u64, u64) {
        (self.lookups.load(Relaxed), self.failures.load(Relaxed))
    }
}

/// The names of one entry of `dns_sd_configs`, with what was answered last.
pub(crate) struct Names {
    config: DnsSdConfig,
    resolver: Resolver,
    counters: Arc<DnsCounters>,
    /// Groups of the last good answers, by name.
    known: BTreeMap<String, TargetGroup>,
}

impl Names {
    pub(crate) fn new(config: DnsSdConfig, fs: Arc<dyn Fs>, counters: Arc<DnsCounters>) -> Names {
        Names { config, resolver: Resolver::new(fs), counters, known: BTreeMap::new() }
    }

    /// Asks for all names at the same time.
    pub(crate) async fn refresh(&mut self) {
        let asked = self.config.names.iter().map(|name| self.resolver.look_up(name, self.config.kind));
        let answers = futures_util::future::join_all(asked).await;
        for (name, answer) in self.config.names.iter().zip(answers) {
            self.counters.lookups.fetch_add(1, Relaxed);
            match answer {
                Ok(records) => {
                    let targets = records.iter().map(|r| target(name, r, &self.config)).collect();
                    let group = TargetGroup { source: name.clone(), labels: Labels::empty(), targets };
                    self.known.insert(name.clone(), group);
                }
                Err(err) => {
                    self.counters.failures.fetch_add(1, Relaxed);
                    tracing::error!(
                        component = "discovery",
                        discovery = "dns",
                        err,
                        "Error refreshing DNS targets"
                    );
                }
            }
        }
    }

    /// Groups of all names that were answered, by name.
    pub(crate) fn groups(&self) -> Vec<TargetGroup> {
        self.known.values().cloned().collect()
    }
}

/// The target of a record.
fn target(name: &str, record: &Answer, config: &DnsSdConfig) -> Labels {
    let port = config.port.to_string();
    let address = match record {
        Answer::Address(ip) => join(&ip.to_string(), &port),
        Answer::Service { target, port } => join(target.trim_end_matches('.'), &port.to_string()),
        Answer::Host(host) => join(host.trim_end_matches('.'), &port),
    };
    let mut pairs = vec![(ADDRESS, address), ("__meta_dns_name", name.to_owned())];
    match record {
        Answer::Address(_) => {}
        Answer::Service { target, port } => pairs.extend([
            ("__meta_dns_srv_record_target", target.clone()),
            ("__meta_dns_srv_record_port", port.to_string()),
        ]),
        Answer::Host(host) if config.kind == RecordType::Mx => {
            pairs.push(("__meta_dns_mx_record_target", host.clone()));
        }
        Answer::Host(host) => pairs.push(("__meta_dns_ns_record_target", host.clone())),
    }
    Labels::from_pairs(pairs.iter().map(|(n, v)| (*n, v.as_str())))
}

/// Go's `net.JoinHostPort`.
fn join(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_targets() {
        let check = |kind: RecordType, record: Answer, expect: &str| {
            let (names, written) = (Vec::new(), kind.as_str().to_owned());
            let config = DnsSdConfig { names, kind, written, port: 9093, refresh_interval_ms: 30_000 };
            assert_eq!(format!("{:?}", target("am.local", &record, &config)), expect);
        };
        check(
            RecordType::A,
            Answer::Address([10, 0, 0, 1].into()),
            r#"{"__address__": "10.0.0.1:9093", "__meta_dns_name": "am.local"}"#,
        );
        check(
            RecordType::Aaaa,
            Answer::Address("fd00::1".parse().unwrap()),
            r#"{"__address__": "[fd00::1]:9093", "__meta_dns_name": "am.local"}"#,
        );
        check(
            RecordType::Srv,
            Answer::Service { target: "a.b.".to_owned(), port: 80 },
            r#"{"__address__": "a.b:80", "__meta_dns_name": "am.local", "__meta_dns_srv_record_port": "80", "__meta_dns_srv_record_target": "a.b."}"#,
        );
        check(
            RecordType::Mx,
            Answer::Host("m.x.".to_owned()),
            r#"{"__address__": "m.x:9093", "__meta_dns_mx_record_target": "m.x.", "__meta_dns_name": "am.local"}"#,
        );
        check(
            RecordType::Ns,
            Answer::Host("n.s.".to_owned()),
            r#"{"__address__": "n.s:9093", "__meta_dns_name": "am.local", "__meta_dns_ns_record_target": "n.s."}"#,
        );
    }
}
