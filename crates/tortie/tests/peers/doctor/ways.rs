//! The doctor's ways to a real Prometheus: a port-forward, the API server's proxy, an address with TLS and a password. And
//! what it does on the way: the rights it asks for, what it leaves in the audit log, waiting, files laid over the cluster.

use super::catalogue::chain;
use super::cluster::{Cluster, Told};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tortie_testbed::{Output, Process, binary, until};

/// Where the second Prometheus answers: an address that the API server's certificate names.
const SECOND: &str = "10.99.0.1:9443";

/// The password is `test`; its bcrypt hash has the least cost, since every request pays for it.
const WEB: &str = "tls_server_config: {cert_file: /cert.pem, key_file: /key.pem}
basic_auth_users: {tortie: $2b$04$hNf2lSsxfm0.i4a.1kVpSORlJqwqYFZ3x1Am1frBDy6/wVn4lx8/i}
";

/// How the only Prometheus was reached, or why not.
fn way(told: &Told) -> String {
    let list = told.report["prometheus"].as_array().cloned().unwrap_or_default();
    assert_eq!(list.len(), 1, "{}", told.report);
    format!(
        "{}{}",
        list[0]["via"].as_str().unwrap_or_default(),
        list[0]["unreachable"].as_str().unwrap_or_default()
    )
}

#[test]
fn every_way_to_a_prometheus() {
    let cluster = Cluster::start(30, false);
    chain(&cluster);
    waiting(&cluster);
    by_forward(&cluster);
    by_proxy(&cluster);
    by_address(&cluster);
    in_a_pod(&cluster);
    measurements(&cluster);
    over_the_cluster(&cluster);
    pasted_with_three_contexts(&cluster);
    carried_out(&cluster);
    nobody_listens(&cluster);
    two_writers(&cluster);
}

/// Waits while operators and rollouts are at it; does not wait for a wrong name.
fn waiting(cluster: &Cluster) {
    let healthy = cluster.doctor(&["--wait=60s", "--probe-nodes", "0"]);
    assert_eq!((healthy.ids(), healthy.exit), (vec![], 0), "{}", healthy.screen);
    let wrong = json!([{"op": "replace", "path": "/spec/endpoints/0/port", "value": "nope"}]).to_string();
    let name = "calico-felix";
    cluster
        .bed
        .kubectl_ok(&["-n", "monitoring", "patch", "servicemonitor", name, "--type=json", "-p", &wrong])
        .unwrap();
    // While the last samples are fresh the chain is whole by its end.
    let told = cluster.doctor_until(|t| t.ids() == ["T507"]);
    assert_eq!(told.ids(), ["T507"], "{}", told.screen);
    let begin = Instant::now();
    let told = cluster.doctor(&["--wait=60s", "--probe-nodes", "0"]);
    assert_eq!((told.ids(), told.exit), (vec!["T507".to_owned()], 1), "{}", told.screen);
    assert!(begin.elapsed() < Duration::from_secs(30), "waited {:?} for a wrong name", begin.elapsed());
    for command in told.finding("T507")["fix"]["commands"].as_array().unwrap() {
        cluster.run_printed(command);
    }
    let healed = cluster.doctor_until(|t| t.exit == 0);
    assert_eq!((healed.ids(), healed.exit), (vec![], 0), "{}", healed.screen);
}

fn by_forward(cluster: &Cluster) {
    let told = cluster.doctor(&["--probe-nodes", "0"]);
    assert_eq!((told.exit, way(&told)), (0, "port-forward".to_owned()), "{}", told.screen);
    let events = cluster.bed.audit_events().unwrap();
    let own: Vec<_> = events.iter().filter(|e| e.agent.starts_with("tortie")).collect();
    assert!(own.len() > 20, "{} requests of tortie in the audit log", own.len());
    let writes: Vec<_> = own.iter().filter(|e| !e.is_read() && e.resource != "pods/portforward").collect();
    assert!(writes.is_empty(), "{writes:?}");
}

/// Somebody who may read and use the proxy, but not forward ports; asked for with `--as`.
fn by_proxy(cluster: &Cluster) {
    let role = |name: &str, rules: Value| {
        [
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}),
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]}),
        ]
    };
    let everything = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["list", "watch"]});
    // `get` of everything would be the right to forward: a list of what is got by name stands beside the proxy.
    let named = json!({"apiGroups": [""], "resources": ["namespaces", "secrets", "configmaps", "pods/log"], "verbs": ["get"]});
    let proxy = json!({"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]});
    cluster.bed.apply_objects(&role("proxied", json!([everything, named, proxy]))).unwrap();
    let told = cluster.doctor_until_as("proxied", |t| t.exit == 0);
    assert_eq!((told.exit, way(&told)), (0, "API server's proxy".to_owned()), "{}", told.screen);
    cluster.bed.apply_objects(&role("neither", json!([everything, named]))).unwrap();
    let told = cluster.doctor(&["--as", "neither"]);
    // Nothing is broken, but the missing rights are named, to the pods of Prometheus and to those that would be probed.
    assert!(told.ids().iter().all(|id| id == "T102") && told.exit == 3, "{}", told.screen);
    let missing = told.report["findings"].as_array().unwrap().iter();
    let mut missing: Vec<String> =
        missing.map(|f| format!("{} {}", f["cause"]["path"], f["cause"]["have"]).replace('"', "")).collect();
    missing.sort();
    let forward = "pods/portforward";
    let expect = [
        format!("{forward} calico-system"),
        format!("{forward} monitoring"),
        "pods/proxy monitoring".to_owned(),
    ];
    assert_eq!(missing, expect, "{}", told.screen);
}

/// The file system of Prometheus' pod, with its ServiceAccount's token.
fn pod_root(cluster: &Cluster) -> PathBuf {
    let pods = std::fs::read_dir(cluster.bed.folder().join("pods")).unwrap();
    let mut roots = pods.filter_map(|e| Some(e.ok()?.path()));
    roots.find(|p| p.join("bin/prometheus").exists()).expect("the folder of the pod of Prometheus")
}

/// In a pod there is no kubeconfig: its ServiceAccount is used, with the rights that it has.
fn in_a_pod(cluster: &Cluster) {
    let (root, program) = (pod_root(cluster), env!("CARGO_BIN_EXE_tortie"));
    let libraries = std::process::Command::new("ldd").arg(program).output().unwrap().stdout;
    let text = String::from_utf8_lossy(&libraries).into_owned();
    for library in text.lines().filter_map(|l| l.split_whitespace().find(|w| w.starts_with('/'))) {
        let to = root.join(library.trim_start_matches('/'));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(library, to).unwrap();
    }
    std::fs::copy(program, root.join("bin/tortie")).unwrap();
    let mut command = cluster.bed.command("chroot");
    command.arg(&root).args(["/bin/tortie", "doctor", "-o", "json", "--probe-nodes", "0"]);
    command.env_remove("KUBECONFIG").env("HOME", "/nowhere").stdin(Stdio::null());
    command.env("KUBERNETES_SERVICE_HOST", "10.99.0.1").env("KUBERNETES_SERVICE_PORT", "6443");
    let out = command.output().unwrap();
    let report: Value = serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    assert_eq!(report["cluster"]["server"], "https://10.99.0.1:6443", "{report}");
    assert!(report["cluster"]["kubernetes"].as_str().is_some_and(|v| v.starts_with("1.36")), "{report}");
    // Prometheus' account lists pods and may not list monitors: what it may not is named.
    let findings = report["findings"].as_array().unwrap();
    let missing: Vec<String> = findings.iter().filter(|f| f["id"] == "T102").map(Value::to_string).collect();
    assert!(missing.iter().any(|f| f.contains("servicemonitors.monitoring.coreos.com")), "{report}");
    assert!(!missing.iter().any(|f| f.contains("list pods ")), "{report}");
}

/// A second real Prometheus on the same configuration, behind TLS and a password.
fn second(cluster: &Cluster) -> Process {
    let (bed, root) = (&cluster.bed, pod_root(cluster));
    std::fs::copy(bed.folder().join("certs/apiserver.crt"), root.join("cert.pem")).unwrap();
    std::fs::copy(bed.folder().join("certs/apiserver.key"), root.join("key.pem")).unwrap();
    std::fs::write(root.join("web.yml"), WEB).unwrap();
    let mut command = bed.command("chroot");
    command.arg(&root).arg("/bin/prometheus").args([
        "--config.file=/etc/prometheus/config_out/prometheus.env.yaml",
        "--storage.tsdb.path=/tmp/second",
        "--web.config.file=/web.yml",
    ]);
    command.arg(format!("--web.listen-address={SECOND}"));
    command
        .env("KUBERNETES_SERVICE_HOST", "10.99.0.1")
        .env("KUBERNETES_SERVICE_PORT", "6443")
        .env_remove("KUBECONFIG");
    bed.run("second-prometheus", command).unwrap()
}

fn by_address(cluster: &Cluster) {
    let mut process = second(cluster);
    let folder = cluster.bed.folder().to_owned();
    let (right, wrong) = (folder.join("right"), folder.join("wrong"));
    std::fs::write(&right, "test\n").unwrap();
    std::fs::write(&wrong, "guess").unwrap();
    let authority = cluster.bed.authority();
    let url = format!("https://{SECOND}");
    let ask = |password: &std::path::Path, more: &[&str]| {
        let mut arguments = vec![
            "--prom-url",
            &url,
            "--prom-user",
            "tortie",
            "--prom-password-file",
            password.to_str().unwrap(),
        ];
        arguments.extend(more);
        arguments.extend(["--probe-nodes", "0"]);
        cluster.doctor(&arguments)
    };
    let trusted = ["--prom-ca-file", authority.to_str().unwrap()];
    let mut last = None;
    let reached = until("the second Prometheus has samples", Duration::from_secs(60), || {
        process.check()?;
        let told = ask(&right, &trusted);
        let done = told.exit == 0;
        last = Some(told);
        Ok(done.then_some(()))
    });
    let told = last.unwrap();
    assert!(reached.is_ok(), "{}\n{}", told.screen, process.tail(20));
    assert_eq!(way(&told), url);
    assert_eq!(ask(&right, &["--prom-insecure"]).exit, 0);

    asked_by_hand(cluster, &url, &right, &wrong, &authority);

    let told = ask(&wrong, &trusted);
    assert_eq!((told.ids(), told.exit), (vec![], 3), "{}", told.screen);
    assert!(way(&told).contains("401"), "{}", way(&told));
    assert!(!told.report.to_string().contains("guess") && !told.screen.contains("guess"));
    let told = ask(&right, &[]);
    assert_eq!((told.ids(), told.exit), (vec![], 3), "{}", told.screen);
    assert!(way(&told).contains("certificate"), "{}", way(&told));
}

/// `tortie query` gets in the same ways.
fn asked_by_hand(cluster: &Cluster, url: &str, right: &Path, wrong: &Path, authority: &Path) {
    let ask = |more: &[&str]| {
        let mut command = cluster.bed.command(env!("CARGO_BIN_EXE_tortie"));
        command.args(["query", "count(up)", "--url", url]).args(more).stdin(Stdio::null());
        Output::from(command.output().unwrap())
    };
    let [right, wrong, authority] = [right, wrong, authority].map(|p| p.to_str().unwrap());
    let trusted = ["--ca-file", authority];
    let right = ["--user", "tortie", "--password-file", right];
    let wrong = ["--user", "tortie", "--password-file", wrong];
    let good = ask(&[&trusted[..], &right].concat());
    assert_eq!(good.status, Some(0), "{}", good.both());
    assert!(good.stdout.starts_with("{} "), "{}", good.both());
    assert_eq!(ask(&[&["--insecure"][..], &right].concat()).status, Some(0));
    let bad = ask(&[&trusted[..], &wrong].concat());
    assert_eq!(bad.status, Some(1), "{}", bad.both());
    assert!(bad.stderr.contains("status 401") && bad.stderr.contains("--user"), "{}", bad.both());
    let stranger = ask(&right);
    assert_eq!(stranger.status, Some(1), "{}", stranger.both());
    assert!(stranger.stderr.contains("certificate"), "{}", stranger.both());
}

/// `-o prometheus` is read by promtool without a complaint.
fn measurements(cluster: &Cluster) {
    let run = |form: &str| {
        let mut command = cluster.bed.command(env!("CARGO_BIN_EXE_tortie"));
        command.args(["doctor", "-o", form, "--probe-nodes", "0"]).stdin(Stdio::null()).output().unwrap()
    };
    let text = run("prometheus").stdout;
    let mut promtool = std::process::Command::new(binary("promtool").unwrap());
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let out = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.trim().is_empty(), "{said}\n{}", String::from_utf8_lossy(&text));
}

/// What a change would mend or break is told before it is made.
fn over_the_cluster(cluster: &Cluster) {
    let get = ["-n", "monitoring", "get", "servicemonitor", "calico-felix", "-o", "json"];
    let mut monitor: Value = serde_json::from_str(&cluster.bed.kubectl_ok(&get).unwrap()).unwrap();
    let generation = monitor["metadata"]["generation"].clone();
    monitor.as_object_mut().unwrap().remove("status");
    monitor["spec"]["endpoints"][0]["port"] = json!("nope");
    let file = cluster.bed.folder().join("change.json");
    std::fs::write(&file, monitor.to_string()).unwrap();
    let told = cluster.doctor(&["-f", file.to_str().unwrap(), "--with-cluster", "--probe-nodes", "0"]);
    assert_eq!((told.ids(), told.exit), (vec!["T507".to_owned()], 1), "{}", told.screen);
    assert!(
        told.finding("T507")["cause"]["file"].to_string().contains("change.json"),
        "{}",
        told.finding("T507")
    );
    let now: Value = serde_json::from_str(&cluster.bed.kubectl_ok(&get).unwrap()).unwrap();
    assert_eq!(now["metadata"]["generation"], generation, "the change was made");
    let told = cluster.doctor_until(|t| t.exit == 0);
    assert_eq!((told.ids(), told.exit), (vec![], 0), "{}", told.screen);
}

/// A kubeconfig of three contexts, of which another is current: the printed commands say which one was looked at, and in
/// which file it stands, for whoever pastes them has another.
fn pasted_with_three_contexts(cluster: &Cluster) {
    let bed = &cluster.bed;
    let text = std::fs::read_to_string(bed.kubeconfig()).unwrap();
    let others = "- name: other\n  context: {cluster: other, user: admin}\n- name: third\n  context: {cluster: other, user: admin}\n";
    let text = text.replace("current-context: bed", "current-context: other") + others;
    let text = text
        .replace("clusters:\n", "clusters:\n- name: other\n  cluster: {server: \"https://127.0.0.1:1\"}\n");
    let file = bed.folder().join("three.kubeconfig");
    std::fs::write(&file, text).unwrap();
    let off = r#"{"spec":{"prometheusMetricsEnabled":false}}"#;
    bed.kubectl_ok(&[
        "patch",
        "felixconfigurations.crd.projectcalico.org",
        "default",
        "--type=merge",
        "-p",
        off,
    ])
    .unwrap();
    let file = file.to_str().unwrap();
    // While the last samples are fresh, nothing is broken yet.
    let asked = ["--kubeconfig", file, "--context", "bed", "--probe-nodes", "0"];
    let told = cluster.told_until(&asked, |t| !t.ids().is_empty());
    assert_eq!(told.ids(), ["T203"], "{}", told.screen);
    let command = &told.finding("T203")["fix"]["commands"][0];
    let argv: Vec<&str> = command["argv"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        argv.windows(2).any(|w| w == ["--context", "bed"]) || argv.contains(&"--context=bed"),
        "{argv:?}"
    );
    assert!(argv.iter().any(|a| a.starts_with("felixconfigurations.v1.crd.projectcalico.org")), "{argv:?}");
    let shell = command["shell"].as_str().unwrap();
    let kubectl = binary("kubectl").unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut pasted = bed.command("sh");
    pasted.args(["-c", shell]).env("KUBECONFIG", "/nowhere").stdin(Stdio::null());
    pasted.env("PATH", format!("{}:{path}", kubectl.parent().unwrap().display()));
    let out = pasted.output().unwrap();
    assert!(out.status.success(), "{shell}: {}", String::from_utf8_lossy(&out.stderr));
    let healed = cluster.doctor_until(|t| t.exit == 0);
    assert_eq!((healed.ids(), healed.exit), (vec![], 0), "{}", healed.screen);
}

/// `tortie` at a terminal, with the real kubectl in the path.
fn terminal(cluster: &Cluster, arguments: &str) -> std::process::Command {
    let kubectl = binary("kubectl").unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut script = cluster.bed.command("script");
    script.args(["-qec", &format!("{} {arguments}", env!("CARGO_BIN_EXE_tortie")), "/dev/null"]);
    script.env("PATH", format!("{}:{path}", kubectl.parent().unwrap().display())).env("COLUMNS", "100");
    script.stdin(Stdio::null());
    script
}

fn at_a_terminal(cluster: &Cluster, arguments: &str) -> Output {
    Output::from(terminal(cluster, arguments).output().unwrap())
}

/// `fix -y` runs what is printed, finds nothing to mend the second time, and stops when the cluster moved on.
fn carried_out(cluster: &Cluster) {
    let bed = &cluster.bed;
    let port = |name: &str| {
        let patch = json!([{"op": "replace", "path": "/spec/endpoints/0/port", "value": name}]).to_string();
        let what =
            ["-n", "monitoring", "patch", "servicemonitor", "calico-felix", "--type=json", "-p", &patch];
        bed.kubectl_ok(&what).unwrap();
    };
    let now = || {
        let path = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/servicemonitors/calico-felix";
        bed.api().get(path).unwrap()["spec"]["endpoints"][0]["port"].as_str().unwrap().to_owned()
    };
    let right = now();
    port("nope");
    let told = cluster.doctor_until(|t| t.ids() == ["T507"]);
    assert_eq!(told.ids(), ["T507"], "{}", told.screen);
    let report = bed.folder().join("report.json");
    std::fs::write(&report, told.report.to_string()).unwrap();
    // The report is of a value that somebody changed since: kubectl's patch tests for it.
    port("neither");
    let from = format!("fix T507 -y --no-prometheus --probe-nodes 0 --from {}", report.display());
    let stopped = at_a_terminal(cluster, &from);
    assert_eq!(stopped.status, Some(1), "{}", stopped.both());
    assert!(stopped.stdout.contains("stopped: the command failed"), "{}", stopped.both());
    assert_eq!(now(), "neither");
    // As somebody who may read and not write.
    let mark = bed.audit_events_since(0).unwrap().1;
    let reader = at_a_terminal(cluster, "fix T507 -y --no-prometheus --probe-nodes 0 --as proxied");
    assert_eq!(reader.status, Some(1), "{}", reader.both());
    assert_eq!(now(), "neither");
    // kubectl goes where the flag leads, not where the environment does.
    let mut command = terminal(
        cluster,
        &format!("fix T507 -y --no-prometheus --probe-nodes 0 --kubeconfig {}", bed.kubeconfig().display()),
    );
    let done = Output::from(command.env("KUBECONFIG", "/nowhere").output().unwrap());
    assert_eq!(done.status, Some(0), "{}", done.both());
    assert!(done.stdout.contains("patched") && done.stdout.contains("done (hint:"), "{}", done.both());
    assert_eq!(now(), right);
    let (events, end) = bed.audit_events_since(mark).unwrap();
    let writes = events.iter().filter(|e| !e.is_read() && e.user == "admin" && e.code < 300);
    assert_eq!(writes.map(|e| e.resource.as_str()).collect::<Vec<_>>(), ["servicemonitors"]);
    let healed = cluster.doctor_until(|t| t.exit == 0);
    assert_eq!((healed.ids(), healed.exit), (vec![], 0), "{}", healed.screen);
    let again = at_a_terminal(cluster, "fix -y --probe-nodes 0");
    assert_eq!(again.status, Some(0), "{}", again.both());
    assert!(again.stdout.contains("nothing to mend was found"), "{}", again.both());
    let (events, _) = bed.audit_events_since(end).unwrap();
    let writes = events.iter().filter(|e| !e.is_read() && e.resource != "pods/portforward");
    assert_eq!(writes.count(), 0);
}

/// With metrics off nobody listens where the processes are probed. The kubelet says so at once, and the doctor does not wait.
fn nobody_listens(cluster: &Cluster) {
    let bed = &cluster.bed;
    let felix = |on: bool| {
        let patch = json!({"spec": {"prometheusMetricsEnabled": on}}).to_string();
        let what =
            ["patch", "felixconfigurations.crd.projectcalico.org", "default", "--type=merge", "-p", &patch];
        bed.kubectl_ok(&what).unwrap();
    };
    felix(false);
    bed.forward_ports().unwrap();
    let told = cluster.told_until(&["--probe-nodes", "10"], |t| t.ids() == ["T203"]);
    assert_eq!(told.ids(), ["T203"], "{}", told.screen);
    let begin = Instant::now();
    let mut command = bed.command(env!("CARGO_BIN_EXE_tortie"));
    let out = command.args(["doctor", "-o", "json"]).stdin(Stdio::null()).output().unwrap();
    let took = begin.elapsed();
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let probed = report["checks"].as_array().unwrap().iter().filter(|c| c["id"] == "T301").count();
    println!("doctor with Felix off, {probed} probes refused: {took:.1?}");
    assert!(probed > 0, "{report}");
    // A forward that is waited for takes five seconds.
    assert!(took < Duration::from_secs(4), "{took:?}");
    felix(true);
    let healed = cluster.doctor_until(|t| t.exit == 0);
    assert_eq!((healed.ids(), healed.exit), (vec![], 0), "{}", healed.screen);
}

/// Two who put their own value into one field, in turn: the second look sees them. A cluster at rest is looked at once.
fn two_writers(cluster: &Cluster) {
    let bed = &cluster.bed;
    let path = "/apis/crd.projectcalico.org/v1/felixconfigurations/default";
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                let (who, level) = if n % 2 == 0 { ("script", "Info") } else { ("repository", "Warning") };
                // Each has a field of its own besides the one that both want.
                let mut spec = json!({"logSeverityScreen": level});
                spec[if n % 2 == 0 { "logPrefix" } else { "logFilePath" }] = json!(format!("value-{n}"));
                bed.api().merge(path, &json!({"spec": spec}), who).unwrap();
                n += 1;
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        let told = cluster.told_until(&["--probe-nodes", "0"], |t| t.ids() == ["T003"]);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!((told.ids(), told.exit), (vec!["T003".to_owned()], 0), "{}", told.screen);
        let title = told.finding("T003")["title"].to_string();
        assert!(title.contains("is written in turn by repository and script"), "{title}");
    });
}
