//! The processes of a bed and their flags.

use std::path::Path;
use std::process::Command;

use super::{API_PORT, Bed, HOST, Options, PROXY_PORT, cluster_files, forwards};
use crate::namespace::Namespace;
use crate::process::{Process, binary};

/// Port at which kwok answers as the kubelet of every node.
pub(super) const KUBELET_PORT: u16 = 10250;

/// Controllers that run: those that make pods, slices, Services' endpoints, accounts, and clean up.
const CONTROLLERS: &str = "endpointslice-controller,endpoints-controller,endpointslice-mirroring-controller,\
namespace-controller,replicaset-controller,deployment-controller,daemonset-controller,statefulset-controller,\
serviceaccount-controller,node-lifecycle-controller,garbage-collector-controller,job-controller,\
root-ca-certificate-publisher-controller";

/// Starts etcd, the API server and `kubectl proxy`; the last to be ended comes last.
pub(super) fn start(namespace: &Namespace, folder: &Path, options: &Options) -> anyhow::Result<Vec<Process>> {
    let starter = Starter { namespace, folder };
    let etcd = starter.etcd()?;
    Ok(vec![starter.proxy()?, starter.api_server(options)?, etcd])
}

/// Starts the API server alone.
pub(super) fn api_server(namespace: &Namespace, folder: &Path, options: &Options) -> anyhow::Result<Process> {
    Starter { namespace, folder }.api_server(options)
}

/// Starts what needs an API server that answers.
pub(super) fn start_followers(bed: &mut Bed) -> anyhow::Result<()> {
    if bed.options().port_forward {
        forwards::install(bed)?;
    }
    let namespace = bed.namespace().clone();
    let folder = bed.folder().to_owned();
    let starter = Starter { namespace: &namespace, folder: &folder };
    let manager = starter.controller_manager()?;
    bed.keep(manager);
    let scheduler = starter.scheduler()?;
    bed.keep(scheduler);
    let kwok = starter.kwok(bed.options())?;
    bed.keep(kwok);
    Ok(())
}

struct Starter<'a> {
    namespace: &'a Namespace,
    folder: &'a Path,
}

impl Starter<'_> {
    fn run(&self, name: &str, arguments: impl FnOnce(&mut Command)) -> anyhow::Result<Process> {
        let mut command = self.namespace.command(binary(name)?);
        command.env_remove("KUBECONFIG").current_dir(self.folder);
        arguments(&mut command);
        Process::start(name, command, &self.folder.join("logs").join(format!("{name}.log")))
    }

    fn etcd(&self) -> anyhow::Result<Process> {
        self.run("etcd", |c| {
            c.args(["--data-dir=etcd", "--unsafe-no-fsync", "--log-level=warn", "--snapshot-count=100000"]);
        })
    }

    fn api_server(&self, options: &Options) -> anyhow::Result<Process> {
        self.run("kube-apiserver", |c| {
            c.args([
                "--etcd-servers=http://127.0.0.1:2379",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-key-file=service-account.key",
                "--service-account-signing-key-file=service-account.key",
                "--cert-dir=certs",
                "--token-auth-file=tokens.csv",
                "--client-ca-file=client-ca.crt",
                "--authorization-mode=RBAC",
                "--disable-admission-plugins=ServiceAccount",
                "--allow-privileged",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--kubelet-preferred-address-types=InternalIP",
            ]);
            c.arg(format!("--bind-address={HOST}")).arg(format!("--advertise-address={HOST}"));
            c.arg(format!("--secure-port={API_PORT}"));
            if let Some(issuer) = &options.openid {
                c.arg(format!("--oidc-issuer-url={issuer}"));
                c.args(["--oidc-client-id=tortie", "--oidc-ca-file=client-ca.crt"]);
                c.args(["--oidc-username-claim=name", "--oidc-username-prefix=-"]);
            }
            if options.audit {
                c.args(["--audit-policy-file=audit-policy.yaml", "--audit-log-path=audit.log"]);
                c.arg("--audit-log-mode=blocking");
            }
        })
    }

    fn proxy(&self) -> anyhow::Result<Process> {
        let mut command = self.namespace.command(binary("kubectl")?);
        command.arg("--kubeconfig").arg(cluster_files::path(self.folder, "bed"));
        command.arg("proxy").arg(format!("--address={HOST}")).arg(format!("--port={PROXY_PORT}"));
        command.arg("--accept-hosts=.*").arg("--reject-paths=^$");
        Process::start("kubectl-proxy", command, &self.folder.join("logs/kubectl-proxy.log"))
    }

    fn controller_manager(&self) -> anyhow::Result<Process> {
        self.run("kube-controller-manager", |c| {
            c.arg("--kubeconfig").arg(cluster_files::path(self.folder, "kube-controller-manager"));
            c.arg(format!("--controllers={CONTROLLERS}"));
            c.args([
                "--use-service-account-credentials=false",
                "--leader-elect=false",
                "--secure-port=0",
                "--root-ca-file=certs/apiserver.crt",
                // The kubelets only pretend: nobody renews leases, and silence must not make a node not ready.
                "--node-monitor-grace-period=24h",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
            ]);
        })
    }

    fn scheduler(&self) -> anyhow::Result<Process> {
        self.run("kube-scheduler", |c| {
            c.arg("--kubeconfig").arg(cluster_files::path(self.folder, "kube-scheduler"));
            c.args(["--leader-elect=false", "--secure-port=0", "--kube-api-qps=200", "--kube-api-burst=400"]);
        })
    }

    fn kwok(&self, options: &Options) -> anyhow::Result<Process> {
        self.run("kwok", |c| {
            c.arg("--kubeconfig").arg(cluster_files::path(self.folder, "kwok"));
            c.args(["--manage-all-nodes=true", "--cidr=10.99.64.0/18", "--config=stages.yaml"]);
            c.arg(format!("--node-ip={HOST}"));
            if options.port_forward {
                c.arg(format!("--server-address=0.0.0.0:{KUBELET_PORT}"));
                c.args([
                    "--tls-cert-file=certs/apiserver.crt",
                    "--tls-private-key-file=certs/apiserver.key",
                    "--enable-crds=PortForward,Logs",
                ]);
            }
        })
    }
}
