//! A whole monitored cluster: Calico as an operator leaves it, kube-prometheus-stack with the real prometheus-operator and
//! Prometheus, the simulated processes at their pods' addresses, and the doctor beside it.

use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tortie_testbed::{Actor, Bed, Fleet, Kubelet, Options, Process, binary, installs, operators, until};

/// How long a change may take to reach the doctor: operators, a reload of Prometheus, two scrapes.
const PATIENCE: Duration = Duration::from_secs(45);

/// A running cluster. Its parts end in the order of the fields.
pub(crate) struct Cluster {
    pub(crate) fleet: Fleet,
    _actor: Option<Actor>,
    _operators: Vec<Process>,
    operator: Mutex<Operator>,
    pub(crate) kubelet: Kubelet,
    pub(crate) bed: Bed,
    /// API group and version of Calico's own kinds.
    pub(crate) group: &'static str,
    /// When it was whole.
    pub(crate) begun: Instant,
}

/// prometheus-operator, whose process has the arguments that its Deployment says.
struct Operator {
    deployment: String,
    arguments: Vec<String>,
    process: Option<Process>,
}

/// What the monitoring of a cluster runs on.
struct Monitored {
    operator: Operator,
    kubelet: Kubelet,
    prometheus: String,
}

/// The doctor's report and its exit code.
pub(crate) struct Told {
    pub(crate) report: Value,
    pub(crate) exit: i32,
    pub(crate) screen: String,
}

impl Cluster {
    /// Starts one for Calico `3.minor`; `real` takes the real Tigera operator, which is 3.29's.
    pub(crate) fn start(minor: u16, real: bool) -> Cluster {
        Cluster::on(Bed::start(Options::default()).unwrap(), minor, real)
    }

    /// The same with more nodes.
    pub(crate) fn with_nodes(minor: u16, nodes: usize) -> Cluster {
        Cluster::on(Bed::start(Options { nodes, ..Options::default() }).unwrap(), minor, false)
    }

    fn on(bed: Bed, minor: u16, real: bool) -> Cluster {
        if real {
            // It gives up when one of the kinds that it watches is not served.
            operators::tigera_crds(&bed).unwrap();
        } else {
            // From 3.32 on the v3 API may be served natively, which has tiers and policies.
            installs::install_calico_crds(&bed, minor >= 32).unwrap();
        }
        let monitored = monitored(&bed, installs::kube_prometheus_stack("prometheus"));
        Cluster::operated(bed, monitored, minor, real)
    }

    /// The same under kube-prometheus' own manifests.
    pub(crate) fn under_kube_prometheus(minor: u16) -> Cluster {
        let bed = Bed::start(Options::default()).unwrap();
        installs::install_calico_crds(&bed, minor >= 32).unwrap();
        let monitored = monitored(&bed, installs::kube_prometheus());
        Cluster::operated(bed, monitored, minor, false)
    }

    fn operated(bed: Bed, monitored: Monitored, minor: u16, real: bool) -> Cluster {
        let mut processes = Vec::new();
        bed.api().create_all(&installs::operator((3, minor)), "kubectl-create").unwrap();
        let actor = if real {
            processes.push(operators::tigera_operator(&bed).unwrap());
            let own = installs::kube_controllers_configuration("crd.projectcalico.org/v1");
            bed.api().create_all(&[own], "kube-controllers").unwrap();
            None
        } else {
            Some(Actor::start(&bed, (3, minor)))
        };
        bed.apply_objects(&[installs::installation()]).unwrap();
        Cluster::whole(bed, processes, monitored, actor, minor)
    }

    /// Starts one whose Calico `3.minor` was made from `calico-typha.yaml` in kube-system.
    pub(crate) fn from_manifest(minor: u16) -> Cluster {
        let bed = Bed::start(Options::default()).unwrap();
        installs::install_calico_crds(&bed, false).unwrap();
        let monitored = monitored(&bed, installs::kube_prometheus_stack("prometheus"));
        let objects = installs::manifest((3, minor), installs::Manifest::Typha);
        bed.api().create_all(&objects, "kubectl-client-side-apply").unwrap();
        let group = "crd.projectcalico.org/v1";
        let felix = json!({"apiVersion": group, "kind": "FelixConfiguration", "metadata": {"name": "default"}, "spec": {}});
        bed.api().create_all(&[felix], "calico-node").unwrap();
        bed.api().create_all(&[installs::kube_controllers_configuration(group)], "kube-controllers").unwrap();
        Cluster::whole(bed, Vec::new(), monitored, None, minor)
    }

    /// Waits until Calico's pods run and Prometheus is ready.
    fn whole(
        bed: Bed,
        operators: Vec<Process>,
        monitored: Monitored,
        actor: Option<Actor>,
        minor: u16,
    ) -> Cluster {
        let fleet = Fleet::start(&bed, (3, minor)).unwrap();
        let calico = |api: &tortie_testbed::Api| -> anyhow::Result<Option<()>> {
            let pods = api.list("/api/v1/pods")?;
            let running = |app: &str| {
                pods.iter()
                    .filter(|p| {
                        p["metadata"]["labels"]["k8s-app"] == app && p["status"]["phase"] == "Running"
                    })
                    .count()
            };
            let all = running("calico-node") == bed.options().nodes
                && running("calico-typha") > 0
                && running("calico-kube-controllers") == 1;
            if all {
                return Ok(Some(()));
            }
            let names: Vec<String> =
                pods.iter().map(|p| format!("{} {}", p["metadata"]["name"], p["status"]["phase"])).collect();
            anyhow::bail!("{names:?}")
        };
        // The real operator needs more than one patience on a machine that does other work besides.
        let come = bed.wait("calico's pods", calico).or_else(|_| bed.wait("calico's pods", calico));
        come.unwrap_or_else(|e| {
            panic!("{e:#}\n{}", operators.last().map(|p| p.tail(30)).unwrap_or_default())
        });
        bed.forward_ports().unwrap();
        let Monitored { operator, kubelet, prometheus } = monitored;
        kubelet.ready(&format!("monitoring/prometheus-{prometheus}-0")).unwrap();
        let native = bed.api().find("/apis/projectcalico.org/v3/felixconfigurations").unwrap().is_some();
        let group = if native { "projectcalico.org/v3" } else { "crd.projectcalico.org/v1" };
        let operator = Mutex::new(operator);
        Cluster {
            fleet,
            _actor: actor,
            _operators: operators,
            operator,
            kubelet,
            bed,
            group,
            begun: Instant::now(),
        }
    }

    /// The name by which kubectl knows one of Calico's own kinds.
    pub(crate) fn resource(&self, plural: &str) -> String {
        format!("{plural}.{}", self.group.split('/').next().unwrap_or_default())
    }

    /// The path of FelixConfiguration `default`.
    pub(crate) fn path_of_felix_configuration(&self) -> String {
        format!("/apis/{}/felixconfigurations/default", self.group)
    }

    /// prometheus-operator runs as its Deployment says: with these arguments, or not at all.
    pub(crate) fn follow_operator(&self) {
        let mut operator = self.operator.lock().unwrap_or_else(PoisonError::into_inner);
        let path = format!("/apis/apps/v1/namespaces/monitoring/deployments/{}", operator.deployment);
        let Some(deployment) = self.bed.api().find(&path).unwrap() else { return };
        if deployment["spec"]["replicas"] == 0 {
            operator.process = None;
            return;
        }
        let arguments = arguments(&deployment);
        if operator.process.is_none() || operator.arguments != arguments {
            operator.process = None;
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            operator.process = Some(operators::prometheus_operator(&self.bed, &words).unwrap());
            operator.arguments = arguments;
        }
    }

    /// Runs the doctor as a person does, once for a machine and, when asked, once for the eye.
    pub(crate) fn doctor(&self, more: &[&str]) -> Told {
        let mut told = self.report(more);
        told.screen = String::from_utf8_lossy(&self.run_doctor("human", more).stdout).into_owned();
        told
    }

    /// The same for a machine alone.
    fn report(&self, more: &[&str]) -> Told {
        let out = self.run_doctor("json", more);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let report: Value = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("{e}: {text}\n{}", String::from_utf8_lossy(&out.stderr)));
        Told { report, exit: out.status.code().unwrap_or(-1), screen: String::new() }
    }

    fn run_doctor(&self, form: &str, more: &[&str]) -> std::process::Output {
        let mut command = self.bed.command(crate::process::tortie());
        command.args(["doctor", "-o", form]).args(more).env("COLUMNS", "100");
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a printed command as it was printed, with the real kubectl.
    pub(crate) fn run_printed(&self, command: &Value) {
        let argv: Vec<&str> =
            command["argv"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        let kubectl = binary("kubectl").unwrap();
        let mut child = match argv[0] {
            "kubectl" => self.bed.command(&kubectl),
            // A pipe of kubectls, as somebody's shell runs it.
            "sh" => {
                let mut shell = self.bed.command("sh");
                let path = std::env::var("PATH").unwrap_or_default();
                shell.env("PATH", format!("{}:{path}", kubectl.parent().unwrap().display()));
                shell
            }
            // It asks before it writes, and somebody says yes.
            "tortie" => {
                let mut tortie = self.bed.command(crate::process::tortie());
                tortie.env("XDG_STATE_HOME", self.bed.folder().join("state")).arg(argv[1]).arg("-y");
                tortie
            }
            other => panic!("a command that is neither kubectl's nor tortie's: {other} in {argv:?}"),
        };
        let rest = if argv[0] == "tortie" { 2 } else { 1 };
        child.args(&argv[rest..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, command["stdin"].as_str().unwrap_or_default().as_bytes())
            .unwrap();
        drop(stdin);
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{argv:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Asks the doctor until `enough` or the patience is over; then the last report is given back all the same.
    pub(crate) fn doctor_until(&self, enough: impl Fn(&Told) -> bool) -> Told {
        // Processes are seen through Prometheus; kubelets that pretend forward only ports that were announced to them.
        self.told_until(&["--probe-nodes", "0"], enough)
    }

    /// The same as somebody else.
    pub(crate) fn doctor_until_as(&self, user: &str, enough: impl Fn(&Told) -> bool) -> Told {
        self.told_until(&["--probe-nodes", "0", "--as", user], enough)
    }

    /// The same with other arguments. The screen is drawn of what was not enough.
    pub(crate) fn told_until(&self, arguments: &[&str], enough: impl Fn(&Told) -> bool) -> Told {
        let mut last = None;
        let done = until("the doctor", PATIENCE, || {
            let told = self.report(arguments);
            let done = enough(&told);
            last = Some(told);
            Ok(done.then_some(()))
        });
        let mut told = last.unwrap();
        if done.is_err() {
            told.screen = String::from_utf8_lossy(&self.run_doctor("human", arguments).stdout).into_owned();
        }
        told
    }
}

impl Told {
    /// `ID level` of every finding at warn or fail, by id.
    pub(crate) fn ids(&self) -> Vec<String> {
        let list = self.report["findings"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> = list
            .iter()
            .filter(|f| f["level"] != "info")
            .map(|f| f["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        ids.sort();
        ids
    }

    /// One finding.
    pub(crate) fn finding(&self, id: &str) -> &Value {
        let list = self.report["findings"].as_array().unwrap();
        list.iter().find(|f| f["id"] == id).unwrap_or_else(|| panic!("no {id}: {}", self.screen))
    }

    /// Ids announced as next by a finding.
    pub(crate) fn next(&self, id: &str) -> Vec<String> {
        let next = self.finding(id)["next"].as_array().cloned().unwrap_or_default();
        next.iter().map(|n| n["id"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// A stack with the real operator and Prometheus.
fn monitored(bed: &Bed, stack: installs::Stack) -> Monitored {
    installs::install_monitoring_crds(bed).unwrap();
    bed.api().create_all(&stack.objects, stack.manager).unwrap();
    let own = |o: &&Value| {
        o["kind"] == "Deployment" && o["metadata"]["name"].as_str().is_some_and(|n| n.ends_with("operator"))
    };
    let deployment = stack.objects.iter().find(own).unwrap();
    let arguments = arguments(deployment);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let process = Some(operators::prometheus_operator(bed, &words).unwrap());
    let deployment = deployment["metadata"]["name"].as_str().unwrap().to_owned();
    let operator = Operator { deployment, arguments, process };
    Monitored { operator, kubelet: Kubelet::start(bed).unwrap(), prometheus: stack.prometheus }
}

/// Arguments of a Deployment's first container.
fn arguments(deployment: &Value) -> Vec<String> {
    let list = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array();
    list.into_iter().flatten().filter_map(|a| a.as_str().map(str::to_owned)).collect()
}

/// The write-up's objects: Services of Felix and Typha, three monitors.
pub(crate) fn write_up() -> Vec<Value> {
    let service = |name: &str, port: &str, number: u16, app: &str| {
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "calico-system", "labels": {"k8s-app": name}},
            "spec": {"selector": {"k8s-app": app}, "ports": [{"name": port, "port": number, "targetPort": number}]}})
    };
    let monitor = |name: &str, app: &str, port: &str| {
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
            "metadata": {"name": name, "namespace": "monitoring", "labels": {"release": "prometheus"}},
            "spec": {"namespaceSelector": {"matchNames": ["calico-system"]}, "selector": {"matchLabels": {"k8s-app": app}},
                "endpoints": [{"port": port, "interval": "1s", "scrapeTimeout": "1s", "path": "/metrics"}]}})
    };
    vec![
        service("calico-felix-metrics", "felix-metrics", 9091, "calico-node"),
        service("calico-typha-metrics", "typha-metrics", 9093, "calico-typha"),
        monitor("prometheus-calico-felix-metrics", "calico-felix-metrics", "felix-metrics"),
        monitor("prometheus-calico-typha-metrics", "calico-typha-metrics", "typha-metrics"),
        monitor(
            "prometheus-calico-kube-controllers-metrics",
            "calico-kube-controllers",
            "kube-controllers-metrics",
        ),
    ]
}
