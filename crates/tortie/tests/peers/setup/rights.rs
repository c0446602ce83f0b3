//! The printed rights are enough and none is too many: whoever has exactly them gets the administrator's report and can make
//! the plan; each one taken away is named.

use super::stage::Stage;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use tortie_cluster::files;
use tortie_host::RealFs;
use tortie_testbed::AuditEvent;

/// Roles as `tortie rbac` prints them.
fn printed(stage: &Stage, args: &[&str]) -> Vec<Value> {
    let file = stage.file("rights.yaml");
    std::fs::write(&file, stage.tortie(args).stdout).unwrap();
    let (objects, problems) = files::read(&RealFs, std::slice::from_ref(&file));
    assert!(problems.is_empty(), "{problems:?}");
    objects.into_iter().map(|o| o.body).collect()
}

/// Somebody with exactly these roles: the objects that make them, all named `name`.
fn somebody(name: &str, roles: &[Value]) -> Vec<Value> {
    let mut out = vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}),
    ];
    for role in roles {
        let mut role = role.clone();
        let kind = role["kind"].as_str().unwrap().to_owned();
        role["metadata"]["name"] = json!(name);
        out.push(role.clone());
        out.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"), "metadata": role["metadata"],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]}));
    }
    out
}

/// Their kubeconfigs, once the server knows their rights.
fn let_in(stage: &Stage, people: &[(String, Vec<Value>)]) {
    let bed = &stage.cluster.bed;
    let all: Vec<Value> = people.iter().flat_map(|(name, roles)| somebody(name, roles)).collect();
    bed.apply_objects(&all).unwrap();
    for (name, _) in people {
        bed.kubeconfig_with(name, &bed.token("default", name).unwrap()).unwrap();
    }
    let last = format!("--as=system:serviceaccount:default:{}", people.last().unwrap().0);
    bed.wait("the last one's rights", |_| {
        let told = bed.kubectl(&["auth", "can-i", "list", "nodes", &last])?;
        Ok((told.stdout.trim() == "yes").then_some(()))
    })
    .unwrap();
}

/// One rule of the roles.
struct Rule {
    role: usize,
    index: usize,
    body: Value,
}

impl Rule {
    fn words(&self, key: &str) -> Vec<String> {
        let list = self.body[key].as_array().into_iter().flatten();
        list.map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    /// Its resources as `resource.group`, the way that reports name them.
    fn names(&self) -> Vec<String> {
        let group = self.words("apiGroups").remove(0);
        let name = |r: String| if group.is_empty() { r } else { format!("{r}.{group}") };
        self.words("resources").into_iter().map(name).collect()
    }
}

fn rules(roles: &[Value]) -> Vec<Rule> {
    let of = |(role, v): (usize, &Value)| {
        let rules = v["rules"].as_array().unwrap().iter().enumerate();
        rules.map(|(index, body)| Rule { role, index, body: body.clone() }).collect::<Vec<_>>()
    };
    roles.iter().enumerate().flat_map(of).collect()
}

/// The roles without one rule.
fn without(roles: &[Value], rule: &Rule) -> Vec<Value> {
    let mut out = roles.to_vec();
    out[rule.role]["rules"].as_array_mut().unwrap().remove(rule.index);
    out
}

/// Runs `work` for all of them, three at a time, and gives what each complained of.
fn each<T: Sync>(all: &[T], work: impl Fn(usize, &T) -> Vec<String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let one = || {
        let mut out = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::SeqCst);
            let Some(item) = all.get(i) else { return out };
            out.extend(work(i, item));
        }
    };
    std::thread::scope(|scope| {
        let hands: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        hands.into_iter().flat_map(|h| h.join().unwrap()).collect()
    })
}

fn report(stage: &Stage, who: &str, probes: bool) -> Value {
    let out =
        stage.tortie_as(who, &["doctor", "-o", "json", "--probe-nodes", if probes { "1" } else { "0" }]);
    serde_json::from_str(&out.stdout).unwrap_or_else(|e| panic!("{who}: {e}: {}", out.both()))
}

/// What a report says, without the words that hold times, and without the check of what was written a moment ago: whether
/// there is something to look at twice changes from one run to the next.
fn verdicts(report: &Value) -> BTreeSet<String> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|c| c["id"] != "T003");
    let checks = checks.map(|c| format!("{} {} {}", c["id"], c["entity"], c["verdict"]));
    let findings = report["findings"].as_array().unwrap().iter();
    checks.chain(findings.map(|f| format!("finding {} {} {}", f["id"], f["level"], f["title"]))).collect()
}

/// Whether a report names a right that is missing.
fn names(report: &Value, right: &str) -> bool {
    let finding = |f: &Value| f["id"] == "T102" && f["cause"]["path"] == right;
    report["findings"].as_array().unwrap().iter().any(finding)
}

/// The doctor with what `tortie rbac doctor` prints. With `only` just the rules of one group are taken away.
pub(super) fn doctor(stage: &Stage, only: Option<&str>) {
    stage.cluster.bed.forward_ports().unwrap();
    let roles = printed(stage, &["rbac", "doctor"]);
    let served = stage.cluster.bed.kubectl_ok(&["api-resources", "-o", "name"]).unwrap();
    let served: BTreeSet<&str> = served.lines().collect();
    // What this server does not have is not asked for; `get` on tiers is what Calico's own API server wants.
    let here = |r: &Rule| -> Vec<String> {
        let served = |n: &String| served.contains(n.replacen("/portforward", "", 1).as_str());
        let idle = |n: &String| n == "tiers.projectcalico.org" && r.words("verbs") == ["get"];
        r.names().into_iter().filter(|n| served(n) && !idle(n)).collect()
    };
    let mut all = rules(&roles);
    all.retain(|r| !here(r).is_empty() && only.is_none_or(|g| r.words("apiGroups") == [g]));
    assert!(all.len() >= if only.is_some() { 1 } else { 11 }, "{}", all.len());
    let lacking = |(i, r): (usize, &Rule)| (format!("lacks-{i}"), without(&roles, r));
    let mut people: Vec<_> = all.iter().enumerate().map(lacking).collect();
    people.push(("doctor".to_owned(), roles.clone()));
    let_in(stage, &people);

    let mark = stage.mark();
    let (mine, theirs) = (verdicts(&report(stage, "admin", true)), verdicts(&report(stage, "doctor", true)));
    let less: Vec<_> = mine.difference(&theirs).collect();
    let more: Vec<_> = theirs.difference(&mine).collect();
    println!("{} verdicts; only the administrator's {less:#?}, only the other's {more:#?}", mine.len());
    assert!(less.is_empty() && more.is_empty());
    // The audit log is the witness: nothing but reads, and a port-forward.
    let (events, _) = stage.cluster.bed.audit_events_since(mark).unwrap();
    let asked: Vec<_> = events.iter().filter(|e| e.user == "system:serviceaccount:default:doctor").collect();
    assert!(asked.len() > 20, "{}", asked.len());
    for event in &asked {
        let fine = matches!(event.verb.as_str(), "get" | "list" | "watch")
            || event.resource == "pods/portforward"
            || event.resource == "selfsubjectaccessreviews";
        assert!(fine, "{event:?}");
    }
    // None of them is idle: each was used with each of its verbs.
    for rule in &all {
        for (verb, name) in
            rule.words("verbs").iter().flat_map(|v| here(rule).into_iter().map(move |n| (v, n)))
        {
            let is = |e: &&&AuditEvent| {
                let of = if e.group.is_empty() {
                    e.resource.clone()
                } else {
                    format!("{}.{}", e.resource, e.group)
                };
                e.verb == *verb && of == name
            };
            // The upgrade of a port-forward is one request, for which newer servers want both rights.
            assert!(
                asked.iter().any(|e| is(&e)) || name == "pods/portforward",
                "{verb} {name} is never used"
            );
        }
    }
    let unnamed = each(&all, |i, rule| {
        let wanted = here(rule);
        let probes = wanted.iter().any(|n| n == "pods/portforward");
        let report = report(stage, &format!("lacks-{i}"), probes);
        wanted.into_iter().filter(|n| !names(&report, n)).collect()
    });
    assert_eq!(unnamed, [""; 0], "taken away, and the report does not name it");
}

/// Saves a plan and lets somebody in who has what `tortie rbac setup` prints for it; gives their name. Each rule that is
/// taken away is named before anything is written.
pub(super) fn setup(stage: &Stage, plan: &str) -> &'static str {
    stage.tortie_ends(&["setup", "--out", plan], 1);
    let roles = printed(stage, &["rbac", "setup", "--plan", plan]);
    // Those for looking are tried with the doctor.
    let looking = rules(&printed(stage, &["rbac", "doctor"]));
    let mut all = rules(&roles);
    all.retain(|r| {
        !looking.iter().any(|l| l.body == r.body) && r.words("resources") != ["selfsubjectaccessreviews"]
    });
    assert!(all.len() >= 10, "{}", all.len());
    let lacking = |(i, r): (usize, &Rule)| (format!("short-{i}"), without(&roles, r));
    let mut people: Vec<_> = all.iter().enumerate().map(lacking).collect();
    people.push(("setter".to_owned(), roles.clone()));
    let_in(stage, &people);
    let unnamed = each(&all, |i, rule| {
        let who = format!("short-{i}");
        let out = stage.tortie_as(&who, &["setup", "--plan", plan, "--dry-run", "--no-prometheus"]);
        let name = rule.names().remove(0);
        // What looking takes as well is still there.
        let granted = |verb: &String| {
            looking.iter().any(|r| r.names().contains(&name) && r.words("verbs").contains(verb))
        };
        let verbs: Vec<String> = rule.words("verbs").into_iter().filter(|v| !granted(v)).collect();
        assert!(!verbs.is_empty(), "{}", rule.body);
        let lines = verbs.into_iter().map(|v| format!("missing right: {v} {name}"));
        lines.filter(|l| !out.stdout.contains(l)).map(|l| format!("{l}\n{}", out.both())).collect()
    });
    assert_eq!(unnamed, [""; 0]);
    "setter"
}

/// A role of the doctor that may not do some of what looking at processes takes.
fn without_names(roles: &[Value], names: &[&str]) -> Vec<Value> {
    let mut out = roles.to_vec();
    for rule in out.iter_mut().flat_map(|r| r["rules"].as_array_mut().unwrap()) {
        let resources = rule["resources"].as_array_mut().unwrap();
        resources.retain(|r| !names.contains(&r.as_str().unwrap()));
    }
    let none = |rule: &Value| rule["resources"].as_array().unwrap().is_empty();
    out.iter_mut().for_each(|r| r["rules"].as_array_mut().unwrap().retain(|rule| !none(rule)));
    out
}

/// What the doctor takes for processes that do not answer, and for a Prometheus to which no port can be forwarded: their
/// logs, the API server's proxy. Each one taken away is named.
pub(super) fn processes(stage: &Stage) {
    let bed = &stage.cluster.bed;
    let path = "/apis/crd.projectcalico.org/v1/felixconfigurations/default";
    // Felix listens where no kubelet's forward arrives.
    let felix = |host: Value| {
        let spec = json!({"spec": {"prometheusMetricsEnabled": true, "prometheusMetricsHost": host}});
        bed.api().merge(path, &spec, "somebody").unwrap();
    };
    felix(json!("127.0.0.1"));
    bed.forward_ports().unwrap();
    let roles = printed(stage, &["rbac", "doctor"]);
    let forward = "pods/portforward";
    let people = [
        ("prober", &[][..]),
        ("no-logs", &["pods/log"]),
        ("proxied", &[forward]),
        ("neither", &[forward, "pods/proxy"]),
    ];
    let people = people.map(|(name, less)| (name.to_owned(), without_names(&roles, less)));
    let_in(stage, &people);
    let mark = stage.mark();
    let reports: Vec<Value> = people.iter().map(|(name, _)| report(stage, name, true)).collect();
    let (events, _) = stage.cluster.bed.audit_events_since(mark).unwrap();
    let used = |who: &str, resource: &str| {
        let user = format!("system:serviceaccount:default:{who}");
        events.iter().any(|e| e.user == user && e.resource == resource && e.verb == "get" && e.code != 403)
    };
    assert!(used("prober", "pods/log") && used("proxied", "pods/proxy"), "{}", reports[0]);
    let lacking = |report: &Value| {
        let rights = ["pods/log", "pods/proxy", forward];
        rights.into_iter().filter(|r| names(report, r)).collect::<Vec<_>>()
    };
    let all: Vec<Vec<&str>> = reports.iter().map(lacking).collect();
    assert_eq!(all, [vec![], vec!["pods/log"], vec![forward], vec!["pods/proxy", forward]]);
    felix(Value::Null);
}
