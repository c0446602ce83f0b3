//! `tortie setup` as a command, against the simulated API server: exit codes, screens, files, the way there and back.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tortie_sim::installs::{Objects, Options};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

struct Bench {
    server: KubeServer,
    dir: tempfile::TempDir,
    // Serves until it is dropped.
    _runtime: tokio::runtime::Runtime,
}

fn bench() -> Bench {
    bench_of(&Options { chain: false, ..Options::default() })
}

fn bench_of(cluster: &Options) -> Bench {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = KubeOptions {
        anonymous: Some(User::administrator("admin")),
        ..KubeOptions::monitored(CalicoApi::Aggregated)
    };
    let server = runtime.block_on(KubeServer::start(options)).unwrap();
    for mut object in Objects::of(cluster).0 {
        let api = object["apiVersion"]
            .as_str()
            .unwrap()
            .replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
        object["apiVersion"] = api.as_str().into();
        let kind = object["kind"].as_str().unwrap().to_ascii_lowercase();
        let plural = match kind.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None if kind.ends_with('s') => format!("{kind}es"),
            None => format!("{kind}s"),
        };
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        server.create(&api, &plural, &namespace, &object);
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("kubeconfig"), server.kubeconfig("admin")).unwrap();
    Bench { server, dir, _runtime: runtime }
}

impl Bench {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = self.command(env!("CARGO_BIN_EXE_tortie"));
        let Output { status, stdout, stderr } = command.args(args).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    /// A program in this folder, with this cluster as the current one.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path());
        for name in ["TORTIE_CONTEXT", "TORTIE_PROM_URL", "LC_ALL", "LANG"] {
            command.env_remove(name);
        }
        command
            .env("KUBECONFIG", "kubeconfig")
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("COLUMNS", "100");
        command
    }

    fn writes(&self) -> usize {
        let seen = self.server.take_requests().into_iter();
        seen.filter(|r| r.method != "GET" && !r.query.contains("dryRun") && !r.path.contains("selfsubject"))
            .count()
    }
}

#[test]
fn the_way_there_and_back() {
    let bench = bench();
    let (code, screen, err) = bench.run(&["setup", "--dry-run", "--no-prometheus"]);
    assert_eq!(code, 1, "{screen}{err}");
    assert!(screen.starts_with("context sim · http://127.0.0.1:"), "{screen}");
    assert!(screen.contains(" 1 ~ FelixConfiguration default\n"), "{screen}");
    let last = screen.replace('\n', " ");
    let told = "accepted all of it in a dry run; nothing was written. Each step is waited for until it is seen to work, 10m at \
                most (--wait).";
    assert!(last.trim_end().ends_with(told), "{screen}");
    assert_eq!(bench.writes(), 0);

    let (code, _, err) = bench.run(&["setup", "--no-prometheus"]);
    assert_eq!(code, 2);
    assert!(err.contains("nobody can be asked"), "{err}");
    assert_eq!(bench.writes(), 0);

    let (code, ..) = bench.run(&["setup", "--out", "plan.json", "--no-prometheus"]);
    assert_eq!(code, 1);
    let (code, role, err) = bench.run(&["rbac", "setup", "--plan", "plan.json"]);
    assert_eq!(code, 0, "{err}");
    assert!(role.contains("kind: ClusterRole\n") && role.contains("felixconfigurations"), "{role}");
    assert_eq!(bench.writes(), 0);

    // Nothing follows a write here: the step whose effect is not seen is the last one.
    let (code, _, err) =
        bench.run(&["setup", "--plan", "plan.json", "-y", "--no-prometheus", "--wait", "1s"]);
    assert_eq!(code, 3, "{err}");
    let last = err.lines().rfind(|l| l.starts_with("written: "));
    assert_eq!(last, Some("written: Installation default"), "{err}");
    let told = "tortie setup: written, not verified: after 1 s 0 of 2 pods of Typha carry TYPHA_PROMETHEUSMETRICSPORT=9093 and are \
                ready (hint: tortie doctor; run setup again to go on, or tortie setup undo)\n";
    assert!(err.ends_with(told), "{err}");
    let (code, _, err) = bench.run(&["setup", "-y", "--no-prometheus", "--wait", "0s"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("written: ServiceMonitor monitoring/tortie-felix\n"), "{err}");
    assert!(err.contains("written, not verified: --wait 0s waits for nothing"), "{err}");
    assert!(bench.writes() > 0);

    let (code, _, err) = bench.run(&["setup", "--plan", "plan.json", "-y", "--no-prometheus"]);
    assert_eq!(code, 3);
    assert!(err.contains("the plan is refused"), "{err}");
    let (code, status, _) = bench.run(&["setup", "status"]);
    assert_eq!(code, 0, "{status}");
    assert!(
        status.contains("FelixConfiguration default /spec/prometheusMetricsEnabled: true as setup left it"),
        "{status}"
    );
    assert!(bench.path().join("state/tortie").read_dir().unwrap().count() == 1);
    let (code, again, err) = bench.run(&["setup", "-y", "--no-prometheus"]);
    assert_eq!((code, bench.writes()), (0, 0), "{again}{err}");

    let (code, undone, err) = bench.run(&["setup", "undo", "-y"]);
    assert_eq!(code, 0, "{undone}{err}");
    let (code, status, _) = bench.run(&["setup", "status"]);
    assert_eq!((code, status.as_str()), (0, "setup wrote nothing in this cluster\n"));
    assert_eq!(bench.path().join("state/tortie").read_dir().unwrap().count(), 0);
}

/// What a plan is made of in a cluster of 201 nodes, without what is beside the point.
const LARGE: [&str; 4] = ["setup", "--no-prometheus", "--no-dashboards", "--no-rules"];

/// Above 200 nodes somebody has to say how Felix is turned on. Either way one setting is written.
#[test]
fn above_200_nodes_it_asks_how_felix_is_turned_on() {
    let bench = bench_of(&Options { nodes: 201, chain: false, ..Options::default() });
    let asks = "tortie setup: this cluster has 201 nodes: choose how Felix is turned on (hint: --felix-through configuration \
                restarts all Felix at once inside their pods; --felix-through installation rolls the DaemonSet)\n";
    for more in [&["--dry-run"][..], &["-y"], &["--out", "plan.json"], &["--export", "yaml"]] {
        let (code, out, err) = bench.run(&[&LARGE[..], more].concat());
        assert_eq!((code, out.as_str(), err.as_str()), (2, "", asks), "{more:?}");
    }
    assert_eq!(bench.writes(), 0);
    let way = |name: &str| {
        let (code, out, err) = bench.run(&[&LARGE[..], &["--dry-run", "--felix-through", name]].concat());
        assert_eq!(code, 1, "{out}{err}");
        (
            out.contains("+ spec.prometheusMetricsEnabled: true\n"),
            out.contains("+ spec.nodeMetricsPort: 9091\n"),
        )
    };
    assert_eq!(way("configuration"), (true, false));
    assert_eq!(way("installation"), (false, true));
    let (code, _, err) = bench.run(&[&LARGE[..], &["--felix-through", "magic"]].concat());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("configuration, installation"), "{err}");

    let made = [&LARGE[..], &["-y", "--wait", "0s", "--felix-through", "installation"]].concat();
    let (code, _, err) = bench.run(&made);
    assert_eq!(code, 3, "{err}");
    let (code, status, err) = bench.run(&["setup", "status"]);
    assert_eq!(code, 0, "{status}{err}");
    assert!(
        status.contains("Installation default /spec/nodeMetricsPort: 9091 as setup left it\n"),
        "{status}"
    );
    assert!(!status.contains("FelixConfiguration"), "{status}");

    let bench = bench_of(&Options { nodes: 200, chain: false, ..Options::default() });
    let (code, out, err) = bench.run(&[&LARGE[..], &["--dry-run"]].concat());
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains(" 1 ~ FelixConfiguration default"), "{out}");
}

/// At a terminal it is a question, and so is whether to write: what is typed decides.
#[test]
fn at_a_terminal_it_is_a_question() {
    let bench = bench_of(&Options { nodes: 201, chain: false, ..Options::default() });
    let typed = |text: &str| {
        let words = format!("{} {} --wait 0s", env!("CARGO_BIN_EXE_tortie"), LARGE.join(" "));
        let mut command = bench.command("script");
        command.args(["-qec", &words, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("script, of util-linux");
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap().replace('\r', ""))
    };
    let (code, screen) = typed("\n");
    assert_eq!(code, Some(2), "{screen}");
    let asked = "rolls the DaemonSet)\nThrough which? [configuration/installation, nothing ends it] ";
    assert!(screen.contains(asked), "{screen}");
    let (code, screen) = typed("installation\nn\n");
    assert_eq!(code, Some(1), "{screen}");
    assert!(
        screen.contains("+ spec.nodeMetricsPort: 9091\n") && screen.contains("Write this? [y/N] "),
        "{screen}"
    );
    assert_eq!(bench.writes(), 0);
    let (code, screen) = typed("configuration\ny\n");
    assert_eq!(code, Some(3), "{screen}");
    assert!(screen.contains("written: FelixConfiguration default\n"), "{screen}");
    assert!(bench.writes() > 0);
}

#[test]
fn the_longest_wait_is_ten_minutes_unless_it_is_said() {
    let bench = bench();
    let (code, help, _) = bench.run(&["setup", "--help"]);
    assert_eq!(code, 0);
    let wait = help.split("--wait <TIME>").nth(1).unwrap().split("--second-look").next().unwrap();
    assert!(wait.contains("[default: 10m]"), "{wait}");
    let told = |wait: &[&str]| {
        let (code, out, err) = bench.run(&[&["setup", "--dry-run", "--no-prometheus"][..], wait].concat());
        assert_eq!(code, 1, "{out}{err}");
        out.lines().rfind(|l| l.contains("--wait")).unwrap_or_default().to_owned()
    };
    assert_eq!(told(&[]), "Each step is waited for until it is seen to work, 10m at most (--wait).");
    assert_eq!(
        told(&["--wait", "90s"]),
        "Each step is waited for until it is seen to work, 90s at most (--wait)."
    );
    assert_eq!(told(&["--wait", "0s"]), "");
    let (code, _, err) = bench.run(&["setup", "-y", "--wait", "long", "--no-prometheus"]);
    assert_eq!(code, 2);
    assert_eq!(
        err.trim_end(),
        "tortie setup: --wait long: not a valid duration string: \"long\" (hint: --wait 10m)"
    );
}

/// Somebody changes what setup wrote: status says who, undo leaves theirs.
#[test]
fn what_somebody_changed_since_is_shown_and_left() {
    let bench = bench();
    let (code, _, err) = bench.run(&["setup", "-y", "--no-prometheus", "--wait", "0s", "--no-dashboards"]);
    assert_eq!(code, 3, "{err}");
    let path = "/apis/projectcalico.org/v3/felixconfigurations/default?fieldManager=colleague";
    let body = "{\"spec\":{\"prometheusMetricsEnabled\":false}}";
    let form = [("Content-Type", "application/merge-patch+json")];
    let answer = crate::http::send(bench.server.address(), "PATCH", path, &form, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (code, status, err) = bench.run(&["setup", "status"]);
    assert_eq!(code, 1, "{status}{err}");
    let told = "FelixConfiguration default /spec/prometheusMetricsEnabled: false, setup left true: changed by colleague\n";
    assert!(status.contains(told), "{status}");
    let (code, undone, err) = bench.run(&["setup", "undo", "-y"]);
    assert_eq!(code, 1, "{undone}{err}");
    let felix = undone.lines().rfind(|l| l.contains("prometheusMetricsEnabled")).unwrap();
    assert!(felix.starts_with('\u{25b2}'), "{undone}");
}

/// `-y` says yes to one cluster: with several contexts it has to be named.
#[test]
fn yes_is_not_said_to_whichever_cluster_is_current() {
    let bench = bench();
    let mut config: serde_json::Value = serde_json::from_str(&bench.server.kubeconfig("admin")).unwrap();
    let mut other = config["contexts"][0].clone();
    other["name"] = "other".into();
    config["contexts"].as_array_mut().unwrap().push(other);
    std::fs::write(bench.path().join("two"), config.to_string()).unwrap();
    let flags = ["-y", "--kubeconfig", "two", "--no-prometheus", "--wait", "0s", "--no-dashboards"];
    let (code, out, err) = bench.run(&[&["setup"], &flags[..]].concat());
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("-y with several contexts in the kubeconfig needs --context"), "{err}");
    assert_eq!(bench.writes(), 0);
    let (code, out, err) = bench.run(&[&["setup", "--context", "sim"], &flags[..]].concat());
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.starts_with("context sim · http://127.0.0.1:"), "{out}");
    assert!(bench.writes() > 0);
    let (code, _, err) = bench.run(&["setup", "undo", "-y", "--kubeconfig", "two"]);
    assert_eq!(code, 2, "{err}");
    assert_eq!(bench.writes(), 0);
}

#[test]
fn exports_are_files_and_write_nothing() {
    let bench = bench();
    let (code, text, err) = bench.run(&["setup", "--export", "yaml", "--no-prometheus", "--no-dashboards"]);
    assert_eq!(code, 0, "{err}");
    assert!(text.contains("kind: ServiceMonitor\n") && text.contains("typhaMetricsPort: 9093\n"), "{text}");
    let (code, _, err) = bench.run(&["setup", "--export", "kustomize", "--out", "deploy", "--no-prometheus"]);
    assert_eq!(code, 0, "{err}");
    let root = std::fs::read_to_string(bench.path().join("deploy/kustomization.yaml")).unwrap();
    for name in root.lines().filter_map(|l| l.trim_start_matches(['-', ' ']).strip_suffix(".yaml")) {
        let name = name.trim_start_matches("path: ");
        assert!(bench.path().join(format!("deploy/{name}.yaml")).is_file(), "{name}");
    }
    let (code, _, err) = bench.run(&["setup", "--export", "helm", "--out", "values", "--no-prometheus"]);
    assert_eq!(code, 0, "{err}");
    let values =
        std::fs::read_to_string(bench.path().join("values/kube-prometheus-stack-values.yaml")).unwrap();
    assert!(
        values.contains("  additionalServiceMonitors:\n") && values.contains("extraManifests:\n"),
        "{values}"
    );
    assert_eq!(bench.writes(), 0);
}

#[test]
fn rights_are_printed() {
    let bench = bench();
    let (code, run, _) = bench.run(&["rbac", "run"]);
    assert!(code == 0 && run.contains("- felixconfigurations\n"), "{run}");
    for verb in ["create", "update", "patch", "delete"] {
        assert!(!run.contains(&format!("- {verb}\n")), "{verb}: {run}");
    }
    assert!(run.contains("- servicemonitors\n") && !run.contains("secrets"), "{run}");
    let (code, doctor, _) = bench.run(&["rbac", "doctor"]);
    assert!(code == 0 && doctor.contains("- pods/portforward\n"), "{doctor}");
    for verb in ["update", "patch", "delete", "watch"] {
        assert!(!doctor.contains(&format!("- {verb}\n")), "{verb}: {doctor}");
    }
    let (_, less, _) = bench.run(&["rbac", "doctor", "--no-probes"]);
    assert!(!less.contains("portforward") && !less.contains("- create\n"), "{less}");
}

#[test]
fn wrong_use_is_told_with_what_to_do() {
    let bench = bench();
    #[track_caller]
    fn check(bench: &Bench, args: &[&str], expect: &str) {
        let (code, _, err) = bench.run(args);
        assert_eq!((code, err.trim_end()), (2, expect));
    }
    check(
        &bench,
        &["setup", "--prometheus", "a/b", "--no-prometheus"],
        "tortie setup: there is no Prometheus object a/b (hint: there are monitoring/prometheus-kube-prometheus-prometheus)",
    );
    check(
        &bench,
        &["setup", "--typha-port", "9091", "--no-prometheus"],
        "tortie setup: typha cannot listen on port 9091: Felix has it on n2, n3 (hint: --typha-port with another port)",
    );
    check(
        &bench,
        &["setup", "--export", "kustomize", "--no-prometheus"],
        "tortie setup: --export kustomize writes several files (hint: --out FOLDER)",
    );
    check(
        &bench,
        &["setup", "--second-look", "soon", "-y", "--no-prometheus"],
        "tortie setup: --second-look soon: not a valid duration string: \"soon\" (hint: --second-look 10m)",
    );
    let (code, _, err) = bench.run(&["rbac", "setup", "--plan", "kubeconfig"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("tortie rbac: kubeconfig: this is no plan: "), "{err}");
}
