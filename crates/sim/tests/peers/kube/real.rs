//! A real API server with its etcd on loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::TOKENS;
use super::client::{Answer, Ask, ask_over, connect};

/// The running server; dropping it ends its processes.
pub struct Real {
    folder: tempfile::TempDir,
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    children: Vec<Child>,
}

impl Drop for Real {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn binary(name: &str) -> PathBuf {
    let folder =
        std::env::var_os("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN names the folder of the peers");
    let path = PathBuf::from(folder).join(name);
    assert!(path.exists(), "{} is not there: run `make peers`", path.display());
    path
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn spawn(folder: &Path, name: &str, args: &[String]) -> Child {
    let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
    Command::new(binary(name))
        .args(args)
        .current_dir(folder)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

impl Real {
    /// Starts etcd, the API server and the proxy, and waits until the server is ready.
    pub fn start() -> Real {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let (client, peer, api) = (free_port(), free_port(), free_port());
        let key = Command::new("openssl")
            .args(["genrsa", "-out", "sa.key", "2048"])
            .current_dir(at)
            .output()
            .unwrap();
        assert!(key.status.success(), "openssl: {}", String::from_utf8_lossy(&key.stderr));
        let mut tokens = "admin,admin,1,\"system:masters\"\n".to_owned();
        for (i, (token, user)) in TOKENS.iter().enumerate() {
            tokens.push_str(&format!("{token},{user},{}\n", i + 2));
        }
        std::fs::write(at.join("tokens"), tokens).unwrap();
        let etcd: Vec<String> = [
            "--data-dir=etcd".into(),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
            "--unsafe-no-fsync".into(),
        ]
        .into();
        let server: Vec<String> = [
            format!("--etcd-servers=http://127.0.0.1:{client}"),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            "--service-account-key-file=sa.key".into(),
            "--service-account-signing-key-file=sa.key".into(),
            "--cert-dir=certs".into(),
            "--token-auth-file=tokens".into(),
            "--authorization-mode=RBAC".into(),
            "--disable-admission-plugins=ServiceAccount".into(),
            "--allow-privileged".into(),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=10.99.0.1".into(),
            "--endpoint-reconciler-type=none".into(),
            "--service-cluster-ip-range=10.96.0.0/12".into(),
            format!("--secure-port={api}"),
        ]
        .into();
        let children = vec![spawn(at, "etcd", &etcd), spawn(at, "kube-apiserver", &server)];
        let mut out = Real { folder, address: (Ipv4Addr::LOCALHOST, api).into(), tls: None, children };
        out.wait();
        out
    }

    /// Asks the server.
    pub fn ask(&self, ask: &Ask) -> Answer {
        let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let connection =
            ClientConnection::new(self.tls.clone().expect("a server that is ready"), name).unwrap();
        ask_over(StreamOwned::new(connection, connect(self.address)), ask)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&Ask { method: "GET".into(), path: path.into(), token: "admin".into(), ..Ask::default() })
    }

    /// The authority that the server made for itself, once it is written.
    fn trust(&self) -> Option<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        let file = self.folder.path().join("certs/apiserver.crt");
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_file_iter(file).ok()?.collect::<Result<_, _>>().ok()?;
        roots.add(chain.last()?.clone()).ok()?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
        Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }

    fn wait(&mut self) {
        let until = Instant::now() + Duration::from_secs(180);
        loop {
            if self.tls.is_none() {
                self.tls = self.trust();
            }
            let listens = || std::net::TcpStream::connect(self.address).is_ok();
            // The default namespace comes a moment after the server is ready.
            if self.tls.is_some()
                && listens()
                && self.get("/readyz").status == 200
                && self.get("/api/v1/namespaces/default").status == 200
            {
                return;
            }
            assert!(Instant::now() < until, "the API server is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("kube-apiserver.log")).unwrap_or_default();
        text.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }

    /// Defines a custom kind from the fixtures and gives its definition as the server has it, when it is served.
    pub fn define(&self, name: &str) -> Value {
        let at = self.folder.path().join("definition.yaml");
        std::fs::write(&at, fixture(name)).unwrap();
        let out = Command::new(binary("kubectl"))
            .args([
                "--server",
                &format!("https://{}", self.address),
                "--insecure-skip-tls-verify",
                "--token",
                "admin",
            ])
            .args(["--kubeconfig", "/dev/null", "apply", "--server-side", "-f"])
            .arg(&at)
            .output()
            .unwrap();
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.get(&path);
            let spec = &answer.body["spec"];
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let (version, plural) = (text(&spec["versions"][0]["name"]), text(&spec["names"]["plural"]));
            let served = format!("/apis/{}/{version}/{plural}", text(&spec["group"]));
            if answer.status == 200 && self.get(&served).status == 200 {
                return answer.body;
            }
            assert!(Instant::now() < until, "{name} is not served");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The document of a definition in the fixtures.
fn fixture(name: &str) -> String {
    let folder = PathBuf::from(
        std::env::var_os("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder that holds crds/"),
    )
    .join("crds");
    let (plural, group) = name.split_once('.').unwrap();
    let file = match group {
        "crd.projectcalico.org" => "calico-crd-v1.yaml".to_owned(),
        "projectcalico.org" => "calico-v3.yaml".to_owned(),
        "operator.tigera.io" => "tigera-operator.yaml".to_owned(),
        _ => format!("{group}_{plural}.yaml"),
    };
    let file = folder.join(file);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let named = format!("\n  name: {name}\n");
    let found = text
        .split("\n---")
        .find(|d| d.contains("kind: CustomResourceDefinition") && format!("\n{d}\n").contains(&named));
    found.unwrap_or_else(|| panic!("{}: no definition of {name}", file.display())).to_owned()
}
