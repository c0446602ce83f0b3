//! Targets of custom resources that lead elsewhere: a redirect to this machine, to a cloud's metadata, to the own pages is
//! refused; one to another host, or a rule that makes the target another host, is followed without credentials; the rest goes
//! on. In a network of its own, whose addresses other than loopback are those of other machines as far as a monitor knows.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer};
use tortie_testbed::{Namespace, Process, until};

/// Where tortie listens: on every address, so that the own listener has one that is no loopback.
const OWN: &str = "10.99.0.1:9090";
const HONEST: &str = "10.99.1.1:8080";
const OTHER: &str = "10.99.1.2:8080";
const LOCAL: &str = "127.0.0.1:9999";

/// A server that notes the heads of its requests. `/to/URL` redirects there; everything else is metrics.
struct Noting {
    heads: Arc<Mutex<Vec<String>>>,
}

impl Noting {
    fn start(namespace: &Namespace, at: &str) -> Noting {
        let listener = namespace.listen(at.parse().unwrap()).unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&heads);
        std::thread::spawn(move || accept(&listener, &noted));
        Noting { heads }
    }

    /// Heads of the requests for a path.
    fn asked(&self, path: &str) -> Vec<String> {
        let line = format!("GET {path} ");
        self.heads.lock().unwrap().iter().filter(|h| h.starts_with(&line)).cloned().collect()
    }
}

fn accept(listener: &TcpListener, heads: &Mutex<Vec<String>>) {
    for mut stream in listener.incoming().flatten() {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        heads.lock().unwrap().push(head);
        let answer = match path.strip_prefix("/to/") {
            Some(url) => format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            None => "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 4\r\nConnection: close\r\n\r\na 1\n".to_owned(),
        };
        // Whoever left wants no answer.
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn custom(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": name, "namespace": "apps"}, "spec": spec})
}

/// A monitor of the Service of its name at an address, with credentials.
fn monitor(kube: &KubeServer, name: &str, at: &str, path: &str, rules: &Value) {
    let at: SocketAddr = at.parse().unwrap();
    let meta = json!({"name": name, "namespace": "apps", "labels": {"app": name}});
    let ports = json!([{"name": "web", "port": at.port()}]);
    let credentials =
        json!({"username": {"name": "who", "key": "user"}, "password": {"name": "who", "key": "password"}});
    let endpoint = json!({"port": "web", "path": path, "basicAuth": credentials, "relabelings": rules});
    for object in [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}}),
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": [{"addresses": [{"ip": at.ip()}], "ports": ports}]}),
        custom(
            "ServiceMonitor",
            name,
            &json!({"selector": {"matchLabels": {"app": name}}, "endpoints": [endpoint]}),
        ),
    ] {
        assert!(kube.place(&object), "{object}");
    }
}

fn cluster(kube: &KubeServer) {
    let select = json!({"serviceMonitorSelector": {}, "scrapeInterval": "300ms", "scrapeTimeout": "300ms"});
    for object in [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}}),
        custom("Prometheus", "k8s", &select),
    ] {
        assert!(kube.place(&object), "{object}");
    }
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "who", "namespace": "apps"}, "stringData": {"user": "u", "password": "p"}});
    assert!(kube.create("v1", "secrets", "apps", &secret).is_some());
    let none = json!([]);
    monitor(kube, "honest", HONEST, "/honest", &none);
    for (name, url) in [
        ("loopback", format!("http://{LOCAL}/secret")),
        ("metadata", "http://169.254.169.254/latest/meta-data".to_owned()),
        ("own", format!("http://{OWN}/api/v1/status/config")),
        ("other", format!("http://{OTHER}/redirected")),
    ] {
        monitor(kube, &format!("to-{name}"), HONEST, &format!("/to/{url}"), &none);
    }
    monitor(kube, "own", OWN, "/metrics", &none);
    let away = json!([{"targetLabel": "__address__", "replacement": OTHER}]);
    monitor(kube, "away", HONEST, "/away", &away);
}

#[test]
fn redirects_and_rules_do_not_lead_to_this_machine_nor_take_credentials_along() {
    let namespace = Arc::new(Namespace::make().unwrap());
    let inside = Arc::clone(&namespace);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_start(move || inside.enter_for_good().unwrap())
        .build()
        .unwrap();
    let kube = runtime.spawn(KubeServer::start(KubeOptions::monitored(CalicoApi::Absent)));
    let kube = runtime.block_on(kube).unwrap().unwrap();
    cluster(&kube);
    let [honest, other, local] = [HONEST, OTHER, LOCAL].map(|at| Noting::start(&namespace, at));

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("kubeconfig"), kube.kubeconfig("admin")).unwrap();
    let mut command = namespace.command(env!("CARGO_BIN_EXE_tortie"));
    command.args(["run", "--from-crds", "--kubeconfig=kubeconfig", "--storage.tsdb.path=data"]);
    command
        .arg(format!("--web.listen-address={}", OWN.replace("10.99.0.1", "0.0.0.0")))
        .current_dir(dir.path());
    let tortie = Process::start("tortie", command, &dir.path().join("tortie.log")).unwrap();

    let targets = || -> Option<Vec<Value>> {
        let mut stream = namespace.connect("127.0.0.1:9090".parse().unwrap()).ok()?;
        write!(stream, "GET /api/tortie/v1/targets HTTP/1.0\r\nHost: x\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let answer: Value = serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()?;
        answer["data"]["activeTargets"].as_array().cloned()
    };
    let all = until("all targets were scraped", Duration::from_secs(60), || {
        let all = targets().unwrap_or_default();
        Ok((all.len() == 7 && all.iter().all(|t| t["health"] != "unknown")).then_some(all))
    })
    .unwrap_or_else(|e| panic!("{e}: {:#?}\n{}", targets(), tortie.tail(20)));
    let of = |name: &str| {
        let pool = format!("serviceMonitor/apps/{name}/0");
        all.iter().find(|t| t["scrapePool"] == json!(pool)).unwrap_or_else(|| panic!("{pool}: {all:#?}"))
    };
    for (name, why) in [
        ("to-loopback", "127.0.0.1:9999 is a loopback address"),
        ("to-metadata", "169.254.169.254:80 is a link-local address"),
        ("to-own", "10.99.0.1:9090 is a listener of this process"),
        ("own", "10.99.0.1:9090 is a listener of this process"),
    ] {
        let said = of(name)["lastError"].as_str().unwrap();
        assert!(
            said.contains(why) && said.contains("which targets of custom resources may not be"),
            "{name}: {said}"
        );
    }
    for name in ["honest", "to-other", "away"] {
        assert_eq!(of(name)["health"], "up", "{}\n{}", of(name), tortie.tail(10));
    }
    assert_eq!(
        of("away")["lastWarning"],
        json!(
            "credentials are not sent: they are for \"10.99.1.1\", and rules made the target \"10.99.1.2\""
        )
    );
    assert_eq!(of("honest")["remarks"], json!(["credentials are sent over plain http"]));
    assert_eq!(of("away")["remarks"], Value::Null);

    let knows = |heads: &[String]| {
        heads.iter().filter(|h| h.to_lowercase().contains("\r\nauthorization: basic ")).count()
    };
    let right = honest.asked("/honest");
    assert!(!right.is_empty() && knows(&right) == right.len(), "{right:?}");
    let redirecting = honest.asked(&format!("/to/http://{OTHER}/redirected"));
    assert!(!redirecting.is_empty() && knows(&redirecting) == redirecting.len(), "{redirecting:?}");
    for path in ["/redirected", "/away"] {
        let heads = other.asked(path);
        assert!(!heads.is_empty() && knows(&heads) == 0, "{path}: {heads:?}");
    }
    assert_eq!(local.asked("/secret"), [""; 0], "nobody came");
}
