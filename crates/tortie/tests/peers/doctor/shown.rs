//! What the peers show without the doctor: the real Prometheus' targets, rules and answers, the operator's Secret and Events,
//! the API server's objects; and what kubectl and promtool print of it.

use super::cluster::Cluster;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::process::Command;
use tortie_testbed::binary;

/// Facts by what they are about. A later look is compared with an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown(BTreeMap<String, String>);

const COMPONENTS: [(&str, &str); 3] =
    [("Felix", "felix"), ("Typha", "typha"), ("kube-controllers", "kube-controllers")];

/// Questions whose answer tells something, each with its words.
const QUESTIONS: [(&str, &str); 8] = [
    ("prometheus_config_last_reload_successful", "prometheus_config_last_reload_successful == 0"),
    ("samples refused", "sum(increase(prometheus_target_scrapes_sample_duplicate_timestamp_total[1m])) > 0"),
    ("series with exported_node", "count({exported_node!=\"\"}) > 0"),
    ("remote write gives up", "sum(rate(prometheus_remote_storage_samples_failed_total[1m])) > 0"),
    ("names of Felix stored", "count(count by (__name__) ({__name__=~\"felix_.+\"}))"),
    ("names of Typha stored", "count(count by (__name__) ({__name__=~\"typha_.+\"}))"),
    ("fewest samples of a Felix", "min(scrape_samples_scraped{job=~\".*felix.*\"}) < 20"),
    ("restarts of targets", "max(changes(up[5m])) > 5"),
];

impl Shown {
    /// Looks. `expressions` are asked of Prometheus as well: those of dashboards and rules that a fault brought.
    pub(super) fn of(cluster: &Cluster, expressions: &[String]) -> Shown {
        let mut out = Shown::default();
        out.processes(cluster, expressions);
        out.operator(cluster);
        out.objects(cluster);
        out
    }

    fn say(&mut self, about: impl Into<String>, what: impl Into<String>) {
        self.0.insert(about.into(), what.into());
    }

    /// What is other than it was, in words.
    pub(super) fn since(&self, before: &Shown) -> Vec<String> {
        let news = self.0.iter().filter(|(about, what)| before.0.get(*about) != Some(what));
        let mut out: Vec<String> = news.map(|(about, what)| format!("{about}: {what}")).collect();
        let lost = before.0.keys().filter(|about| !self.0.contains_key(*about) && !passing(about));
        out.extend(lost.map(|about| format!("{about}: no more")));
        out
    }

    /// Whether the chain is as it was: what comes and goes with a fault's own objects is left out.
    pub(super) fn as_before(&self, before: &Shown) -> bool {
        let firm = |s: &Shown| -> Vec<(String, String)> {
            s.0.iter()
                .filter(|(k, _)| {
                    ["targets of", "error of", "jobs", "Prometheus"].iter().any(|p| k.starts_with(p))
                })
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        firm(self) == firm(before)
    }

    fn processes(&mut self, cluster: &Cluster, expressions: &[String]) {
        let pods = cluster.kubelet.pods();
        // Of shards the first is asked.
        let Some((_, at)) = pods.iter().find(|(n, _)| n.contains("/prometheus-") && !n.contains("-shard-"))
        else {
            self.say("Prometheus", "no process runs");
            return;
        };
        match cluster.bed.prometheus(*at, "/api/v1/targets?state=active") {
            Err(_) => return self.say("Prometheus", "does not answer"),
            Ok(targets) => self.targets(&targets),
        }
        if let Ok(rules) = cluster.bed.prometheus(*at, "/api/v1/rules") {
            self.rules(cluster, &rules);
        }
        if let Ok(told) = cluster.bed.prometheus(*at, "/api/v1/alertmanagers") {
            let n = told["activeAlertmanagers"].as_array().map_or(0, Vec::len);
            self.say("active Alertmanagers", n.to_string());
        }
        for (about, query) in QUESTIONS {
            if let Some(value) = value(cluster, *at, query) {
                self.say(about, value);
            }
        }
        for expression in expressions {
            match ask(cluster, *at, expression) {
                Ok(samples) if samples.is_empty() => self.say(format!("`{expression}`"), "has no data"),
                Ok(_) => {}
                Err(e) => {
                    let text = format!("{e:#}");
                    let said = text.rsplit_once("\"error\":\"").map_or(text.as_str(), |(_, said)| said);
                    self.say(format!("`{expression}`"), short(said.trim_end_matches("\"}"), 90));
                }
            }
        }
    }

    fn targets(&mut self, targets: &Value) {
        let all: Vec<&Value> = targets["activeTargets"].as_array().into_iter().flatten().collect();
        for (component, word) in COMPONENTS {
            let own: Vec<&&Value> =
                all.iter().filter(|t| t["scrapePool"].as_str().is_some_and(|p| p.contains(word))).collect();
            let up = own.iter().filter(|t| t["health"] == "up").count();
            self.say(format!("targets of {component}"), format!("{up} of {} up", own.len()));
            let error = own.iter().filter_map(|t| t["lastError"].as_str()).find(|e| !e.is_empty());
            if let Some(error) = error {
                self.say(format!("error of {component}"), short(&plain(error), 110));
            }
            let Some(first) = own.first() else { continue };
            let labels =
                first["labels"].as_object().map(|l| l.keys().cloned().collect::<Vec<_>>().join(", "));
            self.say(format!("labels of {component}"), labels.unwrap_or_default());
            self.say(
                format!("interval of {component}"),
                first["scrapeInterval"].as_str().unwrap_or_default(),
            );
            let slow = own.iter().any(|t| {
                let limit =
                    t["scrapeTimeout"].as_str().and_then(|s| s.strip_suffix('s')?.parse::<f64>().ok());
                t["lastScrapeDuration"].as_f64().zip(limit).is_some_and(|(d, l)| d > 0.8 * l)
            });
            if slow {
                self.say(format!("scrapes of {component}"), "take more than 80 % of their timeout");
            }
        }
        let others: BTreeSet<&str> = all
            .iter()
            .filter_map(|t| t["scrapePool"].as_str())
            .filter(|p| !COMPONENTS.iter().any(|(_, word)| p.contains(word)))
            .collect();
        self.say("other pools with targets", others.into_iter().collect::<Vec<_>>().join(", "));
    }

    fn rules(&mut self, cluster: &Cluster, rules: &Value) {
        let groups: Vec<&Value> = rules["groups"].as_array().into_iter().flatten().collect();
        for group in &groups {
            let name = group["name"].as_str().unwrap_or_default();
            let seconds = |key: &str| group[key].as_f64().unwrap_or(0.0);
            if seconds("evaluationTime") > seconds("interval") {
                self.say(format!("group {name}"), "takes longer than its interval");
            }
            for rule in group["rules"].as_array().into_iter().flatten() {
                let title = rule["name"].as_str().unwrap_or_default();
                if rule["health"] == "err" {
                    self.say(
                        format!("rule {title}"),
                        short(rule["lastError"].as_str().unwrap_or_default(), 90),
                    );
                } else if title == "Watchdog" && rule["state"] != "firing" && rule["health"] == "ok" {
                    self.say("rule Watchdog", rule["state"].as_str().unwrap_or_default());
                }
            }
        }
        let list =
            cluster.bed.api().list("/apis/monitoring.coreos.com/v1/prometheusrules").unwrap_or_default();
        for rule in list {
            let text = |key: &str| rule["metadata"][key].as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (text("namespace"), text("name"));
            let file = format!("/{namespace}-{name}-");
            if !groups.iter().any(|g| g["file"].as_str().is_some_and(|f| f.contains(&file))) {
                self.say(format!("PrometheusRule {namespace}/{name}"), "not among the rules of Prometheus");
            }
        }
    }

    /// The configuration that the operator wrote, and what it says of the Prometheus object.
    fn operator(&mut self, cluster: &Cluster) {
        let api = cluster.bed.api();
        for object in api.list("/apis/monitoring.coreos.com/v1/prometheuses").unwrap_or_default() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            for condition in object["status"]["conditions"].as_array().into_iter().flatten() {
                if condition["status"] != "True" {
                    let text = |key: &str| condition[key].as_str().unwrap_or_default();
                    let words =
                        format!("{} {} {}", text("status"), text("reason"), short(text("message"), 110));
                    self.say(format!("Prometheus object: {}", text("type")), words);
                }
            }
            let Ok(Some(config)) = cluster.bed.generated_configuration("monitoring", name) else {
                self.say("jobs in the operator's Secret", "there is no Secret");
                continue;
            };
            let jobs: Vec<&str> = config
                .lines()
                .filter_map(|l| l.strip_prefix("- job_name: "))
                .filter(|j| j.contains("calico") || j.contains("kubernetes"))
                .collect();
            self.say("jobs in the operator's Secret", jobs.join(", "));
        }
        let events = api.list("/api/v1/events").unwrap_or_default();
        for event in events.iter().filter(|e| e["type"] == "Warning") {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let about = format!(
                "Event of {} {}",
                text(&event["involvedObject"]["kind"]),
                text(&event["involvedObject"]["name"])
            );
            self.say(about, format!("{}: {}", text(&event["reason"]), short(&text(&event["message"]), 130)));
        }
    }

    fn objects(&mut self, cluster: &Cluster) {
        let api = cluster.bed.api();
        let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
        for pod in api.list("/api/v1/pods").unwrap_or_default() {
            let conditions = pod["status"]["conditions"].as_array();
            let ready =
                conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
            if !ready {
                let labels = &pod["metadata"]["labels"];
                let app = labels["k8s-app"].as_str().or(labels["app.kubernetes.io/name"].as_str());
                *waiting
                    .entry(app.or(pod["metadata"]["name"].as_str()).unwrap_or_default().to_owned())
                    .or_default() += 1;
            }
        }
        for (app, n) in waiting {
            self.say(format!("pods of {app}"), format!("{n} not ready"));
        }
        let mut ready: BTreeMap<String, usize> = BTreeMap::new();
        for slice in api.list("/apis/discovery.k8s.io/v1/endpointslices").unwrap_or_default() {
            let service =
                slice["metadata"]["labels"]["kubernetes.io/service-name"].as_str().unwrap_or_default();
            if service.contains("metrics") {
                let endpoints = slice["endpoints"].as_array().into_iter().flatten();
                let n = endpoints.filter(|e| e["conditions"]["ready"] == true).count();
                *ready.entry(service.to_owned()).or_default() += n;
            }
        }
        for (service, n) in ready {
            self.say(format!("ready endpoints of {service}"), n.to_string());
        }
        for service in api.list("/apis/apiregistration.k8s.io/v1/apiservices").unwrap_or_default() {
            for condition in service["status"]["conditions"].as_array().into_iter().flatten() {
                if condition["status"] == "False" {
                    let name = service["metadata"]["name"].as_str().unwrap_or_default();
                    self.say(
                        format!("APIService {name}"),
                        short(condition["message"].as_str().unwrap_or_default(), 90),
                    );
                }
            }
        }
    }
}

/// Things whose end is no symptom: an error that is over, an object of an earlier fault.
fn passing(about: &str) -> bool {
    let firm = ["targets of", "jobs in", "ready endpoints of", "names of"];
    !firm.iter().any(|p| about.starts_with(p))
}

fn ask(cluster: &Cluster, at: SocketAddr, query: &str) -> anyhow::Result<Vec<Value>> {
    let escaped: String = query
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let answer = cluster.bed.prometheus(at, &format!("/api/v1/query?query={escaped}"))?;
    Ok(answer["result"].as_array().cloned().unwrap_or_default())
}

fn value(cluster: &Cluster, at: SocketAddr, query: &str) -> Option<String> {
    let samples = ask(cluster, at, query).ok()?;
    let text = samples.first()?["value"][1].as_str()?;
    Some(if query.contains("rate(") || query.contains("increase(") {
        "yes".to_owned()
    } else {
        text.to_owned()
    })
}

/// An error without the address that differs from target to target.
fn plain(error: &str) -> String {
    error.split(' ').map(|w| if w.contains("://") { "URL" } else { w }).collect::<Vec<_>>().join(" ")
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(most).collect::<String>())
    }
}

/// Lines of `kubectl get`, without the ages.
pub(super) fn kubectl(cluster: &Cluster) -> BTreeSet<String> {
    let kinds = "pods,deployments,daemonsets,statefulsets,prometheuses.monitoring.coreos.com";
    let out =
        cluster.bed.kubectl(&["get", "-A", "--no-headers", kinds]).map(|o| o.both()).unwrap_or_default();
    let line = |l: &str| {
        let words: Vec<&str> = l.split_whitespace().collect();
        let age = words
            .last()
            .is_some_and(|w| w.ends_with(['s', 'm', 'h']) && w.starts_with(|c: char| c.is_ascii_digit()));
        words.get(..words.len() - usize::from(age)).unwrap_or_default().join(" ")
    };
    out.lines().map(line).filter(|l| !l.is_empty()).collect()
}

/// What `kubectl get` shows that it did not show before, and the new warnings of `kubectl get events`.
pub(super) fn kubectl_alone(before: &BTreeSet<String>, after: &BTreeSet<String>, news: &[String]) -> String {
    let mut out: Vec<String> = after.difference(before).map(|l| short(l, 90)).take(3).collect();
    let events = news.iter().filter(|n| n.starts_with("Event of") || n.starts_with("APIService"));
    out.extend(events.take(1).cloned());
    if out.is_empty() { "nothing".to_owned() } else { out.join("; ") }
}

/// What promtool says of the configuration that the operator wrote and of the rules in the cluster.
pub(super) fn promtool_alone(cluster: &Cluster) -> String {
    let folder = cluster.bed.folder().join("promtool");
    std::fs::create_dir_all(&folder).unwrap();
    let mut out = Vec::new();
    let mut check = |what: &str, name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(binary("promtool").unwrap());
        command.arg("check").arg(what);
        if what == "config" {
            command.arg("--syntax-only");
        }
        let said = command.arg(&file).output().unwrap();
        if !said.status.success() {
            let text =
                format!("{}{}", String::from_utf8_lossy(&said.stderr), String::from_utf8_lossy(&said.stdout));
            let line = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with("Checking"));
            out.push(format!(
                "check {what}: {}",
                short(&line.unwrap_or_default().replace(&folder.display().to_string(), ""), 120)
            ));
        }
    };
    let api = cluster.bed.api();
    for object in api.list("/apis/monitoring.coreos.com/v1/prometheuses").unwrap_or_default() {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if let Ok(Some(config)) = cluster.bed.generated_configuration("monitoring", name) {
            check("config", "prometheus.yml", &config);
        }
    }
    for rule in api.list("/apis/monitoring.coreos.com/v1/prometheusrules").unwrap_or_default() {
        check("rules", "rules.yml", &rule["spec"].to_string());
    }
    if out.is_empty() { "nothing".to_owned() } else { out.join("; ") }
}

/// Expressions of dashboards and rules in an object: what Prometheus is asked to see whether they have data.
pub(super) fn expressions(object: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for (_, text) in object["data"].as_object().into_iter().flatten() {
        let board: Value = serde_json::from_str(text.as_str().unwrap_or_default()).unwrap_or_default();
        for panel in board["panels"].as_array().into_iter().flatten() {
            let targets = panel["targets"].as_array().into_iter().flatten();
            out.extend(targets.filter_map(|t| t["expr"].as_str().map(str::to_owned)));
        }
        for variable in board["templating"]["list"].as_array().into_iter().flatten() {
            let query = variable["query"].as_str().and_then(|q| q.strip_prefix("label_values("));
            out.extend(query.and_then(|q| Some(q.rsplit_once(',')?.0.to_owned())));
        }
    }
    for group in object["spec"]["groups"].as_array().into_iter().flatten() {
        for rule in group["rules"].as_array().into_iter().flatten().filter(|r| r["alert"].is_string()) {
            let expr = rule["expr"].as_str().unwrap_or_default();
            // What is left of the comparison says whether the rule can ever fire.
            let cut = [" == ", " != ", " > ", " < "].iter().filter_map(|op| expr.rfind(op)).max();
            let part = cut.map_or(expr, |at| &expr[..at]);
            if !part.starts_with("absent") && !part.starts_with("vector") {
                out.push(part.to_owned());
            }
        }
    }
    out
}
