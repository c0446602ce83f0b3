//! `tortie setup` as a command, against the simulated API server: exit codes, screens, files, the way there and back.

use std::path::Path;
use std::process::{Command, Output};
use tortie_sim::installs::{Objects, Options};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

struct Bench {
    server: KubeServer,
    dir: tempfile::TempDir,
    // Serves until it is dropped.
    _runtime: tokio::runtime::Runtime,
}

fn bench() -> Bench {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = KubeOptions {
        anonymous: Some(User::administrator("admin")),
        ..KubeOptions::monitored(CalicoApi::Aggregated)
    };
    let server = runtime.block_on(KubeServer::start(options)).unwrap();
    for mut object in Objects::of(&Options { chain: false, ..Options::default() }).0 {
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_tortie"));
        command.args(args).current_dir(self.path()).stdin(std::process::Stdio::null());
        for name in ["TORTIE_CONTEXT", "TORTIE_PROM_URL", "LC_ALL", "LANG"] {
            command.env_remove(name);
        }
        command
            .env("KUBECONFIG", "kubeconfig")
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("COLUMNS", "100");
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
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
    assert!(last.trim_end().ends_with("accepted all of it in a dry run; nothing was written."), "{screen}");
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
    assert!(
        err.contains("0 of 2 pods of Typha carry TYPHA_PROMETHEUSMETRICSPORT=9093 and are ready"),
        "{err}"
    );
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
