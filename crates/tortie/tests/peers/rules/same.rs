//! The rules that kube-prometheus ships, and odd ones, over the same stored samples: recorded series and alerts are those of the real
//! Prometheus, tick by tick.
//!
//! Both servers start from copies of one data directory whose samples begin a while after the start, so that states
//! do not depend on when either server came up; for alerts that hang on no sample they begin together ([`together`]). Groups
//! lie on the same grid: it hangs on the names of file and group.

use super::{made, odd, together};
use crate::ask;
use crate::process::{Running, Server, fixtures, folder, serve};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time between evaluations, seconds.
const INTERVAL: i64 = 5;
/// From the start of the test to the first sample, seconds: both servers are up by then.
const QUIET: i64 = 40;
/// Length of the samples that are compared, seconds.
const LENGTH: i64 = 90;

/// One rule of the fixtures.
pub(super) struct Rule {
    pub(super) group: String,
    pub(super) record: Option<String>,
    pub(super) expr: String,
}

/// The rule files of the fixtures as one plain rule file, with waits and intervals shortened to what a test can see, and
/// all its rules.
pub(super) fn rule_file() -> (String, Vec<Rule>) {
    let mut text = "groups:\n".to_owned();
    let mut rules = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(fixtures().join("rules")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let root = tortie_config::yaml::parse(&source).unwrap();
        let groups = get(&get(&root, "spec").unwrap(), "groups").unwrap();
        let tortie_config::yaml::Value::Seq(groups) = &groups.value else { panic!("{}", file.display()) };
        for group in groups {
            let name = text_of(group, "name").unwrap();
            text += &format!("- name: {}\n  rules:\n", quoted(&name));
            let list = get(group, "rules").unwrap();
            let tortie_config::yaml::Value::Seq(list) = &list.value else { panic!("{name}") };
            for rule in list {
                let expr = text_of(rule, "expr").unwrap();
                let record = text_of(rule, "record");
                let head = match &record {
                    Some(r) => format!("record: {}", quoted(r)),
                    None => format!("alert: {}", quoted(&text_of(rule, "alert").unwrap())),
                };
                text += &format!("  - {head}\n    expr: {}\n", quoted(&expr));
                if let Some(wait) = text_of(rule, "for") {
                    // Minutes become seconds, hours and days half a minute.
                    let wait = wait.strip_suffix('m').map_or_else(|| "30s".to_owned(), |n| format!("{n}s"));
                    text += &format!("    for: {wait}\n");
                }
                for key in ["labels", "annotations"] {
                    let Some(map) = get(rule, key) else { continue };
                    let tortie_config::yaml::Value::Map(pairs) = &map.value else { panic!("{name}") };
                    text += &format!("    {key}:\n");
                    for (k, v) in pairs {
                        let tortie_config::yaml::Value::Scalar { text: v, .. } = &v.value else { continue };
                        text += &format!("      {}: {}\n", quoted(&k.text), quoted(v));
                    }
                }
                rules.push(Rule { group: name.clone(), record, expr });
            }
        }
    }
    (text, rules)
}

fn get(node: &tortie_config::yaml::Node, key: &str) -> Option<std::sync::Arc<tortie_config::yaml::Node>> {
    let tortie_config::yaml::Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(k, _)| k.text == key).map(|(_, n)| std::sync::Arc::clone(n))
}

fn text_of(node: &tortie_config::yaml::Node, key: &str) -> Option<String> {
    match &get(node, key)?.value {
        tortie_config::yaml::Value::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    }
}

/// A text as a YAML scalar: JSON's strings are some.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Samples of all recorded series and alerts by series, in `[from, to]` seconds.
fn written(server: &Running, names: &str, from: i64, to: i64) -> BTreeMap<String, Vec<(String, String)>> {
    ask::raw(server.port, names, &format!("{}s", to - from), to as f64)
}

pub(super) fn close(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => {
            x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-12 * x.abs().max(y.abs())
        }
        _ => false,
    }
}

#[test]
fn recorded_series_and_alerts_are_equal() {
    let (mut text, mut rules) = rule_file();
    text += odd::GROUPS;
    rules.extend(odd::rules());
    let recorded: BTreeSet<String> = rules.iter().filter_map(|r| r.record.clone()).collect();
    let expressions: Vec<String> = rules.iter().map(|r| r.expr.clone()).collect();
    let series = made::series(&expressions, &recorded);
    let dirs = [folder(), folder(), folder()];
    let rule_path = dirs[2].path().join("rules.yml");
    std::fs::write(&rule_path, &text).unwrap();
    let first = now() + QUIET;
    let last = first + LENGTH + 20;
    let made_dir = dirs[2].path().join("data");
    made::store(&made_dir, &series, first * 1000, last * 1000);
    let config = |files: &str| {
        format!(
            "global: {{evaluation_interval: {INTERVAL}s, external_labels: {{cluster: test}}}}\nrule_files: [{files}]\n"
        )
    };
    let servers = [(Server::Prometheus, &dirs[0]), (Server::Tortie, &dirs[1])].map(|(server, dir)| {
        copy(&made_dir, &dir.path().join("data"));
        serve(
            server,
            dir.path(),
            &config(""),
            &[
                "--web.external-url=http://monitoring.example/p",
                "--web.route-prefix=/",
                "--web.enable-lifecycle",
            ],
        )
    });
    together::begin(&servers, Duration::from_secs(INTERVAL as u64), |with_rules| {
        let files = if with_rules { quoted(&rule_path.display().to_string()) } else { String::new() };
        for dir in &dirs[..2] {
            std::fs::write(dir.path().join("prometheus.yml"), config(&files)).unwrap();
        }
    });
    assert!(
        now() + 2 * INTERVAL < first,
        "the servers began too late: the machine is too slow for this test"
    );
    let until = first + LENGTH;
    while now() < until + INTERVAL {
        std::thread::sleep(Duration::from_millis(500));
    }
    // A tick may fall between the two questions.
    let rules_differ = (0..20)
        .map(|_| {
            let [a, b] = [&servers[0], &servers[1]].map(rules_of);
            std::thread::sleep(Duration::from_millis(100));
            differences(&a, &b)
        })
        .min_by_key(Vec::len)
        .unwrap();
    let asked_differ = QUESTIONS.iter().flat_map(|q| asked(&servers, q)).collect::<Vec<_>>();
    let names = format!("{{__name__=~\"ALERTS|ALERTS_FOR_STATE|{}\"}}", all_names(&recorded));
    let [theirs, ours] = [&servers[0], &servers[1]].map(|s| written(s, &names, first, until));
    let (mut samples, mut exact) = (0, 0);
    let mut wrong = Vec::new();
    let every: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    for series in every {
        let (a, b) = (theirs.get(series), ours.get(series));
        let (Some(a), Some(b)) = (a, b) else {
            wrong.push(format!("{series}: theirs {a:?} ours {b:?}"));
            continue;
        };
        let same = a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.0 == y.0 && close(&x.1, &y.1));
        if !same {
            wrong.push(format!("{series}:\n  theirs {a:?}\n  ours   {b:?}"));
        }
        samples += a.len();
        exact += a.iter().zip(b).filter(|(x, y)| x == y).count();
    }
    assert!(wrong.is_empty(), "{} series differ:\n{}", wrong.len(), wrong.join("\n"));
    let firing = theirs.keys().filter(|s| s.contains("\"alertstate\":\"firing\"")).count();
    let pending = theirs.keys().filter(|s| s.contains("\"alertstate\":\"pending\"")).count();
    println!(
        "{} rules, {} series made; {} series with {samples} samples equal, {exact} to the bit; {firing} firing, {pending} pending",
        rules.len(),
        series.len(),
        theirs.len()
    );
    assert!(theirs.len() > 200 && firing > 20 && pending > 20, "the comparison says too little");
    assert!(
        rules_differ.is_empty(),
        "{} rules differ in /api/v1/rules:\n{}",
        rules_differ.len(),
        rules_differ.join("\n")
    );
    assert!(asked_differ.is_empty(), "{}", asked_differ.join("\n"));
    assert_eq!(pages(&servers[1], &rule_path), pages(&servers[0], &rule_path));
    let groups: BTreeSet<&str> = rules.iter().map(|r| r.group.as_str()).collect();
    assert!(groups.len() > 20);
}

/// What is asked of both besides everything.
const QUESTIONS: &[&str] = &[
    "type=alert",
    "type=record&exclude_alerts=true",
    "exclude_alerts=1",
    "exclude_alerts=x",
    "type=x",
    "rule_name[]=OddKeeps&rule_name[]=odd:chain",
    "rule_group[]=odd.limits",
    "rule_group[]=none",
    "match[]={severity=\"critical\"}",
    "match[]={team=~\"n.*\",over=\"rule\"}&match[]={from=\"chain\"}",
    "match[]={severity=\"{{ if gt $value 0.5 }}high{{ else }}low{{ end }}\"}",
    "match[]={",
    "group_limit=2",
    "group_limit=0",
    "group_limit=x",
    "group_next_token=x",
    "group_limit=2&group_next_token=x",
    "file[]=none",
];

/// What differs in the answers to a question about rules. A tick may fall between the two.
fn asked(servers: &[Running; 2], question: &str) -> Vec<String> {
    let path = question.split('&').map(|p| {
        let (key, value) = p.split_once('=').unwrap();
        format!("{}={}", ask::encoded(key), ask::encoded(value))
    });
    let path = format!("/api/v1/rules?{}", path.collect::<Vec<_>>().join("&"));
    let once = || -> Vec<String> {
        std::thread::sleep(Duration::from_millis(100));
        let [a, b] = [&servers[0], &servers[1]].map(|s| ask::get(s.port, &path).unwrap());
        let (x, y) = (a.json(), b.json());
        if a.status != 200 || b.status != 200 {
            let same = a.status == b.status && x == y;
            return if same { Vec::new() } else { vec![format!("{question}\ntheirs {x}\nours   {y}")] };
        }
        if x["data"]["groupNextToken"] != y["data"]["groupNextToken"] {
            return vec![format!("{question}: the tokens differ")];
        }
        differences(&x["data"], &y["data"])
    };
    (0..20).map(|_| once()).find(Vec::is_empty).unwrap_or_else(once)
}

/// Names of groups page by page, with the tokens between.
fn pages(server: &Running, file: &Path) -> Vec<String> {
    let file = ask::encoded(&file.display().to_string());
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/rules?type=record&file[]={file}&group_limit=3&group_next_token={token}");
        let data = ask::get(server.port, &path).unwrap().json()["data"].clone();
        all.extend(data["groups"].as_array().unwrap().iter().map(|g| g["name"].to_string()));
        let Some(next) = data["groupNextToken"].as_str() else { return all };
        next.clone_into(&mut token);
        all.push(token.clone());
    }
}

fn all_names(recorded: &BTreeSet<String>) -> String {
    recorded.iter().map(String::as_str).collect::<Vec<_>>().join("|")
}

fn rules_of(server: &Running) -> Value {
    ask::get(server.port, "/api/v1/rules").unwrap().json()["data"].clone()
}

/// What differs in two answers of `/api/v1/rules`, but for how long things took and the order of alerts.
fn differences(theirs: &Value, ours: &Value) -> Vec<String> {
    let plain = |v: &Value| {
        let mut v = v.clone();
        for g in v["groups"].as_array_mut().unwrap() {
            for key in ["evaluationTime", "lastEvaluation", "file"] {
                g[key] = Value::Null;
            }
            for r in g["rules"].as_array_mut().unwrap() {
                for key in ["evaluationTime", "lastEvaluation"] {
                    r[key] = Value::Null;
                }
                if let Some(alerts) = r["alerts"].as_array_mut() {
                    alerts.sort_by_key(|a| a["labels"].to_string());
                }
            }
        }
        v
    };
    let (theirs, ours) = (plain(theirs), plain(ours));
    let (a, b) = (theirs["groups"].as_array().unwrap(), ours["groups"].as_array().unwrap());
    assert_eq!(a.len(), b.len());
    let mut wrong = Vec::new();
    for (x, y) in a.iter().zip(b) {
        assert_eq!(x["name"], y["name"]);
        let heads = ["interval", "limit"].map(|k| (&x[k], &y[k]));
        assert!(heads.iter().all(|(a, b)| a == b), "{heads:?}");
        assert_eq!(x["rules"].as_array().unwrap().len(), y["rules"].as_array().unwrap().len());
        for (r, s) in x["rules"].as_array().unwrap().iter().zip(y["rules"].as_array().unwrap()) {
            if !ask::same(r, s, true) {
                wrong.push(format!("theirs {r}\nours   {s}"));
            }
        }
    }
    wrong
}
