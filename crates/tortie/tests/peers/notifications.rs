//! Alerts on their way: the requests beside those of the real Prometheus, a real Alertmanager that takes them, and what
//! becomes of them when the server is killed.

use crate::process::{SOON, Server, folder, peer, serve};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request that came.
#[derive(Debug, Clone)]
struct Came {
    head: String,
    body: String,
}

/// An Alertmanager that writes down what comes and says 200 to all of it.
struct Recorder {
    address: String,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Recorder {
    fn start() -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let list = Arc::clone(&came);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let list = Arc::clone(&list);
                std::thread::spawn(move || while answer(&stream, &list).is_some() {});
            }
        });
        Recorder { address, came }
    }

    fn all(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// Waits until `done` holds of all that came.
    fn until(&self, what: &str, done: impl Fn(&[Came]) -> bool) -> Vec<Came> {
        let began = Instant::now();
        loop {
            let all = self.all();
            if done(&all) {
                return all;
            }
            assert!(began.elapsed() < SOON, "{what}: {all:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Reads one request and answers it; nothing at the end of the connection.
fn answer(mut stream: &TcpStream, list: &Mutex<Vec<Came>>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut part = [0; 65536];
    let (head, length) = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok())
                .unwrap_or(0);
            break (head.to_owned(), length);
        }
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
    };
    while bytes.len() < head.len() + 4 + length {
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
    }
    let body = String::from_utf8(bytes[head.len() + 4..].to_vec()).unwrap();
    list.lock().unwrap().push(Came { head, body });
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()
}

const RULES: &str = r#"
groups:
- name: one
  interval: 1s
  rules:
  - alert: Fires
    expr: vector(12.5) > 1
    labels: {severity: page, quoted: "<&'\"\\>", unicode: größe}
    annotations: {summary: "value {{ $value }} on {{ $externalLabels.cluster }}", empty: "", html: "<b>&</b>"}
  - alert: Many
    expr: label_replace(vector(1), "n", "a", "", "") or label_replace(vector(2), "n", "b", "", "") or label_replace(vector(3), "n", "c", "", "")
    labels: {team: "{{ $labels.n }}"}
    annotations: {broken: "{{ $labels.n.x }}", query: "{{ with query \"vector(3)\" }}{{ . | first | value | humanize }}{{ end }}"}
  - alert: Quiet
    expr: vector(1)
"#;

fn config(address: &str) -> String {
    format!(
        "global: {{evaluation_interval: 1s, external_labels: {{cluster: eu, replica: a, severity: none}}}}\n\
         rule_files: [rules.yml]\n\
         alerting:\n\
         \x20 alert_relabel_configs:\n\
         \x20 - {{regex: replica, action: labeldrop}}\n\
         \x20 - {{source_labels: [alertname], regex: Quiet, action: drop}}\n\
         \x20 alertmanagers:\n\
         \x20 - path_prefix: /prefix/\n\
         \x20   basic_auth: {{username: me, password: pw}}\n\
         \x20   static_configs: [{{targets: ['{address}', 'dropped:1']}}]\n\
         \x20   relabel_configs: [{{source_labels: [__address__], regex: 'dropped.*', action: drop}}]\n"
    )
}

/// A request without what depends on times and programs: its head, and its alerts by their labels as they were written.
fn told(server: Server) -> (Vec<String>, Vec<String>, Value) {
    let dir = folder();
    std::fs::write(dir.path().join("rules.yml"), RULES).unwrap();
    let recorder = Recorder::start();
    let running = serve(
        server,
        dir.path(),
        &config(&recorder.address),
        &["--web.external-url=http://monitoring.example/prom", "--web.route-prefix=/"],
    );
    let came = recorder.until("four alerts", |all| {
        let text: String = all.iter().map(|c| c.body.as_str()).collect();
        ["\"Fires\"", "\"a\"", "\"b\"", "\"c\""].iter().all(|n| text.contains(n))
    });
    let mut head: Vec<String> = came[0]
        .head
        .lines()
        .map(|l| l.to_ascii_lowercase())
        .filter(|l| {
            !["host:", "user-agent:", "content-length:", "accept-encoding:"].iter().any(|h| l.starts_with(h))
        })
        .collect();
    head.sort();
    let mut alerts: Vec<String> = came.iter().flat_map(|c| split(&c.body)).map(|a| timeless(&a)).collect();
    alerts.sort();
    alerts.dedup();
    let list = crate::ask::get(running.port, "/api/v1/alertmanagers")
        .filter(|r| r.status == 200)
        .expect("an answer")
        .json();
    let list: Value = serde_json::from_str(&list.to_string().replace(&recorder.address, "AM")).unwrap();
    (head, alerts, list)
}

/// The texts of the alerts of a body, byte for byte.
fn split(body: &str) -> Vec<String> {
    let inner = body.strip_prefix('[').and_then(|b| b.strip_suffix(']')).expect("a list");
    let mut out: Vec<String> = inner.split("}},{").map(str::to_owned).collect();
    let last = out.len() - 1;
    for (i, text) in out.iter_mut().enumerate() {
        if i > 0 {
            text.insert(0, '{');
        }
        if i < last {
            text.push_str("}}");
        }
        let parsed: Result<Value, _> = serde_json::from_str(text);
        assert!(parsed.is_ok(), "{text}");
    }
    out
}

/// The text with the digits of times replaced.
fn timeless(alert: &str) -> String {
    let mut out = alert.to_owned();
    for key in ["\"endsAt\":\"", "\"startsAt\":\""] {
        let at = out.find(key).expect("a time") + key.len();
        let time = out[at..at + 24].to_owned();
        assert!(time.ends_with('Z') && time.as_bytes()[19] == b'.', "{time}");
        out.replace_range(at..at + 24, "TIME");
    }
    out
}

#[test]
fn requests_equal_those_of_prometheus_but_for_times() {
    let theirs = told(Server::Prometheus);
    let ours = told(Server::Tortie);
    assert_eq!(ours.0, theirs.0, "heads");
    assert_eq!(ours.1, theirs.1, "alerts");
    assert_eq!(ours.2, theirs.2, "/api/v1/alertmanagers");
    assert_eq!(ours.1.len(), 4);
    println!("{} alerts the same, byte for byte but for times:\n{}", ours.1.len(), ours.1.join("\n"));
}

/// `endsAt` of the alerts of that name, milliseconds apart from `startsAt`.
fn spans(all: &[Came], name: &str) -> Vec<(String, String)> {
    let of = |v: &Value, key: &str| v[key].as_str().unwrap().to_owned();
    all.iter()
        .flat_map(|c| serde_json::from_str::<Vec<Value>>(&c.body).unwrap())
        .filter(|a| a["labels"]["alertname"] == name)
        .map(|a| (of(&a, "startsAt"), of(&a, "endsAt")))
        .collect()
}

#[test]
fn killed_between_firing_and_resolved_the_resolved_notice_comes_once() {
    let dir = folder();
    let rules = |expr: &str| {
        format!("groups: [{{name: g, interval: 1s, rules: [{{alert: Fires, expr: '{expr}'}}]}}]\n")
    };
    std::fs::write(dir.path().join("rules.yml"), rules("vector(1)")).unwrap();
    let recorder = Recorder::start();
    let config = format!(
        "global: {{evaluation_interval: 1s}}\nrule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: \
         [{{targets: ['{}']}}]}}]}}\n",
        recorder.address
    );
    let flags = ["--rules.alert.resend-delay=1s", "--storage.tsdb.no-lockfile"];
    let tortie = serve(Server::Tortie, dir.path(), &config, &flags);
    // Killed as soon as it has told of the alert.
    recorder.until("a firing", |all| !spans(all, "Fires").is_empty());
    tortie.kill();
    let before = spans(&recorder.all(), "Fires").len();
    std::fs::write(dir.path().join("rules.yml"), rules("vector(1) > 2")).unwrap();
    let tortie = serve(Server::Tortie, dir.path(), &config, &flags);
    recorder.until("the resolved notice", |all| spans(all, "Fires").len() > before);
    // endsAt was 4 s ahead at most: long after that nothing more has come.
    std::thread::sleep(Duration::from_secs(8));
    let after: Vec<(String, String)> = spans(&recorder.all(), "Fires").split_off(before);
    assert_eq!(after.len(), 1, "{after:?}\n{}", tortie.log());
}

/// A real Alertmanager in a folder, and its port, once it listens.
pub(crate) fn alertmanager(dir: &Path, config: &str, more: &[&str]) -> (Running2, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(dir.join("am.yml"), config).unwrap();
    let log = std::fs::File::create(dir.join("am.log")).unwrap();
    let child = Command::new(peer("alertmanager"))
        .args(["--config.file=am.yml", "--storage.path=am", "--cluster.listen-address="])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(more)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let running = Running2(child);
    let began = Instant::now();
    // Behind TLS it says what is wrong with plain text.
    let up = |r: crate::ask::Answer| r.status == 200 || more.iter().any(|a| a.contains("web.config"));
    while !crate::ask::get(port, "/-/ready").is_some_and(up) {
        assert!(began.elapsed() < SOON, "the Alertmanager is not ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    (running, port)
}

/// A child that is killed when it is dropped.
pub(crate) struct Running2(std::process::Child);

impl Drop for Running2 {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_alertmanager_takes_the_alerts_and_learns_that_they_are_over() {
    let dir = folder();
    std::fs::write(dir.path().join("rules.yml"), RULES).unwrap();
    let (_alertmanager, port) =
        alertmanager(dir.path(), "route: {receiver: none}\nreceivers: [{name: none}]\n", &[]);
    let config = config(&format!("127.0.0.1:{port}")).replace("path_prefix: /prefix/", "path_prefix: /");
    let tortie = serve(Server::Tortie, dir.path(), &config, &["--web.enable-lifecycle"]);
    let alerts = |state: &str| -> Vec<String> {
        let r = crate::ask::get(port, "/api/v2/alerts?active=true&silenced=true&inhibited=true").unwrap();
        let all: Vec<Value> = serde_json::from_str(&r.body).unwrap();
        let mut names: Vec<String> =
            all.iter().filter(|a| a["status"]["state"] == state).map(|a| a["labels"].to_string()).collect();
        names.sort();
        names
    };
    let began = Instant::now();
    while alerts("active").len() < 4 {
        assert!(began.elapsed() < SOON, "{:?}\n{}", alerts("active"), tortie.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let named = alerts("active");
    assert!(named.iter().all(|l| l.contains("\"cluster\":\"eu\"") && !l.contains("replica")), "{named:?}");
    let metrics = crate::ask::get(tortie.port, "/metrics").unwrap().body;
    let label = format!("{{alertmanager=\"http://127.0.0.1:{port}/api/v2/alerts\"}}");
    assert!(metrics.contains(&format!("prometheus_notifications_errors_total{label} 0")), "{metrics}");
    assert!(metrics.contains("prometheus_notifications_alertmanagers_discovered 1"));
    // The rules are no longer true: the Alertmanager is told at once.
    let over = RULES.replace("vector(12.5) > 1", "vector(12.5) > 100").replace(
        "label_replace(vector(3), \"n\", \"c\", \"\", \"\")",
        "label_replace(vector(3) > 5, \"n\", \"c\", \"\", \"\")",
    );
    let (rules, first) = (dir.path().join("rules.yml"), named.len());
    std::fs::write(rules, over).unwrap();
    assert_eq!(crate::ask::post(tortie.port, "/-/reload", &[]).unwrap().status, 200);
    let began = Instant::now();
    while alerts("active").len() > first - 2 {
        assert!(began.elapsed() < SOON, "{:?}\n{}", alerts("active"), tortie.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Names of the alerts of each notification that a receiver got.
fn notified(all: &[Came]) -> Vec<Vec<String>> {
    let of = |c: &Came| -> Vec<String> {
        let body: Value = serde_json::from_str(&c.body).unwrap();
        let alerts = body["alerts"].as_array().unwrap().clone();
        alerts.iter().map(|a| a["labels"].to_string()).collect()
    };
    all.iter().map(of).collect()
}

/// Two servers that differ by the label `replica`, which relabelling takes away, are one for an Alertmanager; where it
/// stays, people are told twice.
#[test]
fn two_servers_with_one_alertmanager_give_one_notification() {
    let count = |drops: bool| {
        let (dirs, hook) = ([folder(), folder(), folder()], Recorder::start());
        // Each alert is a group of its own, so that a notification tells of one.
        let routing = format!(
            "route: {{receiver: hook, group_by: ['...'], group_wait: 2s, group_interval: 2s, repeat_interval: 1h}}\n\
             receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
            hook.address
        );
        let (_alertmanager, port) = alertmanager(dirs[2].path(), &routing, &[]);
        let servers = [("a", &dirs[0]), ("b", &dirs[1])].map(|(replica, dir)| {
            std::fs::write(dir.path().join("rules.yml"), RULES).unwrap();
            let mut config = config(&format!("127.0.0.1:{port}"))
                .replace("path_prefix: /prefix/", "path_prefix: /")
                .replace("replica: a", &format!("replica: {replica}"));
            if !drops {
                config = config.replace("regex: replica", "regex: nothing");
            }
            serve(Server::Tortie, dir.path(), &config, &["--rules.alert.resend-delay=1s"])
        });
        // Both have told of all their alerts several times, and the Alertmanager has had time to tell of each.
        let began = Instant::now();
        let label = format!("{{alertmanager=\"http://127.0.0.1:{port}/api/v2/alerts\"}} ");
        let sent = |port: u16| {
            let metrics = crate::ask::get(port, "/metrics").unwrap().body;
            let name = format!("prometheus_notifications_sent_total{label}");
            metrics.lines().find_map(|l| l.strip_prefix(&name)?.parse::<f64>().ok()).unwrap_or(0.0)
        };
        while servers.iter().any(|s| sent(s.port) < 24.0) {
            assert!(began.elapsed() < SOON, "{:?}", servers.each_ref().map(|s| sent(s.port)));
            std::thread::sleep(Duration::from_millis(200));
        }
        let expect = if drops { 4 } else { 8 };
        let came = hook.until("all alerts", |all| notified(all).concat().len() >= expect);
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(hook.all().len(), came.len(), "nothing more comes");
        notified(&came).concat()
    };
    let mut one = count(true);
    one.sort();
    one.dedup();
    assert_eq!(one.len(), 4, "four alerts, each told of once: {one:#?}");
    let mut both = count(false);
    both.dedup();
    assert_eq!(both.len(), 8, "{both:#?}");
}

/// Whoever takes over from the real Prometheus, on its data and with its configuration, tells nobody a second time: not that
/// alerts fire, nor that they are over.
#[test]
fn taking_over_from_prometheus_notifies_nobody_again() {
    let (dir, am, hook) = (folder(), folder(), Recorder::start());
    let routing = format!(
        "route: {{receiver: hook, group_by: ['...'], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        hook.address
    );
    let (_alertmanager, port) = alertmanager(am.path(), &routing, &[]);
    std::fs::write(dir.path().join("rules.yml"), RULES).unwrap();
    let config = config(&format!("127.0.0.1:{port}")).replace("path_prefix: /prefix/", "path_prefix: /");
    // A notice holds for a minute: longer than the change takes.
    let flags = ["--rules.alert.resend-delay=15s"];
    let prometheus = serve(Server::Prometheus, dir.path(), &config, &flags);
    let before = hook.until("all alerts", |all| notified(all).concat().len() >= 4);
    let begins = || -> Vec<(String, String)> {
        let all = crate::ask::get(port, "/api/v2/alerts?active=true").unwrap().json();
        let one = |a: &Value| (a["labels"].to_string(), a["startsAt"].to_string());
        let mut all: Vec<_> = all.as_array().unwrap().iter().map(one).collect();
        all.sort();
        all
    };
    let since = begins();
    assert_eq!((since.len(), before.len()), (4, 4));
    prometheus.terminate();
    let tortie = serve(Server::Tortie, dir.path(), &config, &flags);
    let began = Instant::now();
    let sent = format!(
        "prometheus_notifications_sent_total{{alertmanager=\"http://127.0.0.1:{port}/api/v2/alerts\"}} 4"
    );
    while !crate::ask::get(tortie.port, "/metrics").unwrap().body.contains(&sent) {
        assert!(began.elapsed() < SOON, "{}", tortie.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    // Several intervals of the Alertmanager's groups.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(notified(&hook.all()).len(), before.len(), "{:#?}", hook.all());
    assert_eq!(begins(), since, "the Alertmanager takes them for the same alerts");
}
