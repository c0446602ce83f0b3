//! Real Prometheus with the operator's own configuration, as a pod of the bed's cluster: its token and authority lie where a
//! pod has them, so the configuration needs no change.

use super::found::Found;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tortie_testbed::{Bed, Process, binary};

/// Makes the files of a pod in a mount namespace of the process' own, and becomes it.
const AS_POD: &str = r#"set -e
mount -t tmpfs none /var/run && mount -t tmpfs none /var/log
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount /var/log/prometheus
cp "$0"/* /var/run/secrets/kubernetes.io/serviceaccount/
cp "$0/ca.crt" /run/secrets/x
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=c -days 2 -keyout /run/secrets/k -out /run/secrets/c 2>/dev/null
for file in token; do cp "$0/token" /var/run/$file; done
exec "$@""#;

/// One process.
pub(crate) struct Theirs {
    /// The process itself.
    pub(crate) process: Process,
    address: SocketAddr,
    /// When it was started.
    pub(crate) began: Instant,
}

/// The files of a pod's service account, for all of a bed.
pub(crate) fn account(bed: &Bed, prefix: &str) -> std::path::PathBuf {
    let folder = bed.folder().join(format!("{prefix}account"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("token"), "admin-token").unwrap();
    std::fs::write(folder.join("namespace"), format!("{prefix}monitoring")).unwrap();
    std::fs::copy(bed.folder().join("certs/apiserver.crt"), folder.join("ca.crt")).unwrap();
    folder
}

impl Theirs {
    /// Starts it with a configuration.
    pub(crate) fn start(bed: &Bed, slot: usize, prefix: &str, text: &str) -> Theirs {
        let text = text
            .replace("$(POD_NAME)", "p-0")
            .replace("$(SHARD)", "0")
            .replace("$(INZONE_SHARD)", "0")
            .replace("$(TOPOLOGY_ZONE)", "z1");
        let file = bed.folder().join(format!("{prefix}prometheus.yml"));
        std::fs::write(&file, text).unwrap();
        let address: SocketAddr = format!("127.0.0.1:{}", 20_000 + slot).parse().unwrap();
        let mut command = bed.namespace().command("unshare");
        command
            .args(["--mount", "sh", "-c", AS_POD])
            .arg(account(bed, prefix))
            .arg(binary("prometheus").unwrap());
        command.arg(format!("--config.file={}", file.display())).arg("--log.level=warn");
        command.arg(format!("--web.listen-address={address}"));
        command.arg(format!("--storage.tsdb.path={}", bed.folder().join(format!("{prefix}data")).display()));
        command.env("KUBERNETES_SERVICE_HOST", "10.99.0.1").env("KUBERNETES_SERVICE_PORT", "6443");
        let process = bed.run(&format!("{prefix}prometheus"), command).unwrap();
        Theirs { process, address, began: Instant::now() }
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its active targets; nothing while it does not answer.
    pub(crate) fn targets(&self, bed: &Bed) -> Option<Found> {
        let body = get(bed, self.address, "/api/v1/targets?state=active")?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        let mut found = Found::default();
        for t in answer["data"]["activeTargets"].as_array()? {
            let text = |key: &str| t[key].as_str().unwrap_or("").to_owned();
            let at = [text("scrapeUrl"), text("scrapeInterval"), text("scrapeTimeout")];
            found.add(&text("scrapePool"), &pairs(&t["labels"]), &at, &pairs(&t["discoveredLabels"]));
        }
        Some(found)
    }
}

fn pairs(v: &Value) -> Vec<(&str, &str)> {
    v.as_object().into_iter().flatten().map(|(k, v)| (k.as_str(), v.as_str().unwrap_or(""))).collect()
}

/// The body of an answer with status 200.
pub(crate) fn get(bed: &Bed, address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = bed.namespace().connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split(' ').nth(1).filter(|code| *code == "200")?;
    Some(body.to_owned())
}

/// Whether a folder can be a pod's: mounting is allowed.
pub(crate) fn prove_mounts(bed: &Bed) {
    let status = bed
        .namespace()
        .command("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "none", "/var/log"])
        .status();
    assert!(
        status.is_ok_and(|s| s.success()),
        "mount namespaces are needed (hint: run as root with CAP_SYS_ADMIN)"
    );
    assert!(Path::new("/var/run").exists());
}
